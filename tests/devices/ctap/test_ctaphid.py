"""CTAPHID walks, cut points and a state machine, against a hand-written authenticator."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mfalab.devices.ctap.commands import UnopenedChannels
from mfalab.devices.ctap.ctaphid import (
    BROADCAST,
    MAX_MESSAGE,
    MESSAGE_TIMEOUT_NS,
    CtapHid,
    HidCommand,
    HidError,
    packets,
)
from mfalab.devices.ctap.faults import NO_FAULTS, Faults

MS = 1_000_000
S = 1000 * MS
PROCESSING, UPNEEDED = 1, 2
CBOR_ONLY, EVERYTHING = 0x04, 0x07
NO_MSG = 0x08
CANCELLED = b"\x2d"


@dataclass
class Work:
    """A command under way: `slow` works for 350 ms, `touch` waits 30 s for a finger."""

    request: bytes
    now: list[int]
    response: bytes | None = None
    wants: str | None = None
    status: int = PROCESSING
    deadline_ns: int | None = None

    def __post_init__(self) -> None:
        if self.response is not None:
            self.wants = "touch" if self.request == b"poll" else None
            return
        if self.request.startswith(b"slow"):
            self.deadline_ns = self.now[0] + 350 * MS
        elif self.request.startswith(b"touch"):
            self.status, self.wants = UPNEEDED, "touch"
            self.deadline_ns = self.now[0] + 30 * S
        else:
            self.response = b"\0" + self.request

    def touch(self) -> None:
        if self.status == UPNEEDED:
            self.status = PROCESSING
            self.response = b"\0touched"

    def cancel(self) -> None:
        self.response = CANCELLED

    def advance(self) -> None:
        if self.deadline_ns is not None and self.now[0] >= self.deadline_ns:
            self.response = b"\x2f" if self.status == UPNEEDED else b"\0" + self.request


@dataclass
class FakeAuthenticator:
    capabilities: int = EVERYTHING
    now: list[int] = field(default_factory=lambda: [0])
    winks: int = 0
    faults: Faults = NO_FAULTS
    ended: list[int] = field(default_factory=list)
    begun: list[tuple[int, bytes]] = field(default_factory=list)

    def begin_cbor(self, channel: int, request: bytes, transport: object) -> Work:
        self.begun.append((channel, request))
        return Work(request, self.now)

    def begin_u2f(self, channel: int, apdu: bytes, transport: object) -> Work:
        self.begun.append((channel, apdu))
        return Work(apdu, self.now, response=apdu[::-1] + b"\x90\0")

    def end_channel(self, channel: int) -> None:
        self.ended.append(channel)

    def wink(self) -> None:
        self.winks += 1


class Wire:
    """A host and a key on one clock; `say` sends a message, `heard` takes what has come."""

    def __init__(
        self,
        capabilities: int = EVERYTHING,
        unopened: UnopenedChannels = UnopenedChannels.REFUSED,
    ) -> None:
        self.authenticator = FakeAuthenticator(capabilities)
        self.hid = CtapHid(
            self.authenticator,
            device_version=(5, 7, 4),
            first_channel=0x100,
            unopened_channels=unopened,
        )

    @property
    def now(self) -> int:
        return self.authenticator.now[0]

    def pass_(self, duration_ns: int) -> None:
        """Let time pass the way a transport does: stop at each deadline."""
        until = self.now + duration_ns
        while (due := self.hid.deadline_ns) is not None and due <= until:
            self.authenticator.now[0] = max(due, self.now)
            self.hid.advance(self.now)
            assert self.hid.deadline_ns is None or self.hid.deadline_ns > self.now
        self.authenticator.now[0] = until

    def send(self, report: bytes) -> None:
        self.hid.feed(report, self.now)

    def say(self, channel: int, command: int, data: bytes = b"") -> None:
        for report in packets(channel, command, data):
            self.send(report)

    def reports(self) -> list[bytes]:
        taken = []
        while (report := self.hid.next_report()) is not None:
            assert len(report) == 64
            taken.append(report)
        return taken

    def heard(self) -> list[tuple[int, int, bytes]]:
        """Whole messages: channel, command, data."""
        messages: list[tuple[int, int, bytes]] = []
        parts: dict[int, tuple[int, int, bytes, int]] = {}
        for report in self.reports():
            channel = int.from_bytes(report[:4])
            if report[4] & 0x80:
                assert channel not in parts
                length, data, sequence = int.from_bytes(report[5:7]), report[7:], 0
                command = report[4] & 0x7F
            else:
                command, length, data, sequence = parts.pop(channel)
                assert report[4] == sequence
                data, sequence = data + report[5:], sequence + 1
            if len(data) >= length:
                assert not data[length:].strip(b"\0")
                messages.append((channel, command, data[:length]))
            else:
                parts[channel] = command, length, data, sequence
        assert not parts
        return messages

    def ask(self, channel: int, command: int, data: bytes = b"") -> tuple[int, bytes]:
        """Say, and take the only message that comes back on that channel."""
        self.say(channel, command, data)
        ((answered, kind, answer),) = self.heard()
        assert answered == channel
        return kind, answer

    def open(self) -> int:
        kind, answer = self.ask(BROADCAST, HidCommand.INIT, b"8 bytes!")
        assert (kind, answer[:8], len(answer)) == (HidCommand.INIT, b"8 bytes!", 17)
        return int.from_bytes(answer[8:12])


def error(code: HidError) -> tuple[int, bytes]:
    return HidCommand.ERROR, bytes((code,))


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_init_on_broadcast_opens_channels_with_version_two_and_capabilities(wire: Wire) -> None:
    _, answer = wire.ask(BROADCAST, HidCommand.INIT, b"12345678")
    assert answer == b"12345678" + bytes.fromhex("00000100 02 05 07 04 07")
    assert wire.open() == 0x101


def test_init_on_an_open_channel_echoes_that_channel_and_ends_its_walks(wire: Wire) -> None:
    channel = wire.open()
    kind, answer = wire.ask(channel, HidCommand.INIT, b"87654321")
    assert (kind, answer[8:12]) == (HidCommand.INIT, channel.to_bytes(4))
    assert wire.authenticator.ended == [channel]


@pytest.mark.parametrize("length", [0, 7, 9, 58])
def test_init_with_another_nonce_than_eight_bytes_is_invalid_len(wire: Wire, length: int) -> None:
    assert wire.ask(BROADCAST, HidCommand.INIT, bytes(length)) == error(HidError.INVALID_LEN)


@pytest.mark.parametrize("channel", [0, 0xFF, 0x101, 0xFFFFFFFE])
@pytest.mark.parametrize("command", [HidCommand.PING, HidCommand.INIT, 0x55])
def test_a_channel_never_given_out_is_invalid(wire: Wire, channel: int, command: int) -> None:
    wire.open()
    assert wire.ask(channel, command, b"8 bytes!") == error(HidError.INVALID_CHANNEL)


@pytest.mark.parametrize("channel", [0xFF, 0x101, 0xFFFFFFFE])
def test_a_key_of_2016_answers_channels_that_were_never_given_out(channel: int) -> None:
    wire = Wire(unopened=UnopenedChannels.SERVED)
    assert wire.ask(channel, HidCommand.PING, b"8 bytes!") == (HidCommand.PING, b"8 bytes!")
    assert wire.ask(channel, HidCommand.INIT, b"8 bytes!")[1][8:12] == channel.to_bytes(4)
    assert wire.ask(0, HidCommand.PING, b"x") == error(HidError.INVALID_CHANNEL)
    assert wire.ask(BROADCAST, HidCommand.PING, b"x") == error(HidError.INVALID_CHANNEL)


def test_init_on_a_channel_never_given_out_may_open_it() -> None:
    wire = Wire(unopened=UnopenedChannels.INIT_SERVED)
    assert wire.ask(0xABC, HidCommand.PING, b"x") == error(HidError.INVALID_CHANNEL)
    assert wire.ask(0xABC, HidCommand.INIT, b"8 bytes!")[1][8:12] == (0xABC).to_bytes(4)
    assert wire.ask(0xABC, HidCommand.PING, b"x") == (HidCommand.PING, b"x")
    assert wire.ask(0xABD, HidCommand.PING, b"x") == error(HidError.INVALID_CHANNEL)
    assert wire.ask(0, HidCommand.INIT, b"8 bytes!") == error(HidError.INVALID_CHANNEL)


def test_only_init_may_use_the_broadcast_channel(wire: Wire) -> None:
    assert wire.ask(BROADCAST, HidCommand.PING, b"x") == error(HidError.INVALID_CHANNEL)


@pytest.mark.parametrize("length", [0, 1, 56, 57, 58, 116, 117, 7608, MAX_MESSAGE])
def test_ping_echoes_every_length_that_a_message_can_have(wire: Wire, length: int) -> None:
    data = bytes(i % 251 for i in range(length))
    assert wire.ask(wire.open(), HidCommand.PING, data) == (HidCommand.PING, data)


def test_a_message_of_7609_bytes_has_the_last_sequence_number(wire: Wire) -> None:
    assert MAX_MESSAGE == 7609
    assert packets(1, HidCommand.PING, bytes(MAX_MESSAGE))[-1][4] == 0x7F
    with pytest.raises(ValueError, match="at most 7609 bytes and this one has 7610"):
        packets(1, HidCommand.PING, bytes(MAX_MESSAGE + 1))


def announce(channel: int, command: int, length: int) -> bytes:
    head = channel.to_bytes(4) + bytes((0x80 | command,)) + length.to_bytes(2)
    return head.ljust(64, b"\0")


@pytest.mark.parametrize(
    ("command", "length"),
    [
        (HidCommand.PING, 7610),
        (HidCommand.CBOR, 0xFFFF),
        (HidCommand.CBOR, 0),
        (HidCommand.MSG, 0),
        (HidCommand.LOCK, 0),
        (HidCommand.LOCK, 2),
        (HidCommand.WINK, 1),
    ],
)
def test_an_impossible_length_is_refused_by_the_first_packet(
    wire: Wire, command: HidCommand, length: int
) -> None:
    channel = wire.open()
    wire.send(announce(channel, command, length))
    assert wire.heard() == [(channel, *error(HidError.INVALID_LEN))]
    wire.send(channel.to_bytes(4) + bytes(60))
    assert wire.heard() == []
    assert wire.ask(channel, HidCommand.PING, b"alive") == (HidCommand.PING, b"alive")


@pytest.mark.parametrize("command", [0x00, 0x02, 0x3B, 0x3F, 0x40, 0x7F])
def test_an_unknown_command_is_invalid_cmd(wire: Wire, command: int) -> None:
    assert wire.ask(wire.open(), command, b"x" * 100) == error(HidError.INVALID_CMD)


@pytest.mark.parametrize(
    ("capabilities", "command"),
    [
        (0x03, HidCommand.CBOR),
        (EVERYTHING | NO_MSG, HidCommand.MSG),
        (0x05, HidCommand.LOCK),
        (0x06, HidCommand.WINK),
    ],
)
def test_a_command_that_is_not_announced_is_not_there(
    capabilities: int, command: HidCommand
) -> None:
    wire = Wire(capabilities)
    assert wire.ask(wire.open(), command, b"") == error(HidError.INVALID_CMD)


@pytest.mark.parametrize("command", [HidCommand.WINK, HidCommand.LOCK, HidCommand.CBOR])
def test_a_command_that_is_announced_and_missing_is_invalid_cmd(
    wire: Wire, command: HidCommand
) -> None:
    wire.authenticator.faults = Faults(missing=frozenset({command.name.lower()}))
    channel = wire.open()
    assert wire.ask(channel, command, b"" if command == HidCommand.WINK else b"\x01") == (
        error(HidError.INVALID_CMD)
    )
    assert wire.ask(channel, HidCommand.PING) == (HidCommand.PING, b"")


def test_msg_and_cbor_reach_the_authenticator_with_their_channel(wire: Wire) -> None:
    channel = wire.open()
    assert wire.ask(channel, HidCommand.CBOR, b"\x04") == (HidCommand.CBOR, b"\0\x04")
    assert wire.ask(channel, HidCommand.MSG, b"abc") == (HidCommand.MSG, b"cba\x90\0")
    assert wire.authenticator.begun == [(channel, b"\x04"), (channel, b"abc")]


def test_wink_answers_empty_and_is_seen(wire: Wire) -> None:
    assert wire.ask(wire.open(), HidCommand.WINK) == (HidCommand.WINK, b"")
    assert wire.authenticator.winks == 1


def test_reports_of_another_size_are_dropped(wire: Wire) -> None:
    channel = wire.open()
    for size in (0, 1, 4, 5, 63, 65):
        wire.send(packets(channel, HidCommand.PING, b"")[0].ljust(65, b"\0")[:size])
    assert wire.heard() == []


def test_an_idle_key_sends_nothing(wire: Wire) -> None:
    wire.open()
    assert wire.hid.deadline_ns is None
    wire.pass_(3600 * S)
    assert wire.reports() == []


class TestMessageInParts:
    def test_it_times_out_half_a_second_after_the_last_packet_and_not_before(
        self, wire: Wire
    ) -> None:
        channel = wire.open()
        first, second, _third = packets(channel, HidCommand.PING, bytes(150))
        wire.send(first)
        wire.pass_(MESSAGE_TIMEOUT_NS - 1)
        wire.send(second)
        wire.pass_(MESSAGE_TIMEOUT_NS - 1)
        assert wire.heard() == []
        wire.pass_(1)
        assert wire.heard() == [(channel, *error(HidError.MSG_TIMEOUT))]
        assert wire.hid.owner is None

    def test_a_packet_after_the_timeout_is_met_with_silence(self, wire: Wire) -> None:
        first, second = packets(channel := wire.open(), HidCommand.PING, bytes(100))
        wire.send(first)
        wire.pass_(MESSAGE_TIMEOUT_NS)
        wire.send(second)
        assert wire.heard() == [(channel, *error(HidError.MSG_TIMEOUT))]

    def test_a_packet_that_is_read_before_the_timeout_is_said_lay_unread(self, wire: Wire) -> None:
        first, second, third = packets(channel := wire.open(), HidCommand.PING, bytes(150))
        wire.send(first)
        for late in (second, third):
            wire.authenticator.now[0] += 10 * MESSAGE_TIMEOUT_NS
            wire.send(late)
        assert wire.heard() == [(channel, HidCommand.PING, bytes(150))]

    @pytest.mark.parametrize("sequence", [1, 5, 127])
    def test_a_wrong_sequence_number_ends_it(self, wire: Wire, sequence: int) -> None:
        channel = wire.open()
        first, second = packets(channel, HidCommand.PING, bytes(100))
        wire.send(first)
        wire.send(second[:4] + bytes((sequence,)) + second[5:])
        assert wire.heard() == [(channel, *error(HidError.INVALID_SEQ))]
        wire.send(second)
        assert wire.heard() == []

    @pytest.mark.parametrize("command", [HidCommand.PING, HidCommand.CBOR, 0x55])
    def test_a_new_message_inside_it_is_invalid_seq(self, wire: Wire, command: int) -> None:
        channel = wire.open()
        wire.send(packets(channel, HidCommand.PING, bytes(100))[0])
        assert wire.ask(channel, command, b"x") == error(HidError.INVALID_SEQ)
        assert wire.hid.owner is None

    def test_another_channel_is_told_busy_at_once_and_the_owner_is_undisturbed(
        self, wire: Wire
    ) -> None:
        mine, other = wire.open(), wire.open()
        first, second = packets(mine, HidCommand.PING, bytes(100))
        wire.send(first)
        assert wire.ask(other, HidCommand.PING, b"x") == error(HidError.CHANNEL_BUSY)
        wire.send(second)
        assert wire.heard() == [(mine, HidCommand.PING, bytes(100))]

    def test_a_busy_key_refuses_a_long_message_once(self, wire: Wire) -> None:
        """Its continuation packets are no requests: more errors would answer the next one."""
        mine, other = wire.open(), wire.open()
        wire.send(packets(mine, HidCommand.PING, bytes(100))[0])
        assert wire.ask(other, HidCommand.PING, bytes(500)) == error(HidError.CHANNEL_BUSY)

    def test_init_on_its_channel_forgets_it(self, wire: Wire) -> None:
        channel = wire.open()
        first, second = packets(channel, HidCommand.PING, bytes(100))
        wire.send(first)
        assert wire.ask(channel, HidCommand.INIT, b"12345678")[0] == HidCommand.INIT
        wire.send(second)
        assert wire.heard() == []

    def test_cancel_inside_it_is_ignored(self, wire: Wire) -> None:
        channel = wire.open()
        first, second = packets(channel, HidCommand.CBOR, bytes(100))
        for report in (first, *packets(channel, HidCommand.CANCEL, b""), second):
            wire.send(report)
        assert wire.heard() == [(channel, HidCommand.CBOR, bytes(101))]

    def test_continuations_out_of_nowhere_are_met_with_silence(self, wire: Wire) -> None:
        channel = wire.open()
        for cid in (0, channel, channel + 1, BROADCAST):
            for sequence in (0, 1, 127):
                wire.send(cid.to_bytes(4) + bytes((sequence,)) + bytes(59))
        assert wire.heard() == []


class TestWaiting:
    def test_keepalive_goes_out_at_once_for_a_touch_and_then_every_100_ms(self, wire: Wire) -> None:
        channel = wire.open()
        wire.say(channel, HidCommand.CBOR, b"touch")
        upneeded = (channel, HidCommand.KEEPALIVE, bytes((UPNEEDED,)))
        assert wire.heard() == [upneeded]
        wire.pass_(100 * MS - 1)
        assert wire.heard() == []
        wire.pass_(1)
        assert wire.heard() == [upneeded]
        wire.pass_(S)
        assert wire.heard() == [upneeded] * 10

    def test_slow_work_says_processing_and_answers_when_it_is_done(self, wire: Wire) -> None:
        channel = wire.open()
        wire.say(channel, HidCommand.CBOR, b"slow")
        assert wire.heard() == []
        wire.pass_(349 * MS)
        assert wire.heard() == [(channel, HidCommand.KEEPALIVE, bytes((PROCESSING,)))] * 3
        wire.pass_(MS)
        assert wire.heard() == [(channel, HidCommand.CBOR, b"\0slow")]
        wire.pass_(S)
        assert wire.heard() == []

    def test_a_change_of_status_is_told_at_once(self, wire: Wire) -> None:
        channel = wire.open()
        wire.say(channel, HidCommand.CBOR, b"slow")
        work = wire.hid.transaction
        work.status = UPNEEDED
        wire.hid.advance(wire.now)
        wire.hid.advance(wire.now)
        work.status = PROCESSING
        wire.hid.advance(wire.now)
        assert [data for _, _, data in wire.heard()] == [b"\x02", b"\x01"]

    def test_a_touch_ends_it(self, wire: Wire) -> None:
        channel = wire.open()
        wire.say(channel, HidCommand.CBOR, b"touch")
        wire.heard()
        wire.hid.transaction.touch()
        wire.hid.advance(wire.now)
        assert wire.heard() == [(channel, HidCommand.CBOR, b"\0touched")]
        assert wire.hid.transaction is None

    def test_no_touch_comes_and_after_thirty_seconds_it_gives_up(self, wire: Wire) -> None:
        channel = wire.open()
        wire.say(channel, HidCommand.CBOR, b"touch")
        wire.pass_(30 * S)
        messages = wire.heard()
        assert len(messages) == 1 + 299 + 1
        assert messages[-1] == (channel, HidCommand.CBOR, b"\x2f")

    def test_msg_never_sends_keepalive(self, wire: Wire) -> None:
        channel = wire.open()
        wire.say(channel, HidCommand.MSG, b"touch")
        assert [kind for _, kind, _ in wire.heard()] == [HidCommand.MSG]

    def test_a_refused_u2f_request_keeps_the_key_blinking_for_one_and_a_half_seconds(
        self, wire: Wire
    ) -> None:
        channel = wire.open()
        wire.ask(channel, HidCommand.MSG, b"poll")
        wire.pass_(1500 * MS - 1)
        assert wire.hid.transaction is not None
        wire.ask(channel, HidCommand.MSG, b"poll")
        wire.pass_(1500 * MS - 1)
        assert wire.hid.transaction is not None
        wire.pass_(1)
        assert wire.hid.transaction is None
        assert wire.heard() == []

    def test_another_request_ends_the_blinking_of_a_refused_u2f_request(self, wire: Wire) -> None:
        channel = wire.open()
        wire.ask(channel, HidCommand.MSG, b"poll")
        wire.ask(channel, HidCommand.CBOR, b"\x04")
        assert wire.hid.transaction is None

    def test_cancel_is_answered_by_the_request_only(self, wire: Wire) -> None:
        channel = wire.open()
        wire.say(channel, HidCommand.CBOR, b"touch")
        wire.heard()
        wire.say(channel, HidCommand.CANCEL)
        wire.say(channel, HidCommand.CANCEL)
        assert wire.heard() == [(channel, HidCommand.CBOR, CANCELLED)]
        wire.say(channel, HidCommand.CANCEL)
        assert wire.heard() == []

    def test_cancel_of_another_channel_changes_nothing(self, wire: Wire) -> None:
        mine, other = wire.open(), wire.open()
        wire.say(mine, HidCommand.CBOR, b"touch")
        wire.heard()
        for channel in (other, 0, BROADCAST, 0xDEAD):
            wire.say(channel, HidCommand.CANCEL)
        assert wire.heard() == []
        assert wire.hid.owner == mine

    def test_other_channels_are_busy_and_so_is_ones_own(self, wire: Wire) -> None:
        mine, other = wire.open(), wire.open()
        wire.say(mine, HidCommand.CBOR, b"touch")
        wire.heard()
        assert wire.ask(other, HidCommand.CBOR, b"\x04") == error(HidError.CHANNEL_BUSY)
        assert wire.ask(mine, HidCommand.CBOR, b"\x04") == error(HidError.CHANNEL_BUSY)
        assert wire.authenticator.begun == [(mine, b"touch")]

    def test_channels_are_opened_and_made_quiet_while_another_is_busy(self, wire: Wire) -> None:
        mine, other = wire.open(), wire.open()
        wire.say(mine, HidCommand.CBOR, b"touch")
        wire.heard()
        assert wire.open() not in {mine, other}
        assert wire.ask(other, HidCommand.INIT, b"12345678")[0] == HidCommand.INIT
        assert wire.hid.owner == mine

    def test_init_on_its_own_channel_aborts_it_without_an_answer(self, wire: Wire) -> None:
        channel = wire.open()
        wire.say(channel, HidCommand.CBOR, b"touch")
        work = wire.hid.transaction
        wire.heard()
        assert wire.ask(channel, HidCommand.INIT, b"12345678")[0] == HidCommand.INIT
        assert work.response == CANCELLED
        wire.pass_(31 * S)
        assert wire.heard() == []

    def test_the_key_is_busy_until_the_last_packet_of_the_response_is_taken(
        self, wire: Wire
    ) -> None:
        mine, other = wire.open(), wire.open()
        wire.say(mine, HidCommand.PING, bytes(100))
        assert wire.hid.next_report() is not None
        wire.say(other, HidCommand.PING, b"x")
        assert wire.hid.next_report() is not None
        assert wire.heard() == [(other, *error(HidError.CHANNEL_BUSY))]
        assert wire.ask(other, HidCommand.PING, b"x") == (HidCommand.PING, b"x")

    def test_init_throws_away_a_response_that_was_not_taken(self, wire: Wire) -> None:
        channel = wire.open()
        wire.say(channel, HidCommand.PING, bytes(500))
        assert wire.ask(channel, HidCommand.INIT, b"12345678")[0] == HidCommand.INIT

    def test_an_answer_too_long_for_ctaphid_is_an_error(self, wire: Wire) -> None:
        channel = wire.open()
        wire.say(channel, HidCommand.CBOR, b"slow")
        wire.hid.transaction.response = bytes(MAX_MESSAGE + 1)
        wire.hid.advance(wire.now)
        assert wire.heard() == [(channel, *error(HidError.OTHER))]


class TestLock:
    @pytest.mark.parametrize("seconds", [1, 10])
    def test_it_keeps_others_out_for_its_time_and_no_longer(self, wire: Wire, seconds: int) -> None:
        mine, other = wire.open(), wire.open()
        assert wire.ask(mine, HidCommand.LOCK, bytes((seconds,))) == (HidCommand.LOCK, b"")
        assert wire.ask(mine, HidCommand.PING, b"x") == (HidCommand.PING, b"x")
        wire.pass_(seconds * S - 1)
        assert wire.ask(other, HidCommand.PING, b"x") == error(HidError.CHANNEL_BUSY)
        assert wire.ask(other, HidCommand.LOCK, b"\x01") == error(HidError.CHANNEL_BUSY)
        wire.pass_(1)
        assert wire.ask(other, HidCommand.PING, b"x") == (HidCommand.PING, b"x")

    @pytest.mark.parametrize("seconds", [11, 255])
    def test_more_than_ten_seconds_is_refused(self, wire: Wire, seconds: int) -> None:
        channel, other = wire.open(), wire.open()
        assert wire.ask(channel, HidCommand.LOCK, bytes((seconds,))) == error(HidError.INVALID_PAR)
        assert wire.ask(other, HidCommand.PING) == (HidCommand.PING, b"")

    def test_zero_releases_it_and_a_second_lock_prolongs_it(self, wire: Wire) -> None:
        mine, other = wire.open(), wire.open()
        wire.ask(mine, HidCommand.LOCK, b"\x01")
        wire.ask(mine, HidCommand.LOCK, b"\x05")
        wire.pass_(4 * S)
        assert wire.ask(other, HidCommand.PING) == error(HidError.CHANNEL_BUSY)
        wire.ask(mine, HidCommand.LOCK, b"\x00")
        assert wire.ask(other, HidCommand.PING) == (HidCommand.PING, b"")

    def test_a_channel_can_be_opened_during_a_lock(self, wire: Wire) -> None:
        wire.ask(wire.open(), HidCommand.LOCK, b"\x0a")
        assert wire.ask(wire.open(), HidCommand.PING) == error(HidError.CHANNEL_BUSY)


@pytest.mark.parametrize("length", [0, 57, 58, 116, 117, 300])
def test_a_message_cut_at_any_point_is_forgotten_and_the_next_one_works(length: int) -> None:
    """Cut by INIT, by silence, by another message; and the owner's rest is never picked up."""
    data = bytes(range(256))[:length].ljust(length, b"z")
    whole = packets(0x100, HidCommand.PING, data)
    for cut in range(1, len(whole)):
        for ending in ("init", "silence", "message"):
            wire = Wire()
            wire.open()
            for report in whole[:cut]:
                wire.send(report)
            assert wire.heard() == []
            if ending == "init":
                wire.say(0x100, HidCommand.INIT, b"12345678")
            elif ending == "silence":
                wire.pass_(MESSAGE_TIMEOUT_NS)
            else:
                wire.say(0x100, HidCommand.PING, b"instead")
            assert len(wire.heard()) == 1
            for report in whole[cut:]:
                wire.send(report)
            assert wire.heard() == []
            assert wire.ask(0x100, HidCommand.PING, data) == (HidCommand.PING, data)


