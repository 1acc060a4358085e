"""PIN tries: they fall before the PIN is compared, and nothing wins one back but the right PIN.

CTAP 2.1 section 6.5.5. Every wrong PIN here is followed by the right one, or by the end of all
tries and a reset, so these tests are for keys that may be changed for good.
"""

from __future__ import annotations

from typing import Final

from fido2 import cbor

from mfalab.devices.ctap.commands import Command, PinSubcommand
from mfalab.devices.ctap.ctaphid import HidCommand
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.facts import CTAP2, has_option
from mfalab.simulator.conformance.pins import Pin
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import expect

CHAPTER = Chapter("PIN tries", "CTAP 2.1", when=[CTAP2, has_option("clientPin")])

_SPENDS = CHAPTER.given(
    pin=Pin.SET, destructive=True, changes="spends PIN tries, and gets them back"
)
_CYCLES = _SPENDS.given(needs=[Ability.POWER])
_WRONG: Final = "Wrong-0-wrong"


def _try_wrong(subject: Subject) -> Reply:
    return subject.pins.try_pin(_WRONG)


def _get_back(subject: Subject) -> None:
    """Get all tries back by the right PIN, after a power cycle if it takes one."""
    pins = subject.pins
    if not pins.is_set or pins.known is None:
        return  # a reset came between
    if pins.try_pin(pins.known).status == CtapStatus.PIN_AUTH_BLOCKED:
        subject.power_cycle()
        pins.prove()


def _left(subject: Subject, expected: int) -> None:
    left = subject.pins.retries()
    expect(left == expected, f"{expected} tries left", left)


@_SPENDS.test(
    "6.5.5.7.1", "A wrong PIN costs a try: CTAP2_ERR_PIN_INVALID; the right one restores 8."
)
def tries_fall_and_are_restored(subject: Subject) -> None:
    """A wrong PIN is PIN_INVALID and costs a try, and the right one gives all back."""
    subject.after(lambda: _get_back(subject))
    before = subject.pins.retries()
    _try_wrong(subject).must(CtapStatus.PIN_INVALID)
    _left(subject, before - 1)
    subject.pins.prove()
    _left(subject, 8)


@_SPENDS.test("6.5.5.6", "changePIN with a wrong PIN costs a try as well.")
def change_with_a_wrong_pin_costs_a_try(subject: Subject) -> None:
    """ChangePIN with a wrong PIN is PIN_INVALID and costs a try."""
    subject.after(lambda: _get_back(subject))
    before = subject.pins.retries()
    subject.pins.change(_WRONG, "Other-" + subject.pins.a_pin()).must(CtapStatus.PIN_INVALID)
    _left(subject, before - 1)


@_SPENDS.test("6.5.5.7.1", "After a mismatch the authenticator makes a new key agreement key.")
def mismatch_makes_a_new_key(subject: Subject) -> None:
    """After a wrong PIN the key agreement key is another."""
    subject.after(lambda: _get_back(subject))

    def point() -> object:
        reply = subject.pins.call(PinSubcommand.GET_KEY_AGREEMENT)
        return reply.member(0x01, dict).get(-2)

    before = point()
    _try_wrong(subject).must(CtapStatus.PIN_INVALID)
    expect(point() != before, "a new key agreement key", "the same one")


@_CYCLES.test(
    "6.5.5.7.1",
    "Three mismatches in a row are CTAP2_ERR_PIN_AUTH_BLOCKED until power is cycled; until then no "
    "PIN is compared and no try is spent.",
)
def three_wrong_pins_need_a_power_cycle(subject: Subject) -> None:
    """Three wrong PINs block even the right one until power is cycled, and cost three tries."""
    pins = subject.pins
    subject.after(lambda: _get_back(subject))
    pins.prove()
    for expected in (CtapStatus.PIN_INVALID, CtapStatus.PIN_INVALID, CtapStatus.PIN_AUTH_BLOCKED):
        _try_wrong(subject).must(expected)
    pins.try_pin(pins.known or "").must(CtapStatus.PIN_AUTH_BLOCKED)
    _try_wrong(subject).must(CtapStatus.PIN_AUTH_BLOCKED)
    _left(subject, 5)
    subject.power_cycle()
    _left(subject, 5)
    pins.prove()
    _left(subject, 8)


def _state(subject: Subject, cycle: bool) -> None:
    told = subject.pins.call(PinSubcommand.GET_PIN_RETRIES).members().get(0x04, cycle)
    expect(told is cycle, f"powerCycleState {str(cycle).lower()}", str(told).lower())


@_CYCLES.test(
    "6.5.5.2",
    "powerCycleState says that power has to be cycled.",
    when=[has_option("pinUvAuthToken")],
)
def power_cycle_state_is_told(subject: Subject) -> None:
    """PowerCycleState, if told, is true after three wrong PINs and false after a power cycle."""
    subject.after(lambda: _get_back(subject))
    for _ in range(3):
        _try_wrong(subject).refused()
    _state(subject, True)
    subject.power_cycle()
    _state(subject, False)


@_CYCLES.test("6.5.5.7.1", "Tries are kept without power.")
def tries_survive_a_power_cycle(subject: Subject) -> None:
    """A try that was spent stays spent when power is cycled."""
    subject.after(lambda: _get_back(subject))
    before = subject.pins.retries()
    _try_wrong(subject).must(CtapStatus.PIN_INVALID)
    subject.power_cycle()
    _left(subject, before - 1)


@_CYCLES.test(
    "6.5.5.7.1",
    "A try is written down before the PIN is compared, so that cutting the power wins none.",
    needs=[Ability.REPORTS],
)
def power_cut_wins_no_try(subject: Subject) -> None:
    """Cutting the power as soon as the key knows that a PIN is wrong wins no try."""
    subject.after(lambda: _get_back(subject))
    pins, hid = subject.pins, subject.hid
    before = pins.retries()
    for answered in (False, True):
        members, _ = pins.token_request(_WRONG, pins.harmless)
        request = bytes([Command.CLIENT_PIN]) + cbor.encode(members)
        sent_ns = hid.send(subject.channel, HidCommand.CBOR, request)
        if answered:
            answer = hid.receive(subject.channel, sent_ns)
            subject.reply(Command.CLIENT_PIN, answer).must(CtapStatus.PIN_INVALID)
        subject.power_cycle()
        hid = subject.hid
        left = pins.retries()
        fell = left < before or (left == before and not answered)
        expect(fell, f"fewer than {before} tries left", left)
        before = left


@CHAPTER.test(
    "6.5.5.7.1",
    "Without tries that is CTAP2_ERR_PIN_BLOCKED, and only a reset helps.",
    needs=[Ability.POWER],
    pin=Pin.SET,
    destructive=True,
    touches=1,
    changes="blocks the PIN, which takes a reset",
)
def no_tries_are_left(subject: Subject) -> None:
    """Eight wrong PINs block the PIN for good: PIN_BLOCKED, power cycled or not, until a reset."""
    subject.dirty.add("the PIN")
    subject.after(lambda: subject.ceremonies.reset() if subject.pins.is_set else None)
    pins = subject.pins
    for left in range(pins.retries() - 1, -1, -1):
        reply = _try_wrong(subject)
        if left == 0:
            reply.must(CtapStatus.PIN_BLOCKED)
        elif reply.must(CtapStatus.PIN_INVALID, CtapStatus.PIN_AUTH_BLOCKED).status == (
            CtapStatus.PIN_AUTH_BLOCKED
        ):
            subject.power_cycle()
        _left(subject, left)
    subject.power_cycle()
    pins.try_pin(pins.known or "").must(CtapStatus.PIN_BLOCKED)
