"""What a TPM says of a key: its public area, and its certificate of it (TPM 2.0 Part 2).

Structures of version 2.0, big-endian; a `TPM2B` has its length in two bytes before it.
"""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

_GENERATED = 0xFF544347
_ST_ATTEST_CERTIFY = 0x8017
_RSA, _ECC, _NULL, _RSAES, _ECDAA = 0x0001, 0x0023, 0x0010, 0x0015, 0x001A
_HASHES = {0x0004: "sha1", 0x000B: "sha256", 0x000C: "sha384", 0x000D: "sha512"}
_CURVES: dict[int, ec.EllipticCurve] = {
    0x0003: ec.SECP256R1(),
    0x0004: ec.SECP384R1(),
    0x0005: ec.SECP521R1(),
}
_CLOCK_INFO_BYTES, _FIRMWARE_VERSION_BYTES = 17, 8


class _Reader:
    """Reads a structure from its beginning to its end."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data, self._at, self._what = data, 0, what

    def take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise ValueError(f"{self._what} is cut short at byte {self._at}")
        taken, self._at = self._data[self._at : end], end
        return taken

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")

    def sized(self) -> bytes:
        return self.take(self.number(2))

    def end(self) -> None:
        if self._at != len(self._data):
            raise ValueError(f"bytes follow {self._what} at byte {self._at}")


def public_key(pub_area: bytes) -> Any:
    """The key of a `TPMT_PUBLIC`, as `cryptography` has it (section 12.2.4).

    Raises:
        ValueError: it is none, or neither RSA nor of a NIST curve.
    """
    reader = _Reader(pub_area, "pubArea")
    kind = reader.number(2)
    reader.take(2 + 4)  # nameAlg, objectAttributes
    reader.sized()  # authPolicy
    if kind not in {_RSA, _ECC}:
        raise ValueError(f"pubArea has a key of type {kind:#06x}")
    if reader.number(2) != _NULL:  # symmetric: keyBits, mode
        reader.take(2 + 2)
    _scheme(reader)
    if kind == _RSA:
        reader.take(2)  # keyBits
        exponent, modulus = reader.number(4), int.from_bytes(reader.sized(), "big")
        reader.end()
        return rsa.RSAPublicNumbers(exponent or 65537, modulus).public_key()
    curve = _CURVES.get(reader.number(2))
    _scheme(reader)  # kdf
    x, y = (int.from_bytes(reader.sized(), "big") for _ in "xy")
    reader.end()
    if curve is None:
        raise ValueError("pubArea has a key of a curve that is none of NIST's")
    return ec.EllipticCurvePublicNumbers(x, y, curve).public_key()


def check_certify_info(cert_info: bytes, pub_area: bytes, digest: bytes) -> None:
    """Whether a `TPMS_ATTEST` certifies this public area, over this digest (section 10.12.12).

    Raises:
        ValueError: it does not.
    """
    reader = _Reader(cert_info, "certInfo")
    if reader.number(4) != _GENERATED:
        raise ValueError("certInfo was not made by a TPM")
    if reader.number(2) != _ST_ATTEST_CERTIFY:
        raise ValueError("certInfo is no certificate of a key")
    reader.sized()  # qualifiedSigner
    if reader.sized() != digest:
        raise ValueError("certInfo has another digest than that of this ceremony")
    reader.take(_CLOCK_INFO_BYTES + _FIRMWARE_VERSION_BYTES)
    name = reader.sized()
    reader.sized()  # qualifiedName
    reader.end()
    algorithm = pub_area[2:4]
    hash_name = _HASHES.get(int.from_bytes(algorithm, "big"))
    if hash_name is None or name != algorithm + hashlib.new(hash_name, pub_area).digest():
        raise ValueError("certInfo names another key than pubArea")


def _scheme(reader: _Reader) -> None:
    """Pass over a scheme: an algorithm, most with a hash."""
    algorithm = reader.number(2)
    if algorithm not in {_NULL, _RSAES}:
        reader.take(2)
    if algorithm == _ECDAA:
        reader.take(2)
