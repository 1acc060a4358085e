"""One-time code arithmetic of the verifier: HOTP (RFC 4226) and TOTP (RFC 6238).

A code is an integer below 10^digits here; `as_text` writes it as it is shown. The moving factor is
an unsigned 64-bit counter, and a time step is a counter like any other.
"""

import hashlib
from functools import lru_cache
from struct import Struct

try:
    from mfalab.verifier.otp_core import schedule, values
except ImportError:  # nothing could compile it where this was installed
    COMPILED = False
else:
    COMPILED = True

NANOSECONDS = 1_000_000_000

_BLOCK_BYTES = {"SHA1": 64, "SHA256": 64, "SHA512": 128}
_HASHES = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}
_INNER_PAD = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD = bytes(byte ^ 0x5C for byte in range(256))
_MODULUS = [10**digits for digits in range(11)]

_word_at = Struct(">I").unpack_from


class KeySchedule:
    """A secret made ready for many HMACs: both padded blocks are hashed once (RFC 2104 section 4).

    Raises:
        ValueError: the algorithm is none of SHA1, SHA256 and SHA512, or the secret is empty.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes, algorithm: str) -> None:
        block = _key_block(secret, algorithm)
        self._inner = _HASHES[algorithm](block.translate(_INNER_PAD))
        self._outer = _HASHES[algorithm](block.translate(_OUTER_PAD))

    def values(self, low: int, high: int, digits: int) -> list[int]:
        """The codes of the counters `low` to `high`, both included (RFC 4226 section 5.3).

        The work depends on the number of counters and nothing else.

        Raises:
            OverflowError: a counter is outside 64 bits.
        """
        copy_inner, copy_outer, modulus = self._inner.copy, self._outer.copy, _MODULUS[digits]
        values = []
        for counter in range(low, high + 1):
            inner = copy_inner()
            inner.update(counter.to_bytes(8))
            outer = copy_outer()
            outer.update(inner.digest())
            digest = outer.digest()
            values.append((_word_at(digest, digest[-1] & 15)[0] & 0x7FFFFFFF) % modulus)
        return values


class CompiledKeySchedule:
    """A `KeySchedule` for SHA1 and SHA256 whose `values` are computed by `otp_core`.

    Raises:
        ValueError: as `KeySchedule`, or the algorithm is SHA512.
    """

    __slots__ = ("_schedule",)

    def __init__(self, secret: bytes, algorithm: str) -> None:
        self._schedule = schedule(algorithm, _key_block(secret, algorithm))

    def values(self, low: int, high: int, digits: int) -> list[int]:
        """See `KeySchedule.values`."""
        return values(self._schedule, low, high, _MODULUS[digits]) if low <= high else []


@lru_cache(maxsize=4096)
def key_schedule(secret: bytes, algorithm: str = "SHA1") -> KeySchedule | CompiledKeySchedule:
    """The schedule of a secret, kept for the next attempt. No code is kept."""
    if COMPILED and algorithm != "SHA512":
        return CompiledKeySchedule(secret, algorithm)
    return KeySchedule(secret, algorithm)


def step_at(now_ns: int, period_s: int) -> int:
    """The time step T of an instant (RFC 6238 section 4.2); -1 just before the epoch."""
    return now_ns // (period_s * NANOSECONDS)


def as_text(value: int, digits: int) -> str:
    """A code as it is shown, with its leading zeros."""
    return f"{value:0{digits}d}"


def typed_value(code: str, digits: int) -> int:
    """What was typed, as a code, or -1 if it is not exactly `digits` of the ASCII digits 0 to 9.

    No code equals -1, so a malformed text can take the same way, at the same cost, as a wrong one.
    """
    return int(code) if len(code) == digits and code.isascii() and code.isdigit() else -1


def hotp(secret: bytes, counter: int, *, digits: int = 6, algorithm: str = "SHA1") -> str:
    """The code of an event counter (RFC 4226 section 5.3).

    Raises:
        ValueError: digits outside 6 to 10, counter outside 64 bits, or as `KeySchedule`.
    """
    if not 6 <= digits <= 10:
        raise ValueError(f"a code of {digits} digits is not possible; use 6 to 10")
    if not 0 <= counter < 1 << 64:
        raise ValueError(f"counter {counter} is outside the 64 bits of RFC 4226 section 5.1")
    return as_text(key_schedule(secret, algorithm).values(counter, counter, digits)[0], digits)


def totp(
    secret: bytes, now_ns: int, *, period_s: int = 30, digits: int = 6, algorithm: str = "SHA1"
) -> str:
    """The code of an instant (RFC 6238 section 4.2).

    Raises:
        ValueError: the instant is before the epoch, or as `hotp`.
    """
    return hotp(secret, step_at(now_ns, period_s), digits=digits, algorithm=algorithm)


def _key_block(secret: bytes, algorithm: str) -> bytes:
    """A key as HMAC takes it: a whole block of the hash (RFC 2104 section 2)."""
    if algorithm not in _HASHES:
        raise ValueError(
            f"there is no one-time code algorithm {algorithm!r}; use {', '.join(_HASHES)}"
        )
    if not secret:
        raise ValueError("an empty secret proves nothing; give the device's seed")
    if len(secret) > _BLOCK_BYTES[algorithm]:
        secret = _HASHES[algorithm](secret).digest()
    return secret.ljust(_BLOCK_BYTES[algorithm], b"\0")
