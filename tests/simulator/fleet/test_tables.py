"""Tables hold what they stand for."""

from statistics import NormalDist

import numpy as np
import pytest

from mfalab.simulator.clocks.climates import CLIMATES, Constant
from mfalab.simulator.clocks.durations import NS_PER_S, NS_PER_WEEK
from mfalab.simulator.fleet.presets import HABITS
from mfalab.simulator.fleet.tables import (
    ageing_table,
    climate_table,
    cut_normal_quantiles,
    delay_table,
    window_table,
)

MONDAY_NS = 1_767_571_200 * NS_PER_S


@pytest.mark.parametrize("name", CLIMATES)
@pytest.mark.parametrize(("cell_s", "worst_s"), [(900, 1e-4), (180, 1e-6)])
def test_a_table_gives_the_climates_integrals(name, cell_s, worst_s):
    """In seconds of a clock 35 degrees from its turnover: 0.034 ppm per degree squared."""
    climate, weeks = CLIMATES[name], 60
    table, totals = climate_table(climate, MONDAY_NS, weeks, cell_s)
    worst = 0.0
    for place in range(200):
        second = place * 30_011 + 17 * (place % 31)
        week, into_s = divmod(second * 5 % (weeks * 604_800), 604_800)
        at_ns = MONDAY_NS + week * NS_PER_WEEK + into_s * NS_PER_S
        cell, rest = divmod(into_s, cell_s)
        row = table[week % len(table), :, cell]
        first = row[0] + rest * (row[2] + rest * row[3] / 2)
        second_sum = row[1] + rest * (
            row[2] ** 2 + rest * (row[2] * row[3] + rest * row[3] ** 2 / 3)
        )
        exact = climate.squared_deviation(60.0, MONDAY_NS + week * NS_PER_WEEK, at_ns)
        found = second_sum - 2 * 35 * first + 35 * 35 * into_s
        worst = max(worst, abs(found - exact) * 0.034e-6)
    assert worst < worst_s
    whole = climate.squared_deviation(25.0, MONDAY_NS, MONDAY_NS + weeks * NS_PER_WEEK)
    repeated = totals[:, 1].sum() * weeks / len(totals)
    assert repeated == pytest.approx(whole, rel=1e-9, abs=1e-3)


def test_only_a_climate_without_a_weekly_rhythm_needs_all_weeks():
    assert len(climate_table(Constant(21.0), MONDAY_NS, 300, 900)[0]) == 1
    assert len(climate_table(CLIMATES["office"], MONDAY_NS, 300, 900)[0]) == 1
    assert len(climate_table(CLIMATES["car"], MONDAY_NS, 30, 900)[0]) == 30


@pytest.mark.parametrize("name", CLIMATES)
@pytest.mark.parametrize("habit", HABITS)
def test_a_climate_is_smooth_at_every_login(name, habit):
    """So it is a polynomial there; in seconds of a clock 35 degrees from its turnover."""
    climate = CLIMATES[name]
    for week in (0, 13, 30):
        logins = {login for logins in HABITS[habit].weeks for login in logins}
        begin = np.array([(week * 168 + 24 * each.day + each.from_hour) * 3600 for each in logins])
        length = np.array([(each.to_hour - each.from_hour) * 3600 for each in logins])
        ends = (begin + length).astype(int)
        for terms, worst_s in ((9, 4e-5), (17, 2e-9)):
            table = window_table(climate, MONDAY_NS, begin.astype(int), ends, terms)
            for x in (-1.0, -0.7, 0.0, 0.4, 1.0):
                seconds = np.rint(begin + length * (x + 1) / 2).astype(int)
                powers = (2 * (seconds - begin) / length - 1)[:, None] ** np.arange(terms)
                first, second = ((table[:, which] * powers).sum(1) for which in (0, 1))
                for place, second_of in enumerate(seconds):
                    at_ns = MONDAY_NS + int(second_of) * NS_PER_S
                    exact = climate.squared_deviation(60.0, MONDAY_NS, at_ns)
                    found = second[place] - 2 * 35 * first[place] + 35 * 35 * second_of
                    assert abs(found - exact) * 0.034e-6 < worst_s


def test_ageing_until_a_login_is_the_integral():
    rate, half = 1 / 30, 4 / 24
    table, (pace, change, fades) = ageing_table(1e9, rate, 50, 2.5, half)
    for x in (-1.0, -0.3, 0.0, 0.8):
        days = 7 * np.arange(50) + 2.5 + half * x
        grown = 1 + rate * days
        exact = 1e9 * (grown * np.log(grown) / rate - days)
        bend = 1 - fades * x / 3 + (fades * x) ** 2 / 6
        assert table + pace * x + change * x * x * bend == pytest.approx(exact, abs=0.5)


def test_delays_are_lognormal_and_cut_off():
    delays = delay_table(9, 0.4, 20, 512)
    assert np.median(delays) / 512 == pytest.approx(9, abs=0.01)
    assert delays.max() == 20 * 512
    share = 1 - NormalDist().cdf(np.log(20 / 9) / 0.4)
    assert (delays == 20 * 512).mean() == pytest.approx(share, abs=0.001)
    assert set(delay_table(9, 0, 45, 512).tolist()) == {9 * 512}


def test_quantiles_are_those_of_a_normal_drawn_again():
    found = cut_normal_quantiles(1.0, 4.0, 6.0)
    assert (found[0], found[-1]) == pytest.approx((-5.0, 7.0))
    assert found[len(found) // 2] == pytest.approx(1.0)
    normal = NormalDist()
    inside = normal.cdf(1.5) - normal.cdf(-1.5)
    quarter = 1 + 4 * normal.inv_cdf(normal.cdf(-1.5) + inside / 4)
    assert found[len(found) // 4] == pytest.approx(quarter, abs=0.01)
    assert set(cut_normal_quantiles(2.0, 0.0, 5.0).tolist()) == {2.0}
