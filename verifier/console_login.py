"""How a sign-in to the console ends: a session or a counted failure, and CloudTrail's record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mfalab.verifier import (
    authorization,
    device_rules,
    names,
    password_rules,
    refusals,
    sessions,
)
from mfalab.verifier.authorization import Credentials
from mfalab.verifier.calls import Call, Refused
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.moments import SECOND_NS
from mfalab.verifier.records import (
    Account,
    Budget,
    Demand,
    DeviceKind,
    Identity,
    SessionKind,
    SignIn,
)
from mfalab.verifier.sessions import MfaProof
from mfalab.verifier.trail import TrailEvent


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A finished sign-in."""

    credentials: Credentials
    """For the console's pages, and for the API on the console's behalf."""
    identity_id: str
    mfa: bool
    mfa_serial: str | None
    mfa_due_ns: int | None = None
    """Until when this root user may sign in without an MFA device, if the profile asks for one."""


@dataclass(frozen=True, slots=True)
class SecondPage:
    """The page after the password. Mostly it asks for MFA."""

    id: str
    kinds: tuple[DeviceKind, ...] = ()
    """The kinds on offer. Empty if no device of the identity can be used any more."""
    chosen: DeviceKind | None = None
    """The kind whose prompt is shown; None while the choice is open."""
    resync_offered: bool = False
    failures: int = 0
    assertion_options: dict[str, Any] | None = None
    """The request to security keys: `PublicKeyCredentialRequestOptionsJSON`. Its challenge is
    valid for one answer; choosing security keys again gives another."""
    demand: Demand = Demand.MFA
    """What is asked for: MFA, the code in a mail (`submit_mail_code`), a new password
    (`set_password`), which follows MFA, or that root registers an MFA device and signs in again."""
    enrolment: Credentials | None = None
    """What root registers that device with."""


def find(call: Call, page_id: str, demand: Demand) -> tuple[SignIn, Identity]:
    """An open page that asks for this, and its identity.

    Raises:
        ServiceError: the page is unknown, used, too old or another one, or its sign-in is locked.
    """
    sign_in = call.tx.get(SignIn, page_id)
    if sign_in is None or sign_in.closed or sign_in.demand is not demand:
        raise refusals.page_gone()
    lifetime_ns = call.profile.sign_in_page_lifetime_s * SECOND_NS
    identity = call.tx.get(Identity, sign_in.identity_id)
    if identity is None or call.now_ns - sign_in.started_ns > lifetime_ns:
        raise refusals.page_gone()
    check_lock(call, identity)
    return sign_in, identity


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


def check_mfa(call: Call, identity: Identity, proof: MfaProof) -> None:
    """Refuse a page without MFA of an identity that has been given a device since it was opened."""
    if proof.ns is None and device_rules.sign_in_devices(call.tx, identity, call.profile):
        raise refusals.page_gone()


def finish(
    call: Call, identity: Identity, proof: MfaProof, sign_in: SignIn | None = None
) -> SignedIn | SecondPage:
    """What follows the password and MFA: the session, unless something else is due first.

    That is a new password, or root's MFA device.
    """
    if sign_in is not None:
        failed = call.tx.get(Budget, identity.id)
        if failed is not None:
            call.tx.delete(failed)
    policy = password_rules.policy_of(call, identity.account_id)
    expires_ns = password_rules.expires_ns(policy, identity)
    expired = expires_ns is not None and expires_ns <= call.now_ns
    if expired and policy is not None and policy.hard_expiry:
        record_failure(call, identity, mfa_used=proof.ns is not None)
        raise Refused(refusals.password_expired())
    if expired or identity.password_reset_required:
        page = sign_in or new_page(call, identity, Demand.NEW_PASSWORD)
        kept = replace(page, demand=Demand.NEW_PASSWORD, mfa_ns=proof.ns, mfa_serial=proof.serial)
        call.tx.update(kept)
        return SecondPage(kept.id, demand=kept.demand)
    due_ns = _mfa_due_ns(call, identity)
    if due_ns is not None and call.now_ns >= due_ns:
        return _ask_for_a_device(call, identity, sign_in)
    return replace(begin_session(call, identity, proof, sign_in), mfa_due_ns=due_ns)


def _mfa_due_ns(call: Call, identity: Identity) -> int | None:
    """Until when a root user without a device may sign in; None if no device is required.

    The grace begins with the first sign-in since devices are required.
    """
    required_ns = call.profile.root_mfa_required_from_ns
    if not identity.root or required_ns is None or call.now_ns < required_ns:
        return None
    if device_rules.devices_of(call.tx, identity.id):
        return None
    account = authorization.account_of(call.tx, identity.account_id)
    asked_ns = account.root_mfa_asked_ns
    if asked_ns is None:
        asked_ns = call.now_ns
        call.tx.update(replace(account, root_mfa_asked_ns=asked_ns))
    return asked_ns + call.profile.root_mfa_grace_s * SECOND_NS


def _ask_for_a_device(call: Call, root: Identity, sign_in: SignIn | None) -> SecondPage:
    """End the sign-in at the page where root registers a device."""
    page = sign_in or new_page(call, root, Demand.ENROLMENT)
    call.tx.update(replace(page, demand=Demand.ENROLMENT))
    lifetime_s = call.profile.sign_in_page_lifetime_s
    session = sessions.issue(call, SessionKind.ENROLMENT, root, lifetime_s, MfaProof())
    credentials = sessions.credentials_of(session)
    return SecondPage(page.id, demand=Demand.ENROLMENT, enrolment=credentials)


def new_page(call: Call, identity: Identity, demand: Demand) -> SignIn:
    """Open a page."""
    page_id = names.unique_id("PAGE", call.random_bytes)
    sign_in = SignIn(page_id, identity.id, call.now_ns, demand=demand)
    call.tx.insert(sign_in)
    return sign_in


def begin_session(
    call: Call, identity: Identity, proof: MfaProof, sign_in: SignIn | None = None
) -> SignedIn:
    """Sign in: begin the session, and close the page."""
    tx = call.tx
    if sign_in is not None:
        tx.update(replace(sign_in, closed=True))
    if _is_new_use(call, identity.password_last_used_ns):
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


def _is_new_use(call: Call, last_ns: int | None) -> bool:
    """Whether the password's last use moves: in so many seconds only the first use counts."""
    interval_ns = call.profile.password_last_used_interval_s * SECOND_NS
    return last_ns is None or not 0 <= call.now_ns - last_ns < interval_ns


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
