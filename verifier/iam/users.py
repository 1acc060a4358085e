# ruff: noqa: N803 - parameters are named as boto3 names them
"""The operations on users."""

from __future__ import annotations

from typing import Any

from mfalab.verifier import (
    device_rules,
    enrolment,
    names,
    refusals,
)
from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import (
    Call,
    on_everything,
    on_user,
    operation,
    target_user,
)
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.iam.paging import page
from mfalab.verifier.moments import moment
from mfalab.verifier.records import (
    Account,
    Identity,
)


class Users(ForCaller):
    """Users of the account."""

    @operation("DeleteUser", Door.IAM, on_user)
    def delete_user(self, call: Call, *, UserName: str) -> dict[str, Any]:
        """Delete a user without devices; password and access keys go with it."""
        target = target_user(call, UserName)
        if device_rules.devices_of(call.tx, target.id):
            raise refusals.user_has_devices()
        enrolment.delete_user(call, target)
        return {}

    @operation("GetUser", Door.IAM, on_user)
    def get_user(self, call: Call, *, UserName: str | None = None) -> dict[str, Any]:
        """A user, by default the caller."""
        return {"User": user_entry(call.caller.account, target_user(call, UserName))}

    @operation("ListUsers", Door.IAM, on_everything)
    def list_users(
        self,
        call: Call,
        *,
        PathPrefix: str = "/",
        Marker: str | None = None,
        MaxItems: int | None = None,
    ) -> dict[str, Any]:
        """The account's IAM users below a path, by name without case."""
        account = call.caller.account
        users = [
            user
            for user in call.tx.find(Identity, account_id=account.id)
            if not user.root and user.path.startswith(PathPrefix)
        ]
        users.sort(key=lambda user: user.name_key)
        shown, rest = page(users, lambda user: user.name_key, Marker, MaxItems)
        return {"Users": [user_entry(account, user) for user in shown], **rest}


def user_entry(account: Account, identity: Identity) -> dict[str, Any]:
    """A user as IAM lists it."""
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
