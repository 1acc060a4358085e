"""Everything about who may do what, in one answer and in pages."""

import json
from typing import Any

import pytest

A = "123456789012"
OWN = f"arn:aws:iam::{A}:policy/own"
SELF = "arn:aws:iam::aws:policy/mfalab/SelfManagement"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")


@pytest.fixture
def furnished(company: Any, iam: Any, document: str) -> Any:
    """Alice in a group, a role, and a policy of the account's own with two versions."""
    iam.create_group(GroupName="staff")
    iam.add_user_to_group(GroupName="staff", UserName="alice")
    iam.put_group_policy(GroupName="staff", PolicyName="inline", PolicyDocument=document)
    iam.create_policy(PolicyName="own", PolicyDocument=document, Description="Own")
    iam.create_policy_version(PolicyArn=OWN, PolicyDocument=document, SetAsDefault=True)
    iam.tag_user(UserName="alice", Tags=[{"Key": "team", "Value": "red"}])
    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=ADMIN)
    company.verifier.create_role(A, "ops", trusts=[f"arn:aws:iam::{A}:root"], policies=[OWN])
    return iam


def test_what_belongs_together_is_told_together(furnished: Any, document: str) -> None:
    details = furnished.get_account_authorization_details()
    assert details.keys() == {*LISTS, "IsTruncated"}
    (alice,) = [each for each in details["UserDetailList"] if each["UserName"] == "alice"]
    assert (alice["GroupList"], alice["UserPolicyList"]) == (["staff"], [])
    assert alice["AttachedManagedPolicies"] == [{"PolicyName": "SelfManagement", "PolicyArn": SELF}]
    assert alice["Tags"] == [{"Key": "team", "Value": "red"}]
    assert alice["PermissionsBoundary"]["PermissionsBoundaryArn"] == ADMIN
    (group,) = details["GroupDetailList"]
    inline = {"PolicyName": "inline", "PolicyDocument": json.loads(document)}
    assert group["GroupPolicyList"] == [inline]
    (role,) = details["RoleDetailList"]
    assert role["AttachedManagedPolicies"] == [{"PolicyName": "own", "PolicyArn": OWN}]
    assert (role["InstanceProfileList"], role["RoleLastUsed"]) == ([], {})
    policies = {each["Arn"]: each for each in details["Policies"]}
    assert policies.keys() == {OWN, SELF, ADMIN}
    versions = policies[OWN]["PolicyVersionList"]
    assert [each["VersionId"] + "*" * each["IsDefaultVersion"] for each in versions] == [
        "v2*",
        "v1",
    ]
    assert versions[0]["Document"] == json.loads(document)
    assert policies[OWN]["Description"] == "Own"
    (version,) = policies[ADMIN]["PolicyVersionList"]
    assert version["Document"]["Statement"][0]["Action"] == ["*"]


@pytest.mark.parametrize(
    ("kinds", "counts"),
    [
        (["User"], (3, 0, 0, 0)),
        (["Group", "Role"], (0, 1, 1, 0)),
        (["LocalManagedPolicy"], (0, 0, 0, 1)),
        (["AWSManagedPolicy"], (0, 0, 0, 2)),
    ],
)
def test_filter(furnished: Any, kinds: list[str], counts: tuple[int, ...]) -> None:
    details = furnished.get_account_authorization_details(Filter=kinds)
    assert tuple(len(details[name]) for name in LISTS) == counts


def test_pages_join_to_the_whole(furnished: Any) -> None:
    whole = furnished.get_account_authorization_details()
    joined: dict[str, list[Any]] = {name: [] for name in LISTS}
    marker = None
    while True:
        page = furnished.get_account_authorization_details(MaxItems=2, Marker=marker)
        assert sum(len(page[name]) for name in LISTS) <= 2
        for name in LISTS:
            joined[name] += page[name]
        if not page["IsTruncated"]:
            break
        marker = page["Marker"]
    assert joined == {name: whole[name] for name in LISTS}
