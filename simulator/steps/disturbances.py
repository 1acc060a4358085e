"""Steps that disturb: a carrier's whims, a service that fails, files that go missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from mfalab.simulator.language.setting import ProfileChanges
from mfalab.simulator.language.units import Span
from mfalab.simulator.language.words import PersonName
from mfalab.simulator.steps.base import Step
from mfalab.verifier import ServiceError

if TYPE_CHECKING:
    from mfalab.simulator.lab import Lab

_FAULTS = {
    "ServiceFailure": ("The request processing has failed because of an unknown error.", 500),
    "ConcurrentModification": ("The entity is being modified by another request.", 409),
    "EntityTemporarilyUnmodifiable": ("The entity is temporarily unmodifiable.", 409),
}
"""Codes and statuses of the IAM model; the texts are ours."""


class Inject(Step):
    """Let the next calls of an operation fail inside the service."""

    do: Literal["inject"] = "inject"
    operation: str
    """Such as EnableMFADevice."""
    error: Literal["ServiceFailure", "ConcurrentModification", "EntityTemporarilyUnmodifiable"]
    times: Annotated[int, Field(ge=1)] = 1

    def perform(self, lab: Lab) -> object:
        """See the class."""
        text, status = _FAULTS[self.error]
        lab.verifier.inject(self.operation, ServiceError(self.error, text, status), self.times)
        lab.note("verifier", "will fail", operation=self.operation, error=self.error)
        return None


class NextSms(Step):
    """Decide what the carrier does with the next short message."""

    do: Literal["next_sms"] = "next_sms"
    is_: Annotated[Literal["lost", "delayed", "duplicated"], Field(alias="is")]
    by: Span = 0
    """How long a delayed one takes."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        carrier = lab.world.carrier
        if self.is_ == "lost":
            carrier.lose_next()
        elif self.is_ == "duplicated":
            carrier.duplicate_next()
        else:
            carrier.delay_next(self.by)
        lab.note("world", "will have a short message", **{self.is_: True})
        return None


class UpdateRootPhone(Step):
    """Change the telephone number on file, as an administrator may."""

    do: Literal["update_root_phone"] = "update_root_phone"
    who: PersonName
    number: Annotated[str, Field(pattern=r"^\+\d{6,15}$")]

    def perform(self, lab: Lab) -> object:
        """See the class."""
        lab.verifier.console.update_root_phone(
            lab.person(self.who).signed_in().credentials, self.number
        )
        return None


class ChangeVerifier(Step):
    """Change the verifier's rules while it runs, as AWS did when it ended SMS."""

    do: Literal["change_verifier"] = "change_verifier"
    to: ProfileChanges
    """The figures that change, such as {sms: ended}; all others stay."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        lab.verifier.profile = self.to.apply(lab.verifier.profile)
        said = self.to.model_fields_set
        changed = {
            name: str(getattr(self.to, name)) for name in type(self.to).model_fields if name in said
        }
        lab.note("verifier", "changes its rules", **changed)
        return None
