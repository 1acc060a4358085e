"""The quartz clock against the figures of data sheets and arithmetic."""

import statistics
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfalab.simulator.clocks import (
    MEMS,
    OSCILLATORS,
    STEADY,
    TCXO,
    TUNING_FORK,
    DataSheet,
    Quartz,
    QuartzClock,
    ageing_ppm,
)
from mfalab.simulator.clocks.battery import ALWAYS_ON, Battery, Mains, Supply
from mfalab.simulator.clocks.climates import CLIMATES, Climate, Constant, Wave, Waves, Weekly
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S, NS_PER_YEAR
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy

START_NS = 1_772_442_000 * NS_PER_S
PARABOLA = replace(STEADY, parabola_ppm_per_c2=-0.034)
AGEING = replace(STEADY, ageing_ppm=1.16355)
PUSHED = replace(STEADY, supply_ppm_per_v=1.0)
HALF_AND_HALF = Weekly.of_days(((0, 21.0), (12, 31.0)))
SINE = Waves(22.0, (Wave(8.0, per_year=1),))


def offset_s(
    quartz: Quartz,
    duration_ns: int,
    climate: Climate = CLIMATES["drawer"],
    supply: Supply = ALWAYS_ON,
) -> float:
    """The offset in seconds after a time in one place."""
    timeline = Timeline(START_NS)
    clock = QuartzClock(timeline, quartz, climate=climate, supply=supply)
    timeline.advance(duration_ns)
    return clock.offset_ns() / NS_PER_S


@pytest.mark.parametrize(
    ("rate_ppm", "duration_ns", "gained_s"),
    [
        (1, NS_PER_DAY, 0.0864),
        (1, NS_PER_YEAR, 31.5576),
        (20, NS_PER_DAY, 1.728),
        (20, NS_PER_YEAR, 631.152),
        (20, NS_PER_YEAR, 10.5192 * 60),
        (-20, NS_PER_YEAR, -631.152),
        (45, 60 * NS_PER_DAY, 233.28),
        (45, 400 * NS_PER_DAY, 1555.2),
    ],
)
def test_constant_rate_gains_its_worked_value(
    rate_ppm: float, duration_ns: int, gained_s: float
) -> None:
    gained = offset_s(replace(STEADY, offset_ppm=rate_ppm), duration_ns)
    assert gained == pytest.approx(gained_s, abs=1e-8)


@pytest.mark.parametrize(
    ("rate_ppm", "duration_ns", "gained_s"),
    [
        (2.852, NS_PER_YEAR, 3 * 30),
        (3.803, NS_PER_YEAR, 2 * 60),
        (11.574, NS_PER_DAY, 1),
        (23.148, NS_PER_DAY, 2),
    ],
)
def test_makers_figures_convert_to_ppm(rate_ppm: float, duration_ns: int, gained_s: float) -> None:
    """Feitian's 3 steps a year, 2 minutes a year, Token2's 1 s and OneSpan's 2 s a day."""
    gained = offset_s(replace(STEADY, offset_ppm=rate_ppm), duration_ns)
    assert gained == pytest.approx(gained_s, rel=2e-4)


@pytest.mark.parametrize(
    ("celsius", "rate_ppm", "day_s"),
    [
        (25, 0, 0),
        (5, -13.6, -1.17504),
        (40, -7.65, -0.66096),
        (-10, -41.65, -3.59856),
        (60, -41.65, -3.59856),
    ],
)
def test_parabola_loses_its_worked_value(celsius: float, rate_ppm: float, day_s: float) -> None:
    clock = QuartzClock(Timeline(START_NS), PARABOLA, climate=Constant(celsius))
    assert clock.rate_ppm(START_NS) == pytest.approx(rate_ppm)
    assert offset_s(PARABOLA, NS_PER_DAY, Constant(celsius)) == pytest.approx(day_s, abs=1e-8)


