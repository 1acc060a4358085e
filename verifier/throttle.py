"""How many attempts a serial number has: pure functions over `Budget`.

The budget belongs to the serial number and not to the device, so deleting and recreating a virtual
device of the same name buys no attempts. All times are the verifier's.
"""

from mfalab.verifier.otp import NANOSECONDS
from mfalab.verifier.profile import Profile, ThrottleRule
from mfalab.verifier.records import Budget, changed

# Looking a member up in its enum costs as much as half a hash (CPython 3.11).
_FIXED_WINDOW = ThrottleRule.FIXED_WINDOW
_SLIDING_WINDOW = ThrottleRule.SLIDING_WINDOW
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
    if profile.throttle is _SLIDING_WINDOW:
        return len(_recent_ns(budget, now_ns, profile)) >= profile.throttle_budget
    return False


def count_attempt(budget: Budget, now_ns: int, profile: Profile, *, accepted: bool) -> Budget:
    """The budget after an attempt that was looked at."""
    if profile.throttle is _SLIDING_WINDOW:
        return count_unseen(budget, now_ns, profile)
    if profile.throttle is _FIXED_WINDOW:
        window = _window_to_count_in(budget, now_ns, profile)
        attempts = budget.attempts + 1 if window == budget.window else 1
        return changed(budget, window=window, attempts=attempts)
    if profile.throttle is _BACKOFF:
        if accepted:
            return forgiven(budget)
        failures = 1 + _remembered_failures(budget, now_ns, profile)
        until_ns = now_ns + delay_ns(failures, profile)
        return changed(budget, failures=failures, blocked_until_ns=until_ns)
    return budget


def count_unseen(budget: Budget, now_ns: int, profile: Profile) -> Budget:
    """The budget after an attempt that was refused unseen."""
    if profile.throttle is not _SLIDING_WINDOW or not profile.throttle_budget:
        return budget
    recent_ns = (*_recent_ns(budget, now_ns, profile), now_ns)
    return changed(budget, recent_ns=recent_ns[-profile.throttle_budget :])


def forgiven(budget: Budget) -> Budget:
    """The budget without failures."""
    return changed(budget, failures=0, blocked_until_ns=0)


def delay_ns(failures: int, profile: Profile) -> int:
    """The delay that follows so many failures in a row, at most the profile's longest."""
    beyond = failures - profile.throttle_failures
    if beyond < 0:
        return 0
    longest_s = profile.throttle_delay_limit_s
    # Past this power of two the limit holds anyway, and the integer stays small.
    delay_s = profile.throttle_delay_s << min(beyond, longest_s.bit_length())
    return min(delay_s, longest_s) * NANOSECONDS


def _recent_ns(budget: Budget, now_ns: int, profile: Profile) -> tuple[int, ...]:
    """When the attempts of the last window were; those of a time to come are of a wrong clock."""
    since_ns = now_ns - profile.throttle_window_s * NANOSECONDS
    return tuple(at_ns for at_ns in budget.recent_ns if since_ns < at_ns <= now_ns)


def _remembered_failures(budget: Budget, now_ns: int, profile: Profile) -> int:
    """Failures in a row that count together with one of now."""
    forgotten_s = profile.throttle_failures_forgotten_s
    if forgotten_s is None:
        return budget.failures
    last_ns = budget.blocked_until_ns - delay_ns(budget.failures, profile)
    return budget.failures if now_ns - last_ns < forgotten_s * NANOSECONDS else 0


def _window_to_count_in(budget: Budget, now_ns: int, profile: Profile) -> int:
    """The index of the fixed window of an instant, aligned to the epoch.

    A clock that stepped back across one boundary goes on counting in the window it had reached, or
    a leap second at the boundary would be a second budget.
    """
    window = now_ns // (profile.throttle_window_s * NANOSECONDS)
    return window + 1 if budget.window == window + 1 else window
