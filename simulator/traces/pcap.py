"""pcap, tcpdump's own file format: a reader. What we write is pcapng.

Source: draft-ietf-opsawg-pcap, PCAP Capture File Format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.traces.pcapng import Packet, Port

_TICKS_PER_S: Final = {0xA1B2C3D4: 10**6, 0xA1B23C4D: NS_PER_S}
MAGICS: Final = frozenset(
    struct.pack(f"{order}I", magic) for magic in _TICKS_PER_S for order in "<>"
)
"""How a file begins, in either byte order, with microseconds or nanoseconds."""
_LARGEST_PACKET: Final = 1 << 24


class PcapReader:
    """Reads the packets of a file that begins with one of `MAGICS`.

    Args:
        file: where from.

    Attributes:
        cut: whether the file ends in the middle of a packet; known when all have been read.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.cut = False

    def __iter__(self) -> Iterator[Packet]:
        head = self._file.read(24)
        if len(head) < 24:
            self.cut = True
            return
        order = "<" if struct.unpack("<I", head[:4])[0] in _TICKS_PER_S else ">"
        (magic,) = struct.unpack(f"{order}I", head[:4])
        (linktype,) = struct.unpack(f"{order}I", head[20:])
        port = Port(linktype & 0xFFFF, ticks_per_s=_TICKS_PER_S[magic])
        while head := self._file.read(16):
            if len(head) < 16:
                self.cut = True
                return
            seconds, ticks, size, _ = struct.unpack(f"{order}IIII", head)
            data = self._file.read(min(size, _LARGEST_PACKET))
            if len(data) < size:
                self.cut = True
                return
            yield Packet(port, seconds * NS_PER_S + ticks * NS_PER_S // port.ticks_per_s, data)
