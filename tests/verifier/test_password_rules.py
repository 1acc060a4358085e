"""Which passwords an account takes."""

from dataclasses import replace
from typing import Any

import pytest

from mfalab.verifier import ServiceError, password_rules
from mfalab.verifier.records import PasswordPolicy

ACCOUNT = "123456789012"
LAX = PasswordPolicy(
    account_id=ACCOUNT,
    minimum_length=6,
    symbols=False,
    numbers=False,
    uppercase=False,
    lowercase=False,
    users_may_change=False,
    maximum_age_days=None,
    reuse_prevention=None,
    hard_expiry=False,
)


def accepts(company: Any, password: str) -> bool:
    """Set it for a user; the account's rule is the only reason for a refusal."""
    try:
        company.iam("ada").update_login_profile(UserName="alice", Password=password)
    except ServiceError as error:
        if error.code != "PasswordPolicyViolation":
            raise
        return False
    return True


def set_policy(company: Any, **fields: Any) -> None:
    with company.store.transaction() as tx:
        tx.update(replace(LAX, **fields))


@pytest.mark.parametrize(
    ("password", "right"),
    [
        ("Abcdefg1", True),
        ("abcdefg1", False),  # two kinds
        ("abcdef1!", True),
        ("ABCDEF1!", True),
        ("Abcdef1", False),  # seven characters
        ("Äbcdefg1", False),  # only A to Z count as upper case
        (ACCOUNT, False),
        ("root@example.com", False),
    ],
)
def test_default_of_an_account_without_a_policy(company: Any, password: str, right: bool) -> None:
    assert accepts(company, password) is right


@pytest.mark.parametrize(
    ("asked", "wrong", "right"),
    [
        ({}, "abcde", "abcdef"),
        ({"minimum_length": 14}, "a" * 13, "a" * 14),
        ({"symbols": True}, "abcdef;", "abcdef|"),
        ({"numbers": True}, "abcdef", "abcdef0"),
        ({"uppercase": True}, "abcdefÄ", "abcdefZ"),
        ({"lowercase": True}, "ABCDEFß", "ABCDEFz"),
    ],
)
def test_policy_asks_one_thing(company: Any, asked: Any, wrong: str, right: str) -> None:
    set_policy(company, **asked)
    assert not accepts(company, wrong)
    assert accepts(company, right)


def test_former_passwords_are_remembered(company: Any) -> None:
    set_policy(company, reuse_prevention=2)
    assert not accepts(company, "alice pw")  # the present one
    assert accepts(company, "second pw")
    assert not accepts(company, "alice pw")
    assert accepts(company, "third pw")
    assert accepts(company, "alice pw")  # two others came since
    assert not accepts(company, "third pw")


def test_roots_password_follows_no_age(company: Any) -> None:
    identities = {identity.id: identity for identity in company.everything()["Identity"]}
    old = replace(LAX, maximum_age_days=90)
    alice, root = identities[company.ids["alice"]], identities[ACCOUNT]
    assert password_rules.expires_ns(old, alice) == alice.created_ns + 90 * 86_400 * 10**9
    assert password_rules.expires_ns(old, root) is None
    assert password_rules.expires_ns(LAX, alice) is None
    assert password_rules.expires_ns(None, alice) is None
