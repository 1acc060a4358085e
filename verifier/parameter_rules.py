r"""The shape of parameters: constraints of the service models, checked before anything else.

All violations of a call come in one text, as AWS words it: `2 validation errors detected: Value
'12345a7' at 'tokenCode' failed to satisfy constraint: Member must satisfy regular expression
pattern: [\d]*; Value ...`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mfalab.verifier import refusals

_INT32 = range(-(2**31), 2**31)


@dataclass(frozen=True, slots=True)
class Text:
    """Text of a pattern and a length."""

    least: int
    most: int | None = None
    pattern: str | None = None
    matches: str | None = None
    """The pattern as Python spells it, where that differs."""

    def violations(self, member: str, value: object) -> Iterator[str]:
        """What is wrong with a value, a clause each."""
        if not isinstance(value, str):
            raise TypeError(f"{member} must be text, not {type(value).__name__}.")
        if self.pattern and not re.fullmatch(self.matches or self.pattern, value, re.ASCII):
            yield _clause(value, member, f"satisfy regular expression pattern: {self.pattern}")
        yield from _length(member, value, len(value), self.least, self.most)


@dataclass(frozen=True, slots=True)
class PathText:
    """A path, whose length alone is checked by the model."""

    def violations(self, member: str, value: object) -> Iterator[str]:
        """What is wrong with a value; AWS does not repeat a path."""
        text = str(value)
        if not text:
            yield _clause("", member, "have length greater than or equal to 1")
        if len(text) > 512:
            yield (
                f"Value at '{member}' failed to satisfy constraint: "
                "Member must have length less than or equal to 512"
            )


@dataclass(frozen=True, slots=True)
class Number:
    """A number between two bounds."""

    least: int
    most: int

    def violations(self, member: str, value: object) -> Iterator[str]:
        """What is wrong with a value."""
        number = whole_number(member, value)
        if number < self.least:
            yield _clause(number, member, f"have value greater than or equal to {self.least}")
        if number > self.most:
            yield _clause(number, member, f"have value less than or equal to {self.most}")


@dataclass(frozen=True, slots=True)
class Choice:
    """One word of several."""

    words: tuple[str, ...]

    def violations(self, member: str, value: object) -> Iterator[str]:
        """What is wrong with a value."""
        if value not in self.words:
            yield _clause(value, member, f"satisfy enum value set: [{', '.join(self.words)}]")


@dataclass(frozen=True, slots=True)
class Tags:
    """Up to fifty pairs of key and value."""

    def violations(self, member: str, value: object) -> Iterator[str]:
        """What is wrong with a value."""
        assert isinstance(value, Sequence)
        yield from _length(member, value, len(value), 0, 50)
        for index, tag in enumerate(value, start=1):
            yield from _TAG_KEY.violations(f"{member}.{index}.member.key", tag["Key"])
            yield from _TAG_VALUE.violations(f"{member}.{index}.member.value", tag["Value"])


@dataclass(frozen=True, slots=True)
class TagKeys:
    """Up to fifty keys of tags."""

    def violations(self, member: str, value: object) -> Iterator[str]:
        """What is wrong with a value."""
        assert isinstance(value, Sequence)
        yield from _length(member, value, len(value), 0, 50)
        for index, key in enumerate(value, start=1):
            yield from _TAG_KEY.violations(f"{member}.{index}.member", key)


Constraint = Text | PathText | Number | Choice | Tags | TagKeys

# \p{L}\p{Z}\p{N} are letters, separators and numbers of every script, which `re` spells so.
_TAG_SET = r"(?u:[^\W_]|[\s_.:/=+\-@])"
_TAG_KEY = Text(1, 128, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", f"{_TAG_SET}+")
_TAG_VALUE = Text(0, 256, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", f"{_TAG_SET}*")
_CODE = Text(6, 6, r"[\d]+")

IAM: Mapping[str, Constraint] = {
    "VirtualMFADeviceName": Text(1, None, r"[\w+=,.@-]+"),
    "Path": PathText(),
    "SecurityKeyName": Text(1, 64, r"[\w+=,.@-]+"),
    "UserName": Text(1, 128, r"[\w+=,.@-]+"),
    "SerialNumber": Text(9, 256, r"[\w+=/:,.@-]+"),
    "AuthenticationCode1": _CODE,
    "AuthenticationCode2": _CODE,
    "Marker": Text(1, 320, r"[\u0020-\u00FF]+"),
    "MaxItems": Number(1, 1000),
    "AssignmentStatus": Choice(("Assigned", "Unassigned", "Any")),
    "Tags": Tags(),
    "TagKeys": TagKeys(),
}
"""Members of IAM operations (service model iam 2010-05-08); `SecurityKeyName` is the console's."""

