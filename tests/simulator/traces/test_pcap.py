"""tcpdump's own files, in both byte orders and resolutions, whole and cut."""

from __future__ import annotations

import io
import struct

import pytest

from mfalab.simulator.traces.pcap import PcapReader

PACKETS = [(1_700_000_000, 250, b"one"), (1_700_000_001, 0, b"the other")]


def written(order: str, magic: int, linktype: int = 220) -> bytes:
    text = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, linktype)
    for seconds, ticks, data in PACKETS:
        text += struct.pack(f"{order}IIII", seconds, ticks, len(data), len(data)) + data
    return text


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "ns"), [(0xA1B2C3D4, 250_000), (0xA1B23C4D, 250)])
def test_packets_have_their_bytes_and_their_time(order: str, magic: int, ns: int) -> None:
    reader = PcapReader(io.BytesIO(written(order, magic)))
    assert [(each.ts_ns, each.data, each.port.linktype) for each in reader] == [
        (1_700_000_000 * 10**9 + ns, b"one", 220),
        (1_700_000_001 * 10**9, b"the other", 220),
    ]
    assert not reader.cut


@pytest.mark.parametrize("missing", range(1, 25))
def test_file_that_was_cut_is_read_up_to_its_last_whole_packet(missing: int) -> None:
    reader = PcapReader(io.BytesIO(written("<", 0xA1B2C3D4)[:-missing]))
    assert [each.data for each in reader] == [b"one"]
    assert reader.cut


def test_file_that_ends_in_its_head_is_cut() -> None:
    reader = PcapReader(io.BytesIO(written("<", 0xA1B2C3D4)[:20]))
    assert list(reader) == []
    assert reader.cut
