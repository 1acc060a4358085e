"""Increments of the clock's terms add up to the object model's integrals."""

import numpy as np
import pytest

from mfalab.simulator.clocks.climates import Constant
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.clocks.quartz import Quartz, QuartzClock
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.fleet.compiled import jit
from mfalab.simulator.fleet.physics import ageing, parabola, wander_table, wandered, warmth

A = Quartz().ageing_ppm


@jit
def aged_seconds(one, amount, rate, days, times):
    grown, log_grown, total = one, one - one, one - one
    for _ in range(times):
        gained, log = ageing(one, amount, rate, one / rate, grown, log_grown, days)
        total += gained
        grown += rate * days
        log_grown += log
    return total


@jit
def one_parabola(beta, away, first, second, elapsed):
    return parabola(beta, away, first, second, elapsed)


@jit
def one_warmth(one, first, second, start, slope, into):
    return warmth(one, first, second, start, slope, into)


@jit
def one_wander(one, offset, rate, packed, day, part):
    return wandered(one, offset, rate, packed, day, part)


@pytest.mark.parametrize(("years", "gained"), [(1, 65.7), (3, 300.1), (5, 586.2)])
def test_weekly_ageing_adds_up_to_the_integral(years, gained):
    weeks = round(years * 365.25 / 7)
    found = aged_seconds(1.0, A * 0.0864, 1 / 30, 7.0, weeks)
    clock = QuartzClock(Timeline(0), Quartz(parabola_ppm_per_c2=0.0), climate=Constant(25.0))
    exact = (clock.believed_ns(weeks * 7 * NS_PER_DAY) - weeks * 7 * NS_PER_DAY) / NS_PER_S
    assert found == pytest.approx(exact, abs=2e-9)
    assert found == pytest.approx(gained, abs=1.5)  # the table's years are no whole weeks
    single = aged_seconds(*(np.float32(each) for each in (1, A * 0.0864, 1 / 30, 7)), weeks)
    assert single == pytest.approx(exact, abs=1e-3)


def test_ageing_of_the_longest_gap_is_exact():
    """Five weeks after manufacture z is 0.37, the worst that a timetable of four weeks can do."""
    assert aged_seconds(1.0, 1.0, 1 / 30, 35.0, 1) == pytest.approx(
        aged_seconds(1.0, 1.0, 1 / 30, 35 / 64, 64), rel=1e-10
    )


@pytest.mark.parametrize(("celsius", "per_day"), [(5, -1.17504), (40, -0.66096), (60, -3.59856)])
def test_a_constant_temperature_costs_what_the_data_sheet_says(celsius, per_day):
    away = celsius - 25.0
    found = one_parabola(-0.034e-6, 0.0, away * 86400, away * away * 86400, 86400.0)
    assert found == pytest.approx(per_day, abs=1e-9)
    shifted = one_parabola(-0.034e-6, 2.0, away * 86400, away * away * 86400, 86400.0)
    assert shifted == pytest.approx(-0.034e-6 * (away - 2) ** 2 * 86400)


def test_warmth_within_a_cell_is_the_integral_of_a_straight_line():
    seconds = np.linspace(0, 600, 60_001)
    line = 3.0 + 0.01 * seconds
    first, second = one_warmth(1.0, 5.0, 7.0, 3.0, 0.01, 600.0)
    assert first == pytest.approx(5 + np.trapezoid(line, seconds))
    assert second == pytest.approx(7 + np.trapezoid(line**2, seconds))


def test_wander_is_the_sum_of_daily_steps():
    table = wander_table()
    for bits in range(128):
        steps = [1 if bits >> day & 1 else -1 for day in range(7)]
        for day in range(7):
            rate, gathered = -5, 11.0
            for earlier in range(day):
                rate += steps[earlier]
                gathered += rate
            expected = gathered + 0.25 * (rate + steps[day])
            assert one_wander(1.0, 11, -5, int(table[day, bits]), day, 0.25) == expected
        whole = int(table[7, bits])
        assert (whole & 0xFF) - 128 == sum(step * (7 - day) for day, step in enumerate(steps))
        assert (whole >> 8) - 128 == sum(steps)
