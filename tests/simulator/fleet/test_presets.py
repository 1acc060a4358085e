"""What a study may name is described, and fits the figures that it is fitted to."""

import pytest

from mfalab.simulator.clocks.durations import NS_PER_S, NS_PER_YEAR
from mfalab.simulator.clocks.quartz import QuartzClock
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.fleet.presets import CRYSTAL_TEXTS, CRYSTALS, HABIT_TEXTS, HABITS


def test_each_name_has_a_text():
    assert CRYSTALS.keys() == CRYSTAL_TEXTS.keys()
    assert HABITS.keys() == HABIT_TEXTS.keys()


def test_logins_of_a_week_are_in_the_order_of_time_and_within_their_day():
    for habit in HABITS.values():
        assert 0 < habit.attends <= 1
        for week in habit.weeks:
            times = [(each.day, each.from_hour) for each in week]
            assert times == sorted(set(times))
            assert all(0 <= each.from_hour < each.to_hour <= 24 for each in week)


@pytest.mark.parametrize(
    ("name", "ppm", "least", "most"),
    [
        ("feitian-c200", 2.852, 0.85, 0.97),  # most within 3 steps a year, a good number outside
        ("token2-classic", 3.803, 0.6, 0.75),  # 2 min a year is usual
        ("safeid", 3.858, 0.6, 0.8),  # about 1 s in 3 days
        ("digipass", 23.148, 1.0, 1.0),  # none beyond 2 s a day
    ],
)
def test_a_fitted_make_is_as_its_owners_report(name, ppm, least, most):
    stream = Entropy(1).stream(name)
    drawn = [abs(CRYSTALS[name].draw(stream).offset_ppm) for _ in range(4000)]
    share = sum(each <= ppm for each in drawn) / len(drawn)
    assert least <= share <= most


def test_a_few_c200_are_eight_steps_off_after_three_years_in_a_drawer():
    """Owners of 1,500 report up to 7 or 8 steps after some years."""
    stream = Entropy(2).stream("c200")
    timeline = Timeline(0)
    end_ns = 3 * NS_PER_YEAR
    steps = sorted(
        abs(
            QuartzClock(timeline, CRYSTALS["feitian-c200"].draw(stream)).believed_ns(end_ns)
            - end_ns
        )
        / (30 * NS_PER_S)
        for _ in range(1500)
    )
    assert steps[len(steps) // 2] < 5
    assert 7 < steps[int(0.95 * len(steps))] < 13
