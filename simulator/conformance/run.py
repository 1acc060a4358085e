"""Running tests of conformance on one key, from opening it to leaving it as it was.

A test that breaks does not stop the others. A key that says nothing any more, or has gone and does
not come back when its power is cycled, ends the run: what is left is skipped with that one reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from mfalab.devices.ctap.status import CtapStatus
from mfalab.devices.errors import DeviceError
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.facts import Facts
from mfalab.simulator.conformance.key_under_test import Announcer
from mfalab.simulator.conformance.pins import Pin
from mfalab.simulator.conformance.replies import status_text
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import ConformanceTest
from mfalab.simulator.conformance.timings import Spread
from mfalab.simulator.conformance.verdicts import Failure, KeyGone, KeySilent, NotTested, Verdict
from mfalab.simulator.keys.fixture import CannotDo, Fixture
from mfalab.simulator.traces.frames import Frame

_PATIENCE_S: Final = 60
"""A test that waits longer is left out where time is real."""
_PIN_REFUSED: Final = (CtapStatus.PIN_INVALID, CtapStatus.PIN_AUTH_BLOCKED, CtapStatus.PIN_BLOCKED)
_WALL_NS: Final = 9 * 10**17
"""Walls have shown more nanoseconds since the Unix epoch from 1998 on."""
_REVIVALS: Final = 3
"""How often a key that lost its power is brought back."""


@dataclass(eq=False, repr=False)
class KeyNotThere(DeviceError):
    """There is no key to test.

    Args:
        device: its address.
        why: what happened.
    """

    device: str
    why: str
    sentence = "{device} does not answer: {why}. Plug it in, or name another key."


@dataclass(eq=False, repr=False)
class PinWrong(DeviceError):
    """The key does not take the PIN that was told, and no test should try it again.

    Args:
        device: its address.
        answer: what it said.
        left: how many tries are left.
    """

    device: str
    answer: str
    left: int
    sentence = (
        "{device} does not take this PIN: it says {answer}, and {left} tries "
        "are left. It was not tried again; say the right one, or none."
    )


@dataclass(frozen=True, slots=True)
class Result:
    """How a test ended.

    Attributes:
        test: which one.
        verdict: how.
        why: the reason of a skip or of an error; empty otherwise.
        expected: what a failed one wanted.
        got: what it got.
        started_ns: when it began, in the fixture's time.
        lasted_ns: how long it took.
        frames: what passed, of those that did not pass.
    """

    test: ConformanceTest
    verdict: Verdict
    why: str = ""
    expected: str = ""
    got: str = ""
    started_ns: int = 0
    lasted_ns: int = 0
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run.

    Attributes:
        device: the key's address.
        started_ns: when it began, in the fixture's time.
        lasted_ns: how long it took.
        facts: what the key announced at first.
        destructive: whether the key could be changed for good.
        results: of each test, in the order of the suite.
        spreads: how long things took.
        ended: why it ended early; empty when it did not.
        notes: what is left on the key or was noticed, each a sentence.
    """

    device: str
    started_ns: int
    lasted_ns: int
    facts: Facts
    destructive: bool
    results: tuple[Result, ...]
    spreads: tuple[Spread, ...] = ()
    ended: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many tests ended how."""
        return Counter(result.verdict for result in self.results)

    @property
    def virtual(self) -> bool:
        """Whether its time is a simulated key's own, which begins at 0 and not in 1970."""
        return self.started_ns < _WALL_NS

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not any(
            result.verdict in (Verdict.FAILED, Verdict.ERROR, Verdict.INTERRUPTED)
            for result in self.results
        )


class Watcher(Announcer, Protocol):
    """Who is told how the run goes on."""

    def begin(self, test: ConformanceTest, number: int, total: int) -> None:
        """A test is going to be run."""

    def end(self, result: Result) -> None:
        """A test has ended, or was skipped."""