@pytest.mark.parametrize("gap", range(1, 8))
def test_a_lost_doubled_or_swapped_packet_never_makes_a_wrong_message(gap: int) -> None:
    whole = packets(0x100, HidCommand.PING, bytes(i % 256 for i in range(500)))
    swapped = [*whole]
    swapped[gap - 1], swapped[gap] = swapped[gap], swapped[gap - 1]
    for course in (whole[:gap] + whole[gap + 1 :], whole[:gap] + whole[gap - 1 :], swapped):
        wire = Wire()
        wire.open()
        for report in course:
            wire.send(report)
        wire.pass_(S)
        for _, kind, data in wire.heard():
            assert (kind, data) in {error(HidError.INVALID_SEQ), error(HidError.MSG_TIMEOUT)}


@given(st.lists(st.binary(min_size=64, max_size=64) | st.binary(max_size=70), max_size=30))
@settings(max_examples=100)
def test_no_bytes_whatever_make_it_raise(reports: list[bytes]) -> None:
    wire = Wire()
    channel = wire.open()
    for report in reports:
        wire.send(report)
        wire.send(channel.to_bytes(4) + report[4:])
        wire.pass_(S // 10)
        wire.reports()
    wire.pass_(60 * S)
    wire.reports()
    assert wire.ask(channel, HidCommand.INIT, b"12345678")[0] == HidCommand.INIT
    assert wire.ask(channel, HidCommand.PING, b"alive") == (HidCommand.PING, b"alive")


class Machine(RuleBasedStateMachine):
    """Several hosts on one key: each request has one answer, and no rule is ever broken.

    `debts` is the model: what each channel still has to hear, in order. A request that waits is
    owed its answer until it ends; refusals are owed at once.
    """

    @initialize()
    def power_up(self) -> None:
        self.wire = Wire()
        self.channels = [self.wire.open() for _ in range(3)]
        self.pending: tuple[int, list[bytes]] | None = None
        self.sent = 0
        self.last_ns = 0
        self.waiting: int | None = None
        self.began_ns = 0
        self.locked: tuple[int, int] | None = None
        self.expected: list[tuple[int, int]] = []

    def busy_for(self, channel: int) -> bool:
        locked = self.locked
        kept_out = locked is not None and locked[0] != channel and self.wire.now < locked[1]
        owner = self.pending[0] if self.pending else self.waiting
        return kept_out or (owner is not None and owner != channel)

    def refuse(self, channel: int) -> bool:
        """Whether the model has a request refused, and what it changes."""
        if self.busy_for(channel):
            self.expected.append((channel, HidError.CHANNEL_BUSY))
            return True
        if self.waiting == channel:
            self.expected.append((channel, HidError.CHANNEL_BUSY))
            return True
        if self.pending is not None:
            self.pending = None
            self.expected.append((channel, HidError.INVALID_SEQ))
            return True
        return False

    @rule(which=st.integers(0, 2), length=st.integers(0, 57))
    def ping(self, which: int, length: int) -> None:
        channel = self.channels[which]
        refused = self.refuse(channel)
        self.wire.say(channel, HidCommand.PING, bytes(length))
        self.check(None if refused else (channel, HidCommand.PING, bytes(length)))

    @rule(which=st.integers(0, 2), length=st.integers(58, 400))
    def start_long_ping(self, which: int, length: int) -> None:
        channel = self.channels[which]
        reports = packets(channel, HidCommand.PING, bytes(length))
        if not self.refuse(channel):
            self.pending, self.sent, self.last_ns = (channel, reports), 1, self.wire.now
        self.wire.send(reports[0])
        self.check()

    @precondition(lambda self: self.pending is not None)
    @rule()
    def go_on(self) -> None:
        channel, reports = self.pending
        self.wire.send(reports[self.sent])
        self.sent, self.last_ns = self.sent + 1, self.wire.now
        if self.sent == len(reports):
            self.pending = None
            length = int.from_bytes(reports[0][5:7])
            self.check((channel, HidCommand.PING, bytes(length)))
        else:
            self.check()

    @rule(which=st.integers(0, 2), sequence=st.integers(0, 127))
    def stray(self, which: int, sequence: int) -> None:
        channel = self.channels[which]
        if self.pending is not None and self.pending[0] == channel:
            if sequence == self.sent - 1:
                return
            self.pending = None
            self.expected.append((channel, HidError.INVALID_SEQ))
        self.wire.send(channel.to_bytes(4) + bytes((sequence,)) + bytes(59))
        self.check()

    @rule(which=st.integers(0, 2))
    def ask_for_touch(self, which: int) -> None:
        channel = self.channels[which]
        refused = self.refuse(channel)
        if not refused:
            self.waiting, self.began_ns = channel, self.wire.now
        self.wire.say(channel, HidCommand.CBOR, b"touch")
        self.check(None if refused else (channel, HidCommand.KEEPALIVE, b"\x02"))

    @precondition(lambda self: self.waiting is not None)
    @rule()
    def touch(self) -> None:
        channel, self.waiting = self.waiting, None
        self.wire.hid.transaction.touch()
        self.wire.hid.advance(self.wire.now)
        self.check((channel, HidCommand.CBOR, b"\0touched"))

    @rule(which=st.integers(0, 2))
    def cancel(self, which: int) -> None:
        channel = self.channels[which]
        self.wire.say(channel, HidCommand.CANCEL)
        if self.waiting == channel:
            self.waiting = None
            self.check((channel, HidCommand.CBOR, CANCELLED))
        else:
            self.check()

    @rule(which=st.integers(0, 2), nonce=st.binary(min_size=8, max_size=8))
    def init(self, which: int, nonce: bytes) -> None:
        channel = self.channels[which]
        if self.waiting == channel:
            self.waiting = None
        if self.pending is not None and self.pending[0] == channel:
            self.pending = None
        told = nonce + channel.to_bytes(4) + bytes((2, 5, 7, 4, EVERYTHING))
        self.wire.say(channel, HidCommand.INIT, nonce)
        self.check((channel, HidCommand.INIT, told))

    @rule()
    def open_another(self) -> None:
        assert self.wire.open() not in self.channels

    @rule(which=st.integers(0, 2), seconds=st.integers(0, 12))
    def lock(self, which: int, seconds: int) -> None:
        channel = self.channels[which]
        if self.refuse(channel):
            answer = None
        elif seconds > 10:
            answer = None
            self.expected.append((channel, HidError.INVALID_PAR))
        else:
            answer = (channel, HidCommand.LOCK, b"")
            self.locked = (channel, self.wire.now + seconds * S)
        self.wire.say(channel, HidCommand.LOCK, bytes((seconds,)))
        self.check(answer)

    @rule(duration=st.sampled_from([1, 50 * MS, 99 * MS, 100 * MS, 499 * MS, S, 12 * S, 31 * S]))
    def time_passes(self, duration: int) -> None:
        before = self.wire.now
        self.wire.pass_(duration)
        heard = self.wire.heard()
        if self.pending is not None and self.wire.now >= self.last_ns + MESSAGE_TIMEOUT_NS:
            assert heard == [(self.pending[0], *error(HidError.MSG_TIMEOUT))]
            self.pending = None
        elif self.waiting is not None:
            ends = self.wire.now >= self.began_ns + 30 * S
            if ends:
                assert heard.pop() == (self.waiting, HidCommand.CBOR, b"\x2f")
            assert set(heard) <= {(self.waiting, HidCommand.KEEPALIVE, b"\x02")}
            until = min(self.wire.now, self.began_ns + 30 * S)
            assert len(heard) >= (until - before) // (100 * MS) - 1
            if ends:
                self.waiting = None
        else:
            assert heard == []

    def check(self, answer: tuple[int, int, bytes] | None = None) -> None:
        owed = [(channel, HidCommand.ERROR, bytes((e,))) for channel, e in self.expected]
        self.expected.clear()
        if answer is not None:
            owed.append(answer)
        assert self.wire.heard() == owed

    @invariant()
    def owner_is_who_the_model_says(self) -> None:
        if hasattr(self, "wire"):
            owner = self.pending[0] if self.pending else self.waiting
            assert self.wire.hid.owner == owner


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=40,
    stateful_step_count=40,
)
