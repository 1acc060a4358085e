"""What users, groups and roles have in common: inline policies, attached ones, a boundary."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from mfalab.verifier import permissions, quotas, refusals
from mfalab.verifier.calls import Call, Paging
from mfalab.verifier.iam.paging import page
from mfalab.verifier.iam.targets import check_policy_arn
from mfalab.verifier.policy.documents import Document, Kind, parse
from mfalab.verifier.records import Attachment, Identity, InlinePolicy, Role, UserGroup


@dataclass(frozen=True, slots=True)
class Holder:
    """A user, a group or a role as a holder of policies."""

    kind: Literal["user", "group", "role"]
    id: str
    name: str
    account_id: str

    @classmethod
    def of(cls, entity: Identity | UserGroup | Role) -> Holder:
        """The holder that an entity is."""
        kind: Literal["user", "group", "role"] = "user"
        if isinstance(entity, UserGroup):
            kind = "group"
        elif isinstance(entity, Role):
            kind = "role"
        return cls(kind, entity.id, entity.name, entity.account_id)

    # Inline policies

    def put(self, call: Call, name: str, document: str) -> dict[str, Any]:
        """Embed a policy, or replace the one of this name."""
        check_document(call, document, Kind.IDENTITY)
        others = [
            inline.document
            for inline in call.tx.find(InlinePolicy, owner_id=self.id)
            if inline.name != name
        ]
        limit = quotas.INLINE_POLICY_SIZE[self.kind]
        if sum(map(size, [document, *others])) > limit:
            raise refusals.inline_policies_too_large(limit, self.kind, self.name)
        call.tx.update(InlinePolicy(self.id, name, document))
        return {}

    def get(self, call: Call, name: str) -> dict[str, Any]:
        """An embedded policy."""
        return {
            f"{self.kind.capitalize()}Name": self.name,
            "PolicyName": name,
            "PolicyDocument": json.loads(self._inline(call, name).document),
        }

    def delete(self, call: Call, name: str) -> dict[str, Any]:
        """Remove an embedded policy."""
        call.tx.delete(self._inline(call, name))
        return {}

    def names(self, call: Call, paging: Paging) -> dict[str, Any]:
        """The names of the embedded policies."""
        names = [inline.name for inline in call.tx.find(InlinePolicy, owner_id=self.id)]
        shown, rest = page(names, str, paging)
        return {"PolicyNames": shown, **rest}

    def _inline(self, call: Call, name: str) -> InlinePolicy:
        inline = call.tx.get(InlinePolicy, self.id, name)
        if inline is None:
            raise refusals.no_such_inline_policy(self.kind, name)
        return inline

    # Managed policies

    def attach(self, call: Call, arn: str) -> dict[str, Any]:
        """Attach a managed policy; to attach it again changes nothing."""
        check_policy_arn(arn)
        if permissions.managed_policy(call.tx, call.caller.account, arn) is None:
            raise refusals.policy_not_attachable(f"{arn}")
        attached = call.tx.find(Attachment, owner_id=self.id)
        if all(each.policy_arn != arn for each in attached):
            limit = quotas.ATTACHED_POLICIES[self.kind]
            if len(attached) >= limit:
                quota = f"PoliciesPer{self.kind.capitalize()}"
                raise refusals.quota_exceeded(quota, limit)
            permissions.attach(call.tx, self.account_id, self.id, arn)
        return {}

    def detach(self, call: Call, arn: str) -> dict[str, Any]:
        """Detach a managed policy."""
        check_policy_arn(arn)
        attachment = call.tx.get(Attachment, self.id, arn)
        if attachment is None:
            raise refusals.policy_not_found(arn)
        call.tx.delete(attachment)
        return {}

    def attached(self, call: Call, path_prefix: str | None, paging: Paging) -> dict[str, Any]:
        """The managed policies that are attached, by ARN."""
        policies = []
        for attachment in call.tx.find(Attachment, owner_id=self.id):
            arn = attachment.policy_arn
            policy = permissions.managed_policy(call.tx, call.caller.account, arn)
            if policy is not None and policy.path.startswith(path_prefix or "/"):
                policies.append(policy)
        shown, rest = page(policies, lambda policy: policy.arn, paging)
        entries = [{"PolicyName": each.name, "PolicyArn": each.arn} for each in shown]
        return {"AttachedPolicies": entries, **rest}

    def check_is_free(self, call: Call) -> None:
        """Refuse to delete an entity that has policies left."""
        if call.tx.count(Attachment, owner_id=self.id):
            raise refusals.cannot_delete_entity("detach all policies")
        if call.tx.count(InlinePolicy, owner_id=self.id):
            raise refusals.cannot_delete_entity("delete policies")


def boundary(call: Call, arn: str) -> str:
    """The ARN of a managed policy that is to bound permissions."""
    check_policy_arn(arn)
    if permissions.managed_policy(call.tx, call.caller.account, arn) is None:
        raise refusals.boundary_not_attachable(arn)
    return arn


def boundary_entry(arn: str | None) -> dict[str, Any]:
    """A permissions boundary as entities show it; nothing if there is none."""
    if arn is None:
        return {}
    return {
        "PermissionsBoundary": {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": arn,
        }
    }


def size(document: str) -> int:
    """The size of a policy as IAM counts it: without white space."""
    return len("".join(document.split()))


def check_document(call: Call, document: str, kind: Kind) -> Document:
    """Refuse what is no policy document of a kind."""
    return parse(document, kind, call.caller.account.partition)


def trusted_ids(call: Call, document: str) -> tuple[tuple[str, str], ...]:
    """Whom a trust policy means: refused are what is none, is too long, or names what is not there.

    Returns:
        Users and roles by ARN, with their unique ids.
    """
    check_document(call, document, Kind.TRUST)
    limit = quotas.ASSUME_ROLE_POLICY_SIZE
    if size(document) > limit:
        raise refusals.quota_exceeded("ACLSizePerRole", limit)
    return permissions.trusted_ids(call.tx, document, strict=True)
