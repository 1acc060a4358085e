"""How a sign-in to the console ends: a session or a counted failure, and CloudTrail's record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mfalab.verifier import authorization, names, refusals, sessions
from mfalab.verifier.authorization import Credentials
from mfalab.verifier.calls import Call, Refused
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.moments import SECOND_NS
from mfalab.verifier.records import Account, Budget, Identity, SessionKind, SignIn
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
