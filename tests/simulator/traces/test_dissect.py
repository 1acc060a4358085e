"""Traffic in words: one line a message, whatever it is and whatever is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from fido2 import cbor
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.ctap.ctaphid import packets
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.traces.dissect import dissect
from mfalab.simulator.traces.frames import Frame, FrameKind

TO_KEY, TO_HOST = Direction.TO_KEY, Direction.TO_HOST
INIT, PING, MSG, LOCK, WINK, CBOR, CANCEL = 0x06, 0x01, 0x03, 0x04, 0x08, 0x10, 0x11
KEEPALIVE, ERROR = 0x3B, 0x3F
CHANNEL = 0x01020304


def sent(command: int, data: bytes = b"", channel: int = CHANNEL) -> list[Frame]:
    return [Frame(0, TO_KEY, report) for report in packets(channel, command, data)]


def heard(command: int, data: bytes = b"", channel: int = CHANNEL) -> list[Frame]:
    return [Frame(0, TO_HOST, report) for report in packets(channel, command, data)]


def apdu(direction: Direction, text: str) -> Frame:
    return Frame(0, direction, bytes.fromhex(text), FrameKind.APDU)


def summaries(*frames: list[Frame] | Frame, **options: Any) -> list[str]:
    flat = [each for part in frames for each in (part if isinstance(part, list) else [part])]
    return [message.summary for message in dissect(flat, **options)]


def request(command: int, members: object) -> list[Frame]:
    return sent(CBOR, bytes((command,)) + cbor.encode(members))


def answer(members: object) -> list[Frame]:
    return heard(CBOR, b"\0" + cbor.encode(members))


def test_a_line_has_time_way_channel_and_words() -> None:
    frames = [
        Frame(1_000_000_500, TO_KEY, packets(0xFFFFFFFF, INIT, b"12345678")[0]),
        Frame(1_250_001_500, TO_HOST, packets(CHANNEL, KEEPALIVE, b"\x02")[0]),
    ]
    lines = [message.line(1_000_000_000) for message in dissect(frames)]
    assert lines == [
        "    0.000000 -> ffffffff INIT {nonce: h'3132333435363738'}",
        "    0.250001 <- 01020304 KEEPALIVE UPNEEDED",
    ]
    assert str(next(dissect(frames))).lstrip().startswith("1.000000 -> ")


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (sent(WINK), "WINK"),
        (sent(CANCEL), "CANCEL"),
        (sent(LOCK, b"\x0a"), "LOCK {seconds: 10}"),
        (sent(PING, b"\x01\x02"), "PING {data: h'0102'}"),
        (heard(ERROR, b"\x06"), "ERROR CHANNEL_BUSY"),
        (heard(ERROR, b"\xaa"), "ERROR 0xaa"),
        (sent(0x41, b"secret"), "command 0x41 {data: h'******' /6 bytes/}"),
        (sent(CBOR, b"\x42\x01\x02"), "CBOR command 0x42 {data: h'******' /2 bytes/}"),
        (sent(CBOR, b"\x07"), "CBOR reset"),
        (sent(CBOR), "CBOR"),
        (sent(MSG, b"\0\x03\0\0\0\0\0"), "MSG VERSION"),
        (sent(PING, b"p" * 58)[1:], "packet {data: h'******' /59 bytes/} "),
    ],
)
def test_messages_have_the_words_of_the_standard(frames: list[Frame], expected: str) -> None:
    (summary,) = summaries(frames)
    assert summary.startswith(expected.rstrip())


def test_members_have_their_names() -> None:
    told = summaries(
        request(0x0A, {1: 4, 2: {1: b"\xaa"}, 3: 2, 4: b"p" * 32}),
        answer({6: {"id": b"\x01"}, 10: 3, 11: b"k" * 32}),
    )
    name = "CBOR credentialManagement enumerateCredentialsBegin"
    asked, got = told
    assert asked == name + (
        " {/subCommand/ 1: /enumerateCredentialsBegin/ 4, /subCommandParams/ 2: {1: h'aa'}, "
        "/pinUvAuthProtocol/ 3: 2, /pinUvAuthParam/ 4: h'******' /32 bytes/}"
    )
    assert got == name + (
        """ SUCCESS {/user/ 6: {"id": h'01'}, /credProtect/ 10: 3, """
        "/largeBlobKey/ 11: h'******' /32 bytes/}"
    )


def test_an_answer_is_told_by_what_was_asked_on_its_channel() -> None:
    told = summaries(
        sent(CBOR, b"\x04", channel=1),
        request(0x06, {1: 1, 2: 1}),
        heard(CBOR, b"\0\xa1\x03\x08", channel=CHANNEL),
        heard(CBOR, b"\0\xa1\x05\x19\x04\x00", channel=1),
        heard(CBOR, b"\0\xa1\x05\x08", channel=3),
    )
    assert told[2] == "CBOR clientPIN getPinRetries SUCCESS {/pinRetries/ 3: 8}"
    assert told[3] == "CBOR getInfo SUCCESS {/maxMsgSize/ 5: 1024}"
    # Of an answer to nothing it is unknown what is secret in it.
    assert told[4] == "CBOR SUCCESS {data: h'******' /3 bytes/}"


def test_secrets_are_shown_when_asked_for() -> None:
    frames = request(0x06, {1: 1, 2: 5, 3: {1: 2}, 6: b"\xde\xad"})
    (masked,) = summaries(frames)
    (revealed,) = summaries(frames, reveal=True)
    assert masked.endswith("/pinHashEnc/ 6: h'******' /2 bytes/}")
    assert revealed.endswith("/pinHashEnc/ 6: h'dead'}")


@given(st.binary(max_size=120), st.sampled_from([1, 2, 6, 9, 10, 12, 13, 4, 0x41, 0x50]))
def test_any_bytes_can_be_told(data: bytes, command: int) -> None:
    frames = [*sent(CBOR, bytes((command,)) + data), *heard(CBOR, b"\0" + data)]
    for full in (True, False):
        told = list(dissect(frames, full=full))
        assert len(told) == 2
        assert all(message.summary.isprintable() for message in told)


def test_authenticator_data_are_told_in_a_comment() -> None:
    data = b"h" * 32 + b"\xc5" + (7).to_bytes(4) + b"a" * 16 + b"\x00\x02" + b"id"
    data += cbor.encode({1: 2, 3: -7}) + cbor.encode({"hmac-secret": b"S" * 32, "credProtect": 2})
    told = summaries(request(1, {}), answer({1: "none", 2: data, 3: {}}))[1]
    assert (
        "/authData/ 2: /UP UV AT ED; counter 7; aaguid 61616161616161616161616161616161; "
        """credential h'6964'; {"credProtect": 2, "hmac-secret": h'******' 32 bytes}/ h'""" in told
    )
    assert b"SS".hex() not in summaries(request(1, {}), answer({2: data}), full=True)[1]


