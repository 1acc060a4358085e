"""Quantities as people write them: a number and its unit, such as `45 ppm`, `-2 s`, `400 d`.

A bare number where a unit belongs is an error: a scenario that says `wait: 90` would be read as
seconds by one person and as days by another. The annotated types at the end put the parsers into
pydantic models and their patterns into the JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
DURATION_WORDS = {
    "second": "s",
    "minute": "min",
    "hour": "h",
    "day": "d",
    "week": "wk",
    "year": "y",
}
"""Units that may be written out, also in the plural."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_INSTANT_NS = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1) * 1000
"""The end of the year 9999, which dates do not pass; in nanoseconds since 1970."""

_NUMBER = r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_SIGN = re.compile(r"\s*([+-]?)")
_TERM = re.compile(rf"\s*({_NUMBER})\s*([A-Za-z%°µ]*)\s*")
_LONGEST = 100
"""More characters than this are no quantity; Python reads no number of some thousand digits."""
_DATE, _CLOCK = r"[0-9]{4}-[0-9]{2}-[0-9]{2}", r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
_ZONE = r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
_INSTANT = re.compile(rf"{_DATE}[Tt]{_CLOCK}{_ZONE}")
_WITH_A_SPACE = re.compile(rf"({_DATE})[ _]+({_CLOCK}) ?({_ZONE}?)")
_ZONELESS = re.compile(rf"{_DATE}(?:[Tt]{_CLOCK})?")


