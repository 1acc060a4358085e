"""A verifier of one-time codes made of pyotp, behind the port that mfalab tests verifiers through.

    $ mfalab run --target otp:pyotp_verifier.py:Verifier

pyotp computes codes; which of them were used is its caller's to know. `Forgetful` does not know it,
and the suite fails it.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pyotp

from mfalab import Capabilities


class Forgetful:
    """pyotp alone, as its first example has it."""

    capabilities = Capabilities(algorithms=("SHA1", "SHA256", "SHA512"), periods_s=(30, 60))

    def __init__(self) -> None:
        self.now = datetime.fromtimestamp(0, UTC)
        self.accounts: dict[str, pyotp.TOTP] = {}

    def set_time(self, now_ns: int) -> None:
        """The lab's time, in nanoseconds since 1970."""
        self.now = datetime.fromtimestamp(now_ns / 1e9, UTC)

    def enrol(self, account: str, seed: bytes, algorithm: str, digits: int, period_s: int) -> None:
        """An account with this seed; one of that name is replaced."""
        self.accounts[account] = pyotp.TOTP(
            base64.b32encode(seed).decode(),
            digits=digits,
            digest=getattr(hashlib, algorithm.lower()),
            interval=period_s,
        )

    def attempt(self, account: str, code: str) -> bool:
        """Whether a code is right now."""
        return self.accounts[account].verify(code, for_time=self.now, valid_window=1)

    def revoke(self, account: str) -> None:
        """Forget an account."""
        del self.accounts[account]

    def close(self) -> None:
        """Nothing is held."""


class Verifier(Forgetful):
    """pyotp, and the newest step that was accepted: nothing up to it is accepted again."""

    def __init__(self) -> None:
        super().__init__()
        self.newest: dict[str, int] = {}

    def attempt(self, account: str, code: str) -> bool:
        """Whether a code is right now, and of a step that is newer than all accepted ones."""
        totp = self.accounts[account]
        here = int(self.now.timestamp()) // totp.interval
        for step in range(max(here - 1, self.newest.get(account, 0) + 1), here + 2):
            if pyotp.utils.strings_equal(totp.generate_otp(step), code):
                self.newest[account] = step
                return True
        return False

    def revoke(self, account: str) -> None:
        """Forget an account and what it used."""
        super().revoke(account)
        self.newest.pop(account, None)
