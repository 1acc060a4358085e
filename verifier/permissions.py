"""The policies that users, groups and roles have: where they are kept, and all of one owner's."""

from __future__ import annotations

from collections.abc import Iterator

from mfalab.verifier import aws_policies
from mfalab.verifier.records import (
    Account,
    Attachment,
    InlinePolicy,
    ManagedPolicy,
    Membership,
    PolicyVersion,
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


def documents_of(tx: Transaction, account: Account, *owner_ids: str) -> Iterator[str]:
    """The documents of all policies, inline and attached, of users, groups or roles."""
    for owner_id in owner_ids:
        for inline in tx.find(InlinePolicy, owner_id=owner_id):
            yield inline.document
        for attachment in tx.find(Attachment, owner_id=owner_id):
            document = managed_document(tx, account, attachment.policy_arn)
            assert document is not None, f"{attachment.policy_arn} is attached and gone"
            yield document


def groups_of(tx: Transaction, user_id: str) -> list[str]:
    """The unique ids of a user's groups."""
    return [membership.group_id for membership in tx.find(Membership, user_id=user_id)]


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
