"""Condition operators of the policy language: what they ask of a request's condition keys."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from operator import eq, ge, gt, le, lt
from typing import Any, Protocol

from mfalab.verifier import refusals
from mfalab.verifier.policy.patterns import (
    ArnPattern,
    Context,
    Token,
    arn_fields,
    has_variables,
    keys,
    matcher,
    matches,
    resolved,
    tokens,
)

Test = Callable[[str, Context], bool | None]
"""Whether one value of the request fits; None if that depends on a variable that it lacks."""


class Quantifier(Enum):
    """What a set operator asks of a key with several values."""

    ANY = "ForAnyValue"
    ALL = "ForAllValues"


class Condition(Protocol):
    """One operator, one key, and the values that the policy names."""

    @property
    def keys(self) -> frozenset[str]:
        """The condition keys that it looks at, as written, those of variables among them."""
        ...

    def holds(self, context: Context) -> bool:
        """Whether a request meets it."""
        ...


@dataclass(frozen=True, slots=True)
class _Presence:
    """The operator Null: true asks that the key is absent, false that it has a value."""

    key: str
    keys: frozenset[str]
    wanted: frozenset[bool]

    def holds(self, context: Context) -> bool:
        return (context.get(self.key, ()) == ()) in self.wanted


@dataclass(frozen=True, slots=True)
class _Comparison:
    key: str
    keys: frozenset[str]
    test: Test
    negated: bool
    if_exists: bool
    quantifier: Quantifier | None

    def holds(self, context: Context) -> bool:
        given = context.get(self.key)
        if given is None:
            return self._absent()
        if self.quantifier is None and isinstance(given, str):
            return self._fits(given, context)
        values = (given,) if isinstance(given, str) else given
        if self.quantifier is Quantifier.ALL:
            return all(self._fits(value, context) for value in values if value)
        if self.quantifier is Quantifier.ANY:
            return any(self._fits(value, context) for value in values if value)
        # Without a set operator: some value fits, or, of a negated operator, none does.
        if not values:
            return self._absent()
        return (all if self.negated else any)(self._fits(value, context) for value in values)

    def _fits(self, value: str, context: Context) -> bool:
        found = self.test(value, context)
        return found is not None and found is not self.negated

    def _absent(self) -> bool:
        if self.if_exists or self.quantifier is Quantifier.ALL:
            return True
        return self.negated and self.quantifier is None


_OPERATOR = re.compile(r"(?:(ForAnyValue|ForAllValues):)?([A-Za-z]+?)(IfExists)?")


def condition(operator: str, key: str, values: Sequence[str], *, variables: bool) -> Condition:
    """One line of a Condition element.

    Args:
        operator: such as `ForAnyValue:StringLikeIfExists`.
        key: such as `aws:MultiFactorAuthPresent`, in any case.
        values: those that the policy names; booleans and numbers as JSON writes them.
        variables: whether `${...}` stands for a value of the request.

    Raises:
        ServiceError: MalformedPolicyDocument: no such operator, or no such value of its type.
    """
    parts = _OPERATOR.fullmatch(operator)
    family = _FAMILIES.get(parts[2]) if parts else None
    if parts is None or family is None or (parts[2] == "Null" and (parts[1] or parts[3])):
        raise refusals.malformed_policy(
            "Syntax errors in policy.", f"There is no condition operator {operator}."
        )
    if parts[2] == "Null":
        wanted = frozenset(_boolean(value) for value in values)
        return _Presence(key.lower(), frozenset({key}), wanted)
    make, negated = family
    test, named = make(values, variables)
    return _Comparison(
        key.lower(),
        named | {key},
        test,
        negated,
        parts[3] is not None,
        Quantifier(parts[1]) if parts[1] else None,
    )


# What each family makes of the policy's values: a test, and the keys that their variables name.

_Family = Callable[[Sequence[str], bool], tuple[Test, frozenset[str]]]


def _strings(*, wildcards: bool = False, fold: bool = False) -> _Family:
    def make(values: Sequence[str], variables: bool) -> tuple[Test, frozenset[str]]:
        patterns = [tokens(v, wildcards=wildcards, variables=variables) for v in values]
        named = frozenset[str]().union(*map(keys, patterns))
        literal = not named and all(
            isinstance(token, str) for pattern in patterns for token in pattern
        )
        if literal:
            wanted = frozenset(
                _folded("".join(map(str, pattern)), fold=fold) for pattern in patterns
            )
            if fold:
                return (lambda value, _: value.lower() in wanted), named
            return (lambda value, _: value in wanted), named
        fixed = [
            matcher(_lowered(pattern) if fold else pattern)
            for pattern in patterns
            if not has_variables(pattern)
        ]
        open_ = [pattern for pattern in patterns if has_variables(pattern)]

        def test(value: str, context: Context) -> bool | None:
            if fold:
                value = value.lower()
            if any(match(value) for match in fixed):
                return True
            unknown = False
            for pattern in open_:
                whole = resolved(pattern, context)
                if whole is None:
                    unknown = True
                elif matches(_lowered(whole) if fold else whole, value):
                    return True
            return None if unknown else False

        return test, named

    return make


def _folded(text: str, *, fold: bool) -> str:
    return text.lower() if fold else text


def _lowered(pattern: Iterable[Token]) -> tuple[Token, ...]:
    return tuple(token.lower() if isinstance(token, str) else token for token in pattern)


def _arns(values: Sequence[str], variables: bool) -> tuple[Test, frozenset[str]]:
    patterns = [ArnPattern(tokens(value, variables=variables)) for value in values]

    def test(value: str, context: Context) -> bool | None:
        fields = arn_fields(value)
        unknown = False
        for pattern in patterns:
            found = pattern.matches(fields, context)
            if found:
                return True
            unknown = unknown or found is None
        return None if unknown else False

    return test, frozenset[str]().union(*(pattern.keys for pattern in patterns))


def _typed(
    read: Callable[[str], Any | None], fits: Callable[[Any, Any], bool], what: str
) -> _Family:
    """Values of a type that is not text: a value of the request that is none fits nothing."""

    def make(values: Sequence[str], variables: bool) -> tuple[Test, frozenset[str]]:
        wanted = []
        for value in values:
            one = read(value)
            if one is None:
                raise _not_valid(value, what)
            wanted.append(one)

        def test(value: str, context: Context) -> bool:
            given = read(value)
            return given is not None and any(fits(given, one) for one in wanted)

        return test, frozenset()

    return make


def _not_valid(value: str, what: str) -> Exception:
    return refusals.malformed_policy(
        "The policy failed legacy parsing", f"Condition value {value!r} is not {what}."
    )


_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


_DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:[Tt]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]+)?)?"
    r"(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?)?)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _date(text: str) -> Decimal | None:
    """Seconds since 1970: of a W3C date, in UTC if it names no offset, or of a number."""
    if "-" not in text[1:]:
        return _number(text)
    parts = _DATE.fullmatch(text)
    if parts is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in parts.group(*range(1, 7)))
    sign = -1 if parts[9] == "-" else 1
    offset = sign * timedelta(hours=int(parts[10] or 0), minutes=int(parts[11] or 0))
    try:
        moment = datetime(year, month or 1, day or 1, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    whole = (moment - _EPOCH) - offset
    return Decimal(whole.days * 86_400 + whole.seconds) + Decimal(parts[7] or 0)


def _truth(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def _boolean(text: str) -> bool:
    found = _truth(text)
    if found is None:
        raise _not_valid(text, "true or false")
    return found


def _booleans(values: Sequence[str], variables: bool) -> tuple[Test, frozenset[str]]:
    """Bool takes variables, too: then its values are compared as text."""
    if variables and any("${" in value for value in values):
        return _strings(fold=True)(values, variables)
    return _typed(_truth, eq, "true or false")(values, variables)


def _binary(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str) -> _Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _inside(given: _Network, wanted: _Network) -> bool:
    if isinstance(given, ipaddress.IPv4Network):
        return isinstance(wanted, ipaddress.IPv4Network) and given.subnet_of(wanted)
    return isinstance(wanted, ipaddress.IPv6Network) and given.subnet_of(wanted)


def _ordered(name: str, read: Callable[[str], Any | None], what: str) -> dict[str, _Family]:
    return {
        f"{name}Equals": _typed(read, eq, what),
        f"{name}LessThan": _typed(read, lt, what),
        f"{name}LessThanEquals": _typed(read, le, what),
        f"{name}GreaterThan": _typed(read, gt, what),
        f"{name}GreaterThanEquals": _typed(read, ge, what),
    }


_POSITIVE: dict[str, _Family] = {
    "StringEquals": _strings(),
    "StringEqualsIgnoreCase": _strings(fold=True),
    "StringLike": _strings(wildcards=True),
    **_ordered("Numeric", _number, "a number"),
    **_ordered("Date", _date, "a date"),
    "Bool": _booleans,
    "BinaryEquals": _typed(_binary, eq, "base64"),
    "IpAddress": _typed(_network, _inside, "an IP address or range"),
    "ArnEquals": _arns,
    "ArnLike": _arns,
    "Null": _booleans,
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
_FAMILIES: dict[str, tuple[_Family, bool]] = {
    **{name: (family, False) for name, family in _POSITIVE.items()},
    **{name: (_POSITIVE[other], True) for name, other in _NEGATED.items()},
}
OPERATORS = tuple(_FAMILIES)
"""The names of all operators, without prefix and suffix."""
