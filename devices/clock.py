"""The one shape of a clock."""

from typing import Protocol


class Clock(Protocol):
    """A source of time, right or wrong."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch, as this clock believes."""
