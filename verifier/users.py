"""How users and their credentials come and go: the same for the API, the console and furnishing."""

from __future__ import annotations

from typing import Any

from mfalab.verifier import (
    aws_policies,
    device_rules,
    enrolment,
    names,
    permissions,
    quotas,
    refusals,
)
from mfalab.verifier.calls import Call
from mfalab.verifier.moments import moment
from mfalab.verifier.records import (
    AccessKey,
    Account,
    Attachment,
    Identity,
    InlinePolicy,
    Membership,
)


def create(
    call: Call,
    account: Account,
    name: str,
    *,
    path: str = "/",
    password_hash: str | None = None,
    password_reset_required: bool = False,
    permissions_boundary: str | None = None,
    tags: tuple[tuple[str, str], ...] = (),
) -> Identity:
    """Make a user; whoever has a password may use the console.

    Raises:
        ServiceError: the name is taken whatever its case; the account is full.
    """
    key = name.lower()
    if call.tx.find(Identity, account_id=account.id, name_key=key):
        raise refusals.user_exists(name)
    if call.tx.count(Identity, account_id=account.id) > quotas.USERS:  # root is one of them
        raise refusals.quota_exceeded("UsersPerAccount", quotas.USERS)
    since_ns = None if password_hash is None else call.now_ns
    identity = Identity(
        id=names.unique_id("AIDA", call.random_bytes),
        account_id=account.id,
        name=name,
        name_key=key,
        path=path,
        root=False,
        password_hash=password_hash,
        created_ns=call.now_ns,
        password_changed_ns=since_ns,
        password_created_ns=since_ns,
        password_reset_required=password_reset_required,
        permissions_boundary=permissions_boundary,
        tags=tags,
    )
    call.tx.insert(identity)
    return identity


def create_access_key(call: Call, identity: Identity) -> AccessKey:
    """Long-term credentials of a user or of root.

    Raises:
        ServiceError: the identity has two keys.
    """
    if len(access_keys_of(call, identity)) >= quotas.ACCESS_KEYS_PER_USER:
        raise refusals.quota_exceeded("AccessKeysPerUser", quotas.ACCESS_KEYS_PER_USER)
    key = AccessKey(
        id=names.access_key_id("AKIA", call.random_bytes),
        secret=names.secret_access_key(call.random_bytes),
        identity_id=identity.id,
        active=True,
        created_ns=call.now_ns,
    )
    call.tx.insert(key)
    return key


def access_keys_of(call: Call, identity: Identity) -> list[AccessKey]:
    """An identity's access keys, active or not, the oldest first."""
    keys = call.tx.find(AccessKey, identity_id=identity.id)
    return sorted(keys, key=lambda key: (key.created_ns, key.id))


def check_nothing_left(call: Call, user: Identity) -> None:
    """The API deletes a user only when it has nothing any more.

    That devices come before access keys was measured; the rest of the order is ours. The policy
    of ours that users are furnished with is in nothing's way: AWS has none.

    Raises:
        ServiceError: DeleteConflict, whose text names what has to go first.
    """
    if device_rules.devices_of(call.tx, user.id):
        tokens = call.profile.delete_user_says_tokens
        what = "remove tokens from principal" if tokens else "delete MFA device"
        raise refusals.cannot_delete_entity(what)
    if access_keys_of(call, user):
        raise refusals.cannot_delete_entity("delete access keys")
    if user.password_hash is not None:
        raise refusals.cannot_delete_entity("delete login profile")
    furnished = aws_policies.arn_of(call.caller.account.partition, aws_policies.SELF_MANAGEMENT)
    attached = call.tx.find(Attachment, owner_id=user.id)
    if any(attachment.policy_arn != furnished for attachment in attached):
        raise refusals.cannot_delete_entity("detach all policies")
    if call.tx.count(InlinePolicy, owner_id=user.id):
        raise refusals.cannot_delete_entity("delete policies")
    if call.tx.count(Membership, user_id=user.id):
        raise refusals.cannot_delete_entity("remove users from group")


def delete(call: Call, user: Identity) -> None:
    """Delete a user with its access keys, policies, memberships and unconfirmed telephone."""
    permissions.forget(call.tx, user.id)
    for key in access_keys_of(call, user):
        call.tx.delete(key)
    serial = names.sms_serial(call.caller.account, user.name)
    unconfirmed = device_rules.device_of_serial(call.tx, serial)
    if unconfirmed is not None:
        enrolment.remove(call, unconfirmed)
    call.tx.delete(user)


def entry(account: Account, identity: Identity) -> dict[str, Any]:
    """A user as IAM lists it. Root has neither path nor name."""
    shown: dict[str, Any] = {
        "UserId": identity.id,
        "Arn": names.identity_arn(account, identity),
        "CreateDate": moment(identity.created_ns),
    }
    if not identity.root:
        shown |= {"Path": identity.path, "UserName": identity.name}
    if identity.password_last_used_ns is not None:
        shown["PasswordLastUsed"] = moment(identity.password_last_used_ns)
    return shown
