"""The rules for one-time codes, and the one decision that each attempt gets.

The pure half (`decide_code`, `decide_pair`) judges typed codes against a device's state; each
rule is one function. The other half (`verify_code`, `verify_pair`) reads that state from a
transaction and writes the new one, so that two requests with one code cannot both succeed.

Time-based devices: the window lies around the verifier's own step plus the device's offset. Replay
and pair history compare steps as the device counts them, never times: a step
that was accepted stays accepted when the offset or the verifier's clock changes.

Event-based devices: `offset_steps` is the next counter; windows only look ahead (RFC 4226
section 7.4), so no counter up to the accepted one is accepted again.

Codes are compared as numbers of steps, not as texts. Neighbouring steps may have the same code (one
in 10^digits), and both are then good: AWS refuses the *same step* typed twice, which no pair of
neighbours matches, and a typed pair of equal codes has no better chance than any other.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from mfalab.verifier import otp, throttle
from mfalab.verifier.decision import Decision, Outcome
from mfalab.verifier.profile import Profile, ReplayRule
from mfalab.verifier.records import Budget, Device, DeviceKind, MovingFactor, UsedCode, changed
from mfalab.verifier.store.protocol import Conflict, Transaction

# Looking a member up in its enum costs as much as half a hash (CPython 3.11).
_ACCEPTED = Outcome.ACCEPTED
_WRONG = Outcome.WRONG
_REPLAYED = Outcome.REPLAYED
_STALE = Outcome.STALE
_THROTTLED = Outcome.THROTTLED
_EARLY = Outcome.EARLY
_EVENT = MovingFactor.EVENT
_HARDWARE = DeviceKind.HARDWARE
_HIGH_WATER = ReplayRule.HIGH_WATER
_USED_TEXT = ReplayRule.USED_TEXT
_NO_REPLAY_RULE = ReplayRule.NONE


class Verdict(NamedTuple):
    """The judgement of the rules on an attempt."""

    outcome: Outcome
    step: int | None
    """The step that matched; for a pair, the second."""
    server: int
    centre: int
    low: int
    high: int


class StsView(NamedTuple):
    """How STS sees a device whose last pair it does not know in full yet."""

    offset_steps: int
    """Where it centres the window: around the old offset, or the new one."""
    withheld_step: int
    """The step whose code it does not take yet."""
    takes_none: bool = False
    """Whether it takes no code of this device yet."""


Window = tuple[int, int, int, int]
"""The verifier's own step, the centre, and the first and last step that may match.

For a pair these are the steps of its second code. It is empty if the last is below the first.
"""
IsUsed = Callable[[int], bool]
"""Whether the code of a step was accepted before."""


# Rules


def code_window(device: Device, now_ns: int, profile: Profile) -> Window:
    """Where a single code may lie. Steps below 0 do not exist."""
    if device.moving_factor is _EVENT:
        following = device.offset_steps
        return following, following, following, following + profile.hotp_look_ahead
    server = otp.step_at(now_ns, device.period_s)
    centre = server + device.offset_steps
    back, ahead = profile.window_back, profile.window_ahead
    if device.kind is _HARDWARE:
        back = _given(profile.hardware_window_back, back)
        ahead = _given(profile.hardware_window_ahead, ahead)
    if profile.window_growth_s_per_day and device.high_water_step is not None:
        grown = (centre - device.high_water_step) * profile.window_growth_s_per_day // 86_400
        _, _, low, high = pair_window(device, now_ns, profile)
        return server, centre, max(0, low, centre - back - grown), min(high, centre + ahead + grown)
    return server, centre, max(0, centre - back), centre + ahead


def pair_window(device: Device, now_ns: int, profile: Profile) -> Window:
    """Where the second code of a pair may lie; the first lies one step before it."""
    if device.moving_factor is _EVENT:
        following = device.offset_steps
        high = following + profile.hotp_resync_look_ahead
        return following, following, following + 1, high
    server = otp.step_at(now_ns, device.period_s)
    centre = server + device.offset_steps
    back, ahead = profile.pair_back, profile.pair_ahead
    if device.kind is _HARDWARE:
        back = _given(profile.hardware_pair_back, back)
        ahead = _given(profile.hardware_pair_ahead, ahead)
    return server, centre, max(1, centre - back), centre + ahead


def is_replay(device: Device, step: int, profile: Profile, is_used: IsUsed) -> bool:
    """Whether a step's code may not be accepted any more (RFC 6238 section 5.2)."""
    rule = profile.replay
    if rule is _HIGH_WATER:
        newest = device.high_water_step
        if newest is not None and step <= newest:
            return True
    elif rule is _NO_REPLAY_RULE:
        return False
    return is_used(step)


def pair_steps(values: list[int], low: int, first: int, second: int) -> list[int]:
    """The steps n+1 such that n has the first code and n+1 the second.

    `values` are the codes of the steps from `low - 1` on. Both codes are looked for together:
    looking for each alone and comparing steps afterwards refuses one genuine pair in 500 in a
    window of 2,000 steps, because one of them also matches elsewhere.
    """
    return [
        step
        for step, (one, other) in enumerate(pairwise(values), low)
        if one == first and other == second
    ]


