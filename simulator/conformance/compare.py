"""Running the conformance suite for comparing keys: what passed in each test, as passages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mfalab.simulator.conformance.run import Result, run
from mfalab.simulator.conformance.suite import ConformanceTest
from mfalab.simulator.conformance.verdicts import Verdict
from mfalab.simulator.keys.fixture import Fixture
from mfalab.simulator.traces.compare import Passage
from mfalab.simulator.traces.dissect import Message
from mfalab.simulator.traces.recorder import Recording, Tape

if TYPE_CHECKING:
    from mfalab.simulator.entropy import EntropySource


class _Watcher:
    """Cuts what passes into passages, one for each test."""

    def __init__(self, heard: list[Message], says: Callable[[str], object]) -> None:
        self.passages: list[Passage] = []
        self._heard = heard
        self._says = says

    def begin(self, test: ConformanceTest, number: int, total: int) -> None:
        """A test is going to be run."""
        # What was done to make the key ready belongs to no test.
        self._heard.clear()

    def end(self, result: Result) -> None:
        """A test has ended, or was skipped."""
        skipped = result.verdict is Verdict.SKIPPED
        outcome = f"skipped: {result.why}" if skipped else result.verdict.value
        heard = () if skipped else tuple(self._heard)
        self.passages.append(Passage(result.test.id, heard, outcome))

    def blink(self, left_ns: int) -> None:
        """The key waits for its user."""

    def say(self, text: str) -> None:
        """Something that a person should read now."""
        self._says(text)


def perform_tests(
    fixture: Fixture,
    tests: Sequence[ConformanceTest],
    *,
    entropy: EntropySource,
    destructive: bool = False,
    touched: bool = True,
    by_hand: bool = False,
    says: Callable[[str], object] = lambda text: None,
) -> list[Passage]:
    """Run tests of conformance on a key, which is left open.

    What is not explained here is as `run` has it; `says` is told what a person should read.

    Raises:
        KeyNotThere: it is not there.
        DeviceError: it cannot be asked, or a recording departs.
    """
    heard: list[Message] = []
    tape = Tape(heard=heard.append, reveal=True)
    watcher = _Watcher(heard, says)
    run(
        Recording(fixture, tape),
        tests,
        watcher,
        random_bytes=entropy.random_bytes("client"),
        destructive=destructive,
        touched=touched,
        by_hand=by_hand,
    )
    return watcher.passages
