"""Quantities as people write them: a number and its unit, such as `45 ppm`, `-2 s`, `400 d`.

A bare number where a unit belongs is an error: a scenario that says `wait: 90` would be read as
seconds by one person and as days by another. The annotated types at the end put the parsers into
pydantic models and their patterns into the JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from mfalab.simulator.clocks.durations import (
    NS_PER_DAY,
    NS_PER_HOUR,
    NS_PER_MS,
    NS_PER_S,
    NS_PER_WEEK,
    NS_PER_YEAR,
)

DURATION_UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": NS_PER_MS,
    "s": NS_PER_S,
    "min": 60 * NS_PER_S,
    "h": NS_PER_HOUR,
    "d": NS_PER_DAY,
    "wk": NS_PER_WEEK,
    "y": NS_PER_YEAR,
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_NUMBER = r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_SIGN = re.compile(r"\s*([+-]?)")
_TERM = re.compile(rf"\s*({_NUMBER})\s*([A-Za-z%°µ]*)\s*")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _terms(text: object, what: str, units: dict[str, int] | dict[str, Fraction]) -> Fraction:
    """The sum of the terms of a quantity, in the unit whose factor is 1.

    A sign stands in front and is that of the whole: `-1 h 30 min` is 90 minutes back.

    Raises:
        ValueError: no number, no unit, or a unit that is none of `units`.
    """
    example = f"write a number and a unit: {', '.join(units)}"
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{text!r} is not {what}; {example}")
    sign = _SIGN.match(text)
    assert sign is not None
    total, at = Fraction(0), sign.end()
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            raise ValueError(f"{text!r} is not {what}; {example}")
        number, unit = match.groups()
        if not unit:
            raise ValueError(f"{text!r} has no unit, {what} needs one; {example}")
        if unit not in units:
            near = get_close_matches(unit, list(units), 1, 0.5)
            hint = f'; did you mean "{number} {near[0]}"?' if near else f"; {example}"
            raise ValueError(f"{what} has no unit {unit!r}{hint}")
        total += Fraction(number) * units[unit]
        at = match.end()
    if at == sign.end():
        raise ValueError(f"{text!r} is not {what}; {example}")
    return -total if sign[1] == "-" else total


def parse_duration_ns(text: object) -> int:
    """Nanoseconds in a duration such as `400 d`, `-2 s` or `1 h 30 min`.

    Raises:
        ValueError: not a number with a unit of `DURATION_UNITS`.
    """
    return round(_terms(text, "a duration", DURATION_UNITS))


def parse_span_ns(text: object) -> int:
    """Nanoseconds in a duration that is not negative.

    Raises:
        ValueError: not a duration, or a negative one.
    """
    span_ns = parse_duration_ns(text)
    if span_ns < 0:
        raise ValueError(f"{text!r} is negative; this lasts 0 s or longer")
    return span_ns


def parse_seconds_ns(text: object) -> int:
    """Nanoseconds in a span of whole seconds, for what the verifier keeps in seconds.

    Raises:
        ValueError: not such a span.
    """
    span_ns = parse_span_ns(text)
    if span_ns % NS_PER_S:
        raise ValueError(f"{text!r} is no whole number of seconds")
    return span_ns


def parse_ppm(text: object) -> float:
    """A fractional frequency such as `45 ppm`, in ppm.

    Raises:
        ValueError: not a number with the unit ppm or ppb.
    """
    return float(_terms(text, "a drift", {"ppm": Fraction(1), "ppb": Fraction(1, 1000)}))


def parse_celsius(text: object) -> float:
    """A temperature such as `21 C`, in degrees Celsius.

    Raises:
        ValueError: not a number with the unit C.
    """
    return float(_terms(text, "a temperature", {"C": 1, "°C": 1}))


def parse_share(text: object) -> float:
    """A probability such as `5 %`, from 0 to 1.

    Raises:
        ValueError: not a percentage from 0 to 100.
    """
    share = float(_terms(text, "a share", {"%": Fraction(1, 100)}))
    if not 0 <= share <= 1:
        raise ValueError(f"{text!r} is outside 0 % to 100 %")
    return share


def parse_steps(text: object) -> int:
    """A number of time steps such as `-2 steps`.

    Raises:
        ValueError: not a whole number with the unit step or steps.
    """
    steps = _terms(text, "a number of time steps", {"step": 1, "steps": 1})
    if steps.denominator != 1:
        raise ValueError(f"{text!r} is not a whole number of time steps")
    return int(steps)


def parse_instant_ns(text: object) -> int:
    """Nanoseconds since the Unix epoch of an RFC 3339 time with its zone.

    Raises:
        ValueError: not RFC 3339, or without a zone.
    """
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a time; write RFC 3339 with a zone, such as 2026-03-02T09:00:00Z"
        )
    fraction = re.search(r"\.(\d+)", text)
    nanoseconds = int(fraction[1].ljust(9, "0")) if fraction else 0
    try:
        moment = datetime.fromisoformat(re.sub(r"\.\d+", "", text.upper().replace("Z", "+00:00")))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time: {error}") from None
    return (moment - EPOCH) // timedelta(seconds=1) * NS_PER_S + nanoseconds


def format_instant(time_ns: int) -> str:
    """A time in RFC 3339, UTC, to the millisecond; an unreachable year is given in seconds."""
    try:
        moment = EPOCH + timedelta(microseconds=time_ns // 1000)
    except OverflowError:
        return f"{time_ns / NS_PER_S:.3f} s since 1970"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_duration(duration_ns: int) -> str:
    """A duration in the largest unit that keeps it above one, such as `3.2 d`."""
    sign, size = ("-" if duration_ns < 0 else ""), abs(duration_ns)
    for unit in ("y", "d", "h", "min", "s", "ms", "us"):
        if size >= DURATION_UNITS[unit]:
            return f"{sign}{size / DURATION_UNITS[unit]:.4g} {unit}"
    return f"{sign}{size} ns" if size else "0 s"


def _quantity(parse: Callable[[object], Any], unit: str, example: str) -> tuple[Any, Any]:
    schema = {
        "type": "string",
        "pattern": rf"^\s*[+-]?\s*({_NUMBER}\s*({unit})\s*)+$",
        "examples": [example],
    }
    return BeforeValidator(parse), WithJsonSchema(schema)


_DURATION = "|".join(DURATION_UNITS)
Duration = Annotated[int, *_quantity(parse_duration_ns, _DURATION, "400 d")]
"""Nanoseconds, written with a unit."""
Span = Annotated[int, *_quantity(parse_span_ns, _DURATION, "400 d")]
"""Nanoseconds, not negative."""
Seconds = Annotated[int, *_quantity(parse_seconds_ns, _DURATION, "180 s")]
"""Nanoseconds, a whole number of seconds, not negative."""
Ppm = Annotated[float, *_quantity(parse_ppm, "ppm|ppb", "45 ppm")]
Celsius = Annotated[float, *_quantity(parse_celsius, "°?C", "21 C")]
Share = Annotated[float, *_quantity(parse_share, "%", "5 %")]
Steps = Annotated[int, *_quantity(parse_steps, "steps?", "-2 steps")]
Instant = Annotated[
    int,
    BeforeValidator(parse_instant_ns),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""Nanoseconds since the Unix epoch, written as RFC 3339 with a zone."""
