"""Roles: what they show, their trust policies, and what must be gone before one is deleted."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

A = "123456789012"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{A}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


@pytest.fixture
def deploy(iam: Any) -> dict[str, Any]:
    """A role that trusts its account."""
    made: dict[str, Any] = iam.create_role(
        RoleName="Deploy",
        Path="/ci/",
        AssumeRolePolicyDocument=TRUST,
        Description="For the pipeline",
        MaxSessionDuration=7200,
        PermissionsBoundary=ADMIN,
        Tags=[{"Key": "team", "Value": "red"}],
    )["Role"]
    return made


def test_role_as_it_was_made(iam: Any, deploy: dict[str, Any]) -> None:
    """The answers differ in what they show, as AWS's do."""
    assert deploy["RoleId"].startswith("AROA")
    common = {
        "Path": "/ci/",
        "RoleName": "Deploy",
        "RoleId": deploy["RoleId"],
        "Arn": f"arn:aws:iam::{A}:role/ci/Deploy",
        "CreateDate": datetime(2026, 3, 2, 9, tzinfo=UTC),
        "AssumeRolePolicyDocument": json.loads(TRUST),
    }
    more = {
        "PermissionsBoundary": {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": ADMIN,
        },
        "Tags": [{"Key": "team", "Value": "red"}],
    }
    listed = {"Description": "For the pipeline", "MaxSessionDuration": 7200}
    assert deploy == {**common, **more}
    assert iam.get_role(RoleName="dEPLOY") == {
        "Role": {**common, **more, **listed, "RoleLastUsed": {}}
    }
    assert iam.list_roles() == {"Roles": [{**common, **listed}], "IsTruncated": False}


def test_role_of_which_little_is_said(iam: Any) -> None:
    made = iam.create_role(RoleName="plain", AssumeRolePolicyDocument=TRUST)["Role"]
    assert made.keys() == {
        "Path",
        "RoleName",
        "RoleId",
        "Arn",
        "CreateDate",
        "AssumeRolePolicyDocument",
    }
    shown = iam.get_role(RoleName="plain")["Role"]
    assert shown == {**made, "MaxSessionDuration": 3600, "RoleLastUsed": {}}


def test_names_are_taken_whatever_their_case_and_path(iam: Any, deploy: Any, refused: Any) -> None:
    with refused("EntityAlreadyExists", "Role with name DEPLOY already exists.", 409):
        iam.create_role(RoleName="DEPLOY", AssumeRolePolicyDocument=TRUST)


def test_roles_by_path_and_page(iam: Any, deploy: Any) -> None:
    for name in ("b", "A"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)

    def names(**given: Any) -> list[str]:
        return [role["RoleName"] for role in iam.list_roles(**given)["Roles"]]

    assert names() == ["A", "b", "Deploy"]
    assert names(PathPrefix="/ci/") == ["Deploy"]
    first = iam.list_roles(MaxItems=2)
    assert names(Marker=first["Marker"]) == ["Deploy"]


def test_update_changes_what_is_given(iam: Any, deploy: Any) -> None:
    iam.update_role(RoleName="Deploy", Description="")
    shown = iam.get_role(RoleName="Deploy")["Role"]
    assert (shown["Description"], shown["MaxSessionDuration"]) == ("", 7200)
    iam.update_role(RoleName="Deploy", MaxSessionDuration=3600)
    shown = iam.get_role(RoleName="Deploy")["Role"]
    assert (shown["Description"], shown["MaxSessionDuration"]) == ("", 3600)


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("get_role", {}),
        ("delete_role", {}),
        ("update_role", {"Description": "x"}),
        ("update_assume_role_policy", {"PolicyDocument": TRUST}),
        ("put_role_policy", {"PolicyName": "p", "PolicyDocument": TRUST}),
        ("list_role_policies", {}),
        ("attach_role_policy", {"PolicyArn": ADMIN}),
        ("list_attached_role_policies", {}),
        ("put_role_permissions_boundary", {"PermissionsBoundary": ADMIN}),
        ("delete_role_permissions_boundary", {}),
    ],
)
def test_role_that_is_not_there(
    iam: Any, refused: Any, operation: str, more: dict[str, Any]
) -> None:
    with refused("NoSuchEntity", "The role with name nobody cannot be found.", 404):
        getattr(iam, operation)(RoleName="nobody", **more)


def test_boundary(iam: Any, deploy: Any, refused: Any) -> None:
    arn = f"arn:aws:iam::{A}:policy/none"
    text = f"Scope ARN: {arn} does not exist or is not attachable."
    with refused("NoSuchEntity", text, 404):
        iam.put_role_permissions_boundary(RoleName="Deploy", PermissionsBoundary=arn)
    with refused("NoSuchEntity", text, 404):
        iam.create_role(RoleName="other", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=arn)
    iam.delete_role_permissions_boundary(RoleName="Deploy")
    assert "PermissionsBoundary" not in iam.get_role(RoleName="Deploy")["Role"]
    iam.put_role_permissions_boundary(RoleName="Deploy", PermissionsBoundary=ADMIN)
    assert "PermissionsBoundary" in iam.get_role(RoleName="Deploy")["Role"]


