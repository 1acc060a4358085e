"""Public keys as authenticators write them (COSE_Key, RFC 9053 and RFC 8230), and their use.

A key is loaded once and remembered by its bytes: putting a point on its curve takes nearly as long
as a signature's verification.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa

from mfalab.verifier.webauthn import cbor

ES256, EDDSA, RS256 = -7, -8, -257

Verify = Callable[[bytes, bytes], None]
"""Takes signature and message; raises `InvalidSignature`."""

_KTY, _ALG = 1, 3
_OKP, _EC2, _RSA, _AKP = 1, 2, 3, 7
_SMALLEST_RSA_BITS = 2048

# COSE algorithm: COSE curve, curve, hash
_ECDSA: dict[int, tuple[int, ec.EllipticCurve, hashes.HashAlgorithm]] = {
    -7: (1, ec.SECP256R1(), hashes.SHA256()),
    -35: (2, ec.SECP384R1(), hashes.SHA384()),
    -36: (3, ec.SECP521R1(), hashes.SHA512()),
    -47: (8, ec.SECP256K1(), hashes.SHA256()),
}
_RSASSA: dict[int, tuple[padding.AsymmetricPadding, hashes.HashAlgorithm]] = {
    -257: (padding.PKCS1v15(), hashes.SHA256()),
    -37: (
        padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH),
        hashes.SHA256(),
    ),
}
_RSASSA_OF_CERTIFICATES = _RSASSA | {-65535: (padding.PKCS1v15(), hashes.SHA1())}  # noqa: S303 - many TPMs attest with it
_EDWARDS: dict[int, tuple[int, Any]] = {
    -8: (6, ed25519.Ed25519PublicKey),
    -53: (7, ed448.Ed448PublicKey),
}
_MLDSA: dict[int, Any] = {
    -48: mldsa.MLDSA44PublicKey,
    -49: mldsa.MLDSA65PublicKey,
    -50: mldsa.MLDSA87PublicKey,
}

ALGORITHMS = frozenset({*_ECDSA, *_RSASSA, *_EDWARDS, *_MLDSA})
"""Identifiers of all algorithms that this module verifies."""


class InvalidKey(Exception):
    """Not a public key of a known algorithm.

    Args: what is wrong.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)

    def __str__(self) -> str:
        return f"the public key is unusable: {self.args[0]}"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key, ready to verify."""

    algorithm: int
    key: Any
    """As `cryptography` has it."""
    verify: Verify


def algorithm_of(cose_key: object) -> int:
    """The algorithm that a decoded COSE_Key names, whether this module knows it or not.

    Raises:
        InvalidKey: it is no key, or names none.
    """
    if not isinstance(cose_key, dict):
        raise InvalidKey("it is no map")
    algorithm = cose_key.get(_ALG)
    if not isinstance(algorithm, int) or isinstance(algorithm, bool):
        raise InvalidKey(f"its algorithm is {algorithm!r}")
    return algorithm


@lru_cache(maxsize=4096)
def public_key(cose_key: bytes) -> PublicKey:
    """Load a COSE_Key.

    Raises:
        InvalidKey: it is none, or of an algorithm that is not known here.
    """
    try:
        return load(cbor.decode(cose_key))
    except cbor.CborError as error:
        raise InvalidKey(str(error)) from None


def load(entries: Any) -> PublicKey:
    """Load a decoded COSE_Key.

    Raises:
        InvalidKey: it is none, or of an algorithm that is not known here.
    """
    algorithm = algorithm_of(entries)
    try:
        if algorithm in _ECDSA:
            return _ec2(entries, algorithm)
        if algorithm in _RSASSA:
            return _rsa(entries, algorithm)
        if algorithm in _EDWARDS:
            curve, key_type = _EDWARDS[algorithm]
            _require(entries, _KTY, _OKP)
            _require(entries, -1, curve)
            key = key_type.from_public_bytes(_bytes(entries, -2))
            return PublicKey(algorithm, key, key.verify)
        if algorithm in _MLDSA:
            _require(entries, _KTY, _AKP)
            key = _MLDSA[algorithm].from_public_bytes(_bytes(entries, -1))
            return PublicKey(algorithm, key, key.verify)
    except KeyError as error:
        raise InvalidKey(f"it has no entry {error}") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidKey(str(error)) from None
    raise InvalidKey(f"its algorithm is {algorithm}")


def certificate_key(key: object, algorithm: int) -> Verify:
    """How the key of a certificate verifies signatures of a COSE algorithm.

    Raises:
        InvalidKey: it is not a key for this algorithm.
    """
    if algorithm in _ECDSA and isinstance(key, ec.EllipticCurvePublicKey):
        _, curve, digest = _ECDSA[algorithm]
        if key.curve.name == curve.name:
            return _ecdsa(key, digest)
    if algorithm in _RSASSA_OF_CERTIFICATES and isinstance(key, rsa.RSAPublicKey):
        return _rsassa(key, *_RSASSA_OF_CERTIFICATES[algorithm])
    if algorithm in _EDWARDS and isinstance(key, _EDWARDS[algorithm][1]):
        verify: Verify = key.verify
        return verify
    raise InvalidKey(f"the certificate has no key for algorithm {algorithm!r}")


def hash_of(algorithm: int) -> str:
    """The name, for `hashlib`, of the hash that a COSE algorithm signs.

    Raises:
        InvalidKey: it is none that signs a hash.
    """
    for known in (_ECDSA, _RSASSA_OF_CERTIFICATES):
        if algorithm in known:
            return known[algorithm][-1].name
    raise InvalidKey(f"no hash belongs to algorithm {algorithm!r}")


def _ec2(entries: dict[Any, Any], algorithm: int) -> PublicKey:
    curve_id, curve, digest = _ECDSA[algorithm]
    _require(entries, _KTY, _EC2)
    _require(entries, -1, curve_id)
    size = (curve.key_size + 7) // 8
    x, y = _bytes(entries, -2), _bytes(entries, -3)
    if len(x) != size or len(y) != size:
        raise InvalidKey(f"its coordinates have {len(x)} and {len(y)} bytes instead of {size}")
    key = ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + x + y)
    return PublicKey(algorithm, key, _ecdsa(key, digest))


def _rsa(entries: dict[Any, Any], algorithm: int) -> PublicKey:
    _require(entries, _KTY, _RSA)
    n = int.from_bytes(_bytes(entries, -1), "big")
    e = int.from_bytes(_bytes(entries, -2), "big")
    if n.bit_length() < _SMALLEST_RSA_BITS:
        raise InvalidKey(f"its modulus has {n.bit_length()} bits, fewer than {_SMALLEST_RSA_BITS}")
    key = rsa.RSAPublicNumbers(e, n).public_key()
    return PublicKey(algorithm, key, _rsassa(key, *_RSASSA[algorithm]))


def _ecdsa(key: ec.EllipticCurvePublicKey, digest: hashes.HashAlgorithm) -> Verify:
    scheme = ec.ECDSA(digest)
    return lambda signature, message: key.verify(signature, message, scheme)


def _rsassa(
    key: rsa.RSAPublicKey, scheme: padding.AsymmetricPadding, digest: hashes.HashAlgorithm
) -> Verify:
    return lambda signature, message: key.verify(signature, message, scheme, digest)


def _require(entries: dict[Any, Any], label: int, value: int) -> None:
    if entries[label] != value or isinstance(entries[label], bool):
        raise InvalidKey(f"entry {label} is {entries[label]!r} instead of {value}")


def _bytes(entries: dict[Any, Any], label: int) -> bytes:
    value = entries[label]
    if not isinstance(value, bytes):
        raise InvalidKey(f"entry {label} is no byte string")
    return value
