"""Public keys as COSE_Key, against python-fido2."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from fido2.cose import CoseKey

from mfalab.devices.ctap.cose import Algorithm, cose_key, ec2_point


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        (ec.derive_private_key(7, ec.SECP256R1()), Algorithm.ES256),
        (ec.derive_private_key(7, ec.SECP384R1()), Algorithm.ES384),
        (ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)), Algorithm.EDDSA),
    ],
)
def test_key_is_as_python_fido2_writes_it(private, algorithm):
    public = private.public_key()
    expected = CoseKey.for_alg(algorithm).from_cryptography_key(public)
    assert cose_key(public, algorithm) == dict(expected)


def test_rsa_key_has_modulus_and_exponent():
    public = rsa.RSAPublicNumbers(65537, (1 << 2047) + 1).public_key()
    modulus = b"\x80" + bytes(254) + b"\x01"
    expected = {1: 3, 3: Algorithm.RS256, -1: modulus, -2: b"\x01\x00\x01"}
    assert cose_key(public, Algorithm.RS256) == expected


def test_coordinates_keep_their_leading_zeros():
    for scalar in range(1, 2000):
        public = ec.derive_private_key(scalar, ec.SECP256R1()).public_key()
        if public.public_numbers().x >> 248 == 0:
            break
    assert cose_key(public, -7)[-2][0] == 0
    assert len(cose_key(public, -7)[-2]) == 32
    assert len(ec2_point(public)) == 65
