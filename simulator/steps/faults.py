"""Steps that disturb: a carrier's whims, a service that fails, files that go missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.language.setting import ProfileChanges, needs_of_rules
from mfalab.simulator.language.units import Span
from mfalab.simulator.steps.base import Step
from mfalab.simulator.steps.refusals import INJECTED
from mfalab.verifier import ServiceError


class Inject(Step):
    """Let the next call of an operation fail inside the service; `times` says how many."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.FAILURES,)
    do: Literal["inject"] = "inject"
    operation: str
    """Such as EnableMFADevice."""
    error: Literal["ServiceFailure", "ConcurrentModification", "EntityTemporarilyUnmodifiable"]

    def perform(self, env: Environment) -> object:
        """See the class."""
        text, status = INJECTED[self.error]
        env.target.inject(self.operation, ServiceError(self.error, text, status))
        env.note("verifier", "will fail", operation=self.operation, error=self.error)
        return None


class NextSms(Step):
    """Decide what the carrier does with the next short message."""

    do: Literal["next_sms"] = "next_sms"
    is_: Annotated[Literal["lost", "delayed", "duplicated"], Field(alias="is")]
    by: Span = 0
    """How long a delayed one takes."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        carrier = env.messaging.carrier
        if self.is_ == "lost":
            carrier.lose_next()
        elif self.is_ == "duplicated":
            carrier.duplicate_next()
        else:
            carrier.delay_next(self.by)
        env.note("world", "will have a short message", **{self.is_: True})
        return None


class ChangeVerifier(Step):
    """Change the verifier's rules while it runs, as AWS did when it ended SMS."""

    do: Literal["change_verifier"] = "change_verifier"
    to: ProfileChanges
    """The figures that change, such as {sms: ended}; all others stay."""

    def needs(self) -> Iterator[Need]:
        """See `Step.needs`."""
        yield from super().needs()
        yield from needs_of_rules(self.to.model_fields_set)

    def perform(self, env: Environment) -> object:
        """See the class."""
        env.target.profile = self.to.apply(env.target.profile)
        said = self.to.model_fields_set
        changed = {
            name: str(getattr(self.to, name)) for name in type(self.to).model_fields if name in said
        }
        env.note("verifier", "changes its rules", **changed)
        return None
