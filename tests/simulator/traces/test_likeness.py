"""What a client says again is held against the recording, as strictly as is asked."""

from __future__ import annotations

import pytest
from fido2 import cbor

from mfalab.devices.ctap.ctaphid import packets
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.traces.dissect import Message, dissect
from mfalab.simulator.traces.frames import Frame
from mfalab.simulator.traces.likeness import Strictness, difference

COMMANDS, SHAPE, BYTES = Strictness.COMMANDS, Strictness.SHAPE, Strictness.BYTES


def sent(members: object, command: int = 0x02, mask: tuple[int, int] | None = None) -> Message:
    reports = packets(7, 0x10, bytes((command,)) + cbor.encode(members))
    frames = [Frame(0, Direction.TO_KEY, report) for report in reports]
    if mask is not None:
        frames[0] = frames[0].mask((mask,))
    (message,) = dissect(frames)
    return message


RECORDED = {1: "example.com", 2: b"h" * 32, 5: {"up": True}}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({2: b"n" * 32}, ""),
        ({2: b"n" * 31}, "member 2 of the parameters: 31 bytes instead of 32"),
        ({1: "other.com"}, "member 1 of the parameters: 'other.com' instead of 'example.com'"),
        ({5: [True]}, "member 5 of the parameters: array instead of map"),
        ({5: {"up": False}}, "member 'up' of member 5 of the parameters: False instead of True"),
        ({6: b"proof"}, "the parameters: members [1, 2, 5, 6] instead of [1, 2, 5]"),
    ],
)
def test_by_shape_only_the_content_of_byte_strings_is_free(
    change: dict[int, object], why: str
) -> None:
    assert difference(sent(RECORDED), sent(RECORDED | change), SHAPE) == why


def test_items_of_a_list_are_compared_one_by_one() -> None:
    assert difference(sent({3: [1, 2]}), sent({3: [1]}), SHAPE) == (
        "member 3 of the parameters: 1 items instead of 2"
    )
    assert difference(sent({3: [1, 2]}), sent({3: [1, 9]}), SHAPE) == (
        "item 1 of member 3 of the parameters: 9 instead of 2"
    )


def test_by_commands_only_the_command_counts() -> None:
    assert difference(sent(RECORDED), sent({}), COMMANDS) == ""
    why = difference(sent(RECORDED), sent(RECORDED, command=0x01), COMMANDS)
    assert why == "CBOR makeCredential instead of CBOR getAssertion"


def test_by_bytes_all_counts_but_what_was_masked() -> None:
    other = sent({1: "example.com", 2: b"n" * 32})
    recorded = {1: "example.com", 2: b"h" * 32}
    assert difference(sent(recorded), other, BYTES) == "its bytes are others"
    start = 7 + 1 + cbor.encode(recorded).index(b"h" * 32)
    assert difference(sent(recorded, mask=(start, start + 32)), other, BYTES) == ""
    assert difference(sent(recorded), sent({1: "example.com"}), BYTES) == (
        "it has 15 bytes instead of 50"
    )
