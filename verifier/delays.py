"""Delays: how late one part of the service learns what another part has done.

A delay is a range of seconds in the profile. Each time one begins, its length is drawn from a
stream of its own, named after the figure, what it is about, and the moment. So no draw moves
another one, and the same story under the same seed has the same delays.
"""

from collections.abc import Callable
from typing import NamedTuple

from mfalab.verifier.moments import SECOND_NS

Streams = Callable[[str], Callable[[int], bytes]]
"""From a stream's name to a function from a length to that many bytes, at the stream's start."""

_BYTES = 8


class Delay(NamedTuple):
    """A delay that is drawn anew each time, evenly between its ends, which belong to it."""

    least_s: int = 0
    most_s: int = 0

    def __str__(self) -> str:
        if self.least_s == self.most_s:
            return f"{self.least_s} s"
        return f"{self.least_s} s to {self.most_s} s"


def draw_ns(delay: Delay, streams: Streams, name: str) -> int:
    """A delay's length, in nanoseconds; a delay without a choice draws nothing."""
    least_ns, most_ns = delay.least_s * SECOND_NS, delay.most_s * SECOND_NS
    if least_ns == most_ns:
        return least_ns
    drawn = int.from_bytes(streams(name)(_BYTES))
    return least_ns + (most_ns - least_ns) * drawn // ((1 << 8 * _BYTES) - 1)
