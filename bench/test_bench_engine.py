"""What a scenario costs, and what of it is the clockwork underneath."""

from typing import Any

import pytest
import simpy

from mfalab.simulator.clocks import Quartz, QuartzClock
from mfalab.simulator.clocks.durations import NS_PER_YEAR
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.suites import collect

EVENTS = 10_000


def simpy_events() -> int:
    env, seen = simpy.Environment(0), []
    for at in range(EVENTS):
        event = env.timeout(at)
        event.callbacks.append(lambda _: seen.append(None))
    env.run()
    return len(seen)


def timeline_events() -> int:
    timeline, seen = Timeline(0), []
    for at in range(EVENTS):
        timeline.at(at, lambda: seen.append(None))
    timeline.advance(EVENTS)
    return len(seen)


@pytest.mark.benchmark(group=f"{EVENTS} events")
def test_bare_simpy(benchmark: Any) -> None:
    benchmark.extra_info["role"] = "limit"
    assert benchmark(simpy_events) == EVENTS


@pytest.mark.benchmark(group=f"{EVENTS} events")
def test_timeline(benchmark: Any) -> None:
    assert benchmark(timeline_events) == EVENTS


@pytest.mark.benchmark(group="clock")
def test_reading_a_quartz_clock_after_ten_years(benchmark: Any) -> None:
    timeline = Timeline(0)
    clock = QuartzClock(timeline, Quartz(), noise=Entropy(1).stream("noise"))
    timeline.advance(10 * NS_PER_YEAR)
    assert benchmark(clock.now_ns) > 9 * NS_PER_YEAR


def _cases() -> list[Case]:
    return collect([])


@pytest.mark.benchmark(group="scenarios")
def test_every_shipped_case(benchmark: Any) -> None:
    cases = _cases()
    verdicts = benchmark.pedantic(
        lambda: [run_case(case)[-1]["verdict"] for case in cases], rounds=3, warmup_rounds=1
    )
    benchmark.extra_info["cases"] = len(cases)
    assert set(verdicts) == {"passed"}


@pytest.mark.benchmark(group="scenarios")
def test_one_case_of_a_fob(benchmark: Any) -> None:
    case = next(case for case in _cases() if case.name == "fob-leaves-the-window")
    assert benchmark(lambda: run_case(case))[-1]["verdict"] == "passed"
