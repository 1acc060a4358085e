"""Recordings are files: what is written is read, masks included, whole or cut."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.ctap.ctaphid import packets
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.traces.capture import CaptureReader, CaptureWriter, read_capture
from mfalab.simulator.traces.dissect import dissect
from mfalab.simulator.traces.frames import Frame, FrameKind

Record = Callable[..., Path]
POWER_ON = Frame(5, Direction.TO_KEY, b"", FrameKind.POWER_ON)


@st.composite
def frames(draw: st.DrawFn) -> list[Frame]:
    """Reports and APDUs in any order."""
    ways = st.sampled_from(Direction)
    times = st.integers(0, 2**63)
    reports = st.builds(Frame, times, ways, st.binary(min_size=64, max_size=64))
    apdus = st.builds(
        Frame, times, ways, st.binary(min_size=1, max_size=300), st.just(FrameKind.APDU)
    )
    return draw(st.lists(reports | apdus, max_size=6))


def written(sequence: list[Frame], comments: list[str] | None = None) -> bytes:
    file = io.BytesIO()
    writer = CaptureWriter(file, name="key", comment="about")
    for frame in sequence:
        writer.write(frame, comments or [])
    return file.getvalue()


@given(frames())
def test_what_is_written_is_read(sequence: list[Frame]) -> None:
    reader = CaptureReader(io.BytesIO(written(sequence)))
    assert list(reader) == sequence
    assert reader.cut is (not sequence)  # nothing was heard: not even an interface


def test_masks_are_remembered() -> None:
    masked = Frame(1, Direction.TO_KEY, b"x" * 64).mask(((3, 9), (20, 64)))
    assert masked.data == b"xxx" + bytes(6) + b"x" * 11 + bytes(44)
    (read,) = CaptureReader(io.BytesIO(written([masked], ["said"])))
    assert read == masked


def test_a_file_that_is_cut_anywhere_is_read_to_there() -> None:
    sequence = [
        POWER_ON,
        *(Frame(6, Direction.TO_KEY, report) for report in packets(7, 1, b"p" * 100)),
        Frame(7, Direction.TO_KEY, b"", FrameKind.POWER_OFF),
        Frame(8, Direction.TO_HOST, b"\x90\x00", FrameKind.APDU),
    ]
    whole = written(sequence, ["a comment"])
    counts = []
    for size in range(len(whole) + 1):
        reader = CaptureReader(io.BytesIO(whole[:size]))
        read = list(reader)
        assert read == sequence[: len(read)]
        counts.append(len(read))
    assert counts == sorted(counts)
    assert counts[-1] == len(sequence)
    assert not reader.cut


def test_every_packet_is_in_the_file_when_write_returns(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    with path.open("wb") as file:
        writer = CaptureWriter(file)
        for count in range(1, 4):
            writer.write(Frame(1, Direction.TO_KEY, bytes(64)))
            assert len(read_capture(path)[0]) == count


def test_nonsense_after_good_blocks_ends_the_file() -> None:
    good = written([Frame(1, Direction.TO_KEY, bytes(64))])
    for rest in (b"\xff" * 40, struct.pack("<III", 6, 12, 12), struct.pack("<II", 6, 2**31)):
        reader = CaptureReader(io.BytesIO(good + rest))
        assert len(list(reader)) == 1
        assert reader.cut


def test_a_masked_recording_is_shown_masked_even_if_secrets_are_asked_for(
    record: Record, session: Any
) -> None:
    sequence, _, _ = read_capture(record(session))
    for reveal in (False, True):
        told = [each.summary for each in dissect(sequence, reveal=reveal)]
        token = next(each for each in told if "getTokenUsingPin SUCCESS" in each)
        assert token.endswith("{/pinUvAuthToken/ 2: h'******' /48 bytes/}")
