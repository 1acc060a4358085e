"""What is not known to be harmless is masked."""

from __future__ import annotations

import pytest
from fido2 import cbor

from mfalab.devices.ctap.ctaphid import packets
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.traces.dissect import dissect
from mfalab.simulator.traces.frames import Frame
from mfalab.simulator.traces.masking import authenticator_data, secret_items
from mfalab.simulator.traces.notation import read_cbor


def request(data: bytes) -> list[Frame]:
    return [Frame(0, Direction.TO_KEY, report) for report in packets(7, 0x10, data)]


@pytest.mark.parametrize(
    ("members", "secret"),
    [
        ({5: b"S" * 64}, b"S" * 64),
        ({5: "S" * 64}, b"S" * 64),
        ({5: [b"S" * 64, {1: b"S" * 9}]}, b"S" * 9),
        ({99: b"S" * 64}, b"S" * 64),
        ({"pin": "S" * 9}, b"S" * 9),
        ([b"S" * 64], b"S" * 64),
        (b"S" * 64, b"S" * 64),
    ],
)
def test_what_is_not_known_to_be_harmless_is_masked(members: object, secret: bytes) -> None:
    """Wherever a client puts its PIN by mistake, it is not in the trace."""
    frames = request(b"\x06" + cbor.encode(members))
    (message,) = dissect(frames)
    assert secret not in message.payload
    assert secret.hex() not in message.summary
    assert secret.decode() not in message.summary
    assert secret not in b"".join(each.data[7:] for each in message.masked_frames())


@pytest.mark.parametrize("cut", range(14, 90, 7))
def test_a_broken_request_is_masked_from_where_it_breaks(cut: int) -> None:
    whole = b"\x06" + cbor.encode({1: 1, 2: 3, 3: {1: 2, 3: -25}, 5: b"S" * 64})
    (message,) = dissect(request(whole[:cut]))
    assert b"SS" not in message.payload


def secrets(command: int, members: object, *, request: bool = True) -> list[object]:
    raw = cbor.encode(members)
    found = secret_items(command, read_cbor(raw), raw, request=request)
    return [item.value for item in found]


@pytest.mark.parametrize(
    ("command", "members", "expected"),
    [
        (0x06, {2: 5, 3: {1: 2}, 6: b"hash", 10: "example.com"}, [b"hash"]),
        (0x01, {1: b"challenge", 6: {"credBlob": b"blob", "credProtect": 2}}, [b"blob"]),
        (0x02, {4: {"hmac-secret": {1: {-2: b"x"}, 2: b"salt", 3: b"auth"}}}, [b"salt", b"auth"]),
        (0x0D, {1: 0xFF, 2: {1: b"vendor"}}, [b"vendor"]),
        (0x0D, {1: 3, 2: {2: ["example.com"]}}, []),
        (0x04, {1: b"anything"}, []),
    ],
)
def test_members_are_secret_by_their_command(
    command: int, members: object, expected: list[bytes]
) -> None:
    assert secrets(command, members) == expected


def test_a_preview_has_the_secrets_of_what_it_became() -> None:
    assert secrets(0x41, {4: b"param"}) == secrets(0x0A, {4: b"param"}) == [b"param"]


def test_authenticator_data_are_taken_apart_and_only_in_answers_that_have_them() -> None:
    data = b"h" * 32 + b"\x41" + (7).to_bytes(4) + b"a" * 16 + b"\x00\x02id" + cbor.encode({1: 2})
    raw = cbor.encode({2: data})
    found = authenticator_data(1, read_cbor(raw), raw)
    assert found is not None
    parts = found[1]
    assert (parts.counter, parts.aaguid, parts.credential_id) == (7, b"a" * 16, b"id")
    assert parts.public_key is not None
    assert parts.public_key.plain() == {1: 2}
    assert (parts.extensions, parts.rest) == (None, None)
    assert authenticator_data(6, read_cbor(raw), raw) is None