def test_control_characters_reach_no_terminal() -> None:
    (told,) = summaries(request(2, {1: "\x1b[2Jexample\u202e.com"}))
    assert '"\\u001b[2Jexample\\u202e.com"' in told


def test_cards_tell_chains_and_parts_as_one_message() -> None:
    told = summaries(
        apdu(TO_KEY, "00A4040008A0000006472F000100"),
        apdu(TO_HOST, "5532465F56329000"),
        apdu(TO_KEY, "90108000020604"[:10] + "06A1"),
        apdu(TO_HOST, "9000"),
        apdu(TO_KEY, "80108000020204"[:10] + "010200"),
        apdu(TO_HOST, "029100"),
        apdu(TO_KEY, "8011000000"),
        apdu(TO_HOST, "00A1056101"),
        apdu(TO_KEY, "00C0000001"),
        apdu(TO_HOST, "089000"),
    )
    assert told == [
        "SELECT {data: h'a0000006472f0001'}",
        "SELECT 9000 OK {data: h'5532465f5632'}",
        "NFCCTAP_MSG clientPIN {/pinUvAuthProtocol/ 1: 2}",
        "NFCCTAP_MSG 9100 UPDATE {status: UPNEEDED}",
        "NFCCTAP_GETRESPONSE",
        "NFCCTAP_GETRESPONSE clientPIN 9000 OK SUCCESS {/uvRetries/ 5: 8}",
    ]


def test_of_other_applets_nothing_is_shown() -> None:
    """The applet for one-time passwords takes their keys."""
    told = summaries(
        apdu(TO_KEY, "00A4040007A0000005272101"),
        apdu(TO_HOST, "9000"),
        apdu(TO_KEY, "0001000004DEADBEEF"),
        apdu(TO_HOST, "BEEF9000"),
    )
    assert told[2:] == [
        "REGISTER {data: h'******' /4 bytes/}",
        "REGISTER 9000 OK {data: h'******' /2 bytes/}",
    ]
