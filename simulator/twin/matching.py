"""Which time step a code belongs to, and so what it says about the offset of a clock.

A code of step n that was on the display at the moment s says that n X <= s + x(s) < (n + 1) X: the
clock's offset x lay within one step size X. The moment itself is known within some time only, so
each reading becomes a trapezoid over x: how likely it is that this code was read.

Codes repeat: among the 5761 steps of a day on either side, one code in 174 belongs to a second step
by chance, and a mistyped one to a step at all. So a reading keeps every step that it may mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.twin.readings import CodeReading

SLACK_S = 0.05
"""Added to both ends of every reading: what neither this machine's clock nor the model knows."""
_WIDTHS = (20, 240)
_MOST = 1_000_000


@dataclass(frozen=True)
class Trapezoid:
    """How likely a reading is, as a function of the offset in seconds.

    0 up to `low`, rising to 1 at `low_full`, 1 up to `high_full`, falling to 0 at `high`. It is
    the share of the possible moments at which the display would have shown what was read.
    """

    low: float
    low_full: float
    high_full: float
    high: float

    @property
    def middle(self) -> float:
        """The offset in the middle, in seconds."""
        return (self.low + self.high) / 2

    @property
    def width(self) -> float:
        """From the lowest to the highest possible offset, in seconds."""
        return self.high - self.low

    def outside(self, offset_s: float) -> float:
        """How far an offset is from being possible; negative below, 0 within."""
        return min(0.0, offset_s - self.low) + max(0.0, offset_s - self.high)

    def log(self, offset_s: float) -> float:
        """The logarithm of the likelihood; minus infinity outside."""
        if not self.low < offset_s < self.high:
            return float("-inf")
        share = 1.0
        if offset_s < self.low_full:
            share *= (offset_s - self.low) / (self.low_full - self.low)
        if offset_s > self.high_full:
            share *= (self.high - offset_s) / (self.high - self.high_full)
        return log(share)


class Match:
    """A reading and the steps that it may mean.

    Args:
        reading: what was read.
        steps: the steps that have this code, the nearest to the reading's time first.
        period_s: step size X.
    """

    def __init__(self, reading: CodeReading, steps: Sequence[int], period_s: int) -> None:
        self.reading = reading
        self.steps = tuple(steps)
        self.period_s = period_s

    @cached_property
    def trapezoids(self) -> tuple[Trapezoid, ...]:
        """What each of the steps would say."""
        return tuple(map(self._trapezoid, self.steps))

    def _trapezoid(self, step: int) -> Trapezoid:
        reading, period_ns = self.reading, self.period_s * NS_PER_S
        begin_ns = step * period_ns
        low_s = (begin_ns - reading.last_ns) / NS_PER_S - SLACK_S
        if reading.changed:
            high_s = (begin_ns - reading.first_ns) / NS_PER_S + SLACK_S
            return Trapezoid(low_s, low_s, high_s, high_s)
        high_s = (begin_ns + period_ns - reading.first_ns) / NS_PER_S + SLACK_S
        ramp_s = reading.timing.span_ns / NS_PER_S + 2 * SLACK_S
        if high_s - low_s < 2 * ramp_s:  # the moment is known no better than a step is long
            ramp_s = (high_s - low_s) / 2
        return Trapezoid(low_s, low_s + ramp_s, high_s - ramp_s, high_s)


def match_codes(readings: Sequence[CodeReading], seed: OtpSeed, search_steps: int) -> list[Match]:
    """Each reading with the steps within `search_steps` of its time that have its code.

    Looks nearby first, and further away only for those whose code is not there.
    """
    codes: dict[int, str] = {}

    def code_of(step: int) -> str:
        code = codes.get(step)
        if code is None:
            if len(codes) > _MOST:
                codes.clear()
            code = codes[step] = seed.code_at_step(step)
        return code

    def steps_of(reading: CodeReading, width: int) -> list[int]:
        here = seed.step_at(reading.at_ns)
        low, high = max(0, here - width), here + width
        found = [step for step in range(low, high + 1) if code_of(step) == reading.code]
        return sorted(found, key=lambda step: abs(step - here))

    found: list[list[int]] = [[] for _ in readings]
    for width in (*(width for width in _WIDTHS if width < search_steps), search_steps):
        for index, reading in enumerate(readings):
            if not found[index]:
                found[index] = steps_of(reading, width)
    return [
        Match(reading, steps, seed.period_s) for reading, steps in zip(readings, found, strict=True)
    ]


def verdict_on(reading: CodeReading, seed: OtpSeed) -> str:
    """What a single code says, in words without the code."""
    (match,) = match_codes([reading], seed, NS_PER_DAY // NS_PER_S // seed.period_s)
    if not match.steps:
        return "no code of this seed within a day; kept, and set aside later"
    steps = match.steps[0] - seed.step_at(reading.at_ns)
    return f"fits, {steps:+d} step{'' if abs(steps) == 1 else 's'} from true time"
