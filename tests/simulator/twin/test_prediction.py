"""The day of resynchronisation, against hand calculation and against a verifier that is run."""

from dataclasses import replace
from itertools import pairwise

import pytest

from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.clocks import STEADY, TUNING_FORK, QuartzClock
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.twin.measuring import Measurement, measure
from mfalab.simulator.twin.prediction import Prediction, Use, predict
from mfalab.simulator.twin.readings import CodeReading, Timing
from mfalab.verifier import PROFILES, Profile

START_NS = 1_772_442_000 * NS_PER_S
CHANCE = Entropy(0)


class At:
    def __init__(self, time_ns: int) -> None:
        self.time_ns = time_ns

    def now_ns(self) -> int:
        return self.time_ns


def watched(rate_ppm: float, offset_s: float = 0.0, made_days: float = 4000.0) -> Measurement:
    """A steady clock whose changes were seen every day for two months: known to 0.2 ppm or so."""
    quartz = replace(STEADY, offset_ppm=rate_ppm)
    clock = QuartzClock(At(START_NS), quartz, offset_ns=round(offset_s * NS_PER_S))
    seed = OtpSeed(b"twelve and eight bytes")
    readings = []
    for day in range(61):
        near_ns = START_NS + day * NS_PER_DAY
        edge_ns = near_ns + 30 * NS_PER_S - clock.believed_ns(near_ns) % (30 * NS_PER_S)
        step = seed.step_at(clock.believed_ns(edge_ns + 10**8))
        timing = Timing(10**8, 10**8)
        readings.append(CodeReading(edge_ns, seed.code_at_step(step), timing, changed=True))
    made_ns = START_NS - round(made_days * NS_PER_DAY)
    return measure(readings, [], seed, CHANCE, made_ns=made_ns, draws=400)


def days(measurement: Measurement, time_ns: int | None) -> float:
    assert time_ns is not None
    return (time_ns - measurement.model.end_ns) / NS_PER_DAY


@pytest.mark.parametrize(
    ("rate_ppm", "typing_s", "first", "always"),
    [
        (-20.0, 9.0, 12.2, 29.5),
        (20.0, 9.0, 22.6, 39.9),
    ],
)
def test_the_worked_figures_of_twenty_ppm_without_memory(rate_ppm, typing_s, first, always):
    """docs/clocks.md, what a verifier sees: w = 1, X = 30 s, d = 9 s, m = 0."""
    measured = watched(rate_ppm, -rate_ppm * 1e-6 * 60 * 86_400)
    profile = Profile(name="w = 1", window_back=1, window_ahead=1)
    (found,) = predict(measured, profile, CHANCE, offset_steps=0, typing_s=typing_s)
    assert days(measured, found.first_refusal.median_ns) == pytest.approx(first, abs=0.5)
    assert days(measured, found.last_success.median_ns) == pytest.approx(always, abs=0.7)
    assert found.use is Use.ANY


def test_memory_doubles_as_patience_only_for_who_uses_it():
    measured = watched(10.0)
    # The clock is 51.8 s ahead, 17.2 s short of what is expected of two steps and 9 s of typing.
    idle, daily = predict(measured, PROFILES["rfc6238"], CHANCE, offset_steps=2)
    assert (idle.use, daily.use) == (Use.IDLE, Use.DAILY)
    # 1.5 steps of 30 s at 0.864 s a day, and ten steps more.
    assert days(measured, idle.resync.median_ns) == pytest.approx(62.2 / 0.864, abs=3)
    assert days(measured, daily.resync.median_ns) == pytest.approx(362.2 / 0.864, abs=12)


def test_limits_enclose_the_median_and_contain_where_in_a_step_the_pair_was():
    measured = watched(10.0)
    (found,) = predict(measured, PROFILES["aws-immediate"], CHANCE)
    low, median, high = (
        days(measured, each)
        for each in (found.resync.low_ns, found.resync.median_ns, found.resync.high_ns)
    )
    assert low < median < high
    assert high - low > 30 / 0.864  # one step, though the rate is known to 2 %
    edges = [found.first_refusal, found.resync, found.last_success]
    assert all(a.median_ns < b.median_ns for a, b in pairwise(edges))


