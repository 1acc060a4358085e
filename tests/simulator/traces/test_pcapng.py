"""The pcapng reader takes files of other programs too, and refuses what is none."""

from __future__ import annotations

import io
import struct

import pytest

from mfalab.simulator.traces.pcapng import NotACapture, Packet, Port, Reader, Writer


@pytest.mark.parametrize("content", [b"\xd4\xc3\xb2\xa1" + bytes(20), b"hello"])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(NotACapture, match=r"the file is no capture\. Record one"):
        list(Reader(io.BytesIO(content)))


def block(order: str, kind: int, body: bytes) -> bytes:
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def test_files_of_other_programs_are_read() -> None:
    """Big-endian, microseconds, two sections, blocks that are unknown here."""
    section = block(">", 0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1))
    port = block(">", 1, struct.pack(">HHI", 220, 0, 0))
    unknown = block(">", 0x0BAD, b"1234")
    packet = block(">", 6, struct.pack(">IIIII", 0, 0, 1_500_000, 3, 3) + b"abc\0")
    small = io.BytesIO()
    Writer(small).write(Writer(small).add_port(Port(1)), 7, b"x", ["said"])
    found = list(Reader(io.BytesIO(section + port + unknown + packet + small.getvalue())))
    assert found == [
        Packet(Port(220, ticks_per_s=10**6), 1_500_000_000, b"abc"),
        Packet(Port(1), 7, b"x", ("said",)),
    ]


def test_times_of_a_port_have_its_resolution_and_offset() -> None:
    options = struct.pack("<HHB3x", 9, 1, 0x80 | 4) + struct.pack("<HHq", 14, 8, 10)
    section = block("<", 0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    port = block("<", 1, struct.pack("<HHI", 220, 0, 0) + options)
    packet = block("<", 6, struct.pack("<IIIII", 0, 0, 8, 1, 1) + b"x\0\0\0")
    (found,) = Reader(io.BytesIO(section + port + packet))
    assert found.ts_ns == 10_500_000_000  # 8 sixteenths of a second, 10 s later
