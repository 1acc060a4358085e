"""authenticatorGetInfo: the form of every member, and whether they agree. CTAP 2.1 section 6.4.

The members that CTAP 2.2 and 2.3 added are judged where they are there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from mfalab.devices.ctap.commands import Command, PinSubcommand
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.conformance.facts import (
    CTAP2,
    SINCE_2_1,
    SPEAKS_CTAP2,
    Condition,
    Facts,
    has_extension,
    has_member,
    has_option,
    unless,
)
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import Failure, expect
from mfalab.simulator.keys.canonical import read
from mfalab.simulator.traces.vocabulary import RESPONSES

CHAPTER = Chapter("getInfo", "CTAP 2.1")

_READ = CHAPTER.given(when=[CTAP2])
_NAMES: Final = RESPONSES[Command.GET_INFO]
_NUMBERS: Final = {name: number for number, name in _NAMES.items()}
_TRANSPORTS: Final = ("usb", "nfc", "ble", "smart-card", "hybrid", "internal")
_CHANGING: Final = (0x19, 0x1E)
"""encIdentifier and encCredStoreState have a new vector each time."""


# Form.


@CHAPTER.test("6.4", "getInfo takes no parameters and no touch.", when=[SPEAKS_CTAP2])
def get_info_answers(subject: Subject) -> None:
    """GetInfo answers SUCCESS and a map, without a touch."""
    reply = subject.call(Command.GET_INFO)
    reply.members()
    asked = reply.answer.wanted_touch
    expect(not asked, "an answer without a touch", "a keepalive that says UPNEEDED")


@CHAPTER.test("8", "Answers are in CTAP2 canonical CBOR.", when=[SPEAKS_CTAP2])
def get_info_is_canonical(subject: Subject) -> None:
    """GetInfo is canonical CBOR: keys in order, shortest forms, definite lengths."""
    for problem in read(subject.call(Command.GET_INFO).body).problems:
        raise Failure("canonical CBOR", problem)


@_READ.test("6.4", "The members of getInfo have numbers.")
def member_keys_are_numbers(subject: Subject) -> None:
    """Every key of getInfo is an unsigned number."""
    for key in subject.call(Command.GET_INFO).members():
        expect(isinstance(key, int) and key >= 1, "keys that are numbers from 1", repr(key))


@_READ.test("6.4", "getInfo says what the authenticator is; that changes with its state only.")
def get_info_is_steady(subject: Subject) -> None:
    """Two answers of getInfo in a row are the same, but for its encrypted members."""
    one, other = (subject.call(Command.GET_INFO).members() for _ in range(2))
    for key in sorted({*one, *other}.difference(_CHANGING)):
        same = one.get(key) == other.get(key)
        expect(same, "the same answer twice", f"member 0x{key:02X} differs")


@CHAPTER.test(
    "CTAP 2.2 §6.4",
    "encIdentifier and encCredStoreState are encrypted with a new vector each time.",
    when=[has_member(0x19)],
)
def encrypted_members_are_new_each_time(subject: Subject) -> None:
    """The encrypted members have 32 bytes and differ between two answers."""
    one, other = (subject.call(Command.GET_INFO).members() for _ in range(2))
    for key in sorted(one.keys() & set(_CHANGING)):
        value, where = one[key], f"member 0x{key:02X}"
        expect(isinstance(value, bytes) and len(value) == 32, f"32 bytes in {where}", repr(value))
        again = value[:16] == other.get(key, b"")[:16]
        expect(not again, f"another vector in {where}", "the same one again")


# Members.


def _is(kind: type, value: Any) -> bool:
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _list(kind: type, value: Any, *, least: int = 0, unique: bool = True) -> bool:
    return (
        _is(list, value)
        and len(value) >= least
        and all(_is(kind, each) for each in value)
        and not (unique and any(item in value[:at] for at, item in enumerate(value)))
    )


def _map(kind: type, value: Any) -> bool:
    return _is(dict, value) and all(_is(str, key) and _is(kind, value[key]) for key in value)


_Form = tuple[str, Callable[[Any], bool]]
"""The form of a member, in words, and whether a value has it."""


def _check(form: _Form, number: int, subject: Subject) -> None:
    text, fits = form
    value = subject.call(Command.GET_INFO).members().get(number)
    expect(fits(value), text, "nothing" if value is None else f"{value!r:.80}")


def _number(text: str, least: int, most: int = 2**64 - 1) -> _Form:
    return (text, lambda value: _is(int, value) and least <= value <= most)


_BYTES: Final[_Form] = ("bytes", partial(_is, bytes))
_TRUTH: Final[_Form] = ("true or false", partial(_is, bool))
_ANY: Final = _number("a number", 0)
_POSITIVE: Final = _number("a number above 0", 1)
_FROM_1024: Final = _number("a number from 1024", 1024)
_TEXTS: Final[_Form] = (
    "a list of one or more texts, none twice",
    lambda value: _list(str, value, least=1) and all(value),
)
_WAYS: Final[_Form] = (
    "a list of transports of WebAuthn, none twice",
    lambda value: _list(str, value, least=1) and all(each in _TRANSPORTS for each in value),
)

_MEMBERS: Final[Mapping[int, _Form]] = {
    0x01: _TEXTS,
    0x02: ("a list of texts, none twice", lambda value: _list(str, value) and all(value)),
    0x03: ("16 bytes", lambda value: _is(bytes, value) and len(value) == 16),
    0x04: ("a map from texts to true or false", partial(_map, bool)),
    0x05: _FROM_1024,
    0x06: (
        "a list of one or more numbers, none twice",
        lambda value: _list(int, value, least=1) and min(value) > 0,
    ),
    0x07: _POSITIVE,
    0x08: _POSITIVE,
    0x09: _WAYS,
    0x0A: (
        "a list of PublicKeyCredentialParameters, none twice",
        lambda value: (
            _list(dict, value, least=1)
            and all(set(each) == {"alg", "type"} for each in value)
            and all(_is(int, each["alg"]) and _is(str, each["type"]) for each in value)
        ),
    ),
    0x0B: _FROM_1024,
    0x0C: _TRUTH,
    0x0D: _number("a number from 4 to 63", 4, 63),
    0x0E: _ANY,
    0x0F: _number("a number from 32", 32),
    0x10: _ANY,
    0x11: _POSITIVE,
    0x12: _POSITIVE,
    0x13: ("a map from texts to numbers", partial(_map, int)),
    0x14: _ANY,
    0x15: ("a list of numbers", partial(_list, int, unique=False)),
    0x16: _TEXTS,
    0x17: _ANY,
    0x18: _TRUTH,
    0x19: _BYTES,
    0x1A: _WAYS,
    0x1B: _TRUTH,
    0x1C: _BYTES,
    0x1D: _number("a number from 8 to 63", 8, 63),
    0x1E: _BYTES,
    0x1F: ("a list of numbers, none twice", partial(_list, int)),
}

for _key, _form in _MEMBERS.items():
    _needed = _key in (0x01, 0x03)
    _READ.add(
        f"member-{_key:02x}-{_NAMES[_key].lower()}",
        "6.4" if _key < 0x16 else "CTAP 2.2 §6.4",
        f"{_NAMES[_key]} (0x{_key:02X}) is {_form[0]}.",
        f"Member 0x{_key:02X} of getInfo, {_NAMES[_key]}, "
        + ("is required." if _needed else "is optional and has this form."),
        partial(_check, _form, _key),
        when=[] if _needed else [has_member(_key)],
    )


# Agreement.

_EXTENSION: Final = "extension "


def _condition(name: str) -> Condition:
    """That getInfo has a member, an extension or an option of that name."""
    if name in _NUMBERS:
        return has_member(_NUMBERS[name])
    if name.startswith(_EXTENSION):
        return has_extension(name.removeprefix(_EXTENSION))
    return has_option(name)


def _names(said: str) -> list[str]:
    """The names in words such as `announces bioEnroll and pinUvAuthToken`."""
    return re.split(", | and ", said.partition(" ")[2])


def _missing(*names: str) -> Callable[[Facts], str]:
    """What of these is missing, in a few words; empty for nothing."""

    def missing(facts: Facts) -> str:
        for name in names:
            if not any(_condition(each)(facts) is None for each in name.split(" or ")):
                number = _NUMBERS.get(name)
                return (
                    f"no {name.removeprefix(_EXTENSION) if number is None else f'0x{number:02X}'}"
                )
        return ""

    return missing


def _agree(missing: Callable[[Facts], str], subject: Subject) -> None:
    why = missing(subject.refresh())
    expect(not why, "members that agree with each other", why)


def _add_agreement(
    name: str, section: str, behaviour: str, when: list[Condition], missing: Callable[[Facts], str]
) -> None:
    _READ.add(
        name,
        section,
        behaviour,
        "What getInfo announces must fit together, as clients decide by it what to do.",
        partial(_agree, missing),
        when=when,
    )


_add_agreement(
    "always-uv-overrules",
    "6.4",
    "When alwaysUv is true, makeCredUvNotRqd is false or absent.",
    [unless(lambda facts: bool(facts.options.get("alwaysUv")), "option alwaysUv is not true")],
    lambda facts: "makeCredUvNotRqd true" if facts.options.get("makeCredUvNotRqd") else "",
)

# A key that does one thing does the others; both are said, and read as `_names` does.
for _section, _name, _does, _others in (
    ("6.4", "client-pin-needs-protocols", "announces clientPin", "announces pinUvAuthProtocols"),
    ("6.4", "token-needs-protocols", "announces pinUvAuthToken", "announces pinUvAuthProtocols"),
    ("6.4", "token-needs-verification", "announces pinUvAuthToken", "announces clientPin or uv"),
    (
        "6.4",
        "no-mc-ga-needs-client-pin",
        "announces noMcGaPermissionsWithClientPin",
        "announces clientPin",
    ),
    ("6.7", "bio-enroll-needs-uv", "announces bioEnroll", "announces uv"),
    (
        "6.4",
        "uv-bio-enroll-needs-bio-enroll",
        "announces uvBioEnroll",
        "announces bioEnroll and pinUvAuthToken",
    ),
    (
        "6.4",
        "uv-acfg-needs-authnr-cfg",
        "announces uvAcfg",
        "announces authnrCfg, uv and pinUvAuthToken",
    ),
    (
        "6.11.4",
        "set-min-pin-length-needs-config",
        "announces setMinPINLength",
        "announces clientPin, authnrCfg and minPINLength",
    ),
    ("6.10", "large-blobs-need-room", "announces largeBlobs", "tells maxSerializedLargeBlobArray"),
    (
        "12.3",
        "large-blob-key-needs-large-blobs",
        "has extension largeBlobKey",
        "announces largeBlobs and rk",
    ),
    ("12.2", "cred-blob-needs-room", "has extension credBlob", "tells maxCredBlobLength"),
    ("12.2", "room-needs-cred-blob", "tells maxCredBlobLength", "has extension credBlob"),
    (
        "12.5",
        "hmac-secret-needs-protocols",
        "has extension hmac-secret",
        "announces pinUvAuthProtocols",
    ),
    (
        "CTAP 2.2 §12, hmac-secret-mc",
        "hmac-secret-mc-needs-hmac-secret",
        "has extension hmac-secret-mc",
        "has extension hmac-secret",
    ),
    ("6.4", "modality-needs-uv", "tells uvModality", "announces uv"),
    (
        "6.4",
        "room-for-credentials-needs-rk",
        "tells remainingDiscoverableCredentials",
        "announces rk",
    ),
    (
        "CTAP 2.3 §6.4",
        "config-commands-need-config",
        "tells authenticatorConfigCommands",
        "announces authnrCfg",
    ),
    (
        "CTAP 2.2 §6.4",
        "read-only-needs-cred-mgmt",
        "announces perCredMgmtRO",
        "announces credMgmt and pinUvAuthToken",
    ),
):
    _add_agreement(
        _name,
        _section,
        f"A key that {_does} {_others}.",
        [_condition(name) for name in _names(_does)],
        _missing(*_names(_others)),
    )

_VERIFIES: Final = unless(
    lambda facts: not facts.options.keys().isdisjoint(("clientPin", "uv")),
    "the key verifies no user",
)
_STORES: Final = "stores discoverable credentials"
_HMAC: Final = "extension hmac-secret"

for _name, _what, _others, _why in (
    (
        "verifying-key-has-tokens",
        "verifies its user",
        "announces pinUvAuthToken and credProtect",
        _missing("pinUvAuthToken", "extension credProtect"),
    ),
    (
        "verifying-key-has-protocol-two",
        "verifies its user",
        "speaks PIN/UV auth protocol two",
        lambda facts: "" if 2 in facts.protocols else "PIN/UV auth protocols without 2",
    ),
    ("storing-key-manages-credentials", _STORES, "announces credMgmt", _missing("credMgmt")),
    (
        "key-has-hmac-secret",
        _STORES,
        "has extension hmac-secret",
        _missing("extension hmac-secret"),
    ),
):
    _stores = [has_option("rk")] if _what is _STORES else []
    _add_agreement(
        _name,
        "9",
        f"A key of CTAP 2.1 that {_what} {_others}.",
        [SINCE_2_1, *_stores, _VERIFIES],
        _why,
    )


@_READ.test("6.4", "versions has FIDO_2_0, FIDO_2_1 or a later one for a key that speaks CTAP2.")
def versions_name_ctap2(subject: Subject) -> None:
    """The versions name one of CTAP2, and U2F_V2 only beside CTAPHID_MSG."""
    versions = subject.facts.versions
    ctap2 = any(version.startswith("FIDO_2_") for version in versions)
    expect(ctap2, "a version FIDO_2_0 or later", ", ".join(versions) or "none")
    both = "U2F_V2" in versions and not subject.facts.capable_of_msg
    expect(not both, "U2F_V2 without capability flag NMSG", "both")


@_READ.test("6.4", "aaguid identifies the model.")
def aaguid_is_not_zero(subject: Subject) -> None:
    """The AAGUID of a key that speaks CTAP2 is not all zeros."""
    aaguid = subject.facts.aaguid
    expect(any(aaguid), "an AAGUID", aaguid.hex() or "none")


# What is announced is there, and what is not is not.


def _is_there(command: Command, members: dict[int, Any], subject: Subject) -> None:
    there = subject.call(command, members).status != CtapStatus.INVALID_COMMAND
    expect(there, "a command that is there, as it is announced", "0x01 INVALID_COMMAND")


def _is_not_there(command: Command, members: dict[int, Any], subject: Subject) -> None:
    subject.call(command, members).must(
        CtapStatus.INVALID_COMMAND, CtapStatus.UNSUPPORTED_OPTION, CtapStatus.NOT_ALLOWED
    )


_PREVIEWS: Final = {"credMgmt": "credentialMgmtPreview", "bioEnroll": "userVerificationMgmtPreview"}


def _lacks(option: str) -> Condition:
    def why_not(facts: Facts) -> str | None:
        if option == "clientPin" and ("uv" in facts.options or facts.protocols):
            return "key agreement is there without a PIN as well"
        if facts.options.keys().isdisjoint((option, _PREVIEWS.get(option, option))):
            return None
        return f"the key announces option {option}"

    return why_not


for _option, _section, _command, _request in (
    ("clientPin", "6.5", Command.CLIENT_PIN, {1: 1, 2: int(PinSubcommand.GET_PIN_RETRIES)}),
    ("credMgmt", "6.8", Command.CREDENTIAL_MANAGEMENT, {1: 1}),
    ("credentialMgmtPreview", "6.8", Command.CREDENTIAL_MANAGEMENT_PREVIEW, {1: 1}),
    ("largeBlobs", "6.10", Command.LARGE_BLOBS, {1: 17, 3: 0}),
    ("authnrCfg", "6.11", Command.CONFIG, {1: 0x7E}),
    ("bioEnroll", "6.7", Command.BIO_ENROLLMENT, {6: True}),
    ("userVerificationMgmtPreview", "6.7", Command.BIO_ENROLLMENT_PREVIEW, {6: True}),
):
    _READ.add(
        f"announced-{_option.lower()}-is-there",
        _section,
        f"Option {_option} is announced, and its command is there.",
        f"An option {_option} in getInfo, true or false, says that its command is implemented.",
        partial(_is_there, _command, _request),
        when=[has_option(_option)],
    )
    _READ.add(
        f"unannounced-{_option.lower()}-is-not-there",
        _section,
        f"Option {_option} is not announced, and its command is not served.",
        "A command that is not implemented is CTAP1_ERR_INVALID_COMMAND.",
        partial(_is_not_there, _command, _request),
        when=[_lacks(_option)],
    )


@_READ.test("6.4", "U2F_V2 in versions says that CTAP1 is spoken.")
def announced_u2f_is_there(subject: Subject) -> None:
    """U2F VERSION answers U2F_V2 if that is among the versions, and nothing good if not."""
    announced = "U2F_V2" in subject.facts.versions
    if not subject.facts.capable_of_msg:
        expect(not announced, "no U2F_V2 beside capability flag NMSG", "both")
        return
    word, data = subject.u2f(3)
    there = (word, data) == (0x9000, b"U2F_V2")
    expected = "U2F_V2 and 9000" if not there else "no U2F, as versions do not name it"
    expect(there == announced, expected, f"{word:04X}")


@_READ.test(
    "6.9",
    "Authenticators of CTAP 2.1 implement authenticatorSelection.",
    when=[SINCE_2_1],
    touches=1,
)
def selection_is_there(subject: Subject) -> None:
    """AuthenticatorSelection asks for a touch and answers SUCCESS."""
    subject.presence()
    body = subject.call(Command.SELECTION).must(CtapStatus.SUCCESS).body
    expect(not body, "no parameters in the answer", f"{len(body)} bytes")