def is_stale(device: Device, second_step: int, profile: Profile, is_used: IsUsed) -> bool:
    """Whether a pair is not newer than the device's history.

    Both steps must be newer than the last accepted pair. Where a pair consumes its codes, neither
    may have been consumed before.
    """
    if device.last_pair_step is not None and second_step - 1 <= device.last_pair_step:
        return True
    return profile.pair_consumes_codes and (
        is_replay(device, second_step - 1, profile, is_used)
        or is_replay(device, second_step, profile, is_used)
    )


def learnt_offset(device: Device, found_steps: int, profile: Profile) -> int:
    """The offset after a single code (RFC 6238 section 6).

    An observer who holds back codes could lead the window away by its half width with each of them;
    the limit is counted from the last pair's offset, so it cannot be moved that way.
    """
    if not profile.drift_memory:
        return device.offset_steps
    limit = profile.drift_memory_limit_steps
    if limit is None:
        return found_steps
    anchor = device.pair_offset_steps
    return max(anchor - limit, min(anchor + limit, found_steps))


# Pure decisions


def judge_code(
    device: Device, code: str, now_ns: int, profile: Profile, is_used: IsUsed
) -> Verdict:
    """Window and replay for one code. Every candidate is computed, then compared."""
    server, centre, low, high = code_window(device, now_ns, profile)
    typed = otp.typed_value(code, device.digits)
    values = otp.key_schedule(device.secret, device.algorithm).values(low, high, device.digits)
    matches = [step for step, value in enumerate(values, low) if value == typed]
    if len(matches) > 1:
        _sort_by_distance(matches, centre)
        if profile.replay is _USED_TEXT and any(map(is_used, matches)):
            return Verdict(_REPLAYED, matches[0], server, centre, low, high)
    for step in matches:
        if not is_replay(device, step, profile, is_used):
            return Verdict(_ACCEPTED, step, server, centre, low, high)
    if matches:
        return Verdict(_REPLAYED, matches[0], server, centre, low, high)
    is_replay(device, centre, profile, is_used)  # a wrong code takes the time of a right one
    return Verdict(_WRONG, None, server, centre, low, high)


def judge_pair(
    device: Device, code1: str, code2: str, now_ns: int, profile: Profile, is_used: IsUsed
) -> Verdict:
    """Search and history for two consecutive codes (RFC 4226 section 7.4)."""
    server, centre, low, high = pair_window(device, now_ns, profile)
    first = otp.typed_value(code1, device.digits)
    second = otp.typed_value(code2, device.digits)
    values = otp.key_schedule(device.secret, device.algorithm).values(low - 1, high, device.digits)
    matches = pair_steps(values, low, first, second)
    if not matches:
        return Verdict(_WRONG, None, server, centre, low, high)
    _sort_by_distance(matches, centre)
    for step in matches:
        if not is_stale(device, step, profile, is_used):
            return Verdict(_ACCEPTED, step, server, centre, low, high)
    return Verdict(_STALE, matches[0], server, centre, low, high)


def decide_code(
    device: Device, budget: Budget, code: str, now_ns: int, profile: Profile, is_used: IsUsed
) -> Verdict:
    """The whole decision on one code: throttle, shape, window, replay."""
    if throttle.is_throttled(budget, now_ns, profile):
        return Verdict(_THROTTLED, None, *code_window(device, now_ns, profile))
    return judge_code(device, code, now_ns, profile, is_used)


def decide_pair(
    device: Device,
    budget: Budget,
    code1: str,
    code2: str,
    now_ns: int,
    profile: Profile,
    is_used: IsUsed,
) -> Verdict:
    """The whole decision on a pair; throttled only where pairs count as attempts."""
    if profile.pair_counts_as_attempt and throttle.is_throttled(budget, now_ns, profile):
        return Verdict(_THROTTLED, None, *pair_window(device, now_ns, profile))
    return judge_pair(device, code1, code2, now_ns, profile, is_used)


def after_code(device: Device, step: int, server_step: int, profile: Profile) -> Device:
    """The device after the code of `step` was accepted."""
    if device.moving_factor is _EVENT:
        offset = step + 1
    else:
        offset = learnt_offset(device, step - server_step, profile)
    return changed(
        device, offset_steps=offset, high_water_step=_newest(device.high_water_step, step)
    )


def after_pair(device: Device, second_step: int, server_step: int, profile: Profile) -> Device:
    """The device after a pair was accepted that ends with `second_step`."""
    offset = device.offset_steps
    if device.moving_factor is _EVENT:
        offset = second_step + 1
    elif profile.pair_sets_offset:
        offset = second_step - server_step
    high_water = device.high_water_step
    if profile.pair_consumes_codes:
        high_water = _newest(high_water, second_step)
    return changed(
        device,
        offset_steps=offset,
        pair_offset_steps=offset,
        last_pair_step=_newest(device.last_pair_step, second_step),
        high_water_step=high_water,
    )


# Decisions in a transaction


