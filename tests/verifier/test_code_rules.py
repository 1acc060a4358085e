"""What becomes of codes and pairs: window, replay, drift memory, history, races."""

import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mfalab.verifier import otp
from mfalab.verifier.code_rules import decide_code, pair_steps, verify_code, verify_pair
from mfalab.verifier.decision import Decision, Outcome
from mfalab.verifier.profile import AWS_IMMEDIATE, RFC6238, Profile, ReplayRule, ThrottleRule
from mfalab.verifier.records import Account, Budget, Device, DeviceKind, MovingFactor, UsedCode
from mfalab.verifier.store.memory import MemoryStore
from mfalab.verifier.store.protocol import Store
from mfalab.verifier.store.sqlite import SqliteStore

S = 10**9
SEED = b"12345678901234567890"
ACCOUNT = Account("1", "aws", None, "root@example.com", None, True, 0)
START_STEP = 40_000_000

AWS = replace(AWS_IMMEDIATE, throttle=ThrottleRule.NONE)
RFC = replace(RFC6238, throttle=ThrottleRule.NONE)


def token(**changes: object) -> Device:
    """A virtual device that was never used."""
    device = Device("device-1", DeviceKind.VIRTUAL, "serial-1", "1", "n", "/", 0, SEED)
    return replace(device, **changes)  # type: ignore[arg-type] - test table


def code(step: int, digits: int = 6) -> str:
    return otp.hotp(SEED, step, digits=digits)


class Bench:
    """A store with one device, and a verifier's clock that stands at a step."""

    def __init__(self, store: Store, device: Device, profile: Profile, step: int) -> None:
        self.store = store
        self.profile = profile
        self.step = step
        self.device_id = device.id
        with store.transaction() as tx:
            tx.update(ACCOUNT)
            tx.insert(device)

    @property
    def now_ns(self) -> int:
        return self.step * 30 * S + 7 * S

    @property
    def device(self) -> Device:
        with self.store.transaction() as tx:
            device = tx.get(Device, self.device_id)
        assert device is not None
        return device

    @property
    def budget(self) -> Budget | None:
        with self.store.transaction() as tx:
            return tx.get(Budget, "serial-1")

    def type(self, text: str) -> Decision:
        """Type a text as a single code."""
        device = self.device
        with self.store.transaction() as tx:
            return verify_code(
                tx, device, text, now_ns=self.now_ns, profile=self.profile, operation="Test"
            )

    def show(self, step: int) -> Outcome:
        """Type the code of a step."""
        return self.type(code(step)).outcome

    def pair(self, first: str, second: str) -> Decision:
        """Type two texts as a pair."""
        device = self.device
        with self.store.transaction() as tx:
            return verify_pair(
                tx,
                device,
                first,
                second,
                now_ns=self.now_ns,
                profile=self.profile,
                operation="Test",
            )

    def show_pair(self, second: int) -> Outcome:
        """Type the codes of a step's predecessor and of the step."""
        return self.pair(code(second - 1), code(second)).outcome


@pytest.fixture
def bench() -> Callable[..., Bench]:
    def make(profile: Profile = AWS, *, step: int = START_STEP, **changes: object) -> Bench:
        return Bench(MemoryStore(), token(**changes), profile, step)

    return make


Make = Callable[..., Bench]
T = START_STEP


# Single codes: window


@pytest.mark.parametrize(
    ("profile", "away", "outcome"),
    [
        (AWS, -3, Outcome.WRONG),
        (AWS, -2, Outcome.ACCEPTED),
        (AWS, 0, Outcome.ACCEPTED),
        (AWS, 2, Outcome.ACCEPTED),
        (AWS, 3, Outcome.WRONG),
        (RFC, -2, Outcome.WRONG),
        (RFC, -1, Outcome.ACCEPTED),
        (RFC, 1, Outcome.ACCEPTED),
        (RFC, 2, Outcome.WRONG),
    ],
)
@pytest.mark.parametrize("offset", [0, 57, -57])
def test_window_lies_around_the_devices_own_step(
    bench: Make, profile: Profile, away: int, offset: int, outcome: Outcome
) -> None:
    bench_ = bench(profile, offset_steps=offset, pair_offset_steps=offset)
    assert bench_.show(T + offset + away) is outcome


