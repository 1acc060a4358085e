"""Attempts: the fixed window and the growing delay."""

from dataclasses import replace

import pytest

from mfalab.verifier import throttle
from mfalab.verifier.profile import AWS_IMMEDIATE, RFC6238, Profile, ThrottleRule
from mfalab.verifier.records import Budget

S = 10**9
WINDOW_START_S = 180 * 1000
BACKOFF = RFC6238
SLIDING = replace(
    AWS_IMMEDIATE,
    throttle=ThrottleRule.SLIDING_WINDOW,
    throttle_budget=3,
    throttle_window_s=30,
)
NIST = replace(RFC6238, throttle_failures_limit=100)


def attempts(
    times_s: list[int], profile: Profile, *, accepted: bool = False, budget: Budget | None = None
) -> tuple[Budget, int]:
    """Try at each of these times; the budget afterwards, and how many tries were looked at."""
    budget = budget or Budget("serial")
    looked_at = 0
    for time_s in times_s:
        if not throttle.is_throttled(budget, time_s * S, profile):
            budget = throttle.count_attempt(budget, time_s * S, profile, accepted=accepted)
            looked_at += 1
    return budget, looked_at


@pytest.mark.parametrize("accepted", [True, False])
def test_tenth_attempt_in_a_window_is_refused_whatever_the_others_were(accepted: bool) -> None:
    times = [WINDOW_START_S + index for index in range(20)]
    assert attempts(times, AWS_IMMEDIATE, accepted=accepted)[1] == 9


def test_window_is_aligned_to_the_epoch_and_not_to_the_first_attempt() -> None:
    end = WINDOW_START_S + 179
    budget, looked_at = attempts([end] * 9, AWS_IMMEDIATE)
    assert looked_at == 9
    assert throttle.is_throttled(budget, end * S + S - 1, AWS_IMMEDIATE)
    assert not throttle.is_throttled(budget, (end + 1) * S, AWS_IMMEDIATE)


def test_next_window_has_a_whole_budget() -> None:
    budget, _ = attempts([WINDOW_START_S] * 9, AWS_IMMEDIATE)
    assert attempts([WINDOW_START_S + 180] * 20, AWS_IMMEDIATE, budget=budget)[1] == 9


def test_leap_second_at_the_boundary_is_no_second_budget() -> None:
    budget, _ = attempts([WINDOW_START_S] * 9, AWS_IMMEDIATE)
    assert attempts([WINDOW_START_S - 1, WINDOW_START_S], AWS_IMMEDIATE, budget=budget)[1] == 0


def test_clock_corrected_by_a_year_does_not_lock_the_device_until_then() -> None:
    year_s = 365 * 86400
    budget, _ = attempts([WINDOW_START_S + year_s] * 9, AWS_IMMEDIATE)
    assert not throttle.is_throttled(budget, WINDOW_START_S * S, AWS_IMMEDIATE)
    budget, _ = attempts([year_s + index for index in range(9)], BACKOFF)
    assert throttle.is_throttled(budget, (year_s + 9) * S, BACKOFF)
    assert not throttle.is_throttled(budget, 1000 * S, BACKOFF)


def test_delay_begins_with_the_fifth_failure_in_a_row() -> None:
    budget, looked_at = attempts([1000, 1001, 1002, 1003], BACKOFF)
    assert looked_at == 4
    assert not throttle.is_throttled(budget, 1004 * S, BACKOFF)
    budget, _ = attempts([1004], BACKOFF, budget=budget)
    assert throttle.is_throttled(budget, 1064 * S - 1, BACKOFF)
    assert not throttle.is_throttled(budget, 1064 * S, BACKOFF)


def test_delay_doubles_with_each_further_failure_up_to_the_longest() -> None:
    delays_s = [throttle.delay_ns(failures, BACKOFF) // S for failures in range(4, 20)]
    assert delays_s[:5] == [0, 60, 120, 240, 480]
    assert delays_s[-1] == 86400
    assert throttle.delay_ns(10**6, BACKOFF) == 86400 * S


def test_clock_that_steps_back_a_second_keeps_the_delay() -> None:
    budget, _ = attempts([1000] * 5, BACKOFF)
    assert throttle.is_throttled(budget, 999 * S, BACKOFF)


def test_success_forgets_the_failures() -> None:
    budget, _ = attempts([1000] * 4, BACKOFF)
    budget, _ = attempts([1001], BACKOFF, accepted=True, budget=budget)
    assert attempts([1002] * 20, BACKOFF, budget=budget)[1] == 5


def test_after_a_hundred_failures_no_code_helps_where_nist_is_followed() -> None:
    budget = Budget("serial", failures=100)
    assert throttle.is_throttled(budget, 10**9 * S, NIST)
    assert not throttle.is_throttled(budget, 10**9 * S, BACKOFF)


def test_window_slides_with_the_last_attempts_and_counts_those_refused() -> None:
    budget, looked_at = attempts([1000, 1010, 1020], SLIDING)
    assert looked_at == 3
    assert throttle.is_throttled(budget, 1030 * S - 1, SLIDING)
    assert not throttle.is_throttled(budget, 1030 * S, SLIDING)
    hammered = throttle.count_unseen(budget, 1029 * S, SLIDING)
    assert throttle.is_throttled(hammered, 1039 * S, SLIDING)
    assert not throttle.is_throttled(hammered, 1040 * S, SLIDING)
    assert not throttle.is_throttled(hammered, 500 * S, SLIDING), "of a clock that was wrong"


@pytest.mark.parametrize("budget", [0, 1, 3])
def test_window_that_slides_holds_no_more_times_than_it_takes(budget: int) -> None:
    profile = replace(SLIDING, throttle_budget=budget)
    counted = Budget("serial")
    for time_s in range(1000, 1020):
        counted = throttle.count_unseen(counted, time_s * S, profile)
    assert len(counted.recent_ns) == budget
    assert throttle.is_throttled(counted, 1020 * S, profile)


def test_failures_are_forgotten_some_time_after_the_last_one() -> None:
    profile = replace(BACKOFF, throttle_failures=3, throttle_failures_forgotten_s=60)
    assert attempts([1000, 1059, 1118, 1119], profile)[1] == 3, "the third delays"
    assert attempts([1000, 1060, 1120, 1180, 1181], profile)[1] == 5
    locked, _ = attempts([1000, 1001, 1002], profile)
    after, _ = attempts([1002 + 60, 1200], profile, budget=locked)
    assert after.failures == 1


def test_without_a_throttle_nothing_is_counted() -> None:
    free = replace(AWS_IMMEDIATE, throttle=ThrottleRule.NONE)
    assert attempts([1] * 1000, free) == (Budget("serial"), 1000)
