"""Groups, roles and managed policies as what operations act on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mfalab.verifier import names, permissions, refusals
from mfalab.verifier.authorization import Target
from mfalab.verifier.calls import Call, ResourceOf
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


def on_group(call: Call, parameters: Mapping[str, Any]) -> Target:
    """Authorised on the group, which need not exist."""
    found = find_group(call, parameters["GroupName"])
    return _target(call, "group", parameters, found)


def on_role(call: Call, parameters: Mapping[str, Any]) -> Target:
    """Authorised on the role, which need not exist."""
    found = find_role(call, parameters["RoleName"])
    target = _target(call, "role", parameters, found)
    return target if found is None else replace(target, tags=found.tags)


def on_policy(call: Call, parameters: Mapping[str, Any]) -> Target:
    """Authorised on the managed policy."""
    arn = parameters["PolicyArn"]
    return Target(arn, f"policy {arn}")


def on_new(kind: str) -> ResourceOf:
    """Authorised on the `group`, `role` or `policy` that is to be made."""

    def resource(call: Call, parameters: Mapping[str, Any]) -> Target:
        return replace(_target(call, kind, parameters, None), shown="")

    return resource


def _target(
    call: Call, kind: str, parameters: Mapping[str, Any], found: UserGroup | Role | None
) -> Target:
    path, name = parameters.get("Path") or "/", parameters[f"{kind.capitalize()}Name"]
    if found is not None:
        path, name = found.path, found.name
    return Target(names.entity_arn(call.caller.account, kind, path, name), f"{kind} {name}")
