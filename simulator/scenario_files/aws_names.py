"""Names that a scenario gives and AWS takes, held against the models that the verifier binds by.

A language that takes a name which the verifier then refuses lets a file pass that cannot be played.
A step that expects a refusal may give any name: that is what it is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from mfalab.simulator.language.setting import PersonSpec, TokenSpec
from mfalab.simulator.scenario_files.scenario import Scenario
from mfalab.simulator.scenario_files.shape import KEY
from mfalab.simulator.scenario_files.yaml_source import Location
from mfalab.simulator.steps.base import Step
from mfalab.simulator.steps.enrolment import Create, Enable, Tag, Untag
from mfalab.simulator.steps.sessions import AssumeRole, GetFederationToken
from mfalab.verifier import ServiceError
from mfalab.verifier.parameter_rules import bind, input_of
from mfalab.verifier.service_model import Shape, service_model


class AwsName(NamedTuple):
    """A name, where it stands, and the parameter that it becomes."""

    at: Location
    operation: str
    parameter: str
    """`UserName`; `Tags.Key` is a member of the elements of a list."""
    value: str


class NameProblem(NamedTuple):
    """What is wrong with a name, and where it stands."""

    at: Location
    message: str


def refused_names(scenario: Scenario) -> Iterator[NameProblem]:
    """Names of a scenario that its verifier would refuse."""
    for name in dict.fromkeys(_names(scenario)):
        why = _why_refused(name.operation, name.parameter, name.value)
        if why:
            yield NameProblem(name.at, why)
    yield from _taken(scenario)


def _names(scenario: Scenario) -> Iterator[AwsName]:
    for name, person in scenario.people.items():
        if is_user(person):
            yield AwsName(
                _of_user(name, person), "CreateUser", "UserName", person.user_name or name
            )
            yield AwsName(("people", name, "path"), "CreateUser", "Path", person.path)
    for name in scenario.policies:
        yield AwsName(("policies", name, KEY), "CreatePolicy", "PolicyName", name)
    for name in scenario.groups:
        yield AwsName(("groups", name, KEY), "CreateGroup", "GroupName", name)
    for name, role in scenario.roles.items():
        if role.external_id is not None:
            at = ("roles", name, "external_id")
            yield AwsName(at, "AssumeRole", "ExternalId", role.external_id)
    for name in scenario.roles:
        yield AwsName(("roles", name, KEY), "CreateRole", "RoleName", name)
    created = {step.device for step in scenario.steps if isinstance(step, Create)}
    for index, step in enumerate(scenario.steps):
        if step.expect.refused is None:
            for each in _names_of_step(step, scenario, created):
                own = each.at[0] != "devices"
                yield each._replace(at=("steps", index, *each.at)) if own else each


def _names_of_step(step: Step, scenario: Scenario, created: set[str]) -> Iterator[AwsName]:
    create = "CreateVirtualMFADevice"
    match step:
        case Create():
            field, name = ("device_name", step.device_name) if step.device_name else ("device", "")
            yield AwsName((field,), create, "VirtualMFADeviceName", name or step.device)
            yield AwsName(("path",), create, "Path", step.path)
            yield from _tags(step.tags, create)
        case Enable():
            device = scenario.devices.get(step.device)
            kind = device.kind if device else ""
            if isinstance(device, TokenSpec) and device.serial is not None:
                at = ("devices", step.device, "serial")
                yield AwsName(at, "EnableMFADevice", "SerialNumber", device.serial)
            if kind == "security_key" or (kind == "totp_app" and step.device not in created):
                yield AwsName(("device",), create, "VirtualMFADeviceName", step.device)
        case Tag():
            yield from _tags(step.tags, "TagMFADevice")
        case Untag():
            for index, key in enumerate(step.keys):
                yield AwsName(("keys", index), "UntagMFADevice", "TagKeys", key)
        case GetFederationToken():
            yield AwsName(("federated_user",), "GetFederationToken", "Name", step.federated_user)
        case AssumeRole():
            yield AwsName(("who",), "AssumeRole", "RoleSessionName", step.who)
            if step.external_id is not None:
                yield AwsName(("external_id",), "AssumeRole", "ExternalId", step.external_id)


def _tags(tags: dict[str, str], operation: str) -> Iterator[AwsName]:
    for key, value in tags.items():
        yield AwsName(("tags", key, KEY), operation, "Tags.Key", key)
        yield AwsName(("tags", key), operation, "Tags.Value", value)


def _taken(scenario: Scenario) -> Iterator[NameProblem]:
    """Names that two things have, where the verifier takes one of each; case is no difference."""
    names: list[tuple[str, str, str, Location]] = [  # what it is, within which account
        *(
            ("IAM user name", person.account, person.user_name or name, _of_user(name, person))
            for name, person in scenario.people.items()
            if is_user(person)
        ),
        *(
            ("name of a role", role.account, name, ("roles", name, KEY))
            for name, role in scenario.roles.items()
        ),
        *(
            ("name of a group", group.account, name, ("groups", name, KEY))
            for name, group in scenario.groups.items()
        ),
        *(("name of a policy", "", name, ("policies", name, KEY)) for name in scenario.policies),
        *(
            ("account ID", "", account.id, ("accounts", name, "id"))
            for name, account in scenario.accounts.items()
            if account.id
        ),
        *(
            ("alias", "", account.alias, ("accounts", name, "alias"))
            for name, account in scenario.accounts.items()
            if account.alias
        ),
        *(
            ("serial number", "", device.serial, ("devices", name, "serial"))
            for name, device in scenario.devices.items()
            if isinstance(device, TokenSpec) and device.registered and device.serial
        ),
    ]
    found: dict[tuple[str, str, str], str] = {}
    for what, within, name, at in names:
        key = what, within, name if what == "serial number" else name.lower()
        if key in found:
            same = f'; "{found[key]}" is the same to AWS' if found[key] != name else ""
            yield NameProblem(at, f'the {what} "{name}" is taken{same}')
        found.setdefault(key, name)


def is_user(person: PersonSpec) -> bool:
    """Whether a person is an IAM user."""
    return person.role in ("user", "administrator")


def _of_user(name: str, person: PersonSpec) -> Location:
    return ("people", name, "user_name" if person.user_name else KEY)


@lru_cache(maxsize=4096)
def _why_refused(operation: str, parameter: str, value: str) -> str:
    """Why a parameter cannot be this, with what it can be; empty when it can."""
    shape = _shape(operation, parameter)
    try:
        bind(Shape("", "structure", {parameter: shape}), {parameter: value})
    except ServiceError:
        short = value if len(value) <= 64 else f"{value[:61]}..."
        return f'AWS takes no {parameter} "{short}": it is {_allowed(shape)}'
    return ""


def _shape(operation: str, parameter: str) -> Shape:
    service = "iam" if operation in service_model("iam").names else "sts"
    name, *inner = parameter.split(".")
    shape = input_of(service, operation).members[name]
    shape = shape.element or shape
    for each in inner:
        shape = shape.members[each]
    return shape


def _allowed(shape: Shape) -> str:
    """What a text may be, in words and the pattern of AWS's model."""
    least, most = shape.least or 0, shape.most
    length = f"{least} to {most} characters" if most else f"at least {least} characters"
    return f"{length} of the form {shape.pattern}" if shape.pattern else length
