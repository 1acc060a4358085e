"""What can go wrong on the wire: named switches, all off unless they are set.

Faults strike reports on their way between a host and a key. Chances are drawn from a random stream
given from outside, one draw for each fault that is switched on and each report, so the same seed
spoils the same reports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import Enum, unique


@unique
class Direction(Enum):
    """Which way a report goes."""

    TO_KEY = "to the key"
    TO_HOST = "to the host"


@dataclass(frozen=True, slots=True)
class WireFaults:
    """One set of switches. Chances are from 0, never, to 1, always.

    Attributes:
        lost: chance that a report never arrives.
        duplicated: chance that a report arrives twice.
        reordered: chance that a report arrives after the next one; with no next one, when this
            is switched off.
        corrupted: chance that one bit of a report is wrong.
        stalled: the endpoint takes reports and holds them until this is switched off.
        direction: the only way on which the faults strike; None for both.
        only: the only reports that they strike, counted from 0 in each direction since the faults
            were set; None for all.
    """

    lost: float = 0.0
    duplicated: float = 0.0
    reordered: float = 0.0
    corrupted: float = 0.0
    stalled: bool = False
    direction: Direction | None = None
    only: frozenset[int] | None = None

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)[:4]):
            chance = getattr(self, name)
            if not 0 <= chance <= 1:
                raise ValueError(f"{name} is a chance from 0 to 1, not {chance}")


GOOD_WIRE = WireFaults()
"""A wire without faults."""


class _Way:
    """One direction: what is held back, and how many reports went by."""

    def __init__(self) -> None:
        self.count = 0
        self.late: bytes | None = None
        self.stalled: list[bytes] = []


class Wire:
    """A wire between hosts and one key.

    Args:
        random_bytes: where the chances come from.
        faults: what is wrong with it.
    """

    def __init__(
        self, random_bytes: Callable[[int], bytes], faults: WireFaults = GOOD_WIRE
    ) -> None:
        self._random_bytes = random_bytes
        self._faults = faults
        self._good = faults == GOOD_WIRE
        self._ways = {direction: _Way() for direction in Direction}

    @property
    def faults(self) -> WireFaults:
        """What is wrong with it; setting it starts counting again."""
        return self._faults

    @faults.setter
    def faults(self, faults: WireFaults) -> None:
        self._faults = faults
        self._good = faults == GOOD_WIRE
        for way in self._ways.values():
            way.count = 0

    def carry(self, direction: Direction, report: bytes | None = None) -> list[bytes]:
        """What comes out at the other end when this report, or none, goes in."""
        faults, way = self._faults, self._ways[direction]
        if report is None:
            arrived = []
        elif self._good:
            arrived = [report]
        else:
            arrived = self._strike(report, direction, way)
        if way.late is not None and (arrived or self._good):
            arrived.append(way.late)
            way.late = None
        if faults.stalled and faults.direction in {None, direction}:
            way.stalled += arrived
            return []
        if way.stalled:
            arrived, way.stalled = way.stalled + arrived, []
        return arrived

    def cut(self) -> None:
        """Forget everything on its way: the key was pulled out."""
        for way in self._ways.values():
            way.late, way.stalled = None, []

    def _strike(self, report: bytes, direction: Direction, way: _Way) -> list[bytes]:
        faults, number = self._faults, way.count
        way.count += 1
        if faults.direction not in {None, direction}:
            return [report]
        if faults.only is not None and number not in faults.only:
            return [report]
        if self._happens(faults.lost):
            return []
        if self._happens(faults.corrupted):
            bit = int.from_bytes(self._random_bytes(2)) % (8 * len(report))
            spoiled = bytearray(report)
            spoiled[bit // 8] ^= 1 << bit % 8
            report = bytes(spoiled)
        if way.late is None and self._happens(faults.reordered):
            way.late = report
            return []
        return [report, report] if self._happens(faults.duplicated) else [report]

    def _happens(self, chance: float) -> bool:
        if chance in {0, 1}:
            return bool(chance)
        return int.from_bytes(self._random_bytes(4)) < chance * 2**32
