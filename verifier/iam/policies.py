# ruff: noqa: N803 - parameters are named as boto3 names them
"""The operations on managed policies and their versions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

from mfalab.verifier import aws_policies, names, permissions, quotas, refusals, tags
from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import Call, Paging, on_all, operation
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.iam.holders import check_document, size
from mfalab.verifier.iam.paging import page, page_of_tags
from mfalab.verifier.iam.targets import (
    check_policy_arn,
    on_new,
    on_policy,
    target_policy,
)
from mfalab.verifier.moments import moment
from mfalab.verifier.policy.documents import Kind
from mfalab.verifier.records import (
    Attachment,
    Identity,
    ManagedPolicy,
    PolicyVersion,
    Role,
    UserGroup,
)


class Policies(ForCaller):
    """Managed policies, AWS's and the account's own."""

    @operation("CreatePolicy", Door.IAM, on_new("policy"))
    def create_policy(
        self,
        call: Call,
        *,
        PolicyName: str,
        PolicyDocument: str,
        Path: str | None = None,
        Description: str | None = None,
        Tags: Sequence[Mapping[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Make a managed policy with one version."""
        account = call.caller.account
        pairs = tags.pairs(Tags or (), fold=False)
        _check(call, PolicyDocument)
        policy = permissions.create_policy(
            call.tx,
            account,
            names.unique_id("ANPA", call.random_bytes),
            PolicyName,
            PolicyDocument,
            call.now_ns,
            Path or "/",
            Description,
            pairs,
        )
        shown = entry(call, policy)
        if pairs:
            shown["Tags"] = tags.shown(pairs)
        return {"Policy": shown}

    @operation("GetPolicy", Door.IAM, on_policy)
    def get_policy(self, call: Call, *, PolicyArn: str) -> dict[str, Any]:
        """A managed policy, without its document."""
        policy = target_policy(call, PolicyArn)
        shown = entry(call, policy) | {"Tags": tags.shown(policy.tags)}
        if policy.description is not None:
            shown["Description"] = policy.description
        return {"Policy": shown}

    @operation("ListPolicies", Door.IAM, on_all("policy"))
    def list_policies(
        self,
        call: Call,
        *,
        Scope: str | None = None,
        OnlyAttached: bool | None = None,
        PathPrefix: str | None = None,
        PolicyUsageFilter: str | None = None,
        **paging: Unpack[Paging],
    ) -> dict[str, Any]:
        """Managed policies, by ARN."""
        account = call.caller.account
        found: list[ManagedPolicy] = []
        if Scope in (None, "All", "Local"):
            found += call.tx.find(ManagedPolicy, account_id=account.id)
        if Scope in (None, "All", "AWS"):
            found += aws_policies.everything(account.partition)
        wanted = [
            policy
            for policy in found
            if policy.path.startswith(PathPrefix or "/")
            and (not OnlyAttached or _attachments(call, policy))
            and (PolicyUsageFilter != "PermissionsPolicy" or _attachments(call, policy))
            and (PolicyUsageFilter != "PermissionsBoundary" or _bounded(call, policy))
        ]
        shown, rest = page(wanted, lambda policy: policy.arn, paging)
        return {"Policies": [entry(call, policy) for policy in shown], **rest}

    @operation("DeletePolicy", Door.IAM, on_policy)
    def delete_policy(self, call: Call, *, PolicyArn: str) -> dict[str, Any]:
        """Delete a managed policy that is used nowhere, and has its default version only."""
        policy = _own(call, target_policy(call, PolicyArn))
        if _attachments(call, policy) or _bounded(call, policy):
            raise refusals.policy_attached()
        versions = call.tx.find(PolicyVersion, policy_arn=policy.arn)
        if len(versions) > 1:
            raise refusals.policy_has_versions()
        for version in versions:
            call.tx.delete(version)
        call.tx.delete(policy)
        return {}

    @operation("CreatePolicyVersion", Door.IAM, on_policy)
    def create_policy_version(
        self,
        call: Call,
        *,
        PolicyArn: str,
        PolicyDocument: str,
        SetAsDefault: bool | None = None,
    ) -> dict[str, Any]:
        """Add a version to a managed policy, and have it in force if so asked."""
        policy = _own(call, target_policy(call, PolicyArn))
        _check(call, PolicyDocument)
        limit = quotas.VERSIONS_PER_POLICY
        if call.tx.count(PolicyVersion, policy_arn=policy.arn) >= limit:
            raise refusals.too_many_versions(limit)
        number = policy.last_version + 1
        version = PolicyVersion(policy.arn, number, PolicyDocument, call.now_ns)
        call.tx.insert(version)
        default = number if SetAsDefault else policy.default_version
        policy = replace(
            policy, default_version=default, last_version=number, updated_ns=call.now_ns
        )
        call.tx.update(policy)
        return {"PolicyVersion": version_entry(policy, version.number, version.created_ns)}

    @operation("GetPolicyVersion", Door.IAM, on_policy)
    def get_policy_version(self, call: Call, *, PolicyArn: str, VersionId: str) -> dict[str, Any]:
        """A version of a managed policy, with its document."""
        policy, number = _version(call, PolicyArn, VersionId)
        document = permissions.managed_document(call.tx, call.caller.account, PolicyArn, number)
        assert document is not None
        version = call.tx.get(PolicyVersion, policy.arn, number)
        created_ns = policy.updated_ns if version is None else version.created_ns
        shown = version_entry(policy, number, created_ns)
        return {"PolicyVersion": {"Document": json.loads(document), **shown}}

    @operation("ListPolicyVersions", Door.IAM, on_policy)
    def list_policy_versions(
        self, call: Call, *, PolicyArn: str, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """The versions of a managed policy, the newest first."""
        policy = target_policy(call, PolicyArn)
        versions = {
            each.number: each.created_ns
            for each in call.tx.find(PolicyVersion, policy_arn=policy.arn)
        } or {policy.default_version: policy.updated_ns}
        # The newest comes first, and a page's keys grow from item to item.
        shown, rest = page(versions, lambda number: f"{10**9 - number}", paging)
        entries = [version_entry(policy, number, versions[number]) for number in shown]
        return {"Versions": entries, **rest}

    @operation("DeletePolicyVersion", Door.IAM, on_policy)
    def delete_policy_version(
        self, call: Call, *, PolicyArn: str, VersionId: str
    ) -> dict[str, Any]:
        """Delete a version that is not the default one."""
        policy, number = _version(call, PolicyArn, VersionId)
        _own(call, policy)
        if number == policy.default_version:
            raise refusals.default_version_kept()
        call.tx.delete(PolicyVersion(policy.arn, number, "", 0))
        return {}

    @operation("SetDefaultPolicyVersion", Door.IAM, on_policy)
    def set_default_policy_version(
        self, call: Call, *, PolicyArn: str, VersionId: str
    ) -> dict[str, Any]:
        """Have another version of a managed policy in force."""
        policy, number = _version(call, PolicyArn, VersionId)
        _own(call, policy)
        call.tx.update(replace(policy, default_version=number, updated_ns=call.now_ns))
        return {}

    @operation("TagPolicy", Door.IAM, on_policy)
    def tag_policy(
        self, call: Call, *, PolicyArn: str, Tags: Sequence[Mapping[str, str]]
    ) -> dict[str, Any]:
        """Add tags to a managed policy; keys that differ in case are two."""
        policy = _own(call, target_policy(call, PolicyArn))
        limit = quotas.TAGS_PER_POLICY
        kept = tags.added(policy.tags, Tags, limit, "TagsPerPolicy", fold=False)
        call.tx.update(replace(policy, tags=kept))
        return {}

    @operation("UntagPolicy", Door.IAM, on_policy)
    def untag_policy(self, call: Call, *, PolicyArn: str, TagKeys: Sequence[str]) -> dict[str, Any]:
        """Remove tags from a managed policy."""
        policy = _own(call, target_policy(call, PolicyArn))
        kept = tags.without(policy.tags, TagKeys, fold=False)
        call.tx.update(replace(policy, tags=kept))
        return {}

    @operation("ListPolicyTags", Door.IAM, on_policy)
    def list_policy_tags(
        self, call: Call, *, PolicyArn: str, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """A managed policy's tags, by key."""
        return page_of_tags(target_policy(call, PolicyArn).tags, paging)

    @operation("ListEntitiesForPolicy", Door.IAM, on_policy)
    def list_entities_for_policy(
        self,
        call: Call,
        *,
        PolicyArn: str,
        EntityFilter: str | None = None,
        PathPrefix: str | None = None,
        PolicyUsageFilter: str | None = None,
        **paging: Unpack[Paging],
    ) -> dict[str, Any]:
        """The groups, roles and users that a managed policy is attached to, or bounds."""
        policy = target_policy(call, PolicyArn)
        found: dict[str, UserGroup | Role | Identity] = {}
        if PolicyUsageFilter != "PermissionsBoundary":
            found |= {each.id: each for each in _holders(call, policy)}
        if PolicyUsageFilter != "PermissionsPolicy":
            found |= {each.id: each for each in _bounded(call, policy)}
        wanted = sorted(
            (_KINDS[type(each)], each.id)
            for each in found.values()
            if each.path.startswith(PathPrefix or "/")
            and EntityFilter in (None, _KINDS[type(each)])
        )
        shown, rest = page(wanted, ":".join, paging)
        answer: dict[str, Any] = {"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": []}
        for kind, entity_id in shown:
            entity = found[entity_id]
            answer[f"Policy{kind}s"].append({f"{kind}Name": entity.name, f"{kind}Id": entity.id})
        return {**answer, **rest}


_KINDS: Mapping[type, str] = {UserGroup: "Group", Role: "Role", Identity: "User"}


def entry(call: Call, policy: ManagedPolicy) -> dict[str, Any]:
    """A managed policy as IAM lists it."""
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": f"v{policy.default_version}",
        "AttachmentCount": _attachments(call, policy),
        "PermissionsBoundaryUsageCount": len(_bounded(call, policy)),
        "IsAttachable": True,
        "CreateDate": moment(policy.created_ns),
        "UpdateDate": moment(policy.updated_ns),
    }


def version_entry(policy: ManagedPolicy, number: int, created_ns: int) -> dict[str, Any]:
    """A version of a managed policy as IAM lists it."""
    return {
        "VersionId": f"v{number}",
        "IsDefaultVersion": number == policy.default_version,
        "CreateDate": moment(created_ns),
    }


def _check(call: Call, document: str) -> None:
    check_document(call, document, Kind.MANAGED)
    if size(document) > quotas.POLICY_SIZE:
        raise refusals.quota_exceeded("PolicySize", quotas.POLICY_SIZE)


def _own(call: Call, policy: ManagedPolicy) -> ManagedPolicy:
    """Nobody but AWS changes AWS's policies."""
    if policy.account_id != call.caller.account.id:
        raise refusals.not_authorized(
            call.caller.arn, f"iam:{call.operation}", f"policy {policy.arn}"
        )
    return policy


def _version(call: Call, arn: str, version_id: str) -> tuple[ManagedPolicy, int]:
    """A managed policy and the number of one of its versions."""
    check_policy_arn(arn)
    digits = version_id.removeprefix("v")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
    account = call.caller.account
    policy = permissions.managed_policy(call.tx, account, arn)
    if policy is None or permissions.managed_document(call.tx, account, arn, number) is None:
        raise refusals.policy_not_attachable(f"{arn} version {version_id}")
    return policy, number


def _attachments(call: Call, policy: ManagedPolicy) -> int:
    return call.tx.count(Attachment, account_id=call.caller.account.id, policy_arn=policy.arn)


def _bounded(call: Call, policy: ManagedPolicy) -> list[Identity | Role]:
    """The users and roles whose permissions a policy bounds."""
    bounded = {"account_id": call.caller.account.id, "permissions_boundary": policy.arn}
    return [*call.tx.find(Identity, **bounded), *call.tx.find(Role, **bounded)]


def _holders(call: Call, policy: ManagedPolicy) -> Iterator[UserGroup | Role | Identity]:
    attached = call.tx.find(Attachment, account_id=call.caller.account.id, policy_arn=policy.arn)
    for attachment in attached:
        owner_id = attachment.owner_id
        holder = (
            call.tx.get(Identity, owner_id)
            or call.tx.get(Role, owner_id)
            or call.tx.get(UserGroup, owner_id)
        )
        assert holder is not None, f"{owner_id} has policies and is gone"
        yield holder
