"""How many attempts a serial number has: pure functions over `Budget`.

The budget belongs to the serial number and not to the device, so deleting and recreating a virtual
device of the same name buys no attempts. All times are the verifier's.
"""

from dataclasses import replace

from mfalab.verifier.otp import NANOSECONDS
from mfalab.verifier.profile import Profile, ThrottleRule
from mfalab.verifier.records import Budget


def budget_at(budget: Budget, now_ns: int, profile: Profile) -> Budget:
    """The budget as it stands at an instant, before the attempt.

    Fixed window: a new window of the clock, aligned to the epoch, starts a new count. A clock that
    stepped back by less than a window does not. Backoff: a clock that stepped back cannot prolong a
    delay.
    """
    if profile.throttle is ThrottleRule.FIXED_WINDOW:
        window = now_ns // (profile.throttle_window_s * NANOSECONDS)
        if budget.window - window not in {0, 1}:
            return Budget(budget.serial, window, 0, budget.failures, budget.blocked_until_ns)
    elif profile.throttle is ThrottleRule.BACKOFF:
        latest_ns = now_ns + delay_ns(budget.failures, profile)
        if budget.blocked_until_ns > latest_ns:
            return replace(budget, blocked_until_ns=latest_ns)
    return budget


def is_throttled(budget: Budget, now_ns: int, profile: Profile) -> bool:
    """Whether the next attempt must be refused unseen, given `budget_at` that instant."""
    if profile.throttle is ThrottleRule.FIXED_WINDOW:
        return budget.attempts >= profile.throttle_budget
    if profile.throttle is ThrottleRule.BACKOFF:
        limit = profile.throttle_failures_limit
        return now_ns < budget.blocked_until_ns or (limit is not None and budget.failures >= limit)
    return False


def count_attempt(budget: Budget, now_ns: int, profile: Profile, *, accepted: bool) -> Budget:
    """The budget after an attempt that was looked at."""
    if profile.throttle is ThrottleRule.FIXED_WINDOW:
        return Budget(
            budget.serial,
            budget.window,
            budget.attempts + 1,
            budget.failures,
            budget.blocked_until_ns,
        )
    if profile.throttle is ThrottleRule.BACKOFF:
        if accepted:
            return replace(budget, failures=0, blocked_until_ns=0)
        failures = budget.failures + 1
        return replace(
            budget, failures=failures, blocked_until_ns=now_ns + delay_ns(failures, profile)
        )
    return budget


def delay_ns(failures: int, profile: Profile) -> int:
    """The delay that follows so many failures in a row, at most the profile's longest."""
    beyond = failures - profile.throttle_failures
    if beyond < 0:
        return 0
    longest_s = profile.throttle_delay_limit_s
    # Past this power of two the limit holds anyway, and the integer stays small.
    delay_s = profile.throttle_delay_s << min(beyond, longest_s.bit_length())
    return min(delay_s, longest_s) * NANOSECONDS
