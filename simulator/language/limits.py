"""Measurements: a value with its unit, held against a limit when it is taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, GetPydanticSchema, WithJsonSchema
from pydantic_core import core_schema

_LIMIT = re.compile(r"\s*(<=|>=)\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_UNITS = ("steps", "s")
_MARGINAL_SHARE = 0.9
"""A value within the last tenth before its limit is met, but marginal."""


@dataclass(frozen=True, slots=True)
class LimitValue:
    """A bound, such as at most 2 steps."""

    relation: str
    bound: float
    unit: str

    def __str__(self) -> str:
        return f"{self.relation} {self.bound:g} {self.unit}"


def _parse(value: Any) -> LimitValue:
    if isinstance(value, LimitValue):
        return value
    match = _LIMIT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a limit; write <= 2 steps or >= 90 s")
    relation, bound, unit = match.groups()
    unit = "steps" if unit == "step" else unit
    if unit not in _UNITS:
        raise ValueError(f"{value!r} needs a unit, one of {', '.join(_UNITS)}")
    return LimitValue(relation, float(bound), unit)


Limit = Annotated[
    LimitValue,
    GetPydanticSchema(lambda _type, _handler: core_schema.is_instance_schema(LimitValue)),
    BeforeValidator(_parse),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*(<=|>=)\s*\d+(\.\d+)?\s*(steps?|s)\s*$",
            "examples": ["<= 2 steps"],
        }
    ),
]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value that was measured, with its limit."""

    name: str
    value: float
    limit: LimitValue

    @property
    def met(self) -> bool:
        """Whether the value keeps its limit."""
        if self.limit.relation == "<=":
            return self.value <= self.limit.bound
        return self.value >= self.limit.bound

    @property
    def verdict(self) -> str:
        """`passed`, `marginal` or `failed`."""
        if not self.met:
            return "failed"
        if self.limit.relation == "<=":
            marginal = self.value > self.limit.bound * _MARGINAL_SHARE
        else:
            marginal = self.value * _MARGINAL_SHARE < self.limit.bound
        return "marginal" if marginal else "passed"
