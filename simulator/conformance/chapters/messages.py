"""CTAP2 messages: not CBOR, not canonical, too long, unknown. CTAP 2.1 sections 6 and 8."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from fido2 import cbor

from mfalab.devices.ctap.commands import Command, PinSubcommand
from mfalab.devices.ctap.ctaphid import HidCommand, HidError
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.conformance.facts import CTAP2, has_member, has_option
from mfalab.simulator.conformance.hid import MAX_MESSAGE
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import NotTested, expect

CHAPTER = Chapter("CTAP2 messages", "CTAP 2.1", when=[CTAP2])

_FUZZED: Final = 60


@CHAPTER.test("6", "A command that the authenticator does not know is CTAP1_ERR_INVALID_COMMAND.")
def unknown_command_is_refused(subject: Subject) -> None:
    """A command byte that the standard does not assign is INVALID_COMMAND."""
    for command in (0x00, 0x0F, 0x3E):
        subject.call(command).must(CtapStatus.INVALID_COMMAND)


_BROKEN: Final = {
    "cut-short": ("CBOR that ends in the middle of an item", "a2015820"),
    "map-cut-short": ("a map with fewer members than it says", "a4016161"),
    "reserved-form": ("an item of a reserved form", "a1011c"),
    "break-out-of-place": ("a break outside of any item", "ff"),
    "not-utf-8": ("a text that is not UTF-8", "a10162c328"),
}
_NOT_CANONICAL: Final = {
    "more-follows": ("bytes behind the item", "a1010200"),
    "indefinite-map": ("a map of indefinite length", "bf0102ff"),
    "indefinite-string": ("a byte string of indefinite length", "a1015f4161ff"),
    "long-number": ("a number not in its shortest form", "a1011802"),
    "long-length": ("a length not in its shortest form", "a101580161"),
    "keys-out-of-order": ("map keys out of order", "a202010101"),
    "key-twice": ("a map key that comes twice", "a201010101"),
    "tag": ("a tag", "a101c001"),
    "nested-too-deep": ("five levels of arrays", "a1018181818101"),
}


_COMMANDS: Final = (Command.MAKE_CREDENTIAL, Command.GET_ASSERTION, Command.CLIENT_PIN)


def _refuse(
    codes: tuple[CtapStatus, ...],
    subject: Subject,
    *,
    members: Any = None,
    raw: bytes | None = None,
) -> None:
    for command in _COMMANDS:
        if command != Command.CLIENT_PIN or subject.pins.offered:
            reply = subject.call(command, members, raw=raw).must(*codes)
            asked = raw is not None and reply.answer.wanted_touch
            expect(not asked, "an answer without a touch", "it asked for its user first")


_CUT: Final = (CtapStatus.INVALID_CBOR,)
_ANY_OF: Final = (
    CtapStatus.INVALID_CBOR,
    CtapStatus.CBOR_UNEXPECTED_TYPE,
    CtapStatus.MISSING_PARAMETER,
    CtapStatus.INVALID_PARAMETER,
    CtapStatus.LIMIT_EXCEEDED,
)

_CANONICAL: Final = (
    "Messages are in CTAP2 canonical CBOR: shortest forms, definite lengths, ordered keys, no "
    "tags, four levels at most. What is not gets an error code."
)

for _rows, _codes, _end, _requirement in (
    (
        _BROKEN,
        _CUT,
        " is INVALID_CBOR.",
        "Input that cannot be parsed is CTAP2_ERR_INVALID_CBOR, in every command.",
    ),
    (_NOT_CANONICAL, _ANY_OF, ": an error, never silence.", _CANONICAL),
):
    for _name, (_what, _raw) in _rows.items():
        CHAPTER.add(
            _name,
            "8",
            f"{_what[0].upper()}{_what[1:]}{_end}",
            _requirement,
            partial(_refuse, _codes, raw=bytes.fromhex(_raw)),
        )

_NO_MAP: Final = (CtapStatus.CBOR_UNEXPECTED_TYPE, CtapStatus.INVALID_CBOR)

for _name, _value in (("array", [1, 2]), ("number", 1), ("text", "map"), ("bytes", b"map")):
    CHAPTER.add(
        f"parameters-are-{_name}",
        "6",
        f"Parameters that are {'an' if _name == 'array' else 'a'} {_name.removesuffix('s')} "
        "instead of a map are CBOR_UNEXPECTED_TYPE.",
        "Parameters of a command are a CBOR map; another type is CTAP2_ERR_CBOR_UNEXPECTED_TYPE.",
        partial(_refuse, _NO_MAP, members=_value),
    )


@CHAPTER.test("6", "A command that takes parameters needs them.")
def parameters_are_missing(subject: Subject) -> None:
    """Commands without their parameters are an error."""
    for command in _COMMANDS:
        subject.call(command).refused()


@CHAPTER.test(
    "6",
    "Members of a request that the authenticator does not know are ignored.",
    when=[has_option("clientPin")],
)
def unknown_member_is_ignored(subject: Subject) -> None:
    """A member with an unknown number does not disturb a request."""
    subject.pins.call(PinSubcommand.GET_KEY_AGREEMENT, {0x7F: "unknown"}).must(CtapStatus.SUCCESS)


@CHAPTER.test(
    "6.4",
    "maxMsgSize is the longest message that the authenticator takes.",
    when=[has_option("clientPin")],
)
def longest_message_is_taken(subject: Subject) -> None:
    """A request of exactly maxMsgSize bytes is served."""
    reply = subject.call(Command.CLIENT_PIN, raw=_padded(subject, subject.facts.max_msg_size))
    reply.must(CtapStatus.SUCCESS)


@CHAPTER.test(
    "8.2",
    "A request longer than maxMsgSize is CTAP2_ERR_REQUEST_TOO_LARGE.",
    when=[has_option("clientPin"), has_member(0x05)],
)
def too_long_a_message_is_refused(subject: Subject) -> None:
    """A request of one byte more than maxMsgSize is an error."""
    size = subject.facts.max_msg_size + 1
    if size > MAX_MESSAGE:
        raise NotTested("maxMsgSize is as long as a CTAPHID message can be")
    raw = bytes([Command.CLIENT_PIN]) + _padded(subject, size)
    if subject.has_reports:
        answer = subject.hid.transact(subject.channel, HidCommand.CBOR, raw)
        if answer.is_error and answer.data[:1] == bytes([HidError.INVALID_LEN]):
            return
    else:
        answer = subject.link.call(HidCommand.CBOR, raw)
    subject.reply(Command.CLIENT_PIN, answer).must(
        CtapStatus.REQUEST_TOO_LARGE, CtapStatus.LIMIT_EXCEEDED, CtapStatus.INVALID_LENGTH
    )


def _padded(subject: Subject, size: int) -> bytes:
    """A request for the key agreement key whose command byte and CBOR have that size together."""
    members: dict[int, Any] = {1: subject.pins.protocol, 2: int(PinSubcommand.GET_KEY_AGREEMENT)}
    filling = size - 1 - len(cbor.encode(members | {0x7F: bytes(300)})) + 300
    return cbor.encode(members | {0x7F: bytes(filling)})


@CHAPTER.test(
    "6",
    "Whatever is sent, the authenticator answers, with an error code if it must.",
    when=[has_option("clientPin")],
)
def spoiled_requests_are_answered(subject: Subject) -> None:
    """Sixty requests with random bytes changed are all answered, and the key still works."""
    # Nothing that is near to this one can spend a PIN try or ask for a touch.
    good = cbor.encode({1: subject.pins.protocol, 2: int(PinSubcommand.GET_KEY_AGREEMENT)})
    for _ in range(_FUZZED):
        spoiled = bytearray(good + subject.random_bytes(subject.random_bytes(1)[0] % 4))
        for at, value in zip(subject.random_bytes(2), subject.random_bytes(2), strict=True):
            spoiled[at % len(spoiled)] = value
        subject.call(Command.CLIENT_PIN, raw=bytes(spoiled))
    subject.call(Command.GET_INFO).must(CtapStatus.SUCCESS)
