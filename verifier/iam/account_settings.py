# ruff: noqa: N803 - parameters are named as boto3 names them
"""The operations on an account's password policy and its alias."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Unpack

from mfalab.verifier import password_rules, refusals
from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import Call, Paging, on_everything, operation
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.iam.paging import page
from mfalab.verifier.records import Account, PasswordPolicy

_SHORTEST = 6
"""MinimumPasswordLength when it is left out."""


class AccountSettings(ForCaller):
    """What an account demands of passwords, and what it is called."""

    @operation("UpdateAccountPasswordPolicy", Door.IAM, on_everything)
    def update_account_password_policy(
        self,
        call: Call,
        *,
        MinimumPasswordLength: int | None = None,
        RequireSymbols: bool | None = None,
        RequireNumbers: bool | None = None,
        RequireUppercaseCharacters: bool | None = None,
        RequireLowercaseCharacters: bool | None = None,
        AllowUsersToChangePassword: bool | None = None,
        MaxPasswordAge: int | None = None,
        PasswordReusePrevention: int | None = None,
        HardExpiry: bool | None = None,
    ) -> dict[str, Any]:
        """Set the password policy as a whole: what is left out goes back to its default."""
        call.tx.update(
            PasswordPolicy(
                account_id=call.caller.account.id,
                minimum_length=MinimumPasswordLength or _SHORTEST,
                symbols=bool(RequireSymbols),
                numbers=bool(RequireNumbers),
                uppercase=bool(RequireUppercaseCharacters),
                lowercase=bool(RequireLowercaseCharacters),
                users_may_change=bool(AllowUsersToChangePassword),
                maximum_age_days=MaxPasswordAge,
                reuse_prevention=PasswordReusePrevention,
                hard_expiry=bool(HardExpiry),
            )
        )
        return {}

    @operation("GetAccountPasswordPolicy", Door.IAM, on_everything)
    def get_account_password_policy(self, call: Call) -> dict[str, Any]:
        """The account's own password policy; that of AWS, which holds without one, is not shown."""
        policy = _policy(call)
        shown: dict[str, Any] = {
            "MinimumPasswordLength": policy.minimum_length,
            "RequireSymbols": policy.symbols,
            "RequireNumbers": policy.numbers,
            "RequireUppercaseCharacters": policy.uppercase,
            "RequireLowercaseCharacters": policy.lowercase,
            "AllowUsersToChangePassword": policy.users_may_change,
            "ExpirePasswords": policy.maximum_age_days is not None,
        }
        if policy.maximum_age_days is not None:
            shown["MaxPasswordAge"] = policy.maximum_age_days
        if policy.reuse_prevention is not None:
            shown["PasswordReusePrevention"] = policy.reuse_prevention
        return {"PasswordPolicy": shown | {"HardExpiry": policy.hard_expiry}}

    @operation("DeleteAccountPasswordPolicy", Door.IAM, on_everything)
    def delete_account_password_policy(self, call: Call) -> dict[str, Any]:
        """Go back to AWS's default."""
        call.tx.delete(_policy(call))
        return {}

    @operation("CreateAccountAlias", Door.IAM, on_everything)
    def create_account_alias(self, call: Call, *, AccountAlias: str) -> dict[str, Any]:
        """Name the account; it has one alias at a time, which the new one replaces."""
        account = call.caller.account
        if any(named.id != account.id for named in call.tx.find(Account, alias=AccountAlias)):
            raise refusals.alias_exists(AccountAlias)
        call.tx.update(replace(account, alias=AccountAlias))
        return {}

    @operation("DeleteAccountAlias", Door.IAM, on_everything)
    def delete_account_alias(self, call: Call, *, AccountAlias: str) -> dict[str, Any]:
        """Take the account's alias away."""
        account = call.caller.account
        if account.alias != AccountAlias:
            raise refusals.no_such_alias(AccountAlias)
        call.tx.update(replace(account, alias=None))
        return {}

    @operation("ListAccountAliases", Door.IAM, on_everything)
    def list_account_aliases(self, call: Call, **paging: Unpack[Paging]) -> dict[str, Any]:
        """The account's alias, or none."""
        alias = call.caller.account.alias
        shown, rest = page([alias] if alias else [], str, paging)
        return {"AccountAliases": shown, **rest}


def _policy(call: Call) -> PasswordPolicy:
    account_id = call.caller.account.id
    policy = password_rules.policy_of(call, account_id)
    if policy is None:
        raise refusals.no_password_policy(account_id)
    return policy
