"""authenticatorGetInfo: the form of every member, and whether they agree. CTAP 2.1 section 6.4.

The members that CTAP 2.2 and 2.3 added are judged where they are there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from mfalab.devices.ctap.commands import Command, PinSubcommand
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.conformance.facts import (
    CTAP2,
    SINCE_2_1,
    Facts,
    has_extension,
    has_member,
    has_option,
)
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter, Condition
from mfalab.simulator.conformance.verdicts import Failure
from mfalab.simulator.keys.canonical import read

__all__ = ["CHAPTER"]

CHAPTER = Chapter("getInfo", "CTAP 2.1")

_TRANSPORTS: Final = ("usb", "nfc", "ble", "smart-card", "hybrid", "internal")
_CHANGING: Final = (0x19, 0x1E)
"""encIdentifier and encCredStoreState have a new vector each time."""


def _speaks_ctap2(facts: Facts) -> str | None:
    return None if facts.ctap2 else "the key does not speak CTAP2"


# Form.


@CHAPTER.test("6.4", "getInfo takes no parameters and no touch.", when=[_speaks_ctap2])
def get_info_answers(subject: Subject) -> None:
    """GetInfo answers SUCCESS and a map, without a touch."""
    reply = subject.call(Command.GET_INFO)
    reply.members()
    if reply.answer.wanted_touch:
        raise Failure("an answer without a touch", "a keepalive that says UPNEEDED")


@CHAPTER.test("8", "Answers are in CTAP2 canonical CBOR.", when=[_speaks_ctap2])
def get_info_is_canonical(subject: Subject) -> None:
    """GetInfo is canonical CBOR: keys in order, shortest forms, definite lengths."""
    reading = read(subject.call(Command.GET_INFO).body)
    if reading.problems:
        raise Failure("canonical CBOR", reading.problems[0])


@CHAPTER.test("6.4", "The members of getInfo have numbers.", when=[CTAP2])
def member_keys_are_numbers(subject: Subject) -> None:
    """Every key of getInfo is an unsigned number."""
    members = subject.call(Command.GET_INFO).members()
    strange = [key for key in members if not isinstance(key, int) or key < 1]
    if strange:
        raise Failure("keys that are numbers from 1", repr(strange[0]))


@CHAPTER.test(
    "6.4", "getInfo says what the authenticator is; that changes with its state only.", when=[CTAP2]
)
def get_info_is_steady(subject: Subject) -> None:
    """Two answers of getInfo in a row are the same, but for its encrypted members."""
    one, other = (subject.call(Command.GET_INFO).members() for _ in range(2))
    differing = [
        key
        for key in sorted({*one, *other})
        if key not in _CHANGING and one.get(key) != other.get(key)
    ]
    if differing:
        raise Failure("the same answer twice", f"member 0x{differing[0]:02X} differs")


@CHAPTER.test(
    "CTAP 2.2 §6.4",
    "encIdentifier and encCredStoreState are encrypted with a new vector each time.",
    when=[has_member(0x19)],
)
def encrypted_members_are_new_each_time(subject: Subject) -> None:
    """The encrypted members have 32 bytes and differ between two answers."""
    one, other = (subject.call(Command.GET_INFO).members() for _ in range(2))
    for key in _CHANGING:
        if key not in one:
            continue
        if not isinstance(one[key], bytes) or len(one[key]) != 32:
            raise Failure(f"32 bytes in member 0x{key:02X}", repr(one[key]))
        if one[key][:16] == other.get(key, b"")[:16]:
            raise Failure(f"another vector in member 0x{key:02X}", "the same one again")


# Members.


def _is(kind: type, value: Any) -> bool:
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _number(least: int, most: int = 2**64 - 1) -> Callable[[Any], bool]:
    return lambda value: _is(int, value) and least <= value <= most


def _unique(items: list[Any]) -> bool:
    return all(item not in items[:at] for at, item in enumerate(items))


def _texts(value: Any, least: int = 1) -> bool:
    return (
        _is(list, value)
        and len(value) >= least
        and all(_is(str, each) and each for each in value)
        and _unique(value)
    )


def _algorithms(value: Any) -> bool:
    return (
        _is(list, value)
        and bool(value)
        and all(
            _is(dict, each)
            and set(each) == {"alg", "type"}
            and _is(int, each["alg"])
            and _is(str, each["type"])
            for each in value
        )
        and _unique(value)
    )


_MEMBERS: Final[tuple[tuple[int, str, str, Callable[[Any], bool]], ...]] = (
    (0x01, "versions", "a list of one or more texts, none twice", _texts),
    (0x02, "extensions", "a list of texts, none twice", lambda value: _texts(value, 0)),
    (0x03, "aaguid", "16 bytes", lambda value: _is(bytes, value) and len(value) == 16),
    (
        0x04,
        "options",
        "a map from texts to true or false",
        lambda value: (
            _is(dict, value)
            and all(_is(str, key) and _is(bool, each) for key, each in value.items())
        ),
    ),
    (0x05, "maxMsgSize", "a number from 1024", _number(1024)),
    (
        0x06,
        "pinUvAuthProtocols",
        "a list of one or more numbers, none twice",
        lambda value: (
            _is(list, value)
            and bool(value)
            and all(_is(int, each) and each > 0 for each in value)
            and _unique(value)
        ),
    ),
    (0x07, "maxCredentialCountInList", "a number above 0", _number(1)),
    (0x08, "maxCredentialIdLength", "a number above 0", _number(1)),
    (
        0x09,
        "transports",
        "a list of transports of WebAuthn, none twice",
        lambda value: _texts(value) and all(each in _TRANSPORTS for each in value),
    ),
    (0x0A, "algorithms", "a list of PublicKeyCredentialParameters, none twice", _algorithms),
    (0x0B, "maxSerializedLargeBlobArray", "a number from 1024", _number(1024)),
    (0x0C, "forcePINChange", "true or false", lambda value: _is(bool, value)),
    (0x0D, "minPINLength", "a number from 4 to 63", _number(4, 63)),
    (0x0E, "firmwareVersion", "a number", _number(0)),
    (0x0F, "maxCredBlobLength", "a number from 32", _number(32)),
    (0x10, "maxRPIDsForSetMinPINLength", "a number", _number(0)),
    (0x11, "preferredPlatformUvAttempts", "a number above 0", _number(1)),
    (0x12, "uvModality", "a number above 0", _number(1)),
    (
        0x13,
        "certifications",
        "a map from texts to numbers",
        lambda value: (
            _is(dict, value)
            and all(_is(str, key) and _is(int, each) for key, each in value.items())
        ),
    ),
    (0x14, "remainingDiscoverableCredentials", "a number", _number(0)),
    (
        0x15,
        "vendorPrototypeConfigCommands",
        "a list of numbers",
        lambda value: _is(list, value) and all(_is(int, each) for each in value),
    ),
    (0x16, "attestationFormats", "a list of one or more texts, none twice", _texts),
    (0x17, "uvCountSinceLastPinEntry", "a number", _number(0)),
    (0x18, "longTouchForReset", "true or false", lambda value: _is(bool, value)),
    (0x19, "encIdentifier", "bytes", lambda value: _is(bytes, value)),
    (
        0x1A,
        "transportsForReset",
        "a list of transports of WebAuthn, none twice",
        lambda value: _texts(value) and all(each in _TRANSPORTS for each in value),
    ),
    (0x1B, "pinComplexityPolicy", "true or false", lambda value: _is(bool, value)),
    (0x1C, "pinComplexityPolicyURL", "bytes", lambda value: _is(bytes, value)),
    (0x1D, "maxPINLength", "a number from 8 to 63", _number(8, 63)),
    (0x1E, "encCredStoreState", "bytes", lambda value: _is(bytes, value)),
    (
        0x1F,
        "authenticatorConfigCommands",
        "a list of numbers, none twice",
        lambda value: _is(list, value) and all(_is(int, each) for each in value) and _unique(value),
    ),
)


def _member(number: int, form: str, fits: Callable[[Any], bool], subject: Subject) -> None:
    value = subject.call(Command.GET_INFO).members().get(number)
    if not fits(value):
        raise Failure(form, "nothing" if value is None else f"{value!r:.80}")


for _number_of, _name, _form, _fits in _MEMBERS:
    _needed = _number_of in (0x01, 0x03)
    CHAPTER.add(
        f"member-{_number_of:02x}-{_name.lower()}",
        "6.4" if _number_of < 0x16 else "CTAP 2.2 §6.4",
        f"{_name} (0x{_number_of:02X}) is {_form}.",
        f"Member 0x{_number_of:02X} of getInfo, {_name}, "
        + ("is required." if _needed else "is optional and has this form."),
        partial(_member, _number_of, _form, _fits),
        when=[CTAP2] if _needed else [CTAP2, has_member(_number_of)],
    )


# Agreement.


def _needs(*wanted: str) -> Callable[[Facts], str]:
    """What of these is missing: options, `0x..` members or `ext:` extensions."""

    def missing(facts: Facts) -> str:
        for name in wanted:
            if name.startswith("0x"):
                there = int(name, 16) in facts.info
            elif name.startswith("ext:"):
                there = name.removeprefix("ext:") in facts.extensions
            else:
                there = name in facts.options
            if not there:
                return f"no {name.removeprefix('ext:')}"
        return ""

    return missing


def _one_of(*wanted: str) -> Callable[[Facts], str]:
    def missing(facts: Facts) -> str:
        return "" if any(name in facts.options for name in wanted) else f"no {' or '.join(wanted)}"

    return missing


def _protocol_two(facts: Facts) -> str:
    return "" if 2 in facts.protocols else "PIN/UV auth protocols without 2"


def _no_uv_not_required(facts: Facts) -> str:
    return "makeCredUvNotRqd true" if facts.options.get("makeCredUvNotRqd") else ""


def _always_uv_is_on(facts: Facts) -> str | None:
    return None if facts.options.get("alwaysUv") else "option alwaysUv is not true"


def _verifies(facts: Facts) -> str | None:
    if "clientPin" in facts.options or "uv" in facts.options:
        return None
    return "the key verifies no user"


_AGREEMENTS: Final[
    tuple[tuple[str, str, str, tuple[Condition, ...], Callable[[Facts], str]], ...]
] = (
    (
        "client-pin-needs-protocols",
        "6.4",
        "A key that announces clientPin announces pinUvAuthProtocols.",
        (has_option("clientPin"),),
        _needs("0x06"),
    ),
    (
        "token-needs-protocols",
        "6.4",
        "A key that announces pinUvAuthToken announces pinUvAuthProtocols.",
        (has_option("pinUvAuthToken"),),
        _needs("0x06"),
    ),
    (
        "token-needs-verification",
        "6.4",
        "A key that announces pinUvAuthToken announces clientPin or uv.",
        (has_option("pinUvAuthToken"),),
        _one_of("clientPin", "uv"),
    ),
    (
        "no-mc-ga-needs-client-pin",
        "6.4",
        "A key that announces noMcGaPermissionsWithClientPin announces clientPin.",
        (has_option("noMcGaPermissionsWithClientPin"),),
        _needs("clientPin"),
    ),
    (
        "bio-enroll-needs-uv",
        "6.7",
        "A key that announces bioEnroll announces uv.",
        (has_option("bioEnroll"),),
        _needs("uv"),
    ),
    (
        "uv-bio-enroll-needs-bio-enroll",
        "6.4",
        "A key that announces uvBioEnroll announces bioEnroll and pinUvAuthToken.",
        (has_option("uvBioEnroll"),),
        _needs("bioEnroll", "pinUvAuthToken"),
    ),
    (
        "uv-acfg-needs-authnr-cfg",
        "6.4",
        "A key that announces uvAcfg announces authnrCfg, uv and pinUvAuthToken.",
        (has_option("uvAcfg"),),
        _needs("authnrCfg", "uv", "pinUvAuthToken"),
    ),
    (
        "set-min-pin-length-needs-config",
        "6.11.4",
        "A key that announces setMinPINLength announces clientPin, authnrCfg and minPINLength.",
        (has_option("setMinPINLength"),),
        _needs("clientPin", "authnrCfg", "0x0D"),
    ),
    (
        "always-uv-overrules",
        "6.4",
        "When alwaysUv is true, makeCredUvNotRqd is false or absent.",
        (_always_uv_is_on,),
        _no_uv_not_required,
    ),
    (
        "large-blobs-need-room",
        "6.10",
        "A key that announces largeBlobs tells maxSerializedLargeBlobArray.",
        (has_option("largeBlobs"),),
        _needs("0x0B"),
    ),
    (
        "large-blob-key-needs-large-blobs",
        "12.3",
        "A key that has extension largeBlobKey announces largeBlobs and rk.",
        (has_extension("largeBlobKey"),),
        _needs("largeBlobs", "rk"),
    ),
    (
        "cred-blob-needs-room",
        "12.2",
        "A key that has extension credBlob tells maxCredBlobLength.",
        (has_extension("credBlob"),),
        _needs("0x0F"),
    ),
    (
        "room-needs-cred-blob",
        "12.2",
        "A key that tells maxCredBlobLength has extension credBlob.",
        (has_member(0x0F),),
        _needs("ext:credBlob"),
    ),
    (
        "hmac-secret-needs-protocols",
        "12.5",
        "A key that has extension hmac-secret announces pinUvAuthProtocols.",
        (has_extension("hmac-secret"),),
        _needs("0x06"),
    ),
    (
        "hmac-secret-mc-needs-hmac-secret",
        "CTAP 2.2 §12, hmac-secret-mc",
        "A key that has extension hmac-secret-mc has extension hmac-secret.",
        (has_extension("hmac-secret-mc"),),
        _needs("ext:hmac-secret"),
    ),
    (
        "modality-needs-uv",
        "6.4",
        "A key that tells uvModality announces uv.",
        (has_member(0x12),),
        _needs("uv"),
    ),
    (
        "room-for-credentials-needs-rk",
        "6.4",
        "A key that tells remainingDiscoverableCredentials announces rk.",
        (has_member(0x14),),
        _needs("rk"),
    ),
    (
        "config-commands-need-config",
        "CTAP 2.3 §6.4",
        "A key that tells authenticatorConfigCommands announces authnrCfg.",
        (has_member(0x1F),),
        _needs("authnrCfg"),
    ),
    (
        "read-only-needs-cred-mgmt",
        "CTAP 2.2 §6.4",
        "A key that announces perCredMgmtRO announces credMgmt and pinUvAuthToken.",
        (has_option("perCredMgmtRO"),),
        _needs("credMgmt", "pinUvAuthToken"),
    ),
    (
        "verifying-key-has-tokens",
        "9",
        "A key of CTAP 2.1 that verifies its user announces pinUvAuthToken and credProtect.",
        (SINCE_2_1, _verifies),
        _needs("pinUvAuthToken", "ext:credProtect"),
    ),
    (
        "verifying-key-has-protocol-two",
        "9",
        "A key of CTAP 2.1 that verifies its user speaks PIN/UV auth protocol two.",
        (SINCE_2_1, _verifies),
        _protocol_two,
    ),
    (
        "storing-key-manages-credentials",
        "9",
        "A key of CTAP 2.1 that stores discoverable credentials announces credMgmt.",
        (SINCE_2_1, has_option("rk"), _verifies),
        _needs("credMgmt"),
    ),
    (
        "key-has-hmac-secret",
        "9",
        "A key of CTAP 2.1 that stores discoverable credentials has extension hmac-secret.",
        (SINCE_2_1, has_option("rk"), _verifies),
        _needs("ext:hmac-secret"),
    ),
)


def _agrees(missing: Callable[[Facts], str], subject: Subject) -> None:
    if why := missing(subject.refresh()):
        raise Failure("members that agree with each other", why)


for _name, _section, _behaviour, _when, _missing in _AGREEMENTS:
    CHAPTER.add(
        _name,
        _section,
        _behaviour,
        "What getInfo announces must fit together, as clients decide by it what to do.",
        partial(_agrees, _missing),
        when=[CTAP2, *_when],
    )


@CHAPTER.test(
    "6.4",
    "versions has FIDO_2_0, FIDO_2_1 or a later one for a key that speaks CTAP2.",
    when=[CTAP2],
)
def versions_name_ctap2(subject: Subject) -> None:
    """The versions name one of CTAP2, and U2F_V2 only beside CTAPHID_MSG."""
    versions = subject.facts.versions
    if not any(version.startswith("FIDO_2_") for version in versions):
        raise Failure("a version FIDO_2_0 or later", ", ".join(versions) or "none")
    if (
        subject.facts.init is not None
        and "U2F_V2" in versions
        and subject.facts.init.capabilities & 8
    ):
        raise Failure("U2F_V2 without capability flag NMSG", "both")


@CHAPTER.test("6.4", "aaguid identifies the model.", when=[CTAP2])
def aaguid_is_not_zero(subject: Subject) -> None:
    """The AAGUID of a key that speaks CTAP2 is not all zeros."""
    if not any(subject.facts.aaguid):
        raise Failure("an AAGUID", subject.facts.aaguid.hex() or "none")


# What is announced is there, and what is not is not.

_COMMANDS_OF_OPTIONS: Final[tuple[tuple[str, str, int, dict[int, Any]], ...]] = (
    ("clientPin", "6.5", Command.CLIENT_PIN, {1: 1, 2: int(PinSubcommand.GET_PIN_RETRIES)}),
    ("credMgmt", "6.8", Command.CREDENTIAL_MANAGEMENT, {1: 1}),
    ("credentialMgmtPreview", "6.8", Command.CREDENTIAL_MANAGEMENT_PREVIEW, {1: 1}),
    ("largeBlobs", "6.10", Command.LARGE_BLOBS, {1: 17, 3: 0}),
    ("authnrCfg", "6.11", Command.CONFIG, {1: 0x7E}),
    ("bioEnroll", "6.7", Command.BIO_ENROLLMENT, {6: True}),
    ("userVerificationMgmtPreview", "6.7", Command.BIO_ENROLLMENT_PREVIEW, {6: True}),
)


def _is_there(command: int, members: dict[int, Any], subject: Subject) -> None:
    reply = subject.call(command, members)
    if reply.status == CtapStatus.INVALID_COMMAND:
        raise Failure("a command that is there, as it is announced", "0x01 INVALID_COMMAND")


def _is_not_there(command: int, members: dict[int, Any], subject: Subject) -> None:
    subject.call(command, members).must(
        CtapStatus.INVALID_COMMAND, CtapStatus.UNSUPPORTED_OPTION, CtapStatus.NOT_ALLOWED
    )


def _lacks(option: str) -> Condition:
    def why_not(facts: Facts) -> str | None:
        preview = {
            "credMgmt": "credentialMgmtPreview",
            "bioEnroll": "userVerificationMgmtPreview",
        }.get(option, option)
        if option == "clientPin" and ("uv" in facts.options or facts.protocols):
            return "key agreement is there without a PIN as well"
        if option in facts.options or preview in facts.options:
            return f"the key announces option {option}"
        return None

    return why_not


for _option, _section, _command, _request in _COMMANDS_OF_OPTIONS:
    CHAPTER.add(
        f"announced-{_option.lower()}-is-there",
        _section,
        f"Option {_option} is announced, and its command is there.",
        f"An option {_option} in getInfo, true or false, says that its command is implemented.",
        partial(_is_there, _command, _request),
        when=[CTAP2, has_option(_option)],
    )
    CHAPTER.add(
        f"unannounced-{_option.lower()}-is-not-there",
        _section,
        f"Option {_option} is not announced, and its command is not served.",
        "A command that is not implemented is CTAP1_ERR_INVALID_COMMAND.",
        partial(_is_not_there, _command, _request),
        when=[CTAP2, _lacks(_option)],
    )


@CHAPTER.test("6.4", "U2F_V2 in versions says that CTAP1 is spoken.", when=[CTAP2])
def announced_u2f_is_there(subject: Subject) -> None:
    """U2F VERSION answers U2F_V2 if that is among the versions, and nothing good if not."""
    if not subject.facts.capable_of_msg:
        if "U2F_V2" in subject.facts.versions:
            raise Failure("no U2F_V2 beside capability flag NMSG", "both")
        return
    word, data = subject.u2f(3)
    there = (word, data) == (0x9000, b"U2F_V2")
    if there != ("U2F_V2" in subject.facts.versions):
        expected = "U2F_V2 and 9000" if not there else "no U2F, as versions do not name it"
        raise Failure(expected, f"{word:04X}")


@CHAPTER.test(
    "6.9",
    "Authenticators of CTAP 2.1 implement authenticatorSelection.",
    when=[CTAP2, SINCE_2_1],
    touches=1,
)
def selection_is_there(subject: Subject) -> None:
    """AuthenticatorSelection asks for a touch and answers SUCCESS."""
    subject.presence()
    reply = subject.call(Command.SELECTION).must(CtapStatus.SUCCESS)
    if reply.body:
        raise Failure("no parameters in the answer", f"{len(reply.body)} bytes")
