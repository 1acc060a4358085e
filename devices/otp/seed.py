"""What a token and its verifier share, and how its text forms are read."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from enum import Enum

from mfalab.devices.otp.hotp import MAX_DIGITS, MIN_DIGITS, HashAlgorithm, hotp
from mfalab.devices.otp.totp import time_step, totp_at_step

USUAL_PERIODS_S = (30, 60)
"""The time steps of tokens that are sold."""
_SEPARATORS = re.compile(r"[\s\u2010-\u2015-]+")
"""What stands between groups: white space, a hyphen, or what a text processor made of it."""
_BASE32_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_BASE32_TAILS = frozenset({0, 2, 4, 5, 7})
"""Letters beyond whole groups of eight that can end a text: 1, 3 and 6 hold no whole byte."""


class OtpKind(Enum):
    """What moves a code on: time or an event."""

    TOTP = "totp"
    HOTP = "hotp"


@dataclass(frozen=True, slots=True)
class OtpSeed:
    """Key and parameters of one series of codes. The key stays out of `repr`.

    Args:
        secret: the shared key, at least one byte.
        kind: time-based (RFC 6238) or event-based (RFC 4226).
        algorithm: the hash inside HMAC.
        digits: length of a code, 6 to 10.
        period_s: step size X in seconds; idle for HOTP.
        counter: the next counter value to be used; idle for TOTP.

    Raises:
        ValueError: a value is out of range.
    """

    secret: bytes = field(repr=False)
    kind: OtpKind = OtpKind.TOTP
    algorithm: HashAlgorithm = HashAlgorithm.SHA1
    digits: int = 6
    period_s: int = 30
    counter: int = 0

    def __post_init__(self) -> None:
        if not self.secret:
            raise ValueError("the secret is empty. Give at least one byte; RFC 4226 asks for 16.")
        if not MIN_DIGITS <= self.digits <= MAX_DIGITS:
            raise ValueError(
                f"a code cannot have {self.digits} digits. Use {MIN_DIGITS} to {MAX_DIGITS}."
            )
        if self.period_s < 1:
            raise ValueError(f"a time step cannot last {self.period_s} s. Use at least 1.")
        if not 0 <= self.counter < 1 << 64:
            raise ValueError(f"counter {self.counter} does not fit 8 bytes. Use 0 to 2**64 - 1.")

    def step_at(self, now_ns: int) -> int:
        """The time step that holds the moment `now_ns`."""
        return time_step(now_ns, self.period_s)

    def code_at_step(self, step: int) -> str:
        """The code of a time step (TOTP, may be negative) or of a counter value (HOTP)."""
        if self.kind is OtpKind.HOTP:
            return hotp(self.secret, step, self.digits, self.algorithm)
        return totp_at_step(self.secret, step, self.digits, self.algorithm)

    @property
    def secret_base32(self) -> str:
        """The secret as upper-case base32 without padding, RFC 4648 section 6."""
        return base64.b32encode(self.secret).decode("ascii").rstrip("=")


def decode_base32(text: str) -> bytes:
    """Base32 as people type it: any case, spaces or hyphens between groups, padding or none.

    Raises:
        ValueError: with the position of the first wrong character, or the
            wrong length; never with the text itself.
    """
    letters = _SEPARATORS.sub("", text).rstrip("=")
    for position, letter in enumerate(letters, start=1):
        # `upper` alone would let a dotless i pass as I.
        if not letter.isascii() or letter.upper() not in _BASE32_LETTERS:
            raise ValueError(
                f'character {position} is "{letter}", but base32 has only A to Z and 2 to 7. '
                "0, 1 and 8 are usually a misread O, I and B"
            )
    if not letters:
        raise ValueError("it is empty")
    if len(letters) % 8 not in _BASE32_TAILS:
        raise ValueError(
            f"{len(letters)} base32 characters hold no whole number of bytes. "
            "Some are missing or too many"
        )
    return base64.b32decode(letters.upper() + "=" * (-len(letters) % 8))


def decode_hex(text: str) -> bytes:
    """Hexadecimal as people type it: any case, spaces or hyphens between groups.

    Raises:
        ValueError: with the position of the first wrong character, or the
            wrong length; never with the text itself.
    """
    digits = _SEPARATORS.sub("", text)
    for position, digit in enumerate(digits, start=1):
        if digit not in "0123456789abcdefABCDEF":
            raise ValueError(
                f'character {position} is "{digit}", but hexadecimal has only 0 to 9 and A to F'
            )
    if not digits:
        raise ValueError("it is empty")
    if len(digits) % 2:
        raise ValueError(f"{len(digits)} hexadecimal digits hold no whole number of bytes")
    return binascii.unhexlify(digits)


@dataclass(frozen=True, slots=True)
class SeedRecord:
    """One token in a maker's seed file.

    Args:
        serial: the serial number printed on the token, as text.
        seed: its key and parameters.
        manufacturer: the maker, or empty.
        model: the model, or empty.
        drift_steps: how far the token's clock was found off, in time steps;
            negative is slow. RFC 6030 TimeDrift.
        key_id: what tells it from other keys of one serial number, or empty.
        assumed: which of `period`, `digits`, `algorithm` and `counter` the file
            does not say, so that the seed has the usual value.
    """

    serial: str
    seed: OtpSeed
    manufacturer: str = ""
    model: str = ""
    drift_steps: int = 0
    key_id: str = ""
    assumed: frozenset[str] = field(default=frozenset(), compare=False)
