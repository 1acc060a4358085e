"""Event-based one-time codes, RFC 4226."""

import hmac
from enum import Enum


class HashAlgorithm(Enum):
    """The hash inside HMAC. RFC 4226 knows SHA-1 only, RFC 6238 all three."""

    SHA1 = "SHA1"
    SHA256 = "SHA256"
    SHA512 = "SHA512"


MIN_DIGITS = 6
MAX_DIGITS = 10
"""A truncated value has 31 bits: a tenth digit is only ever 0, 1 or 2, an eleventh always 0."""


def hotp(
    secret: bytes,
    counter: int,
    digits: int = 6,
    algorithm: HashAlgorithm = HashAlgorithm.SHA1,
) -> str:
    """The code for one counter value, leading zeros kept. RFC 4226 section 5.3.

    Args:
        secret: the shared key K, any length. HMAC hashes a key longer than its
            block (64 bytes, 128 for SHA-512) first.
        counter: the moving factor C, `0 <= counter < 2**64`, hashed as 8 bytes big-endian.
        digits: length of the code, 6 to 10.
        algorithm: the hash. For the longer digests the offset still comes from
            the last byte, RFC 6238 section 1.2.

    Raises:
        ValueError: the counter or the number of digits is out of range.
    """
    if not 0 <= counter < 1 << 64:
        raise ValueError(f"counter {counter} does not fit 8 bytes. Use 0 to 2**64 - 1.")
    if not MIN_DIGITS <= digits <= MAX_DIGITS:
        raise ValueError(f"a code cannot have {digits} digits. Use {MIN_DIGITS} to {MAX_DIGITS}.")
    digest = hmac.digest(secret, counter.to_bytes(8, "big"), algorithm.value)
    offset = digest[-1] & 0xF
    value = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(value % 10**digits).zfill(digits)
