"""How many attempts a serial number has: pure functions over `Budget`.

The budget belongs to the serial number and not to the device, so deleting and recreating a virtual
device of the same name buys no attempts. All times are the verifier's.
"""

from dataclasses import replace

from mfalab.verifier.otp import NANOSECONDS
from mfalab.verifier.profile import Profile, ThrottleRule
from mfalab.verifier.records import Budget

# Looking a member up in its enum costs as much as half a hash (CPython 3.11).
_FIXED_WINDOW = ThrottleRule.FIXED_WINDOW
_BACKOFF = ThrottleRule.BACKOFF


def is_throttled(budget: Budget, now_ns: int, profile: Profile) -> bool:
    """Whether the next attempt must be refused unseen.

    A verifier's clock that stepped back by more than a whole delay lifts the delay: it began in a
    time that has not come yet, and would otherwise last until then.
    """
    if profile.throttle is _FIXED_WINDOW:
        if budget.attempts < profile.throttle_budget:
            return False
        return _window_to_count_in(budget, now_ns, profile) == budget.window
    if profile.throttle is _BACKOFF:
        limit = profile.throttle_failures_limit
        if limit is not None and budget.failures >= limit:
            return True
        remaining_ns = budget.blocked_until_ns - now_ns
        return 0 < remaining_ns <= 2 * delay_ns(budget.failures, profile)
    return False


def count_attempt(budget: Budget, now_ns: int, profile: Profile, *, accepted: bool) -> Budget:
    """The budget after an attempt that was looked at."""
    if profile.throttle is _FIXED_WINDOW:
        window = _window_to_count_in(budget, now_ns, profile)
        attempts = budget.attempts + 1 if window == budget.window else 1
        return replace(budget, window=window, attempts=attempts)
    if profile.throttle is _BACKOFF:
        failures = 0 if accepted else budget.failures + 1
        delay = delay_ns(failures, profile)
        return replace(budget, failures=failures, blocked_until_ns=now_ns + delay if delay else 0)
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


def _window_to_count_in(budget: Budget, now_ns: int, profile: Profile) -> int:
    """The index of the fixed window of an instant, aligned to the epoch.

    A clock that stepped back across one boundary goes on counting in the window it had reached, or
    a leap second at the boundary would be a second budget.
    """
    window = now_ns // (profile.throttle_window_s * NANOSECONDS)
    return window + 1 if budget.window == window + 1 else window