@pytest.mark.parametrize(
    ("climate", "year_s", "rate_ppm"),
    [(Constant(5), -429.18, -13.6), (SINE, -43.99, -1.394), (HALF_AND_HALF, -27.90, -0.884)],
)
def test_year_in_a_climate_loses_its_worked_value(
    climate: Climate, year_s: float, rate_ppm: float
) -> None:
    lost_s = offset_s(PARABOLA, NS_PER_YEAR, climate)
    assert lost_s == pytest.approx(year_s, abs=0.01)
    assert lost_s / 31.5576 == pytest.approx(rate_ppm, abs=5e-4)


@pytest.mark.parametrize(
    ("years", "rate_ppm", "gained_s"), [(1, 3.000, 65.7), (3, 4.218, 300.1), (5, 4.800, 586.2)]
)
def test_ageing_gains_its_worked_value(years: int, rate_ppm: float, gained_s: float) -> None:
    clock = QuartzClock(Timeline(START_NS), AGEING)
    then_ns = START_NS + years * NS_PER_YEAR
    assert clock.rate_ppm(then_ns) == pytest.approx(rate_ppm, abs=5e-4)
    assert offset_s(AGEING, years * NS_PER_YEAR) == pytest.approx(gained_s, abs=0.05)


def test_ageing_coefficient_follows_from_the_first_year() -> None:
    assert ageing_ppm(3.0) == pytest.approx(1.16355, abs=5e-6)
    assert Quartz().ageing_ppm == pytest.approx(ageing_ppm(3.0), abs=5e-6)


def test_ageing_counts_from_manufacture_and_not_from_setting() -> None:
    """Three years on the shelf: the token runs 4.218 ppm fast on the day it is set right."""
    timeline = Timeline(START_NS)
    clock = QuartzClock(timeline, AGEING, made_ns=START_NS - 3 * NS_PER_YEAR)
    assert clock.offset_ns() == 0
    timeline.advance(2 * NS_PER_YEAR)
    assert clock.offset_ns() / NS_PER_S == pytest.approx(586.2 - 300.1, abs=0.1)


def test_token_from_the_shelf_has_drifted_since_it_was_set_in_the_factory() -> None:
    clock = QuartzClock(Timeline(START_NS), AGEING, set_ns=START_NS - 3 * NS_PER_YEAR)
    assert clock.offset_ns() / NS_PER_S == pytest.approx(300.1, abs=0.05)


def test_dying_cell_slows_the_clock_by_half_a_ppm_at_the_end() -> None:
    cell = Battery(START_NS, life_ns=1000 * NS_PER_DAY)
    clock = QuartzClock(Timeline(START_NS), PUSHED, supply=cell)
    assert clock.rate_ppm(START_NS + 899 * NS_PER_DAY) == 0.0
    assert clock.rate_ppm(cell.dies_ns - 1) == pytest.approx(-0.5)
    assert offset_s(PUSHED, 900 * NS_PER_DAY, supply=cell) == 0.0
    # 0.5 ppm times half of a hundred days.
    assert offset_s(PUSHED, 1000 * NS_PER_DAY, supply=cell) == pytest.approx(-0.25 * 8.64)
    # Dead: the device shows nothing, and the plot goes on without a cliff.
    assert offset_s(PUSHED, 1100 * NS_PER_DAY, supply=cell) == pytest.approx(-0.25 * 8.64)


def test_constant_wrong_voltage_is_a_constant_rate() -> None:
    timeline = Timeline(START_NS)
    clock = QuartzClock(timeline, PUSHED, supply=Mains(3.3))
    timeline.advance(NS_PER_DAY)
    assert clock.offset_ns() / NS_PER_S == pytest.approx(0.3 * 0.0864)


