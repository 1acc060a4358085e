"""What a test of conformance is, and chapters of them.

A chapter is a list that a module fills: `@CHAPTER.test(section, requirement, ...)` above a
function whose docstring's first line says the behaviour, or `CHAPTER.add(...)` for the rows of a
table. Tests are values; the runner decides whether and when one is run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TypedDict, Unpack

from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.facts import Condition
from mfalab.simulator.conformance.pins import Pin
from mfalab.simulator.conformance.subject import Subject

Run = Callable[[Subject], object]
"""A test itself: it raises `Failure` or `NotTested`, or passes."""


class Options(TypedDict, total=False):
    """What may be said of a test beyond its texts; see `ConformanceTest`."""

    needs: Collection[Ability]
    when: Collection[Condition]
    pin: Pin
    ready: bool
    touches: int
    destructive: bool
    changes: str
    lasts_s: int
    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformanceTest:
    """One test.

    Attributes:
        name: its name within the chapter, words joined by hyphens.
        chapter: the chapter's title.
        section: the place in the standard, such as `CTAP 2.1 §6.1.2 step 3`.
        behaviour: what a conforming key does, a sentence.
        requirement: the rule it rests on, in our words.
        run: the test itself.
        needs: what the fixture must be able to do.
        when: what the key must announce.
        pin: what it needs of the PIN.
        ready: whether it makes credentials, so that verification must be possible if it is asked.
        touches: how often the user touches the key.
        destructive: whether it changes the key for good, or could if the key is broken.
        changes: what it changes of what the user owns; empty for nothing.
        lasts_s: how long it waits, for keys in real time; 0 for no longer than its commands.
        last: whether it belongs to the end of a run.
    """

    name: str
    chapter: str
    section: str
    behaviour: str
    requirement: str
    run: Run
    needs: Collection[Ability] = frozenset()
    when: Collection[Condition] = ()
    pin: Pin = Pin.ANY
    ready: bool = False
    touches: int = 0
    destructive: bool = False
    changes: str = ""
    lasts_s: int = 0
    last: bool = False

    @property
    def id(self) -> str:
        """Chapter and name: `clientpin/retries-fall`."""
        return f"{self.chapter.lower().replace(' ', '-')}/{self.name}"


class Chapter:
    """Tests about one thing.

    Args:
        title: what they are about.
        standard: the standard and chapter that their sections are in, such as `CTAP 2.1`.
        options: what all of them have in common.
    """

    def __init__(self, title: str, standard: str, **options: Unpack[Options]) -> None:
        self.title = title
        self._standard = standard
        self._options = options
        self.tests: list[ConformanceTest] = []

    def given(self, **options: Unpack[Options]) -> Chapter:
        """This chapter for tests that have more in common; they go into the same list."""
        part = Chapter(self.title, self._standard, **self._merged(options))
        part.tests = self.tests
        return part

    def add(
        self,
        name: str,
        section: str,
        behaviour: str,
        requirement: str,
        run: Run,
        **options: Unpack[Options],
    ) -> None:
        """Add a test; see `ConformanceTest`."""
        self.tests.append(
            ConformanceTest(
                name=name,
                chapter=self.title,
                section=f"{self._standard} §{section}" if section[:1].isdigit() else section,
                behaviour=behaviour,
                requirement=requirement,
                run=run,
                **self._merged(options),
            )
        )

    def test(
        self, section: str, requirement: str, **options: Unpack[Options]
    ) -> Callable[[Run], Run]:
        """Make a function a test; its docstring's first line is the behaviour."""

        def adding(run: Run) -> Run:
            name = run.__name__
            behaviour = (run.__doc__ or name).strip().split("\n")[0]
            self.add(name.replace("_", "-"), section, behaviour, requirement, run, **options)
            return run

        return adding

    def _merged(self, options: Options) -> Options:
        """These options beside those of the chapter, whose needs and conditions go before."""
        ours = self._options
        needs = frozenset((*ours.get("needs", ()), *options.get("needs", ())))
        when = (*ours.get("when", ()), *options.get("when", ()))
        return {**ours, **options, "needs": needs, "when": when}


def select(tests: Iterable[ConformanceTest], words: Iterable[str]) -> list[ConformanceTest]:
    """The tests in whose ID, chapter, section or behaviour every word is found, in any case."""
    wanted = [word.lower() for word in words]
    return [
        test
        for test in tests
        if all(
            word in f"{test.id} {test.chapter} {test.section} {test.behaviour}".lower()
            for word in wanted
        )
    ]
