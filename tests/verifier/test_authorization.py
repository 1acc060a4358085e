"""Who calls, and what the caller may do."""

from dataclasses import replace
from typing import Any

import pytest

from mfalab.verifier import Credentials, ServiceError
from mfalab.verifier.authorization import Door, authenticate, authorize


def test_iam_takes_session_credentials_only_with_mfa(company: Any, refused: Any) -> None:
    token = company.enrol()
    company.iam(company.mfa_session(token)).list_mfa_devices()
    with refused(
        "InvalidClientTokenId", "The security token included in the request is invalid.", 403
    ):
        company.iam(company.session()).list_mfa_devices()


def test_session_expires_to_the_second(company: Any, clock: Any, refused: Any) -> None:
    token = company.enrol()
    session = company.session(
        SerialNumber=token.serial, TokenCode=token.code(), DurationSeconds=900
    )
    clock.advance(899.999)
    company.iam(session).list_mfa_devices()
    clock.advance(0.001)
    with refused("ExpiredToken", "The security token included in the request is expired", 403):
        company.iam(session).list_mfa_devices()


def test_wrong_secret_and_wrong_token(company: Any) -> None:

    keys = company.keys["alice"]
    with pytest.raises(ServiceError) as caught:
        company.iam(replace(keys, secret_access_key="x")).get_user()
    assert caught.value.code == "SignatureDoesNotMatch"
    session = company.session()
    with pytest.raises(ServiceError) as caught:
        company.sts(replace(session, session_token="x")).get_caller_identity()
    assert caught.value.code == "InvalidClientTokenId"


def test_keys_and_other_sessions_do_not_open_the_console(company: Any, refused: Any) -> None:
    for credentials in (company.keys["ada"], company.session("ada")):
        assert isinstance(credentials, Credentials)
        with refused(
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            403,
        ):
            company.console.users(credentials)


@pytest.fixture
def caller(company: Any) -> Any:
    """Makes the caller that some credentials stand for."""

    def call(credentials: Credentials) -> Any:
        with company.store.transaction() as tx:
            return authenticate(tx, credentials, company.clock.ns, Door.STS)

    return call


USER = "arn:aws:iam::123456789012:user/alice"
FOREIGN = "arn:aws:iam::210987654321:user/alice"


@pytest.mark.parametrize(
    ("who", "action", "resource", "own", "allowed"),
    [
        ("ada", "iam:DeleteUser", USER, False, True),
        ("root", "iam:DeleteUser", USER, False, True),
        ("ada", "iam:DeleteUser", FOREIGN, False, False),
        ("alice", "iam:DeleteUser", USER, True, False),
        ("alice", "iam:EnableMFADevice", USER, True, True),
        ("alice", "iam:EnableMFADevice", USER, False, False),
        ("alice", "iam:ListUsers", "*", False, True),
    ],
)
def test_who_may_do_what(
    company: Any, caller: Any, who: str, action: str, resource: str, own: bool, allowed: bool
) -> None:
    alice = caller(company.keys[who])
    if allowed:
        authorize(alice, action, resource, own=own)
        return
    with pytest.raises(ServiceError) as caught:
        authorize(alice, action, resource, own=own)
    assert caught.value.code == "AccessDenied"


def test_names_of_callers_are_compared_without_case(company: Any, caller: Any) -> None:
    assert caller(company.keys["alice"]).is_user("ALICE")
    assert not caller(company.keys["alice"]).is_user("alic")


def test_last_use_of_an_access_key_is_written_once_in_fifteen_minutes(
    company: Any, clock: Any
) -> None:
    def last_used() -> int:
        keys = company.everything()["AccessKey"]
        (key,) = [key for key in keys if key.id == company.keys["alice"].access_key_id]
        return int(key.uses[-1][0])

    first_ns = clock.ns
    for seconds, expected_ns in ((0, first_ns), (899, first_ns), (1, first_ns + 900 * 10**9)):
        clock.advance(seconds)
        company.iam("alice").get_user()
        assert last_used() == expected_ns
