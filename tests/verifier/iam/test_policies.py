"""Managed policies: what they show, their versions, and what must be gone before one is deleted."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

A = "123456789012"
ARN = f"arn:aws:iam::{A}:policy/team/Ops"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
WHEN = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def ops(iam: Any, document: str) -> dict[str, Any]:
    """A managed policy."""
    made: dict[str, Any] = iam.create_policy(
        PolicyName="Ops",
        PolicyDocument=document,
        Path="/team/",
        Description="For the team",
        Tags=[{"Key": "team", "Value": "red"}],
    )["Policy"]
    return made


def versions(iam: Any) -> list[str]:
    """Version ids, the default one marked."""
    listed = iam.list_policy_versions(PolicyArn=ARN)["Versions"]
    return [each["VersionId"] + "*" * each["IsDefaultVersion"] for each in listed]


def test_policy_as_it_was_made(iam: Any, ops: dict[str, Any]) -> None:
    assert ops["PolicyId"].startswith("ANPA")
    assert ops == {
        "PolicyName": "Ops",
        "PolicyId": ops["PolicyId"],
        "Arn": ARN,
        "Path": "/team/",
        "DefaultVersionId": "v1",
        "AttachmentCount": 0,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "CreateDate": WHEN,
        "UpdateDate": WHEN,
        "Tags": [{"Key": "team", "Value": "red"}],
    }
    assert iam.get_policy(PolicyArn=ARN) == {"Policy": {**ops, "Description": "For the team"}}


def test_names_are_taken_whatever_their_case_and_path(
    iam: Any, ops: Any, document: str, refused: Any
) -> None:
    text = "A policy called OPS already exists. Duplicate names are not allowed."
    with refused("EntityAlreadyExists", text, 409):
        iam.create_policy(PolicyName="OPS", PolicyDocument=document)


def test_policy_of_aws(company: Any, iam: Any) -> None:
    shown = iam.get_policy(PolicyArn=ADMIN)["Policy"]
    assert (shown["DefaultVersionId"], shown["AttachmentCount"], shown["Tags"]) == ("v1", 1, [])
    version = iam.get_policy_version(PolicyArn=ADMIN, VersionId="v1")["PolicyVersion"]
    assert version == {
        "Document": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": "*"}],
        },
        "VersionId": "v1",
        "IsDefaultVersion": True,
        "CreateDate": datetime(2015, 2, 6, 18, 39, 46, tzinfo=UTC),
    }
    listed = iam.list_policy_versions(PolicyArn=ADMIN)["Versions"]
    assert [each["VersionId"] for each in listed] == ["v1"]


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("delete_policy", {}),
        ("create_policy_version", {"PolicyDocument": "{}"}),
        ("delete_policy_version", {"VersionId": "v1"}),
        ("set_default_policy_version", {"VersionId": "v1"}),
    ],
)
def test_policies_of_aws_are_changed_by_aws_only(
    iam: Any, refused: Any, operation: str, more: dict[str, str]
) -> None:
    action = "".join(word.capitalize() for word in operation.split("_"))
    text = (
        f"User: arn:aws:iam::{A}:user/ada is not authorized to perform: iam:{action} "
        f"on resource: policy {ADMIN}"
    )
    with refused("AccessDenied", text, 403):
        getattr(iam, operation)(PolicyArn=ADMIN, **more)


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("get_policy", {}),
        ("delete_policy", {}),
        ("create_policy_version", {"PolicyDocument": "{}"}),
        ("list_policy_versions", {}),
        ("list_entities_for_policy", {}),
    ],
)
def test_policy_that_is_not_there(
    iam: Any, refused: Any, operation: str, more: dict[str, str]
) -> None:
    with refused("NoSuchEntity", f"Policy {ARN} was not found.", 404):
        getattr(iam, operation)(PolicyArn=ARN, **more)
    with refused("ValidationError", "ARN a-policy-by-its-name is not valid.", 400):
        getattr(iam, operation)(PolicyArn="a-policy-by-its-name", **more)


def test_size_and_shape(iam: Any, long_document: Any, refused: Any) -> None:
    iam.create_policy(PolicyName="large", PolicyDocument=long_document(6144).replace(",", ",\n  "))
    with refused("LimitExceeded", "Cannot exceed quota for PolicySize: 6144", 409):
        iam.create_policy(PolicyName="larger", PolicyDocument=long_document(6145))
    with refused("MalformedPolicyDocument", "Syntax errors in policy.", 400):
        iam.create_policy(PolicyName="none", PolicyDocument="{")


def test_policies_quota(
    iam: Any, document: str, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mfalab.verifier.quotas.POLICIES", 1)
    iam.create_policy(PolicyName="one", PolicyDocument=document)
    with refused("LimitExceeded", "Cannot exceed quota for PoliciesPerAccount: 1", 409):
        iam.create_policy(PolicyName="two", PolicyDocument=document)


class TestVersions:
    def test_versions_come_and_go(self, iam: Any, ops: Any, document: str, clock: Any) -> None:
        clock.advance(60)
        other = document.replace("s3", "ec2")
        made = iam.create_policy_version(PolicyArn=ARN, PolicyDocument=other)["PolicyVersion"]
        assert made == {
            "VersionId": "v2",
            "IsDefaultVersion": False,
            "CreateDate": datetime(2026, 3, 2, 9, 1, tzinfo=UTC),
        }
        assert versions(iam) == ["v2", "v1*"]
        iam.create_policy_version(PolicyArn=ARN, PolicyDocument=document, SetAsDefault=True)
        assert versions(iam) == ["v3*", "v2", "v1"]
        iam.set_default_policy_version(PolicyArn=ARN, VersionId="v2")
        iam.delete_policy_version(PolicyArn=ARN, VersionId="v3")
        assert versions(iam) == ["v2*", "v1"]
        found = iam.get_policy_version(PolicyArn=ARN, VersionId="v2")["PolicyVersion"]
        assert found["Document"] == json.loads(other)
        shown = iam.get_policy(PolicyArn=ARN)["Policy"]
        assert (shown["DefaultVersionId"], shown["CreateDate"]) == ("v2", WHEN)
        assert shown["UpdateDate"] == datetime(2026, 3, 2, 9, 1, tzinfo=UTC)

    def test_number_is_given_once(self, iam: Any, ops: Any, document: str, refused: Any) -> None:
        for _ in range(4):
            iam.create_policy_version(PolicyArn=ARN, PolicyDocument=document)
        text = (
            "A managed policy can have up to 5 versions. Before you create a new version, you "
            "must delete an existing version."
        )
        with refused("LimitExceeded", text, 409):
            iam.create_policy_version(PolicyArn=ARN, PolicyDocument=document)
        iam.delete_policy_version(PolicyArn=ARN, VersionId="v5")
        iam.create_policy_version(PolicyArn=ARN, PolicyDocument=document)
        assert versions(iam) == ["v6", "v4", "v3", "v2", "v1*"]
        first = iam.list_policy_versions(PolicyArn=ARN, MaxItems=3)
        rest = iam.list_policy_versions(PolicyArn=ARN, Marker=first["Marker"])
        assert [each["VersionId"] for each in rest["Versions"]] == ["v2", "v1"]

    @pytest.mark.parametrize(
        "operation", ["get_policy_version", "delete_policy_version", "set_default_policy_version"]
    )
    def test_version_that_is_not_there(
        self, iam: Any, ops: Any, refused: Any, operation: str
    ) -> None:
        for arn, version in ((ARN, "v9"), (ARN + "x", "v1"), (ADMIN, "v2")):
            text = f"Policy {arn} version {version} does not exist or is not attachable."
            with refused("NoSuchEntity", text, 404):
                getattr(iam, operation)(PolicyArn=arn, VersionId=version)

    def test_default_version_goes_with_the_policy_only(
        self, iam: Any, ops: Any, refused: Any
    ) -> None:
        text = "Cannot delete the default version of a policy."
        with refused("DeleteConflict", text, 409):
            iam.delete_policy_version(PolicyArn=ARN, VersionId="v1")


def test_what_must_be_gone_before_a_policy(iam: Any, ops: Any, document: str, refused: Any) -> None:
    iam.attach_user_policy(UserName="alice", PolicyArn=ARN)
    iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary=ARN)
    iam.create_policy_version(PolicyArn=ARN, PolicyDocument=document)
    attached = "Cannot delete a policy attached to entities."
    more = (
        "This policy has more than one version. Before you delete a policy, you must delete the "
        "policy's versions. The default version is deleted with the policy."
    )
    for text, undo in (
        (attached, lambda: iam.detach_user_policy(UserName="alice", PolicyArn=ARN)),
        (attached, lambda: iam.delete_user_permissions_boundary(UserName="bob")),
        (more, lambda: iam.delete_policy_version(PolicyArn=ARN, VersionId="v2")),
    ):
        with refused("DeleteConflict", text, 409):
            iam.delete_policy(PolicyArn=ARN)
        undo()
    iam.delete_policy(PolicyArn=ARN)
    with refused("NoSuchEntity", f"Policy {ARN} was not found.", 404):
        iam.get_policy(PolicyArn=ARN)
    iam.create_policy(PolicyName="Ops", Path="/team/", PolicyDocument=document)
    assert versions(iam) == ["v1*"]


def test_tags_whose_keys_differ_in_case_are_two(
    iam: Any, ops: Any, document: str, refused: Any
) -> None:
    small, large = {"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}
    iam.tag_policy(PolicyArn=ARN, Tags=[small, large])
    iam.tag_policy(PolicyArn=ARN, Tags=[{"Key": "a", "Value": "3"}])
    iam.untag_policy(PolicyArn=ARN, TagKeys=["TEAM", "team"])
    listed = iam.list_policy_tags(PolicyArn=ARN)
    assert listed == {"Tags": [large, {"Key": "a", "Value": "3"}], "IsTruncated": False}
    assert iam.get_policy(PolicyArn=ARN)["Policy"]["Tags"] == listed["Tags"]
    first = iam.list_policy_tags(PolicyArn=ARN, MaxItems=1)
    assert iam.list_policy_tags(PolicyArn=ARN, Marker=first["Marker"])["Tags"][0]["Key"] == "a"
    with refused("InvalidInput", "Duplicate tag keys found.", 400):
        iam.tag_policy(PolicyArn=ARN, Tags=[small, small])
    with refused("InvalidInput", "Duplicate tag keys found.", 400):
        iam.create_policy(PolicyName="x", PolicyDocument=document, Tags=[small, small])
    more = [{"Key": f"k{number}", "Value": ""} for number in range(49)]
    with refused("LimitExceeded", "Cannot exceed quota for TagsPerPolicy: 50", 409):
        iam.tag_policy(PolicyArn=ARN, Tags=more)


class TestLists:
    def test_policies_by_scope_path_and_use(self, iam: Any, ops: Any, document: str) -> None:
        iam.create_policy(PolicyName="Idle", PolicyDocument=document)
        iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary=ARN)

        def listed(**filters: Any) -> list[str]:
            return [each["PolicyName"] for each in iam.list_policies(**filters)["Policies"]]

        assert listed(Scope="Local") == ["Idle", "Ops"]
        assert listed(Scope="Local", PathPrefix="/team/") == ["Ops"]
        assert "Ops" not in listed(Scope="AWS")
        assert listed() == listed(Scope="All") == ["Idle", "Ops", *listed(Scope="AWS")]
        assert listed(PolicyUsageFilter="PermissionsBoundary") == ["Ops"]
        assert "AdministratorAccess" in listed(OnlyAttached=True, Scope="AWS")
        assert listed(OnlyAttached=True) == listed(PolicyUsageFilter="PermissionsPolicy")
        first = iam.list_policies(MaxItems=1)
        assert first["Policies"][0].keys() == ops.keys() - {"Tags"}
        second = iam.list_policies(MaxItems=1, Marker=first["Marker"])
        assert second["Policies"][0]["PolicyName"] == "Ops"

    def test_entities_of_a_policy(self, company: Any, iam: Any, ops: Any) -> None:
        iam.create_group(GroupName="staff", Path="/x/")
        role = company.verifier.create_role(A, "deploy")
        iam.attach_role_policy(RoleName="deploy", PolicyArn=ARN)
        iam.attach_group_policy(GroupName="staff", PolicyArn=ARN)
        iam.attach_user_policy(UserName="alice", PolicyArn=ARN)
        iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary=ARN)

        def entities(**filters: Any) -> list[str]:
            answer = iam.list_entities_for_policy(PolicyArn=ARN, **filters)
            return [
                entity[f"{kind}Name"]
                for kind in ("Group", "Role", "User")
                for entity in answer[f"Policy{kind}s"]
            ]

        assert entities() == ["staff", "deploy", *sorted_by_id(company, "alice", "bob")]
        assert entities(EntityFilter="Group") == ["staff"]
        assert entities(EntityFilter="Role") == ["deploy"]
        assert entities(PathPrefix="/x/") == ["staff"]
        assert entities(PolicyUsageFilter="PermissionsBoundary") == ["bob"]
        assert entities(PolicyUsageFilter="PermissionsPolicy") == ["staff", "deploy", "alice"]
        answer = iam.list_entities_for_policy(PolicyArn=ARN, MaxItems=2)
        assert answer["PolicyRoles"] == [{"RoleName": "deploy", "RoleId": role.id}]
        rest = iam.list_entities_for_policy(PolicyArn=ARN, Marker=answer["Marker"])
        assert len(answer["PolicyGroups"] + answer["PolicyUsers"] + rest["PolicyUsers"]) == 3
        shown = iam.get_policy(PolicyArn=ARN)["Policy"]
        assert (shown["AttachmentCount"], shown["PermissionsBoundaryUsageCount"]) == (3, 1)


def sorted_by_id(company: Any, *names: str) -> list[str]:
    return sorted(names, key=lambda name: str(company.ids[name]))
