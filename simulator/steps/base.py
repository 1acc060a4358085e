"""What every step has: a verb, a name, an expectation, and how often it is done."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Annotated, Any, ClassVar, NamedTuple, Self

from pydantic import AfterValidator, Field, model_validator

from mfalab.simulator.abilities import OF_SYSTEM, Ability, Need
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.entropy import Stream
from mfalab.simulator.environment.declaration import ACCEPTED
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.outcome import ExpectationFailed, Outcome, ScenarioError
from mfalab.simulator.language.setting import MOST_TIMES, Setting
from mfalab.simulator.language.units import Span
from mfalab.simulator.language.words import Strict
from mfalab.simulator.steps.refusals import ANY, known_code, known_decision, of_service

PATIENCE_NS = 600 * NS_PER_S
"""What a person waits at a bench."""


class Expect(Strict):
    """How a step is to end. `accepted`, `declared`, or the refusal's code and, if wanted, text."""

    refused: Annotated[str, AfterValidator(known_code)] | None = None
    """The refusal's code, such as InvalidAuthenticationCode; `any` for whichever, but not for
    NoSecondPage, which is no refusal: somebody got in."""
    message: str | None = None
    """The refusal's exact text."""
    status: int | None = None
    """The refusal's HTTP status."""
    decision: Annotated[str, AfterValidator(known_decision)] | None = None
    """What the verifier decided, in the words of its log: wrong, replayed, throttled, ..."""
    declared: bool = False
    """Accepted or refused as the verifier's rules say; written `expect: declared`."""

    @model_validator(mode="before")
    @classmethod
    def _accepted(cls, value: Any) -> Any:
        if value == "accepted":
            return {}
        if value == "declared":
            return {"declared": True}
        if isinstance(value, str):
            raise ValueError(
                f'"{value}" is no expectation; write accepted, declared or {{refused: CODE}}'
            )
        return value

    @model_validator(mode="after")
    def _refusal_details_need_a_refusal(self) -> Self:
        if self.declared and self.refused is not None:
            raise ValueError("declared says whether it is refused; leave refused out")
        details = (self.message, self.status, self.decision)
        if self.refused is None and any(detail is not None for detail in details):
            raise ValueError("message, status and decision belong to a refusal; add refused: CODE")
        return self

    @property
    def in_words_of_aws(self) -> bool:
        """Whether only a service that speaks as AWS does can end a step like this."""
        own = self.refused is None or self.refused == ANY or not of_service(self.refused)
        return not own or self.message is not None or self.status is not None

    def __str__(self) -> str:
        if self.declared:
            return "what the verifier declares"
        if self.refused is None:
            return "accepted"
        parts = [f"refused: {self.refused}"]
        if self.status is not None:
            parts.append(f"({self.status})")
        if self.message is not None:
            parts.append(f"{self.message!r}")
        if self.decision is not None:
            parts.append(f"by decision: {self.decision}")
        return " ".join(parts)

    def check(self, outcome: Outcome) -> None:
        """Hold an outcome against this expectation.

        Raises:
            ExpectationFailed: they differ.
        """
        if self.declared:
            self._check_declared(outcome)
            return
        met = (
            outcome.accepted
            if self.refused is None
            else not outcome.accepted
            and (self.refused == outcome.refused or (self.refused == ANY and not outcome.got_in))
            and self.message in (None, outcome.message)
            and self.status in (None, outcome.status)
            and (self.decision in (None, outcome.decision) or outcome.reasonless)
        )
        if not met:
            raise ExpectationFailed(str(self), str(outcome))

    def _check_declared(self, outcome: Outcome) -> None:
        if outcome.declared is None:
            raise ScenarioError(
                "the lab does not know of which time step this code is: it knows it of `current` "
                "and `N steps` of a time-based device; say what is expected"
            )
        declared_right = outcome.declared == ACCEPTED
        told = outcome.decision or outcome.declared
        if outcome.accepted != declared_right or (not declared_right and told != outcome.declared):
            raise ExpectationFailed(f"{outcome.declared}, as declared", str(outcome))


class Occurrence(NamedTuple):
    """One time that a step is done."""

    step: Step
    after_ns: int | None
    """How long after the step began it is due; right after the one before when left out."""
    name: str
    """Which one it is, if there are several."""


Chance = Callable[[str], Stream]
"""A stream of chance of a step, by its name."""


class Step(Strict, ABC):
    """One thing that a person does, or that happens."""

    requires: ClassVar[tuple[Ability, ...]] = ()
    """What its device, or the system under test, must be able to, whatever its fields say."""
    calls: ClassVar[tuple[str, ...]] = ()
    """The operations of IAM and STS that it calls: their errors can end it."""
    meets: ClassVar[frozenset[str]] = frozenset()
    """The codes of refusals that can end it beside those of its calls."""
    decides: ClassVar[tuple[type[StrEnum], ...]] = ()
    """What the verifier may decide about it, if codes or signatures are judged."""
    do: str
    name: str | None = None
    """A name by which `matrix` reaches this step's fields."""
    expect: Expect = Field(default=Expect(), json_schema_extra={"default": "accepted"})
    """accepted (the default), declared (as the verifier's rules say), or
    {refused: CODE, message: TEXT, status: NUMBER, decision: WORD}."""
    times: Annotated[int, Field(ge=1, le=MOST_TIMES)] = 1
    """How often it is done; each occurrence must end as `expect` says."""
    every: Span | None = None
    """Time from the beginning of one occurrence to the next; an occurrence that is still under way
    then delays the next. One comes right after the other when left out."""
    jitter: Span = 0
    """At most how much later an occurrence begins; drawn evenly for each."""

    @model_validator(mode="after")
    def _routine_is_whole(self) -> Self:
        if self.every is None and self.jitter:
            raise ValueError("jitter goes with every: DURATION")
        if self.every is None:
            return self
        if self.every == 0:
            raise ValueError("every must be longer than 0 s; leave it out for one after the other")
        if self.times == 1:
            raise ValueError("every goes with times: NUMBER, of at least 2")
        if self.jitter > self.every:
            raise ValueError("jitter must not be longer than every: occurrences keep their order")
        return self

    def needs(self) -> Iterator[Need]:
        """What must be possible for it, with the devices of the scenario and the system."""
        device = getattr(self, "device", None)
        yield from (Need(each, None if each in OF_SYSTEM else device) for each in self.requires)
        if self.expect.in_words_of_aws:
            yield Need(Ability.AWS_WORDS)
        if (self.times - 1) * (self.every or 0) + self.jitter > PATIENCE_NS:
            yield Need(Ability.LONG_WAIT)

    def occurrences(self, setting: Setting, chance: Chance) -> Iterator[Occurrence]:
        """Each time that it is done, in the order of time."""
        late = chance("jitter")
        for number in range(self.times):
            every = self.every
            after_ns = None if every is None else number * every + late.randint(0, self.jitter)
            name = f"occurrence {number + 1} of {self.times}" if self.times > 1 else ""
            yield Occurrence(self, after_ns, name)

    @abstractmethod
    def perform(self, env: Environment) -> Any:
        """Do it; what is returned is the outcome's data.

        Raises:
            ServiceError: the verifier refuses.
            Prevented: the person cannot.
            ExpectationFailed: what was observed differs from what the step states.
        """
