r"""The parameters of a call, bound by AWS's service models before anything else happens.

All violations of a call come in one text, in the order of the model, as AWS words it: `2 validation
errors detected: Value '12345a7' at 'tokenCode' failed to satisfy constraint: Member must satisfy
regular expression pattern: [\d]*; Value ...`. Paths, policy documents, passwords and lists are not
repeated in it.

A service ignores members that it does not know and has no types on the wire; a client such as boto3
refuses both before it sends anything. In process there is no client, so an unknown member and a
value of the wrong type are violations too, with texts of ours.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mfalab.verifier import refusals
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.service_model import Shape, service_model

_INT32 = range(-(2**31), 2**31)
_NOT_REPEATED = frozenset(
    {
        "pathType",
        "pathPrefixType",
        "policyPathType",
        "policyDocumentType",
        "sessionPolicyDocumentType",
        "unrestrictedSessionPolicyDocumentType",
    }
)
_PATHS = frozenset({"pathType", "pathPrefixType", "policyPathType"})
"""Their pattern has a text of its own, which comes when all else is right."""


def bind(shape: Shape, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call by the input shape of its operation.

    Args:
        shape: the input, such as `input_of("iam", "CreateUser")`.
        given: what the caller passed; None means that a member was left out.

    Returns:
        The members that were given, numbers as `int` and flags as `bool`.

    Raises:
        ServiceError: ValidationError with every violation; MalformedInput for what is no number.
    """
    found: list[str] = []
    bound = _structure(shape, "", given, found)
    if found:
        raise _refusal(found)
    for name, value in bound.items():
        member = shape.members[name]
        if member.name in _PATHS and not member.matches(value):
            raise refusals.invalid_path(_wire_case(name))
    return bound


def wrong_arguments(found: Iterable[tuple[str, str]]) -> ServiceError:
    """What was posted to the console is not of the types that it takes: ValidationError.

    Args:
        found: where, and what must be there.
    """
    return _refusal([_clause("Value", at, rule) for at, rule in found])


def input_of(service: str, operation: str) -> Shape:
    """What an operation of `iam` or `sts` takes."""
    return service_model(service).operation(operation).input


def some_of(
    members: Mapping[str, Shape], names: Collection[str], required: Collection[str] = ()
) -> Shape:
    """An input of some members of others."""
    return Shape("", "structure", {name: members[name] for name in names}, frozenset(required))


def whole_number(member: str, value: object) -> int:
    """A 32-bit integer from its wire spelling: `0900` and `+900` are numbers, ` 900 ` is none."""
    if isinstance(value, int) and value not in _INT32:
        raise refusals.malformed_integer(member)  # Python writes no number of 5,000 digits
    text = str(value) if isinstance(value, int | str) else ""
    digits = re.fullmatch(r"([+-]?)0*([0-9]{1,10})", text)
    if digits is None or int("".join(digits.groups())) not in _INT32:
        raise refusals.malformed_integer(member)
    return int("".join(digits.groups()))


def _flag(member: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise refusals.malformed_flag(member)


def _structure(
    shape: Shape, where: str, given: Mapping[str, Any], found: list[str]
) -> dict[str, Any]:
    bound: dict[str, Any] = {}
    for name, member in shape.members.items():
        at, value = where + _wire_case(name), given.get(name)
        if value is not None:
            bound[name] = _value(member, at, value, found)
        elif name in shape.required:
            found.append(_clause("Value null", at, "not be null"))
    unknown = [_printable(str(name)) for name in given if name not in shape.members]
    if unknown:
        known = ", ".join(shape.members) or "none"
        found.extend(_clause("Value", where + name, f"be one of: {known}") for name in unknown)
    return bound


def _value(shape: Shape, at: str, value: object, found: list[str]) -> object:
    if shape.kind == "integer":
        number = whole_number(at, value)
        found.extend(_range(shape, f"Value '{number}'", at, number, "value"))
        return number
    if shape.kind == "boolean":
        return _flag(at, value)
    if shape.kind == "string" and isinstance(value, str):
        found.extend(_text(shape, at, value))
        return value
    if shape.kind == "structure" and isinstance(value, Mapping):
        return _structure(shape, f"{at}.", value, found)
    if shape.kind == "list" and isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return _list(shape, at, value, found)
    found.append(_clause("Value", at, f"be a {shape.kind}, not {type(value).__name__}"))
    return value


def _text(shape: Shape, at: str, value: str) -> Iterator[str]:
    hidden = shape.sensitive or shape.name in _NOT_REPEATED
    subject = "Value" if hidden else f"Value '{_printable(value)}'"
    if shape.words:
        if value not in shape.words:
            yield _clause(subject, at, f"satisfy enum value set: [{', '.join(shape.words)}]")
        return
    if shape.name not in _PATHS and not shape.matches(value):
        yield _clause(subject, at, f"satisfy regular expression pattern: {shape.pattern}")
    elif not shape.sensitive and _printable(value) != value:  # a wrong password is just that
        yield _clause("Value", at, "be Unicode text")
    yield from _range(shape, subject, at, len(value), "length")


def _list(shape: Shape, at: str, value: Sequence[object], found: list[str]) -> list[object]:
    """A list; AWS says once for all elements that are texts what each of them must be."""
    element = shape.element
    assert element is not None
    found.extend(_range(shape, "Value", at, len(value), "length"))
    if element.kind == "structure":
        return [
            _value(element, f"{at}.{index}.member", item, found)
            for index, item in enumerate(value, start=1)
        ]
    if any(not isinstance(item, str) or any(_text(element, at, item)) for item in value):
        rules = ", ".join(f"Member must {rule}" for rule in _rules(element))
        found.append(_clause("Value", at, f"satisfy constraint: [{rules}]"))
    return list(value)


def _rules(shape: Shape) -> Iterator[str]:
    if shape.words:
        yield f"satisfy enum value set: [{', '.join(shape.words)}]"
    if shape.most is not None:
        yield f"have length less than or equal to {shape.most}"
    if shape.least is not None:
        yield f"have length greater than or equal to {shape.least}"
    if shape.pattern is not None:
        yield f"satisfy regular expression pattern: {shape.pattern}"
    yield "not be null"


def _range(shape: Shape, subject: str, at: str, size: int, what: str) -> Iterator[str]:
    if shape.least is not None and size < shape.least:
        yield _clause(subject, at, f"have {what} greater than or equal to {shape.least}")
    if shape.most is not None and size > shape.most:
        yield _clause(subject, at, f"have {what} less than or equal to {shape.most}")


def _refusal(found: Sequence[str]) -> ServiceError:
    plural = "" if len(found) == 1 else "s"
    return refusals.validation_error(
        f"{len(found)} validation error{plural} detected: {'; '.join(found)}"
    )


def _clause(subject: str, at: str, rule: str) -> str:
    return f"{subject} at '{at}' failed to satisfy constraint: Member must {rule}"


def _wire_case(name: str) -> str:
    return name[0].lower() + name[1:]


def _printable(value: str) -> str:
    """A text that can be encoded: half a surrogate pair is written as an escape."""
    return value.encode(errors="backslashreplace").decode()
