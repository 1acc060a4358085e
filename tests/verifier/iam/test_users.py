"""Users: made, renamed, moved, tagged, and deleted when they have nothing any more."""

from dataclasses import replace
from typing import Any

import pytest

from mfalab.verifier import Credentials, ServiceError
from mfalab.verifier.records import Attachment, InlinePolicy, Membership

ACCOUNT = "123456789012"
NOBODY = ("InvalidClientTokenId", "The security token included in the request is invalid.", 403)


def conflict(what: str) -> tuple[str, str, int]:
    return ("DeleteConflict", f"Cannot delete entity, must {what} first.", 409)


def test_deletion_names_what_is_left(company: Any, refused: Any) -> None:
    ada = company.iam("ada")
    token = company.enrol()
    with refused(*conflict("remove tokens from principal")):
        ada.delete_user(UserName="alice")
    company.set(delete_user_says_tokens=False)
    with refused(*conflict("delete MFA device")):
        ada.delete_user(UserName="alice")
    ada.deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
    with refused(*conflict("delete access keys")):
        ada.delete_user(UserName="alice")
    ada.delete_access_key(UserName="alice", AccessKeyId=company.keys["alice"].access_key_id)
    with refused(*conflict("delete login profile")):
        ada.delete_user(UserName="alice")
    ada.delete_login_profile(UserName="alice")
    assert ada.delete_user(UserName="alice") == {}
    with refused("NoSuchEntity", "The user with name alice cannot be found.", 404):
        ada.get_user(UserName="alice")


POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.mark.parametrize(
    ("left", "what"),
    [
        (InlinePolicy("{user}", "own", "{}"), "delete policies"),
        (Attachment("{user}", POLICY, ACCOUNT), "detach all policies"),
        (Membership("{user}", "AGPA1"), "remove users from group"),
    ],
)
def test_policies_and_groups_are_left(company: Any, refused: Any, left: Any, what: str) -> None:
    ada = company.iam("ada")
    field = "user_id" if isinstance(left, Membership) else "owner_id"
    carol = ada.create_user(UserName="carol")["User"]["UserId"]
    left = replace(left, **{field: carol})
    with company.store.transaction() as tx:
        tx.insert(left)
    with refused(*conflict(what)):
        ada.delete_user(UserName="carol")
    session = company.signed_in("ada").credentials
    company.console.delete_user(session, user_name="carol")
    assert left not in company.everything()[type(left).__name__]


def test_inactive_key_is_a_key(company: Any, refused: Any) -> None:
    key = company.keys["alice"].access_key_id
    company.iam("ada").update_access_key(UserName="alice", AccessKeyId=key, Status="Inactive")
    with refused(*conflict("delete access keys")):
        company.iam("ada").delete_user(UserName="alice")


@pytest.mark.parametrize("door", ["api", "console"])
def test_deleted_users_credentials_end(company: Any, refused: Any, door: str) -> None:
    token = company.enrol()
    plain, proved = company.session(), company.mfa_session(token)
    ada = company.signed_in("ada").credentials
    if door == "api":
        company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
        company.delete_user()
    else:
        company.console.delete_user(ada, user_name="alice")
    for credentials in (company.keys["alice"], plain, proved):
        with refused(*NOBODY):
            company.sts(credentials).get_caller_identity()
    # Not even when another user takes the name: credentials belong to the id.
    company.verifier.create_user(ACCOUNT, "alice", password="alice pw")
    for credentials in (company.keys["alice"], plain, proved):
        with refused(*NOBODY):
            company.iam(credentials).get_user()
    assert company.iam("ada").list_access_keys(UserName="alice")["AccessKeyMetadata"] == []


def test_new_user_has_a_name_and_nothing_else(company: Any, refused: Any) -> None:
    ada = company.iam("ada")
    made = ada.create_user(
        UserName="carol",
        Path="/team/",
        Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": ""}],
    )["User"]
    assert made.pop("UserId").startswith("AIDA")
    assert made.pop("CreateDate").isoformat() == "2026-03-02T09:00:00+00:00"
    assert made == {
        "Path": "/team/",
        "UserName": "carol",
        "Arn": f"arn:aws:iam::{ACCOUNT}:user/team/carol",
        "Tags": [{"Key": "a", "Value": ""}, {"Key": "b", "Value": "2"}],
    }
    assert "Tags" not in ada.create_user(UserName="dave")["User"]
    with refused("NoSuchEntity", "Login Profile for User carol cannot be found.", 404):
        ada.get_login_profile(UserName="carol")
    key = ada.create_access_key(UserName="carol")["AccessKey"]
    carol = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    with refused(
        "AccessDenied",
        f"User: arn:aws:iam::{ACCOUNT}:user/team/carol is not authorized to perform: "
        f"iam:CreateUser on resource: arn:aws:iam::{ACCOUNT}:user/eve because no identity-based "
        "policy allows the iam:CreateUser action",
        403,
    ):
        company.iam(carol).create_user(UserName="eve")


def test_names_are_taken_whatever_their_case(company: Any, refused: Any) -> None:
    for name in ("alice", "ALICE"):
        with refused("EntityAlreadyExists", f"User with name {name} already exists.", 409):
            company.iam("ada").create_user(UserName=name)
        with refused("EntityAlreadyExists", f"User with name {name} already exists.", 409):
            company.iam("ada").update_user(UserName="bob", NewUserName=name)


