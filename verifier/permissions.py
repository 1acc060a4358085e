"""The policies that users, groups and roles have: where they are kept, and all of one owner's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from mfalab.verifier import aws_policies, names, quotas, refusals
from mfalab.verifier.policy.documents import Document, Kind, parse
from mfalab.verifier.policy.evaluation import Policies, PolicyType
from mfalab.verifier.records import (
    Account,
    Attachment,
    Identity,
    InlinePolicy,
    ManagedPolicy,
    Membership,
    PolicyVersion,
    Role,
    UserGroup,
)
from mfalab.verifier.store.protocol import Transaction


def managed_policy(tx: Transaction, account: Account, arn: str) -> ManagedPolicy | None:
    """A managed policy as an account sees it: its own, or AWS's."""
    published = aws_policies.find(account.partition, arn)
    if published is not None:
        return published[0]
    policy = tx.get(ManagedPolicy, arn)
    return policy if policy is not None and policy.account_id == account.id else None


def managed_document(
    tx: Transaction, account: Account, arn: str, version: int | None = None
) -> str | None:
    """The document of a managed policy's version, by default of the default version."""
    policy = managed_policy(tx, account, arn)
    if policy is None:
        return None
    number = policy.default_version if version is None else version
    published = aws_policies.find(account.partition, arn)
    if published is not None:
        return published[1] if number == policy.default_version else None
    found = tx.get(PolicyVersion, arn, number)
    return None if found is None else found.document


def documents_of(
    tx: Transaction, account: Account, *owner_ids: str
) -> Iterator[tuple[str | None, str]]:
    """All policies of users, groups or roles: ARN (None of an inline policy) and document."""
    for owner_id in owner_ids:
        for inline in tx.find(InlinePolicy, owner_id=owner_id):
            yield None, inline.document
        for attachment in tx.find(Attachment, owner_id=owner_id):
            document = managed_document(tx, account, attachment.policy_arn)
            assert document is not None, f"{attachment.policy_arn} is attached and gone"
            yield attachment.policy_arn, document


def policies_of(
    tx: Transaction,
    account: Account,
    owner_ids: Iterable[str],
    boundary: str | None = None,
    session: Iterable[str] | None = None,
    resource: Document | None = None,
) -> Policies:
    """The policies that apply to a request, compiled.

    Args:
        tx: to read them in.
        account: the principal's.
        owner_ids: of the user and its groups, or of the role; nothing for root.
        boundary: ARN of the permissions boundary.
        session: documents of the session policies; None if there are none.
        resource: the policy of the resource.
    """

    def compiled(texts: Iterable[str]) -> tuple[Document, ...]:
        # What is stored was looked at as its own kind; here all kinds are asked alike.
        return tuple(parse(text, Kind.IDENTITY, account.partition) for text in texts)

    bounds = None if boundary is None else managed_document(tx, account, boundary)
    assert boundary is None or bounds is not None, f"{boundary} bounds permissions and is gone"
    own = list(documents_of(tx, account, *owner_ids))
    return Policies(
        identity=compiled(document for _, document in own),
        resource=resource,
        boundary=compiled([bounds])[0] if bounds is not None else None,
        session=None if session is None else compiled(session),
        arns={PolicyType.IDENTITY: [arn for arn, _ in own], PolicyType.BOUNDARY: [boundary]},
    )


def groups_of(tx: Transaction, user_id: str) -> list[str]:
    """The unique ids of a user's groups."""
    return [membership.group_id for membership in tx.find(Membership, user_id=user_id)]