CREATION: Mapping[str, Constraint] = {
    "UserName": Text(1, 64, r"[\w+=,.@-]+"),
    "RoleName": Text(1, 64, r"[\w+=,.@-]+"),
    "Path": PathText(),
}
"""Members of CreateUser and CreateRole, where names are shorter."""

STS: Mapping[str, Constraint] = {
    "SerialNumber": Text(9, 256, r"[\w+=/:,.@-]*"),
    "TokenCode": Text(6, 6, r"[\d]*"),
    "RoleArn": Text(20, 2048, r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF]+"),
    "RoleSessionName": Text(2, 64, r"[\w+=,.@-]*"),
}
"""Members of STS operations (service model sts 2011-06-15)."""

_OPERATIONS: Mapping[str, Mapping[str, Constraint]] = {
    "GetSessionToken": {**STS, "DurationSeconds": Number(900, 129_600)},
    "AssumeRole": {**STS, "DurationSeconds": Number(900, 43_200)},
}


def members_of(operation: str, service: str) -> Mapping[str, Constraint]:
    """The members of an operation of `iam` or `sts`."""
    return _OPERATIONS.get(operation, IAM if service == "iam" else STS)


def check(
    members: Mapping[str, Constraint], required: Collection[str], given: Mapping[str, Any]
) -> None:
    """Check all parameters of a call against the model.

    Raises:
        ServiceError: ValidationError with every violation; MalformedInput for what is no number.
    """
    found: list[str] = []
    for name, value in given.items():
        member = name[0].lower() + name[1:]
        if value is None:
            if name in required:
                found.append(
                    f"Value null at '{member}' failed to satisfy constraint: "
                    "Member must not be null"
                )
        else:
            found.extend(members[name].violations(member, value))
    if found:
        plural = "" if len(found) == 1 else "s"
        raise refusals.validation_error(
            f"{len(found)} validation error{plural} detected: {'; '.join(found)}"
        )
    if given.get("Path") is not None:
        check_path(given["Path"])


def check_path(path: str) -> None:
    """Check that a path is `/`, or begins and ends with it; `/test//double/` is a path too."""
    if not re.fullmatch(r"/|/[\u0021-\u007F]+/", path):
        raise refusals.invalid_path()


def whole_number(member: str, value: object) -> int:
    """A 32-bit integer from its wire spelling: `0900` and `+900` are numbers, ` 900 ` is none."""
    if isinstance(value, int) and value not in _INT32:
        raise refusals.malformed_integer(member)  # Python writes no number of 5,000 digits
    text = str(value)
    digits = re.fullmatch(r"([+-]?)0*([0-9]{1,10})", text)
    if digits is None or int("".join(digits.groups())) not in _INT32:
        raise refusals.malformed_integer(member)
    return int("".join(digits.groups()))


def _clause(value: object, member: str, rule: str) -> str:
    return f"Value '{value}' at '{member}' failed to satisfy constraint: Member must {rule}"


def _length(member: str, value: object, length: int, least: int, most: int | None) -> Iterator[str]:
    if length < least:
        yield _clause(value, member, f"have length greater than or equal to {least}")
    if most is not None and length > most:
        yield _clause(value, member, f"have length less than or equal to {most}")
