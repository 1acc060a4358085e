"""authenticatorReset, and what a key must have forgotten afterwards. CTAP 2.1 section 6.6.

These tests come last: they leave the key as it came from the factory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Unpack

from mfalab.devices.ctap.commands import (
    Command,
    ConfigSubcommand,
    CredentialManagementSubcommand,
    Permission,
    PinSubcommand,
)
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.conformance.ceremonies import RP_ID
from mfalab.simulator.conformance.chapters.bio_enrollment import enrol
from mfalab.simulator.conformance.chapters.config import configure
from mfalab.simulator.conformance.chapters.large_blobs import (
    store_array,
    stored_array,
    with_hash,
)
from mfalab.simulator.conformance.chapters.tokens import expect_dead
from mfalab.simulator.conformance.chapters.u2f import u2f_handle_is_known, u2f_register
from mfalab.simulator.conformance.facts import (
    CTAP2,
    SINCE_2_1,
    STORES,
    U2F,
    has_extension,
    has_option,
    option_is,
    unless,
)
from mfalab.simulator.conformance.pins import Pin, Token
from mfalab.simulator.conformance.refusals import NOT_HERE, UNTOUCHED
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter, Options
from mfalab.simulator.conformance.verdicts import NotTested, expect

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
        reply = subject.pins.call(PinSubcommand.GET_PIN_RETRIES)
        if reply.must(CtapStatus.SUCCESS, CtapStatus.PIN_NOT_SET).status == CtapStatus.SUCCESS:
            left = reply.member(0x03, int)
            expect(left == 8, "8 tries", left)

    return look


def _handle(subject: Subject) -> Callable[[], None]:
    registered = u2f_register(subject)

    def look() -> None:
        known = subject.facts.u2f and u2f_handle_is_known(subject, registered.key_handle)
        expect(not known, "6A80 WRONG_DATA for the key handle", "the key knows it")

    return look


def _blobs(subject: Subject) -> Callable[[], None]:
    room = subject.facts.number(0x0B, 1024)
    store_array(subject, with_hash(b"\x81\x41\x2a"))

    def look() -> None:
        subject.refresh()
        blank = stored_array(subject) == with_hash(b"\x80")
        expect(blank, "the empty large-blob array of 17 bytes", "another one")
        now = subject.facts.number(0x0B, 1024)
        expect(now == room, f"maxSerializedLargeBlobArray {room}", now)

    return look


_NOT_OF_A_RESET: Final = {0x14, 0x17, 0x19, 0x1E}
"""Members that count or are made anew each time, and so say nothing of settings."""


def _settings(subject: Subject) -> Callable[[], None]:
    """Change what authenticatorConfig can change; what the key refuses is not changed."""
    subject.ceremonies.reset()
    fresh = subject.facts
    subject.prepare(Pin.SET, ready=False)
    subject.dirty.add("settings")
    longer = {1: fresh.number(0x0D, 4) + 1}
    configure(subject, ConfigSubcommand.SET_MIN_PIN_LENGTH, longer)
    configure(subject, ConfigSubcommand.ENABLE_ENTERPRISE_ATTESTATION)
    configure(subject, ConfigSubcommand.TOGGLE_ALWAYS_UV)
    if subject.refresh().options == dict(fresh.options) | {"clientPin": True} and not (
        subject.facts.number(0x0D, 4) > fresh.number(0x0D, 4)
    ):
        raise NotTested("the key lets no setting be changed")

    def look() -> None:
        enterprise = subject.facts.options.get("ep")
        expect(not enterprise, "option ep false", "true")  # whatever it was before
        for number, before in fresh.info.items():
            if number not in _NOT_OF_A_RESET:
                now = subject.facts.info.get(number)
                expect(now == before, f"member 0x{number:02X} as before, {before!r:.200}", now)

    return look


def _listed_rp(subject: Subject) -> Callable[[], None]:
    subject.dirty.add("settings")
    listing = configure(subject, ConfigSubcommand.SET_MIN_PIN_LENGTH, {2: [RP_ID]})
    listing.must(CtapStatus.SUCCESS)

    def look() -> None:
        subject.prepare(Pin.ANY, ready=True)
        told = subject.ceremonies.make(extensions={"minPinLength": True}).auth.extensions
        expect("minPinLength" not in told, "no minPinLength", told.get("minPinLength"))

    return look


def _finger(subject: Subject) -> Callable[[], None]:
    enrol(subject)

    def look() -> None:
        for option in ("bioEnroll", "uv"):
            there = subject.facts.options.get(option)
            expect(not there, f"option {option} false", "true")

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
    "reset-ends-large-blobs",
    "After a reset the large-blob array is empty.",
    _blobs,
    touches=1,
    pin=Pin.SET,
    when=[option_is("largeBlobs", value=True)],
)
_after_reset(
    "reset-ends-settings",
    "After a reset the key announces what it announced before settings were changed.",
    _settings,
    touches=2,
    pin=Pin.SET,
    when=[has_option("authnrCfg")],
)
_after_reset(
    "reset-ends-the-list-of-rps",
    "After a reset no RP is told the minimum PIN length.",
    _listed_rp,
    touches=2,
    pin=Pin.SET,
    when=[
        option_is("setMinPINLength", value=True),
        has_extension("minPinLength"),
        unless(lambda facts: facts.number(0x10, 0) > 0, "the key lists no RPs"),
    ],
)
_after_reset(
    "reset-ends-fingers",
    "After a reset no finger is enrolled.",
    _finger,
    needs=[Ability.FINGER],
    touches=1,
    pin=Pin.SET,
    when=[has_option("bioEnroll")],
)
_after_reset(
    "reset-makes-room",
    "After a reset there is room for a discoverable credential, as option rk says.",
    _room,
    touches=3,
    when=[STORES, has_option("clientPin")],
)


# Tokens are asked for between power-up and reset, so that it is not the power that ends them.

_ENDS_TOKENS: Final = _FORGETS.given(
    needs=[Ability.REPORTS],
    when=[has_option("clientPin"), has_option("credMgmt")],
    pin=Pin.SET,
    touches=1,
)


def _reset_with_a_token(subject: Subject, permission: Permission) -> None:
    """Reset with a token in use, and try it at once and with another PIN."""
    tokens: list[Token] = []
    subject.ceremonies.reset(lambda: tokens.append(subject.pins.token(permission)))
    reading = tokens[0].subcommand(CredentialManagementSubcommand.GET_CREDS_METADATA)
    subject.call(Command.CREDENTIAL_MANAGEMENT, reading).refused()
    subject.prepare(Pin.SET, ready=False)
    expect_dead(subject.call(Command.CREDENTIAL_MANAGEMENT, reading), "a token from before")


@_ENDS_TOKENS.test("6.6", "A reset ends the pinUvAuthToken that is in use.", when=[SINCE_2_1])
def reset_ends_tokens(subject: Subject) -> None:
    """After a reset the token from before is refused, with and without another PIN."""
    _reset_with_a_token(subject, Permission.CREDENTIAL_MANAGEMENT)


@_ENDS_TOKENS.test(
    "CTAP 2.2 §6.6",
    "A reset ends the persistent token.",
    when=[option_is("perCredMgmtRO", value=True)],
)
def reset_ends_persistent_tokens(subject: Subject) -> None:
    """After a reset the persistent token from before is refused."""
    _reset_with_a_token(subject, Permission.PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY)