def test_account_is_full(company: Any, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mfalab.verifier.quotas.USERS", 4)
    company.iam("ada").create_user(UserName="carol")
    with refused("LimitExceeded", "Cannot exceed quota for UsersPerAccount: 4", 409):
        company.iam("ada").create_user(UserName="dave")


def test_renamed_user_stays_the_same(company: Any) -> None:
    token = company.enrol()
    ada = company.iam("ada")
    before = ada.get_user(UserName="alice")["User"]
    ada.update_user(UserName="alice", NewUserName="Alicia", NewPath="/moved/")
    after = ada.get_user(UserName="alicia")["User"]
    assert after["UserId"] == before["UserId"]
    assert after["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/moved/Alicia"
    assert company.sts("alice").get_caller_identity()["Arn"] == after["Arn"]
    company.mfa_session(token)
    (device,) = ada.list_mfa_devices(UserName="Alicia")["MFADevices"]
    assert (device["UserName"], device["SerialNumber"]) == ("Alicia", token.serial)
    assert company.console.sign_in(ACCOUNT, "alicia", "alice pw").id
    ada.update_user(UserName="alicia", NewUserName="ALICIA")  # only its case
    assert ada.get_user(UserName="alicia")["User"]["Path"] == "/moved/"


def test_unknown_user_is_not_updated(company: Any, refused: Any) -> None:
    with refused("NoSuchEntity", "The user with name carol cannot be found.", 404):
        company.iam("ada").update_user(UserName="carol", NewPath="/x/")


@pytest.mark.parametrize("path", ["team", "/team", "team/"])
def test_paths_have_their_slashes(company: Any, path: str) -> None:
    ada = company.iam("ada")
    with pytest.raises(ServiceError, match="ValidationError: The specified value for path is"):
        ada.create_user(UserName="carol", Path=path)
    with pytest.raises(ServiceError, match="ValidationError: The specified value for newPath is"):
        ada.update_user(UserName="alice", NewPath=path)


def test_list_below_a_path(company: Any) -> None:
    ada = company.iam("ada")
    for name, path in (("carol", "/team/a/"), ("Dave", "/team/b/"), ("eve", "/other/")):
        ada.create_user(UserName=name, Path=path)

    def names(**parameters: Any) -> list[str]:
        return [user["UserName"] for user in ada.list_users(**parameters)["Users"]]

    assert names() == ["ada", "alice", "bob", "carol", "Dave", "eve"]
    assert names(PathPrefix="/") == names()
    assert names(PathPrefix="/team/") == ["carol", "Dave"]
    assert names(PathPrefix="/team/a") == ["carol"]
    assert names(PathPrefix="/nowhere/") == []
    page = ada.list_users(PathPrefix="/team/", MaxItems=1)
    assert page["IsTruncated"]
    assert names(PathPrefix="/team/", Marker=page["Marker"]) == ["Dave"]


def test_tags(company: Any, refused: Any) -> None:
    ada = company.iam("ada")
    ada.tag_user(
        UserName="alice", Tags=[{"Key": "Team", "Value": "red"}, {"Key": "z", "Value": ""}]
    )
    ada.tag_user(UserName="alice", Tags=[{"Key": "team", "Value": "blue"}])
    kept = [{"Key": "team", "Value": "blue"}, {"Key": "z", "Value": ""}]
    assert ada.list_user_tags(UserName="alice") == {"Tags": kept, "IsTruncated": False}
    assert ada.get_user(UserName="alice")["User"]["Tags"] == kept
    assert all("Tags" not in user for user in ada.list_users()["Users"])
    ada.untag_user(UserName="alice", TagKeys=["TEAM"])
    assert ada.list_user_tags(UserName="alice")["Tags"] == kept[1:]
    many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
    with refused("LimitExceeded", "Cannot exceed quota for TagsPerUser: 50", 409):
        ada.tag_user(UserName="alice", Tags=many)
    ada.untag_user(UserName="alice", TagKeys=["z"])
    ada.tag_user(UserName="alice", Tags=many)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("create_user", {"UserName": "carol"}),
        ("update_user", {"UserName": "alice", "NewUserName": "root"}),
        ("delete_user", {"UserName": "alice"}),
        ("tag_user", {"UserName": "alice", "Tags": []}),
        ("untag_user", {"UserName": "alice", "TagKeys": []}),
        ("list_user_tags", {"UserName": "alice"}),
    ],
)
def test_plain_users_do_not_manage_users(
    company: Any, operation: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(ServiceError, match="not authorized to perform: iam:"):
        getattr(company.iam("alice"), operation)(**parameters)


def test_boundary_is_set_with_the_user(company: Any, refused: Any) -> None:
    ada = company.iam("ada")
    made = ada.create_user(UserName="carol", PermissionsBoundary=POLICY)["User"]
    shown = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": POLICY}
    assert made["PermissionsBoundary"] == shown
    assert ada.get_user(UserName="carol")["User"]["PermissionsBoundary"] == shown
    assert all("PermissionsBoundary" not in user for user in ada.list_users()["Users"])
    unknown = POLICY.replace("aws:policy", f"{ACCOUNT}:policy")
    with refused("NoSuchEntity", f"Scope ARN: {unknown} does not exist or is not attachable.", 404):
        ada.create_user(UserName="dave", PermissionsBoundary=unknown)


def test_renaming_needs_the_permission_for_both_names(company: Any) -> None:
    """Alice may update herself under her present name only."""
    own = f"arn:aws:iam::{ACCOUNT}:user/alice"
    company.iam("ada").put_user_policy(
        UserName="alice",
        PolicyName="rename",
        PolicyDocument='{"Version": "2012-10-17", "Statement": {"Effect": "Allow", '
        f'"Action": "iam:UpdateUser", "Resource": "{own}"}}}}',
    )
    with pytest.raises(ServiceError, match="is not authorized to perform: iam:UpdateUser"):
        company.iam("alice").update_user(UserName="alice", NewUserName="root")
    company.iam("alice").update_user(UserName="alice", NewUserName="alice")
