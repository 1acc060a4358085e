"""The console's sign-in pages: what is shown, what is remembered, how a sign-in ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mfalab.verifier import authorization, names, refusals, rules, security_keys, sessions, sms
from mfalab.verifier.authorization import Credentials
from mfalab.verifier.calls import Call, Refused
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.moments import SECOND_NS
from mfalab.verifier.records import (
    Account,
    Budget,
    Device,
    DeviceKind,
    Identity,
    SessionKind,
    SignIn,
)
from mfalab.verifier.sessions import MfaProof
from mfalab.verifier.trail import MFA_TYPES, TrailEvent


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A finished sign-in."""

    credentials: Credentials
    """For the console's pages, and for the API on the console's behalf."""
    identity_id: str
    mfa: bool
    mfa_serial: str | None


@dataclass(frozen=True, slots=True)
class SecondPage:
    """The page that asks for MFA."""

    id: str
    kinds: tuple[DeviceKind, ...]
    """What may be chosen. Empty if all that the identity has is of no use any more."""
    chosen: DeviceKind | None
    """The kind whose prompt is shown; None while the choice is open."""
    resync_offered: bool
    failures: int
    assertion_options: dict[str, Any] | None = None
    """What the security keys are asked: `PublicKeyCredentialRequestOptionsJSON`. Its challenge is
    good for one answer; choosing security keys again shows another."""


def open_page(call: Call, identity: Identity) -> SecondPage:
    """The second page after the password; a single kind of device is prompted for at once."""
    sign_in = SignIn(names.unique_id("PAGE", call.random_bytes), identity.id, call.now_ns)
    devices = rules.sign_in_devices(call.tx, identity, call.profile)
    call.tx.insert(sign_in)
    mfa_type = MFA_TYPES[devices[0].kind] if len(devices) == 1 else "Multiple MFA Devices"
    record(call, "CheckMfa", identity, {"MfaType": mfa_type})
    kinds = _kinds(devices)
    return choose(call, sign_in, identity, kinds[0]) if len(kinds) == 1 else show(call, sign_in)


def choose(call: Call, sign_in: SignIn, identity: Identity, kind: DeviceKind) -> SecondPage:
    """Show the prompt for a kind of device; SMS codes leave at once, keys get a new challenge."""
    devices = devices_of_kind(call, identity, kind)
    if not devices:
        raise refusals.kind_not_offered(kind)
    sign_in = replace(sign_in, chosen=kind)
    call.tx.update(sign_in)
    if kind is DeviceKind.SMS:
        sms.send_code(call, devices[0])
    page = show(call, sign_in)
    if kind is DeviceKind.FIDO:
        options = security_keys.begin_authentication(call, identity, sign_in.id)
        page = replace(page, assertion_options=options)
    return page


def show(call: Call, sign_in: SignIn) -> SecondPage:
    """The page as it is now."""
    identity = call.tx.get(Identity, sign_in.identity_id)
    assert identity is not None
    return SecondPage(
        sign_in.id,
        _kinds(rules.sign_in_devices(call.tx, identity, call.profile)),
        sign_in.chosen,
        resync_offered(call, sign_in, identity),
        sign_in.failures,
    )


def resync_offered(call: Call, sign_in: SignIn, identity: Identity) -> bool:
    """Root finds it under "Troubleshoot MFA" at any time, users after repeated refusals."""
    return identity.root or sign_in.failures >= call.profile.console_resync_offered_after


def find(call: Call, page_id: str) -> tuple[SignIn, Identity]:
    """An open page and whose it is.

    Raises:
        ServiceError: the page is unknown, used or too old, or its sign-in is locked.
    """
    sign_in = call.tx.get(SignIn, page_id)
    if sign_in is None or sign_in.closed:
        raise refusals.page_gone()
    lifetime_ns = call.profile.sign_in_page_lifetime_s * SECOND_NS
    identity = call.tx.get(Identity, sign_in.identity_id)
    if identity is None or call.now_ns - sign_in.started_ns > lifetime_ns:
        raise refusals.page_gone()
    check_lock(call, identity)
    return sign_in, identity


