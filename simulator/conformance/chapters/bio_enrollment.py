"""authenticatorBioEnrollment and built-in user verification. CTAP 2.1 sections 6.7 and 6.5.5."""

from __future__ import annotations

from typing import Any, Final

from mfalab.devices.ctap.commands import (
    AuthDataFlag,
    BioSubcommand,
    Command,
    Permission,
    PinSubcommand,
)
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.ceremonies import RP_ID
from mfalab.simulator.conformance.facts import CTAP2, HAS_TOKENS, has_option
from mfalab.simulator.conformance.pin_protocols import Shared
from mfalab.simulator.conformance.pins import Pin, Token
from mfalab.simulator.conformance.refusals import (
    INVALID,
    MISSING,
    UNAUTHORISED,
    Refusal,
    Request,
    add_refusals,
    send,
)
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import NotTested, expect

CHAPTER = Chapter("bioEnrollment", "CTAP 2.1", when=[CTAP2, has_option("bioEnroll")])

_FINGER = CHAPTER.given(
    needs=[Ability.FINGER], pin=Pin.SET, destructive=True, changes="enrols a finger and removes it"
)
_COMMAND: Final = Command.BIO_ENROLLMENT
_FINGERPRINT: Final = 1


def _ask(subject: Subject, subcommand: int, params: Any = None) -> Reply:
    """Send authenticatorBioEnrollment with a token."""
    token = subject.pins.token(Permission.BIO_ENROLLMENT)
    return subject.call(_COMMAND, _signed(token, subcommand, params))


def _signed(token: Token, subcommand: int, params: Any = None) -> Request:
    members = token.subcommand(subcommand, params, prefix=bytes([_FINGERPRINT]))
    return {1: _FINGERPRINT} | {key + 1: value for key, value in members.items()}


@CHAPTER.test("6.7.2", "getModality takes no token; fingerprint is 1.")
def modality_is_fingerprint(subject: Subject) -> None:
    """GetModality answers 1, fingerprint."""
    modality = subject.call(_COMMAND, {6: True}).member(0x01, int)
    expect(modality == _FINGERPRINT, "modality 1", modality)


@CHAPTER.test("6.7.3", "getFingerprintSensorInfo takes no token.")
def sensor_is_described(subject: Subject) -> None:
    """GetFingerprintSensorInfo tells the kind of sensor and how many samples it takes."""
    reply = subject.call(_COMMAND, {1: _FINGERPRINT, 2: int(BioSubcommand.GET_SENSOR_INFO)})
    expect(reply.member(0x02, int) in (1, 2), "fingerprintKind 1 or 2", reply.value[2])
    expect(reply.member(0x03, int) >= 1, "one or more samples", reply.value[3])


_UNKNOWN: Final = (CtapStatus.INVALID_SUBCOMMAND, CtapStatus.INVALID_PARAMETER)

add_refusals(
    CHAPTER,
    send(_COMMAND),
    {
        "6.7": (
            Refusal("subcommand-absent", "subCommand is absent", {1: 1}, MISSING),
            Refusal(
                "other-modality",
                "the modality is unknown",
                {1: 9, 2: 7},
                (*INVALID, CtapStatus.UNSUPPORTED_OPTION),
            ),
            Refusal("unknown-subcommand", "the subcommand is unknown", {1: 1, 2: 0x7E}, _UNKNOWN),
            Refusal(
                "enumerate-without-token",
                "enumerateEnrollments comes without pinUvAuthParam",
                {1: 1, 2: 4},
                UNAUTHORISED,
            ),
            Refusal(
                "enrol-without-token",
                "enrollBegin comes without pinUvAuthParam",
                {1: 1, 2: 1},
                UNAUTHORISED,
            ),
        )
    },
)


@CHAPTER.test("6.7.7", "A template that is not there is CTAP2_ERR_INVALID_OPTION.", pin=Pin.SET)
def unknown_template_is_refused(subject: Subject) -> None:
    """Removing or renaming an unknown template is INVALID_OPTION."""
    for subcommand, params in (
        (BioSubcommand.REMOVE, {1: bytes(16)}),
        (BioSubcommand.SET_FRIENDLY_NAME, {1: bytes(16), 2: "x"}),
    ):
        _ask(subject, subcommand, params).must(CtapStatus.INVALID_OPTION)


@CHAPTER.test(
    "6.7.6", "Enrolment takes a token with permission be.", when=[HAS_TOKENS], pin=Pin.SET
)
def enrolment_takes_permission(subject: Subject) -> None:
    """EnumerateEnrollments with a token that lacks be is PIN_AUTH_INVALID."""
    token = subject.pins.unfit(Permission.BIO_ENROLLMENT)
    reply = subject.call(_COMMAND, _signed(token, BioSubcommand.ENUMERATE))
    reply.must(CtapStatus.PIN_AUTH_INVALID)


# With a finger.


def _fingers(subject: Subject) -> list[dict[Any, Any]]:
    reply = _ask(subject, BioSubcommand.ENUMERATE)
    if reply.status == CtapStatus.INVALID_OPTION:
        return []
    found: list[dict[Any, Any]] = reply.member(0x07, list)
    return found


