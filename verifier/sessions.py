"""Temporary credentials: issuing them, and what they say about MFA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mfalab.verifier import names
from mfalab.verifier.authorization import Caller, Credentials
from mfalab.verifier.calls import Call
from mfalab.verifier.moments import SECOND_NS
from mfalab.verifier.profile import Profile, RoleCredentialsMfa
from mfalab.verifier.records import Identity, Role, Session, SessionKind


@dataclass(frozen=True, slots=True)
class MfaContext:
    """The condition keys `aws:MultiFactorAuthPresent` and `aws:MultiFactorAuthAge`.

    None means that the key is absent, which is not the same as false.
    """

    present: bool | None
    age_s: int | None


class Passed(NamedTuple):
    """What a caller gives a session on its way."""

    policies: tuple[str, ...] = ()
    """Documents of session policies."""
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str | None = None
    token_size: int = 0
    """Bytes that the session token must at least have."""


class MfaProof(NamedTuple):
    """When MFA was proved, and by which device; both None when it was not."""

    ns: int | None = None
    serial: str | None = None


def issue(
    call: Call,
    kind: SessionKind,
    identity: Identity,
    duration_s: int,
    proof: MfaProof,
    role: Role | None = None,
    session_name: str | None = None,
    passed: Passed = Passed(),  # noqa: B008 - it is immutable
) -> Session:
    """Make temporary credentials. They live until they expire, also without the device."""
    session = Session(
        access_key_id=names.access_key_id("ASIA", call.random_bytes),
        secret=names.secret_access_key(call.random_bytes),
        token=names.session_token(call.random_bytes, passed.token_size),
        kind=kind,
        identity_id=identity.id,
        role_id=role.id if role else None,
        session_name=session_name,
        issued_ns=call.now_ns,
        expires_ns=call.now_ns + duration_s * SECOND_NS,
        mfa_ns=proof.ns,
        mfa_serial=proof.serial,
        policies=passed.policies,
        tags=passed.tags,
        transitive_tag_keys=passed.transitive_tag_keys,
        source_identity=passed.source_identity,
    )
    call.tx.insert(session)
    return session


def credentials_of(session: Session) -> Credentials:
    """The credentials of a session."""
    return Credentials(session.access_key_id, session.secret, session.token)


def mfa_context(caller: Caller, now_ns: int, profile: Profile) -> MfaContext:
    """What policies see of MFA when this caller makes a request."""
    session = caller.session
    if session is None:
        return MfaContext(None, None)
    if (
        session.kind is SessionKind.ROLE
        and profile.role_credentials_mfa is not RoleCredentialsMfa.INHERITED
    ):
        absent = profile.role_credentials_mfa is RoleCredentialsMfa.ABSENT
        return MfaContext(None if absent else False, None)
    if session.mfa_ns is None or (caller.root and not _counts_for_root(session, profile)):
        return MfaContext(False, None)
    return MfaContext(True, (now_ns - session.mfa_ns) // SECOND_NS)


def _counts_for_root(session: Session, profile: Profile) -> bool:
    """Whether MFA that root proved is seen by policies; at the console it always is."""
    return session.kind is not SessionKind.SESSION_TOKEN or profile.root_session_mfa
