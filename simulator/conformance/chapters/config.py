"""authenticatorConfig: alwaysUv, minimum PIN length, enterprise attestation. CTAP 2.1 section 6.11.

What is set here only a reset takes back, so the tests that set something are for keys that may be
changed for good.
"""

from __future__ import annotations

from typing import Any, Final

from mfalab.devices.ctap.commands import Command, ConfigSubcommand, Permission
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.ceremonies import RP_ID
from mfalab.simulator.conformance.facts import (
    CTAP2,
    HAS_TOKENS,
    has_extension,
    has_option,
    is_enterprise,
    option_is,
)
from mfalab.simulator.conformance.pins import Pin
from mfalab.simulator.conformance.refusals import MISSING, UNAUTHORISED, Refusal, add_refusals, send
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import expect

CHAPTER = Chapter("authenticatorConfig", "CTAP 2.1", when=[CTAP2, has_option("authnrCfg")])

_TOGGLES = CHAPTER.given(when=[has_option("alwaysUv")], pin=Pin.SET, destructive=True)
_ALWAYS_UV = CHAPTER.given(when=[option_is("alwaysUv", value=True)])
_SETS = CHAPTER.given(
    needs=[Ability.POWER],
    pin=Pin.SET,
    touches=1,
    destructive=True,
    changes="changes a setting, which a reset takes back in the end",
)
_MIN = _SETS.given(when=[option_is("setMinPINLength", value=True)])
_UNCHANGED: Final = "nothing on a conforming key"
_SIGNED: Final = b"\xff" * 32 + bytes([Command.CONFIG])
"""What stands before the subcommand in the message that is signed."""


def configure(subject: Subject, subcommand: int, params: Any = None) -> Reply:
    """Send authenticatorConfig with a token."""
    token = subject.pins.token(Permission.AUTHENTICATOR_CONFIGURATION)
    members = token.subcommand(subcommand, params, prefix=_SIGNED)
    return subject.call(Command.CONFIG, members)


add_refusals(
    CHAPTER,
    send(Command.CONFIG),
    {"6.11": (Refusal("subcommand-absent", "subCommand is absent", {3: 1}, MISSING),)},
)


@CHAPTER.test("6.11", "A subcommand that is not there is an error.")
def unknown_subcommand(subject: Subject) -> None:
    """When the subcommand is unknown, that is INVALID_PARAMETER or INVALID_SUBCOMMAND."""
    unknown = CtapStatus.INVALID_PARAMETER, CtapStatus.INVALID_SUBCOMMAND
    subject.call(Command.CONFIG, {1: 0x7E}).must(*unknown, *UNAUTHORISED)


@_TOGGLES.test("6.11", "With a PIN every subcommand takes a token.", changes=_UNCHANGED)
def setting_takes_a_token(subject: Subject) -> None:
    """ToggleAlwaysUv without a token when there is a PIN is PUAT_REQUIRED."""
    before = subject.facts.options.get("alwaysUv")
    reply = subject.call(Command.CONFIG, {1: int(ConfigSubcommand.TOGGLE_ALWAYS_UV)})
    if subject.refresh().options.get("alwaysUv") is not before:
        subject.dirty.add("alwaysUv")
    reply.must(CtapStatus.PUAT_REQUIRED, CtapStatus.PIN_AUTH_INVALID, CtapStatus.MISSING_PARAMETER)


@_TOGGLES.test("6.11", "A token needs permission acfg.", when=[HAS_TOKENS], changes=_UNCHANGED)
def setting_takes_permission(subject: Subject) -> None:
    """ToggleAlwaysUv with a token that lacks acfg is PIN_AUTH_INVALID."""
    token = subject.pins.token(Permission.GET_ASSERTION, RP_ID)
    members = token.subcommand(ConfigSubcommand.TOGGLE_ALWAYS_UV, prefix=_SIGNED)
    reply = subject.call(Command.CONFIG, members)
    if reply.status == CtapStatus.SUCCESS:
        subject.dirty.add("alwaysUv")
    reply.must(CtapStatus.PIN_AUTH_INVALID)