class OutOfBounds(ValueError):
    """A quantity that no device of this world has."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """What can be measured, and in which units it is written."""

    what: str
    """What it is, with its article."""
    units: Mapping[str, int | Fraction]
    """Each unit that is offered, and its factor."""
    example: str
    words: Mapping[str, str] = field(default_factory=dict)
    """Units by the words that are taken for them, too."""
    slips: Mapping[str, str] = field(default_factory=dict)
    """Units by what is written for them by mistake."""
    never: Mapping[str, str] = field(default_factory=dict)
    """Why something that may look like a unit is none."""
    bounds: tuple[int, int] | None = None
    """What it may be, in the unit whose factor is 1."""

    def write(self, value: float) -> str:
        """A value, in the unit whose factor is 1, as people write it."""
        if self.units is DURATION_UNITS:
            return format_duration(round(value))
        unit = self.example.split()[-1]
        return f"{value / float(self.units[unit]):g} {unit}"

    @property
    def pattern(self) -> str:
        """The regular expression of the JSON Schema."""
        units = "|".join([*self.units, *self.words])
        return rf"^\s*[+-]?\s*({_NUMBER}\s*({units})\s*)+$"

    def read(self, text: object) -> Fraction:
        """The sum of the terms of a quantity, in the unit whose factor is 1.

        A sign stands in front and is that of the whole: `-1 h 30 min` is 90 minutes back.

        Raises:
            ValueError: no number, no unit, or a unit that is none of `units`.
            OutOfBounds: it is not within `bounds`.
        """
        how = f"write a number and a unit: {', '.join(self.units)}"
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{text!r} is not {self.what}; {how}")
        if len(text) > _LONGEST:
            raise ValueError(f"{text[:20]!r}... is too long for {self.what}; {how}")
        sign = _SIGN.match(text)
        assert sign is not None
        total, at = Fraction(0), sign.end()
        while at < len(text):
            match = _TERM.match(text, at)
            if match is None:
                raise ValueError(f"{text!r} is not {self.what}; {how}")
            number, unit = match.groups()
            if not unit:
                if re.fullmatch(r",[0-9].*", text[match.end() :], re.DOTALL):
                    raise ValueError(f"{text!r} has a comma; write decimals behind a point")
                raise ValueError(f"{text!r} has no unit, {self.what} needs one; {how}")
            factor = self.units.get(self.words.get(unit, unit))
            if factor is None:
                raise ValueError(f"{self.what} has no unit {unit!r}; {self._instead(number, unit)}")
            total += Fraction(number) * factor
            at = match.end()
        if at == sign.end():
            raise ValueError(f"{text!r} is not {self.what}; {how}")
        value = -total if sign[1] == "-" else total
        if self.bounds is not None and not self.bounds[0] <= value <= self.bounds[1]:
            least, most = map(self.write, self.bounds)
            raise OutOfBounds(f"{text!r} is out of bounds for {self.what}: {least} to {most}")
        return value

    def _instead(self, number: str, unit: str) -> str:
        """What to write instead of a unit that is none."""
        if unit.lower() in self.never:
            return self.never[unit.lower()]
        known = {**self.slips, **self.words, **{each: each for each in self.units}}
        right = {word.lower(): word for word in known}
        # Short units are all alike: only what is longer is compared letter by letter.
        long = [word for word in right if len(word) > 2] if len(unit) > 2 else []
        near = get_close_matches(unit.lower(), [*long, *({unit.lower()} & right.keys())], 1, 0.7)
        if near:
            word = right[near[0]]
            return f'did you mean "{number} {self.slips.get(word, word)}"?'
        return f"write a number and a unit: {', '.join(self.units)}"


_A_MONTH = "a month has no fixed length: write days, weeks or years"
DURATION = Quantity(
    "a duration",
    DURATION_UNITS,
    "400 d",
    words={
        **DURATION_WORDS,
        **{f"{word}s": unit for word, unit in DURATION_WORDS.items()},
    },
    slips={
        **dict.fromkeys(("nanosecond", "nanoseconds", "nsec"), "ns"),
        **dict.fromkeys(("microsecond", "microseconds", "usec", "µs"), "us"),
        **dict.fromkeys(("millisecond", "milliseconds", "msec"), "ms"),
        **dict.fromkeys(("sec", "secs"), "s"),
        **dict.fromkeys(("m", "mins"), "min"),
        **dict.fromkeys(("hr", "hrs"), "h"),
        **dict.fromkeys(("w", "wks"), "wk"),
        **dict.fromkeys(("a", "yr", "yrs"), "y"),
    },
    never=dict.fromkeys(("mo", "mon", "mos", "month", "months", "mth", "mths"), _A_MONTH),
)
FREQUENCY = Quantity(
    "a drift",
    {"ppm": Fraction(1), "ppb": Fraction(1, 1000)},
    "45 ppm",
    bounds=(-10_000, 10_000),  # a clock that is wrong by more than a hundredth is none
)
_CELSIUS = "temperatures are in degrees Celsius, such as 21 C"
TEMPERATURE = Quantity(
    "a temperature",
    {"C": 1, "°C": 1},
    "21 C",
    never=dict.fromkeys(("f", "°f", "k", "fahrenheit", "kelvin"), _CELSIUS),
    slips={"celsius": "C"},
    bounds=(-60, 120),  # what electronics outlive
)
SHARE = Quantity(
    "a share", {"%": Fraction(1, 100)}, "5 %", slips={"percent": "%", "pct": "%", "pc": "%"}
)
TIME_STEPS = Quantity("a number of time steps", {"step": 1, "steps": 1}, "-2 steps")
QUANTITIES = (DURATION, FREQUENCY, TEMPERATURE, SHARE, TIME_STEPS)


_A_DELAY = "a duration such as 8 s, or two such as 7 s to 9 s"


def parse_duration_ns(text: object) -> int:
    """Nanoseconds in a duration such as `400 d`, `-2 s` or `1 h 30 min`.

    Raises:
        ValueError: not a number with a unit of `DURATION_UNITS`.
    """
    return round(DURATION.read(text))


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


def parse_delay_s(text: object) -> tuple[int, int]:
    """The ends, in seconds, of a delay such as `8 s`, or `7 s to 9 s` if it varies.

    Raises:
        ValueError: not a span of whole seconds, nor two of them with the longer one last.
    """
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not a delay; write {_A_DELAY}")
    least, separator, most = text.partition(" to ")
    ends = (parse_seconds_ns(least), parse_seconds_ns(most if separator else least))
    if ends[1] < ends[0]:
        raise ValueError(f"{text!r} ends before it begins; write {_A_DELAY}")
    return ends[0] // NS_PER_S, ends[1] // NS_PER_S


def parse_ppm(text: object) -> float:
    """A fractional frequency such as `45 ppm`, in ppm.

    Raises:
        ValueError: not a number with the unit ppm or ppb, or out of bounds.
    """
    return float(FREQUENCY.read(text))


def parse_celsius(text: object) -> float:
    """A temperature such as `21 C`, in degrees Celsius.

    Raises:
        ValueError: not a number with the unit C, or out of bounds.
    """
    return float(TEMPERATURE.read(text))


def parse_share(text: object) -> float:
    """A probability such as `5 %`, from 0 to 1.

    Raises:
        ValueError: not a percentage from 0 to 100.
    """
    share = float(SHARE.read(text))
    if not 0 <= share <= 1:
        raise ValueError(f"{text!r} is outside 0 % to 100 %")
    return share


def parse_steps(text: object) -> int:
    """A number of time steps such as `-2 steps`.

    Raises:
        ValueError: not a whole number with the unit step or steps.
    """
    steps = TIME_STEPS.read(text)
    if steps.denominator != 1:
        raise ValueError(f"{text!r} is not a whole number of time steps")
    return int(steps)


def parse_instant_ns(text: object) -> int:
    """Nanoseconds since the Unix epoch of an RFC 3339 time with its zone.

    Raises:
        ValueError: not RFC 3339, or without a zone.
    """
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        raise ValueError(_no_instant(text))
    fraction = re.search(r"\.(\d+)", text)
    nanoseconds = int(fraction[1].ljust(9, "0")) if fraction else 0
    try:
        moment = datetime.fromisoformat(re.sub(r"\.\d+", "", text.upper().replace("Z", "+00:00")))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time: {error}") from None
    return (moment - EPOCH) // timedelta(seconds=1) * NS_PER_S + nanoseconds


def _no_instant(text: object) -> str:
    """Why something is no time."""
    how = "write RFC 3339 with a zone, such as 2026-03-02T09:00:00Z"
    if isinstance(text, str):
        if match := _WITH_A_SPACE.fullmatch(text):
            day, clock, zone = match.groups()
            right = f"{day}T{clock}{zone or 'Z'}"
            also = "" if zone else ", and a zone behind it"
            return f"{text!r} has a space; write it with a T{also}: {right}"
        if _ZONELESS.fullmatch(text):
            lacks = "no zone" if ":" in text else "no time of day and no zone"
            return f"{text!r} has {lacks}; {how}"
    shown = repr(text)
    return f"{shown if len(shown) < _LONGEST else shown[:20] + '...'} is not a time; {how}"


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


def _written(quantity: Quantity, parse: Callable[[object], Any]) -> tuple[Any, Any, Quantity]:
    schema = {"type": "string", "pattern": quantity.pattern, "examples": [quantity.example]}
    return BeforeValidator(parse), WithJsonSchema(schema), quantity


Duration = Annotated[int, *_written(DURATION, parse_duration_ns)]
"""Nanoseconds, written with a unit."""
Span = Annotated[int, *_written(DURATION, parse_span_ns)]
"""Nanoseconds, not negative."""
Seconds = Annotated[int, *_written(DURATION, parse_seconds_ns)]
"""Nanoseconds, a whole number of seconds, not negative."""
DelayRange = Annotated[
    tuple[int, int],
    BeforeValidator(parse_delay_s),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"{DURATION.pattern[:-1]}(to {DURATION.pattern[1:-1]})?$",
            "examples": ["7 s to 9 s"],
        }
    ),
    DURATION,
]
"""The shortest and the longest of a delay that varies, in seconds."""
Ppm = Annotated[float, *_written(FREQUENCY, parse_ppm)]
Celsius = Annotated[float, *_written(TEMPERATURE, parse_celsius)]
Share = Annotated[float, *_written(SHARE, parse_share)]
Steps = Annotated[int, *_written(TIME_STEPS, parse_steps)]
MOMENT = WithJsonSchema({"type": "string", "format": "date-time"})
Instant = Annotated[int, BeforeValidator(parse_instant_ns), MOMENT]
"""Nanoseconds since the Unix epoch, written as RFC 3339 with a zone."""
