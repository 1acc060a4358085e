"""The verdict on one attempt, with all that explains it."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of a code or a pair of codes."""

    ACCEPTED = "accepted"
    """The code, or the pair, is right."""
    WRONG = "wrong"
    """No step inside the window has this code, or no two consecutive steps have this pair."""
    REPLAYED = "replayed"
    """The code is right, and was accepted before (or lies at or below the high-water mark)."""
    EARLY = "early"
    """The code is right, and STS does not take it yet: it learns late of a pair."""
    STALE = "stale"
    """The pair is right, and not newer than the last accepted pair."""
    THROTTLED = "throttled"
    """Not looked at: the device has no attempts left."""
    EXPIRED = "expired"
    """An SMS code that was right once."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the verifier decided about one attempt, and what it believed when it did.

    Steps are absolute; for an event-based token they are counters.
    """

    outcome: Outcome
    serial: str
    operation: str
    now_ns: int
    """By the verifier's clock."""
    server_step: int
    """The verifier's own step; for events, the next counter it expects."""
    centre_step: int
    """Where the window was centred when the attempt came."""
    low_step: int
    high_step: int
    """First and last step that could be accepted."""
    matched_step: int | None = None
    """The step whose code this is, if one was found; for a pair, the second."""
    offset_steps: int = 0
    """The device's stored offset after the decision."""

    @property
    def accepted(self) -> bool:
        """Whether the attempt succeeded."""
        return self.outcome is Outcome.ACCEPTED
