"""authenticatorReset, and what a key must have forgotten afterwards. CTAP 2.1 section 6.6.

These tests come last: they leave the key as it came from the factory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

from mfalab.devices.ctap.commands import Command
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.conformance.chapters.u2f import u2f_handle_is_known, u2f_register
from mfalab.simulator.conformance.facts import CTAP2, SINCE_2_1, STORES, U2F, has_option
from mfalab.simulator.conformance.pins import Pin
from mfalab.simulator.conformance.refusals import NOT_HERE, UNTOUCHED
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter, Options
from mfalab.simulator.conformance.verdicts import expect

CHAPTER = Chapter("Reset", "CTAP 2.1", when=[CTAP2])

_RESETS = CHAPTER.given(needs=[Ability.POWER], destructive=True, last=True)
_REFUSED = _RESETS.given(changes="nothing on a conforming key")
_FORGETS = _RESETS.given(changes="everything on the key is gone")


@_REFUSED.test(
    "6.6",
    "A key without a display is reset within 10 s of power-up only: CTAP2_ERR_NOT_ALLOWED.",
    when=[SINCE_2_1],
    lasts_s=11,
)
def late_reset_is_refused(subject: Subject) -> None:
    """A reset eleven seconds after power-up is NOT_ALLOWED."""
    subject.power_cycle()
    subject.call(Command.GET_INFO)  # on a reader, this is the tap from which 10 s count
    subject.fixture.wait(11 * NS_PER_S)
    reply = subject.call(Command.RESET)
    if reply.status == CtapStatus.SUCCESS:
        subject.pins.known = None
        subject.refresh()
    reply.must(CtapStatus.NOT_ALLOWED)


@_REFUSED.test("6.6", "A reset takes user presence.", needs=[Ability.REPORTS], lasts_s=40)
def reset_takes_a_touch(subject: Subject) -> None:
    """A reset that is not confirmed ends in an error, and nothing is forgotten."""
    subject.power_cycle()
    subject.user.stay_away()
    subject.call(Command.RESET).must(*UNTOUCHED, CtapStatus.NOT_ALLOWED)


def _after_reset(
    name: str,
    behaviour: str,
    before: Callable[[Subject], Callable[[], None]],
    **options: Unpack[Options],
) -> None:
    """A test that does something, resets the key, and looks at what is left."""

    def run(subject: Subject) -> None:
        look = before(subject)
        subject.ceremonies.reset()
        look()

    _FORGETS.add(
        name,
        "6.6",
        behaviour,
        "A reset ends all credentials, the PIN, settings and blobs, whatever they were.",
        run,
        **options,
    )


def _credential(*, rk: bool) -> Callable[[Subject], Callable[[], None]]:
    def before(subject: Subject) -> Callable[[], None]:
        made = subject.ceremonies.make(rk=rk, rp_id=subject.ceremonies.another_rp())
        subject.ceremonies.sign(made)

        def look() -> None:
            subject.prepare(Pin.ANY, ready=True)
            request = subject.ceremonies.sign_request(rp_id=made.rp_id, allow=[made.id])
            subject.call(Command.GET_ASSERTION, request).must(*NOT_HERE)

        return look

    return before


def _pin(subject: Subject) -> Callable[[], None]:
    def look() -> None:
        pin = subject.refresh().options.get("clientPin")
        expect(not pin, "option clientPin false", "true")
        left = subject.pins.retries()
        expect(left == 8, "8 tries", left)

    return look


def _handle(subject: Subject) -> Callable[[], None]:
    registered = u2f_register(subject)

    def look() -> None:
        known = subject.facts.u2f and u2f_handle_is_known(subject, registered)
        expect(not known, "6A80 WRONG_DATA for the key handle", "the key knows it")

    return look


def _room(subject: Subject) -> Callable[[], None]:
    def look() -> None:
        subject.prepare(Pin.SET, ready=True)
        subject.ceremonies.make_discoverable()

    return look


_after_reset(
    "reset-ends-credentials",
    "After a reset a credential that is not discoverable signs no more.",
    _credential(rk=False),
    touches=4,
    ready=True,
)
_after_reset(
    "reset-ends-discoverable-credentials",
    "After a reset a discoverable credential signs no more.",
    _credential(rk=True),
    touches=4,
    pin=Pin.SET,
    when=[STORES],
)
_after_reset(
    "reset-ends-the-pin",
    "After a reset there is no PIN, and all tries are there.",
    _pin,
    touches=1,
    pin=Pin.SET,
    when=[has_option("clientPin")],
)
_after_reset(
    "reset-ends-u2f-handles",
    "After a reset the key handle of a U2F registration is unknown.",
    _handle,
    touches=2,
    when=[U2F],
)
_after_reset(
    "reset-makes-room",
    "After a reset there is room for a discoverable credential, as option rk says.",
    _room,
    touches=3,
    when=[STORES, has_option("clientPin")],
)
