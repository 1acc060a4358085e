"""The environment of one case: true time, one verifier, people, their devices, and the journal.

What happens in it is seeded, timed and written down. Steps act on it; `Lab` performs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from mfalab.devices.sms.carrier import Carrier, Delivery
from mfalab.simulator.clocks import ServerClock
from mfalab.simulator.clocks.blocking import BlockingClients
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.environment.device_factory import DeviceFactory
from mfalab.simulator.environment.devices import (
    CodeDevice,
    HeldApp,
    HeldDevice,
    HeldKey,
    HeldSms,
    showing_codes,
)
from mfalab.simulator.environment.journal import Journal
from mfalab.simulator.environment.key_recording import KeyRecording
from mfalab.simulator.environment.lab_clock import LabClock
from mfalab.simulator.environment.messaging import Messaging
from mfalab.simulator.environment.outcome import ScenarioError
from mfalab.simulator.environment.people import Person
from mfalab.simulator.environment.policies import PolicyShelf, document_of
from mfalab.simulator.environment.stand_ins import NO_STAND_INS, StandIns
from mfalab.simulator.environment.target import (
    Premises,
    SystemUnderTest,
    Target,
    TargetFailed,
    TargetGone,
)
from mfalab.simulator.eventlog import CaseLog
from mfalab.simulator.language.setting import (
    AccountSpec,
    AnyDevice,
    PersonSpec,
    Setting,
)
from mfalab.simulator.language.units import LAST_INSTANT_NS, format_duration, format_instant
from mfalab.simulator.language.words import nearest
from mfalab.verifier import Account, Credentials, MemoryStore, Store

D = TypeVar("D", bound=HeldDevice)
T = TypeVar("T")


class Environment:
    """One story's people and things.

    Args:
        setting: who is there with what, and the verifier.
        seed: all chance comes from it.
        case: what to call it in the event log.
        store: where the verifier keeps its records; memory when left out.
        stand_ins: what stands in for devices of the setting.
        record: a folder for recordings of what security keys say; none are made when left out.
        system: what is under test.

    Raises:
        TargetFailed: the system under test is broken, or not there.
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
        system: SystemUnderTest,
    ) -> None:
        self.setting = setting
        self.stand_ins = stand_ins
        self.entropy = Entropy(f"{seed}/{case}")
        self.system = system
        now_ns = None if system.wall is None else system.wall.now_ns()
        start_ns = stand_ins.start_ns(setting.start) if now_ns is None else now_ns
        self.timeline = LabClock(start_ns)
        server = setting.verifier.clock
        self.server_clock = ServerClock(
            self.timeline, offset_ns=server.offset, drift_ppm=server.drift
        )
        self.target: Target
        self.devices: dict[str, HeldDevice] = {}
        self.journal = Journal(CaseLog(case), self.timeline, self.server_clock, self.devices)
        delivery = Delivery(
            median_ns=setting.carrier.delay,
            loss=setting.carrier.loses,
            duplicate=setting.carrier.duplicates,
            reorder=setting.carrier.reorders,
        )
        carrier = Carrier(self.timeline, self.entropy.stream("carrier"), delivery)
        self.messaging = Messaging(
            carrier, lambda what, **detail: self.note("world", what, **detail)
        )
        self.target = system.open(
            Premises(
                store=store or MemoryStore(),
                clock=self.server_clock,
                random_bytes=self.entropy.random_bytes("verifier"),
                delays=self.entropy.child("verifier").random_bytes,
                profile=setting.verifier.resolve(),
                timeline=self.timeline,
                outbox=self.messaging,
                observer=lambda event: self.journal.observe(event, self.target.profile),
            )
        )
        self.accounts: dict[str, Account] = {}
        self.people: dict[str, Person] = {}
        self.policies = PolicyShelf(self.target, setting.policies)
        self.roles: dict[str, str] = {}
        self.sessions: dict[str, Credentials] = {}
        self.clients = BlockingClients(self.timeline)
        self.recording = (
            None if record is None else KeyRecording(record, self.journal.log, self.timeline)
        )
        self.factory = DeviceFactory(
            self.timeline,
            self.entropy,
            carrier,
            self.clients,
            stand_ins,
            self.recording,
            "" if now_ns is None else f" of {now_ns}",
        )
        try:
            self._furnish()
        except BaseException as error:
            # What was furnished so far is there, whatever ended it.
            try:
                self.target.close()
            except TargetFailed as failure:
                kind = TargetGone if isinstance(error, TargetGone) else TargetFailed
                raise kind(f"{error}; {failure}" if str(error) else failure) from error
            raise

    # -- furnishing ------------------------------------------------------------------

    def _furnish(self) -> None:
        setting = self.setting
        accounts = {"main": AccountSpec(), **setting.accounts}
        roots = {spec.account: name for name, spec in setting.people.items() if spec.role == "root"}
        ids = {name: self._account_id(name, account) for name, account in accounts.items()}
        for name, account in accounts.items():
            self._open_account(name, account, roots.get(name), ids)
        for name, person in setting.people.items():
            self._introduce(name, person)
        for name, group in setting.groups.items():
            owner = self.account(group.account)
            self.target.create_group(
                owner.id,
                name,
                members=[self._member(member, owner) for member in group.members],
                policies=self.policies.arns(owner, group.policies),
            )
        for name, role in setting.roles.items():
            owner = self.account(role.account)
            self.roles[name] = self.target.role_arn(
                self.target.create_role(
                    owner.id,
                    name,
                    trusts=[self._principal(trusted) for trusted in role.trusts],
                    requires_mfa=role.requires_mfa,
                    mfa_max_age_s=(
                        None if role.mfa_max_age is None else role.mfa_max_age // NS_PER_S
                    ),
                    external_id=role.external_id,
                    trust_policy=(
                        None if role.trust_policy is None else document_of(role.trust_policy)
                    ),
                    max_session_s=role.max_session // NS_PER_S,
                    policies=self.policies.arns(owner, role.policies),
                )
            )
        for name, phone in setting.phones.items():
            self.factory.phone(name, phone)
        for name, device in setting.devices.items():
            self.devices[name] = self.factory.device(name, device)
        self.target.register_tokens(self.factory.shipped)

    def furnish_with(self, name: str, spec: AnyDevice) -> HeldDevice:
        """One more device, in its owner's hands from now on.

        Raises:
            ScenarioError: there is no such owner, or a device of that name already.
        """
        self.person(spec.owner)
        if name in self.devices:
            raise ScenarioError(f'there is a device "{name}" already')
        known = len(self.factory.shipped)
        self.devices[name] = device = self.factory.device(name, spec)
        self.target.register_tokens(self.factory.shipped[known:])
        devices = {**self.setting.devices, name: spec}
        self.setting = self.setting.model_copy(update={"devices": devices})
        return device

    def _account_id(self, name: str, spec: AccountSpec) -> str:
        digits = self.entropy.stream(f"account.{name}").randrange(10**11, 10**12)
        return spec.id or str(digits)

    def _open_account(
        self, name: str, spec: AccountSpec, root: str | None, ids: Mapping[str, str]
    ) -> None:
        self.accounts[name] = self.target.create_account(
            ids[name],
            root_email=f"{root or 'root'}@{name}.example",
            root_password=self._password(f"root of {name}"),
            root_phone=spec.root_phone,
            alias=spec.alias,
            partition=spec.partition,
            alternative_factors=spec.alternative_factors,
            managed_by=[_named("account", manager, ids) for manager in spec.managed_by],
        )

    def _introduce(self, name: str, spec: PersonSpec) -> None:
        account = self.account(spec.account)
        user_name = spec.user_name or name
        identity_id: str | None = None
        password = self._password(name)
        if spec.role == "root":
            identity_id, password = account.id, self._password(f"root of {spec.account}")
        elif spec.role != "stranger":
            identity_id = self.target.create_user(
                account.id,
                user_name,
                password=password,
                path=spec.path,
                administrator=spec.role == "administrator",
                password_reset_required=spec.must_change_password,
                policies=(
                    None if spec.policies is None else self.policies.arns(account, spec.policies)
                ),
            ).id
        self.people[name] = Person(
            surroundings=self,
            name=name,
            spec=spec,
            account_id=account.id,
            user_name=user_name,
            identity_id=identity_id,
            password=password,
            keys=self.target.create_access_key(identity_id) if identity_id else None,
            chance=self.entropy.stream(f"{name}.typing"),
        )

    def _member(self, name: str, account: Account) -> str:
        """The unique id of a group's member."""
        person = self.person(name)
        if person.identity_id is None or person.root or person.account_id != account.id:
            raise ScenarioError(f'"{name}" is no IAM user of account {account.id}')
        return person.identity_id

    def _password(self, name: str) -> str:
        return self.entropy.random_bytes(f"{name}.password")(9).hex()

    def _principal(self, trusted: str) -> str:
        """The ARN that a role's `trusts` entry means."""
        if trusted in self.people:
            return self.target.identity_arn(self.person(trusted).identity_id or "")
        if trusted in self.accounts:
            return self.target.identity_arn(self.accounts[trusted].id)
        return trusted

    # -- looking things up ------------------------------------------------------------

    def person(self, name: str) -> Person:
        """A person by name. Raises `ScenarioError` when there is no such person."""
        return _named("person", name, self.people)

    def account(self, name: str) -> Account:
        """An account by name. Raises `ScenarioError` when there is no such account."""
        return _named("account", name, self.accounts)

    def device(self, name: str) -> HeldDevice:
        """A device by name. Raises `ScenarioError` when there is no such device."""
        return _named("device", name, self.devices)

    def code_device(self, name: str) -> CodeDevice:
        """A device that shows codes, by name.

        Raises:
            ScenarioError: there is no such device.
            Prevented: it shows none.
        """
        return showing_codes(self.device(name))

    def app(self, name: str) -> HeldApp:
        """An authenticator app by name. Raises `ScenarioError` when it is none."""
        return self._of_kind(name, HeldApp, "authenticator app")

    def sms_phone(self, name: str) -> HeldSms:
        """A phone for codes by name. Raises `ScenarioError` when it is none."""
        return self._of_kind(name, HeldSms, "SMS phone")

    def security_key(self, name: str) -> HeldKey:
        """A security key by name. Raises `ScenarioError` when it is none."""
        return self._of_kind(name, HeldKey, "security key")

    def _of_kind(self, name: str, kind: type[D], what: str) -> D:
        device = self.device(name)
        if not isinstance(device, kind):
            raise ScenarioError(f"{name} is no {what}")
        return device

    def session(self, name: str) -> Credentials:
        """Temporary credentials by the name a step gave them."""
        return _named("session", name, self.sessions)

    def advance(self, duration_ns: int) -> None:
        """Let true time pass.

        Raises:
            ScenarioError: the duration is negative.
        """
        if duration_ns < 0:
            raise ScenarioError(f"true time cannot go back by {format_duration(-duration_ns)}")
        self.timeline.advance(duration_ns)

    def let_time_pass(self, duration_ns: int) -> None:
        """Let true time pass; a real key is left alone for as long as its deadlines run.

        Raises:
            ScenarioError: the duration is negative, or ends after the year 9999, where dates end.
        """
        if self.timeline.now_ns() + duration_ns > LAST_INSTANT_NS:
            raise ScenarioError(
                f"time ends with the year 9999, and {format_duration(duration_ns)} from "
                f"{format_instant(self.timeline.now_ns())} on is later"
            )
        self.stand_ins.wait(duration_ns)
        self.advance(duration_ns)

    # -- the event log ------------------------------------------------------------------

    def showed(self, device: str, steps: tuple[int, ...]) -> None:
        """See `Surroundings.showed`."""
        self.journal.shown = device, steps

    def note(self, lane: str, what: str, **detail: object) -> None:
        """Log that a person or a thing acts."""
        self.journal.note(lane, what, **detail)

    def lanes(self) -> list[dict[str, str]]:
        """The lanes of the timeline, in reading order."""
        return [
            *({"id": name, "kind": "person", "label": name} for name in self.people),
            *(
                {"id": name, "kind": "device", "label": f"{name} ({self._what(name, spec)})"}
                for name, spec in self.setting.devices.items()
            ),
            {"id": "verifier", "kind": "verifier", "label": self.target.profile.name},
            {"id": "world", "kind": "world", "label": "the world"},
        ]

    def _what(self, name: str, spec: AnyDevice) -> str:
        kind = spec.kind.replace("_", " ")
        label = self.stand_ins.label_of(name)
        return f"{kind}, {label}" if label else kind


def _named(what: str, name: str, things: Mapping[str, T]) -> T:
    if name not in things:
        hint = nearest(name, things) or f" (there is {', '.join(things) or 'none'})"
        raise ScenarioError(f'there is no {what} "{name}"{hint}')
    return things[name]
