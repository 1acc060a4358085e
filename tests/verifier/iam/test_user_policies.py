"""Policies of users: the boundary; the rest they have in common with groups and roles."""

from typing import Any

import pytest

from mfalab.verifier import Credentials, ServiceError

READ = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def test_boundary_is_a_policy_that_there_is(iam: Any, refused: Any) -> None:
    arn = "arn:aws:iam::123456789012:policy/none"
    with refused("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.", 404):
        iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary=arn)
    with refused("ValidationError", "ARN AdministratorAccess! is not valid.", 400):
        iam.put_user_permissions_boundary(
            UserName="bob", PermissionsBoundary="AdministratorAccess!"
        )


def test_boundary_comes_and_goes(company: Any, iam: Any) -> None:
    def boundary() -> str | None:
        users = {user.name: user for user in company.everything()["Identity"]}
        found: str | None = users["bob"].permissions_boundary
        return found

    iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary=ADMIN)
    assert boundary() == ADMIN
    for _ in range(2):
        iam.delete_user_permissions_boundary(UserName="bob")
        assert boundary() is None


def test_new_user_may_be_bounded(company: Any, iam: Any, refused: Any) -> None:
    """What it is attached later allows no more than the boundary does."""
    shown = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": READ}
    made = iam.create_user(UserName="carol", PermissionsBoundary=READ)["User"]
    assert made["PermissionsBoundary"] == shown
    assert iam.get_user(UserName="carol")["User"] == made
    iam.attach_user_policy(UserName="carol", PolicyArn=ADMIN)
    key = iam.create_access_key(UserName="carol")["AccessKey"]
    carol = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    company.verifier.authorize(carol, "s3:ListAllMyBuckets")
    with pytest.raises(ServiceError, match="no permissions boundary allows the iam:ListUsers"):
        company.iam(carol).list_users()
    none = "arn:aws:iam::aws:policy/None"
    with refused("NoSuchEntity", f"Scope ARN: {none} does not exist or is not attachable.", 404):
        iam.create_user(UserName="dave", PermissionsBoundary=none)


def test_user_that_is_not_there(iam: Any, document: str, refused: Any) -> None:
    for operation, more in (
        ("put_user_policy", {"PolicyName": "own", "PolicyDocument": document}),
        ("list_user_policies", {}),
        ("attach_user_policy", {"PolicyArn": ADMIN}),
        ("put_user_permissions_boundary", {"PermissionsBoundary": ADMIN}),
    ):
        with refused("NoSuchEntity", "The user with name ghost cannot be found.", 404):
            getattr(iam, operation)(UserName="ghost", **more)
