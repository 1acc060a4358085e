"""How long things took, with their spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """The spread of one measurement, in nanoseconds.

    Attributes:
        name: what was measured.
        count: how often.
        least_ns: the shortest.
        median_ns: half of them took no longer.
        p95_ns: 95 of 100 took no longer.
        most_ns: the longest.
    """

    name: str
    count: int
    least_ns: int
    median_ns: int
    p95_ns: int
    most_ns: int

    @classmethod
    def of(cls, name: str, durations_ns: Sequence[int]) -> Spread:
        """The spread of at least one duration."""
        ordered = sorted(durations_ns)
        return cls(
            name, len(ordered), ordered[0], _rank(ordered, 50), _rank(ordered, 95), ordered[-1]
        )


class Stopwatch:
    """Durations by what was measured."""

    def __init__(self) -> None:
        self._found: dict[str, list[int]] = {}

    def add(self, name: str, duration_ns: int) -> None:
        """Something took that long."""
        self._found.setdefault(name, []).append(duration_ns)

    def durations_ns(self, name: str) -> list[int]:
        """All durations of one measurement."""
        return list(self._found.get(name, ()))

    @property
    def spreads(self) -> tuple[Spread, ...]:
        """The spread of everything that was measured, by name."""
        return tuple(Spread.of(name, found) for name, found in sorted(self._found.items()))


def _rank(ordered: Sequence[int], percent: int) -> int:
    """The nearest-rank percentile."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
