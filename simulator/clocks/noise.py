"""Random-walk frequency noise that is a pure function of time."""

from array import array

from mfalab.simulator.clocks.durations import NS_PER_DAY
from mfalab.simulator.entropy import Stream


class RandomWalk:
    """Frequency that takes a normal step once a day, and its integral.

    On day n the frequency error is the sum of n + 1 independent steps N(0, `step_ppm`). With
    0.01 ppm (1e-8) a day the offset after a year is about N(0, 3.5 s):
    86 400 s * 1e-8 * sqrt(365.25^3 / 3). Days are made in order when one is first needed, so the
    values depend on the stream alone and not on what is asked, or when.

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
        day, into_day_ns = divmod(elapsed_ns, NS_PER_DAY)
        if day >= len(self._rates_ppm):
            self._walk_to(day)
        return self._offsets_ns[day] + self._rates_ppm[day] * into_day_ns / 1e6

    def _walk_to(self, day: int) -> None:
        rates_ppm, offsets_ns = self._rates_ppm, self._offsets_ns
        while len(rates_ppm) <= day:
            rate_ppm = rates_ppm[-1] if rates_ppm else 0.0
            offset_ns = offsets_ns[-1] + rate_ppm * NS_PER_DAY / 1e6 if offsets_ns else 0.0
            rates_ppm.append(rate_ppm + self._stream.gauss(0.0, self._step_ppm))
            offsets_ns.append(offset_ns)
