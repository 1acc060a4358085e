"""Random-walk frequency noise is a function of time, whatever was asked before."""

import statistics

import pytest

from mfalab.simulator.clocks.durations import NS_PER_DAY
from mfalab.simulator.clocks.noise import RandomWalk
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
