"""Requests that wait for their user: keepalives, CANCEL, and other channels.

CTAP 2.1 sections 11.2.5 and 11.2.9.1. The request is authenticatorSelection, which leaves nothing
behind; before CTAP 2.1 it is makeCredential with an empty pinUvAuthParam, which does not either.
"""

from __future__ import annotations

from itertools import pairwise

from fido2 import cbor

from mfalab.devices.ctap.commands import Command
from mfalab.devices.ctap.ctaphid import HidCommand, HidError
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_MS
from mfalab.simulator.conformance.facts import Facts
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import Failure, expect


def blinks(facts: Facts) -> str | None:
    """The key has a request that waits for a touch and leaves nothing behind."""
    if not facts.ctap2:
        return "the key does not speak CTAP2"
    if facts.since_2_1 or "clientPin" in facts.options:
        return None
    return "the key has no request that waits for a touch without making a credential"


CHAPTER = Chapter("Waiting requests", "CTAP 2.1", needs=[Ability.REPORTS])

_BLINKING = CHAPTER.given(when=[blinks])


def begin_blinking(subject: Subject) -> int:
    """Send a request that waits for a touch, and see that it does; returns when it was sent."""
    hid, channel = subject.hid, subject.channel
    subject.user.stay_away()
    request = bytes([Command.SELECTION])
    if not subject.facts.since_2_1:
        # An empty pinUvAuthParam waits for a touch and only tells whether there is a PIN.
        members = subject.ceremonies.make_request(authorised=False)
        request = bytes([Command.MAKE_CREDENTIAL]) + cbor.encode(members | {8: b"", 9: 1})
    sent_ns = hid.send(channel, HidCommand.CBOR, request)
    status = hid.keepalive(channel, what="a keepalive that says UPNEEDED", status=2)
    subject.after(lambda: hid.quiet(channel))
    subject.times.add("request to its first keepalive", status - sent_ns)
    return sent_ns


@_BLINKING.test(
    "11.2.9.1.5",
    "CANCEL ends the pending request of its channel with CTAP2_ERR_KEEPALIVE_CANCEL and has no "
    "answer of its own.",
)
def cancel_ends_a_waiting_request(subject: Subject) -> None:
    """CANCEL while the key waits for its user makes the request end with KEEPALIVE_CANCEL."""
    hid, channel = subject.hid, subject.channel
    begin_blinking(subject)
    _cancelled(subject, hid.send(channel, HidCommand.CANCEL))
    hid.ping(channel)


def _goes_on(subject: Subject, keepalives: int = 1) -> None:
    """See that a request waits on, and end it."""
    for _ in range(keepalives):
        subject.hid.keepalive(subject.channel, what="keepalives that go on")
    _cancelled(subject, subject.hid.send(subject.channel, HidCommand.CANCEL))


def _cancelled(subject: Subject, sent_ns: int) -> None:
    answer = subject.hid.receive(subject.channel, sent_ns)
    wanted = bytes([CtapStatus.KEEPALIVE_CANCEL])
    if answer.command != HidCommand.CBOR or answer.data != wanted:
        got = f"status 0x{answer.data[:1].hex()}" if answer.data else str(answer)
        raise Failure("CTAPHID_CBOR with 0x2D KEEPALIVE_CANCEL", got)
    subject.times.add("CANCEL to the end of the request", answer.first_ns - sent_ns)


@CHAPTER.test("11.2.9.1.5", "CANCEL with nothing to cancel is ignored.")
def cancel_without_a_request_is_ignored(subject: Subject) -> None:
    """CANCEL on an idle channel, twice, is answered by silence."""
    hid, channel = subject.hid, subject.channel
    hid.send(channel, HidCommand.CANCEL)
    hid.send(channel, HidCommand.CANCEL)
    hid.expect_silence(300 * NS_PER_MS)
    hid.ping(channel)


@_BLINKING.test("11.2.9.1.5", "A CANCEL is for the request of its own channel.")
def cancel_of_another_channel_is_ignored(subject: Subject) -> None:
    """CANCEL on another channel does not end the request."""
    hid, other = subject.hid, subject.other_channel()
    begin_blinking(subject)
    hid.send(other, HidCommand.CANCEL)
    _goes_on(subject, 3)


@_BLINKING.test(
    "11.2.9.1.7",
    "KEEPALIVE comes at least every 100 ms while a request is processed; its status is 1 or 2.",
    lasts_s=2,
)
def keepalives_come_in_time(subject: Subject) -> None:
    """While the key waits, keepalives say UPNEEDED and come at least every 100 ms, give or take."""
    hid, channel = subject.hid, subject.channel
    begin_blinking(subject)
    times = [hid.keepalive(channel, what="keepalives that go on", status=2) for _ in range(15)]
    _cancelled(subject, hid.send(channel, HidCommand.CANCEL))
    gaps = [after - before for before, after in pairwise(times)]
    for gap in gaps:
        subject.times.add("keepalive period", gap)
    # Operating systems and slow machines let a report wait.
    longest = max(gaps) // NS_PER_MS
    expect(max(gaps) <= 250 * NS_PER_MS, "keepalives every 100 ms", f"{longest} ms without one")


@_BLINKING.test("11.2.5.1", "While a request is processed, other channels get ERR_CHANNEL_BUSY.")
def waiting_request_keeps_others_out(subject: Subject) -> None:
    """A request on another channel is CHANNEL_BUSY while the key waits, which goes on."""
    hid, other = subject.hid, subject.other_channel()
    begin_blinking(subject)
    sent_ns = hid.send(other, HidCommand.CBOR, bytes([Command.GET_INFO]))
    hid.refused(other, sent_ns, HidError.CHANNEL_BUSY)
    _goes_on(subject)


@_BLINKING.test("11.2.5.3", "INIT on the broadcast channel is served whatever is under way.")
def init_is_served_while_waiting(subject: Subject) -> None:
    """INIT on the broadcast channel is answered while the key waits, which goes on."""
    begin_blinking(subject)
    subject.other_channel()
    _goes_on(subject)


@_BLINKING.test(
    "11.2.5.3", "INIT on an open channel aborts its transaction; nothing else is answered for it."
)
def init_ends_a_waiting_request(subject: Subject) -> None:
    """INIT on the channel of a request that waits ends it without an answer."""
    hid, channel = subject.hid, subject.channel
    begin_blinking(subject)
    hid.strays()
    hid.init(channel)
    hid.expect_silence(300 * NS_PER_MS, "silence after the answer to INIT")
    hid.ping(channel)
