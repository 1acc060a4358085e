"""A clock's line: few points, and never far from the clock."""

from bisect import bisect_right
from dataclasses import replace

from mfalab.simulator.clocks import STEADY, PhoneClock, Quartz, QuartzClock, ServerClock
from mfalab.simulator.clocks.base import DeviceClock
from mfalab.simulator.clocks.battery import Battery
from mfalab.simulator.clocks.climates import CLIMATES
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S, NS_PER_YEAR
from mfalab.simulator.clocks.line import TOLERANCE_NS, line
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy


def farthest_ns(clock: DeviceClock, end_ns: int) -> float:
    """How far the line is from the clock at most, looked at where the line was not made."""
    points = line(clock, 0, end_ns)
    times = [at for at, _ in points]
    worst = 0.0
    for part in range(1, 1000):
        at = end_ns * part // 1000
        right = min(bisect_right(times, at), len(points) - 1)
        (t0, low), (t1, high) = points[right - 1], points[right]
        drawn = low + (high - low) * (at - t0) / (t1 - t0)
        worst = max(worst, abs(drawn - (clock.believed_ns(at) - at)))
    return worst


def test_steady_rate_is_two_points_however_long() -> None:
    timeline = Timeline(0)
    clock = QuartzClock(timeline, replace(STEADY, offset_ppm=45))
    for years in (1, 10):
        end_ns = years * NS_PER_YEAR
        assert line(clock, 0, end_ns) == [(0, 0), (end_ns, round(45 * end_ns / 1e6))]


def test_line_of_a_real_crystal_is_near_it_in_every_climate() -> None:
    """Between two looks a seasonal climate bends by a little more than the tolerance."""
    timeline = Timeline(0)
    for name, climate in CLIMATES.items():
        noise = Entropy(name).stream("noise")
        clock = QuartzClock(timeline, Quartz(offset_ppm=5), climate=climate, noise=noise)
        assert farthest_ns(clock, NS_PER_YEAR) < 5 * TOLERANCE_NS, name
        assert len(line(clock, 0, NS_PER_YEAR)) <= 50


def test_jump_and_bend_are_points_of_the_line() -> None:
    timeline = Timeline(0)
    clock = ServerClock(timeline)
    timeline.advance(NS_PER_DAY)
    clock.step(5 * NS_PER_S)
    clock.slew(-5 * NS_PER_S, NS_PER_DAY)
    points = dict(line(clock, 0, 3 * NS_PER_DAY))
    assert (points[NS_PER_DAY - 1], points[NS_PER_DAY]) == (0, 5 * NS_PER_S)
    assert points[2 * NS_PER_DAY] == points[3 * NS_PER_DAY] == 0


def test_what_is_done_to_any_clock_is_a_turn() -> None:
    timeline = Timeline(0)
    battery = Battery(0, 5 * NS_PER_DAY)
    quartz = QuartzClock(timeline, Quartz(), supply=battery)
    phone = PhoneClock(timeline, Entropy(1).stream("phone"))
    timeline.advance(NS_PER_DAY)
    quartz.travel(CLIMATES["car"])
    phone.airplane(True)
    timeline.advance(NS_PER_DAY)
    quartz.step(NS_PER_S)
    phone.jump(NS_PER_S)
    assert quartz.turns_ns() == [NS_PER_DAY, 2 * NS_PER_DAY, battery.dies_ns]
    assert phone.turns_ns() == [NS_PER_DAY, 2 * NS_PER_DAY]


def test_stretch_of_no_length_is_one_point() -> None:
    assert line(ServerClock(Timeline(7), offset_ns=3), 7, 7) == [(7, 3)]