@_SETS.test(
    "6.11.2",
    "toggleAlwaysUv turns alwaysUv over; while it is true, makeCredUvNotRqd is false and "
    "U2F is off.",
    when=[has_option("alwaysUv")],
)
def always_uv_is_toggled(subject: Subject) -> None:
    """ToggleAlwaysUv turns alwaysUv over and back; while on, U2F and makeCredUvNotRqd are off."""
    subject.dirty.add("alwaysUv")
    before = subject.facts.options["alwaysUv"]
    for expected in (not before, before):
        reply = configure(subject, ConfigSubcommand.TOGGLE_ALWAYS_UV)
        if before and reply.status == CtapStatus.OPERATION_DENIED:
            return  # a key may keep it on for good
        reply.must(CtapStatus.SUCCESS)
        facts = subject.refresh()
        now = facts.options.get("alwaysUv")
        expect(now is expected, f"alwaysUv {str(expected).lower()}", now)
        if expected:
            lax = facts.options.get("makeCredUvNotRqd")
            expect(not lax, "makeCredUvNotRqd false", "true")
            u2f = "U2F_V2" in facts.versions
            expect(not u2f, "versions without U2F_V2", ", ".join(facts.versions))


@_ALWAYS_UV.test(
    "6.11.2", "While alwaysUv is on, U2F refuses to register.", needs=[Ability.REPORTS]
)
def always_uv_switches_u2f_off(subject: Subject) -> None:
    """U2F does not register while alwaysUv is on."""
    if not subject.facts.capable_of_msg:
        return
    word, _ = subject.u2f(1, 3, subject.random_bytes(64))
    expect(word not in (0x9000, 0x6985), "a refusal for good, such as 6986", f"{word:04X}")


@_ALWAYS_UV.test("7.2", "With alwaysUv nothing is made without user verification.")
def always_uv_refuses_the_unverified(subject: Subject) -> None:
    """MakeCredential without a token while alwaysUv is on is PUAT_REQUIRED or the like."""
    request = subject.ceremonies.make_request(authorised=False)
    subject.call(Command.MAKE_CREDENTIAL, request).must(
        CtapStatus.PUAT_REQUIRED, CtapStatus.OPERATION_DENIED, CtapStatus.PIN_NOT_SET
    )


def _min_length(subject: Subject, key: int, value: object) -> Reply:
    return configure(subject, ConfigSubcommand.SET_MIN_PIN_LENGTH, {key: value})


@_MIN.test("6.11.4", "setMinPINLength makes the minimum longer, never shorter.")
def minimum_pin_length_only_grows(subject: Subject) -> None:
    """SetMinPINLength makes the minimum longer; a shorter one is PIN_POLICY_VIOLATION."""
    subject.dirty.add("the minimum PIN length")
    before = subject.facts.number(0x0D, 4)
    _min_length(subject, 1, before + 1).must(CtapStatus.SUCCESS)
    now = subject.refresh().number(0x0D, 4)
    expect(now == before + 1, f"minPINLength {before + 1}", now)
    _min_length(subject, 1, before).must(CtapStatus.PIN_POLICY_VIOLATION)
    # Our PIN has 8 code points at least, so it is long enough for one more.
    subject.pins.prove()


@_MIN.test("6.11.4", "A PIN that is shorter than a new minimum has to be changed.")
def short_pin_has_to_be_changed(subject: Subject) -> None:
    """A minimum longer than the PIN withholds tokens until the PIN is changed to a longer one."""
    pins = subject.pins
    old = pins.known or ""
    subject.dirty.add("the minimum PIN length")
    _min_length(subject, 1, len(old) + 1).must(CtapStatus.SUCCESS)
    forced = subject.refresh().info.get(0x0C)
    expect(forced is True, "forcePINChange true", forced)
    pins.try_pin(old).must(CtapStatus.PIN_INVALID, CtapStatus.PIN_POLICY_VIOLATION)
    pins.replace(old, pins.a_pin())
    pins.prove()
    subject.refresh()


_LISTED: Final = "the RPs that are told the minimum PIN length"


