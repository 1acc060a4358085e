"""How authenticator apps depart from the key URI, as values.

A quirk is something that apps are reported to do; the presets name the
behaviour, not a product, because products change with every release.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from mfalab.devices.otp.hotp import HashAlgorithm
from mfalab.devices.otp.otpauth import KeyUri


@dataclass(frozen=True, slots=True)
class AppQuirks:
    """One app's departures; the default has none."""

    ignores_algorithm: bool = False
    """Computes with SHA-1 whatever the URI says, without a word."""
    ignores_digits: bool = False
    """Shows 6 digits whatever the URI says, without a word."""
    ignores_period: bool = False
    """Steps every 30 s whatever the URI says, without a word."""
    min_secret_bytes: int = 0
    """Refuses shorter secrets."""
    max_secret_bytes: int | None = None
    """Refuses longer secrets; None takes any."""
    offers_backup: bool = True
    """Has a backup that outlives the phone."""
    offers_export: bool = True
    """Shows the key URI of an account it holds."""

    def objection(self, key: KeyUri) -> str | None:
        """Why this app refuses the account, as a sentence, or None if it takes it."""
        length = len(key.seed.secret)
        if length < self.min_secret_bytes:
            return (
                f"the secret has {length} bytes and this app takes {self.min_secret_bytes} "
                "or more. Ask the issuer for a longer one."
            )
        if self.max_secret_bytes is not None and length > self.max_secret_bytes:
            return (
                f"the secret has {length} bytes and this app stores {self.max_secret_bytes} "
                "at most. Use another app."
            )
        return None

    def understood(self, key: KeyUri) -> KeyUri:
        """The account as this app stores it: what it ignores has become the default."""
        seed = key.seed
        if self.ignores_algorithm:
            seed = replace(seed, algorithm=HashAlgorithm.SHA1)
        if self.ignores_digits:
            seed = replace(seed, digits=6)
        if self.ignores_period:
            seed = replace(seed, period_s=30)
        return replace(key, seed=seed)


APP_PRESETS: Mapping[str, AppQuirks] = MappingProxyType(
    {
        "faithful": AppQuirks(),
        # Several apps show wrong codes with no error for anything but the defaults.
        "ignores-parameters": AppQuirks(
            ignores_algorithm=True, ignores_digits=True, ignores_period=True
        ),
        # Seeds die with the phone.
        "no-backup": AppQuirks(offers_backup=False, offers_export=False),
        # Seed stores made for RFC 4226's 160 bits had to be lengthened for AWS's 320.
        "160-bit-store": AppQuirks(max_secret_bytes=20),
        # pyotp 2.12 refuses the 10-byte secrets that many demonstrations use.
        "refuses-short-secrets": AppQuirks(min_secret_bytes=14),
    }
)
"""Named behaviours for scenario files."""
