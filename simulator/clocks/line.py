"""A clock's offset over a stretch of true time, as few points with straight lines between them.

A clock is a function of true time, so what it believed at any instant is known afterwards as well.
A log needs no samples of it while time passes: it needs the points between which a straight line
says as much.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from mfalab.simulator.clocks.base import DeviceClock
from mfalab.simulator.clocks.durations import NS_PER_S

TOLERANCE_NS: Final = NS_PER_S // 5
"""How far the line may pass from the clock; a time step of 30 s has 150 of it."""
_PARTS: Final = 48
"""In how many parts a stretch is looked at, besides the instants at which a clock turns."""
_SHORT_NS: Final = 600 * NS_PER_S
"""In less than this no clock leaves a straight line."""

Point = tuple[int, int]
"""True time and offset (believed minus true), both in nanoseconds."""


def line(clock: DeviceClock, start_ns: int, end_ns: int) -> list[Point]:
    """The offset of a clock from `start_ns` to `end_ns`, both ends included."""
    turns = [turn for turn in clock.turns_ns() if start_ns < turn <= end_ns]
    edges = sorted({start_ns, end_ns, *turns, *(turn - 1 for turn in turns)})
    span_ns = end_ns - start_ns
    parts = _PARTS if span_ns > _SHORT_NS else 1
    looked = sorted({*edges, *(start_ns + span_ns * part // parts for part in range(parts))})
    points = [(true_ns, clock.believed_ns(true_ns) - true_ns) for true_ns in looked]
    at = {true_ns: index for index, true_ns in enumerate(looked)}
    return _simplified(points, {at[edge] for edge in edges})


def _simplified(points: list[Point], keep: set[int]) -> list[Point]:
    """The points without those that a line through their neighbours shows as well.

    The method of Ramer, Douglas and Peucker, with the distance taken along the offset's axis.
    """
    stretches = list(pairwise(sorted(keep)))
    while stretches:
        low, high = stretches.pop()
        if high - low < 2:
            continue
        (from_ns, left), (to_ns, right) = points[low], points[high]
        slope = (right - left) / (to_ns - from_ns)
        distance, farthest = max(
            (abs(offset - left - slope * (true_ns - from_ns)), index)
            for index, (true_ns, offset) in enumerate(points[low + 1 : high], start=low + 1)
        )
        if distance > TOLERANCE_NS:
            keep.add(farthest)
            stretches += [(low, farthest), (farthest, high)]
    return [points[index] for index in sorted(keep)]
