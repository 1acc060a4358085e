"""The clock's terms are the object model's integrals."""

import numpy as np
import pytest

from mfalab.simulator.clocks.climates import Constant
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.clocks.quartz import Quartz, QuartzClock
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.fleet.compiled import jit
from mfalab.simulator.fleet.physics import (
    TERMS,
    ageing,
    evaluate,
    parabola,
    walked_on,
    wander_table,
    wandered,
    warmth,
)

A = Quartz().ageing_ppm


@jit
def aged_days(rate, days):
    return ageing(rate, days)


@jit
def evaluated(one, terms, x):
    return evaluate(one, terms, x)


@jit
def one_parabola(beta, away, first, second, elapsed):
    return parabola(beta, away, first, second, elapsed)


@jit
def one_warmth(one, first, second, start, slope, into):
    return warmth(one, first, second, start, slope, into)


@jit
def one_wander(one, offset, rate, packed, day, part):
    return wandered(one, np.int32(offset), np.int32(rate), packed, np.int32(day), part)


@jit
def one_week(offset, rate, packed):
    return walked_on(np.int32(offset), np.int32(rate), packed)


@pytest.mark.parametrize(("years", "gained"), [(1, 65.7), (3, 300.1), (5, 586.2)])
def test_ageing_is_the_integral_of_the_object_model(years, gained):
    days = 7 * round(years * 365.25 / 7)
    found = A * 0.0864 * aged_days(1 / 30, days)
    clock = QuartzClock(Timeline(0), Quartz(parabola_ppm_per_c2=0.0), climate=Constant(25.0))
    exact = (clock.believed_ns(days * NS_PER_DAY) - days * NS_PER_DAY) / NS_PER_S
    assert found == pytest.approx(exact, abs=2e-9)
    assert found == pytest.approx(gained, abs=1.5)  # the table's years are no whole weeks


def test_a_polynomial_has_the_terms_that_its_precision_needs():
    terms = np.arange(1.0, TERMS["double"] + 1)
    assert evaluated(1.0, terms, 0.5) == pytest.approx(np.polyval(terms[::-1], 0.5), rel=1e-14)
    single = terms.astype(np.float32)
    assert evaluated(np.float32(1), single, np.float32(0.5)) == pytest.approx(
        np.polyval(terms[8::-1], 0.5), rel=1e-6
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
            assert one_wander(1.0, 11, -5, table[day, bits], day, 0.25) == expected
            rate, gathered = -5, 11
            for step in steps:
                rate += step
                gathered += rate
            assert one_week(11, -5, table[day, bits]) == (gathered, rate)
