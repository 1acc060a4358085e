"""What a policy lets an attacker do who guesses codes: closed forms of the rules.

With n steps in the window and d digits a guess is accepted with probability n / 10^d, and one of v
guesses with 1 - (1 - n / 10^d)^v. How many are looked at in a day is found by asking the
verifier's own throttle. The attacker is alone: a user's own logins are not counted, and that his
guesses lock the user out is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1, inf, log1p

from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.fleet.study import Study
from mfalab.verifier.profile import Profile, ThrottleRule
from mfalab.verifier.records import Budget
from mfalab.verifier.throttle import count_attempt, is_throttled

_DAYS_ASKED = 3
"""After so many days every shipped throttle is in its stride."""
_MOST_ATTEMPTS = 100_000


@dataclass(frozen=True, slots=True)
class Exposure:
    """What an attacker reaches.

    Attributes:
        steps: codes that are right at one instant.
        guesses_a_day: guesses that are looked at in a day, in the long run.
        in_a_year: the chance that one of a year's guesses against one token is accepted.
        in_the_study: the same for the whole study.
    """

    steps: int
    guesses_a_day: float
    in_a_year: float
    in_the_study: float


def exposure_of(profile: Profile, study: Study, years: float) -> Exposure:
    """What an attacker at the study's rate reaches under a policy."""
    steps = profile.window_back + profile.window_ahead + 1
    looked_at = guesses_a_day(profile, study.attacker.guesses_a_day)
    miss = log1p(-min(1.0, steps / 10**study.digits)) if steps < 10**study.digits else -inf
    first = guesses_in_all(profile)

    def accepted(days: float) -> float:
        return -expm1(miss * min(first, looked_at * days))

    return Exposure(steps, looked_at, accepted(365.25), accepted(365.25 * years))


def guesses_in_all(profile: Profile) -> float:
    """Guesses after which the token is locked for good."""
    if profile.throttle is ThrottleRule.BACKOFF and profile.throttle_failures_limit is not None:
        return profile.throttle_failures_limit
    return inf


def guesses_a_day(profile: Profile, wanted_a_day: float) -> float:
    """Of the guesses that an attacker makes in a day, evenly, so many are looked at.

    Where a throttle grows with each failure it is the last day's figure that holds.
    """
    if not wanted_a_day:
        return 0.0
    gap_ns = NS_PER_DAY / wanted_a_day
    if profile.throttle is ThrottleRule.NONE:
        return wanted_a_day
    if profile.throttle in (ThrottleRule.FIXED_WINDOW, ThrottleRule.SLIDING_WINDOW):
        # Guesses that are not looked at slide into the window, too: he makes no more than it has.
        a_day = profile.throttle_budget * NS_PER_DAY / (profile.throttle_window_s * NS_PER_S)
        return min(wanted_a_day, a_day)
    budget = Budget("attacked")
    looked_at, now_ns = 0, 0
    seen = [0] * _DAYS_ASKED
    while looked_at < _MOST_ATTEMPTS and now_ns < _DAYS_ASKED * NS_PER_DAY:
        if not is_throttled(budget, now_ns, profile):
            budget = count_attempt(budget, now_ns, profile, accepted=False)
            seen[now_ns // NS_PER_DAY] += 1
            looked_at += 1
            now_ns = max(now_ns + 1, round(now_ns + gap_ns))
        elif budget.failures >= guesses_in_all(profile):
            return float(looked_at)
        else:
            # The first of his evenly spaced guesses after the delay.
            guesses = -(-(budget.blocked_until_ns - now_ns) // max(1, round(gap_ns)))
            now_ns += max(1, round(guesses * gap_ns))
    return float(max(seen[-1], min(seen)))
