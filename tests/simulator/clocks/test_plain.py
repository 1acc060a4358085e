"""Server and frozen clocks, and what all clocks share."""

from collections.abc import Callable

import pytest

from mfalab.devices.clock import Clock
from mfalab.simulator.clocks import (
    STEADY,
    DeviceClock,
    FrozenClock,
    PhoneClock,
    QuartzClock,
    ServerClock,
)
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy

START_NS = 1_772_442_000 * NS_PER_S
MAKERS: dict[str, Callable[[Clock], DeviceClock]] = {
    "quartz": lambda time: QuartzClock(time, STEADY, offset_ns=5),
    "phone": lambda time: PhoneClock(time, Entropy(7).stream("phone")),
    "server": lambda time: ServerClock(time, offset_ns=-5),
    "frozen": FrozenClock,
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_every_clock_reads_now_what_it_believes_now(make: Callable[[Clock], DeviceClock]) -> None:
    timeline = Timeline(START_NS)
    clock = make(timeline)
    timeline.advance(NS_PER_DAY)
    assert clock.now_ns() == clock.believed_ns(START_NS + NS_PER_DAY)
    assert clock.offset_ns() == clock.now_ns() - timeline.now_ns()
    assert type(clock.now_ns()) is int


def test_server_keeps_true_time_unless_told_otherwise() -> None:
    timeline = Timeline(START_NS)
    clock = ServerClock(timeline)
    timeline.advance(1000 * NS_PER_DAY)
    assert clock.offset_ns() == 0


def test_two_nodes_disagree_by_their_offsets() -> None:
    timeline = Timeline(START_NS)
    one, two = (ServerClock(timeline, offset_ns=s * NS_PER_S) for s in (-2, 3))
    assert two.now_ns() - one.now_ns() == 5 * NS_PER_S


def test_leap_second_repeats_a_second_and_leaves_the_past_alone() -> None:
    timeline = Timeline(START_NS)
    clock = ServerClock(timeline)
    timeline.advance(NS_PER_S)
    shown_ns = clock.now_ns()
    clock.step(-NS_PER_S)
    assert clock.now_ns() == shown_ns - NS_PER_S
    assert clock.believed_ns(START_NS) == START_NS
    timeline.advance(NS_PER_S)
    assert clock.now_ns() == shown_ns


def test_slew_reaches_its_end_evenly_and_never_runs_back() -> None:
    timeline = Timeline(START_NS)
    clock = ServerClock(timeline, offset_ns=4 * NS_PER_S)
    timeline.advance(NS_PER_S)
    clock.slew(-4 * NS_PER_S, over_ns=100 * NS_PER_S)
    begin_ns = timeline.now_ns()
    offsets_s = []
    for into_s in (-1, 0, 25, 50, 100, 200):
        then_ns = begin_ns + into_s * NS_PER_S
        offsets_s.append((clock.believed_ns(then_ns) - then_ns) / NS_PER_S)
    assert offsets_s == [4, 4, 3, 2, 0, 0]
    shown = [clock.believed_ns(begin_ns + step * NS_PER_S // 7) for step in range(700)]
    assert shown == sorted(shown)


def test_slews_and_steps_add_up() -> None:
    timeline = Timeline(START_NS)
    clock = ServerClock(timeline)
    clock.slew(NS_PER_S, over_ns=10 * NS_PER_S)
    timeline.advance(5 * NS_PER_S)
    clock.slew(NS_PER_S, over_ns=10 * NS_PER_S)
    clock.step(7 * NS_PER_S)
    assert clock.offset_ns() == 7 * NS_PER_S + NS_PER_S // 2
    timeline.advance(10 * NS_PER_S)
    assert clock.offset_ns() == 9 * NS_PER_S


def test_slew_that_takes_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="Use step for a sudden change"):
        ServerClock(Timeline(START_NS)).slew(NS_PER_S, over_ns=0)


def test_unsynchronised_server_drifts_two_seconds_a_day() -> None:
    timeline = Timeline(START_NS)
    clock = ServerClock(timeline, drift_ppm=23.148)
    timeline.advance(NS_PER_DAY)
    assert clock.offset_ns() / NS_PER_S == pytest.approx(2.0, abs=1e-4)
    clock.set_to(timeline.now_ns())
    assert clock.offset_ns() == 0


def test_frozen_clock_stands_still() -> None:
    timeline = Timeline(START_NS)
    hung, dead = FrozenClock(timeline), FrozenClock(timeline, believed_ns=0)
    timeline.advance(NS_PER_DAY)
    assert hung.now_ns() == START_NS
    assert hung.offset_ns() == -NS_PER_DAY
    assert dead.now_ns() == 0
