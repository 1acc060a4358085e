"""Furnishing the verifier with accounts, people, roles and tokens."""

import base64
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from mfalab.verifier import Iam, ServiceError, TokenSeed
from mfalab.verifier.store.protocol import Conflict


def test_fault_of_an_unknown_operation_is_an_error(company: Any) -> None:
    with pytest.raises(ValueError, match="no operation 'EnableMfaDevice'"):
        company.verifier.inject("EnableMfaDevice", ServiceError("x", "y", 500))


def test_secrets_are_in_no_repr(company: Any) -> None:
    token = company.enrol()
    session = company.mfa_session(token)
    shown = repr(company.everything()) + repr(session) + repr(company.keys)
    secrets = [token.seed, session.secret_access_key, session.session_token or ""]
    secrets += [repr(base64.b32decode(token.seed)), company.keys["alice"].secret_access_key]
    assert not [secret for secret in secrets if secret in shown]
    assert not [secret for secret in secrets if secret in repr(company.observed)]
    assert token.code() not in repr(company.observed)


@pytest.mark.parametrize(
    "account_id",
    ["", "12345678901", "1234567890123", "12345678901x", "\N{FULLWIDTH DIGIT ONE}" * 12],
)
def test_account_id_has_twelve_digits(company: Any, account_id: str) -> None:
    with pytest.raises(ValueError, match="is not 12 digits"):
        company.verifier.create_account(account_id, root_email="r@x", root_password="p")


def test_unknown_partition_is_an_error(company: Any) -> None:
    with pytest.raises(ValueError, match="'aws-eu' is none of aws, aws-cn, aws-us-gov"):
        company.verifier.create_account(
            "210987654321", root_email="r@x", root_password="p", partition="aws-eu"
        )


def test_account_is_made_once(company: Any) -> None:
    with pytest.raises(Conflict):
        company.verifier.create_account("123456789012", root_email="r@x", root_password="p")


def test_third_access_key_is_refused(company: Any) -> None:
    company.verifier.create_access_key(company.ids["alice"])
    with pytest.raises(ServiceError, match="AccessKeysPerUser: 2"):
        company.verifier.create_access_key(company.ids["alice"])
    with pytest.raises(ValueError, match="no identity AIDANOBODY"):
        company.verifier.create_access_key("AIDANOBODY")


@pytest.mark.parametrize("max_session_s", [3599, 43_201])
def test_role_session_lasts_from_one_to_twelve_hours(company: Any, max_session_s: int) -> None:
    with pytest.raises(ValueError, match=f"max_session_s is {max_session_s}"):
        company.verifier.create_role("123456789012", "ops", trusts=[], max_session_s=max_session_s)


def test_names_of_users_and_roles_differ_by_more_than_case(company: Any) -> None:
    with pytest.raises(ServiceError) as caught:
        company.verifier.create_user("123456789012", "ALICE")
    assert caught.value.code == "EntityAlreadyExists"
    company.verifier.create_role("123456789012", "Ops", trusts=[])
    with pytest.raises(ServiceError) as caught:
        company.verifier.create_role("123456789012", "ops", trusts=[])
    assert caught.value.code == "EntityAlreadyExists"


def test_shipment_with_a_known_serial_number_is_refused_whole(company: Any) -> None:
    company.ship("GAHT1")
    with pytest.raises(ValueError, match="GAHT1 is known already"):
        company.verifier.register_tokens([TokenSeed("GAHT2", b"x"), TokenSeed("GAHT1", b"y")])
    assert [device.serial for device in company.everything()["Device"]] == ["GAHT1"]


def test_arn_of_an_unknown_identity_is_an_error(company: Any) -> None:
    assert company.verifier.identity_arn("123456789012") == "arn:aws:iam::123456789012:root"
    with pytest.raises(ValueError, match="no identity AIDANOBODY"):
        company.verifier.identity_arn("AIDANOBODY")


def test_docs_name_every_operation_and_no_other() -> None:
    text = (Path(__file__).parents[2] / "docs/verifier.md").read_text("utf-8")
    text = text[text.index("## Operations") : text.index("### Users, keys and passwords")]
    named = set(re.findall(r"[A-Z]\w+", text.replace("IAM |", "").replace("MFA devices", "")))
    for_each = {name for name in named if re.search(r"X(Pol|Perm)", name)}
    for name in for_each:
        kinds = ("User", "Role") if "Boundary" in name else ("User", "Group", "Role")
        named |= {name.replace("X", kind) for kind in kinds}
    iam = {
        method.operation for _, method in inspect.getmembers(Iam) if hasattr(method, "operation")
    }
    assert named - for_each - {"Operations", "X"} == iam


def test_groups_have_users_of_their_account(company: Any) -> None:
    company.verifier.create_account("210987654321", root_email="o@x", root_password="pw")
    other = company.verifier.create_user("210987654321", "carol").id
    alice = company.ids["alice"]
    for member in ("123456789012", other, "AIDANOBODY"):
        with pytest.raises(ValueError, match=r"no user of account|no identity"):
            company.verifier.create_group("123456789012", "staff", members=[alice, member])
    company.verifier.create_group("123456789012", "staff", members=[alice, alice])
    members = company.iam("ada").get_group(GroupName="staff")["Users"]
    assert [user["UserName"] for user in members] == ["alice"]
    with pytest.raises(ServiceError, match="Group with name STAFF already exists"):
        company.verifier.create_group("123456789012", "STAFF")


def test_policies_and_groups_have_names_and_accounts_that_aws_takes(company: Any) -> None:
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    company.verifier.create_policy("123456789012", "none", text)
    for account, name, document, kind in (
        ("123456789012", "a b", text, ServiceError),
        ("123456789012", "NONE", text, ServiceError),
        ("123456789012", "other", "{", ServiceError),
        ("999999999999", "other", text, ValueError),
    ):
        with pytest.raises(kind):
            company.verifier.create_policy(account, name, document)
    for account, name, kind in (
        ("123456789012", "a b", ServiceError),
        ("999999999999", "staff", ValueError),
    ):
        with pytest.raises(kind):
            company.verifier.create_group(account, name)


def test_password_is_set_without_a_policy_and_ends_open_pages(company: Any, refused: Any) -> None:
    company.enrol()
    page = company.page()
    company.verifier.set_password(company.ids["alice"], "short")
    with refused(
        "SignInExpired", "This sign-in page is no longer valid. Enter your password again.", 403
    ):
        company.console.submit_code(page.id, "000000")
    assert company.console.sign_in("123456789012", "alice", "short")
    with pytest.raises(ValueError, match="no identity"):
        company.verifier.set_password("AIDANONE", "x")
