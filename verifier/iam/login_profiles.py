# ruff: noqa: N803 - parameters are named as boto3 names them
"""The operations on login profiles: the passwords of users."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from mfalab.verifier import authorization, password_rules, refusals
from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import Call, on_user, operation, target_of, target_user
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.moments import moment
from mfalab.verifier.records import Identity

_PASSWORD_MISSING = (
    "1 validation error detected: Value null at 'password' failed to satisfy constraint: "
    "Member must not be null"
)
"""The model lets it be left out, for the root user of a member account only."""


class LoginProfiles(ForCaller):
    """Passwords of users."""

    @operation("CreateLoginProfile", Door.IAM, on_user)
    def create_login_profile(
        self,
        call: Call,
        *,
        UserName: str | None = None,
        Password: str | None = None,
        PasswordResetRequired: bool | None = None,
    ) -> dict[str, Any]:
        """Give a user its first password.

        A root user, by AssumeRoot, gets one that nobody knows, so that it can be recovered by mail.
        """
        user = target_user(call, UserName)
        if user.root:
            return _profile(_enable_recovery(call, user))
        if Password is None:
            raise refusals.validation_error(_PASSWORD_MISSING)
        if user.password_hash is not None:
            raise refusals.login_profile_exists(user.name)
        reset = bool(PasswordResetRequired)
        return _profile(password_rules.set_password(call, user, Password, reset_required=reset))

    @operation("GetLoginProfile", Door.IAM, on_user)
    def get_login_profile(self, call: Call, *, UserName: str | None = None) -> dict[str, Any]:
        """Since when a user has a password, and whether it has to be changed."""
        return _profile(_holder(call, UserName))

    @operation("UpdateLoginProfile", Door.IAM, on_user)
    def update_login_profile(
        self,
        call: Call,
        *,
        UserName: str,
        Password: str | None = None,
        PasswordResetRequired: bool | None = None,
    ) -> dict[str, Any]:
        """Set another password for a user, or have it changed at the next sign-in."""
        user = _holder(call, UserName)
        reset = user.password_reset_required
        if PasswordResetRequired is not None:
            reset = PasswordResetRequired
        if Password is None:
            call.tx.update(replace(user, password_reset_required=reset))
        else:
            password_rules.set_password(call, user, Password, reset_required=reset)
        return {}

    @operation("DeleteLoginProfile", Door.IAM, on_user)
    def delete_login_profile(self, call: Call, *, UserName: str | None = None) -> dict[str, Any]:
        """Take a user's password away, root's by AssumeRoot. Sessions that it began go on."""
        holder = _holder(call, UserName)
        authorization.check_root_task(call.caller, holder, "iam:DeleteLoginProfile")
        password_rules.remove(call, holder)
        return {}

    @operation("ChangePassword", Door.IAM, None)
    def change_password(self, call: Call, *, OldPassword: str, NewPassword: str) -> dict[str, Any]:
        """Change the caller's own password.

        An account whose policy lets users change theirs needs no other permission for it.
        """
        caller = call.caller
        if caller.user is None or caller.user.root:
            raise refusals.only_users_change_passwords()
        policy = password_rules.policy_of(call, caller.account.id)
        if policy is None or not policy.users_may_change:
            call.authorize("iam:ChangePassword", target_of(call, caller.user), {})
        password_rules.change_own(call, caller.user, OldPassword, NewPassword)
        return {}


def _enable_recovery(call: Call, root: Identity) -> Identity:
    authorization.check_root_task(call.caller, root, "iam:CreateLoginProfile")
    if root.password_hash is not None:
        raise refusals.root_login_profile_exists(root.account_id)
    unknown = base64.b64encode(call.random_bytes(30)).decode() + "aA1"
    return password_rules.set_password(call, root, unknown)


def _holder(call: Call, name: str | None) -> Identity:
    user = target_user(call, name)
    if user.password_hash is None:
        raise refusals.no_login_profile(user.name)
    return user


def _profile(user: Identity) -> dict[str, Any]:
    assert user.password_created_ns is not None
    shown: dict[str, Any] = {} if user.root else {"UserName": user.name}
    shown["CreateDate"] = moment(user.password_created_ns)
    shown["PasswordResetRequired"] = user.password_reset_required
    return {"LoginProfile": shown}
