"""The account's password policy and its alias."""

from typing import Any

import pytest

from mfalab.verifier import ServiceError

ACCOUNT = "123456789012"
NO_POLICY = (
    "NoSuchEntity",
    f"The Password Policy with domain name {ACCOUNT} cannot be found.",
    404,
)


def policy(company: Any) -> dict[str, Any]:
    return dict(company.iam("alice").get_account_password_policy()["PasswordPolicy"])


def test_what_is_left_out_goes_back_to_its_default(company: Any) -> None:
    ada = company.iam("ada")
    everything: dict[str, Any] = {
        "MinimumPasswordLength": 14,
        "RequireSymbols": True,
        "RequireNumbers": True,
        "RequireUppercaseCharacters": True,
        "RequireLowercaseCharacters": True,
        "AllowUsersToChangePassword": True,
        "MaxPasswordAge": 90,
        "PasswordReusePrevention": 24,
        "HardExpiry": True,
    }
    assert ada.update_account_password_policy(**everything) == {}
    assert policy(company) == everything | {"ExpirePasswords": True}
    ada.update_account_password_policy(RequireNumbers=True)
    assert policy(company) == {
        "MinimumPasswordLength": 6,
        "RequireSymbols": False,
        "RequireNumbers": True,
        "RequireUppercaseCharacters": False,
        "RequireLowercaseCharacters": False,
        "AllowUsersToChangePassword": False,
        "ExpirePasswords": False,
        "HardExpiry": False,
    }


def test_without_one(company: Any, refused: Any) -> None:
    for operation in ("get", "delete"):
        with refused(*NO_POLICY):
            getattr(company.iam("ada"), f"{operation}_account_password_policy")()
    company.iam("ada").update_account_password_policy()
    assert company.iam("ada").delete_account_password_policy() == {}
    with refused(*NO_POLICY):
        policy(company)


def test_policy_holds_for_the_accounts_users(company: Any, refused: Any) -> None:
    company.iam("ada").update_account_password_policy(
        MinimumPasswordLength=20, AllowUsersToChangePassword=True
    )
    change = {"OldPassword": "alice pw", "NewPassword": "Nineteen characters"}
    with refused(
        "PasswordPolicyViolation",
        "Password does not conform to the account password policy.",
        400,
    ):
        company.iam("alice").change_password(**change)
    company.iam("alice").change_password(**change | {"NewPassword": "twenty characters it"})


def test_alias(company: Any, refused: Any) -> None:
    ada = company.iam("ada")
    assert ada.list_account_aliases() == {"AccountAliases": [], "IsTruncated": False}
    ada.create_account_alias(AccountAlias="example-co")
    ada.create_account_alias(AccountAlias="example")  # in place of the first
    assert ada.list_account_aliases()["AccountAliases"] == ["example"]
    assert company.console.sign_in("example", "alice", "alice pw").identity_id
    with refused("NoSuchEntity", "The account alias example-co cannot be found.", 404):
        ada.delete_account_alias(AccountAlias="example-co")
    company.verifier.create_account(
        "999999999999", root_email="o@o.example", root_password="o", alias="other"
    )
    with refused("EntityAlreadyExists", "The account alias other already exists.", 409):
        ada.create_account_alias(AccountAlias="other")
    ada.create_account_alias(AccountAlias="example")  # its own
    ada.delete_account_alias(AccountAlias="example")
    assert ada.list_account_aliases()["AccountAliases"] == []


@pytest.mark.parametrize("alias", ["ab", "a" * 64, "-ab", "ab-", "a--b", "Ab1"])
def test_alias_of_the_wrong_shape(company: Any, alias: str) -> None:
    with pytest.raises(ServiceError, match="validation error"):
        company.iam("ada").create_account_alias(AccountAlias=alias)


@pytest.mark.parametrize(
    "operation",
    ["update_account_password_policy", "delete_account_password_policy", "list_account_aliases"],
)
def test_plain_users_do_not_manage_the_account(company: Any, operation: str) -> None:
    with pytest.raises(ServiceError, match="not authorized to perform: iam:"):
        getattr(company.iam("alice"), operation)()
