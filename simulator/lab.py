"""The lab of one case: an environment, and the steps that can be done in it.

`Lab` is the engine behind all doors. A scenario file, a pytest item and a Python test build one
from a `Setting` and call `do` with steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from mfalab.devices.errors import DeviceError
from mfalab.devices.rig.errors import RigError
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.entropy import Stream
from mfalab.simulator.environment.declaration import ACCEPTED, Declaration
from mfalab.simulator.environment.devices import HeldDevice
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.outcome import (
    ExpectationFailed,
    NoSecondPage,
    Outcome,
    Prevented,
    ScenarioError,
)
from mfalab.simulator.environment.stand_ins import NO_STAND_INS, StandIns
from mfalab.simulator.environment.target import SystemUnderTest
from mfalab.simulator.language.setting import Setting
from mfalab.simulator.language.units import format_instant
from mfalab.simulator.language.words import Reference, marks, nearest
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.base import Step
from mfalab.simulator.targets.embedded import EMBEDDED
from mfalab.simulator.targets.otp.system import CODE_REFUSED
from mfalab.simulator.traces.recorder import RecordingFailed
from mfalab.simulator.verbs import Verbs
from mfalab.verifier import ServiceError, Store, Verifier

M = TypeVar("M", bound=BaseModel)


class Lab(Environment, Verbs):
    """One story's people and things, and the verbs they can do.

    Every step of the vocabulary is a method: `lab.sign_in(who="alice", with_="fob")` performs the
    same step as `{do: sign_in, who: alice, with: fob}`. A keyword that Python reserves has an
    underscore behind it. For the arguments see `Environment`.
    """

    def __init__(
        self,
        setting: Setting,
        *,
        seed: int | str = 1,
        case: str = "lab",
        store: Store | None = None,
        stand_ins: StandIns = NO_STAND_INS,
        record: Path | None = None,
        system: SystemUnderTest = EMBEDDED,
    ) -> None:
        super().__init__(
            setting,
            seed=seed,
            case=case,
            store=store,
            stand_ins=stand_ins,
            record=record,
            system=system,
        )
        self.last_outcome = Outcome()
        self.declaration = Declaration()
        self.occurrence = ""
        """Which occurrence of the step was the last, if the step has several."""

    @property
    def verifier(self) -> Verifier:
        """The embedded verifier.

        Raises:
            ScenarioError: another system is under test.
        """
        if not isinstance(self.target, Verifier):
            raise ScenarioError(f"{self.system.label} is under test, not the embedded verifier")
        return self.target

    @classmethod
    def of(cls, *, seed: int | str = 1, case: str = "lab", **setting: Any) -> Lab:
        """A lab from keyword arguments in the words of a scenario file.

        Raises:
            ScenarioError: the words make no setting.
        """
        return cls(_validated(Setting, setting, "setting"), seed=seed, case=case)

    def add_device(self, name: str, **words: Any) -> HeldDevice:
        """One more device, in the words of a scenario file; its owner is the first person.

        Raises:
            ScenarioError: the words make no device, or a device is called so already.
        """
        given = {"owner": next(iter(self.people), ""), **words}
        setting = _validated(Setting, {"devices": {name: given}}, "device")
        return self.furnish_with(name, setting.devices[name])

    # -- doing ------------------------------------------------------------------------

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A verb that is none, with the nearest one."""
            raise AttributeError(f'a lab has no step "{name}"{nearest(name, VOCABULARY)}')

    def _perform(self, verb: str, given: dict[str, Any]) -> Outcome:
        defaults = getattr(Verbs, verb + "_" * iskeyword(verb)).__kwdefaults__
        words = {
            name.removesuffix("_"): value
            for name, value in given.items()
            if name != "self" and (name not in defaults or value != defaults[name])
        }
        return self.do(_validated(VOCABULARY[verb], {"do": verb, **words}, f"step {verb}"))

    def do(self, step: Step) -> Outcome:
        """Perform a step as often as it says and hold each outcome against what it expects.

        Returns:
            The outcome of the last occurrence.

        Raises:
            ExpectationFailed: it ended otherwise; what the clocks believed is attached as notes.
            ScenarioError: the step makes no sense here.
        """
        for _ in self.occurrences(step):
            pass
        return self.last_outcome

    def occurrences(self, step: Step) -> Iterator[Outcome]:
        """Perform a step as `do` does, with the outcome of each occurrence as it comes."""
        self.journal.step += 1
        self.last_outcome, self.occurrence = Outcome(), ""
        begin_ns, step_number = self.timeline.now_ns(), self.journal.step

        def chance(name: str) -> Stream:
            return self.entropy.stream(f"step {step_number}.{name}")

        for one, after_ns, name in step.occurrences(self.setting, chance):
            if after_ns is not None:
                self.let_time_pass(max(0, begin_ns + after_ns - self.timeline.now_ns()))
            if name:
                self.occurrence = f"{name}, at {format_instant(self.timeline.now_ns())}"
            try:
                self._do_once(one)
            except Exception as failure:
                if self.occurrence:
                    failure.add_note(self.occurrence)
                raise
            yield self.last_outcome

    def _do_once(self, step: Step) -> None:
        try:
            self.last_outcome = self.attempt(step)
            step.expect.check(self.last_outcome)
        except ExpectationFailed as failure:
            for belief in self.journal.beliefs():
                off = "" if belief["offset_s"] is None else f", {belief['offset_s']} s off"
                failure.add_note(f"{belief['lane']}: {belief['text']}{off}")
            raise
        finally:
            self._look_at_what(step)

    def _look_at_what(self, step: Step) -> None:
        """Let the journal see whether the devices and phones that a step names still work."""
        for field in _naming(type(step)):
            name = getattr(step, field)
            if not isinstance(name, str):
                continue
            device, phone = self.devices.get(name), self.factory.phones.get(name)
            if device is not None and device.clock is not None:
                self.journal.look_at(device.clock, device.alive)
            elif phone is not None:
                self.journal.look_at(phone.clock, phone.usable)

    def attempt(self, step: Step) -> Outcome:
        """Perform a step and say what became of it, expected or not."""
        outcome = self._attempt(step)
        name, shown = self.journal.shown
        if not shown or self.devices[name].period_s is None:
            return outcome
        return self._as_declared(outcome, name, shown)

    def _as_declared(self, outcome: Outcome, name: str, shown: tuple[int, ...]) -> Outcome:
        """The outcome with what the verifier's rules say of it, which remember it."""
        server_step = self.server_clock.now_ns() // ((self.devices[name].period_s or 1) * NS_PER_S)
        profile = self.target.profile
        if len(shown) == 1:
            verdict = self.declaration.verdict(name, shown[0], server_step, profile)
            if outcome.accepted:
                self.declaration.accepted(name, shown[0], server_step, profile)
            return replace(outcome, declared=verdict)
        # Without a decision, a pair proved a device that was enrolled by its seed.
        if outcome.accepted and self.journal.decided == ACCEPTED:
            self.declaration.paired(name, shown[-1], server_step, profile)
        return outcome

    def _attempt(self, step: Step) -> Outcome:
        try:
            self.journal.begin_step()
            return Outcome(data=step.perform(self))
        except ServiceError as refusal:
            tells = Ability.REASONS in self.system.offer.can and refusal.code != CODE_REFUSED
            return Outcome(
                refusal.code,
                refusal.message,
                refusal.status,
                self.journal.decided,
                why=self.journal.explained,
                reasonless=not tells and self.journal.decided is None,
            )
        except Prevented as hindrance:
            got_in = isinstance(hindrance, NoSecondPage)
            return Outcome(hindrance.code, str(hindrance), got_in=got_in)
        except (RigError, RecordingFailed):
            raise  # it is the bench that failed, not the person
        except DeviceError as failure:
            return Outcome(type(failure).__name__, str(failure))


@cache
def _naming(step: type[Step]) -> tuple[str, ...]:
    """The fields of a step that may name a device or a phone."""
    return tuple(
        name
        for name, field in step.model_fields.items()
        if any(
            isinstance(mark, Reference) and mark.to in ("device", "phone")
            for mark in marks(field.annotation, field.metadata)
        )
    )


def _validated(model: type[M], words: dict[str, Any], what: str) -> M:
    """A model from keyword arguments.

    Raises:
        ScenarioError: the arguments do not fit; all that is wrong, in one sentence.
    """
    try:
        return model.model_validate(words)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(str(part) for part in each['loc']) or what}: "
            f"{each['msg'].removeprefix('Value error, ')}"
            for each in error.errors()
        ]
        raise ScenarioError(f"{what} is wrong: {'; '.join(wrong)}") from None
