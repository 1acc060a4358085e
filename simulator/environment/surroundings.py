"""What a person and a browser need of the environment they live in."""

from __future__ import annotations

from typing import Protocol

from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.environment.target import Target
from mfalab.verifier import Credentials


class Surroundings(Protocol):
    """True time, the system under test, and somewhere to write down what happens."""

    @property
    def timeline(self) -> Timeline:
        """True time."""
        ...

    @property
    def target(self) -> Target:
        """The system under test."""
        ...

    def note(self, lane: str, what: str, **detail: object) -> None:
        """Write down that a person or a thing acts."""
        ...

    def showed(self, device: str, steps: tuple[int, ...]) -> None:
        """Remember of which steps, or counters, the codes are that a device showed."""
        ...

    def advance(self, duration_ns: int) -> None:
        """Let true time pass."""
        ...

    def session(self, name: str) -> Credentials:
        """Temporary credentials by the name a step gave them."""
        ...
