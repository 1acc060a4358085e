"""Random-walk frequency noise is a function of time, whatever was asked before."""

import statistics

import pytest

from mfalab.simulator.clocks.durations import NS_PER_DAY
from mfalab.simulator.clocks.noise import DAILY, RandomWalk
from mfalab.simulator.entropy import Entropy


def walk(seed: int = 1, step_ppm: float = 0.01) -> RandomWalk:
    return RandomWalk(Entropy(seed).stream("noise"), step_ppm)


def test_values_do_not_depend_on_what_was_asked_before() -> None:
    days = range(0, 40 * NS_PER_DAY, NS_PER_DAY // 3)
    forwards, backwards = walk(), walk()
    there = [forwards.offset_ns(time_ns) for time_ns in days]
    back = [backwards.offset_ns(time_ns) for time_ns in reversed(days)]
    assert there == back[::-1]


def test_walk_begins_at_nothing_and_has_no_jumps() -> None:
    noise = walk()
    assert noise.offset_ns(0) == noise.offset_ns(-NS_PER_DAY) == 0.0
    for day in range(1, 10):
        before, after = (noise.offset_ns(day * NS_PER_DAY + ns) for ns in (-1000, 1000))
        assert after == pytest.approx(before, abs=1e-3)


def test_offset_after_a_year_spreads_as_its_steps_say() -> None:
    spread_s = statistics.stdev(walk(seed).offset_ns(365 * NS_PER_DAY) / 1e9 for seed in range(100))
    assert 2.5 < spread_s < 4.5


def test_walk_is_continuous_where_its_steps_grow() -> None:
    noise = walk()
    for day in (DAILY - 1, DAILY, DAILY + 1, 2 * DAILY, 3 * DAILY):
        before, after = (noise.offset_ns(day * NS_PER_DAY + ns) for ns in (-1000, 1000))
        assert after == pytest.approx(before, abs=1)


def test_spread_is_that_of_so_many_days_whether_one_by_one_or_together() -> None:
    walks = [walk(seed) for seed in range(40)]
    for day, days in ((DAILY - 2, DAILY), (4 * DAILY, 5 * DAILY)):
        rates_ppm = [
            (noise.offset_ns((day + 1) * NS_PER_DAY) - noise.offset_ns(day * NS_PER_DAY)) / 8.64e7
            for noise in walks
        ]
        assert statistics.stdev(rates_ppm) == pytest.approx(0.01 * days**0.5, rel=0.25)