def test_decision_tells_what_the_verifier_believed(bench: Make) -> None:
    decision = bench(offset_steps=5).type(code(T + 6))
    assert decision == Decision(
        outcome=Outcome.ACCEPTED,
        serial="serial-1",
        operation="Test",
        now_ns=T * 30 * S + 7 * S,
        server_step=T,
        centre_step=T + 5,
        low_step=T + 3,
        high_step=T + 7,
        matched_step=T + 6,
        offset_steps=5,
    )


@pytest.mark.parametrize("step", [0, 1])
def test_window_is_clipped_at_counter_zero(bench: Make, step: int) -> None:
    assert bench(step=step).show(0) is Outcome.ACCEPTED
    assert bench(step=step).pair(code(0), code(1)).accepted


def test_clock_before_the_epoch_finds_every_code_wrong(bench: Make) -> None:
    bench_ = bench(step=-10_000)
    decision = bench_.type(code(0))
    assert (decision.outcome, decision.server_step) == (Outcome.WRONG, -10_000)
    assert bench_.show_pair(1) is Outcome.WRONG


def test_clock_of_the_year_9999_works(bench: Make) -> None:
    late = 253_402_300_799 // 30
    assert bench(step=late).show(late) is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("algorithm", "digits", "period_s"), [("SHA256", 8, 60), ("SHA512", 7, 30), ("SHA1", 6, 60)]
)
def test_devices_have_their_own_algorithm_digits_and_period(
    bench: Make, algorithm: str, digits: int, period_s: int
) -> None:
    bench_ = bench(algorithm=algorithm, digits=digits, period_s=period_s)
    shown = otp.totp(SEED, bench_.now_ns, period_s=period_s, digits=digits, algorithm=algorithm)
    assert not bench_.type(shown[:-1]).accepted
    assert bench_.type(shown).accepted


