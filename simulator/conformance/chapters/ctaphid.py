"""CTAPHID: channels, messages, and what goes wrong with them. CTAP 2.1 section 11.2."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from mfalab.devices.ctap.commands import Capability, Command
from mfalab.devices.ctap.ctaphid import HidCommand, HidError
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_MS
from mfalab.simulator.conformance.facts import Condition, unless
from mfalab.simulator.conformance.hid import (
    BROADCAST,
    MAX_MESSAGE,
    continuation,
    initialization,
    packets,
)
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import expect

CHAPTER = Chapter("CTAPHID", "CTAP 2.1", needs=[Ability.REPORTS])

_NEVER_GIVEN: Final = 0x5A5A5A5A
_UNASSIGNED: Final = 0x2F
_BAD_LENGTH: Final = (HidError.INVALID_LEN,)
_TIMEOUT_NS: Final = 450 * NS_PER_MS, 2000 * NS_PER_MS
"""500 ms by the standard; a slow machine in between may add to it."""


def _flag(flag: Capability) -> Condition:
    reason = f"CTAPHID_INIT does not announce {flag.name}"
    return unless(lambda facts: facts.capable(flag), reason)


def _no_flag(flag: Capability) -> Condition:
    reason = f"CTAPHID_INIT announces {flag.name}"
    return unless(lambda facts: not facts.capable(flag), reason)


def _refuse(command: int, data: bytes, codes: tuple[HidError, ...], subject: Subject) -> None:
    """Send a message that is refused."""
    sent_ns = subject.hid.send(subject.channel, command, data)
    subject.hid.refused(subject.channel, sent_ns, *codes)


def _refuse_packets(subject: Subject, *reports: bytes) -> None:
    """Send reports that are refused for their sequence."""
    sent_ns = subject.hid.write(*reports)
    subject.hid.refused(subject.channel, sent_ns, HidError.INVALID_SEQ)


# Channels.


@CHAPTER.test(
    "11.2.9.1.3",
    "The answer has 17 bytes: the nonce, the new channel, the protocol version 2, three bytes of "
    "device version and the capability flags.",
)
def init_on_broadcast_opens_a_channel(subject: Subject) -> None:
    """INIT on the broadcast channel echoes the nonce and gives a channel that is not reserved."""
    answer = subject.hid.init()
    subject.hid.forget(answer.channel)
    given = answer.channel not in (0, BROADCAST)
    expect(given, "a channel other than 0 and 0xFFFFFFFF", f"0x{answer.channel:08X}")
    expect(answer.version == 2, "CTAPHID protocol version 2", answer.version)


@CHAPTER.test("11.2.4", "Channels are unique as long as they are in use.")
def channels_are_unique(subject: Subject) -> None:
    """Each INIT on the broadcast channel gives another channel."""
    given = [subject.channel, *(subject.other_channel() for _ in range(8))]
    unique = len(set(given))
    expect(unique == len(given), "9 different channels", f"{unique} different ones")


@CHAPTER.test("11.2.9.1.3", "INIT on a channel that is open gives that channel again.")
def init_on_own_channel_keeps_it(subject: Subject) -> None:
    """INIT on an open channel echoes the nonce and that very channel."""
    given = subject.hid.init(subject.channel).channel
    expect(given == subject.channel, f"channel 0x{subject.channel:08X}", f"0x{given:08X}")


@CHAPTER.test(
    "11.2.5.3",
    "INIT on an open channel aborts its transaction, so that a client can resynchronise.",
)
def init_ends_a_message_under_way(subject: Subject) -> None:
    """INIT in the middle of a message ends it, and the channel works."""
    hid, channel = subject.hid, subject.channel
    hid.write(initialization(channel, HidCommand.PING, 100, b"a" * 57))
    hid.init(channel)
    hid.write(continuation(channel, 0, b"b" * 43))
    hid.ping(channel)


for _length in (0, 7, 9):
    CHAPTER.add(
        f"init-with-nonce-of-{_length}-bytes",
        "11.2.9.1.3",
        f"INIT with a nonce of {_length} bytes is INVALID_LEN.",
        "The nonce has 8 bytes; a message of a wrong length is ERR_INVALID_LEN.",
        partial(_refuse, HidCommand.INIT, bytes(_length), _BAD_LENGTH),
    )


def _bad_channel(channel: int, subject: Subject) -> None:
    hid = subject.hid
    hid.listen_to(channel)
    if channel != BROADCAST:
        subject.after(lambda: hid.forget(channel))
    sent_ns = hid.send(channel, HidCommand.PING, b"ping")
    hid.refused(channel, sent_ns, HidError.INVALID_CHANNEL)


# U2F of 2016 has no such error: its keys answer every channel.
_KNOWS_CHANNELS: Final = unless(lambda facts: facts.ctap2, "U2F keys may answer every channel")

for _name, _cid, _what in (
    ("channel-zero", 0, "channel 0, which is reserved,"),
    ("unknown-channel", _NEVER_GIVEN, "a channel that was never given"),
    ("broadcast-for-ping", BROADCAST, "the broadcast channel, which is for INIT only,"),
):
    CHAPTER.add(
        f"{_name}-is-refused",
        "11.2.3",
        f"PING on {_what} is INVALID_CHANNEL.",
        "Only INIT may use the broadcast channel, channel 0 is reserved, and any other channel has "
        "to be allocated first: ERR_INVALID_CHANNEL.",
        partial(_bad_channel, _cid),
        when=[_KNOWS_CHANNELS] if _cid == _NEVER_GIVEN else [],
    )


# Messages.


def _ping(length: int, subject: Subject) -> None:
    subject.hid.ping(subject.channel, subject.random_bytes(length))


for _length, _why in (
    (0, "no data"),
    (57, "a full initialization packet"),
    (58, "one byte in a continuation packet"),
    (116, "a full continuation packet"),
    (1024, "18 packets"),
    (MAX_MESSAGE, "all 128 sequence numbers"),
):
    CHAPTER.add(
        f"ping-of-{_length}-bytes",
        "11.2.9.1.4",
        f"PING echoes {_length} bytes: {_why}.",
        "PING gives back what it was sent; a message has up to 7609 bytes in packets whose "
        "sequence numbers count from 0.",
        partial(_ping, _length),
    )


@CHAPTER.test("11.2.9.1.4", "PING gives back what it was sent.")
def many_pings_in_a_row(subject: Subject) -> None:
    """Fifty PINGs of all kinds of length in a row come back as they were."""
    for number in range(50):
        _ping(number * 37 % 400, subject)


@CHAPTER.test("11.2.4", "A message has at most 7609 bytes; a longer one is ERR_INVALID_LEN.")
def message_that_is_too_long_is_refused(subject: Subject) -> None:
    """A message of 7610 bytes is INVALID_LEN at its first packet."""
    hid = subject.hid
    first = initialization(subject.channel, HidCommand.PING, MAX_MESSAGE + 1, b"x" * 57)
    hid.refused(subject.channel, hid.write(first), HidError.INVALID_LEN)


@CHAPTER.test("11.2.9.1.6", "A command that the device does not know is ERR_INVALID_CMD.")
def unknown_command_is_refused(subject: Subject) -> None:
    """A command that the standard does not assign is INVALID_CMD."""
    _refuse(_UNASSIGNED, b"what?", (HidError.INVALID_CMD,), subject)


@CHAPTER.test("11.2.9.1.6", "Commands are the host's; ERROR is an answer and no command.")
def error_as_a_command_is_refused(subject: Subject) -> None:
    """ERROR sent to the key is INVALID_CMD."""
    _refuse(HidCommand.ERROR, b"\x01", (HidError.INVALID_CMD,), subject)


@CHAPTER.test(
    "11.2.5.4", "Continuation packets count from 0; any other sequence number is ERR_INVALID_SEQ."
)
def wrong_sequence_number_is_refused(subject: Subject) -> None:
    """A continuation packet with the wrong sequence number is INVALID_SEQ and ends the message."""
    first = initialization(subject.channel, HidCommand.PING, 200, b"x" * 57)
    _refuse_packets(subject, first, continuation(subject.channel, 1, b"y" * 59))
    subject.hid.ping(subject.channel)


@CHAPTER.test("11.2.5.4", "A packet that comes twice has a wrong sequence number the second time.")
def repeated_packet_is_refused(subject: Subject) -> None:
    """A continuation packet that comes twice is INVALID_SEQ."""
    first = initialization(subject.channel, HidCommand.PING, 300, b"x" * 57)
    again = continuation(subject.channel, 0, b"y" * 59)
    _refuse_packets(subject, first, again, again)


@CHAPTER.test(
    "11.2.5.4",
    "While continuation packets are due, another initialization packet is ERR_INVALID_SEQ.",
)
def new_message_inside_a_message_is_refused(subject: Subject) -> None:
    """An initialization packet in the middle of a message is INVALID_SEQ."""
    first = initialization(subject.channel, HidCommand.PING, 200, b"x" * 57)
    _refuse_packets(subject, first, first)
    subject.hid.ping(subject.channel)


@CHAPTER.test(
    "11.2.5.4",
    "A continuation packet that belongs to no message is ignored: there is nothing to answer.",
)
def continuation_out_of_nowhere_is_ignored(subject: Subject) -> None:
    """A continuation packet without a message is answered by silence."""
    hid, channel = subject.hid, subject.channel
    hid.write(continuation(channel, 0, b"z" * 59))
    hid.expect_silence(300 * NS_PER_MS)
    hid.ping(channel)


@CHAPTER.test(
    "11.2.5.2",
    "A device whose message does not go on for 500 ms gives it up with ERR_MSG_TIMEOUT.",
    lasts_s=1,
)
def half_a_message_times_out(subject: Subject) -> None:
    """A message that stops half way is MSG_TIMEOUT after 500 ms, and the channel works."""
    hid, channel = subject.hid, subject.channel
    sent_ns = hid.write(initialization(channel, HidCommand.PING, 200, b"x" * 57))
    answer = hid.refused(channel, sent_ns, HidError.MSG_TIMEOUT)
    waited_ns = answer.first_ns - sent_ns
    subject.times.add("message time-out", waited_ns)
    least, most = _TIMEOUT_NS
    limits = f"MSG_TIMEOUT after {least // NS_PER_MS} to {most // NS_PER_MS} ms"
    expect(least <= waited_ns <= most, limits, f"after {waited_ns // NS_PER_MS} ms")
    hid.ping(channel)


@CHAPTER.test("11.2.5.2", "The time-out is 500 ms from packet to packet.", lasts_s=1)
def slow_message_is_taken(subject: Subject) -> None:
    """A message whose packets come 300 ms apart is taken whole."""
    hid, channel = subject.hid, subject.channel
    data = subject.random_bytes(160)
    for packet in packets(channel, HidCommand.PING, data):
        subject.fixture.wait(300 * NS_PER_MS)
        sent_ns = hid.write(packet)
    answer = hid.receive(channel, sent_ns)
    same = answer.command == HidCommand.PING and answer.data == data
    expect(same, "CTAPHID_PING with the same 160 bytes", answer)


def _disturbed(subject: Subject, disturb: Callable[[], object]) -> None:
    """Do something in the middle of a PING, which is completed."""
    hid, data = subject.hid, subject.random_bytes(100)
    first, second = packets(subject.channel, HidCommand.PING, data)
    hid.write(first)
    disturb()
    answer = hid.receive(subject.channel, hid.write(second))
    expect(answer.data == data, "the undisturbed PING", answer)


@CHAPTER.test(
    "11.2.5.1",
    "A transaction is not disturbed by other channels: they get ERR_CHANNEL_BUSY at once.",
)
def other_channel_hears_busy(subject: Subject) -> None:
    """A message on another channel is CHANNEL_BUSY, and the first one is completed."""
    hid, other = subject.hid, subject.other_channel()

    def disturb() -> None:
        hid.refused(other, hid.send(other, HidCommand.PING, b"me"), HidError.CHANNEL_BUSY)

    _disturbed(subject, disturb)


@CHAPTER.test("11.2.5.3", "INIT on the broadcast channel is served whatever is under way.")
def init_is_served_while_busy(subject: Subject) -> None:
    """INIT on the broadcast channel is answered in the middle of another channel's message."""
    _disturbed(subject, subject.other_channel)


