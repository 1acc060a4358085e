"""Requests find their answers, and what a key waited for its user is not its own time."""

from __future__ import annotations

from mfalab.devices.ctap.ctaphid import packets
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.traces.dissect import dissect
from mfalab.simulator.traces.exchanges import NO_ANSWER, Exchange, exchanges
from mfalab.simulator.traces.frames import Frame, FrameKind

NS_PER_MS = 10**6
MSG, CBOR, CANCEL, KEEPALIVE, ERROR = 0x03, 0x10, 0x11, 0x3B, 0x3F


def asked(*frames: Frame) -> list[Exchange]:
    return exchanges(dissect(frames))


def sent(command: int, data: bytes, at_ms: int = 0, channel: int = 7) -> Frame:
    return Frame(at_ms * NS_PER_MS, Direction.TO_KEY, packets(channel, command, data)[0])


def heard(command: int, data: bytes, at_ms: int = 0, channel: int = 7) -> Frame:
    return Frame(at_ms * NS_PER_MS, Direction.TO_HOST, packets(channel, command, data)[0])


def test_the_wait_for_the_user_is_no_time_of_the_key() -> None:
    (found,) = asked(
        sent(CBOR, b"\x04"),
        heard(KEEPALIVE, b"\x01", 10),
        heard(KEEPALIVE, b"\x02", 30),
        heard(KEEPALIVE, b"\x02", 130),
        heard(KEEPALIVE, b"\x01", 500),
        heard(CBOR, b"\0", 520),
    )
    assert found.asked_user
    assert found.busy_ns == (10 + 20 + 20) * NS_PER_MS
    assert found.pauses_ns == [100 * NS_PER_MS]
    assert (found.label, found.status) == ("getInfo", "SUCCESS")


def test_channels_are_told_apart_and_a_request_without_an_answer_says_so() -> None:
    one, other = asked(
        sent(CBOR, b"\x04"), sent(CBOR, b"\x0b", channel=8), heard(ERROR, b"\x06", channel=8)
    )
    assert (one.label, one.status, one.busy_ns) == ("getInfo", NO_ANSWER, None)
    assert (other.label, other.status) == ("selection", "CTAPHID_ERROR CHANNEL_BUSY")


def test_cancel_is_no_request_of_its_own() -> None:
    (found,) = asked(sent(CBOR, b"\x0b"), sent(CANCEL, b""), heard(CBOR, b"\x2d"))
    assert found.status == "KEEPALIVE_CANCEL"


def test_u2f_requests_that_poll_for_a_touch_are_one_exchange() -> None:
    register = bytes((0, 1, 0, 0, 0, 0, 64)) + bytes(48)
    frames = []
    for word in (b"\x69\x85", b"\x69\x85", b"\x90\x00"):
        whole = packets(7, MSG, register + bytes(16) + b"\0\0")
        frames += [Frame(0, Direction.TO_KEY, report) for report in whole]
        frames.append(heard(MSG, word))
    (found,) = asked(*frames)
    assert (found.label, found.polls, found.asked_user) == ("U2F REGISTER", 2, True)


def test_a_card_that_is_polled_has_one_answer() -> None:
    def apdu(direction: Direction, text: str) -> Frame:
        return Frame(0, direction, bytes.fromhex(text), FrameKind.APDU)

    (found,) = asked(
        apdu(Direction.TO_KEY, "80108000010b00"),
        apdu(Direction.TO_HOST, "029100"),
        apdu(Direction.TO_KEY, "8011000000"),
        apdu(Direction.TO_HOST, "009000"),
    )
    assert (found.label, found.status, found.keepalives) == ("selection", "SUCCESS", [(0, 2)])
