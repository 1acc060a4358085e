"""The phone: sawtooth, airplane mode, hands."""

import statistics
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfalab.simulator.clocks import NetworkTime, PhoneClock
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S, NS_PER_YEAR
from mfalab.simulator.clocks.phone import MOST_POLLS
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy

START_NS = 1_772_442_000 * NS_PER_S
HOUR_NS = 3600 * NS_PER_S
NO_OUTLIERS = NetworkTime(outlier_chance=0.0)


def phone(
    timeline: Timeline, seed: int = 7, network: NetworkTime = NO_OUTLIERS, **rest: float
) -> PhoneClock:
    return PhoneClock(timeline, Entropy(seed).stream("phone"), network, **rest)


def offsets_ns(clock: PhoneClock, days: int) -> list[int]:
    """Hourly offsets from the start."""
    instants_ns = [START_NS + hour * HOUR_NS for hour in range(24 * days)]
    return [clock.believed_ns(instant_ns) - instant_ns for instant_ns in instants_ns]


def test_network_time_keeps_a_phone_within_about_two_seconds_for_years() -> None:
    offsets = offsets_ns(phone(Timeline(START_NS)), 4 * 365)
    assert max(map(abs, offsets)) < 3.0 * NS_PER_S
    within = sum(abs(offset_ns) < 2 * NS_PER_S for offset_ns in offsets) / len(offsets)
    assert within > 0.97
    assert statistics.pstdev(offsets) / NS_PER_S == pytest.approx(0.7, abs=0.15)


