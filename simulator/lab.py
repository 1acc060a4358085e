"""The lab of one case: true time, one verifier, people, their devices, and the event log.

`Lab` is the engine behind all doors. A scenario file, a pytest item and a Python test build one
from a `Setting` and call `do` with steps; what happens is seeded, timed and logged here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mfalab.devices.errors import DeviceError
from mfalab.devices.rig.errors import RigError
from mfalab.devices.sms.carrier import Carrier, Delivery
from mfalab.simulator.blocking import BlockingClients
from mfalab.simulator.clocks import ServerClock
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.eventlog import CaseLog
from mfalab.simulator.held_devices import HeldDevice
from mfalab.simulator.language.setting import (
    AccountSpec,
    AnyDevice,
    CarrierSpec,
    PersonSpec,
    Setting,
)
from mfalab.simulator.language.units import format_duration
from mfalab.simulator.language.words import nearest
from mfalab.simulator.outcome import ExpectationFailed, Hindered, Outcome, ScenarioMistake
from mfalab.simulator.people import Person
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.base import Step
from mfalab.simulator.timeline import NS_PER_S, Timeline
from mfalab.simulator.traces.recorder import RecordingFailed
from mfalab.simulator.traffic import Traffic
from mfalab.simulator.witness import Witness
from mfalab.simulator.workbench.stand_ins import NO_STAND_INS, StandIns
from mfalab.simulator.workshop import Workshop
from mfalab.simulator.world import World
from mfalab.verifier import (
    CHEAP,
    Account,
    Credentials,
    MemoryStore,
    ServiceError,
    Store,
    Verifier,
)

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

_SAMPLES_OF_A_WAIT = 24
_SHORT_WAIT_NS = 600 * NS_PER_S
"""A wait below this is sampled at its ends only."""


class Lab:
    """One story's people and things, and the verbs they can do.

    Every step of the vocabulary is a method: `lab.sign_in(who="alice", with_="fob")` performs the
    same step as `{do: sign_in, who: alice, with: fob}`. A keyword that Python reserves has an
    underscore behind it.

    Args:
        setting: who is there with what, and the verifier.
        seed: all chance of this lab comes from it.
        case: what to call this lab in the event log.
        store: where the verifier keeps its records; memory when left out.
        stand_ins: things on a bench that stand for devices of the setting.
        record: a folder for recordings of what security keys say; none are made when left out.
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
    ) -> None:
        self.setting = setting
        self.stand_ins = stand_ins
        self.entropy = Entropy(f"{seed}/{case}")
        self.timeline = Timeline(stand_ins.start_ns(setting.start))
        server = setting.verifier.clock
        self.server_clock = ServerClock(
            self.timeline, offset_ns=server.offset, drift_ppm=server.drift
        )
        self.devices: dict[str, HeldDevice] = {}
        self.witness = Witness(CaseLog(case), self.timeline, self.server_clock, self.devices)
        carrier = Carrier(self.timeline, self.entropy.stream("carrier"), _delivery(setting.carrier))
        self.world = World(carrier, lambda what, **detail: self.note("world", what, **detail))
        self.verifier = Verifier(
            store=store or MemoryStore(),
            clock=self.server_clock,
            random_bytes=self.entropy.random_bytes("verifier"),
            profile=setting.verifier.resolve(),
            password_cost=CHEAP,
            outbox=self.world,
            observer=lambda event: self.witness.observe(event, self.verifier.profile),
        )
        self.accounts: dict[str, Account] = {}
        self.people: dict[str, Person] = {}
        self.roles: dict[str, str] = {}
        self.sessions: dict[str, Credentials] = {}
        self.clients = BlockingClients(self.timeline)
        self.traffic = None if record is None else Traffic(record, self.witness.log, self.timeline)
        self.workshop = Workshop(
            self.timeline, self.entropy, carrier, self.clients, stand_ins, self.traffic
        )
        self.last_outcome = Outcome()
        self._furnish()

    @classmethod
    def of(cls, *, seed: int | str = 1, case: str = "lab", **setting: Any) -> Lab:
        """A lab from keyword arguments in the words of a scenario file.

        Raises:
            ScenarioMistake: the words make no setting.
        """
        return cls(_validated(Setting, setting, "setting"), seed=seed, case=case)

    # -- furnishing ------------------------------------------------------------------

    def _furnish(self) -> None:
        setting = self.setting
        accounts = {"main": AccountSpec(), **setting.accounts}
        roots = {spec.account: name for name, spec in setting.people.items() if spec.role == "root"}
        for name, account in accounts.items():
            self._open_account(name, account, roots.get(name))
        for name, person in setting.people.items():
            self._introduce(name, person)
        for name, role in setting.roles.items():
            self.roles[name] = self.verifier.role_arn(
                self.verifier.create_role(
                    _named("account", role.account, self.accounts).id,
                    name,
                    trusts=[self._principal(trusted) for trusted in role.trusts],
                    requires_mfa=role.requires_mfa,
                    mfa_max_age_s=(
                        None if role.mfa_max_age is None else role.mfa_max_age // NS_PER_S
                    ),
                    max_session_s=role.max_session // NS_PER_S,
                )
            )
        for name, phone in setting.phones.items():
            self.workshop.phone(name, phone)
        for name, device in setting.devices.items():
            self.devices[name] = self.workshop.device(name, device)
        self.verifier.register_tokens(self.workshop.shipped)
        self.witness.sample()

    def _open_account(self, name: str, spec: AccountSpec, root: str | None) -> None:
        digits = self.entropy.stream(f"account.{name}").randrange(10**11, 10**12)
        self.accounts[name] = self.verifier.create_account(
            spec.id or str(digits),
            root_email=f"{root or 'root'}@{name}.example",
            root_password=self._password(f"root of {name}"),
            root_phone=spec.root_phone,
            alias=spec.alias,
            partition=spec.partition,
            alternative_factors=spec.alternative_factors,
        )

    def _introduce(self, name: str, spec: PersonSpec) -> None:
        account = _named("account", spec.account, self.accounts)
        user_name = spec.user_name or name
        identity_id: str | None = None
        password = self._password(name)
        if spec.role == "root":
            identity_id, password = account.id, self._password(f"root of {spec.account}")
        elif spec.role != "stranger":
            identity_id = self.verifier.create_user(
                account.id,
                user_name,
                password=password,
                path=spec.path,
                administrator=spec.role == "administrator",
            ).id
        self.people[name] = Person(
            lab=self,
            name=name,
            spec=spec,
            account_id=account.id,
            user_name=user_name,
            identity_id=identity_id,
            password=password,
            keys=self.verifier.create_access_key(identity_id) if identity_id else None,
            chance=self.entropy.stream(f"{name}.typing"),
        )

    def _password(self, name: str) -> str:
        return self.entropy.random_bytes(f"{name}.password")(9).hex()

    def _principal(self, trusted: str) -> str:
        """The ARN that a role's `trusts` entry means."""
        if trusted in self.people:
            return self.verifier.identity_arn(self.person(trusted).identity_id or "")
        if trusted in self.accounts:
            return self.verifier.identity_arn(self.accounts[trusted].id)
        return trusted

    # -- looking things up ------------------------------------------------------------

    def person(self, name: str) -> Person:
        """Somebody by name. Raises `ScenarioMistake` when there is no such person."""
        return _named("person", name, self.people)

    def device(self, name: str) -> HeldDevice:
        """A device by name. Raises `ScenarioMistake` when there is no such device."""
        return _named("device", name, self.devices)

    def session(self, name: str) -> Credentials:
        """Temporary credentials by the name a step gave them."""
        return _named("session", name, self.sessions)

    # -- doing ------------------------------------------------------------------------

    def __getattr__(self, verb: str) -> Callable[..., Outcome]:
        """A step of the vocabulary as a method."""
        attribute, verb = verb, verb.removesuffix("_")
        if attribute.startswith("_") or verb not in VOCABULARY:
            raise AttributeError(f'a lab has no step "{verb}"{nearest(verb, VOCABULARY)}')
        model = VOCABULARY[verb]

        def perform(**words: Any) -> Outcome:
            written = {name.removesuffix("_"): value for name, value in words.items()}
            return self.do(_validated(model, {"do": verb, **written}, f"step {verb}"))

        perform.__doc__ = model.__doc__
        return perform

    def do(self, step: Step) -> Outcome:
        """Perform a step and hold its outcome against what the step expects.

        Raises:
            ExpectationFailed: it ended otherwise; what the clocks believed is attached as notes.
            ScenarioMistake: the step makes no sense here.
        """
        self.witness.step += 1
        self.last_outcome = Outcome()
        self.witness.sample()
        try:
            self.last_outcome = outcome = self.attempt(step)
            step.expect.check(outcome)
        except ExpectationFailed as failure:
            for belief in self.witness.beliefs():
                off = "" if belief["offset_s"] is None else f", {belief['offset_s']} s off"
                failure.add_note(f"{belief['lane']}: {belief['text']}{off}")
            raise
        finally:
            self.witness.sample()
        return outcome

    def attempt(self, step: Step) -> Outcome:
        """Perform a step and say what became of it, expected or not."""
        try:
            self.witness.decided = None
            return Outcome(data=step.perform(self))
        except ServiceError as refusal:
            return Outcome(refusal.code, refusal.message, refusal.status, self.witness.decided)
        except Hindered as hindrance:
            return Outcome(hindrance.code, str(hindrance))
        except (RigError, RecordingFailed):
            raise  # it is the bench that failed, not the person
        except DeviceError as failure:
            return Outcome(type(failure).__name__, str(failure))

    def advance(self, duration_ns: int) -> None:
        """Let true time pass; long waits are sampled for the plots.

        Raises:
            ScenarioMistake: the duration is negative.
        """
        if duration_ns < 0:
            raise ScenarioMistake(f"true time cannot go back by {format_duration(-duration_ns)}")
        end_ns = self.timeline.now_ns() + duration_ns
        if duration_ns > _SHORT_WAIT_NS:
            for part in range(1, _SAMPLES_OF_A_WAIT):
                self.timeline.run_until(
                    end_ns - duration_ns * (_SAMPLES_OF_A_WAIT - part) // (_SAMPLES_OF_A_WAIT)
                )
                self.witness.sample()
        self.timeline.run_until(end_ns)

    def let_time_pass(self, duration_ns: int) -> None:
        """Let true time pass; a real key is left alone for as long as its deadlines run.

        Raises:
            ScenarioMistake: the duration is negative.
        """
        self.stand_ins.wait(duration_ns)
        self.advance(duration_ns)

    # -- the event log ------------------------------------------------------------------

    def note(self, lane: str, what: str, **detail: object) -> None:
        """Log that somebody or something acts."""
        self.witness.note(lane, what, **detail)

    def lanes(self) -> list[dict[str, str]]:
        """The lanes of the timeline, in reading order."""
        return [
            *({"id": name, "kind": "person", "label": name} for name in self.people),
            *(
                {"id": name, "kind": "device", "label": f"{name} ({self._what(name, spec)})"}
                for name, spec in self.setting.devices.items()
            ),
            {"id": "verifier", "kind": "verifier", "label": self.verifier.profile.name},
            {"id": "world", "kind": "world", "label": "the world"},
        ]

    def _what(self, name: str, spec: AnyDevice) -> str:
        kind = spec.kind.replace("_", " ")
        label = self.stand_ins.label_of(name)
        return f"{kind}, {label}" if label else kind


def _validated(model: type[M], words: dict[str, Any], what: str) -> M:
    """A model from keyword arguments.

    Raises:
        ScenarioMistake: the arguments do not fit; all that is wrong, in one sentence.
    """
    try:
        return model.model_validate(words)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(str(part) for part in each['loc']) or what}: "
            f"{each['msg'].removeprefix('Value error, ')}"
            for each in error.errors()
        ]
        raise ScenarioMistake(f"{what} is wrong: {'; '.join(wrong)}") from None


def _named(what: str, name: str, things: Mapping[str, T]) -> T:
    if name not in things:
        hint = nearest(name, things) or f" (there is {', '.join(things) or 'none'})"
        raise ScenarioMistake(f'there is no {what} "{name}"{hint}')
    return things[name]


def _delivery(spec: CarrierSpec) -> Delivery:
    return replace(
        Delivery(),
        median_ns=spec.delay,
        loss=spec.loses,
        duplicate=spec.duplicates,
        reorder=spec.reorders,
    )
