"""Groups, roles and managed policies as what operations act on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mfalab.verifier import names, permissions, refusals
from mfalab.verifier.calls import Call
from mfalab.verifier.records import ManagedPolicy, Role, UserGroup

_POLICY_ARN = re.compile(r"arn:[\w-]+:iam::(\d{12}|aws):policy/.+")


def find_group(call: Call, name: str) -> UserGroup | None:
    """The group of this name in the caller's account; names are compared without case."""
    found = call.tx.find(UserGroup, account_id=call.caller.account.id, name_key=name.lower())
    return found[0] if found else None


def find_role(call: Call, name: str) -> Role | None:
    """The role of this name in the caller's account; names are compared without case."""
    found = call.tx.find(Role, account_id=call.caller.account.id, name_key=name.lower())
    return found[0] if found else None


def target_group(call: Call, name: str) -> UserGroup:
    """The group that an operation is about. Raises NoSuchEntity."""
    found = find_group(call, name)
    if found is None:
        raise refusals.no_such_group(name)
    return found


def target_role(call: Call, name: str) -> Role:
    """The role that an operation is about. Raises NoSuchEntity."""
    found = find_role(call, name)
    if found is None:
        raise refusals.no_such_role(name)
    return found


def target_policy(call: Call, arn: str) -> ManagedPolicy:
    """The managed policy that an operation is about, AWS's or the account's own.

    Raises:
        ServiceError: ValidationError for what is no policy's ARN, NoSuchEntity.
    """
    check_policy_arn(arn)
    found = permissions.managed_policy(call.tx, call.caller.account, arn)
    if found is None:
        raise refusals.policy_not_found(arn)
    return found


def check_policy_arn(arn: str) -> None:
    """Refuse what cannot be the ARN of a managed policy."""
    if not _POLICY_ARN.fullmatch(arn):
        raise refusals.invalid_arn(arn)


def on_group(call: Call, parameters: Mapping[str, Any]) -> tuple[str, bool]:
    """Authorised on the group, which need not exist."""
    return _arn(call, "group", parameters, find_group(call, parameters["GroupName"])), False


def on_role(call: Call, parameters: Mapping[str, Any]) -> tuple[str, bool]:
    """Authorised on the role, which need not exist."""
    return _arn(call, "role", parameters, find_role(call, parameters["RoleName"])), False


def on_policy(call: Call, parameters: Mapping[str, Any]) -> tuple[str, bool]:
    """Authorised on the managed policy."""
    return parameters["PolicyArn"], False


def on_new_policy(call: Call, parameters: Mapping[str, Any]) -> tuple[str, bool]:
    """Authorised on the managed policy that is to be made."""
    return _arn(call, "policy", parameters, None), False


def _arn(
    call: Call, kind: str, parameters: Mapping[str, Any], found: UserGroup | Role | None
) -> str:
    path, name = parameters.get("Path") or "/", parameters[f"{kind.capitalize()}Name"]
    if found is not None:
        path, name = found.path, found.name
    return names.entity_arn(call.caller.account, kind, path, name)
