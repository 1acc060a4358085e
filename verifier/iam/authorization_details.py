# ruff: noqa: N803 - parameters are named as boto3 names them
"""Everything about who may do what in an account, in one answer: what auditors read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Unpack

from mfalab.verifier import aws_policies, permissions, tags, users
from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import Call, Paging, on_everything, operation
from mfalab.verifier.iam import groups, policies, roles
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.iam.holders import boundary_entry
from mfalab.verifier.iam.paging import page
from mfalab.verifier.records import (
    Attachment,
    Identity,
    InlinePolicy,
    ManagedPolicy,
    PolicyVersion,
    Role,
    UserGroup,
)

_Entry = tuple[str, str, Callable[[], dict[str, Any]]]
"""Kind, key, and what makes the entry: only if the page has it."""
_LISTS = {
    "User": "UserDetailList",
    "Group": "GroupDetailList",
    "Role": "RoleDetailList",
    "LocalManagedPolicy": "Policies",
    "AWSManagedPolicy": "Policies",
}
"""The filters, and the member of the answer that each fills."""


class AuthorizationDetails(ForCaller):
    """Users, groups, roles and managed policies with all that connects them."""

    @operation("GetAccountAuthorizationDetails", Door.IAM, on_everything)
    def get_account_authorization_details(
        self, call: Call, *, Filter: Sequence[str] | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """All entities of the account, or of some kinds; of AWS's policies those in use."""
        found = [
            (f"{kind}:{key}", kind, make)
            for kind, key, make in _entities(call)
            if not Filter or kind in Filter
        ]
        shown, rest = page(found, lambda each: each[0], paging)
        answer: dict[str, Any] = {name: [] for name in _LISTS.values()}
        for _, kind, make in shown:
            answer[_LISTS[kind]].append(make())
        return {**answer, **rest}


def _entities(call: Call) -> Iterator[_Entry]:
    tx, account = call.tx, call.caller.account
    for user in tx.find(Identity, account_id=account.id):
        if not user.root:
            yield "User", user.id, partial(_user, call, user)
    for group in tx.find(UserGroup, account_id=account.id):
        yield "Group", group.id, partial(_group, call, group)
    for role in tx.find(Role, account_id=account.id):
        yield "Role", role.id, partial(_role, call, role)
    for policy in tx.find(ManagedPolicy, account_id=account.id):
        yield "LocalManagedPolicy", policy.arn, partial(_policy, call, policy)
    for policy in aws_policies.everything(account.partition):
        if tx.count(Attachment, account_id=account.id, policy_arn=policy.arn):
            yield "AWSManagedPolicy", policy.arn, partial(_policy, call, policy)


def _user(call: Call, user: Identity) -> dict[str, Any]:
    shown = users.entry(call.caller.account, user) | boundary_entry(user.permissions_boundary)
    shown.pop("PasswordLastUsed", None)
    memberships = permissions.groups_of(call.tx, user.id)
    members = [call.tx.get(UserGroup, group_id) for group_id in memberships]
    names = sorted(group.name for group in members if group is not None)
    return {**shown, **_held(call, "User", user.id), "GroupList": names, **_tags(user.tags)}


def _group(call: Call, group: UserGroup) -> dict[str, Any]:
    return {**groups.group_entry(call.caller.account, group), **_held(call, "Group", group.id)}


def _role(call: Call, role: Role) -> dict[str, Any]:
    return {
        **roles.entry(call.caller.account, role),
        **boundary_entry(role.permissions_boundary),
        **_held(call, "Role", role.id),
        **_tags(role.tags),
        "InstanceProfileList": [],
        "RoleLastUsed": {},
    }


def _policy(call: Call, policy: ManagedPolicy) -> dict[str, Any]:
    shown = policies.entry(call, policy)
    if policy.description is not None:
        shown["Description"] = policy.description
    versions = call.tx.find(PolicyVersion, policy_arn=policy.arn)
    if not versions:
        document = permissions.managed_document(call.tx, call.caller.account, policy.arn)
        assert document is not None
        version = PolicyVersion(policy.arn, policy.default_version, document, policy.updated_ns)
        versions = [version]
    shown["PolicyVersionList"] = [
        {
            "Document": json.loads(version.document),
            **policies.version_entry(policy, version.number, version.created_ns),
        }
        for version in sorted(versions, key=lambda version: version.number, reverse=True)
    ]
    return shown


def _held(call: Call, kind: str, owner_id: str) -> dict[str, Any]:
    """The policies of a user, a group or a role."""
    attached = []
    for attachment in call.tx.find(Attachment, owner_id=owner_id):
        arn = attachment.policy_arn
        policy = permissions.managed_policy(call.tx, call.caller.account, arn)
        assert policy is not None, f"{arn} is attached and gone"
        attached.append({"PolicyName": policy.name, "PolicyArn": arn})
    inline = [
        {"PolicyName": each.name, "PolicyDocument": json.loads(each.document)}
        for each in call.tx.find(InlinePolicy, owner_id=owner_id)
    ]
    return {f"{kind}PolicyList": inline, "AttachedManagedPolicies": attached}


def _tags(pairs: tags.Pairs) -> dict[str, Any]:
    return {"Tags": tags.shown(pairs)} if pairs else {}
