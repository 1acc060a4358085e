"""Steps of somebody who should not get in: guessing, replaying, racing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from mfalab.simulator.eventlog import Secret
from mfalab.simulator.held_devices import HeldDevice
from mfalab.simulator.held_key import HeldKey
from mfalab.simulator.language.codes import Attempts
from mfalab.simulator.language.units import Span
from mfalab.simulator.language.words import DeviceName, PersonName
from mfalab.simulator.outcome import ExpectationFailed, Hindered, ScenarioMistake
from mfalab.simulator.people import Person
from mfalab.simulator.steps.base import Step
from mfalab.verifier import SecondPage, ServiceError, SignedIn

if TYPE_CHECKING:
    from mfalab.simulator.lab import Lab


class Attack(Step):
    """A step that presents codes in somebody's name, whose password and keys are known."""

    who: PersonName
    """Who attacks."""
    as_: Annotated[PersonName, Field(alias="as")]
    """In whose name: their password and access keys have leaked."""
    device: DeviceName
    """The victim's device, which the attacker does not hold."""
    at: Literal["sts", "console"] = "sts"

    def submit(self, lab: Lab, victim: Person, device: HeldDevice, code: str) -> None:
        """Present one code.

        Raises:
            ServiceError: it is refused.
        """
        if self.at == "sts":
            lab.verifier.sts(victim.credentials("keys")).get_session_token(
                SerialNumber=device.known_serial(), TokenCode=code
            )
            return
        console = lab.verifier.console
        page = console.sign_in(victim.account_id, victim.user_name, victim.password)
        if isinstance(page, SignedIn):
            raise Hindered("NoSecondPage", "the password alone was enough to sign in")
        console.submit_code(console.choose(page.id, device.kind).id, code)


class Guess(Attack):
    """Try random codes; accepted as soon as one is, else the last refusal."""

    do: Literal["guess"] = "guess"
    tries: Attempts = 10
    every: Span = 0
    """How long from one try to the next."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        attacker, victim = lab.person(self.who), lab.person(self.as_)
        device = lab.device(self.device)
        attacker.note("guesses codes", device=device.name, tries=self.tries)
        for remaining in reversed(range(self.tries)):
            code = f"{attacker.chance.randrange(10**6):06d}"
            try:
                self.submit(lab, victim, device, code)
            except ServiceError:
                if remaining == 0:
                    raise
            else:
                return None
            lab.advance(self.every)
        return None


class Replay(Attack):
    """Present the code that was typed last once more, as an eavesdropper would."""

    do: Literal["replay"] = "replay"
    typed: Literal["as shown", "with a space", "with a newline"] = "as shown"
    """Decoration that a careless verifier trims after it looked for replays."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        device = lab.device(self.device)
        if isinstance(device, HeldKey):
            return self._replay_assertion(lab, device)
        if not device.typed:
            raise ScenarioMistake(f"no code of {device.name} was typed yet")
        code = device.typed[-1]
        code = {"with a space": f"{code[:3]} {code[3:]}", "with a newline": f"{code}\n"}.get(
            self.typed, code
        )
        lab.person(self.who).note("replays a code", device=device.name, code=Secret(code))
        self.submit(lab, lab.person(self.as_), device, code)
        return None

    def _replay_assertion(self, lab: Lab, device: HeldKey) -> object:
        """Post the key's last response once more, on the attacker's open page or a new one."""
        victim, console = lab.person(self.as_), lab.verifier.console
        if device.last_response is None:
            raise ScenarioMistake(f"{device.name} has signed nothing yet")
        attacker = lab.person(self.who)
        page: SecondPage | SignedIn | None = attacker.page
        if page is None:
            page = console.sign_in(victim.account_id, victim.user_name, victim.password)
        if isinstance(page, SignedIn):
            raise Hindered("NoSecondPage", "the password alone was enough to sign in")
        attacker.note("replays a signature", device=device.name)
        if page.chosen is not device.kind:
            page = console.choose(page.id, device.kind)
        console.submit_assertion(page.id, device.last_response)
        return None


class Race(Attack):
    """Present the code shown now in many requests at the same moment; exactly one may win."""

    do: Literal["race"] = "race"
    requests: Annotated[int, Field(ge=2, le=64)] = 8
    winners: Annotated[int, Field(ge=0)] = 1
    """How many requests may be accepted."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        victim, device = lab.person(self.as_), lab.device(self.device)
        code = device.code()
        lab.person(self.who).note("races", device=device.name, requests=self.requests)
        together = Barrier(self.requests)

        def request(_: int) -> bool:
            together.wait()
            try:
                self.submit(lab, victim, device, code)
            except ServiceError:
                return False
            return True

        with lab.witness.looking_away(), ThreadPoolExecutor(self.requests) as pool:
            accepted = sum(pool.map(request, range(self.requests)))
        device.typed.append(code)
        lab.note("verifier", "accepts of a race", accepted=accepted, requests=self.requests)
        if accepted != self.winners:
            raise ExpectationFailed(f"{self.winners} accepted of {self.requests}", str(accepted))
        return accepted
