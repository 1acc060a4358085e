"""What a scenario costs, and what of it is the clockwork underneath."""

from pathlib import Path
from typing import Any

import pytest
import simpy

from bench import prototype
from bench.memory import DRIFT_PPM, FOBS, SIGN_INS, years
from mfalab.simulator.clocks import Quartz, QuartzClock
from mfalab.simulator.clocks.durations import NS_PER_YEAR
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.suites import collect

EVENTS = 10_000
START_S = 1_772_442_000.0


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


@pytest.mark.benchmark(group="a year of a person, 8 fobs, 1,096 sign-ins")
def test_plain_python(benchmark: Any) -> None:
    benchmark.extra_info["role"] = "peer"
    accepted = benchmark(lambda: prototype.year(START_S, FOBS, SIGN_INS, DRIFT_PPM))
    assert accepted == SIGN_INS


@pytest.mark.benchmark(group="a year of a person, 8 fobs, 1,096 sign-ins")
def test_scenario(benchmark: Any, tmp_path: Path) -> None:
    file = tmp_path / "year.scenario.yaml"
    file.write_text(years(1))
    (case,) = collect([str(file)])
    events = benchmark.pedantic(lambda: run_case(case), rounds=3, warmup_rounds=1)
    assert events[-1]["verdict"] == "passed"
    benchmark.extra_info["figures"] = {"events": len(events)}


@pytest.mark.benchmark(group="scenarios")
def test_every_shipped_case(benchmark: Any) -> None:
    cases = _cases()
    verdicts = benchmark.pedantic(
        lambda: [run_case(case)[-1]["verdict"] for case in cases], rounds=1
    )
    benchmark.extra_info["cases"] = len(cases)
    assert set(verdicts) == {"passed"}


@pytest.mark.benchmark(group="scenarios")
def test_one_case_of_a_fob(benchmark: Any) -> None:
    case = next(case for case in _cases() if case.name == "fob-leaves-the-window")
    assert benchmark(lambda: run_case(case))[-1]["verdict"] == "passed"
