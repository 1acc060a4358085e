"""Readings that can all be true at once are kept, others are set aside with their reason."""

from dataclasses import replace

import pytest

from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.twin.errors import ClockStepped, NoStraightLine
from mfalab.simulator.twin.fitting import violation
from mfalab.simulator.twin.matching import match_codes
from mfalab.simulator.twin.model import Model
from mfalab.simulator.twin.readings import CodeReading, Timing
from mfalab.simulator.twin.selecting import Selection

START_NS = 1_772_442_000 * NS_PER_S
EXACT = Timing(0, 0)
SPACING_NS = NS_PER_DAY + 7 * NS_PER_S


def readings_of(seed: OtpSeed, offsets_s: list[float], timing: Timing = EXACT):
    found = []
    for k, offset_s in enumerate(offsets_s):
        at_ns = START_NS + k * SPACING_NS
        step = seed.step_at(at_ns + round(offset_s * NS_PER_S))
        found.append(CodeReading(at_ns, seed.code_at_step(step), timing, line=k + 2))
    return found


def selection(seed: OtpSeed, readings: list[CodeReading]) -> Selection:
    matches = match_codes(readings, seed, 2880)
    return Selection(matches, Model(readings[0].at_ns, readings[-1].at_ns))


def test_readings_of_a_steady_clock_are_all_kept(seed):
    chosen = selection(seed, readings_of(seed, [-40 + 0.9 * k for k in range(20)]))
    chosen.settle()
    assert chosen.aside == []
    assert len(chosen.fitted) == 20
    assert max(violation(row, chosen.point) for row in chosen.rows) == 0.0


@pytest.mark.parametrize(("off_s", "side"), [(-300.0, "behind"), (300.0, "ahead of")])
def test_a_reading_far_from_the_line_is_set_aside(seed, off_s, side):
    offsets = [0.5 * k for k in range(20)]
    offsets[7] += off_s
    chosen = selection(seed, readings_of(seed, offsets))
    chosen.settle()
    (aside,) = chosen.aside
    assert aside.reading.line == 9
    assert f"s {side} what the others allow" in aside.why
    assert len(chosen.fitted) == 19


def test_a_clock_that_was_set_is_told_with_its_step(seed):
    offsets = [0.5 * k + (400.0 if k >= 10 else 0.0) for k in range(20)]
    with pytest.raises(ClockStepped) as caught:
        selection(seed, readings_of(seed, offsets)).settle()
    assert caught.value.step_s == pytest.approx(400.0, abs=20.0)


def test_offsets_without_order_lie_on_no_line(seed):
    offsets = [500.0 * (k * 7 % 5) for k in range(15)]
    with pytest.raises(NoStraightLine) as caught:
        selection(seed, readings_of(seed, offsets)).settle()
    assert type(caught.value) is NoStraightLine


def test_one_kind_of_reading_shifts_the_offset_and_two_kinds_have_a_habit(seed):
    typed = readings_of(seed, [0.5 * k for k in range(12)], Timing(8 * NS_PER_S, 0))
    one = selection(seed, typed)
    assert one.shift_s == 4.0
    assert not [each for each in one.parameters if each.name.startswith("habit_")]
    mixed = [replace(each, timing=Timing(0, 0)) if k % 2 else each for k, each in enumerate(typed)]
    two = selection(seed, mixed)
    assert two.shift_s == 0.0
    assert [each.sd for each in two.parameters if each.name.startswith("habit_")] == [40.0]