for _command, _section, _what, _least, _there in (
    (HidCommand.CBOR, "11.2.9.1.2", "a command byte", "the command byte", _flag(Capability.CBOR)),
    (HidCommand.MSG, "11.2.9.1.1", "data", "the head of an APDU", _no_flag(Capability.NMSG)),
):
    CHAPTER.add(
        f"{_command.name.lower()}-without-data",
        _section,
        f"{_command.name} without {_what} is INVALID_LEN.",
        f"A CTAPHID_{_command.name} message has at least {_least}.",
        partial(_refuse, _command, b"", _BAD_LENGTH),
        when=[_there],
    )


@CHAPTER.test("11.2.5.1", "A device speaks when it is spoken to.", lasts_s=1)
def idle_key_is_silent(subject: Subject) -> None:
    """A key that was asked nothing sends nothing for a second."""
    subject.hid.expect_silence(1000 * NS_PER_MS)


# Capability flags.

_LOCKS = CHAPTER.given(when=[_flag(Capability.LOCK)])


def _empty_answer(subject: Subject, command: HidCommand, data: bytes) -> None:
    answer = subject.hid.transact(subject.channel, command, data)
    empty = answer.command == command and not answer.data
    expect(empty, f"an empty CTAPHID_{command.name}", answer)


@CHAPTER.test(
    "11.2.9.2.1",
    "WINK has an empty answer; who announces it has it.",
    when=[_flag(Capability.WINK)],
)
def announced_wink_works(subject: Subject) -> None:
    """WINK is announced and answers with an empty message."""
    _empty_answer(subject, HidCommand.WINK, b"")


