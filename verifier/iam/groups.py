# ruff: noqa: N803 - parameters are named as boto3 names them
"""The operations on groups of users."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Unpack

from mfalab.verifier import names, permissions, quotas, refusals, users
from mfalab.verifier.authorization import Door, Target
from mfalab.verifier.calls import Call, Paging, on_all, on_user, operation, target_user
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.iam.holders import Holder
from mfalab.verifier.iam.paging import page_by_name
from mfalab.verifier.iam.targets import find_group, on_group, on_new, target_group
from mfalab.verifier.moments import moment
from mfalab.verifier.records import Account, Identity, Membership, UserGroup


class Groups(ForCaller):
    """Groups of users, their members and their policies."""

    @operation("CreateGroup", Door.IAM, on_new("group"))
    def create_group(
        self, call: Call, *, GroupName: str, Path: str | None = None
    ) -> dict[str, Any]:
        """Make a group without members."""
        account = call.caller.account
        group_id = names.unique_id("AGPA", call.random_bytes)
        group = permissions.create_group(
            call.tx, account, group_id, GroupName, call.now_ns, Path or "/"
        )
        return {"Group": group_entry(account, group)}

    @operation("GetGroup", Door.IAM, on_group)
    def get_group(self, call: Call, *, GroupName: str, **paging: Unpack[Paging]) -> dict[str, Any]:
        """A group with its members, by name without case."""
        account, group = call.caller.account, target_group(call, GroupName)
        members = [
            call.tx.get(Identity, membership.user_id)
            for membership in call.tx.find(Membership, group_id=group.id)
        ]
        shown, rest = page_by_name(filter(None, members), None, paging)
        entries = [users.entry(account, user) for user in shown]
        return {"Group": group_entry(account, group), "Users": entries, **rest}

    @operation("ListGroups", Door.IAM, on_all("group"))
    def list_groups(
        self, call: Call, *, PathPrefix: str | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """The account's groups, by name without case."""
        groups = call.tx.find(UserGroup, account_id=call.caller.account.id)
        return _listed(call, groups, PathPrefix, paging)

    @operation("ListGroupsForUser", Door.IAM, on_user)
    def list_groups_for_user(
        self, call: Call, *, UserName: str, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """The groups that a user is in."""
        memberships = call.tx.find(Membership, user_id=target_user(call, UserName).id)
        groups = [call.tx.get(UserGroup, membership.group_id) for membership in memberships]
        return _listed(call, filter(None, groups), None, paging)

    @operation("UpdateGroup", Door.IAM, on_group)
    def update_group(
        self,
        call: Call,
        *,
        GroupName: str,
        NewPath: str | None = None,
        NewGroupName: str | None = None,
    ) -> dict[str, Any]:
        """Give a group another name or path; its members and policies stay.

        The caller needs the permission for the old name and path and for the new ones.
        """
        group = target_group(call, GroupName)
        name = NewGroupName or group.name
        renamed = replace(group, name=name, name_key=name.lower(), path=NewPath or group.path)
        arn = names.entity_arn(call.caller.account, "group", renamed.path, name)
        call.authorize("iam:UpdateGroup", Target(arn, f"group {name}"), {})
        namesake = find_group(call, name)
        if namesake is not None and namesake.id != group.id:
            raise refusals.group_exists(name)
        call.tx.update(renamed)
        return {}

    @operation("DeleteGroup", Door.IAM, on_group)
    def delete_group(self, call: Call, *, GroupName: str) -> dict[str, Any]:
        """Delete a group without members and policies."""
        group = target_group(call, GroupName)
        if call.tx.count(Membership, group_id=group.id):
            raise refusals.cannot_delete_entity("remove users from group")
        Holder.of(group).check_is_free(call)
        call.tx.delete(group)
        return {}

    @operation("AddUserToGroup", Door.IAM, on_group)
    def add_user_to_group(self, call: Call, *, GroupName: str, UserName: str) -> dict[str, Any]:
        """Make a user a member; to add it again changes nothing."""
        user, group = target_user(call, UserName), target_group(call, GroupName)
        memberships = call.tx.find(Membership, user_id=user.id)
        if all(membership.group_id != group.id for membership in memberships):
            if len(memberships) >= quotas.GROUPS_PER_USER:
                raise refusals.quota_exceeded("GroupsPerUser", quotas.GROUPS_PER_USER)
            call.tx.insert(Membership(user.id, group.id))
        return {}

    @operation("RemoveUserFromGroup", Door.IAM, on_group)
    def remove_user_from_group(
        self, call: Call, *, GroupName: str, UserName: str
    ) -> dict[str, Any]:
        """End a membership; to end none changes nothing."""
        user, group = target_user(call, UserName), target_group(call, GroupName)
        call.tx.delete(Membership(user.id, group.id))
        return {}

    @operation("PutGroupPolicy", Door.IAM, on_group)
    def put_group_policy(
        self, call: Call, *, GroupName: str, PolicyName: str, PolicyDocument: str
    ) -> dict[str, Any]:
        """Embed a policy in a group, or replace it."""
        return _holder(call, GroupName).put(call, PolicyName, PolicyDocument)

    @operation("GetGroupPolicy", Door.IAM, on_group)
    def get_group_policy(self, call: Call, *, GroupName: str, PolicyName: str) -> dict[str, Any]:
        """A policy that is embedded in a group."""
        return _holder(call, GroupName).get(call, PolicyName)

    @operation("DeleteGroupPolicy", Door.IAM, on_group)
    def delete_group_policy(self, call: Call, *, GroupName: str, PolicyName: str) -> dict[str, Any]:
        """Remove a policy that is embedded in a group."""
        return _holder(call, GroupName).delete(call, PolicyName)

    @operation("ListGroupPolicies", Door.IAM, on_group)
    def list_group_policies(
        self, call: Call, *, GroupName: str, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """The names of the policies that are embedded in a group."""
        return _holder(call, GroupName).names(call, paging)

    @operation("AttachGroupPolicy", Door.IAM, on_group)
    def attach_group_policy(self, call: Call, *, GroupName: str, PolicyArn: str) -> dict[str, Any]:
        """Attach a managed policy to a group."""
        return _holder(call, GroupName).attach(call, PolicyArn)

    @operation("DetachGroupPolicy", Door.IAM, on_group)
    def detach_group_policy(self, call: Call, *, GroupName: str, PolicyArn: str) -> dict[str, Any]:
        """Detach a managed policy from a group."""
        return _holder(call, GroupName).detach(call, PolicyArn)

    @operation("ListAttachedGroupPolicies", Door.IAM, on_group)
    def list_attached_group_policies(
        self, call: Call, *, GroupName: str, PathPrefix: str | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """The managed policies that are attached to a group."""
        return _holder(call, GroupName).attached(call, PathPrefix, paging)


def group_entry(account: Account, group: UserGroup) -> dict[str, Any]:
    """A group as IAM shows it."""
    return {
        "Path": group.path,
        "GroupName": group.name,
        "GroupId": group.id,
        "Arn": names.entity_arn(account, "group", group.path, group.name),
        "CreateDate": moment(group.created_ns),
    }


def _holder(call: Call, name: str) -> Holder:
    return Holder.of(target_group(call, name))


def _listed(
    call: Call,
    groups: Iterable[UserGroup],
    path_prefix: str | None,
    paging: Paging,
) -> dict[str, Any]:
    shown, rest = page_by_name(groups, path_prefix, paging)
    return {"Groups": [group_entry(call.caller.account, group) for group in shown], **rest}
