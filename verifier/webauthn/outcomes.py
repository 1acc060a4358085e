"""The verdict on one ceremony, and how a ceremony fails."""

from dataclasses import dataclass
from enum import StrEnum


class CeremonyOutcome(StrEnum):
    """The outcome of a registration or an authentication."""

    ACCEPTED = "accepted"
    """All checks were passed."""
    CLIENT_ERROR = "client-error"
    """The client reported an error instead: no touch, wrong key, excluded key."""
    MALFORMED = "malformed"
    """The answer cannot be parsed."""
    WRONG_TYPE = "wrong-type"
    """Client data of the other ceremony."""
    UNKNOWN_CHALLENGE = "unknown-challenge"
    """Never given out, or for another identity or ceremony."""
    EXPIRED_CHALLENGE = "expired-challenge"
    """The challenge was answered too late."""
    REPLAYED_CHALLENGE = "replayed-challenge"
    """The challenge was answered before."""
    WRONG_ORIGIN = "wrong-origin"
    """Made on a page that is not the relying party's."""
    CROSS_ORIGIN = "cross-origin"
    """Made in a frame inside a page that may not hold one."""
    WRONG_RP_ID = "wrong-rp-id"
    """Made for another relying party."""
    NO_USER_PRESENCE = "no-user-presence"
    """The key was not touched."""
    NO_USER_VERIFICATION = "no-user-verification"
    """The user was to be verified by PIN or biometric, and was not."""
    INCONSISTENT_BACKUP = "inconsistent-backup"
    """Backed up but not eligible for it, or not as eligible as when it was registered."""
    UNSUPPORTED_ALGORITHM = "unsupported-algorithm"
    """The public key is of an algorithm that was not offered."""
    PLATFORM_AUTHENTICATOR = "platform-authenticator"
    """An authenticator built into the machine, where only security keys are taken."""
    INVALID_KEY = "invalid-key"
    """The public key is none: a point off its curve, a length that is wrong."""
    ALREADY_REGISTERED = "already-registered"
    """The credential is registered already."""
    INVALID_ATTESTATION = "invalid-attestation"
    """The attestation statement does not verify."""
    UNTRUSTED_ATTESTATION = "untrusted-attestation"
    """The attestation verifies, and the policy does not trust its maker."""
    UNKNOWN_CREDENTIAL = "unknown-credential"
    """Not one of this identity's keys."""
    WRONG_USER_HANDLE = "wrong-user-handle"
    """The key names another user."""
    BAD_SIGNATURE = "bad-signature"
    """The signature does not verify."""
    COUNTER_REGRESSED = "counter-regressed"
    """The signature counter did not grow: another key signs with this private key."""
    CLONED = "cloned"
    """The key was found to be cloned before, and the profile locks such keys."""


_LONGEST_REASON = 500


class CeremonyFailed(Exception):
    """A check of a ceremony was not passed.

    Args: outcome, what was wrong.
    """

    def __init__(self, outcome: CeremonyOutcome, reason: str) -> None:
        if len(reason) > _LONGEST_REASON:
            reason = f"{reason[:_LONGEST_REASON]}..."  # it may quote what was sent
        super().__init__(outcome, reason)
        self.outcome = outcome
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.outcome}: {self.reason}"


@dataclass(frozen=True, slots=True)
class CeremonyDecision:
    """What the verifier decided about one registration or authentication, and what it saw."""

    outcome: CeremonyOutcome
    serial: str
    """Of the security key; empty if it is not known, or not registered."""
    operation: str
    now_ns: int
    """By the verifier's clock."""
    reason: str = ""
    """What was wrong, with the values."""
    credential_id: bytes = b""
    origin: str | None = None
    user_present: bool | None = None
    user_verified: bool | None = None
    sign_count: int | None = None
    """The signature counter in the authenticator data."""
    stored_sign_count: int | None = None
    """The counter as the verifier knew it when the ceremony ended."""
    attestation: str | None = None
    """The format of the attestation statement, at registration."""
    cloned: bool = False
    """Whether the key is marked as cloned now."""

    @property
    def accepted(self) -> bool:
        """Whether the ceremony succeeded."""
        return self.outcome is CeremonyOutcome.ACCEPTED
