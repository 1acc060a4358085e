"""What a test of conformance is, and chapters of them.

A chapter is a list that a module fills: `@CHAPTER.test(section, requirement, ...)` above a
function whose docstring's first line says the behaviour, or `CHAPTER.add(...)` for the rows of a
table. Tests are values; the runner decides whether and when one is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING

from mfalab.simulator.abilities import Ability

if TYPE_CHECKING:
    from mfalab.simulator.conformance.facts import Facts
    from mfalab.simulator.conformance.subject import Subject

__all__ = ["Chapter", "Condition", "ConformanceTest", "Pin", "select"]

Condition = Callable[["Facts"], str | None]
"""Why a test does not apply to a key, by what the key announces; None when it does."""


@unique
class Pin(Enum):
    """What a test needs of the PIN."""

    ANY = "whatever is there"
    ABSENT = "no PIN"
    SET = "a PIN that is known"


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
    run: Callable[[Subject], None]
    needs: frozenset[Ability] = frozenset()
    when: tuple[Condition, ...] = ()
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
        needs: what all of them need of the fixture.
        when: what all of them need of the key.
    """

    def __init__(
        self,
        title: str,
        standard: str,
        *,
        needs: Iterable[Ability] = (),
        when: Iterable[Condition] = (),
    ) -> None:
        self.title = title
        self._standard = standard
        self._needs = frozenset(needs)
        self._when = tuple(when)
        self.tests: list[ConformanceTest] = []

    def add(
        self,
        name: str,
        section: str,
        behaviour: str,
        requirement: str,
        run: Callable[[Subject], None],
        *,
        needs: Iterable[Ability] = (),
        when: Iterable[Condition] = (),
        pin: Pin = Pin.ANY,
        ready: bool = False,
        touches: int = 0,
        destructive: bool = False,
        changes: str = "",
        lasts_s: int = 0,
        last: bool = False,
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
                needs=self._needs | frozenset(needs),
                when=(*self._when, *when),
                pin=pin,
                ready=ready,
                touches=touches,
                destructive=destructive,
                changes=changes,
                lasts_s=lasts_s,
                last=last,
            )
        )

    def test(
        self,
        section: str,
        requirement: str,
        *,
        needs: Iterable[Ability] = (),
        when: Iterable[Condition] = (),
        pin: Pin = Pin.ANY,
        ready: bool = False,
        touches: int = 0,
        destructive: bool = False,
        changes: str = "",
        lasts_s: int = 0,
        last: bool = False,
    ) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
        """Make a function a test; its docstring's first line is the behaviour."""

        def adding(run: Callable[[Subject], None]) -> Callable[[Subject], None]:
            self.add(
                run.__name__.replace("_", "-"),
                section,
                (run.__doc__ or run.__name__).strip().split("\n")[0],
                requirement,
                run,
                needs=needs,
                when=when,
                pin=pin,
                ready=ready,
                touches=touches,
                destructive=destructive,
                changes=changes,
                lasts_s=lasts_s,
                last=last,
            )
            return run

        return adding


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
