"""Steps of an attacker: guessing, replaying, racing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.environment.devices import CodeDevice, HeldDevice, HeldKey, HeldSms
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.outcome import ExpectationFailed, NoSecondPage, ScenarioError
from mfalab.simulator.environment.people import Person
from mfalab.simulator.eventlog import Secret
from mfalab.simulator.language.codes import Attempts
from mfalab.simulator.language.units import Span
from mfalab.simulator.language.words import DeviceName, PersonName
from mfalab.simulator.steps.base import Step
from mfalab.simulator.steps.refusals import CONSOLE, READING, SIGNING
from mfalab.verifier import CeremonyOutcome, Demand, Outcome, SecondPage, ServiceError, SignedIn


class Attack(Step):
    """A step that presents codes in a victim's name, whose password and keys are known."""

    who: PersonName
    """Who attacks."""
    as_: Annotated[PersonName, Field(alias="as")]
    """In whose name: their password and access keys have leaked."""
    device: DeviceName
    """The victim's device, which the attacker does not hold."""
    at: Literal["sts", "console"] = "sts"

    def needs(self) -> Iterator[Need]:
        """See `Step.needs`."""
        yield from super().needs()
        yield Need(Ability.API if self.at == "sts" else Ability.CONSOLE)

    def submit(self, env: Environment, victim: Person, device: HeldDevice, code: str) -> None:
        """Present one code.

        Raises:
            ServiceError: it is refused.
        """
        if self.at == "sts":
            env.target.sts(victim.credentials("keys")).get_session_token(
                SerialNumber=device.known_serial(), TokenCode=code
            )
            return
        console = env.target.console
        page = console.sign_in(victim.account_id, victim.user_name, victim.password)
        if isinstance(page, SignedIn) or page.demand is not Demand.MFA:
            raise NoSecondPage
        console.submit_code(console.choose(page.id, device.kind).id, code)


class Guess(Attack):
    """Try random codes; accepted as soon as one is, else the last refusal."""

    calls: ClassVar[tuple[str, ...]] = ("GetSessionToken",)
    meets: ClassVar[frozenset[str]] = READING | SIGNING | CONSOLE
    decides: ClassVar[tuple[type[StrEnum], ...]] = (Outcome, CeremonyOutcome)
    do: Literal["guess"] = "guess"
    tries: Attempts = 10
    """How many codes are tried."""
    pause: Span = 0
    """How long after a try the next one comes."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        attacker, victim = env.person(self.who), env.person(self.as_)
        device = env.device(self.device)
        attacker.note("guesses codes", device=device.name, tries=self.tries)
        for remaining in reversed(range(self.tries)):
            code = f"{attacker.chance.randrange(10**6):06d}"
            try:
                self.submit(env, victim, device, code)
            except ServiceError:
                if remaining == 0:
                    raise
            else:
                return None
            env.advance(self.pause)
        return None


class Replay(Attack):
    """Present the code that was typed last once more, as an eavesdropper would."""

    calls: ClassVar[tuple[str, ...]] = ("GetSessionToken", "AssumeRole")
    meets: ClassVar[frozenset[str]] = READING | SIGNING | CONSOLE
    decides: ClassVar[tuple[type[StrEnum], ...]] = (Outcome, CeremonyOutcome)
    do: Literal["replay"] = "replay"
    typed: Literal["as shown", "with a space", "with a newline"] = "as shown"
    """Decoration that a careless verifier trims after it looked for replays."""
    page: Literal["own", "used"] = "own"
    """Where a signature is posted: on the attacker's page, or on that of the victim's last sign-in,
    as who has stolen the cookie of its session can."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        env.device(self.device).take_part(_Replaying(env, self))
        return None


@dataclass(frozen=True, slots=True)
class _Replaying:
    """What is presented once more, for each kind of device."""

    env: Environment
    step: Replay

    def read_code(self, device: CodeDevice) -> None:
        """Present the code that was typed last."""
        env, step = self.env, self.step
        if not device.typed:
            raise ScenarioError(f"no code of {device.name} was typed yet")
        code = device.typed[-1]
        code = {"with a space": f"{code[:3]} {code[3:]}", "with a newline": f"{code}\n"}.get(
            step.typed, code
        )
        env.person(step.who).note("replays a code", device=device.name, code=Secret(code))
        step.submit(env, env.person(step.as_), device, code)

    def await_code(self, device: HeldSms) -> None:
        """Present the code that was typed last."""
        self.read_code(device)

    def sign(self, device: HeldKey) -> None:
        """Post the key's last response, on the attacker's open page or a new one."""
        env, step = self.env, self.step
        victim, console = env.person(step.as_), env.target.console
        if device.last_response is None:
            raise ScenarioError(f"{device.name} has signed nothing yet")
        attacker = env.person(step.who)
        page: SecondPage | SignedIn | None = attacker.page
        if step.page == "used":
            page = victim.used_page
            if page is None:
                raise ScenarioError(f"{victim.name} has signed in on no second page")
        elif page is None:
            page = console.sign_in(victim.account_id, victim.user_name, victim.password)
        if isinstance(page, SignedIn) or page.demand is not Demand.MFA:
            raise NoSecondPage
        attacker.note("replays a signature", device=device.name)
        if page.chosen is not device.kind:
            page = console.choose(page.id, device.kind)
        console.submit_assertion(page.id, device.last_response)


class Race(Attack):
    """Present the code shown now in many requests at the same moment; exactly one may win."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.READ, Ability.RACE)
    calls: ClassVar[tuple[str, ...]] = ("GetSessionToken",)
    meets: ClassVar[frozenset[str]] = READING | CONSOLE
    decides: ClassVar[tuple[type[StrEnum], ...]] = (Outcome,)
    do: Literal["race"] = "race"
    requests: Annotated[int, Field(ge=2, le=64)] = 8
    """How many requests are made at once."""
    winners: Annotated[int, Field(ge=0)] = 1
    """How many requests may be accepted."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        victim, device = env.person(self.as_), env.code_device(self.device)
        code = device.code()
        env.person(self.who).note("races", device=device.name, requests=self.requests)

        def submit() -> None:
            self.submit(env, victim, device, code)

        with env.journal.looking_away():
            accepted = sum(env.target.race(submit, self.requests))
        device.typed.append(code)
        env.note("verifier", "accepts of a race", accepted=accepted, requests=self.requests)
        if accepted != self.winners:
            raise ExpectationFailed(f"{self.winners} accepted of {self.requests}", str(accepted))
        return accepted
