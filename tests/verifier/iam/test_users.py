"""Users: what must be gone before one is deleted."""

from typing import Any


def test_user_with_a_device(company: Any, refused: Any) -> None:
    token = company.enrol()
    with refused(
        "DeleteConflict", "Cannot delete entity, must remove tokens from principal first.", 409
    ):
        company.iam("ada").delete_user(UserName="alice")
    company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
    company.iam("ada").delete_user(UserName="alice")
    with refused("NoSuchEntity", "The user with name alice cannot be found.", 404):
        company.iam("ada").get_user(UserName="alice")
    with refused(
        "InvalidClientTokenId", "The security token included in the request is invalid.", 403
    ):
        company.iam("alice").get_user()


def test_users_below_a_path(company: Any) -> None:
    company.verifier.create_user("123456789012", "carol", path="/team/ops/")
    listed = company.iam("ada").list_users
    assert [user["UserName"] for user in listed(PathPrefix="/team")["Users"]] == ["carol"]
    assert [user["UserName"] for user in listed(PathPrefix="/")["Users"]] == [
        "ada",
        "alice",
        "bob",
        "carol",
    ]
    assert listed(PathPrefix="/tea/")["Users"] == []
