# ruff: noqa: N803 - parameters are named as boto3 names them
"""The operations on access keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Unpack

from mfalab.verifier import key_use, names, refusals, users
from mfalab.verifier.authorization import Door, Target
from mfalab.verifier.calls import Call, Paging, on_user, operation, target_of, target_user
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.iam.paging import page
from mfalab.verifier.moments import moment
from mfalab.verifier.records import AccessKey, Identity

_NEVER = "N/A"


def _with_owner(call: Call, key_id: str) -> tuple[AccessKey | None, Identity | None]:
    """A key of the caller's account, and whose it is."""
    key = call.tx.get(AccessKey, key_id)
    owner = None if key is None else call.tx.get(Identity, key.identity_id)
    if owner is None or owner.account_id != call.caller.account.id:
        return None, None
    return key, owner


def _on_owner(call: Call, parameters: Mapping[str, Any]) -> Target:
    """Authorised on the user whose key it is; on everything, when nobody's."""
    _, owner = _with_owner(call, parameters["AccessKeyId"])
    return Target("*") if owner is None else target_of(call, owner)


class AccessKeys(ForCaller):
    """Access keys of users, and of root for itself."""

    @operation("CreateAccessKey", Door.IAM, on_user)
    def create_access_key(self, call: Call, *, UserName: str | None = None) -> dict[str, Any]:
        """Make a key; the only answer that has its secret."""
        user = target_user(call, UserName)
        key = users.create_access_key(call, user)
        return {"AccessKey": _entry(user, key) | {"SecretAccessKey": key.secret}}

    @operation("ListAccessKeys", Door.IAM, on_user)
    def list_access_keys(
        self, call: Call, *, UserName: str | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """A user's keys, without their secrets."""
        user = target_user(call, UserName)
        keys, rest = page(users.access_keys_of(call, user), lambda key: key.id, paging)
        return {"AccessKeyMetadata": [_entry(user, key) for key in keys], **rest}

    @operation("UpdateAccessKey", Door.IAM, on_user)
    def update_access_key(
        self, call: Call, *, AccessKeyId: str, Status: str, UserName: str | None = None
    ) -> dict[str, Any]:
        """Switch a key on or off: an inactive one is as an unknown one."""
        key = _key(call, target_user(call, UserName), AccessKeyId)
        call.tx.update(replace(key, active=Status == "Active"))
        return {}

    @operation("DeleteAccessKey", Door.IAM, on_user)
    def delete_access_key(
        self, call: Call, *, AccessKeyId: str, UserName: str | None = None
    ) -> dict[str, Any]:
        """Delete a key, for good."""
        call.tx.delete(_key(call, target_user(call, UserName), AccessKeyId))
        return {}

    @operation("GetAccessKeyLastUsed", Door.IAM, _on_owner)
    def get_access_key_last_used(self, call: Call, *, AccessKeyId: str) -> dict[str, Any]:
        """When and at which service a key was used last; N/A where it was not."""
        key, owner = _with_owner(call, AccessKeyId)
        if key is None or owner is None:
            raise refusals.no_such_access_key(AccessKeyId)
        used: dict[str, Any] = {"ServiceName": _NEVER, "Region": _NEVER}
        last = key_use.last_use(key, call.now_ns)
        if last is not None:
            used_ns, service, _ = last
            used = {
                "LastUsedDate": moment(used_ns),
                "ServiceName": service,
                "Region": names.REGION,
            }
        return ({} if owner.root else {"UserName": owner.name}) | {"AccessKeyLastUsed": used}


def _key(call: Call, user: Identity, key_id: str) -> AccessKey:
    key = call.tx.get(AccessKey, key_id)
    if key is None or key.identity_id != user.id:
        raise refusals.no_such_access_key(key_id)
    return key


def _entry(user: Identity, key: AccessKey) -> dict[str, Any]:
    shown: dict[str, Any] = {} if user.root else {"UserName": user.name}
    return shown | {
        "AccessKeyId": key.id,
        "Status": "Active" if key.active else "Inactive",
        "CreateDate": moment(key.created_ns),
    }
