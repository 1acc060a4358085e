"""Quantities: a number and its unit, or a clear refusal."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import WithJsonSchema

from mfalab.simulator.language.units import (
    DURATION,
    DURATION_UNITS,
    FREQUENCY,
    SHARE,
    TEMPERATURE,
    TIME_STEPS,
    DelayRange,
    Quantity,
    format_duration,
    format_instant,
    parse_celsius,
    parse_delay_s,
    parse_duration_ns,
    parse_instant_ns,
    parse_ppm,
    parse_share,
    parse_steps,
)

S = 10**9


@pytest.mark.parametrize(
    ("text", "duration_ns"),
    [
        ("1 ns", 1),
        ("2 us", 2_000),
        ("3 ms", 3_000_000),
        ("90 s", 90 * S),
        ("30 min", 1800 * S),
        ("1 h", 3600 * S),
        ("400 d", 400 * 86_400 * S),
        ("1 wk", 604_800 * S),
        ("1 y", 31_557_600 * S),
        ("0 s", 0),
        ("-2 s", -2 * S),
        ("+2 s", 2 * S),
        ("- 2 s", -2 * S),
        ("1.5 min", 90 * S),
        (".5 s", S // 2),
        ("45s", 45 * S),
        ("  45   s  ", 45 * S),
        ("1 h 30 min", 5400 * S),
        ("1h30min", 5400 * S),
        ("0.1 ns", 0),
        ("100000000000000000000 d", 100000000000000000000 * 86_400 * S),
        ("1 second", S),
        ("90 seconds", 90 * S),
        ("1 minute 30 seconds", 90 * S),
        ("2 hours", 7200 * S),
        ("1 day", 86_400 * S),
        ("400 days", 400 * 86_400 * S),
        ("-1 week", -604_800 * S),
        ("2 years 3 d", 2 * 31_557_600 * S + 3 * 86_400 * S),
    ],
)
def test_duration_is_a_number_and_a_unit(text: str, duration_ns: int) -> None:
    assert parse_duration_ns(text) == duration_ns


def test_sign_in_front_is_that_of_the_whole_duration() -> None:
    """`-1 h 30 min` once meant half an hour back: the sign stayed with its own term."""
    assert parse_duration_ns("-1 h 30 min") == -5400 * S
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration_ns("1 h -30 min")


@pytest.mark.parametrize("text", ["90", "-2", "1.5", "1 h 30", "4 5 s"])
def test_bare_number_is_refused_and_units_are_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"has no unit.*needs one; .* ns, us, ms, s, min, h, d"):
        parse_duration_ns(text)


@pytest.mark.parametrize("text", ["", "  ", "s", "-", "ten s", "٣ s", ",5 s", "--1 s"])
def test_what_is_no_number_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration_ns(text)


@pytest.mark.parametrize(
    ("text", "ends"),
    [("8 s", (8, 8)), ("7 s to 9 s", (7, 9)), ("0 s to 1 min", (0, 60)), ("9 s to 9 s", (9, 9))],
)
def test_delay_is_a_duration_or_two(text: str, ends: tuple[int, int]) -> None:
    assert parse_delay_s(text) == ends
    (schema,) = [mark for mark in DelayRange.__metadata__ if isinstance(mark, WithJsonSchema)]
    assert schema.json_schema is not None
    assert re.fullmatch(schema.json_schema["pattern"], text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("9 s to 7 s", "ends before it begins"),
        ("7 to 9 s", "'7' has no unit"),
        ("7 s to", "'7 s to' is not a duration"),
        ("7 s to 8.5 s", "no whole number of seconds"),
        ("-1 s to 8 s", "is negative"),
        ("7 s to 9 s to 11 s", "is not a duration"),
        (8, "is not a delay"),
    ],
)
def test_what_is_no_delay_is_told(text: object, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        parse_delay_s(text)


@pytest.mark.parametrize("value", [None, 90, 1.5, True, ["1 s"]])
def test_only_text_is_a_quantity(value: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration_ns(value)


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("3 mins", "3 min"),
        ("5 sec", "5 s"),
        ("2 S", "2 s"),
        ("5 m", "5 min"),
        ("2 D", "2 d"),
        ("1 hr", "1 h"),
        ("3 w", "3 wk"),
        ("2 Days", "2 days"),
        ("4 mintes", "4 minutes"),
        ("7 milliseconds", "7 ms"),
        ("9 parsec", None),
        ("2 x", None),
    ],
)
def test_unknown_unit_names_the_nearest_one(text: str, near: str | None) -> None:
    with pytest.raises(ValueError, match="has no unit") as caught:
        parse_duration_ns(text)
    hint = f'did you mean "{near}"?' if near else "write a number and a unit"
    assert hint in str(caught.value)


@pytest.mark.parametrize("text", ["18 months", "1 month", "2 mo", "1 y 3 Months"])
def test_month_is_refused_by_name(text: str) -> None:
    """`18 months` was once answered with 18 ns."""
    with pytest.raises(ValueError, match="a month has no fixed length: write days, weeks or"):
        parse_duration_ns(text)


def test_decimal_comma_is_told() -> None:
    with pytest.raises(ValueError, match="'1,5 s' has a comma; write decimals behind a point"):
        parse_duration_ns("1,5 s")


@pytest.mark.parametrize("parse", [parse_duration_ns, parse_ppm, parse_steps, parse_instant_ns])
def test_number_of_thousands_of_digits_is_no_quantity(parse: Callable[[object], object]) -> None:
    """Python refuses to read such numbers, in words about itself; a float of them overflows."""
    for digits in (400, 5_000, 50_000):
        with pytest.raises(ValueError, match=r"'1{17,20}.* (is too long for a|is not a time)"):
            parse(f"{'1' * digits} {'steps' if parse is parse_steps else 'ppm'}")


@given(
    quantity=st.sampled_from([DURATION, FREQUENCY, TEMPERATURE, SHARE, TIME_STEPS]), data=st.data()
)
def test_every_unit_that_is_offered_is_read_and_fits_the_schema(
    quantity: Quantity, data: st.DataObject
) -> None:
    unit = data.draw(st.sampled_from([*quantity.units, *quantity.words]))
    one = quantity.read(f"1 {unit}")
    most = 10**6 if quantity.bounds is None else int(quantity.bounds[1] / one)
    number = data.draw(st.integers(0, most))
    assert quantity.read(f"{number} {unit}") == number * one
    assert re.search(quantity.pattern, f"{number} {unit}")


@pytest.mark.parametrize("quantity", [DURATION, FREQUENCY, TEMPERATURE, SHARE, TIME_STEPS])
def test_every_suggestion_is_taken(quantity: Quantity) -> None:
    """A suggestion that is refused in its turn misleads."""
    written = {*quantity.slips, *(unit.title() for unit in [*quantity.units, *quantity.words])}
    for slip in written - quantity.units.keys():
        with pytest.raises(ValueError, match="did you mean") as caught:
            quantity.read(f"3 {slip}")
        assert quantity.read(str(caught.value).split('"')[1]) > 0


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_ppm, "45 ppm", 45.0),
        (parse_ppm, "-12.5 ppm", -12.5),
        (parse_ppm, "500 ppb", 0.5),
        (parse_celsius, "21 C", 21.0),
        (parse_celsius, "-10 °C", -10.0),
        (parse_share, "5 %", 0.05),
        (parse_share, "0 %", 0.0),
        (parse_share, "100 %", 1.0),
        (parse_steps, "-2 steps", -2),
        (parse_steps, "1 step", 1),
    ],
)
def test_other_quantities(parse: Callable[[object], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "why"),
    [
        (parse_ppm, "45", "no unit"),
        (parse_ppm, "-10001 ppm", "out of bounds for a drift: -10000 ppm to 10000 ppm"),
        (parse_celsius, "120.1 C", "out of bounds for a temperature: -60 C to 120 C"),
        (parse_ppm, "45 s", "no unit 's'"),
        (parse_celsius, "21", "no unit"),
        (parse_celsius, "70 F", "no unit 'F'"),
        (parse_share, "0.5", "no unit"),
        (parse_share, "101 %", "outside 0 % to 100 %"),
        (parse_share, "-1 %", "outside 0 % to 100 %"),
        (parse_steps, "1.5 steps", "whole number"),
        (parse_steps, "2", "no unit"),
    ],
)
def test_other_quantities_refused(parse: Callable[[object], object], text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(text)


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-03-02T09:00:00Z", 1_772_442_000 * S),
        ("2026-03-02t09:00:00z", 1_772_442_000 * S),
        ("2026-03-02T10:00:00+01:00", 1_772_442_000 * S),
        ("2026-03-02T09:00:00.5Z", 1_772_442_000 * S + S // 2),
        ("2026-03-02T09:00:00.000000001Z", 1_772_442_000 * S + 1),
        ("2024-02-29T00:00:00Z", 1_709_164_800 * S),
        ("2038-01-19T03:14:08Z", 2**31 * S),
        ("1969-12-31T23:59:59.25Z", -S + S // 4),
    ],
)
def test_instant_is_rfc_3339_with_its_zone(text: str, time_ns: int) -> None:
    assert parse_instant_ns(text) == time_ns


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T09:00:00",
        "2026-03-02 09:00:00Z",
        "2026-03-02",
        "2026-3-2T9:00:00Z",
        "20260302T090000Z",
        "2026-03-02T09:00Z",
        "2026-03-02T09:00:00.1234567890Z",
        "2026-02-29T00:00:00Z",
        "2026-06-30T23:59:60Z",
        "2026-13-01T00:00:00Z",
        "2026-03-02T09:00:00+99:00",
        "1772442000",
        "٢٠٢٦-03-02T09:00:00Z",
        "",
    ],
)
def test_other_times_are_refused_with_what_was_written(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a time|has no|has a space") as caught:
        parse_instant_ns(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_772_442_000 * S + 123_999_999, "2026-03-02T09:00:00.123Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-62_135_596_800 * S, "0001-01-01T00:00:00.000Z"),
        (10**25, "10000000000000000.000 s since 1970"),
    ],
)
def test_instant_is_shown_in_utc_to_the_millisecond(time_ns: int, text: str) -> None:
    assert format_instant(time_ns) == text


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (0, "0 s"),
        (999, "999 ns"),
        (1_500, "1.5 us"),
        (-90 * S, "-1.5 min"),
        (3600 * S, "1 h"),
        (400 * 86_400 * S, "1.095 y"),
    ],
)
def test_duration_is_shown_in_its_largest_unit(duration_ns: int, text: str) -> None:
    assert format_duration(duration_ns) == text


@given(st.integers(-(10**12), 10**12), st.sampled_from(sorted(DURATION_UNITS)))
def test_whole_numbers_of_every_unit_are_exact(number: int, unit: str) -> None:
    assert parse_duration_ns(f"{number} {unit}") == number * DURATION_UNITS[unit]


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_instant_survives_writing_and_reading_to_the_millisecond(time_ms: int) -> None:
    assert parse_instant_ns(format_instant(time_ms * 10**6)) == time_ms * 10**6
