# ruff: noqa: N803 - parameters are named as boto3 names them
"""The operations on the policies of users."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Unpack

from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import Call, Paging, on_user, operation, target_user
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.iam.holders import Holder, boundary


class UserPolicies(ForCaller):
    """Policies that are embedded in a user, attached to it, or bound it."""

    @operation("PutUserPolicy", Door.IAM, on_user)
    def put_user_policy(
        self, call: Call, *, UserName: str, PolicyName: str, PolicyDocument: str
    ) -> dict[str, Any]:
        """Embed a policy in a user, or replace it."""
        return _holder(call, UserName).put(call, PolicyName, PolicyDocument)

    @operation("GetUserPolicy", Door.IAM, on_user)
    def get_user_policy(self, call: Call, *, UserName: str, PolicyName: str) -> dict[str, Any]:
        """A policy that is embedded in a user."""
        return _holder(call, UserName).get(call, PolicyName)

    @operation("DeleteUserPolicy", Door.IAM, on_user)
    def delete_user_policy(self, call: Call, *, UserName: str, PolicyName: str) -> dict[str, Any]:
        """Remove a policy that is embedded in a user."""
        return _holder(call, UserName).delete(call, PolicyName)

    @operation("ListUserPolicies", Door.IAM, on_user)
    def list_user_policies(
        self, call: Call, *, UserName: str, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """The names of the policies that are embedded in a user."""
        return _holder(call, UserName).names(call, paging)

    @operation("AttachUserPolicy", Door.IAM, on_user)
    def attach_user_policy(self, call: Call, *, UserName: str, PolicyArn: str) -> dict[str, Any]:
        """Attach a managed policy to a user."""
        return _holder(call, UserName).attach(call, PolicyArn)

    @operation("DetachUserPolicy", Door.IAM, on_user)
    def detach_user_policy(self, call: Call, *, UserName: str, PolicyArn: str) -> dict[str, Any]:
        """Detach a managed policy from a user."""
        return _holder(call, UserName).detach(call, PolicyArn)

    @operation("ListAttachedUserPolicies", Door.IAM, on_user)
    def list_attached_user_policies(
        self, call: Call, *, UserName: str, PathPrefix: str | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """The managed policies that are attached to a user."""
        return _holder(call, UserName).attached(call, PathPrefix, paging)

    @operation("PutUserPermissionsBoundary", Door.IAM, on_user)
    def put_user_permissions_boundary(
        self, call: Call, *, UserName: str, PermissionsBoundary: str
    ) -> dict[str, Any]:
        """Bound what a user's policies allow by a managed policy."""
        user = target_user(call, UserName)
        call.tx.update(replace(user, permissions_boundary=boundary(call, PermissionsBoundary)))
        return {}

    @operation("DeleteUserPermissionsBoundary", Door.IAM, on_user)
    def delete_user_permissions_boundary(self, call: Call, *, UserName: str) -> dict[str, Any]:
        """Take away a user's boundary; to take none changes nothing."""
        call.tx.update(replace(target_user(call, UserName), permissions_boundary=None))
        return {}


def _holder(call: Call, name: str) -> Holder:
    return Holder.of(target_user(call, name))
