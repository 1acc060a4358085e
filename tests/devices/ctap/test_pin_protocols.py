"""PIN/UV auth protocols against python-fido2's."""

import pytest
from fido2.ctap2.pin import PinProtocolV1, PinProtocolV2

from mfalab.devices.ctap.pin_protocols import PinUvProtocol
from mfalab.devices.ctap.status import CtapError, CtapStatus
from mfalab.simulator.entropy import Entropy

CLIENTS = {1: PinProtocolV1, 2: PinProtocolV2}


@pytest.fixture(params=[1, 2])
def protocol(request):
    return PinUvProtocol(request.param, Entropy(1).random_bytes("key"))


def test_both_sides_share_a_secret_and_read_each_other(protocol):
    client = CLIENTS[protocol.number]()
    peer, secret = client.encapsulate(protocol.key_agreement())
    shared = protocol.decapsulate(peer)
    assert shared == secret
    assert protocol.decrypt(shared, client.encrypt(secret, bytes(range(32)))) == bytes(range(32))
    assert client.decrypt(secret, protocol.encrypt(shared, bytes(range(32)))) == bytes(range(32))
    assert protocol.verify(shared, b"message", client.authenticate(secret, b"message"))


def test_a_signature_of_something_else_is_wrong(protocol):
    client = CLIENTS[protocol.number]()
    signature = client.authenticate(bytes(64)[: 32 * protocol.number], b"message")
    assert not protocol.verify(bytes(64), b"massage", signature)
    assert not protocol.verify(bytes(64), b"message", signature[:-1])


def test_a_new_key_makes_older_secrets_worthless(protocol):
    client = CLIENTS[protocol.number]()
    peer, secret = client.encapsulate(protocol.key_agreement())
    protocol.regenerate()
    assert protocol.decapsulate(peer) != secret


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({-1: 2}, CtapStatus.INVALID_PARAMETER),
        ({1: 1}, CtapStatus.INVALID_PARAMETER),
        ({-2: bytes(31)}, CtapStatus.INVALID_PARAMETER),
        ({-3: bytes(32)}, CtapStatus.INVALID_PARAMETER),
        ({-2: None}, CtapStatus.CBOR_UNEXPECTED_TYPE),
    ],
)
def test_a_key_that_is_no_point_of_p256_is_refused(protocol, change, status):
    with pytest.raises(CtapError) as caught:
        protocol.decapsulate(protocol.key_agreement() | change)
    assert caught.value.status is status


@pytest.mark.parametrize("size", [0, 15, 17, 33])
def test_a_length_that_no_encryption_gives_is_refused(protocol, size):
    with pytest.raises(CtapError) as caught:
        protocol.decrypt(bytes(64), bytes(size))
    assert caught.value.status is CtapStatus.INVALID_PARAMETER
