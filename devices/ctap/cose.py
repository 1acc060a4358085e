"""COSE algorithm numbers and public keys as COSE_Key maps.

Source: RFC 9052, RFC 9053, RFC 8812 for ES256K, RFC 9864 for ESP256, RFC 9964 for ML-DSA.
"""

from enum import IntEnum, unique
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PublicKey = (
    ec.EllipticCurvePublicKey
    | ed25519.Ed25519PublicKey
    | rsa.RSAPublicKey
    | mldsa.MLDSA44PublicKey
    | mldsa.MLDSA65PublicKey
    | mldsa.MLDSA87PublicKey
)
"""Public keys a credential may have."""

_CURVES = {"secp256r1": 1, "secp384r1": 2, "secp521r1": 3, "secp256k1": 8}
"""COSE numbers of elliptic curves."""

KEY_AGREEMENT_ALGORITHM = -25
"""ECDH-ES + HKDF-256: what the key agreement key claims to be, and is not."""


@unique
class Algorithm(IntEnum):
    """Signature algorithms, by the names of the IANA COSE registry."""

    ES256 = -7
    EDDSA = -8
    ESP256 = -9
    ES384 = -35
    ES512 = -36
    PS256 = -37
    ES256K = -47
    ML_DSA_44 = -48
    ML_DSA_65 = -49
    ML_DSA_87 = -50
    RS256 = -257


def cose_key(key: PublicKey, algorithm: int) -> dict[int, Any]:
    """The COSE_Key map of a public key."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        point, size = ec2_point(key), (key.key_size + 7) // 8
        x, y = point[1 : 1 + size], point[1 + size :]
        return {1: 2, 3: algorithm, -1: _CURVES[key.curve.name], -2: x, -3: y}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {1: 1, 3: algorithm, -1: 6, -2: key.public_bytes_raw()}
    if isinstance(key, rsa.RSAPublicKey):
        public = key.public_numbers()
        modulus = public.n.to_bytes((key.key_size + 7) // 8, "big")
        return {1: 3, 3: algorithm, -1: modulus, -2: public.e.to_bytes(3, "big")}
    return {1: 7, 3: algorithm, -1: key.public_bytes_raw()}


def ec2_point(key: ec.EllipticCurvePublicKey) -> bytes:
    """The uncompressed point of a key: 04, x, y; 65 bytes on P-256."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