def run(
    fixture: Fixture,
    tests: Sequence[ConformanceTest],
    watcher: Watcher,
    *,
    random_bytes: Callable[[int], bytes],
    destructive: bool = False,
    touched: bool = True,
    by_hand: bool = False,
    twin: Fixture | None = None,
) -> Run:
    """Run tests on a key.

    Args:
        fixture: the key and what is around it; `destructive` has to be allowed by it as well.
        tests: what to run.
        watcher: who is told.
        random_bytes: where all chance comes from.
        destructive: run what changes the key for good.
        touched: whether it is touched at all.
        by_hand: whether that is a person.
        twin: another key, for what only two can show.

    Raises:
        KeyNotThere: it is not there, or does not say anything from the start.
        PinWrong: it does not take the PIN that the fixture knows.
    """
    subject = Subject(
        fixture,
        random_bytes=random_bytes,
        announcer=watcher,
        destructive=destructive and fixture.destructive,
        touched=touched,
        by_hand=by_hand,
        twin=twin,
    )
    runner = _Runner(subject, watcher, allowed=fixture.destructive)
    try:
        return runner.run(tests)
    finally:
        with suppress(Exception):  # the results are worth more than why a broken key clings
            subject.let_go()


class _Runner:
    """One run under way."""

    def __init__(self, subject: Subject, watcher: Watcher, *, allowed: bool) -> None:
        self._subject = subject
        self._watcher = watcher
        self._allowed = allowed
        self._ended = ""
        self._revivals = 0
        self._interrupted = False

    def run(self, tests: Sequence[ConformanceTest]) -> Run:
        subject = self._subject
        started_ns = subject.now_ns
        try:
            first = subject.refresh()
        except (Failure, DeviceError) as trouble:
            why = trouble.got if isinstance(trouble, Failure) else str(trouble)
            raise KeyNotThere(subject.fixture.name, why) from trouble
        except Exception as defect:
            raise KeyNotThere(subject.fixture.name, _defect(defect)) from defect
        if any(test.pin is Pin.SET or test.ready for test in tests):
            self._check_pin()
        # Tests that are content with no PIN come first, so that one is set only once.
        order = sorted(tests, key=lambda test: (test.last, test.pin is Pin.SET))
        found: dict[str, Result] = {}
        for number, test in enumerate(order, start=1):
            result = self._one(test, number, len(order))
            found[test.id] = result
            self._watcher.end(result)
        self._leave()
        return Run(
            subject.fixture.name,
            started_ns,
            subject.now_ns - started_ns,
            first,
            subject.destructive,
            tuple(found[test.id] for test in tests),
            subject.times.spreads,
            self._ended,
            tuple(subject.notes),
        )

    def _check_pin(self) -> None:
        """See once that the PIN is right: test after test would spend all tries on a wrong one.

        Raises:
            PinWrong: it is not.
        """
        pins = self._subject.pins
        if pins.known is None or not pins.is_set:
            return
        try:
            reply = pins.try_pin(pins.known)
            if reply.status in _PIN_REFUSED:
                answer = status_text(reply.status)
                raise PinWrong(self._subject.fixture.name, answer, pins.retries())
        except PinWrong:
            raise
        except Exception:
            return  # tests will tell what is wrong with tokens

    def _one(self, test: ConformanceTest, number: int, total: int) -> Result:
        if self._ended:
            return Result(test, Verdict.SKIPPED, f"not run: {self._ended}")
        if why := self._why_not(test):
            return Result(test, Verdict.SKIPPED, why)
        self._watcher.begin(test, number, total)
        subject = self._subject
        started_ns = subject.now_ns
        verdict, why, expected, got = Verdict.PASSED, "", "", ""
        try:
            subject.begin()
            subject.prepare(test.pin, ready=test.ready)
            subject.traffic.begin()
            test.run(subject)
            subject.settle()
        except NotTested as reason:
            verdict, why = Verdict.SKIPPED, str(reason)
        except Failure as failure:
            verdict, expected, got = Verdict.FAILED, failure.expected, failure.got
        except KeyboardInterrupt:
            verdict, self._ended = Verdict.INTERRUPTED, "the run was interrupted"
        except CannotDo as error:
            verdict, why = Verdict.SKIPPED, str(error).rstrip(".")
        except DeviceError as error:
            # A rig in trouble, or a recording that departs: no later test could do better.
            verdict, why = Verdict.ERROR, str(error)
            self._ended = str(error).rstrip(".")
        except Exception as error:
            # One broken test must not end the others.
            verdict, why = Verdict.ERROR, _defect(error)
        lasted_ns = subject.now_ns - started_ns
        frames = tuple(subject.traffic.frames)
        if verdict is not Verdict.INTERRUPTED and not self._ended:
            gone = self._recover(look=verdict in (Verdict.FAILED, Verdict.ERROR))
            if gone is not None and verdict in (Verdict.PASSED, Verdict.SKIPPED):
                # What comes after a test is part of it: the key was in the middle of a command.
                verdict, expected, got = Verdict.FAILED, gone.expected, gone.got
        if verdict in (Verdict.PASSED, Verdict.SKIPPED):
            frames = ()
        return Result(test, verdict, why, expected, got, started_ns, lasted_ns, frames)

    def _why_not(self, test: ConformanceTest) -> str:
        """Why a test is skipped before anything is sent; empty when it is not."""
        subject = self._subject
        if test.destructive and not subject.destructive:
            if not self._allowed:
                who = subject.fixture.name
                return f"it changes the key for good, and the bench does not allow that for {who}"
            return "it changes the key for good; run it with --destructive"
        for condition in test.when:
            if why := condition(subject.facts):
                return why
        needs = set(test.needs) | ({Ability.TOUCH} if test.touches else set())
        missing = needs - subject.abilities
        if missing:
            first = min(missing, key=lambda each: each.name)
            return f"{subject.fixture.name} cannot {first.value}"
        if test.lasts_s > _PATIENCE_S and Ability.INSIGHT not in subject.fixture.can:
            return f"it takes {test.lasts_s} s of real time"
        return ""

    def _recover(self, *, look: bool) -> Failure | None:
        """Clear up after a test; bring a key back that has gone.

        Args:
            look: see first whether the key answers at all.

        Returns:
            How the key was lost, if it was.
        """
        subject = self._subject
        try:
            if look and not subject.answers():
                raise KeySilent("an answer to CTAPHID_INIT", "nothing, three times")
            subject.tidy()
            if look:
                subject.refresh()  # what failed may have changed the key half
        except KeyGone as gone:
            self._revive(gone.got)
            return gone
        except KeySilent as silence:
            self._ended = "the key does not answer any more, not even CTAPHID_INIT"
            return silence
        except DeviceError as error:
            self._ended = str(error).rstrip(".")
        except Failure as failure:
            subject.notes.append(f"The key was in disorder after a test: {failure}.")
        except Exception as defect:
            self._ended = f"clearing up broke: {_defect(defect)}"
        return None

    def _revive(self, trouble: str) -> None:
        """Bring back a key that has gone, or end the run."""
        subject = self._subject
        self._revivals += 1
        if self._revivals <= _REVIVALS and Ability.POWER in subject.abilities:
            try:
                subject.power_cycle()
                subject.refresh()
                subject.tidy()
            except (Failure, DeviceError) as still:
                trouble = str(still)
            except Exception as defect:
                trouble = _defect(defect)
            else:
                return
        self._ended = f"the key has gone: {trouble}".rstrip(".")

    def _leave(self) -> None:
        """Leave the key without what this run has put on it."""
        subject = self._subject
        if not subject.pins.is_set:
            subject.dirty.discard("the PIN")
        if not subject.dirty:
            return
        what = " and ".join(sorted(subject.dirty))
        try:
            if self._ended:
                raise NotTested(self._ended)
            subject.ceremonies.reset()
        except (Failure, NotTested, DeviceError) as trouble:
            self._not_removed(what, str(trouble))
        except Exception as defect:
            self._not_removed(what, _defect(defect))

    def _not_removed(self, what: str, why: str) -> None:
        pins = self._subject.pins
        pin = f" The PIN is {pins.known}." if pins.ours else ""
        self._subject.notes.append(f"{what} could not be removed from the key: {why}.{pin}")


def _defect(error: Exception) -> str:
    """What a test, or a simulated key in this process, broke with."""
    return f"{type(error).__name__}: {error}"