def _lock(subject: Subject, seconds: int) -> None:
    _empty_answer(subject, HidCommand.LOCK, bytes([seconds]))


@_LOCKS.test(
    "11.2.9.2.2", "A lock of 1 to 10 s keeps other channels out with ERR_CHANNEL_BUSY; 0 ends it."
)
def announced_lock_works(subject: Subject) -> None:
    """LOCK is announced, keeps other channels out, and is ended by a lock of 0 s."""
    hid, channel, other = subject.hid, subject.channel, subject.other_channel()
    subject.after(lambda: hid.transact(channel, HidCommand.LOCK, b"\0"))
    _lock(subject, 5)
    hid.refused(other, hid.send(other, HidCommand.PING, b"me"), HidError.CHANNEL_BUSY)
    hid.ping(channel)
    _lock(subject, 0)
    hid.ping(other)


@_LOCKS.test("11.2.9.2.2", "A lock ends by itself after its seconds.", lasts_s=2)
def lock_ends_by_itself(subject: Subject) -> None:
    """A lock of 1 s has ended after 1.2 s."""
    other = subject.other_channel()
    _lock(subject, 1)
    subject.fixture.wait(1200 * NS_PER_MS)
    subject.hid.ping(other)


@_LOCKS.test("11.2.9.2.2", "A lock lasts 0 to 10 s.")
def lock_of_eleven_seconds_is_refused(subject: Subject) -> None:
    """LOCK for 11 s is an error."""
    _refuse(HidCommand.LOCK, b"\x0b", (HidError.INVALID_PAR, *_BAD_LENGTH), subject)


