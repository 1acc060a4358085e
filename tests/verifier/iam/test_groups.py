"""Groups: their names and paths, their members, and what must be gone before one is deleted."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mfalab.verifier import ServiceError

A = "123456789012"


@pytest.fixture
def staff(iam: Any) -> dict[str, Any]:
    """A group."""
    group: dict[str, Any] = iam.create_group(GroupName="Staff", Path="/people/")["Group"]
    return group


def names(answer: dict[str, Any]) -> list[str]:
    return [group["GroupName"] for group in answer["Groups"]]


def test_group_as_it_was_made(iam: Any, staff: dict[str, Any]) -> None:
    assert staff["GroupId"].startswith("AGPA")
    assert staff == {
        "Path": "/people/",
        "GroupName": "Staff",
        "GroupId": staff["GroupId"],
        "Arn": f"arn:aws:iam::{A}:group/people/Staff",
        "CreateDate": datetime(2026, 3, 2, 9, tzinfo=UTC),
    }
    assert iam.get_group(GroupName="sTAFF") == {
        "Group": staff,
        "Users": [],
        "IsTruncated": False,
    }


def test_names_are_compared_without_case(iam: Any, staff: Any, refused: Any) -> None:
    with refused("EntityAlreadyExists", "Group with name STAFF already exists.", 409):
        iam.create_group(GroupName="STAFF")
    iam.create_group(GroupName="Other")
    with refused("EntityAlreadyExists", "Group with name staff already exists.", 409):
        iam.update_group(GroupName="Other", NewGroupName="staff")
    iam.update_group(GroupName="Staff", NewGroupName="STAFF")
    assert names(iam.list_groups()) == ["Other", "STAFF"]


def test_groups_by_name_path_and_page(iam: Any, staff: Any) -> None:
    for name in ("b", "A", "c"):
        iam.create_group(GroupName=name)
    assert names(iam.list_groups()) == ["A", "b", "c", "Staff"]
    assert names(iam.list_groups(PathPrefix="/people/")) == ["Staff"]
    first = iam.list_groups(MaxItems=3)
    assert first["IsTruncated"]
    assert names(iam.list_groups(Marker=first["Marker"])) == ["Staff"]


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("get_group", {}),
        ("delete_group", {}),
        ("update_group", {"NewPath": "/x/"}),
        ("add_user_to_group", {"UserName": "alice"}),
        ("remove_user_from_group", {"UserName": "alice"}),
        ("put_group_policy", {"PolicyName": "p", "PolicyDocument": "{}"}),
        ("list_group_policies", {}),
        ("attach_group_policy", {"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        ("list_attached_group_policies", {}),
    ],
)
def test_group_that_is_not_there(
    iam: Any, refused: Any, operation: str, more: dict[str, Any]
) -> None:
    with refused("NoSuchEntity", "The group with name nobody cannot be found.", 404):
        getattr(iam, operation)(GroupName="nobody", **more)


def test_groups_quota(iam: Any, refused: Any) -> None:
    for number in range(300):
        iam.create_group(GroupName=f"g{number}")
    with refused("LimitExceeded", "Cannot exceed quota for GroupsPerAccount: 300", 409):
        iam.create_group(GroupName="one-more")


class TestMembers:
    def test_members_come_and_go(self, iam: Any, staff: Any) -> None:
        for name in ("bob", "Alice", "alice"):
            iam.add_user_to_group(GroupName="Staff", UserName=name)
        assert [user["UserName"] for user in iam.get_group(GroupName="Staff")["Users"]] == [
            "alice",
            "bob",
        ]
        assert iam.list_groups_for_user(UserName="bob") == {"Groups": [staff], "IsTruncated": False}
        for _ in range(2):
            iam.remove_user_from_group(GroupName="Staff", UserName="bob")
        assert iam.list_groups_for_user(UserName="bob")["Groups"] == []
        iam.update_group(GroupName="Staff", NewGroupName="crew", NewPath="/")
        (crew,) = iam.list_groups_for_user(UserName="alice")["Groups"]
        assert crew["Arn"] == f"arn:aws:iam::{A}:group/crew"
        assert crew["GroupId"] == staff["GroupId"]

    def test_user_is_looked_for_before_the_group(self, iam: Any, refused: Any) -> None:
        for operation in (iam.add_user_to_group, iam.remove_user_from_group):
            with refused("NoSuchEntity", "The user with name ghost cannot be found.", 404):
                operation(GroupName="nobody", UserName="ghost")

    def test_user_is_in_ten_groups_at_most(self, iam: Any, refused: Any) -> None:
        for number in range(11):
            iam.create_group(GroupName=f"g{number}")
        for number in range(10):
            iam.add_user_to_group(GroupName=f"g{number}", UserName="alice")
        iam.add_user_to_group(GroupName="g3", UserName="alice")
        with refused("LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10", 409):
            iam.add_user_to_group(GroupName="g10", UserName="alice")

    def test_deleted_user_is_no_member_any_more(self, company: Any, iam: Any, staff: Any) -> None:
        iam.add_user_to_group(GroupName="Staff", UserName="alice")
        company.console.delete_user(company.signed_in("ada").credentials, user_name="alice")
        assert iam.get_group(GroupName="Staff")["Users"] == []


def test_what_must_be_gone_before_a_group(
    iam: Any, staff: Any, document: str, refused: Any
) -> None:
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.add_user_to_group(GroupName="Staff", UserName="alice")
    iam.attach_group_policy(GroupName="Staff", PolicyArn=admin)
    iam.put_group_policy(GroupName="Staff", PolicyName="own", PolicyDocument=document)
    for first, undo in (
        (
            "remove users from group",
            lambda: iam.remove_user_from_group(GroupName="Staff", UserName="alice"),
        ),
        (
            "detach all policies",
            lambda: iam.detach_group_policy(GroupName="Staff", PolicyArn=admin),
        ),
        (
            "delete policies",
            lambda: iam.delete_group_policy(GroupName="Staff", PolicyName="own"),
        ),
    ):
        with refused("DeleteConflict", f"Cannot delete entity, must {first} first.", 409):
            iam.delete_group(GroupName="Staff")
        undo()
    iam.delete_group(GroupName="Staff")
    assert iam.list_groups()["Groups"] == []


def test_groups_of_another_account_are_not_seen(company: Any, iam: Any, staff: Any) -> None:
    company.verifier.create_account("210987654321", root_email="o@x", root_password="pw")
    root = company.iam(company.verifier.create_access_key("210987654321"))
    assert root.list_groups()["Groups"] == []
    root.create_group(GroupName="Staff")
    assert iam.get_group(GroupName="Staff")["Group"] == staff


def test_rename_needs_the_permission_for_both_names(company: Any, refused: Any) -> None:
    ada = company.iam("ada")
    ada.create_group(GroupName="a")
    statement = {
        "Effect": "Allow",
        "Action": "iam:UpdateGroup",
        "Resource": [f"arn:aws:iam::{A}:group/a", f"arn:aws:iam::{A}:group/b"],
    }
    ada.put_user_policy(
        UserName="bob",
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}),
    )
    bob = company.iam("bob")
    with pytest.raises(ServiceError, match="iam:UpdateGroup on resource: group prod"):
        bob.update_group(GroupName="a", NewGroupName="prod")
    with pytest.raises(ServiceError, match="iam:UpdateGroup on resource: group a"):
        bob.update_group(GroupName="a", NewPath="/x/")
    bob.update_group(GroupName="a", NewGroupName="b")
