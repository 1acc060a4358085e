"""True time: leaps, agenda, refusals."""

from collections.abc import Callable, Generator
from functools import partial

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.clock import Clock
from mfalab.simulator.clocks.durations import NS_PER_S, NS_PER_YEAR
from mfalab.simulator.clocks.timeline import Timeline

START_NS = 1_772_442_000 * NS_PER_S


class AwkwardError(Exception):
    """An exception that cannot be made again from its args."""

    def __init__(self, *, reason: str) -> None:
        super().__init__()
        self.reason = reason


def test_timeline_is_a_clock_that_starts_where_it_is_told() -> None:
    clock: Clock = Timeline(START_NS)
    assert clock.now_ns() == START_NS


@pytest.mark.parametrize("start_ns", [START_NS, 0, -1, -3 * NS_PER_YEAR])
def test_time_stays_an_exact_integer_over_ten_years(start_ns: int) -> None:
    timeline = Timeline(start_ns)
    timeline.advance(10 * NS_PER_YEAR + 1)
    assert timeline.now_ns() == start_ns + 10 * NS_PER_YEAR + 1
    assert type(timeline.now_ns()) is int
    assert timeline.start_ns == start_ns


def test_an_event_takes_a_few_calls_however_many_there_are(
    calls_of: Callable[[Callable[[], object]], int], assert_linear: Callable[[list[int]], None]
) -> None:
    def run(events: int) -> None:
        timeline = Timeline(0)
        for at in range(events):
            timeline.at(at, lambda: None)
        timeline.advance(events)

    work = [calls_of(partial(run, events)) for events in (100, 200, 400)]
    assert_linear(work)
    assert work[2] - work[1] < 12 * 200


def test_ten_years_without_events_need_only_the_end_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timeline = Timeline(START_NS)
    steps: list[float] = []
    step = simpy.Environment.step

    def counted(env: simpy.Environment) -> None:
        steps.append(env.now)
        step(env)

    monkeypatch.setattr(simpy.Environment, "step", counted)
    timeline.advance(10 * NS_PER_YEAR)
    assert len(steps) == 2  # the end stops the loop, and is then taken off the agenda


def test_running_until_an_instant_includes_what_is_due_at_it() -> None:
    timeline = Timeline(START_NS)
    seen: list[int] = []
    for delay_ns in (9, 10, 11):
        timeline.after(delay_ns, lambda: seen.append(timeline.now_ns() - START_NS))
    timeline.run_until(START_NS + 10)
    assert seen == [9, 10]
    timeline.advance(1)
    assert seen == [9, 10, 11]


def test_running_until_now_does_what_is_due_now() -> None:
    timeline = Timeline(START_NS)
    seen: list[str] = []
    timeline.at(START_NS, lambda: seen.append("now"))
    timeline.run_until(START_NS)
    assert seen == ["now"]


def test_things_due_together_happen_in_the_order_they_were_scheduled() -> None:
    timeline = Timeline(START_NS)
    seen: list[str] = []
    timeline.at(START_NS + 5, lambda: seen.append("first"))
    timeline.after(5, lambda: seen.append("second"))
    timeline.after(5, lambda: timeline.after(0, lambda: seen.append("fourth")))
    timeline.after(5, lambda: seen.append("third"))
    timeline.advance(5)
    assert seen == ["first", "second", "third", "fourth"]


@given(delays_ns=st.lists(st.integers(0, 10**18), max_size=20), cut_ns=st.integers(0, 10**18))
def test_stopping_on_the_way_changes_nothing(delays_ns: list[int], cut_ns: int) -> None:
    def run(stops_ns: list[int]) -> list[tuple[int, int]]:
        timeline = Timeline(START_NS)
        seen: list[tuple[int, int]] = []

        def note(number: int) -> None:
            seen.append((number, timeline.now_ns()))

        for number, delay_ns in enumerate(delays_ns):
            timeline.after(delay_ns, partial(note, number))
        for stop_ns in stops_ns:
            timeline.run_until(START_NS + stop_ns)
        return seen

    assert run([cut_ns, 10**18]) == run([10**18])


def test_going_back_is_refused_in_a_sentence() -> None:
    timeline = Timeline(START_NS)
    with pytest.raises(ValueError, match=r"true time cannot go back by 1 ns\. Step a device"):
        timeline.advance(-1)
    with pytest.raises(ValueError, match=rf"back from {START_NS} ns to {START_NS - 1} ns"):
        timeline.run_until(START_NS - 1)
    with pytest.raises(ValueError, match=r"it is \d+ ns already\. Choose a later instant"):
        timeline.at(START_NS - 1, lambda: None)
    with pytest.raises(ValueError, match="cannot schedule"):
        timeline.after(-1, lambda: None)
    assert timeline.now_ns() == START_NS


def test_fractions_of_a_nanosecond_are_refused() -> None:
    timeline = Timeline(START_NS)
    with pytest.raises(TypeError):
        timeline.advance(1e9)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        timeline.after(0.5, lambda: None)  # type: ignore[arg-type]
    assert timeline.now_ns() == START_NS


def test_exception_of_a_callable_surfaces_as_the_same_object_and_time_stands_there() -> None:
    timeline = Timeline(START_NS)
    error = AwkwardError(reason="keyword only")
    seen: list[str] = []

    def fail() -> None:
        raise error

    timeline.after(5, fail)
    timeline.after(6, lambda: seen.append("later"))
    with pytest.raises(AwkwardError) as caught:
        timeline.advance(10)
    assert caught.value is error
    assert timeline.now_ns() == START_NS + 5
    timeline.advance(5)
    assert seen == ["later"]


def test_callable_that_waits_is_refused() -> None:
    timeline = Timeline(START_NS)
    timeline.after(5, lambda: timeline.advance(5))
    with pytest.raises(RuntimeError, match="already running"):
        timeline.advance(10)


def test_processes_share_the_agenda_with_callables() -> None:
    timeline = Timeline(START_NS)
    seen: list[tuple[str, int]] = []

    def process() -> Generator[simpy.Event, None, None]:
        for _ in range(2):
            yield timeline.env.timeout(10)
            seen.append(("process", timeline.now_ns() - START_NS))

    timeline.env.process(process())
    timeline.after(15, lambda: seen.append(("callable", timeline.now_ns() - START_NS)))
    timeline.advance(20)
    assert seen == [("process", 10), ("callable", 15), ("process", 20)]