def test_polls_come_every_18_to_24_hours_and_the_clock_runs_straight_between_them() -> None:
    clock = phone(Timeline(START_NS))
    instants_ns = range(START_NS, START_NS + 60 * NS_PER_DAY, HOUR_NS // 12)
    offsets = [clock.believed_ns(instant_ns) - instant_ns for instant_ns in instants_ns]
    slopes = [b - a for a, b in pairwise(offsets)]
    usual = statistics.median(slopes)
    assert abs(usual) <= 4e-6 * HOUR_NS / 12 + 1
    polls = [place for place, slope in enumerate(slopes) if abs(slope - usual) > 2]
    gaps_h = [(b - a) / 12 for a, b in pairwise(polls)]
    assert len(polls) > 60
    assert min(gaps_h) >= 18 - 1 / 6
    assert max(gaps_h) <= 24 + 1 / 6


def test_carrier_sends_rare_outliers_of_a_few_seconds() -> None:
    offsets = offsets_ns(phone(Timeline(START_NS), network=NetworkTime()), 4 * 365)
    outside = [offset_ns for offset_ns in offsets if abs(offset_ns) > 2.9 * NS_PER_S]
    assert 0.002 < len(outside) / len(offsets) < 0.03
    assert max(map(abs, outside)) < 8.5 * NS_PER_S


@pytest.mark.parametrize("seed", range(5))
def test_airplane_mode_runs_free_from_where_it_was(seed: int) -> None:
    timeline = Timeline(START_NS)
    clock = phone(timeline, seed)
    timeline.advance(3 * NS_PER_DAY)
    before_ns = clock.offset_ns()
    clock.airplane(on=True)
    assert clock.offset_ns() == before_ns
    timeline.advance(14 * NS_PER_DAY)
    gained_s = abs(clock.offset_ns() - before_ns) / NS_PER_S
    assert 6.0 <= gained_s <= 24.2
    assert 5 <= abs(clock.free_run_ppm) <= 20


def test_back_on_the_network_the_phone_is_as_if_it_had_never_left() -> None:
    timeline = Timeline(START_NS)
    away, stayed = phone(timeline), phone(timeline)
    timeline.advance(3 * NS_PER_DAY)
    away.airplane(on=True)
    timeline.advance(60 * NS_PER_DAY)
    assert away.offset_ns() != stayed.offset_ns()
    away.airplane(on=False)
    assert away.offset_ns() == stayed.offset_ns()
    flight_ns = START_NS + 30 * NS_PER_DAY
    assert abs(away.believed_ns(flight_ns) - stayed.believed_ns(flight_ns)) > 10 * NS_PER_S


def test_phone_set_by_hand_shows_that_time_and_leaves_the_network() -> None:
    timeline = Timeline(START_NS)
    clock = phone(timeline, free_run_ppm=10.0)
    clock.set_by_hand(START_NS + 1800 * NS_PER_S)
    assert clock.offset_ns() == 1800 * NS_PER_S
    timeline.advance(10 * NS_PER_DAY)
    assert clock.offset_ns() == 1800 * NS_PER_S + 8_640_000_000
    clock.network(on=True)
    assert abs(clock.offset_ns()) < 3 * NS_PER_S


@pytest.mark.parametrize("offset_s", [3600, -3600, 1800, -1800, 86_400, -86_400, 18])
def test_jump_adds_to_the_offset_of_the_moment(offset_s: int) -> None:
    timeline = Timeline(START_NS)
    clock = phone(timeline)
    before_ns = clock.offset_ns()
    clock.jump(offset_s * NS_PER_S)
    assert clock.offset_ns() == before_ns + offset_s * NS_PER_S
    clock.jump(-offset_s * NS_PER_S)
    assert clock.offset_ns() == before_ns


def test_hand_set_time_survives_a_flight() -> None:
    timeline = Timeline(START_NS)
    clock = phone(timeline, free_run_ppm=10.0)
    clock.set_by_hand(START_NS + 3600 * NS_PER_S)
    clock.airplane(on=True)
    timeline.advance(NS_PER_DAY)
    clock.airplane(on=False)
    assert clock.offset_ns() == 3600 * NS_PER_S + 864_000_000


def test_network_time_switched_on_in_airplane_mode_waits_for_landing() -> None:
    timeline = Timeline(START_NS)
    clock = phone(timeline)
    clock.airplane(on=True)
    clock.jump(3600 * NS_PER_S)
    clock.network(on=True)
    assert clock.offset_ns() > 3000 * NS_PER_S
    clock.airplane(on=False)
    assert abs(clock.offset_ns()) < 3 * NS_PER_S


def test_network_time_switched_off_leaves_the_clock_where_it_is() -> None:
    timeline = Timeline(START_NS)
    clock = phone(timeline, free_run_ppm=-20.0)
    before_ns = clock.offset_ns()
    clock.network(on=False)
    assert clock.offset_ns() == before_ns
    timeline.advance(NS_PER_DAY)
    assert clock.offset_ns() == before_ns - 1_728_000_000


@settings(max_examples=50)
@given(instants_ns=st.lists(st.integers(START_NS - NS_PER_YEAR, START_NS + NS_PER_YEAR)))
def test_reading_does_not_depend_on_what_was_read_before(instants_ns: list[int]) -> None:
    def lived() -> PhoneClock:
        timeline = Timeline(START_NS)
        clock = phone(timeline, network=NetworkTime())
        for on in (True, False):
            timeline.advance(30 * NS_PER_DAY)
            clock.airplane(on=on)
        return clock

    asked, sorted_first = lived(), lived()
    in_order = {
        instant_ns: sorted_first.believed_ns(instant_ns) for instant_ns in sorted(instants_ns)
    }
    assert [asked.believed_ns(instant_ns) for instant_ns in instants_ns] == [
        in_order[instant_ns] for instant_ns in instants_ns
    ]


def test_same_seed_same_phone_other_seed_other_phone() -> None:
    timeline = Timeline(START_NS)
    assert offsets_ns(phone(timeline), 3) == offsets_ns(phone(timeline), 3)
    assert offsets_ns(phone(timeline), 3) != offsets_ns(phone(timeline, seed=8), 3)


def test_figures_can_be_chosen() -> None:
    perfect = replace(NO_OUTLIERS, residual_sigma_s=0.0, connected_limit_ppm=0.0)
    assert set(offsets_ns(phone(Timeline(START_NS), network=perfect), 30)) == {0}


def test_plan_begins_again_after_a_lifetime() -> None:
    clock = phone(Timeline(START_NS))
    clock.believed_ns(START_NS + 50 * NS_PER_YEAR)
    times_ns = clock._polls._times_ns
    assert len(times_ns) == MOST_POLLS + 1
    plan_ns = times_ns[-1] - times_ns[0]
    for day in range(100, 100_000, 997):
        early = clock.believed_ns(START_NS + day * NS_PER_DAY) - day * NS_PER_DAY
        late = clock.believed_ns(START_NS + day * NS_PER_DAY + plan_ns) - day * NS_PER_DAY
        assert late - plan_ns == early