@_MIN.test(
    "12.4",
    "RPs of the list are told the minimum PIN length by extension minPinLength.",
    when=[has_extension("minPinLength")],
    touches=2,
)
def listed_rp_is_told_the_pin_length(subject: Subject) -> None:
    """A relying party that setMinPINLength names is told the minimum PIN length."""
    if not subject.facts.number(0x10, 0):
        _min_length(subject, 2, [RP_ID]).refused()
        return
    subject.dirty.add(_LISTED)
    _min_length(subject, 2, [RP_ID]).must(CtapStatus.SUCCESS)
    made = subject.ceremonies.make(extensions={"minPinLength": True})
    told, expected = made.auth.extensions.get("minPinLength"), subject.refresh().number(0x0D, 4)
    expect(told == expected, f"minPinLength {expected}", "nothing" if told is None else told)


@_MIN.test("6.11.4", "No more RPs are listed than maxRPIDsForSetMinPINLength says.")
def too_many_rps_are_refused(subject: Subject) -> None:
    """SetMinPINLength with one RP too many is KEY_STORE_FULL."""
    subject.dirty.add(_LISTED)
    names = [f"{number}.{RP_ID}" for number in range(subject.facts.number(0x10, 0) + 1)]
    _min_length(subject, 2, names).must(
        CtapStatus.KEY_STORE_FULL, CtapStatus.INVALID_PARAMETER, CtapStatus.LIMIT_EXCEEDED
    )


@_MIN.test("6.11.4", "With forceChangePin no token is given until the PIN was changed.")
def forced_change_of_pin(subject: Subject) -> None:
    """ForceChangePin withholds tokens until the PIN is changed to another one."""
    subject.dirty.add("the PIN")
    pins = subject.pins
    _min_length(subject, 3, True).must(CtapStatus.SUCCESS)
    forced = subject.refresh().info.get(0x0C)
    expect(forced is True, "forcePINChange true", forced)
    old, new = pins.known or "", pins.a_pin("Z")
    pins.try_pin(old).must(CtapStatus.PIN_INVALID, CtapStatus.PIN_POLICY_VIOLATION)
    pins.change(old, old).must(CtapStatus.PIN_POLICY_VIOLATION)
    pins.change(old, new).must(CtapStatus.SUCCESS)
    pins.known = new
    expect(not subject.refresh().info.get(0x0C), "forcePINChange false", "true")
    pins.prove()


@_SETS.test(
    "6.11.1",
    "enableEnterpriseAttestation sets option ep.",
    when=[is_enterprise(enabled=False)],
    touches=2,
)
def enterprise_attestation_is_enabled(subject: Subject) -> None:
    """EnableEnterpriseAttestation makes ep true, and an unknown kind of it INVALID_OPTION."""
    subject.dirty.add("enterprise attestation")
    configure(subject, ConfigSubcommand.ENABLE_ENTERPRISE_ATTESTATION).must(CtapStatus.SUCCESS)
    expect(subject.refresh().options.get("ep") is True, "option ep true", "false")
    request = subject.ceremonies.make_request() | {0x0A: 3}
    subject.call(Command.MAKE_CREDENTIAL, request).must(CtapStatus.INVALID_OPTION)
    made = subject.ceremonies.register(subject.ceremonies.make_request() | {0x0A: 2})
    subject.ceremonies.verify_attestation(made)


@_SETS.test(
    "6.1.2 step 9",
    "Enterprise attestation of kind 1 is for the RPs that its maker has listed.",
    when=[has_option("ep")],
)
def enterprise_attestation_is_for_listed_rps(subject: Subject) -> None:
    """EnterpriseAttestation 1 for our RP, which is on no list, gives the usual attestation."""
    if not subject.facts.options.get("ep"):
        subject.dirty.add("enterprise attestation")
        configure(subject, ConfigSubcommand.ENABLE_ENTERPRISE_ATTESTATION).must(CtapStatus.SUCCESS)
        subject.refresh()
    made = subject.ceremonies.register(subject.ceremonies.make_request() | {0x0A: 1})
    told = made.reply.members().get(0x04)
    expect(not told, "epAtt false or absent", told)