def test_right_wrong_and_replayed_codes_are_the_same_work(
    twin: str,
    calls_of: Callable[[Callable[[], object]], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So the time of an answer tells nothing of how near a guess was."""
    device, budget, now_ns = token(), Budget("serial-1"), START_STEP * 30 * S

    def decide(typed: str, *, used: bool) -> Outcome:
        return decide_code(device, budget, typed, now_ns, AWS, lambda step: used).outcome

    wrong = f"{(int(code(START_STEP)) + 1) % 10**6:06}"
    tries = [(code(START_STEP + ahead), used) for ahead in (-2, 0, 2) for used in (False, True)]
    decide(wrong, used=False)  # the secret is made ready once
    tries.append((wrong, False))
    counts = [calls_of(partial(decide, typed, used=used)) for typed, used in tries]
    assert max(counts) <= 1.05 * min(counts), counts
    assert twin == "compiled" or min(counts) > 50, "five HMACs"
    kind = type(otp.key_schedule(SEED))
    computed, values = [], kind.values
    monkeypatch.setattr(
        kind, "values", lambda key, *range_: computed.append(range_) or values(key, *range_)
    )
    for typed, used in tries:
        decide(typed, used=used)
    assert computed == [(START_STEP - 2, START_STEP + 2, 6)] * len(tries)


@pytest.mark.parametrize("decoration", ["{} ", " {}", "{}\n", "{}\N{NO-BREAK SPACE}", "0{}", "+{}"])
def test_decorated_code_is_wrong_and_costs_an_attempt(bench: Make, decoration: str) -> None:
    bench_ = bench(AWS_IMMEDIATE)
    assert bench_.type(decoration.format(code(T))).outcome is Outcome.WRONG
    assert bench_.budget is not None
    assert bench_.budget.attempts == 1


def test_device_without_a_secret_is_refused_as_a_mistake(bench: Make) -> None:
    with pytest.raises(ValueError, match="no secret"):
        bench(kind=DeviceKind.SMS, secret=b"").type("123456")


# Single codes: replay


@pytest.mark.parametrize("profile", [AWS, RFC], ids=lambda profile: profile.name)
def test_accepted_code_is_not_accepted_again(bench: Make, profile: Profile) -> None:
    bench_ = bench(profile)
    assert bench_.show(T) is Outcome.ACCEPTED
    assert bench_.show(T) is Outcome.REPLAYED
    bench_.step += 1
    assert bench_.show(T) is Outcome.REPLAYED


def test_older_unused_code_is_good_with_a_used_set(bench: Make) -> None:
    bench_ = bench(AWS)
    steps = [T + 2, T - 2, T + 1, T - 1, T]
    assert [bench_.show(step) for step in steps] == [Outcome.ACCEPTED] * 5
    assert [bench_.show(step) for step in steps] == [Outcome.REPLAYED] * 5


def test_older_unused_code_is_refused_below_a_high_water_mark(bench: Make) -> None:
    bench_ = bench(replace(RFC, window_back=2))
    assert bench_.show(T) is Outcome.ACCEPTED
    assert bench_.show(T - 1) is Outcome.REPLAYED
    assert bench_.show(T + 1) is Outcome.ACCEPTED


@pytest.mark.parametrize("profile", [AWS, RFC], ids=lambda profile: profile.name)
def test_verifiers_clock_stepping_back_revives_no_code(bench: Make, profile: Profile) -> None:
    bench_ = bench(profile)
    assert bench_.show(T) is Outcome.ACCEPTED
    bench_.step -= 1
    assert bench_.show(T) is Outcome.REPLAYED


def test_changing_the_profile_to_a_high_water_mark_revives_no_code(bench: Make) -> None:
    bench_ = bench(AWS)
    assert bench_.show(T + 1) is Outcome.ACCEPTED
    bench_.profile = replace(AWS, replay=ReplayRule.HIGH_WATER)
    assert bench_.show(T) is Outcome.REPLAYED


@pytest.mark.parametrize("profile", [AWS, RFC], ids=lambda profile: profile.name)
def test_genuine_code_equal_to_its_neighbours_is_accepted(bench: Make, profile: Profile) -> None:
    """Counters 910737 and 910738 have the same code; a store of code texts refused the second."""
    bench_ = bench(profile, step=910_737)
    assert bench_.type("911617").matched_step == 910_737
    bench_.step += 1
    decision = bench_.type("911617")
    assert (decision.outcome, decision.matched_step) == (Outcome.ACCEPTED, 910_738)
    assert bench_.type("911617").outcome is Outcome.REPLAYED


def test_code_that_two_steps_share_counts_for_the_nearest(bench: Make) -> None:
    assert bench(AWS, step=910_739).type("911617").matched_step == 910_738
    assert bench(AWS, step=910_736).type("911617").matched_step == 910_737


def test_code_that_equals_a_used_one_is_refused_where_texts_are_kept(bench: Make) -> None:
    bench_ = bench(replace(AWS, replay=ReplayRule.USED_TEXT), step=910_737)
    assert bench_.type("911617").accepted
    bench_.step += 1
    assert bench_.type("911617").outcome is Outcome.REPLAYED
    assert bench_.show(910_739) is Outcome.ACCEPTED


def test_code_is_good_again_and_again_where_nothing_is_remembered(bench: Make) -> None:
    bench_ = bench(replace(AWS, replay=ReplayRule.NONE))
    assert [bench_.show(T) for _ in range(3)] == [Outcome.ACCEPTED] * 3
    bench_.profile = AWS
    assert [bench_.show(T) for _ in range(2)] == [Outcome.ACCEPTED, Outcome.REPLAYED]
    bench_.profile = replace(AWS, replay=ReplayRule.NONE)
    assert bench_.show(T) is Outcome.ACCEPTED, "what another rule has marked"


def test_window_grows_with_idle_days_as_far_as_that_of_pairs(bench: Make) -> None:
    profile = replace(RFC, window_growth_s_per_day=8, pair_back=7, pair_ahead=6)
    day = 2880
    bench_ = bench(profile)
    assert bench_.show(T) is Outcome.ACCEPTED
    for idle_days, back, ahead in ((3, 1, 1), (4, 2, 2), (15, 5, 5), (400, 7, 6)):
        bench_.step = T + idle_days * day
        decision = bench_.type("letters")
        ends = (decision.low_step, decision.high_step)
        assert ends == (bench_.step - back, bench_.step + ahead), idle_days


# Drift memory


def test_drift_memory_without_a_limit_follows_everywhere(bench: Make) -> None:
    bench_ = bench(replace(RFC, drift_memory_limit_steps=None))
    for off in range(1, 30):
        bench_.step = T + 10 * off
        assert bench_.show(bench_.step + off) is Outcome.ACCEPTED
    assert bench_.device.offset_steps == 29


def test_pair_moves_no_window_of_a_verifier_that_cannot_be_resynchronised(bench: Make) -> None:
    bench_ = bench(replace(AWS, pair_sets_offset=False))
    assert bench_.show_pair(T + 50) is Outcome.ACCEPTED
    assert bench_.device.offset_steps == 0
    assert bench_.show(T + 51) is Outcome.WRONG
    assert bench_.show(T) is Outcome.ACCEPTED


def test_pair_may_forgive_failures(bench: Make) -> None:
    locked = replace(
        RFC,
        throttle=ThrottleRule.BACKOFF,
        throttle_failures_limit=3,
        pair_counts_as_attempt=False,
    )
    for forgives, outcome in ((False, Outcome.THROTTLED), (True, Outcome.ACCEPTED)):
        bench_ = bench(replace(locked, pair_forgives_failures=forgives))
        assert [bench_.type("letters").outcome for _ in range(3)] == [Outcome.WRONG] * 3
        assert bench_.show(T) is Outcome.THROTTLED
        assert bench_.show_pair(T + 1) is Outcome.ACCEPTED
        assert bench_.show(T + 2) is outcome


def test_attempts_refused_unseen_prolong_a_window_that_slides(bench: Make) -> None:
    sliding = replace(
        AWS, throttle=ThrottleRule.SLIDING_WINDOW, throttle_budget=2, throttle_window_s=60
    )
    bench_ = bench(sliding)
    assert [bench_.type("letters").outcome for _ in range(2)] == [Outcome.WRONG] * 2
    bench_.step += 1
    assert [bench_.show(bench_.step) for _ in range(2)] == [Outcome.THROTTLED] * 2
    bench_.step += 1
    assert bench_.show(bench_.step) is Outcome.THROTTLED, "the window began with the last attempt"
    bench_.step += 2
    assert bench_.show(bench_.step) is Outcome.ACCEPTED


def test_aws_does_not_learn_from_a_code_at_the_edge(bench: Make) -> None:
    bench_ = bench(AWS)
    assert bench_.type(code(T + 2)).offset_steps == 0
    assert bench_.show(T + 3) is Outcome.WRONG


def test_drift_memory_follows_a_slow_drift(bench: Make) -> None:
    bench_ = bench(RFC)
    for drift in range(1, 8):
        bench_.step += 1000
        assert bench_.type(code(bench_.step + drift)).offset_steps == drift


def test_drift_memory_cannot_be_led_further_than_its_limit(bench: Make) -> None:
    bench_ = bench(RFC, offset_steps=40, pair_offset_steps=40)
    for _ in range(100):
        bench_.step += 1
        bench_.show(bench_.step + bench_.device.offset_steps + 1)
    assert bench_.device.offset_steps == 40 + RFC.drift_memory_limit_steps
    for _ in range(100):
        bench_.step += 10
        bench_.show(bench_.step + bench_.device.offset_steps - 1)
    assert bench_.device.offset_steps == 40 - RFC.drift_memory_limit_steps


def test_drift_memory_that_moved_back_revives_no_passed_code(bench: Make) -> None:
    bench_ = bench(RFC)
    assert bench_.show(T + 1) is Outcome.ACCEPTED
    bench_.step += 2
    assert bench_.show(T + 2) is Outcome.ACCEPTED
    assert bench_.device.offset_steps == 0
    assert bench_.show(T + 1) is Outcome.REPLAYED


# Pairs


@pytest.mark.parametrize(
    ("away", "outcome"),
    [
        (-999, Outcome.WRONG),
        (-998, Outcome.ACCEPTED),
        (0, Outcome.ACCEPTED),
        (1000, Outcome.ACCEPTED),
        (1001, Outcome.WRONG),
    ],
)
@pytest.mark.parametrize("offset", [0, 300])
def test_second_code_of_a_pair_lies_between_998_back_and_1000_ahead(
    bench: Make, away: int, offset: int, outcome: Outcome
) -> None:
    assert bench(AWS, offset_steps=offset).show_pair(T + offset + away) is outcome


def test_pair_centres_the_window_on_its_second_code(bench: Make) -> None:
    bench_ = bench(AWS)
    decision = bench_.pair(code(T + 499), code(T + 500))
    assert (decision.offset_steps, decision.matched_step) == (500, T + 500)
    assert bench_.show(T) is Outcome.WRONG
    assert bench_.show(T + 503) is Outcome.WRONG
    assert bench_.show(T + 502) is Outcome.ACCEPTED
    device = bench_.device
    assert (device.pair_offset_steps, device.last_pair_step) == (500, T + 500)


@pytest.mark.parametrize(
    ("first", "second"),
    [(T, T), (T + 1, T), (T, T + 2), (T, T + 3), (T - 1, T + 1)],
    ids=["equal", "reversed", "gap of one", "gap of two", "around"],
)
@pytest.mark.parametrize("profile", [AWS, RFC], ids=lambda profile: profile.name)
def test_codes_that_do_not_follow_each_other_are_no_pair(
    bench: Make, profile: Profile, first: int, second: int
) -> None:
    bench_ = bench(profile)
    assert bench_.pair(code(first), code(second)).outcome is Outcome.WRONG
    assert bench_.device == token()


def test_genuine_pair_of_equal_codes_is_a_pair(bench: Make) -> None:
    decision = bench(AWS, step=910_738).pair("911617", "911617")
    assert (decision.outcome, decision.matched_step) == (Outcome.ACCEPTED, 910_738)


@pytest.mark.parametrize("text", ["", "12345", "1234567", "12345\N{SUPERSCRIPT SIX}"])
def test_malformed_code_makes_no_pair(bench: Make, text: str) -> None:
    assert bench(AWS).pair(text, code(T)).outcome is Outcome.WRONG
    assert bench(AWS).pair(code(T - 1), text).outcome is Outcome.WRONG


@pytest.mark.parametrize("older", [0, -1, -500])
@pytest.mark.parametrize("profile", [AWS, replace(RFC, pair_back=998)], ids=lambda p: p.name)
def test_pair_that_is_not_newer_is_stale(bench: Make, profile: Profile, older: int) -> None:
    bench_ = bench(profile)
    assert bench_.show_pair(T) is Outcome.ACCEPTED
    device = bench_.device
    assert bench_.show_pair(T + older) is Outcome.STALE
    assert bench_.device == device


def test_pair_that_overlaps_the_last_one_is_stale_and_the_next_is_not(bench: Make) -> None:
    bench_ = bench(AWS)
    assert bench_.show_pair(T) is Outcome.ACCEPTED
    assert bench_.show_pair(T + 1) is Outcome.STALE
    assert bench_.show_pair(T + 2) is Outcome.ACCEPTED


def test_pair_history_survives_the_devices_way_to_another_user(bench: Make) -> None:
    bench_ = bench(AWS)
    assert bench_.show_pair(T) is Outcome.ACCEPTED
    with bench_.store.transaction() as tx:
        device = tx.get(Device, "device-1")
        assert device is not None
        tx.update(replace(device, owner_id=None, enabled_ns=None))
    assert bench_.show_pair(T) is Outcome.STALE


def test_pair_codes_stay_good_for_sts_and_used_codes_for_a_pair_at_aws(bench: Make) -> None:
    bench_ = bench(AWS)
    assert bench_.show(T) is Outcome.ACCEPTED
    assert bench_.show_pair(T + 1) is Outcome.ACCEPTED
    assert bench_.show(T) is Outcome.REPLAYED
    assert bench_.show(T + 1) is Outcome.ACCEPTED


def test_pair_codes_are_consumed_where_the_profile_says_so(bench: Make) -> None:
    bench_ = bench(RFC)
    assert bench_.show_pair(T) is Outcome.ACCEPTED
    assert bench_.show(T) is Outcome.REPLAYED
    assert bench_.show(T - 1) is Outcome.REPLAYED
    assert bench_.show(T + 1) is Outcome.ACCEPTED
    assert bench_.show_pair(T + 2) is Outcome.STALE
    assert bench_.show_pair(T + 3) is Outcome.ACCEPTED


def test_resync_that_moves_the_clock_back_revives_no_code(bench: Make) -> None:
    """LinOTP issue 110: a used code was accepted after 20 minutes, shifted by a resync."""
    bench_ = bench(AWS)
    assert bench_.show(T + 2) is Outcome.ACCEPTED
    bench_.step += 41
    assert bench_.show_pair(T + 1) is Outcome.ACCEPTED
    assert bench_.device.offset_steps == -40
    assert bench_.show(T + 2) is Outcome.REPLAYED


def test_pair_is_found_though_one_code_also_matches_elsewhere() -> None:
    """A search for each code alone found step 11 for the first one and refused the genuine pair."""
    values = [7, 1, 2, 7, 9, 4, 7, 1, 4]
    assert pair_steps(values, 11, 9, 4) == [15]
    assert pair_steps(values, 11, 7, 1) == [11, 17]
    assert pair_steps(values, 11, 7, 7) == []
    assert pair_steps(values, 11, -1, 7) == []


def test_pair_that_matches_twice_counts_for_the_nearest(
    bench: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = T - AWS.pair_back

    def values(_: object, first: int, last: int, __: int) -> list[int]:
        steps = range(first, last + 1)
        found = {low: 1, low + 1: 2, T + 9: 1, T + 10: 2, T + 99: 1, T + 100: 2}
        return [found.get(step, 0) for step in steps]

    monkeypatch.setattr(type(otp.key_schedule(SEED)), "values", values)
    assert bench(AWS).pair("000001", "000002").matched_step == T + 10
    # The nearest is history, so the next one counts.
    assert bench(AWS, last_pair_step=T + 50).pair("000001", "000002").matched_step == T + 100


def test_one_code_never_resynchronises(bench: Make) -> None:
    bench_ = bench(RFC)
    assert bench_.show(T + 50) is Outcome.WRONG
    assert bench_.show(T + 51) is Outcome.WRONG
    assert bench_.device.offset_steps == 0


# Event-based tokens


@pytest.fixture
def fob(bench: Make) -> Bench:
    return bench(RFC, moving_factor=MovingFactor.EVENT, offset_steps=100)


def test_event_token_may_be_pressed_ten_times_in_vain(fob: Bench) -> None:
    assert fob.show(111) is Outcome.WRONG
    assert fob.show(110) is Outcome.ACCEPTED
    assert fob.device.offset_steps == 111


def test_event_counters_up_to_the_accepted_one_are_past(fob: Bench) -> None:
    assert fob.show(105) is Outcome.ACCEPTED
    assert [fob.show(counter) for counter in range(98, 106)] == [Outcome.WRONG] * 8
    assert fob.show(106) is Outcome.ACCEPTED


def test_event_token_resynchronises_by_two_codes_ahead(fob: Bench) -> None:
    assert fob.show_pair(1101) is Outcome.WRONG
    assert fob.show_pair(1100) is Outcome.ACCEPTED
    assert fob.device.offset_steps == 1101
    assert fob.show(1100) is Outcome.WRONG
    assert fob.show_pair(1100) is Outcome.WRONG
    assert fob.show(1101) is Outcome.ACCEPTED


def test_event_token_is_enabled_with_its_first_two_codes(bench: Make) -> None:
    bench_ = bench(RFC, moving_factor=MovingFactor.EVENT)
    decision = bench_.pair(code(0), code(1))
    assert (decision.outcome, decision.offset_steps) == (Outcome.ACCEPTED, 2)


# Attempts


def test_throttled_right_code_is_not_used_up(bench: Make) -> None:
    bench_ = bench(AWS_IMMEDIATE, step=T + 6 - T % 6)
    first = bench_.step
    assert [bench_.type("000000").outcome for _ in range(9)] == [Outcome.WRONG] * 9
    bench_.step = first + 5
    assert bench_.show(first + 5) is Outcome.THROTTLED
    bench_.step = first + 6
    assert bench_.show(first + 5) is Outcome.ACCEPTED


def test_throttled_right_code_is_used_up_where_the_profile_says_so(bench: Make) -> None:
    profile = replace(AWS_IMMEDIATE, throttled_code_is_used=True)
    bench_ = bench(profile, step=T + 6 - T % 6)
    first = bench_.step
    for _ in range(9):
        bench_.type("000000")
    bench_.step = first + 5
    assert bench_.show(first + 5) is Outcome.THROTTLED
    bench_.step = first + 6
    assert bench_.show(first + 5) is Outcome.REPLAYED


def test_right_wrong_and_replayed_codes_all_count(bench: Make) -> None:
    bench_ = bench(AWS_IMMEDIATE)
    outcomes = [bench_.show(T), bench_.show(T), bench_.show(T + 9)]
    assert outcomes == [Outcome.ACCEPTED, Outcome.REPLAYED, Outcome.WRONG]
    assert bench_.budget is not None
    assert bench_.budget.attempts == 3


def test_budget_outlives_the_device_of_that_name(bench: Make) -> None:
    bench_ = bench(AWS_IMMEDIATE)
    for _ in range(9):
        bench_.type("000000")
    with bench_.store.transaction() as tx:
        tx.update(replace(token(), deleted_ns=1))
        tx.insert(token(id="device-2"))
    bench_.device_id = "device-2"
    assert bench_.show(T) is Outcome.THROTTLED


def test_pairs_do_not_count_at_aws_and_do_in_a_strict_profile(bench: Make) -> None:
    lax, strict = bench(AWS_IMMEDIATE), bench(RFC6238)
    for bench_ in (lax, strict):
        outcomes = [bench_.pair("000000", "000000").outcome for _ in range(6)]
        assert outcomes[:5] == [Outcome.WRONG] * 5
    assert lax.show_pair(T) is Outcome.ACCEPTED
    assert lax.budget is None
    assert strict.show_pair(T) is Outcome.THROTTLED
    assert strict.show(T) is Outcome.THROTTLED


# Races


@pytest.mark.parametrize("profile", [AWS, RFC], ids=lambda profile: profile.name)
def test_one_code_by_sixteen_threads_is_accepted_once(store: Store, profile: Profile) -> None:
    bench_ = Bench(store, token(), profile, T)
    barrier = threading.Barrier(16)
    outcomes: list[Outcome] = []

    def attempt() -> None:
        barrier.wait()
        outcomes.append(bench_.show(T))

    threads = [threading.Thread(target=attempt) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [Outcome.ACCEPTED] + [Outcome.REPLAYED] * 15


def test_used_code_is_the_guard_when_a_stale_device_is_judged(store: Store) -> None:
    """The caller's copy of the device may be old; the key of `UsedCode` is not."""
    bench_ = Bench(store, token(), RFC, T)
    old = bench_.device
    assert bench_.show(T) is Outcome.ACCEPTED
    with store.transaction() as tx:
        assert tx.get(UsedCode, "device-1", T) is not None
        decision = verify_code(
            tx, old, code(T), now_ns=bench_.now_ns, profile=RFC, operation="Test"
        )
    assert decision.outcome is Outcome.REPLAYED


CONTESTANT = """
import sys
from dataclasses import replace
from mfalab.verifier.otp import hotp
from mfalab.verifier.profile import AWS_IMMEDIATE, ThrottleRule
from mfalab.verifier.records import Device
from mfalab.verifier.store.sqlite import SqliteStore
from mfalab.verifier.code_rules import verify_code

profile = replace(AWS_IMMEDIATE, throttle=ThrottleRule.NONE)
with SqliteStore(sys.argv[1]) as store:
    print("ready", flush=True)
    for line in sys.stdin:
        step = int(line)
        with store.transaction() as tx:
            device = tx.get(Device, "device-1")
            decision = verify_code(
                tx, device, hotp(device.secret, step),
                now_ns=step * 30 * 10**9, profile=profile, operation="Test",
            )
        print(decision.outcome.value, flush=True)
"""


@pytest.mark.slow
def test_one_code_by_four_processes_on_one_file_is_accepted_once(tmp_path: Path) -> None:
    path = tmp_path / "verifier.db"
    with SqliteStore(path) as store:
        Bench(store, token(), AWS, T)
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", CONTESTANT, str(path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    bufsize=1,
                )
            )
            for _ in range(4)
        ]
        ends = [(each.stdin, each.stdout) for each in processes]
        for _, answers in ends:
            assert answers is not None
            assert answers.readline() == "ready\n"
        for step in range(T, T + 20):
            for questions, _ in ends:
                assert questions is not None
                questions.write(f"{step}\n")
            outcomes = sorted(answers.readline() for _, answers in ends if answers is not None)
            assert outcomes == ["accepted\n"] + ["replayed\n"] * 3


