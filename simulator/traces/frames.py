"""What a recording consists of: reports and APDUs with their times, and power coming and going."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from mfalab.devices.transports.wire import Direction


@unique
class FrameKind(Enum):
    """What a frame is."""

    REPORT = "CTAPHID report"
    APDU = "APDU"
    POWER_ON = "power on"
    POWER_OFF = "power off"


@dataclass(frozen=True, slots=True)
class Frame:
    """One thing that passed.

    Attributes:
        ts_ns: when, in nanoseconds since the Unix epoch by the recorder's clock.
        direction: which way; power comes from the host.
        data: the report without a report number, or the APDU.
        kind: what it is.
        masked: where secrets have been overwritten with zeros, as (start, end) in `data`.
    """

    ts_ns: int
    direction: Direction
    data: bytes
    kind: FrameKind = FrameKind.REPORT
    masked: tuple[tuple[int, int], ...] = ()

    def mask(self, spans: tuple[tuple[int, int], ...]) -> Frame:
        """The same with zeros there, and everything remembered that was masked."""
        if not spans:
            return self
        data = bytearray(self.data)
        for start, end in spans:
            data[start:end] = bytes(len(data[start:end]))
        masked = tuple(sorted({*self.masked, *spans}))
        return Frame(self.ts_ns, self.direction, bytes(data), self.kind, masked)
