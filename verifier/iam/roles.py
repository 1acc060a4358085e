# ruff: noqa: N803 - parameters are named as boto3 names them
"""The operations on roles."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

from mfalab.verifier import names, quotas, refusals, tags
from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import Call, Paging, on_all, operation
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.iam.holders import Holder, boundary, boundary_entry, trusted_ids
from mfalab.verifier.iam.paging import page_by_name, page_of_tags
from mfalab.verifier.iam.targets import find_role, on_new, on_role, target_role
from mfalab.verifier.moments import moment
from mfalab.verifier.records import Account, Role

SESSION_S = 3600
"""The longest session of a role for which none is said."""


class Roles(ForCaller):
    """Roles, their trust policies and their policies."""

    @operation("CreateRole", Door.IAM, on_new("role"))
    def create_role(
        self,
        call: Call,
        *,
        RoleName: str,
        AssumeRolePolicyDocument: str,
        Path: str | None = None,
        Description: str | None = None,
        MaxSessionDuration: int | None = None,
        PermissionsBoundary: str | None = None,
        Tags: Sequence[Mapping[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Make a role; its trust policy says who may assume it."""
        account = call.caller.account
        pairs = tags.pairs(Tags or ())
        trusted = trusted_ids(call, AssumeRolePolicyDocument)
        bounds = None if PermissionsBoundary is None else boundary(call, PermissionsBoundary)
        if find_role(call, RoleName) is not None:
            raise refusals.role_exists(RoleName)
        if call.tx.count(Role, account_id=account.id) >= quotas.ROLES:
            raise refusals.quota_exceeded("RolesPerAccount", quotas.ROLES)
        role = Role(
            id=names.unique_id("AROA", call.random_bytes),
            account_id=account.id,
            name=RoleName,
            name_key=RoleName.lower(),
            path=Path or "/",
            trust_policy=AssumeRolePolicyDocument,
            max_session_s=MaxSessionDuration or SESSION_S,
            created_ns=call.now_ns,
            description=Description,
            permissions_boundary=bounds,
            tags=pairs,
            trusted_ids=trusted,
        )
        call.tx.insert(role)
        shown = entry(account, role) | boundary_entry(bounds)
        return {"Role": shown | _tags(role)}

    @operation("GetRole", Door.IAM, on_role)
    def get_role(self, call: Call, *, RoleName: str) -> dict[str, Any]:
        """A role; when it was used last is not kept."""
        role = target_role(call, RoleName)
        shown = _listing(call.caller.account, role) | boundary_entry(role.permissions_boundary)
        return {"Role": {**shown, **_tags(role), "RoleLastUsed": {}}}

    @operation("ListRoles", Door.IAM, on_all("role"))
    def list_roles(
        self, call: Call, *, PathPrefix: str | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """The account's roles, by name without case."""
        account = call.caller.account
        found = call.tx.find(Role, account_id=account.id)
        shown, rest = page_by_name(found, PathPrefix, paging)
        return {"Roles": [_listing(account, role) for role in shown], **rest}

    @operation("UpdateRole", Door.IAM, on_role)
    def update_role(
        self,
        call: Call,
        *,
        RoleName: str,
        Description: str | None = None,
        MaxSessionDuration: int | None = None,
    ) -> dict[str, Any]:
        """Change a role's description or its longest session; what is not given stays."""
        role = target_role(call, RoleName)
        description = role.description if Description is None else Description
        max_session_s = MaxSessionDuration or role.max_session_s
        call.tx.update(replace(role, description=description, max_session_s=max_session_s))
        return {}

    @operation("UpdateRoleDescription", Door.IAM, on_role)
    def update_role_description(
        self, call: Call, *, RoleName: str, Description: str
    ) -> dict[str, Any]:
        """Change a role's description: the older way."""
        role = replace(target_role(call, RoleName), description=Description)
        call.tx.update(role)
        return {"Role": entry(call.caller.account, role) | {"Description": Description}}

    @operation("TagRole", Door.IAM, on_role)
    def tag_role(
        self, call: Call, *, RoleName: str, Tags: Sequence[Mapping[str, str]]
    ) -> dict[str, Any]:
        """Add tags to a role; a tag of the same key, whatever its case, is replaced."""
        role = target_role(call, RoleName)
        kept = tags.added(role.tags, Tags, quotas.TAGS_PER_ROLE, "TagsPerRole")
        call.tx.update(replace(role, tags=kept))
        return {}

    @operation("UntagRole", Door.IAM, on_role)
    def untag_role(self, call: Call, *, RoleName: str, TagKeys: Sequence[str]) -> dict[str, Any]:
        """Remove tags from a role."""
        role = target_role(call, RoleName)
        call.tx.update(replace(role, tags=tags.without(role.tags, TagKeys)))
        return {}

    @operation("ListRoleTags", Door.IAM, on_role)
    def list_role_tags(
        self, call: Call, *, RoleName: str, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """A role's tags, by key."""
        return page_of_tags(target_role(call, RoleName).tags, paging)

    @operation("UpdateAssumeRolePolicy", Door.IAM, on_role)
    def update_assume_role_policy(
        self, call: Call, *, RoleName: str, PolicyDocument: str
    ) -> dict[str, Any]:
        """Replace a role's trust policy; sessions that have begun go on."""
        role = target_role(call, RoleName)
        trusted = trusted_ids(call, PolicyDocument)
        call.tx.update(replace(role, trust_policy=PolicyDocument, trusted_ids=trusted))
        return {}

    @operation("DeleteRole", Door.IAM, on_role)
    def delete_role(self, call: Call, *, RoleName: str) -> dict[str, Any]:
        """Delete a role without policies; its sessions end with it."""
        role = target_role(call, RoleName)
        Holder.of(role).check_is_free(call)
        call.tx.delete(role)
        return {}

    @operation("PutRolePolicy", Door.IAM, on_role)
    def put_role_policy(
        self, call: Call, *, RoleName: str, PolicyName: str, PolicyDocument: str
    ) -> dict[str, Any]:
        """Embed a policy in a role, or replace it."""
        return _holder(call, RoleName).put(call, PolicyName, PolicyDocument)

    @operation("GetRolePolicy", Door.IAM, on_role)
    def get_role_policy(self, call: Call, *, RoleName: str, PolicyName: str) -> dict[str, Any]:
        """A policy that is embedded in a role."""
        return _holder(call, RoleName).get(call, PolicyName)

    @operation("DeleteRolePolicy", Door.IAM, on_role)
    def delete_role_policy(self, call: Call, *, RoleName: str, PolicyName: str) -> dict[str, Any]:
        """Remove a policy that is embedded in a role."""
        return _holder(call, RoleName).delete(call, PolicyName)

    @operation("ListRolePolicies", Door.IAM, on_role)
    def list_role_policies(
        self, call: Call, *, RoleName: str, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """The names of the policies that are embedded in a role."""
        return _holder(call, RoleName).names(call, paging)

    @operation("AttachRolePolicy", Door.IAM, on_role)
    def attach_role_policy(self, call: Call, *, RoleName: str, PolicyArn: str) -> dict[str, Any]:
        """Attach a managed policy to a role."""
        return _holder(call, RoleName).attach(call, PolicyArn)

    @operation("DetachRolePolicy", Door.IAM, on_role)
    def detach_role_policy(self, call: Call, *, RoleName: str, PolicyArn: str) -> dict[str, Any]:
        """Detach a managed policy from a role."""
        return _holder(call, RoleName).detach(call, PolicyArn)

    @operation("ListAttachedRolePolicies", Door.IAM, on_role)
    def list_attached_role_policies(
        self, call: Call, *, RoleName: str, PathPrefix: str | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """The managed policies that are attached to a role."""
        return _holder(call, RoleName).attached(call, PathPrefix, paging)

    @operation("PutRolePermissionsBoundary", Door.IAM, on_role)
    def put_role_permissions_boundary(
        self, call: Call, *, RoleName: str, PermissionsBoundary: str
    ) -> dict[str, Any]:
        """Bound what a role's policies allow by a managed policy."""
        role = target_role(call, RoleName)
        call.tx.update(replace(role, permissions_boundary=boundary(call, PermissionsBoundary)))
        return {}

    @operation("DeleteRolePermissionsBoundary", Door.IAM, on_role)
    def delete_role_permissions_boundary(self, call: Call, *, RoleName: str) -> dict[str, Any]:
        """Take away a role's boundary; to take none changes nothing."""
        call.tx.update(replace(target_role(call, RoleName), permissions_boundary=None))
        return {}


def entry(account: Account, role: Role) -> dict[str, Any]:
    """A role as CreateRole shows it."""
    return {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": names.role_arn(account, role),
        "CreateDate": moment(role.created_ns),
        "AssumeRolePolicyDocument": json.loads(role.trust_policy),
    }


def _listing(account: Account, role: Role) -> dict[str, Any]:
    shown = entry(account, role) | {"MaxSessionDuration": role.max_session_s}
    return shown if role.description is None else {**shown, "Description": role.description}


def _tags(role: Role) -> dict[str, Any]:
    return {"Tags": tags.shown(role.tags)} if role.tags else {}


def _holder(call: Call, name: str) -> Holder:
    return Holder.of(target_role(call, name))
