"""Climates: temperatures, and closed integrals against summing."""

from math import tau

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfalab.simulator.clocks.climates import CLIMATES, Climate, Constant, Wave, Waves, Weekly
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S, NS_PER_YEAR

HOUR_NS = 3600 * NS_PER_S
MONDAY_NS = 1_772_409_600 * NS_PER_S  # 2026-03-02 00:00 UTC
NAMES = sorted(CLIMATES)


def midpoint_sum(
    climate: Climate, turnover_c: float, start_ns: int, end_ns: int, steps: int
) -> float:
    width_ns = (end_ns - start_ns) / steps
    total = sum(
        (climate.temperature_c(round(start_ns + (step + 0.5) * width_ns)) - turnover_c) ** 2
        for step in range(steps)
    )
    return total * width_ns / NS_PER_S


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("start_ns", [MONDAY_NS, -5 * NS_PER_DAY - 7 * HOUR_NS])
def test_closed_integral_agrees_with_summing_hours_of_three_weeks(name: str, start_ns: int) -> None:
    climate, end_ns = CLIMATES[name], start_ns + 21 * NS_PER_DAY
    closed = climate.squared_deviation(25.3, start_ns, end_ns)
    assert closed == pytest.approx(midpoint_sum(climate, 25.3, start_ns, end_ns, 21 * 24), rel=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_closed_integral_agrees_with_summing_odd_hours_of_a_year(name: str) -> None:
    # 1461 samples 6 h apart would always hit the same four hours; 1999 samples do not.
    climate, end_ns = CLIMATES[name], MONDAY_NS + NS_PER_YEAR
    closed = climate.squared_deviation(25.3, MONDAY_NS, end_ns)
    assert closed == pytest.approx(midpoint_sum(climate, 25.3, MONDAY_NS, end_ns, 1999), rel=5e-3)


@pytest.mark.parametrize("name", NAMES)
@given(
    turnover_c=st.floats(15, 35),
    instants_ns=st.lists(st.integers(-(10**18), 10**19), min_size=3, max_size=3).map(sorted),
)
def test_integral_is_additive_not_negative_and_changes_sign_backwards(
    name: str, turnover_c: float, instants_ns: list[int]
) -> None:
    climate = CLIMATES[name]
    a, b, c = instants_ns
    whole = climate.squared_deviation(turnover_c, a, c)
    parts = climate.squared_deviation(turnover_c, a, b) + climate.squared_deviation(
        turnover_c, b, c
    )
    assert parts == pytest.approx(whole, rel=1e-9, abs=0.1)
    assert climate.squared_deviation(turnover_c, c, a) == pytest.approx(-whole, abs=0.1)
    assert whole >= -0.1


@pytest.mark.parametrize(
    ("name", "coldest_c", "warmest_c"),
    [
        ("drawer", 21, 21),
        ("office", 17, 22),
        ("pocket", 21, 30),
        ("outdoors", -5, 25),
        ("car", -10, 60),
    ],
)
def test_named_climate_spans_the_temperatures_it_promises(
    name: str, coldest_c: float, warmest_c: float
) -> None:
    temperatures = [
        CLIMATES[name].temperature_c(MONDAY_NS + day * NS_PER_DAY + hour * HOUR_NS)
        for day in range(366)
        for hour in (3, 9, 15, 21)
    ]
    assert min(temperatures) == pytest.approx(coldest_c, abs=0.01)
    assert max(temperatures) == pytest.approx(warmest_c, abs=0.01)


@pytest.mark.parametrize(
    ("day", "hour", "celsius"),
    [
        (0, 7.99, 18),
        (0, 8, 22),
        (4, 17.99, 22),
        (4, 18, 18),
        (5, 12, 17),
        (6, 23.99, 17),
        (7, 0, 18),
        (-7, 12, 22),
        (-1, 12, 17),
    ],
)
def test_office_is_heated_on_working_days_only(day: int, hour: float, celsius: float) -> None:
    instant_ns = MONDAY_NS + day * NS_PER_DAY + round(hour * HOUR_NS)
    assert CLIMATES["office"].temperature_c(instant_ns) == celsius


def test_weeks_and_days_are_floored_before_1970() -> None:
    """1969-12-31 was a Wednesday; truncation instead of floor would mirror the week there."""
    office = CLIMATES["office"]
    assert office.temperature_c(-1) == 18  # Wednesday night
    assert office.temperature_c(-12 * HOUR_NS) == 22  # Wednesday noon
    assert office.temperature_c(-4 * NS_PER_DAY + 12 * HOUR_NS) == 17  # Sunday noon
    assert CLIMATES["outdoors"].temperature_c(-9 * HOUR_NS) == pytest.approx(
        CLIMATES["outdoors"].temperature_c(15 * HOUR_NS), abs=0.1
    )


def test_car_is_hottest_on_summer_afternoons_and_coldest_in_winter_nights() -> None:
    car = CLIMATES["car"]
    july_ns, january_ns = 200 * NS_PER_DAY, round(17.4 * NS_PER_DAY)
    january_ns -= january_ns % NS_PER_DAY
    assert car.temperature_c(july_ns + 15 * HOUR_NS) == pytest.approx(60, abs=0.1)
    assert car.temperature_c(july_ns + 3 * HOUR_NS) == pytest.approx(20, abs=0.1)
    assert car.temperature_c(january_ns + 15 * HOUR_NS) == pytest.approx(0, abs=0.1)
    assert car.temperature_c(january_ns + 3 * HOUR_NS) == pytest.approx(-10, abs=0.1)


def test_mean_square_of_a_sine_is_square_of_its_mean_and_half_its_amplitude_squared() -> None:
    year = Waves(22.0, (Wave(8.0, per_year=1),))
    mean = year.squared_deviation(25.0, MONDAY_NS, MONDAY_NS + NS_PER_YEAR) / 31_557_600
    assert mean == pytest.approx(41.0)


@settings(max_examples=30)
@given(
    waves=st.lists(
        st.builds(
            Wave,
            st.floats(-20, 20),
            per_day=st.integers(1, 3),
            per_year=st.integers(-2, 2),
            phase_rad=st.floats(0, tau),
        ),
        max_size=3,
    ),
    day=st.integers(-20_000, 20_000),
)
def test_any_sum_of_waves_integrates_exactly(waves: list[Wave], day: int) -> None:
    climate = Waves(20.0, tuple(waves))
    start_ns, end_ns = day * NS_PER_DAY, (day + 2) * NS_PER_DAY + 5 * HOUR_NS
    closed = climate.squared_deviation(25.0, start_ns, end_ns)
    summed = midpoint_sum(climate, 25.0, start_ns, end_ns, 600)
    assert closed == pytest.approx(summed, rel=1e-3, abs=20)


def test_constant_is_constant() -> None:
    fridge = Constant(5.0)
    assert fridge.temperature_c(-1) == 5.0
    assert fridge.squared_deviation(25.0, 0, 10 * NS_PER_S) == pytest.approx(4000.0)


@pytest.mark.parametrize(
    "changes", [(), ((1, 20.0),), ((0, 20.0), (0, 21.0)), ((0, 20.0), (168, 21.0))]
)
def test_timetable_that_is_no_week_is_refused(changes: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="Start at hour 0, ascend and stay below 168"):
        Weekly(changes)


def test_wave_that_does_not_turn_is_refused() -> None:
    with pytest.raises(ValueError, match="is a constant"):
        Wave(3.0)