def test_what_the_verifier_remembers_may_be_known():
    measured = watched(10.0)
    (free,) = predict(measured, PROFILES["aws-immediate"], CHANCE)
    (known,) = predict(measured, PROFILES["aws-immediate"], CHANCE, offset_steps=1)
    assert width(known) < width(free) / 2


def test_a_pair_at_the_first_reading_leaves_less_time():
    measured = watched(10.0)
    (found,) = predict(measured, PROFILES["aws-immediate"], CHANCE, paired_ns=START_NS)
    # Most likely no step was remembered: 2.5 steps and 9 s of typing from the first reading on.
    due_days = days(measured, found.resync.median_ns)
    assert due_days == pytest.approx((75 + 9) / 0.864 - 60, abs=3)


def test_a_clock_already_out_of_the_window_is_due_now():
    measured = watched(10.0)
    (found,) = predict(measured, PROFILES["aws-immediate"], CHANCE, offset_steps=9)
    assert found.resync.high_ns == measured.model.end_ns


def test_a_clock_that_keeps_time_needs_nothing_within_ten_years():
    measured = watched(0.0)
    _, daily = predict(measured, PROFILES["rfc6238"], CHANCE)
    assert daily.resync.median_ns is None
    assert daily.resync.high_ns is None


def test_a_new_crystal_is_less_sure_than_an_old_one():
    old, new = (
        predict(watched(5.0, made_days=age), PROFILES["aws-immediate"], CHANCE, offset_steps=0)[0]
        for age in (4000.0, 0.0)
    )
    assert width(new) > 1.5 * width(old)


@pytest.mark.slow
def test_simulated_fobs_are_due_within_the_predicted_limits():
    """Fobs of drawn crystal and age in a drawer; the truth is their clock, run on for years."""
    within = 0
    for number in range(25):
        entropy = Entropy(number)
        story = entropy.stream("story")
        age_ns = round(story.uniform(0, 1500) * NS_PER_DAY)
        clock = QuartzClock(
            At(START_NS),
            TUNING_FORK.draw(entropy.stream("crystal")),
            made_ns=START_NS - age_ns,
            noise=entropy.stream("wander"),
        )
        seed = OtpSeed(entropy.random_bytes("seed")(20))
        times = sorted(START_NS + story.randrange(60 * NS_PER_DAY) for _ in range(50))
        readings = [
            CodeReading(t, seed.code_at_step(seed.step_at(clock.believed_ns(t))), Timing(0, 0))
            for t in times
        ]
        measured = measure(readings, [], seed, CHANCE, draws=1500)
        end_ns = measured.model.end_ns
        steps = round((clock.believed_ns(end_ns) - end_ns) / (30 * NS_PER_S))
        (found,) = predict(measured, PROFILES["aws-immediate"], CHANCE, offset_steps=steps)
        ten_years_ns = end_ns + 3650 * NS_PER_DAY
        due_ns = next(
            (
                t
                for t in range(end_ns, ten_years_ns, NS_PER_DAY)
                if abs((clock.believed_ns(t) - t) / NS_PER_S - 9 - 30 * steps) >= 75
            ),
            ten_years_ns,
        )
        low_ns, high_ns = (
            ten_years_ns if each is None else each
            for each in (found.resync.low_ns, found.resync.high_ns)
        )
        within += low_ns - NS_PER_DAY <= due_ns <= high_ns + NS_PER_DAY
    assert within >= 24


def width(found: Prediction) -> float:
    assert found.resync.low_ns is not None
    assert found.resync.high_ns is not None
    return (found.resync.high_ns - found.resync.low_ns) / NS_PER_DAY
