"""Random-walk frequency noise that is a pure function of time."""

from array import array
from math import sqrt
from typing import Final

from mfalab.simulator.clocks.durations import NS_PER_DAY
from mfalab.simulator.entropy import Stream

DAILY: Final = 2**14
"""So many steps are taken once a day, 45 years; of a time step that comes later, so many days."""


class RandomWalk:
    """Frequency that takes a normal step once a day, and its integral.

    On day n the frequency error is the sum of n + 1 independent steps N(0, `step_ppm`). With
    0.01 ppm (1e-8) a day the offset after a year is about N(0, 3.5 s):
    86 400 s * 1e-8 * sqrt(365.25^3 / 3). Days are made in order when one is first needed, so the
    values depend on the stream alone and not on what is asked, or when. After `DAILY` days, when no
    battery lasts any more, it takes one step of the same spread for as many days at once, so that
    the year 9999 is as near as a lifetime.

    Args:
        stream: A stream of its own, used for nothing else.
        step_ppm: Standard deviation of the daily step.
    """

    __slots__ = ("_offsets_ns", "_rates_ppm", "_step_ppm", "_stream")

    def __init__(self, stream: Stream, step_ppm: float) -> None:
        self._stream = stream
        self._step_ppm = step_ppm
        # A lab of a thousand clocks lives for years: eight octets a day, not an object.
        self._rates_ppm = array("d")
        self._offsets_ns = array("d")

    def offset_ns(self, elapsed_ns: int) -> float:
        """The offset gathered after `elapsed_ns`; 0 before the walk began."""
        if elapsed_ns <= 0:
            return 0.0
        day, into_ns = divmod(elapsed_ns, NS_PER_DAY)
        if day >= DAILY:
            late, into_ns = divmod(elapsed_ns, _length_ns(DAILY))
            day = DAILY + late - 1
        if day >= len(self._rates_ppm):
            self._walk_to(day)
        return self._offsets_ns[day] + self._rates_ppm[day] * into_ns / 1e6

    def _walk_to(self, last: int) -> None:
        rates_ppm, offsets_ns = self._rates_ppm, self._offsets_ns
        for step in range(len(rates_ppm), last + 1):
            rate_ppm = rates_ppm[-1] if rates_ppm else 0.0
            gained_ns = rate_ppm * _length_ns(step - 1) / 1e6
            spread_ppm = self._step_ppm * sqrt(_length_ns(step) // NS_PER_DAY)
            rates_ppm.append(rate_ppm + self._stream.gauss(0.0, spread_ppm))
            offsets_ns.append(offsets_ns[-1] + gained_ns if offsets_ns else 0.0)


def _length_ns(step: int) -> int:
    """How long a step's frequency lasts."""
    return NS_PER_DAY if step < DAILY else DAILY * NS_PER_DAY
