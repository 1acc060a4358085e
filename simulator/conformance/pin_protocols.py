"""PIN/UV auth protocols one and two, the platform's side, with chance from outside.

CTAP 2.1 sections 6.5.4 to 6.5.7. Apart from the simulated key's, so that no mistake agrees with
itself; chance is an argument, so that a run against a recording says the same bytes again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from hmac import digest as hmac_digest
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_BLOCK: Final = 16
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True, repr=False)
class Shared:
    """A secret shared with the key, under one protocol.

    Attributes:
        protocol: 1 or 2.
        secret: 32 bytes of protocol one, 64 of protocol two.
        public: the platform's public key as COSE_Key, for the request.
        random_bytes: where initialisation vectors come from.
    """

    protocol: int
    secret: bytes
    public: Mapping[int, Any]
    random_bytes: Callable[[int], bytes]

    def encrypt(self, plain: bytes) -> bytes:
        """AES-256-CBC, its vector in front in protocol two."""
        vector = bytes(_BLOCK) if self.protocol == 1 else self.random_bytes(_BLOCK)
        encryptor = Cipher(algorithms.AES256(self.secret[-32:]), modes.CBC(vector)).encryptor()
        sealed = encryptor.update(plain) + encryptor.finalize()
        return sealed if self.protocol == 1 else vector + sealed

    def decrypt(self, sealed: bytes) -> bytes:
        """The plain text.

        Raises:
            ValueError: it has a length that no encryption gives.
        """
        vector = bytes(_BLOCK)
        if self.protocol == 2:
            vector, sealed = sealed[:_BLOCK], sealed[_BLOCK:]
        if len(vector) != _BLOCK or not sealed or len(sealed) % _BLOCK:
            raise ValueError(f"{len(sealed)} bytes are no whole AES blocks")
        decryptor = Cipher(algorithms.AES256(self.secret[-32:]), modes.CBC(vector)).decryptor()
        return decryptor.update(sealed) + decryptor.finalize()

    def authenticate(self, message: bytes) -> bytes:
        """HMAC-SHA-256 under the shared secret."""
        return authenticate(self.protocol, self.secret, message)


def authenticate(protocol: int, key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256 under a shared secret or token; its first 16 bytes in protocol one."""
    whole = hmac_digest(key[:32], message, "sha256")
    return whole[:16] if protocol == 1 else whole


def key_agreement_point(cose: Mapping[int, Any]) -> ec.EllipticCurvePublicKey:
    """The P-256 key of a COSE_Key.

    Raises:
        ValueError: it is no point of P-256, or no EC2 key at all.
    """
    x, y = cose.get(-2), cose.get(-3)
    if cose.get(1) != 2 or cose.get(-1) != 1:
        raise ValueError("it is no EC2 key on P-256")
    if not isinstance(x, bytes) or not isinstance(y, bytes) or len(x) != 32 or len(y) != 32:
        raise ValueError("its coordinates are not of 32 bytes")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
    except ValueError:
        raise ValueError("it is no point of P-256") from None


def share(protocol: int, cose: Mapping[int, Any], random_bytes: Callable[[int], bytes]) -> Shared:
    """Agree on a secret with a key that sent this key agreement key.

    Raises:
        ValueError: it is no point of P-256.
    """
    peer = key_agreement_point(cose)
    scalar = 1 + int.from_bytes(random_bytes(40)) % (_P256_ORDER - 1)
    private = ec.derive_private_key(scalar, ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    z = private.exchange(ec.ECDH(), peer)
    secret = sha256(z).digest() if protocol == 1 else _hkdf(z, "HMAC") + _hkdf(z, "AES")
    public = {1: 2, 3: -25, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
    return Shared(protocol, secret, public, random_bytes)


def _hkdf(z: bytes, purpose: str) -> bytes:
    info = f"CTAP2 {purpose} key".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=bytes(32), info=info).derive(z)


def pin_hash(pin: str) -> bytes:
    """The left 16 bytes of a PIN's SHA-256."""
    return sha256(pin.encode()).digest()[:16]


def pad_pin(pin: str | bytes) -> bytes:
    """A PIN in UTF-8, filled up with zeros to 64 bytes."""
    raw = pin.encode() if isinstance(pin, str) else pin
    return raw.ljust(64, b"\0")
