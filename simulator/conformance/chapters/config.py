"""authenticatorConfig: alwaysUv, minimum PIN length, enterprise attestation. CTAP 2.1 section 6.11.

What is set here only a reset takes back, so the tests that set something are for keys that may be
changed for good.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from mfalab.devices.ctap.commands import Command, ConfigSubcommand, Permission
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.ceremonies import RP_ID
from mfalab.simulator.conformance.facts import (
    CTAP2,
    has_extension,
    has_option,
    is_enterprise,
    option_is,
)
from mfalab.simulator.conformance.replies import Reply, encoded
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter, Pin
from mfalab.simulator.conformance.verdicts import Failure

__all__ = ["CHAPTER"]

CHAPTER = Chapter("authenticatorConfig", "CTAP 2.1", when=[CTAP2, has_option("authnrCfg")])

_RESET: Final = "changes a setting, which a reset takes back in the end"


def _configure(subject: Subject, subcommand: int, params: Any = None) -> Reply:
    """Send authenticatorConfig with a token."""
    token = subject.pins.token(Permission.AUTHENTICATOR_CONFIGURATION)
    message = b"\xff" * 32 + bytes([Command.CONFIG, subcommand])
    message += b"" if params is None else encoded(params)
    members: dict[int, Any] = {1: subcommand, 3: token.protocol, 4: token.sign(message)}
    if params is not None:
        members[2] = params
    return subject.call(Command.CONFIG, members)


def _error(members: dict[int, Any], statuses: tuple[CtapStatus, ...], subject: Subject) -> None:
    subject.call(Command.CONFIG, members).must(*statuses)


CHAPTER.add(
    "subcommand-absent",
    "6.11",
    "When subCommand is absent, that is MISSING_PARAMETER.",
    "The code is MISSING_PARAMETER.",
    partial(_error, {3: 1}, (CtapStatus.MISSING_PARAMETER,)),
)
CHAPTER.add(
    "unknown-subcommand",
    "6.11",
    "When the subcommand is unknown, that is INVALID_PARAMETER or INVALID_SUBCOMMAND.",
    "A subcommand that is not there is an error.",
    partial(
        _error,
        {1: 0x7E},
        (
            CtapStatus.INVALID_PARAMETER,
            CtapStatus.INVALID_SUBCOMMAND,
            CtapStatus.PUAT_REQUIRED,
            CtapStatus.MISSING_PARAMETER,
        ),
    ),
)


@CHAPTER.test(
    "6.11",
    "With a PIN every subcommand takes a token.",
    when=[has_option("alwaysUv")],
    pin=Pin.SET,
    destructive=True,
    changes="nothing on a conforming key",
)
def setting_takes_a_token(subject: Subject) -> None:
    """ToggleAlwaysUv without a token when there is a PIN is PUAT_REQUIRED."""
    before = subject.facts.options.get("alwaysUv")
    reply = subject.call(Command.CONFIG, {1: int(ConfigSubcommand.TOGGLE_ALWAYS_UV)})
    if subject.refresh().options.get("alwaysUv") is not before:
        subject.dirty.add("alwaysUv")
    reply.must(CtapStatus.PUAT_REQUIRED, CtapStatus.PIN_AUTH_INVALID, CtapStatus.MISSING_PARAMETER)


@CHAPTER.test(
    "6.11",
    "A token needs permission acfg.",
    when=[has_option("alwaysUv"), option_is("pinUvAuthToken", value=True)],
    pin=Pin.SET,
    destructive=True,
    changes="nothing on a conforming key",
)
def setting_takes_permission(subject: Subject) -> None:
    """ToggleAlwaysUv with a token that lacks acfg is PIN_AUTH_INVALID."""
    subcommand = int(ConfigSubcommand.TOGGLE_ALWAYS_UV)
    token = subject.pins.token(Permission.GET_ASSERTION, RP_ID)
    param = token.sign(b"\xff" * 32 + bytes([Command.CONFIG, subcommand]))
    reply = subject.call(Command.CONFIG, {1: subcommand, 3: token.protocol, 4: param})
    if reply.status == CtapStatus.SUCCESS:
        subject.dirty.add("alwaysUv")
    reply.must(CtapStatus.PIN_AUTH_INVALID)


@CHAPTER.test(
    "6.11.2",
    "toggleAlwaysUv turns alwaysUv over; while it is true, makeCredUvNotRqd is false and "
    "U2F is off.",
    when=[has_option("alwaysUv")],
    needs=[Ability.POWER],
    pin=Pin.SET,
    touches=1,
    destructive=True,
    changes=_RESET,
)
def always_uv_is_toggled(subject: Subject) -> None:
    """ToggleAlwaysUv turns alwaysUv over and back; while on, U2F and makeCredUvNotRqd are off."""
    subject.dirty.add("alwaysUv")
    before = subject.facts.options["alwaysUv"]
    for expected in (not before, before):
        reply = _configure(subject, ConfigSubcommand.TOGGLE_ALWAYS_UV)
        if before and reply.status == CtapStatus.OPERATION_DENIED:
            return  # a key may keep it on for good
        reply.must(CtapStatus.SUCCESS)
        facts = subject.refresh()
        if facts.options.get("alwaysUv") is not expected:
            raise Failure(f"alwaysUv {str(expected).lower()}", str(facts.options.get("alwaysUv")))
        if not expected:
            continue
        if facts.options.get("makeCredUvNotRqd"):
            raise Failure("makeCredUvNotRqd false", "true")
        if "U2F_V2" in facts.versions:
            raise Failure("versions without U2F_V2", ", ".join(facts.versions))


@CHAPTER.test(
    "6.11.2",
    "While alwaysUv is on, U2F refuses to register.",
    when=[option_is("alwaysUv", value=True)],
    needs=[Ability.REPORTS],
)
def always_uv_switches_u2f_off(subject: Subject) -> None:
    """U2F does not register while alwaysUv is on."""
    if not subject.facts.capable_of_msg:
        return
    word, _ = subject.u2f(1, 3, subject.random_bytes(64))
    if word in (0x9000, 0x6985):
        raise Failure("a refusal for good, such as 6986", f"{word:04X}")


@CHAPTER.test(
    "7.2",
    "With alwaysUv nothing is made without user verification.",
    when=[option_is("alwaysUv", value=True)],
)
def always_uv_refuses_the_unverified(subject: Subject) -> None:
    """MakeCredential without a token while alwaysUv is on is PUAT_REQUIRED or the like."""
    request = subject.ceremonies.make_request(authorised=False)
    subject.call(Command.MAKE_CREDENTIAL, request).must(
        CtapStatus.PUAT_REQUIRED, CtapStatus.OPERATION_DENIED, CtapStatus.PIN_NOT_SET
    )


_MIN: Final = option_is("setMinPINLength", value=True)


@CHAPTER.test(
    "6.11.4",
    "setMinPINLength makes the minimum longer, never shorter.",
    when=[_MIN],
    needs=[Ability.POWER],
    pin=Pin.SET,
    touches=1,
    destructive=True,
    changes=_RESET,
)
def minimum_pin_length_only_grows(subject: Subject) -> None:
    """SetMinPINLength makes the minimum longer; a shorter one is PIN_POLICY_VIOLATION."""
    subject.dirty.add("the minimum PIN length")
    before = subject.facts.number(0x0D, 4)
    _min_length(subject, before + 1).must(CtapStatus.SUCCESS)
    now = subject.refresh().number(0x0D, 4)
    if now != before + 1:
        raise Failure(f"minPINLength {before + 1}", str(now))
    _min_length(subject, before).must(CtapStatus.PIN_POLICY_VIOLATION)
    # Our PIN has 8 code points at least, so it is long enough for one more.
    subject.pins.prove()


def _min_length(subject: Subject, length: int) -> Reply:
    return _configure(subject, ConfigSubcommand.SET_MIN_PIN_LENGTH, {1: length})


@CHAPTER.test(
    "12.4",
    "RPs of the list are told the minimum PIN length by extension minPinLength.",
    when=[_MIN, has_extension("minPinLength")],
    needs=[Ability.POWER],
    pin=Pin.SET,
    touches=2,
    destructive=True,
    changes=_RESET,
)
def listed_rp_is_told_the_pin_length(subject: Subject) -> None:
    """A relying party that setMinPINLength names is told the minimum PIN length."""
    if not subject.facts.number(0x10, 0):
        _list(subject).refused()
        return
    subject.dirty.add("the RPs that are told the minimum PIN length")
    _list(subject).must(CtapStatus.SUCCESS)
    made = subject.ceremonies.make(extensions={"minPinLength": True})
    told, expected = made.auth.extensions.get("minPinLength"), subject.refresh().number(0x0D, 4)
    if told != expected:
        raise Failure(f"minPinLength {expected}", "nothing" if told is None else str(told))


def _list(subject: Subject) -> Reply:
    return _configure(subject, ConfigSubcommand.SET_MIN_PIN_LENGTH, {2: [RP_ID]})


@CHAPTER.test(
    "6.11.4",
    "No more RPs are listed than maxRPIDsForSetMinPINLength says.",
    when=[_MIN],
    needs=[Ability.POWER],
    pin=Pin.SET,
    destructive=True,
    touches=1,
    changes=_RESET,
)
def too_many_rps_are_refused(subject: Subject) -> None:
    """SetMinPINLength with one RP too many is KEY_STORE_FULL."""
    subject.dirty.add("the RPs that are told the minimum PIN length")
    names = [f"{number}.{RP_ID}" for number in range(subject.facts.number(0x10, 0) + 1)]
    reply = _configure(subject, ConfigSubcommand.SET_MIN_PIN_LENGTH, {2: names})
    reply.must(CtapStatus.KEY_STORE_FULL, CtapStatus.INVALID_PARAMETER, CtapStatus.LIMIT_EXCEEDED)


@CHAPTER.test(
    "6.11.4",
    "With forceChangePin no token is given until the PIN was changed.",
    when=[_MIN],
    needs=[Ability.POWER],
    pin=Pin.SET,
    touches=1,
    destructive=True,
    changes=_RESET,
)
def forced_change_of_pin(subject: Subject) -> None:
    """ForceChangePin withholds tokens until the PIN is changed to another one."""
    subject.dirty.add("the PIN")
    pins = subject.pins
    _configure(subject, ConfigSubcommand.SET_MIN_PIN_LENGTH, {3: True}).must(CtapStatus.SUCCESS)
    if subject.refresh().info.get(0x0C) is not True:
        raise Failure("forcePINChange true", str(subject.facts.info.get(0x0C)))
    old, new = pins.known or "", pins.a_pin("Z")
    pins.try_pin(old).must(CtapStatus.PIN_INVALID, CtapStatus.PIN_POLICY_VIOLATION)
    pins.change(old, old).must(CtapStatus.PIN_POLICY_VIOLATION)
    pins.change(old, new).must(CtapStatus.SUCCESS)
    pins.known = new
    if subject.refresh().info.get(0x0C):
        raise Failure("forcePINChange false", "true")
    pins.prove()


@CHAPTER.test(
    "6.11.1",
    "enableEnterpriseAttestation sets option ep.",
    when=[is_enterprise(enabled=False)],
    needs=[Ability.POWER],
    pin=Pin.SET,
    touches=2,
    destructive=True,
    changes=_RESET,
)
def enterprise_attestation_is_enabled(subject: Subject) -> None:
    """EnableEnterpriseAttestation makes ep true, and an unknown kind of it INVALID_OPTION."""
    subject.dirty.add("enterprise attestation")
    _configure(subject, ConfigSubcommand.ENABLE_ENTERPRISE_ATTESTATION).must(CtapStatus.SUCCESS)
    if subject.refresh().options.get("ep") is not True:
        raise Failure("option ep true", "false")
    request = subject.ceremonies.make_request() | {0x0A: 3}
    subject.call(Command.MAKE_CREDENTIAL, request).must(CtapStatus.INVALID_OPTION)
    made = subject.ceremonies.register(subject.ceremonies.make_request() | {0x0A: 2})
    subject.ceremonies.verify_attestation(made)
