"""The policies of users, groups and roles as they are kept."""

import json
from typing import Any

import pytest

from mfalab.verifier import permissions

A = "123456789012"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def text(service: str) -> str:
    """A policy: everything in a service."""
    statement = {"Effect": "Allow", "Action": f"{service}:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def tx(company: Any) -> Any:
    """A transaction in which bob is in a group; both have policies of every kind."""
    iam = company.iam("ada")
    for number, service in enumerate(("ec2", "sqs"), start=1):
        iam.create_group(GroupName=f"g{number}")
        iam.add_user_to_group(GroupName=f"g{number}", UserName="bob")
        iam.put_group_policy(GroupName=f"g{number}", PolicyName="own", PolicyDocument=text(service))
    arn = iam.create_policy(PolicyName="ops", PolicyDocument=text("s3"))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=text("sns"), SetAsDefault=True)
    iam.attach_user_policy(UserName="bob", PolicyArn=arn)
    iam.put_user_policy(UserName="bob", PolicyName="own", PolicyDocument=text("iam"))
    with company.store.transaction() as tx:
        yield tx


@pytest.fixture
def account(company: Any) -> Any:
    return company.everything()["Account"][0]


def test_documents_of_a_user_and_of_its_groups(company: Any, account: Any, tx: Any) -> None:
    bob = company.ids["bob"]
    owners = [bob, *permissions.groups_of(tx, bob)]
    by_text = {text: arn for arn, text in permissions.documents_of(tx, account, *owners)}
    found = set(by_text)
    assert f"arn:aws:iam::{A}:policy/ops" in by_text.values()
    assert None in by_text.values(), "an inline policy has no ARN"
    assert {text(service) for service in ("iam", "sns", "ec2", "sqs")} <= found
    assert text("s3") not in found, "a version that is not in force"


def test_document_of_one_version(account: Any, tx: Any) -> None:
    arn = f"arn:aws:iam::{A}:policy/ops"
    assert permissions.managed_document(tx, account, arn) == text("sns")
    assert permissions.managed_document(tx, account, arn, 1) == text("s3")
    assert permissions.managed_document(tx, account, arn, 3) is None
    assert permissions.managed_document(tx, account, ADMIN, 2) is None
    assert permissions.managed_document(tx, account, arn + "x") is None


def test_nothing_is_left_of_what_is_forgotten(company: Any, account: Any, tx: Any) -> None:
    bob = company.ids["bob"]
    permissions.forget(tx, bob)
    assert list(permissions.documents_of(tx, account, bob)) == []
    assert permissions.groups_of(tx, bob) == []