def test_roles_quota(iam: Any, refused: Any) -> None:
    for number in range(1000):
        iam.create_role(RoleName=f"r{number}", AssumeRolePolicyDocument=TRUST)
    with refused("LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000", 409):
        iam.create_role(RoleName="one-more", AssumeRolePolicyDocument=TRUST)


def test_what_must_be_gone_before_a_role(
    iam: Any, deploy: Any, document: str, refused: Any
) -> None:
    iam.attach_role_policy(RoleName="Deploy", PolicyArn=ADMIN)
    iam.put_role_policy(RoleName="Deploy", PolicyName="own", PolicyDocument=document)
    for first, undo in (
        (
            "detach all policies",
            lambda: iam.detach_role_policy(RoleName="Deploy", PolicyArn=ADMIN),
        ),
        (
            "delete policies",
            lambda: iam.delete_role_policy(RoleName="Deploy", PolicyName="own"),
        ),
    ):
        with refused("DeleteConflict", f"Cannot delete entity, must {first} first.", 409):
            iam.delete_role(RoleName="Deploy")
        undo()
    iam.delete_role(RoleName="Deploy")
    assert iam.list_roles()["Roles"] == []


def test_tags_and_description(iam: Any, deploy: Any, refused: Any) -> None:
    iam.tag_role(
        RoleName="Deploy", Tags=[{"Key": "TEAM", "Value": "blue"}, {"Key": "x", "Value": ""}]
    )
    iam.untag_role(RoleName="Deploy", TagKeys=["X"])
    tags = [{"Key": "TEAM", "Value": "blue"}]
    assert iam.list_role_tags(RoleName="Deploy") == {"Tags": tags, "IsTruncated": False}
    assert iam.get_role(RoleName="Deploy")["Role"]["Tags"] == tags
    more = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    with refused("LimitExceeded", "Cannot exceed quota for TagsPerRole: 50", 409):
        iam.tag_role(RoleName="Deploy", Tags=more)
    shown = iam.update_role_description(RoleName="Deploy", Description="New")["Role"]
    assert shown["Description"] == iam.get_role(RoleName="Deploy")["Role"]["Description"] == "New"
    assert "MaxSessionDuration" not in shown


class TestTrustPolicy:
    def test_new_trust_policy_is_for_new_sessions(self, company: Any, iam: Any) -> None:
        iam.create_role(RoleName="ops", AssumeRolePolicyDocument=TRUST)
        arn = f"arn:aws:iam::{A}:role/ops"

        def assume() -> Any:
            return company.sts("alice").assume_role(RoleArn=arn, RoleSessionName="shift")

        assume()
        text = TRUST.replace("root", "user/bob")
        iam.update_assume_role_policy(RoleName="ops", PolicyDocument=text)
        shown = iam.get_role(RoleName="ops")["Role"]
        assert shown["AssumeRolePolicyDocument"] == json.loads(text)
        with pytest.raises(Exception, match="not authorized to perform: sts:AssumeRole"):
            assume()

    def test_size(self, iam: Any, refused: Any) -> None:
        many = json.loads(TRUST)
        many["Statement"] = many["Statement"] * 30
        with refused("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048", 409):
            iam.create_role(RoleName="ops", AssumeRolePolicyDocument=json.dumps(many))

    @pytest.mark.parametrize("kind", ["user", "role"])
    def test_principal_must_exist(self, iam: Any, refused: Any, kind: str) -> None:
        arn = f"arn:aws:iam::{A}:{kind}/ghost"
        text = f'Invalid principal in policy: "AWS":"{arn}"'
        document = TRUST.replace(f"arn:aws:iam::{A}:root", arn)
        with refused("MalformedPolicyDocument", text, 400):
            iam.create_role(RoleName="ops", AssumeRolePolicyDocument=document)
        iam.create_role(RoleName="ops", AssumeRolePolicyDocument=TRUST)
        with refused("MalformedPolicyDocument", text, 400):
            iam.update_assume_role_policy(RoleName="ops", PolicyDocument=document)

    def test_account_as_a_principal_need_not_be_here(self, iam: Any) -> None:
        """An account is twelve digits, or the ARN of its root."""
        for number, principal in enumerate(("999999999999", "arn:aws:iam::999999999999:root")):
            iam.create_role(
                RoleName=f"r{number}",
                AssumeRolePolicyDocument=TRUST.replace(f"arn:aws:iam::{A}:root", principal),
            )


def test_tags_by_key(iam: Any) -> None:
    tags = [{"Key": "team", "Value": "b"}, {"Key": "cost", "Value": ""}]
    iam.create_role(RoleName="tagged", AssumeRolePolicyDocument=TRUST, Tags=tags)
    assert iam.list_role_tags(RoleName="tagged") == {"Tags": tags[::-1], "IsTruncated": False}
    assert iam.list_role_tags(RoleName="tagged", MaxItems=1)["Tags"] == [tags[1]]
