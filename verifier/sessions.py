"""Temporary credentials, and when MFA was proved for them."""

from __future__ import annotations

from typing import NamedTuple

from mfalab.verifier import names
from mfalab.verifier.authorization import Credentials
from mfalab.verifier.calls import Call
from mfalab.verifier.moments import SECOND_NS
from mfalab.verifier.records import Identity, Role, Session, SessionKind


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