@CHAPTER.test(
    "11.2.9.1.3", "Flag CBOR says that CTAPHID_CBOR is there.", when=[_flag(Capability.CBOR)]
)
def announced_cbor_works(subject: Subject) -> None:
    """CBOR is announced and authenticatorGetInfo answers."""
    answer = subject.hid.transact(subject.channel, HidCommand.CBOR, bytes([Command.GET_INFO]))
    works = answer.command == HidCommand.CBOR and answer.data[:1] == b"\0"
    expect(works, "CTAPHID_CBOR with status SUCCESS", answer)


@CHAPTER.test(
    "11.2.9.1.3",
    "Flag NMSG says that CTAPHID_MSG is not there; without it, it is.",
    when=[_no_flag(Capability.NMSG)],
)
def announced_msg_works(subject: Subject) -> None:
    """MSG is announced, by the absence of NMSG, and a U2F request gets a status word."""
    answer = subject.hid.transact(subject.channel, HidCommand.MSG, bytes((0, 3, 0, 0, 0, 0, 0)))
    works = answer.command == HidCommand.MSG and len(answer.data) >= 2
    expect(works, "CTAPHID_MSG with a status word", answer)


def _is_missing(command: HidCommand, subject: Subject) -> None:
    data = b"" if command is HidCommand.WINK else b"\x04"
    _refuse(command, data, (HidError.INVALID_CMD,), subject)


for _command, _there in (
    (HidCommand.WINK, _no_flag(Capability.WINK)),
    (HidCommand.LOCK, _no_flag(Capability.LOCK)),
    (HidCommand.CBOR, _no_flag(Capability.CBOR)),
    (HidCommand.MSG, _flag(Capability.NMSG)),
):
    CHAPTER.add(
        f"{_command.name.lower()}-that-is-not-announced",
        "11.2.9.1.3",
        f"{_command.name} is not announced and is INVALID_CMD.",
        "The capability flags of CTAPHID_INIT say which of the optional commands are there.",
        partial(_is_missing, _command),
        when=[_there],
    )
