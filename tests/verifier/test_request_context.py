"""What policies see of a request: keys that are there, false, or absent."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mfalab.verifier import AWS_OBSERVED
from mfalab.verifier.records import Account, Identity, Role, Session, SessionKind
from mfalab.verifier.request_context import (
    MfaContext,
    mfa_context,
    principal_context,
    request_context,
)

NOW_NS = int(datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC).timestamp()) * 10**9
ACCOUNT = Account("123456789012", "aws", None, "root@example.com", None, True, 0)
ROOT = Identity(ACCOUNT.id, ACCOUNT.id, "", "", "/", True, None, 0)
ALICE = Identity("AIDA1", ACCOUNT.id, "Alice", "alice", "/x/", False, None, 0, tags=(("t", "a"),))
ROLE = Role("AROA1", ACCOUNT.id, "Ops", "ops", "/y/", "{}", 3600, 0, tags=(("t", "b"), ("u", "")))
COMMON = {
    "aws:PrincipalAccount": ACCOUNT.id,
    "aws:CurrentTime": "2026-03-02T09:00:01Z",
    "aws:EpochTime": "1772442001",
    "aws:SecureTransport": "true",
    "aws:ViaAWSService": "false",
}


def session(kind: SessionKind, mfa_s: int | None = None, **more: Any) -> Session:
    began = NOW_NS - 60 * 10**9
    mfa_ns = None if mfa_s is None else NOW_NS - mfa_s * 10**9
    role = kind is SessionKind.ROLE
    return Session(
        "ASIA1",
        "s",
        "t",
        kind,
        "AIDA1",
        "AROA1" if role else None,
        "shift" if role else None,
        began,
        NOW_NS,
        mfa_ns,
        **more,
    )


@pytest.mark.parametrize(
    ("kind", "mfa_s", "keys"),
    [
        (None, None, {}),
        (SessionKind.SESSION_TOKEN, None, {"aws:MultiFactorAuthPresent": "false"}),
        (
            SessionKind.SESSION_TOKEN,
            59,
            {"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "59"},
        ),
        (SessionKind.CONSOLE, None, {"aws:MultiFactorAuthPresent": "false"}),
        (
            SessionKind.CONSOLE,
            0,
            {"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "0"},
        ),
        (SessionKind.ROLE, 59, {"aws:MultiFactorAuthPresent": "false"}),
    ],
)
def test_keys_of_mfa(kind: SessionKind | None, mfa_s: int | None, keys: dict[str, str]) -> None:
    given = None if kind is None else session(kind, mfa_s)
    assert dict(mfa_context(given, NOW_NS, AWS_OBSERVED).keys()) == keys


def test_user() -> None:
    assert principal_context(ACCOUNT, ALICE, None, None, NOW_NS, MfaContext(None, None)) == {
        **COMMON,
        "aws:PrincipalType": "User",
        "aws:PrincipalArn": "arn:aws:iam::123456789012:user/x/Alice",
        "aws:userid": "AIDA1",
        "aws:username": "Alice",
        "aws:PrincipalTag/t": "a",
    }


def test_root_has_no_user_name() -> None:
    assert principal_context(ACCOUNT, ROOT, None, None, NOW_NS, MfaContext(None, None)) == {
        **COMMON,
        "aws:PrincipalType": "Account",
        "aws:PrincipalArn": "arn:aws:iam::123456789012:root",
        "aws:userid": ACCOUNT.id,
    }


def test_role_session_is_known_by_its_role() -> None:
    """Its tags stand over the role's; who assumed the role is not seen, but by source identity."""
    given = session(SessionKind.ROLE, tags=(("t", "c"),), source_identity="alice")
    seen = principal_context(ACCOUNT, ALICE, ROLE, given, NOW_NS, MfaContext(False, None))
    assert seen == {
        **COMMON,
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalArn": "arn:aws:iam::123456789012:role/y/Ops",
        "aws:userid": "AROA1:shift",
        "aws:MultiFactorAuthPresent": "false",
        "aws:PrincipalTag/t": "c",
        "aws:PrincipalTag/u": "",
        "aws:TokenIssueTime": "2026-03-02T08:59:01Z",
        "aws:SourceIdentity": "alice",
    }


def test_what_is_asked_for() -> None:
    assert request_context({"UserName": "alice"}) == {}
    assert request_context({"Tags": [{"Key": "t", "Value": "a"}, {"Key": "u", "Value": ""}]}) == {
        "aws:TagKeys": ("t", "u"),
        "aws:RequestTag/t": "a",
        "aws:RequestTag/u": "",
    }
    assert request_context({"TagKeys": ["t"]}) == {"aws:TagKeys": ("t",)}
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert request_context({"PolicyArn": arn, "PermissionsBoundary": arn}) == {
        "iam:PolicyARN": arn,
        "iam:PermissionsBoundary": arn,
    }
