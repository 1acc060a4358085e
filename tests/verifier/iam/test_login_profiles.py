"""Login profiles, and how users change their passwords."""

from typing import Any

import pytest

from mfalab.verifier import ServiceError
from mfalab.verifier.console_login import SignedIn

ACCOUNT = "123456789012"
WEAK = ("PasswordPolicyViolation", "Password does not conform to the account password policy.", 400)
MISSING = ("NoSuchEntity", "Login Profile for User carol cannot be found.", 404)


@pytest.fixture
def ada(company: Any) -> Any:
    iam = company.iam("ada")
    iam.create_user(UserName="carol")
    return iam


def signs_in(company: Any, name: str, password: str) -> bool:
    try:
        return isinstance(company.console.sign_in(ACCOUNT, name, password), SignedIn)
    except ServiceError as error:
        if error.code != "FailedAuthentication":
            raise
        return False


def test_life_of_a_login_profile(company: Any, clock: Any, ada: Any, refused: Any) -> None:
    with refused(*MISSING):
        ada.get_login_profile(UserName="carol")
    with refused(*MISSING):
        ada.update_login_profile(UserName="carol", Password="Correct horse 1")
    made = ada.create_login_profile(UserName="carol", Password="Correct horse 1")
    profile = made["LoginProfile"]
    assert profile["CreateDate"].isoformat() == "2026-03-02T09:00:00+00:00"
    assert (profile["UserName"], profile["PasswordResetRequired"]) == ("carol", False)
    assert signs_in(company, "carol", "Correct horse 1")
    with refused("EntityAlreadyExists", "Login Profile for user carol already exists.", 409):
        ada.create_login_profile(UserName="carol", Password="Correct horse 1")
    clock.advance(3600)
    assert ada.update_login_profile(UserName="carol", Password="Another horse 2") == {}
    assert not signs_in(company, "carol", "Correct horse 1")
    assert signs_in(company, "carol", "Another horse 2")
    assert ada.get_login_profile(UserName="carol") == made
    assert ada.delete_login_profile(UserName="carol") == {}
    with refused(*MISSING):
        ada.delete_login_profile(UserName="carol")
    assert not signs_in(company, "carol", "Another horse 2")


def test_password_is_needed(ada: Any, refused: Any) -> None:
    with refused(
        "ValidationError",
        "1 validation error detected: Value null at 'password' failed to satisfy constraint: "
        "Member must not be null",
        400,
    ):
        ada.create_login_profile(UserName="carol")


def test_reset_flag_stays_until_it_is_changed(ada: Any) -> None:
    def flag() -> bool:
        return bool(
            ada.get_login_profile(UserName="carol")["LoginProfile"]["PasswordResetRequired"]
        )

    ada.create_login_profile(
        UserName="carol", Password="Correct horse 1", PasswordResetRequired=True
    )
    assert flag()
    ada.update_login_profile(UserName="carol", Password="Another horse 2")
    assert flag()
    ada.update_login_profile(UserName="carol", PasswordResetRequired=False)
    assert not flag()


def test_own_password(company: Any, ada: Any, refused: Any) -> None:
    alice = company.iam("alice")
    with refused("AccessDenied", "The old password was incorrect.", 403):
        alice.change_password(OldPassword="guess", NewPassword="Correct horse 1")
    with refused(*WEAK):
        alice.change_password(OldPassword="alice pw", NewPassword="short")
    assert signs_in(company, "alice", "alice pw")
    ada.update_login_profile(UserName="alice", PasswordResetRequired=True)
    assert alice.change_password(OldPassword="alice pw", NewPassword="Correct horse 1") == {}
    assert signs_in(company, "alice", "Correct horse 1")
    shown = ada.get_login_profile(UserName="alice")["LoginProfile"]
    assert not shown["PasswordResetRequired"]


def test_only_users_have_own_passwords(company: Any, refused: Any) -> None:
    with refused("InvalidUserType", "Only IAM Users can change their own password", 400):
        company.iam("root").change_password(OldPassword="root pw", NewPassword="Correct horse 1")


def test_no_password_to_change(company: Any, ada: Any, refused: Any) -> None:
    ada.delete_login_profile(UserName="alice")
    with refused("NoSuchEntity", "Login Profile for User alice cannot be found.", 404):
        company.iam("alice").change_password(OldPassword="x", NewPassword="Correct horse 1")


def test_password_is_not_on_the_trail(company: Any, ada: Any) -> None:
    ada.create_login_profile(UserName="carol", Password="Correct horse 1")
    company.iam("alice").change_password(OldPassword="alice pw", NewPassword="Correct horse 2")
    for name in ("CreateLoginProfile", "ChangePassword"):
        (event,) = company.trail(name)
        assert "horse" not in str(event)
        assert "alice pw" not in str(event)


@pytest.mark.parametrize("operation", ["create", "get", "update", "delete"])
def test_plain_users_do_not_manage_passwords(company: Any, operation: str) -> None:
    with pytest.raises(ServiceError, match="not authorized to perform: iam:"):
        getattr(company.iam("alice"), f"{operation}_login_profile")(UserName="bob")
