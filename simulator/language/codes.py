"""Which code a person types: the one shown, a wrong one, an old one, two in the wrong order.

The words here are what a scenario writes behind `code:`, `codes:` and `typed:`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from mfalab.simulator.language.units import parse_steps
from mfalab.simulator.language.words import nearest

_STEPS = re.compile(r"\s*[+-]?\d+\s*steps?\s*")
_WORDS = {
    "current": "the code shown now",
    "wrong": "six digits that are no code of this device for a long time",
    "last": "the code that was typed last from this device",
    "mistyped": "the code shown now with its last two digits swapped",
}
_PAIR_WORDS = {
    "consecutive": "two codes, one after the other",
    "equal": "one code twice",
    "reversed": "two consecutive codes, the later one first",
    "gapped": "two codes with one left out between them",
    "wrong": "two that are no codes of this device for a long time",
    "last": "the pair that was typed last from this device",
}


def _code(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a code; quote digits so that they stay text")
    if value in _WORDS or _STEPS.fullmatch(value) or re.search(r"\d", value):
        return value
    known = f"{', '.join(_WORDS)}, N steps, digits"
    raise ValueError(f"{value!r} is not a code{nearest(value, _WORDS)} (one of {known})")


def _pair(value: Any) -> Any:
    if isinstance(value, list | tuple):
        if len(value) != 2:
            raise ValueError(f"a pair has two codes, not {len(value)}")
        return tuple(_code(item) for item in value)
    if isinstance(value, str) and value in _PAIR_WORDS:
        return value
    near = nearest(value, _PAIR_WORDS) if isinstance(value, str) else ""
    known = f"{', '.join(_PAIR_WORDS)}, [CODE, CODE]"
    raise ValueError(f"{value!r} is not a pair of codes{near} (one of {known})")


CodeChoice = Annotated[
    str,
    BeforeValidator(_code),
    WithJsonSchema(
        {
            "type": "string",
            "anyOf": [{"enum": list(_WORDS)}, {"pattern": r"^\s*[+-]?\d+\s*steps?\s*$"}, {}],
            "examples": [*_WORDS, "-2 steps", "012345"],
        }
    ),
]
"""A word of `current`, `wrong`, `last`, `mistyped`; `-2 steps` from what the device believes; or
literally what is typed."""

PairChoice = Annotated[
    str | tuple[str, str],
    BeforeValidator(_pair),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": list(_PAIR_WORDS)},
                {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 2,
                    "maxItems": 2,
                },
            ],
        }
    ),
]
"""A word of `consecutive`, `equal`, `reversed`, `gapped`, `wrong`, `last`; or two codes."""

Typed = Literal["as shown", "with a space", "without leading zeros", "full-width"]
"""What fingers make of a code."""

Attempts = Annotated[int, Field(ge=1, le=10_000)]


def steps_of(choice: str) -> int | None:
    """The number of steps in a choice such as `-2 steps`, or None if it is not one."""
    return parse_steps(choice) if _STEPS.fullmatch(choice) else None


def mistyped(code: str) -> str:
    """A code with its last two different neighbouring digits swapped."""
    for at in range(len(code) - 1, 0, -1):
        if code[at] != code[at - 1]:
            return code[: at - 1] + code[at] + code[at - 1] + code[at + 1 :]
    return code[:-1] + str((int(code[-1]) + 1) % 10)


def as_typed(code: str, typed: Typed) -> str:
    """What arrives when a code is typed in one of the ways of `Typed`."""
    if typed == "with a space":
        return f"{code[:3]} {code[3:]}"
    if typed == "without leading zeros":
        return code.lstrip("0")
    if typed == "full-width":
        return code.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})
    return code


def other_than(codes: set[str], first: str) -> str:
    """Digits of the same length as `first` that are none of `codes`."""
    number = int(first)
    while True:
        number = (number + 7) % 10 ** len(first)
        candidate = str(number).zfill(len(first))
        if candidate not in codes:
            return candidate
