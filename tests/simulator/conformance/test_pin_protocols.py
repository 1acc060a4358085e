"""The platform's side of the PIN/UV auth protocols, against python-fido2's."""

import pytest
from fido2.ctap2.pin import PinProtocolV1, PinProtocolV2

from mfalab.devices.ctap.pin_protocols import PinUvProtocol
from mfalab.simulator.conformance.pin_protocols import (
    authenticate,
    key_agreement_point,
    pad_pin,
    pin_hash,
    share,
)
from mfalab.simulator.entropy import Entropy

THEIRS = {1: PinProtocolV1, 2: PinProtocolV2}


@pytest.fixture
def chance():
    return Entropy(1).random_bytes("client")


@pytest.mark.parametrize("number", [1, 2])
def test_key_and_platform_agree_on_a_secret(number, chance):
    key = PinUvProtocol(number, Entropy(2).random_bytes("key"))
    shared = share(number, key.key_agreement(), chance)
    assert key.decapsulate(dict(shared.public)) == shared.secret
    assert shared.decrypt(key.encrypt(shared.secret, b"t" * 32)) == b"t" * 32
    assert key.decrypt(shared.secret, shared.encrypt(b"p" * 64)) == b"p" * 64


@pytest.mark.parametrize("number", [1, 2])
def test_python_fido2_agrees(number, chance):
    key = PinUvProtocol(number, Entropy(2).random_bytes("key"))
    shared = share(number, key.key_agreement(), chance)
    theirs = THEIRS[number]()
    assert theirs.decrypt(shared.secret, shared.encrypt(b"p" * 64)) == b"p" * 64
    assert theirs.authenticate(shared.secret, b"message") == shared.authenticate(b"message")
    token = bytes(range(32))
    assert theirs.authenticate(token, b"message") == authenticate(number, token, b"message")


@pytest.mark.parametrize("number", [1, 2])
def test_same_chance_says_the_same_bytes(number):
    key = PinUvProtocol(number, Entropy(2).random_bytes("key")).key_agreement()
    one, other = (share(number, key, Entropy(7).random_bytes("client")) for _ in range(2))
    assert (one.public, one.encrypt(bytes(16))) == (other.public, other.encrypt(bytes(16)))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({1: 1}, "no EC2 key"),
        ({-1: 2}, "no EC2 key"),
        ({-2: b"short"}, "not of 32 bytes"),
        ({-3: "text"}, "not of 32 bytes"),
        ({-3: bytes(31) + b"\5"}, "no point"),
    ],
)
def test_a_key_that_is_no_point_is_refused(change, why):
    good = PinUvProtocol(1, Entropy(2).random_bytes("key")).key_agreement()
    with pytest.raises(ValueError, match=why):
        key_agreement_point(good | change)


@pytest.mark.parametrize("number", [1, 2])
def test_bytes_that_no_encryption_gives_are_refused(number, chance):
    key = PinUvProtocol(number, Entropy(2).random_bytes("key"))
    with pytest.raises(ValueError, match="no whole AES blocks"):
        share(number, key.key_agreement(), chance).decrypt(bytes(17))


def test_pin_is_padded_to_64_bytes_and_hashed_to_16():
    assert pad_pin("\u00e9123") == b"\xc3\xa9123" + bytes(59)
    assert len(pin_hash("1234")) == 16