def enrol(subject: Subject, finger: str = "thumb") -> bytes:
    """Enrol a finger that is removed when the test has ended."""
    if _fingers(subject):
        raise NotTested("the key has fingers enrolled, whose owners are not here")
    subject.dirty.add("a finger")
    subject.user.present(finger)
    token = subject.pins.token(Permission.BIO_ENROLLMENT)
    reply = subject.call(_COMMAND, _signed(token, BioSubcommand.ENROLL_BEGIN, {3: 20_000}))
    template: bytes = reply.member(0x04, bytes)
    subject.after(lambda: _remove(subject, template))
    left = [reply.member(0x06, int)]
    while left[-1]:
        members = _signed(token, BioSubcommand.ENROLL_CAPTURE_NEXT, {1: template, 3: 20_000})
        reply = subject.call(_COMMAND, members)
        left.append(reply.member(0x06, int))
        if reply.member(0x05, int) == 0:
            expect(left[-1] == left[-2] - 1, f"{left[-2] - 1} samples left", left[-1])
        expect(len(left) <= 40, "an enrolment that ends", "40 samples and no end")
    subject.refresh()
    return template


def _remove(subject: Subject, template: bytes) -> None:
    if subject.pins.is_set:
        _ask(subject, BioSubcommand.REMOVE, {1: template}).must(
            CtapStatus.SUCCESS, CtapStatus.INVALID_OPTION
        )
    subject.dirty.discard("a finger")
    subject.refresh()


@_FINGER.test("6.7.4", "A finger is enrolled sample by sample; then bioEnroll and uv are true.")
def finger_is_enrolled(subject: Subject) -> None:
    """A finger is enrolled, listed, renamed and removed, and options follow."""
    template = enrol(subject)
    for option in ("bioEnroll", "uv"):
        expect(subject.facts.options.get(option), f"option {option} true", "false")
    renaming = _ask(subject, BioSubcommand.SET_FRIENDLY_NAME, {1: template, 2: "Thumb"})
    renaming.must(CtapStatus.SUCCESS)
    found = [(each.get(1), each.get(2)) for each in _fingers(subject)]
    fits = found == [(template, "Thumb")]
    expect(fits, "one template, named Thumb", f"{len(found)} templates")
    _remove(subject, template)
    left = subject.facts.options.get("bioEnroll")
    expect(left is False, "option bioEnroll false", "true")


@_FINGER.test("6.1.2 step 11", "With option uv the user is verified by the key itself.")
def finger_verifies_the_user(subject: Subject) -> None:
    """A credential is made with option uv and a finger, and says that the user was verified."""
    enrol(subject)
    request = subject.ceremonies.make_request(authorised=False) | {0x07: {"uv": True}}
    subject.user.present("thumb")
    made = subject.ceremonies.register(request)
    made.auth.expect(AuthDataFlag.USER_VERIFIED)


@_FINGER.test("6.5.5.7.3", "A token is given for a finger.", when=[has_option("pinUvAuthToken")])
def finger_gives_a_token(subject: Subject) -> None:
    """GetPinUvAuthTokenUsingUvWithPermissions gives a token for a finger that is enrolled."""
    enrol(subject)
    subject.user.present("thumb")
    subject.pins.opened(*_token_by_uv(subject))


def _token_by_uv(subject: Subject) -> tuple[Reply, Shared]:
    shared = subject.pins.agree()
    members = {
        0x01: shared.protocol,
        0x03: dict(shared.public),
        0x09: int(Permission.GET_ASSERTION),
        0x0A: RP_ID,
    }
    return subject.pins.call(PinSubcommand.GET_TOKEN_USING_UV, members), shared


@_FINGER.test(
    "6.5.5.7.3",
    "A wrong finger is CTAP2_ERR_UV_INVALID and costs a try; without tries it is "
    "CTAP2_ERR_UV_BLOCKED until the PIN is given.",
    when=[has_option("pinUvAuthToken")],
)
def wrong_fingers_block(subject: Subject) -> None:
    """Wrong fingers are UV_INVALID, then UV_BLOCKED, and the right PIN gives all tries back."""
    enrol(subject)
    tries = _uv_retries(subject)
    subject.user.present("another person's")
    for left in range(tries - 1, -1, -1):
        _token_by_uv(subject)[0].must(CtapStatus.UV_INVALID, CtapStatus.UV_BLOCKED)
        _uv_left(subject, left)
    subject.user.present("thumb")
    _token_by_uv(subject)[0].must(CtapStatus.UV_BLOCKED)
    subject.pins.prove()
    _uv_left(subject, tries)


def _uv_retries(subject: Subject) -> int:
    found: int = subject.pins.call(PinSubcommand.GET_UV_RETRIES).member(0x05, int)
    return found


def _uv_left(subject: Subject, expected: int) -> None:
    left = _uv_retries(subject)
    expect(left == expected, f"{expected} tries left", left)
