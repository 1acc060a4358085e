"""Which steps a code may mean, and what each says about the offset."""

from math import exp, inf

import pytest

from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.twin.matching import SLACK_S, Match, Trapezoid, match_codes, verdict_on
from mfalab.simulator.twin.readings import CodeReading, Timing

NOON_NS = 1_772_452_800 * NS_PER_S
STEP = NOON_NS // NS_PER_S // 30
EXACT = Timing(0, 0)
SHAPE = Trapezoid(-10.0, -6.0, 6.0, 10.0)


def reading(code: str, timing: Timing = EXACT, *, changed: bool = False) -> CodeReading:
    return CodeReading(NOON_NS, code, timing, changed)


@pytest.mark.parametrize(
    ("offset_s", "outside", "likelihood"),
    [(-11, -1, 0), (-10, 0, 0), (-8, 0, 0.5), (0, 0, 1), (7, 0, 0.75), (10, 0, 0), (12.5, 2.5, 0)],
)
def test_a_trapezoid_rises_stays_and_falls(offset_s, outside, likelihood):
    assert SHAPE.outside(offset_s) == outside
    assert exp(SHAPE.log(offset_s)) == pytest.approx(likelihood)


def test_outside_a_trapezoid_nothing_is_likely():
    assert SHAPE.log(10.0) == -inf
    assert (SHAPE.middle, SHAPE.width) == (0.0, 20.0)


def test_an_exact_reading_allows_one_step_and_the_slack():
    (shape,) = Match(reading("1"), [STEP], 30).trapezoids
    assert (shape.low, shape.high) == pytest.approx((-SLACK_S, 30 + SLACK_S))
    assert shape.low_full - shape.low == pytest.approx(2 * SLACK_S)


def test_a_moment_known_badly_makes_the_ramps_long():
    (shape,) = Match(reading("1", Timing(8 * NS_PER_S, 0)), [STEP], 30).trapezoids
    assert (shape.low, shape.high) == pytest.approx((-SLACK_S, 38 + SLACK_S))
    assert shape.low_full == pytest.approx(8 + SLACK_S)
    (vague,) = Match(reading("1", Timing(99 * NS_PER_S, 0)), [STEP], 30).trapezoids
    assert (vague.low_full, vague.high_full) == pytest.approx((vague.middle, vague.middle))


def test_a_change_that_was_seen_allows_its_moment_only():
    (shape,) = Match(reading("1", Timing(NS_PER_S, 0), changed=True), [STEP], 30).trapezoids
    assert (shape.low, shape.high) == pytest.approx((-SLACK_S, 1 + SLACK_S))


@pytest.mark.parametrize("away", [0, 19, -200, 2000])
def test_a_code_is_found_near_or_far(seed: OtpSeed, away: int):
    (match,) = match_codes([reading(seed.code_at_step(STEP + away))], seed, 2880)
    assert STEP + away in match.steps


def test_a_code_of_no_step_within_the_search_keeps_no_step(seed: OtpSeed):
    (match,) = match_codes([reading(seed.code_at_step(STEP + 50))], seed, 10)
    assert match.steps == ()


@pytest.mark.parametrize(
    ("away", "said"),
    [(0, "fits, +0 steps"), (1, "fits, +1 step from"), (-3, "fits, -3 steps from true time")],
)
def test_a_single_code_is_judged_without_naming_it(seed: OtpSeed, away: int, said: str):
    code = seed.code_at_step(STEP + away)
    assert verdict_on(reading(code), seed).startswith(said)
    assert code not in verdict_on(reading(code), seed)


def test_a_code_of_no_step_within_a_day_is_said_to_be_none(seed: OtpSeed):
    codes = {seed.code_at_step(step) for step in range(STEP - 2880, STEP + 2881)}
    other = next(f"{n:06}" for n in range(1_000_000) if f"{n:06}" not in codes)
    assert verdict_on(reading(other), seed).startswith("no code of this seed within a day")
