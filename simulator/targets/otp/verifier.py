"""What a verifier of one-time codes looks like to a lab: the port for other people's.

A verifier is a Python object with these methods, or what a target file describes. It knows accounts
by a name and each account by one seed (RFC 4226, RFC 6238).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

from pydantic import ConfigDict


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier says of a code.

    Attributes:
        accepted: whether the code is right.
        reason: why it is refused, if the verifier tells: `wrong`, `replayed`, `throttled`.
    """

    accepted: bool
    reason: str = ""

    @classmethod
    def of(cls, answer: object) -> Verdict:
        """A verdict as verifiers give it: one of these, True, False, or the reason of a refusal.

        Raises:
            ValueError: it is none of them: what is not understood must not pass for a refusal.
        """
        if isinstance(answer, cls):
            return answer
        if isinstance(answer, bool):
            return cls(answer)
        if isinstance(answer, str) and answer:
            return cls(False, answer)
        raise ValueError(f"{answer!r} is no verdict; give True, False, a reason or a Verdict")


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a verifier declares of itself; what is left out is as the commonest verifiers are.

    Attributes:
        algorithms: hashes that it can work with.
        digits: lengths of codes.
        periods_s: time steps, in seconds.
        window_back: how many steps behind its own a code may lie.
        window_ahead: how many steps ahead.
        replay: which accepted codes it refuses from then on: each step once in any order, all up
            to the newest accepted one. RFC 6238 section 5.2 leaves no third choice.
        drift_memory: whether a success moves its window to the step that matched.
        resync_codes: how many codes a resynchronisation takes; 0 when it has none.
        lanes: how many attempts it can work on at the same time, for races.
        time: how its time moves: `set` by `set_time`, back as well; `forward` only; or `wall`, by
            itself, so that a lab keeps step with the wall's clock.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    algorithms: tuple[Literal["SHA1", "SHA256", "SHA512"], ...] = ("SHA1",)
    digits: tuple[int, ...] = (6,)
    periods_s: tuple[int, ...] = (30,)
    window_back: int = 1
    window_ahead: int = 1
    replay: Literal["used-set", "high-water"] = "high-water"
    drift_memory: bool = False
    resync_codes: int = 0
    lanes: int = 1
    time: Literal["set", "forward", "wall"] = "set"

    def __post_init__(self) -> None:
        """Refuse what no verifier can be.

        Raises:
            ValueError: a figure makes no sense.
        """
        for word in ("algorithms", "digits", "periods_s"):
            if not getattr(self, word):
                raise ValueError(f"{word} must not be empty")
        for word in ("window_back", "window_ahead"):
            if getattr(self, word) < 0:
                raise ValueError(f"{word} is {getattr(self, word)}; it cannot be negative")
        if self.lanes < 1:
            raise ValueError(f"lanes is {self.lanes}; at least one attempt can be made")
        if self.resync_codes not in (0, 2, 3):
            raise ValueError(
                f"resync_codes is {self.resync_codes}; a resynchronisation takes 2 or 3"
            )


@runtime_checkable
class OtpVerifier(Protocol):
    """A verifier of one-time codes. Whatever a method raises is an error, never a refusal."""

    capabilities: Capabilities

    def set_time(self, now_ns: int) -> None:
        """Move its time to so many nanoseconds since the Unix epoch."""
        ...

    def enrol(self, account: str, seed: bytes, algorithm: str, digits: int, period_s: int) -> None:
        """Make an account with this seed; one of that name is replaced."""
        ...

    def attempt(self, account: str, code: str) -> Verdict | bool | str:
        """Judge a code."""
        ...

    def attempt_together(
        self, account: str, codes: Sequence[str]
    ) -> Sequence[Verdict | bool | str]:
        """Judge codes that arrive at the same moment, as far as there are lanes."""
        ...

    def resync(self, account: str, codes: Sequence[str]) -> Verdict | bool | str:
        """Find a token's clock again by consecutive codes."""
        ...

    def revoke(self, account: str) -> None:
        """Forget an account."""
        ...

    def close(self) -> None:
        """Let go of what it holds, at the end of a case."""
        ...