def test_terms_add_up() -> None:
    quartz = Quartz(offset_ppm=-4.0, wander_ppm=0.0)
    cell = Battery(START_NS, life_ns=1000 * NS_PER_DAY)
    parts = (
        replace(STEADY, offset_ppm=-4.0),
        replace(STEADY, parabola_ppm_per_c2=-0.034),
        AGEING,
        PUSHED,
    )
    whole_s = offset_s(quartz, 980 * NS_PER_DAY, SINE, supply=cell)
    parts_s = sum(offset_s(part, 980 * NS_PER_DAY, SINE, supply=cell) for part in parts)
    assert whole_s == pytest.approx(parts_s, abs=1e-7)


def test_offset_is_the_integral_of_the_rate() -> None:
    cell = Battery(START_NS, life_ns=1000 * NS_PER_DAY)
    clock = QuartzClock(
        Timeline(START_NS), Quartz(offset_ppm=3.0), climate=CLIMATES["car"], supply=cell
    )
    rates_ppm = [
        clock.rate_ppm(START_NS + 880 * NS_PER_DAY + (2 * hour + 1) * NS_PER_DAY // 48)
        for hour in range(24 * 60)
    ]
    begin_ns, end_ns = START_NS + 880 * NS_PER_DAY, START_NS + 940 * NS_PER_DAY
    gained_ns = (clock.believed_ns(end_ns) - end_ns) - (clock.believed_ns(begin_ns) - begin_ns)
    assert gained_ns / NS_PER_S == pytest.approx(sum(rates_ppm) * 3600 / 1e6, abs=1e-3)


# Readings in any order, journeys, steps.


def noisy_clock(timeline: Timeline, seed: int = 7) -> QuartzClock:
    entropy = Entropy(seed)
    return QuartzClock(
        timeline,
        TUNING_FORK.draw(entropy.stream("crystal")),
        climate=CLIMATES["office"],
        supply=Battery(START_NS),
        noise=entropy.stream("noise"),
    )


def travelled_clock() -> QuartzClock:
    """A clock that lived through journeys and steps, one of them twice at one instant."""
    timeline = Timeline(START_NS)
    clock = noisy_clock(timeline)
    for name in ("car", "pocket", "outdoors", "drawer"):
        timeline.advance(40 * NS_PER_DAY)
        clock.travel(CLIMATES[name])
        clock.travel(CLIMATES[name])
        clock.bend(-7.0)
        clock.bend(30.0)
        clock.step(-3 * NS_PER_S)
    return clock


@settings(max_examples=50)
@given(instants_ns=st.lists(st.integers(START_NS - NS_PER_YEAR, START_NS + 2 * NS_PER_YEAR)))
def test_reading_does_not_depend_on_what_was_read_before(instants_ns: list[int]) -> None:
    asked, sorted_first = travelled_clock(), travelled_clock()
    in_order = {
        instant_ns: sorted_first.believed_ns(instant_ns) for instant_ns in sorted(instants_ns)
    }
    assert [asked.believed_ns(instant_ns) for instant_ns in instants_ns] == [
        in_order[instant_ns] for instant_ns in instants_ns
    ]


def test_same_seed_same_clock_other_seed_other_clock() -> None:
    timeline = Timeline(START_NS)
    one, same, other = (noisy_clock(timeline, seed) for seed in (7, 7, 8))
    timeline.advance(NS_PER_YEAR)
    assert one.now_ns() == same.now_ns()
    assert one.now_ns() != other.now_ns()


def test_reading_does_not_depend_on_how_the_timeline_got_there() -> None:
    leap, walk = Timeline(START_NS), Timeline(START_NS)
    leaping, walking = noisy_clock(leap), noisy_clock(walk)
    leap.advance(365 * NS_PER_DAY)
    for _ in range(365):
        walk.advance(NS_PER_DAY)
        walking.now_ns()
    assert leaping.now_ns() == walking.now_ns()


def test_offset_is_continuous_at_a_journey() -> None:
    timeline = Timeline(START_NS)
    clock = noisy_clock(timeline)
    timeline.advance(100 * NS_PER_DAY)
    before_ns = clock.now_ns()
    clock.travel(CLIMATES["car"])
    now_ns = timeline.now_ns()
    assert clock.climate is CLIMATES["car"]
    assert clock.now_ns() == before_ns
    assert abs(clock.believed_ns(now_ns - NS_PER_S) - (before_ns - NS_PER_S)) < 50_000
    assert abs(clock.believed_ns(now_ns + NS_PER_S) - (before_ns + NS_PER_S)) < 50_000


def test_bent_crystal_runs_otherwise_from_then_on_and_not_before() -> None:
    timeline = Timeline(START_NS)
    clock, other = (QuartzClock(timeline, replace(STEADY, offset_ppm=20.0)) for _ in range(2))
    timeline.advance(10 * NS_PER_DAY)
    before_ns = clock.offset_ns()
    clock.bend(-50.0)
    assert (clock.drift_ppm, clock.quartz.offset_ppm) == (-50.0, 20.0)
    assert clock.offset_ns() == before_ns
    assert clock.turns_ns() == [timeline.now_ns()]
    bent_ns = timeline.now_ns()
    assert [clock.rate_ppm(bent_ns + later_ns) for later_ns in (-1, 0)] == [20.0, -50.0]
    timeline.advance(10 * NS_PER_DAY)
    assert clock.offset_ns() / NS_PER_S == pytest.approx(10 * 0.0864 * (20 - 50))
    for day in range(-5, 10):
        at_ns = START_NS + day * NS_PER_DAY
        assert clock.believed_ns(at_ns) == other.believed_ns(at_ns)


def test_journey_changes_the_future_and_not_the_past() -> None:
    timeline = Timeline(START_NS)
    clock, stayed = (QuartzClock(timeline, PARABOLA, climate=Constant(25)) for _ in range(2))
    timeline.advance(10 * NS_PER_DAY)
    clock.travel(Constant(5))
    timeline.advance(10 * NS_PER_DAY)
    clock.travel(Constant(25))
    timeline.advance(10 * NS_PER_DAY)
    assert clock.offset_ns() / NS_PER_S == pytest.approx(-11.7504)
    middle_ns = START_NS + 5 * NS_PER_DAY
    assert clock.believed_ns(middle_ns) == stayed.believed_ns(middle_ns)


def test_step_moves_the_clock_from_now_on_only() -> None:
    timeline = Timeline(START_NS)
    clock = QuartzClock(timeline, STEADY, offset_ns=250)
    timeline.advance(NS_PER_DAY)
    clock.step(-3600 * NS_PER_S)
    assert clock.offset_ns() == 250 - 3600 * NS_PER_S
    assert clock.believed_ns(timeline.now_ns() - 1) == timeline.now_ns() - 1 + 250
    clock.step(3600 * NS_PER_S)
    assert clock.offset_ns() == 250


def test_clock_set_to_an_instant_shows_it_and_drifts_on() -> None:
    timeline = Timeline(START_NS)
    clock = QuartzClock(timeline, replace(STEADY, offset_ppm=20), offset_ns=7 * NS_PER_S)
    timeline.advance(NS_PER_DAY)
    clock.set_to(timeline.now_ns())
    assert clock.offset_ns() == 0
    timeline.advance(NS_PER_DAY)
    assert clock.offset_ns() == pytest.approx(1.728 * NS_PER_S, abs=1)


def test_dead_real_time_clock_counts_from_1970_and_below_in_whole_floors() -> None:
    """Time step T is floor(believed / X): one second before 1970 is step -1, not 0."""
    timeline = Timeline(0)
    clock = QuartzClock(timeline, STEADY)
    clock.set_to(-NS_PER_S)
    assert clock.now_ns() == -NS_PER_S
    assert clock.now_ns() // (30 * NS_PER_S) == -1
    timeline.advance(NS_PER_S)
    assert clock.now_ns() // (30 * NS_PER_S) == 0


@pytest.mark.parametrize("start_ns", [-40 * NS_PER_YEAR, 0, 2**31 * NS_PER_S, 2**32 * NS_PER_S])
def test_same_drift_in_every_age(start_ns: int) -> None:
    timeline = Timeline(start_ns)
    clock = QuartzClock(timeline, replace(PARABOLA, offset_ppm=20), climate=Constant(5))
    timeline.advance(NS_PER_DAY)
    assert clock.offset_ns() / NS_PER_S == pytest.approx(1.728 - 1.17504, abs=1e-6)


def test_clock_can_be_read_before_it_was_set() -> None:
    clock = QuartzClock(Timeline(START_NS), replace(AGEING, offset_ppm=20), noise=None)
    earlier_ns = START_NS - NS_PER_DAY
    assert clock.believed_ns(earlier_ns) - earlier_ns == -1_728_000_000


def test_clock_set_in_the_future_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot have been set at"):
        QuartzClock(Timeline(START_NS), STEADY, set_ns=START_NS + 1)


# Noise.


def test_noise_after_a_year_spreads_by_three_and_a_half_seconds() -> None:
    """1e-8 a day: 86 400 s * 1e-8 * sqrt(365.25^3 / 3) = 3.48 s."""
    wander = replace(STEADY, wander_ppm=0.01)
    offsets_s = []
    for number in range(150):
        clock = QuartzClock(Timeline(START_NS), wander, noise=Entropy(7).stream(f"noise {number}"))
        end_ns = START_NS + NS_PER_YEAR
        offsets_s.append((clock.believed_ns(end_ns) - end_ns) / NS_PER_S)
    assert statistics.pstdev(offsets_s) == pytest.approx(3.48, rel=0.2)
    assert abs(statistics.mean(offsets_s)) < 1.0


def test_daily_rates_differ_by_one_part_in_a_hundred_million() -> None:
    clock = QuartzClock(
        Timeline(START_NS), replace(STEADY, wander_ppm=0.01), noise=Entropy(7).stream("noise")
    )
    offsets_ns = [
        clock.believed_ns(START_NS + day * NS_PER_DAY) - START_NS - day * NS_PER_DAY
        for day in range(1001)
    ]
    rates = [(b - a) / NS_PER_DAY for a, b in pairwise(offsets_ns)]
    changes = [b - a for a, b in pairwise(rates)]
    assert statistics.pstdev(changes) == pytest.approx(1e-8, rel=0.1)


def test_noise_is_continuous_over_midnight_and_absent_before_it_starts() -> None:
    clock = QuartzClock(
        Timeline(START_NS), replace(STEADY, wander_ppm=1.0), noise=Entropy(7).stream("noise")
    )
    for day in (0, 1, 2, 500):
        midnight_ns = START_NS + day * NS_PER_DAY
        assert abs(clock.believed_ns(midnight_ns) - clock.believed_ns(midnight_ns - 1) - 1) <= 1
    assert clock.believed_ns(START_NS - NS_PER_DAY) == START_NS - NS_PER_DAY


# Specimens.


@pytest.mark.parametrize(
    ("sheet", "sigma_ppm", "limit_ppm"),
    [(TUNING_FORK, 4.0, 12.0), (TCXO, 2 / 3, 2.0), (MEMS, 5 / 3, 5.0)],
)
def test_specimens_scatter_within_the_data_sheet(
    sheet: DataSheet, sigma_ppm: float, limit_ppm: float
) -> None:
    stream = Entropy(7).stream("crystals")
    offsets_ppm = [sheet.draw(stream).offset_ppm for _ in range(1000)]
    assert max(map(abs, offsets_ppm)) < limit_ppm
    assert statistics.pstdev(offsets_ppm) == pytest.approx(sigma_ppm, rel=0.1)


def test_tuning_forks_scatter_in_turnover_and_age_either_way() -> None:
    stream = Entropy(7).stream("crystals")
    crystals = [TUNING_FORK.draw(stream) for _ in range(1000)]
    turnovers_c = [crystal.turnover_c for crystal in crystals]
    assert statistics.mean(turnovers_c) == pytest.approx(25.0, abs=0.2)
    assert statistics.pstdev(turnovers_c) == pytest.approx(1.7, rel=0.1)
    assert all(20 <= turnover_c <= 30 for turnover_c in turnovers_c)
    assert {crystal.ageing_ppm for crystal in crystals} == {-1.16355, 1.16355}


@pytest.mark.parametrize("sheet", [TCXO, MEMS])
def test_compensated_oscillators_do_not_mind_the_cold(sheet: DataSheet) -> None:
    quartz = sheet.draw(Entropy(7).stream("crystal"))
    assert offset_s(quartz, NS_PER_YEAR, Constant(-10)) == offset_s(
        quartz, NS_PER_YEAR, Constant(25)
    )
    assert ageing_ppm(1.0) == pytest.approx(abs(quartz.ageing_ppm))


def test_oscillators_have_names_for_scenarios() -> None:
    assert set(OSCILLATORS) == {"quartz", "tcxo", "mems"}


# What a verifier sees of a drifting token: step 30 s, window one step each way.

STEP_NS = 30 * NS_PER_S


def share_accepted(believed_ns: Callable[[int], int], around_ns: int, delay_ns: int) -> float:
    """Share of phases within one step at which a code read now is accepted after the delay."""
    phases = 600
    accepted = 0
    for phase in range(phases):
        read_ns = around_ns + phase * STEP_NS // phases
        code_step = believed_ns(read_ns) // STEP_NS
        accepted += abs(code_step - (read_ns + delay_ns) // STEP_NS) <= 1
    return accepted / phases


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("z_s", "share"), [(0, 1), (30, 1), (37.5, 0.75), (45, 0.5), (52.5, 0.25), (60, 0), (90, 0)]
)
def test_window_of_one_accepts_by_the_distance_left(sign: int, z_s: float, share: float) -> None:
    """P(accept) = (w + 1) - |z| / X between w X and (w + 1) X, z being offset minus delay."""
    delay_ns = 9 * NS_PER_S
    offset_ns = delay_ns + sign * round(z_s * NS_PER_S)
    clock = QuartzClock(Timeline(START_NS), STEADY, offset_ns=offset_ns)
    assert share_accepted(clock.believed_ns, START_NS, delay_ns) == pytest.approx(share, abs=2e-3)


@pytest.mark.parametrize(
    ("rate_ppm", "first_refusal_day", "last_success_day"), [(-20, 12.2, 29.5), (20, 22.6, 39.9)]
)
def test_delay_makes_slow_tokens_fail_before_fast_ones(
    rate_ppm: float, first_refusal_day: float, last_success_day: float
) -> None:
    clock = QuartzClock(Timeline(START_NS), replace(STEADY, offset_ppm=rate_ppm))

    def share(day: float) -> float:
        return share_accepted(clock.believed_ns, START_NS + round(day * NS_PER_DAY), 9 * NS_PER_S)

    assert share(first_refusal_day - 0.1) == 1
    assert share(first_refusal_day + 0.3) < 1
    assert share(last_success_day - 0.3) > 0
    assert share(last_success_day + 0.1) == 0


@pytest.mark.parametrize(
    ("rate_ppm", "window_steps", "days"), [(20, 1, 17), (4, 1, 87), (4, 2, 174)]
)
def test_longest_safe_idle_gap_is_the_window_over_the_rate(
    rate_ppm: float, window_steps: int, days: float
) -> None:
    clock = QuartzClock(Timeline(START_NS), replace(STEADY, offset_ppm=rate_ppm))

    def steps_off(day: float) -> float:
        then_ns = START_NS + round(day * NS_PER_DAY)
        return (clock.believed_ns(then_ns) - then_ns) / STEP_NS

    assert steps_off(days - 0.5) < window_steps < steps_off(days + 0.5)