def devices_of_kind(call: Call, identity: Identity, kind: DeviceKind) -> list[Device]:
    """The devices by which the identity may sign in, of one kind."""
    devices = rules.sign_in_devices(call.tx, identity, call.profile)
    return [device for device in devices if device.kind is kind]


def check_lock(call: Call, identity: Identity) -> None:
    """Refuse an identity whose sign-in is locked."""
    failed = call.tx.get(Budget, identity.id)
    if failed is not None and call.now_ns < failed.blocked_until_ns:
        raise refusals.sign_in_locked()


def fail(call: Call, sign_in: SignIn, identity: Identity, refusal: ServiceError) -> Refused:
    """Count a refused code; after so many in a row, where the profile says so, lock."""
    call.tx.update(replace(sign_in, failures=sign_in.failures + 1))
    failed = call.tx.get(Budget, identity.id) or Budget(identity.id)
    failures = failed.failures + 1
    limit = call.profile.console_locked_after
    if limit is not None and failures >= limit:
        blocked_until_ns = call.now_ns + call.profile.console_lock_s * SECOND_NS
        call.tx.update(Budget(identity.id, blocked_until_ns=blocked_until_ns))
    else:
        call.tx.update(replace(failed, failures=failures))
    record_failure(call, identity, mfa_used=True)
    return Refused(refusal)


def finish(
    call: Call, identity: Identity, proof: MfaProof, sign_in: SignIn | None = None
) -> SignedIn:
    """Sign in: begin the session, close the page, forget the failures."""
    tx = call.tx
    if sign_in is not None:
        tx.update(replace(sign_in, closed=True))
        failed = tx.get(Budget, identity.id)
        if failed is not None:
            tx.delete(failed)
    tx.update(replace(identity, password_last_used_ns=call.now_ns))
    session = sessions.issue(
        call, SessionKind.CONSOLE, identity, call.profile.console_session_s, proof
    )
    mfa = proof.ns is not None
    additional = {"MFAUsed": "Yes" if mfa else "No"}
    if proof.serial is not None:
        additional["MFAIdentifier"] = proof.serial
    record(call, "ConsoleLogin", identity, additional)
    return SignedIn(sessions.credentials_of(session), identity.id, mfa, proof.serial)


def record_failure(call: Call, identity: Identity | None, *, mfa_used: bool) -> None:
    """Put a failed sign-in on the trail."""
    additional = {"MFAUsed": "Yes" if mfa_used else "No"}
    record(call, "ConsoleLogin", identity, additional, error="Failed authentication")


def record(
    call: Call,
    name: str,
    identity: Identity | None,
    additional: dict[str, str],
    error: str | None = None,
) -> None:
    """Put a sign-in event on the trail; who an unknown name meant is hidden, as CloudTrail does."""
    fields: dict[str, Any] = {
        "eventSource": "signin.amazonaws.com",
        "eventType": "AwsConsoleSignIn",
        "userIdentity": _user_identity(call, identity),
        "responseElements": {name: "Success" if error is None else "Failure"},
        "additionalEventData": additional,
    }
    if error is not None:
        fields["errorMessage"] = error
    call.observe(TrailEvent(name, call.now_ns, fields))


def _user_identity(call: Call, identity: Identity | None) -> dict[str, Any]:
    if identity is None:
        return {"type": "IAMUser", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}
    account: Account = authorization.account_of(call.tx, identity.account_id)
    fields = {
        "type": "Root" if identity.root else "IAMUser",
        "arn": names.identity_arn(account, identity),
        "accountId": account.id,
    }
    if not identity.root:
        fields["userName"] = identity.name
    return fields


def _kinds(devices: list[Device]) -> tuple[DeviceKind, ...]:
    present = {device.kind for device in devices}
    return tuple(kind for kind in DeviceKind if kind in present)