def verify_code(
    tx: Transaction,
    device: Device,
    code: str,
    *,
    now_ns: int,
    profile: Profile,
    operation: str,
    view: StsView | None = None,
) -> Decision:
    """Decide on one code, as IAM knows the device or in this view, and write the consequences.

    Writes the budget, and on acceptance the `UsedCode` and the device: read the device again from
    `tx` before changing it further.

    Raises:
        ValueError: the device has no secret, so it is not one that shows codes.
    """
    _require_secret(device)
    budget = tx.get(Budget, device.serial) or Budget(device.serial)
    is_used = _used_in(tx, device)
    seen = device if view is None else changed(device, offset_steps=view.offset_steps)
    verdict = _in_view(view, decide_code(seen, budget, code, now_ns, profile, is_used))
    _count(tx, budget, verdict, now_ns, profile)
    if verdict.outcome is _THROTTLED and profile.throttled_code_is_used:
        unseen = judge_code(seen, code, now_ns, profile, is_used)
        if unseen.step is not None:
            spend(tx, device, unseen.step)
    if verdict.outcome is _ACCEPTED and verdict.step is not None:
        if profile.replay is _NO_REPLAY_RULE or spend(tx, device, verdict.step):
            after = after_code(device, verdict.step, verdict.server, profile)
            if seen.offset_steps != device.offset_steps:
                # Found around an offset that a pair has replaced: nothing to learn from.
                after = changed(after, offset_steps=device.offset_steps)
            device = after
            tx.update(device)
        else:
            verdict = verdict._replace(outcome=_REPLAYED)
    return _decision(verdict, device, now_ns, operation)


def verify_pair(
    tx: Transaction,
    device: Device,
    code1: str,
    code2: str,
    *,
    now_ns: int,
    profile: Profile,
    operation: str,
) -> Decision:
    """Decide on two consecutive codes and write the consequences.

    Writes the budget if pairs count as attempts, and on acceptance the device (and `UsedCode`s if
    pairs consume codes): read the device again from `tx` before changing it further.

    Raises:
        ValueError: the device has no secret, so it is not one that shows codes.
    """
    _require_secret(device)
    budget = tx.get(Budget, device.serial) or Budget(device.serial)
    is_used = _used_in(tx, device)
    verdict = decide_pair(device, budget, code1, code2, now_ns, profile, is_used)
    if profile.pair_counts_as_attempt:
        _count(tx, budget, verdict, now_ns, profile)
    if verdict.outcome is _ACCEPTED and verdict.step is not None:
        if not profile.pair_consumes_codes or spend(tx, device, verdict.step - 1, verdict.step):
            device = after_pair(device, verdict.step, verdict.server, profile)
            tx.update(device)
            if profile.pair_forgives_failures and budget.failures:
                tx.update(throttle.forgiven(budget))
        else:
            verdict = verdict._replace(outcome=_STALE)
    return _decision(verdict, device, now_ns, operation)


def spend(tx: Transaction, device: Device, *steps: int) -> bool:
    """Mark steps as used; False if one was. The key of `UsedCode` makes a code single-use."""
    try:
        for step in steps:
            tx.insert(UsedCode(device.id, step))
    except Conflict:
        return False
    return True


def _count(
    tx: Transaction, budget: Budget, verdict: Verdict, now_ns: int, profile: Profile
) -> None:
    if verdict.outcome is _THROTTLED:
        counted = throttle.count_unseen(budget, now_ns, profile)
    else:
        accepted = verdict.outcome is _ACCEPTED
        counted = throttle.count_attempt(budget, now_ns, profile, accepted=accepted)
    if counted != budget:
        tx.update(counted)


def _in_view(view: StsView | None, verdict: Verdict) -> Verdict:
    """A verdict as STS gives it: right codes that it does not take yet are early."""
    if view is None or verdict.outcome is not _ACCEPTED:
        return verdict
    early = view.takes_none or verdict.step == view.withheld_step
    return verdict._replace(outcome=_EARLY) if early else verdict


def _used_in(tx: Transaction, device: Device) -> IsUsed:
    return lambda step: tx.get(UsedCode, device.id, step) is not None


def _require_secret(device: Device) -> None:
    if not device.secret:
        raise ValueError(
            f"{device.kind} device {device.serial} has no secret and shows no codes; "
            "verify codes of virtual and hardware devices only"
        )


def _decision(verdict: Verdict, device: Device, now_ns: int, operation: str) -> Decision:
    return Decision(
        outcome=verdict.outcome,
        serial=device.serial,
        operation=operation,
        now_ns=now_ns,
        server_step=verdict.server,
        centre_step=verdict.centre,
        low_step=verdict.low,
        high_step=verdict.high,
        matched_step=verdict.step,
        offset_steps=device.offset_steps,
    )


def _sort_by_distance(steps: list[int], centre: int) -> None:
    steps.sort(key=lambda step: (abs(step - centre), step))


def _given(figure: int | None, otherwise: int) -> int:
    return otherwise if figure is None else figure


def _newest(known: int | None, step: int) -> int:
    return step if known is None else max(known, step)
