"""The step that lets people do what they do again and again."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from heapq import merge
from operator import attrgetter
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from mfalab.simulator.abilities import Ability
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.outcome import ScenarioError
from mfalab.simulator.language.setting import RoutineSpec, Setting
from mfalab.simulator.steps.base import Chance, Occurrence, Step
from mfalab.simulator.steps.refusals import CONSOLE, READING, SIGNING
from mfalab.simulator.steps.sign_in import SignIn
from mfalab.verifier import CeremonyOutcome, Outcome


class Routine(Step):
    """Let all people who have a `routine` live by it, side by side, until the last is over.

    Sign-ins of different people come in the order of time. Each must end as `expect` says.
    """

    requires: ClassVar[tuple[Ability, ...]] = (Ability.CONSOLE, Ability.LONG_WAIT)
    meets: ClassVar[frozenset[str]] = READING | SIGNING | CONSOLE
    decides: ClassVar[tuple[type[StrEnum], ...]] = (Outcome, CeremonyOutcome)
    do: Literal["routine"] = "routine"

    @model_validator(mode="after")
    def _has_its_own_times(self) -> Self:
        if self.times > 1:
            raise ValueError("a routine has its own every and for; leave times out")
        return self

    def occurrences(self, setting: Setting, chance: Chance) -> Iterator[Occurrence]:
        """See `Step.occurrences`.

        Raises:
            ScenarioError: no person has a routine.
        """
        routines = {who: person.routine for who, person in setting.people.items() if person.routine}
        if not routines:
            raise ScenarioError("no person has a routine")
        each = [self._of(who, routine, chance) for who, routine in routines.items()]
        return merge(*each, key=attrgetter("after_ns"))

    def _of(self, who: str, routine: RoutineSpec, chance: Chance) -> Iterator[Occurrence]:
        late = chance(f"routine.{who}")
        sign_in = SignIn(who=who, expect=self.expect, **{"with": routine.signs_in})
        for number in range(routine.times):
            after_ns = number * routine.every + late.randint(0, routine.jitter)
            name = f"{who}'s occurrence {number + 1} of {routine.times}"
            yield Occurrence(sign_in, after_ns, name)

    def perform(self, env: Environment) -> object:
        """What its occurrences are is done by steps of their own."""
        raise AssertionError("a routine is done occurrence by occurrence")
