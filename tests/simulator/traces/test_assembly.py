"""Packets and APDUs become messages; every frame is in exactly one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.ctap.ctaphid import packets
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.traces.assembly import Assembler, command_data
from mfalab.simulator.traces.dissect import Dissector, Message, dissect
from mfalab.simulator.traces.frames import Frame, FrameKind

TO_KEY, TO_HOST = Direction.TO_KEY, Direction.TO_HOST
PING, WINK, CBOR, CANCEL, KEEPALIVE = 0x01, 0x08, 0x10, 0x11, 0x3B
CHANNEL = 0x01020304


def sent(command: int, data: bytes = b"", channel: int = CHANNEL) -> list[Frame]:
    return [Frame(0, TO_KEY, report) for report in packets(channel, command, data)]


def heard(command: int, data: bytes = b"", channel: int = CHANNEL) -> list[Frame]:
    return [Frame(0, TO_HOST, report) for report in packets(channel, command, data)]


def summaries(*frames: list[Frame] | Frame) -> list[str]:
    flat = [each for part in frames for each in (part if isinstance(part, list) else [part])]
    return [message.summary for message in dissect(flat)]


@given(st.lists(st.binary(max_size=70), max_size=8), st.lists(st.booleans(), min_size=8))
def test_every_frame_is_in_exactly_one_message(data: list[bytes], kinds: list[bool]) -> None:
    """Whatever is fed: the recorder writes a frame when its message comes."""
    dissector = Dissector()
    messages: list[Message] = []
    for number, (each, kind) in enumerate(zip(data, kinds, strict=False)):
        way = TO_KEY if len(each) % 2 else TO_HOST
        report = each.ljust(64, b"\0")[:64]
        frame = Frame(number, way, report if kind else each)
        if not kind:
            frame = Frame(number, way, each, FrameKind.APDU)
        messages += dissector.feed(frame)
    messages += dissector.finish()
    numbers = [
        number
        for message in messages
        if message.assembled is not None
        for number in message.assembled.numbers
    ]
    assert sorted(numbers) == list(range(len(data)))


def test_a_new_message_ends_what_was_not_complete() -> None:
    told = summaries(sent(PING, b"p" * 100)[:1], sent(WINK), sent(PING, b"p" * 58)[1:])
    assert told[0].endswith("(57 of 100 bytes)")
    assert told[1] == "WINK"
    assert told[2].endswith("(a continuation packet out of nowhere)")


def test_a_wrong_sequence_number_is_told() -> None:
    reports = sent(PING, b"p" * 200)
    told = summaries(reports[0], reports[2])
    assert told[0].endswith("(57 of 200 bytes)")
    assert told[1].endswith("(continuation packet 1 where 0 is due)")


def test_keepalive_and_cancel_end_nothing() -> None:
    long = heard(CBOR, b"\0" + bytes(100))
    told = summaries(
        sent(CBOR, b"\x04"), long[0], heard(KEEPALIVE, b"\x01"), sent(CANCEL), long[1:]
    )
    assert [each.split()[0] for each in told] == ["CBOR", "KEEPALIVE", "CANCEL", "CBOR"]
    assert not any("of" in each.split() for each in told)


def test_a_part_of_a_payload_is_found_in_its_frames() -> None:
    assembler = Assembler()
    (whole,) = [each for frame in sent(PING, b"p" * 100) for each in assembler.feed(frame)]
    assert list(whole.spans(50, 60)) == [(0, 57, 64), (1, 5, 8)]
    assert assembler.finish() == []


def test_what_was_masked_in_frames_is_masked_in_the_payload() -> None:
    assembler = Assembler()
    first, second = sent(PING, b"p" * 100)
    assert assembler.feed(first) == []
    (whole,) = assembler.feed(second.mask(((5, 7),)))
    assert whole.payload_masked() == ((57, 59),)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("00030000", (4, 0)),
        ("0003000000", (5, 0)),
        ("00a4040002abcd00", (5, 2)),
        ("00a4040009abcd", (5, 2)),  # more is announced than comes
        ("00030000000000", (7, 0)),
        ("0001030000000201020000", (7, 2)),
    ],
)
def test_data_of_a_command_are_found_in_short_and_extended_apdus(
    text: str, place: tuple[int, int]
) -> None:
    assert command_data(bytes.fromhex(text)) == place
