"""PIN/UV auth protocols one and two, the authenticator's side. CTAP 2.1 section 6.5."""

from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Any, final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mfalab.devices.ctap.cose import KEY_AGREEMENT_ALGORITHM, Algorithm, cose_key
from mfalab.devices.ctap.crypto import ec_private_key, hkdf, new_seed
from mfalab.devices.ctap.fields import Members
from mfalab.devices.ctap.status import CtapError, CtapStatus

AES_BLOCK = 16


@final
class PinUvProtocol:
    """One of the two protocols with its key agreement key.

    Args:
        number: 1 or 2.
        random_bytes: Where keys and initialisation vectors come from.
    """

    def __init__(self, number: int, random_bytes: Callable[[int], bytes]) -> None:
        self.number = number
        self._random_bytes = random_bytes
        self.regenerate()

    def regenerate(self) -> None:
        """Make a new key agreement key, so that no older shared secret is worth anything."""
        self._key = ec_private_key(new_seed(Algorithm.ES256, self._random_bytes))

    def key_agreement(self) -> dict[int, Any]:
        """The public key as COSE_Key."""
        return cose_key(self._key.public_key(), KEY_AGREEMENT_ALGORITHM)

    def decapsulate(self, peer: dict[Any, Any]) -> bytes:
        """The shared secret: 32 bytes of protocol one, 64 of protocol two.

        Raises:
            CtapError: INVALID_PARAMETER for a key that is no point of P-256,
                MISSING_PARAMETER or CBOR_UNEXPECTED_TYPE for one that is no EC2 key.
        """
        members = Members(peer, "the key agreement key")
        kind, curve = members.required(1, int), members.required(-1, int)
        x, y = members.required(-2, bytes), members.required(-3, bytes)
        if (kind, curve) != (2, 1) or len(x) != 32 or len(y) != 32:
            raise CtapError(CtapStatus.INVALID_PARAMETER, "the key agreement key is not of P-256")
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
        except ValueError as error:
            why = "the key agreement key is no point of P-256"
            raise CtapError(CtapStatus.INVALID_PARAMETER, why) from error
        z = self._key.exchange(ec.ECDH(), point)
        if self.number == 1:
            return sha256(z).digest()
        salt = bytes(32)
        return hkdf(z, b"CTAP2 HMAC key", salt=salt) + hkdf(z, b"CTAP2 AES key", salt=salt)

    def encrypt(self, shared: bytes, plaintext: bytes) -> bytes:
        """AES-256-CBC, with a random vector in front in protocol two."""
        iv = bytes(AES_BLOCK) if self.number == 1 else self._random_bytes(AES_BLOCK)
        encryptor = _cipher(shared, iv).encryptor()
        sealed = encryptor.update(plaintext) + encryptor.finalize()
        return sealed if self.number == 1 else iv + sealed

    def decrypt(self, shared: bytes, ciphertext: bytes) -> bytes:
        """The plaintext.

        Raises:
            CtapError: INVALID_PARAMETER for a length that no encryption gives.
        """
        iv = bytes(AES_BLOCK)
        if self.number == 2:
            iv, ciphertext = ciphertext[:AES_BLOCK], ciphertext[AES_BLOCK:]
        if len(iv) != AES_BLOCK or not ciphertext or len(ciphertext) % AES_BLOCK:
            why = f"{len(ciphertext)} bytes are no whole AES blocks"
            raise CtapError(CtapStatus.INVALID_PARAMETER, why)
        decryptor = _cipher(shared, iv).decryptor()
        return decryptor.update(ciphertext) + decryptor.finalize()

    def verify(self, key: bytes, message: bytes, signature: bytes) -> bool:
        """Whether the HMAC-SHA-256 is right: its first 16 bytes in protocol one, all in two."""
        expected = hmac_digest(key[:32], message, "sha256")
        return compare_digest(expected[:16] if self.number == 1 else expected, signature)


def _cipher(shared: bytes, iv: bytes) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES256(shared[-32:]), modes.CBC(iv))