# Any course of events

MACHINE_PROFILES = [
    replace(AWS_IMMEDIATE, pair_back=20, pair_ahead=20),
    replace(AWS_IMMEDIATE, pair_back=20, pair_ahead=20, pair_consumes_codes=True),
    replace(AWS_IMMEDIATE, drift_memory=True, pair_back=20, pair_ahead=20),
    replace(RFC6238, pair_back=20, pair_ahead=20, drift_memory_limit_steps=3),
    replace(RFC6238, pair_back=20, pair_ahead=20, throttle=ThrottleRule.NONE),
]


class CourseOfEvents(RuleBasedStateMachine):
    """A device, its owner and an observer who keeps every code, against a wavering clock."""

    @initialize(
        profile=st.sampled_from(MACHINE_PROFILES),
        factor=st.sampled_from(MovingFactor),
        step=st.sampled_from([0, 3, T]),
    )
    def begin(self, profile: Profile, factor: MovingFactor, step: int) -> None:
        self.profile = profile
        self.event = factor is MovingFactor.EVENT
        self.bench = Bench(MemoryStore(), token(moving_factor=factor), profile, step)
        self.highest = step
        self.spent: set[int] = set()
        self.last_pair = -1
        self.looked_at = 0
        self.windows: set[int] = set()

    def centre(self) -> int:
        offset = self.bench.device.offset_steps
        return offset if self.event else self.bench.step + offset

    @rule(steps=st.integers(0, 12))
    def time_passes(self, steps: int) -> None:
        self.bench.step += steps
        self.highest = max(self.highest, self.bench.step)

    @rule(steps=st.integers(1, 5))
    def verifiers_clock_steps_back(self, steps: int) -> None:
        self.bench.step = max(self.bench.step - steps, self.highest - 5)

    @rule(away=st.integers(-4, 12))
    def code_is_typed(self, away: int) -> None:
        self.attempt(max(0, self.centre() + away))

    @rule(data=st.data())
    def spent_code_is_typed(self, data: st.DataObject) -> None:
        if self.spent:
            self.attempt(data.draw(st.sampled_from(sorted(self.spent))))

    @rule()
    def nonsense_is_typed(self) -> None:
        self.count(self.bench.type("letters"))

    @rule(away=st.integers(-22, 22))
    def pair_is_typed(self, away: int) -> None:
        second = max(1, self.centre() + away)
        decision = self.bench.pair(code(second - 1), code(second))
        if self.profile.pair_counts_as_attempt:
            self.count(decision)
        if decision.accepted:
            assert decision.matched_step is not None
            assert decision.matched_step - 1 > self.last_pair
            self.last_pair = decision.matched_step
            if self.profile.pair_consumes_codes:
                both = {decision.matched_step - 1, decision.matched_step}
                assert not both & self.spent
                self.spent |= both

    @rule()
    def device_changes_hands(self) -> None:
        with self.bench.store.transaction() as tx:
            device = tx.get(Device, "device-1")
            assert device is not None
            tx.update(replace(device, owner_id=None, enabled_ns=None))
            tx.update(replace(device, owner_id="another", enabled_ns=self.bench.now_ns))

    def attempt(self, step: int) -> None:
        decision = self.bench.type(code(step))
        self.count(decision)
        if decision.accepted:
            assert decision.matched_step is not None
            assert code(decision.matched_step) == code(step)
            assert decision.low_step <= decision.matched_step <= decision.high_step
            assert decision.matched_step not in self.spent
            if self.profile.replay is ReplayRule.HIGH_WATER:
                assert decision.matched_step > max(self.spent, default=-1)
            self.spent.add(decision.matched_step)

    def count(self, decision: Decision) -> None:
        self.looked_at += decision.outcome is not Outcome.THROTTLED
        self.windows.add(self.bench.step // 6)

    @invariant()
    def last_pair_never_falls(self) -> None:
        assert (self.bench.device.last_pair_step or -1) == (self.last_pair or -1)

    @invariant()
    def budget_is_never_exceeded(self) -> None:
        if self.profile.throttle is ThrottleRule.FIXED_WINDOW:
            assert self.looked_at <= 9 * len(self.windows)

    @invariant()
    def window_stays_near_the_last_pair(self) -> None:
        device = self.bench.device
        if not self.event:
            limit = self.profile.drift_memory_limit_steps if self.profile.drift_memory else 0
            assert abs(device.offset_steps - device.pair_offset_steps) <= limit


CourseOfEvents.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestCourseOfEvents = pytest.mark.slow(CourseOfEvents.TestCase)