def trust_policy(
    trusts: Iterable[str],
    *,
    requires_mfa: bool = False,
    mfa_max_age_s: int | None = None,
    external_id: str | None = None,
) -> str:
    """A trust policy that names principals, and what it demands of MFA.

    Args:
        trusts: ARNs of users, of roles, or of whole accounts (`arn:aws:iam::ACCT:root`); if there
            are none, a service is trusted, and so no caller.
        requires_mfa: whether `aws:MultiFactorAuthPresent` must be true.
        mfa_max_age_s: the greatest `aws:MultiFactorAuthAge`, in seconds.
        external_id: what `sts:ExternalId` must be.
    """
    principals = list(trusts)
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": principals} if principals else {"Service": "ec2.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
    }
    condition: dict[str, dict[str, str]] = {}
    if requires_mfa:
        condition["Bool"] = {"aws:MultiFactorAuthPresent": "true"}
    if mfa_max_age_s is not None:
        condition["NumericLessThanEquals"] = {"aws:MultiFactorAuthAge": str(mfa_max_age_s)}
    if external_id is not None:
        condition["StringEquals"] = {"sts:ExternalId": external_id}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trusted_ids(tx: Transaction, document: str, *, strict: bool) -> tuple[tuple[str, str], ...]:
    """The users and roles that a trust policy names, by ARN, with their unique ids of now.

    Args:
        tx: to look them up in.
        document: the trust policy.
        strict: whether one that is not there is refused; in an account that is not known here,
            anything may be.

    Raises:
        ServiceError: MalformedPolicyDocument.
    """
    found: dict[str, str] = {}
    for arn in _principals(json.loads(document)):
        parts = arn.split(":", 5)
        kind, _, path = parts[-1].partition("/")
        if kind not in ("user", "role") or len(parts) < 6 or tx.get(Account, parts[4]) is None:
            continue
        folder, _, name = f"/{path}".rpartition("/")
        named = {"account_id": parts[4], "name_key": name.lower()}
        alike = tx.find(Identity, **named) if kind == "user" else tx.find(Role, **named)
        for entity in alike:
            if (entity.path, entity.name) == (f"{folder}/", name):
                found[arn] = entity.id
        if strict and arn not in found:
            raise refusals.malformed_policy(f'Invalid principal in policy: "AWS":"{arn}"')
    return tuple(found.items())


def _principals(document: dict[str, Any]) -> Iterator[str]:
    """The ARNs and account ids that a trust policy names."""
    given = document["Statement"]
    for statement in [given] if isinstance(given, dict) else given:
        element = statement.get("Principal", statement.get("NotPrincipal"))
        if isinstance(element, dict):
            named = element.get("AWS", [])
            yield from [named] if isinstance(named, str) else named


def create_policy(
    tx: Transaction,
    account: Account,
    policy_id: str,
    name: str,
    document: str,
    now_ns: int,
    path: str = "/",
    description: str | None = None,
    tags: tuple[tuple[str, str], ...] = (),
) -> ManagedPolicy:
    """Make a customer managed policy with one version.

    Raises:
        ServiceError: the name is taken, whatever its case and path; the account is full.
    """
    if tx.find(ManagedPolicy, account_id=account.id, name_key=name.lower()):
        raise refusals.policy_exists(name)
    if tx.count(ManagedPolicy, account_id=account.id) >= quotas.POLICIES:
        raise refusals.quota_exceeded("PoliciesPerAccount", quotas.POLICIES)
    policy = ManagedPolicy(
        arn=names.entity_arn(account, "policy", path, name),
        id=policy_id,
        account_id=account.id,
        name=name,
        name_key=name.lower(),
        path=path,
        description=description,
        default_version=1,
        last_version=1,
        created_ns=now_ns,
        updated_ns=now_ns,
        tags=tags,
    )
    tx.insert(policy)
    tx.insert(PolicyVersion(policy.arn, 1, document, now_ns))
    return policy


def create_group(
    tx: Transaction, account: Account, group_id: str, name: str, now_ns: int, path: str = "/"
) -> UserGroup:
    """Make a group without members.

    Raises:
        ServiceError: the name is taken, whatever its case; the account is full.
    """
    if tx.find(UserGroup, account_id=account.id, name_key=name.lower()):
        raise refusals.group_exists(name)
    if tx.count(UserGroup, account_id=account.id) >= quotas.GROUPS:
        raise refusals.quota_exceeded("GroupsPerAccount", quotas.GROUPS)
    group = UserGroup(group_id, account.id, name, name.lower(), path, now_ns)
    tx.insert(group)
    return group


def attach(tx: Transaction, account_id: str, owner_id: str, policy_arn: str) -> None:
    """Attach a managed policy; once is enough."""
    tx.update(Attachment(owner_id, policy_arn, account_id))


def forget(tx: Transaction, owner_id: str) -> None:
    """Take all policies and memberships from a user, group or role that is to be deleted."""
    for record_type, field in (
        (InlinePolicy, "owner_id"),
        (Attachment, "owner_id"),
        (Membership, "user_id"),
    ):
        for record in tx.find(record_type, **{field: owner_id}):
            tx.delete(record)
