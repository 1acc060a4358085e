"""authenticatorLargeBlobs. CTAP 2.1 section 6.10."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import Any, Final

from mfalab.devices.ctap.commands import Command, Permission
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.conformance.facts import CTAP2, HAS_TOKENS, option_is
from mfalab.simulator.conformance.pins import Pin, Token
from mfalab.simulator.conformance.refusals import (
    INVALID,
    MISSING,
    TYPE,
    Refusal,
    add_refusals,
    send,
)
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import expect
from mfalab.simulator.keys.canonical import read_first

CHAPTER = Chapter("largeBlobs", "CTAP 2.1", when=[CTAP2, option_is("largeBlobs", value=True)])

_COMMAND: Final = Command.LARGE_BLOBS
_FRAME: Final = 64
_HASH: Final = 16
_WRITES: Final = "writes the large-blob array, and writes it back as it was"


def _fragment_size(subject: Subject) -> int:
    return subject.facts.max_msg_size - _FRAME


def stored_array(subject: Subject) -> bytes:
    """The whole array as it is stored."""
    found, size = b"", _fragment_size(subject)
    while True:
        part: bytes = subject.call(_COMMAND, {1: size, 3: len(found)}).member(0x01, bytes)
        found += part
        if len(part) < size:
            return found


def write_fragment(
    subject: Subject,
    data: bytes,
    offset: int = 0,
    length: int | None = None,
    token: Token | None = None,
) -> Reply:
    """Write a fragment with a token, by default one that was made for it."""
    token = token or subject.pins.token(Permission.LARGE_BLOB_WRITE)
    message = b"\xff" * 32 + bytes([_COMMAND, 0]) + offset.to_bytes(4, "little")
    members: dict[int, Any] = {
        2: data,
        3: offset,
        5: token.sign(message + sha256(data).digest()),
        6: token.protocol,
    }
    if length is not None:
        members[4] = length
    return subject.call(_COMMAND, members)


def store_array(subject: Subject, array: bytes) -> None:
    """Write a whole array, fragment by fragment."""
    size = _fragment_size(subject)
    for at in range(0, len(array), size):
        first = len(array) if at == 0 else None
        write_fragment(subject, array[at : at + size], at, first).must(CtapStatus.SUCCESS)


def with_hash(content: bytes) -> bytes:
    """An array as it is serialized: with the left 16 bytes of its SHA-256 behind it."""
    return content + sha256(content).digest()[:_HASH]


_BLANK: Final = with_hash(b"\x80")

# Reading.


@CHAPTER.test("6.10.1", "The stored array is CBOR and the left 16 bytes of its SHA-256.")
def array_and_its_hash(subject: Subject) -> None:
    """The large-blob array is a CBOR array, followed by the left half of its hash."""
    stored = stored_array(subject)
    reading, _ = read_first(stored)
    expect(isinstance(reading.value, list), "a CBOR array", stored[:8].hex())
    expect(with_hash(stored[:-_HASH]) == stored, "the hash of the array", "another one")


add_refusals(
    CHAPTER,
    send(_COMMAND),
    {
        "6.10.2": (
            Refusal("offset-absent", "offset is absent", {1: 17}, (*INVALID, *MISSING)),
            Refusal("neither-get-nor-set", "neither get nor set is there", {3: 0}, INVALID),
            Refusal(
                "get-and-set", "both get and set are there", {1: 17, 2: bytes(17), 3: 0}, INVALID
            ),
            Refusal("get-with-length", "get comes with a length", {1: 17, 3: 0, 4: 17}, INVALID),
            Refusal(
                "get-with-token",
                "get comes with a pinUvAuthParam",
                {1: 17, 3: 0, 5: bytes(16), 6: 1},
                INVALID,
            ),
            Refusal(
                "get-behind-the-end", "the offset lies behind the end", {1: 17, 3: 60_000}, INVALID
            ),
            Refusal("get-is-text", "get is a text", {1: "17", 3: 0}, TYPE),
        )
    },
)


@CHAPTER.test("6.10.2", "A fragment has at most maxMsgSize - 64 bytes.")
def get_of_too_much(subject: Subject) -> None:
    """Reading more than maxMsgSize - 64 bytes at once is INVALID_LENGTH."""
    subject.call(_COMMAND, {1: _fragment_size(subject) + 1, 3: 0}).must(CtapStatus.INVALID_LENGTH)


# Writing.


@CHAPTER.test("6.10.2", "With a PIN writing takes a token: CTAP2_ERR_PUAT_REQUIRED.", pin=Pin.SET)
def writing_takes_a_token(subject: Subject) -> None:
    """Writing without a token when there is a PIN is PUAT_REQUIRED."""
    blank = with_hash(b"\x80")
    subject.call(_COMMAND, {2: blank, 3: 0, 4: len(blank)}).must(CtapStatus.PUAT_REQUIRED)


@CHAPTER.test(
    "6.10.2",
    "Writing takes a token with permission lbw.",
    when=[HAS_TOKENS],
    pin=Pin.SET,
    destructive=True,
    changes="nothing on a conforming key",
)
def writing_takes_permission(subject: Subject) -> None:
    """Writing with a token that lacks lbw is PIN_AUTH_INVALID."""
    before = stored_array(subject)
    token = subject.pins.unfit(Permission.LARGE_BLOB_WRITE)
    fragment = before[: _fragment_size(subject)]
    reply = write_fragment(subject, fragment, 0, len(before), token)
    reply.must(CtapStatus.PIN_AUTH_INVALID)


@CHAPTER.test(
    "6.10.2",
    "An array that was written is read as it is.",
    pin=Pin.SET,
    destructive=True,
    changes=_WRITES,
)
def array_comes_back(subject: Subject) -> None:
    """An array of all the room there is, in fragments, is stored and comes back."""
    before = stored_array(subject)
    subject.after(lambda: store_array(subject, before))
    # An array of one byte string that fills what maxSerializedLargeBlobArray leaves.
    room = subject.facts.number(0x0B, 1024) - _HASH - 4
    array = with_hash(b"\x81\x59" + room.to_bytes(2) + subject.random_bytes(room))
    store_array(subject, array)
    expect(stored_array(subject) == array, "the array that was written", "another one")


@CHAPTER.test(
    "6.10.2",
    "Fragments follow each other without gap or overlap: CTAP1_ERR_INVALID_SEQ.",
    pin=Pin.SET,
    destructive=True,
    changes="nothing on a conforming key",
)
def fragments_follow_each_other(subject: Subject) -> None:
    """A second fragment that overlaps the first, or leaves a gap, is INVALID_SEQ."""
    before = stored_array(subject)
    subject.after(lambda: store_array(subject, before))
    for offset in (8, 12):
        write_fragment(subject, _BLANK[:10], 0, len(_BLANK)).must(CtapStatus.SUCCESS)
        write_fragment(subject, _BLANK[offset:], offset).must(CtapStatus.INVALID_SEQ)
    expect(stored_array(subject) == before, "the array as it was", "another one")


def _refuse(
    data: bytes, length: int | None, offset: int, code: CtapStatus, subject: Subject
) -> None:
    """See that a fragment is refused and changes nothing."""
    before = stored_array(subject)
    subject.after(lambda: store_array(subject, before))
    write_fragment(subject, data, offset, length).must(code)
    expect(stored_array(subject) == before, "the array as it was", "another one")


_WRONG_HASH: Final = b"\x80" + bytes(16)
_FULL: Final = CtapStatus.LARGE_BLOB_STORAGE_FULL
_INVALID: Final = CtapStatus.INVALID_PARAMETER

for _name, _what, _data, _length, _offset, _code in (
    ("wrong-hash", "An array with a wrong hash", _WRONG_HASH, 17, 0, CtapStatus.INTEGRITY_FAILURE),
    ("no-length", "A first fragment without a length", _BLANK, None, 0, _INVALID),
    ("length-of-16", "An array of 16 bytes", bytes(16), 16, 0, _INVALID),
    ("too-large-an-array", "An array larger than there is room", _BLANK, 60_000, 0, _FULL),
    (
        "wrong-offset",
        "A fragment at an offset that is not due",
        _BLANK,
        None,
        40,
        CtapStatus.INVALID_SEQ,
    ),
    ("more-than-announced", "A fragment longer than the length", bytes(18), 17, 0, _INVALID),
):
    CHAPTER.add(
        f"{_name}-is-refused",
        "6.10.2",
        f"{_what} is {_code.name}, and the array stays.",
        "An array is replaced only when all of it has come in order and its hash is right.",
        partial(_refuse, _data, _length, _offset, _code),
        pin=Pin.SET,
        destructive=True,
        changes="nothing on a conforming key",
    )
