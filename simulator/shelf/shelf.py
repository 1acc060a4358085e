"""The shelf: devices of the scenario language, and the people who have them, beside a server.

They live in a lab, the engine of scenarios, that is built around the served verifier. True time of
the lab is the virtual clock, or follows the machine's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

from mfalab.devices.otp.otpauth import parse_key_uri
from mfalab.devices.otp.qr import read_qr
from mfalab.simulator.clocks.wall import Wall
from mfalab.simulator.environment.devices import HeldApp, HeldDevice, HeldToken
from mfalab.simulator.environment.outcome import Outcome, ScenarioError
from mfalab.simulator.environment.people import Person
from mfalab.simulator.lab import Lab
from mfalab.simulator.language.setting import AnyDevice, PersonSpec, Setting, TokenSpec
from mfalab.simulator.scenario_files.fragments import NotUnderstood, read_devices, read_step
from mfalab.simulator.shelf.callers import Callers
from mfalab.simulator.shelf.doors import Heard
from mfalab.simulator.shelf.notebook import Notebook, free_name
from mfalab.simulator.shelf.recorder import Recorder
from mfalab.simulator.shelf.system import ServedSystem
from mfalab.simulator.steps.timing import SetVerifierClock, Wait
from mfalab.verifier.records import Device, DeviceKind, Identity

_log = logging.getLogger(__name__)

MOST_DEVICES: Final = 200
VERBS: Final = frozenset(
    {
        "add_finger",
        "back_up",
        "borrow",
        "break",
        "change_number",
        "change_verifier",
        "clone",
        "find",
        "give_back",
        "inject",
        "key_fault",
        "key_power",
        "lose",
        "measure",
        "next_sms",
        "replace",
        "reset_key",
        "restore",
        "set_clock",
        "set_pin",
        "set_verifier_clock",
        "switch_phone",
        "travel",
        "type_pin",
        "wait",
        "wire_fault",
    }
)
"""What is done to things, and to time. What people do at the verifier comes through its doors."""
_REPEATING = {"expect", "times", "every", "jitter", "name"}


class NotNow(Exception):
    """The shelf cannot do this as it is now.

    Args: code, which a script can tell apart; sentence.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(code, why)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


class Shelf:
    """Devices beside a server.

    Args:
        system: the verifier, to be opened.
        wall: the clock that time follows; None where time stands until it is moved.
        start_ns: true time at the beginning.
        seed: all chance of devices and people comes from it.
        users: names of IAM users in the order in which they stand; others follow by their names.

    Attributes:
        lab: people, devices, carrier, and the steps that can be done.
        listeners: what is set whenever something happened.
        given: the words of each device, as they were given.
        notebook: the story so far.
        recorder: what hears all that is done, and writes it down there.
        closed: whether the server ends, and with it all listening.
        shown: the last QR image that the verifier made, in the console or for a program.
    """

    def __init__(
        self,
        system: ServedSystem,
        *,
        wall: Wall | None,
        start_ns: int,
        seed: str,
        users: Iterable[str] = (),
    ) -> None:
        setting = Setting().model_copy(update={"start": start_ns})
        self.lab = Lab(setting, seed=seed, case="shelf", system=system)
        self.wall = wall
        system.watched = lambda: bool(self.lab.devices)
        system.when_decided = lambda happening: self.tell()
        self.listeners: set[asyncio.Event] = set()
        self._introduced: set[str] = set()
        self._places = {name.lower(): place for place, name in enumerate(users)}
        self.given: dict[str, Mapping[str, Any]] = {}
        self.shown: bytes | None = None
        self.closed = False
        self.meet_people()
        self.notebook = Notebook(self.lab.people, self.lab.devices, self._now_ns)
        callers = Callers(self.lab.people, self._record, self.meet_people)
        self.recorder = Recorder(self.notebook, callers, self._records)
        system.verifier.ears = self._hear

    def _record(self, kind: type, *key: object) -> Any:
        with self.lab.verifier.store.transaction() as tx:
            return tx.get(kind, *key)

    def _records(self, kind: type, **fields: object) -> list[Any]:
        with self.lab.verifier.store.transaction() as tx:
            return tx.find(kind, **fields)

    def _hear(self, heard: Heard) -> None:
        if self.lab.devices:
            self.follow()
        if heard.method.startswith("create_virtual") and heard.result is not None:
            self.shown = heard.result["VirtualMFADevice"]["QRCodePNG"]
        try:
            self.recorder.hear(heard)
        except Exception:  # a defect of the recorder is no answer to a client
            _log.exception("defect in the recorder at %s", heard.method)
            self.notebook.omit(f"{heard.method}, by a defect of the recorder")
        if self.listeners:
            self.tell()

    # People

    def meet_people(self) -> None:
        """Introduce the identities of the account that are not known here yet."""
        verifier = self.lab.verifier
        account = self.lab.accounts["main"]
        with verifier.store.transaction() as tx:
            if tx.count(Identity, account_id=account.id) == len(self._introduced):
                return
            identities = tx.find(Identity, account_id=account.id)
        for identity in sorted(identities, key=self._place):
            if identity.id not in self._introduced:
                self._introduced.add(identity.id)
                self._introduce(identity)

    def _place(self, identity: Identity) -> tuple[bool, int, str]:
        """Where an identity stands among others; a store sorts them by ids, which are chance."""
        name = identity.name.lower()
        return not identity.root, self._places.get(name, len(self._places)), name

    def _introduce(self, identity: Identity) -> None:
        taken = self.lab.people.keys() | self.lab.devices.keys()
        name = free_name("root" if identity.root else identity.name, taken)
        spec = PersonSpec(
            role="root" if identity.root else "user",
            user_name=None if identity.root or name == identity.name else identity.name,
            typing="instant",
        )
        self.lab.people[name] = Person(
            surroundings=self.lab,
            name=name,
            spec=spec,
            account_id=identity.account_id,
            user_name=identity.name,
            identity_id=identity.id,
            password="",
            keys=None,
            chance=self.lab.entropy.stream(f"{name}.typing"),
        )

    # Time

    @property
    def now_ns(self) -> int:
        """True time."""
        return self.lab.timeline.now_ns()

    def _now_ns(self) -> int:
        """True time, whether or not anything here follows it yet."""
        return self.now_ns if self.wall is None else max(self.now_ns, self.wall.now_ns())

    def follow(self) -> None:
        """Let what is due by the machine's clock happen; nothing where time is moved by hand."""
        if self.wall is not None:
            self.lab.clients.advance(max(0, self.wall.now_ns() - self.now_ns))

    def advance(self, duration_ns: int) -> None:
        """Let time pass.

        Raises:
            ScenarioError: time is the machine's, or ends before.
        """
        self._require_virtual()
        self.lab.let_time_pass(duration_ns)

    def _require_virtual(self) -> None:
        if self.wall is not None:
            raise ScenarioError("time is the machine's; start with --clock virtual to move it")

    # Devices

    def put(self, given: Mapping[str, Any]) -> list[HeldDevice]:
        """Put devices on the shelf: all of them, or none.

        Args:
            given: by name, in the words of a scenario's section `devices`.

        Raises:
            NotUnderstood: what `mfalab check` would find wrong.
            NotNow: `Taken`: a name or a serial number is; `Full`: there are too many.
        """
        self.meet_people()
        for name in given:
            if name in self.lab.devices or name in self.lab.people:
                raise NotNow("Taken", f'there is a device or a person "{name}" already')
        if len(self.lab.devices) + len(given) > MOST_DEVICES:
            raise NotNow("Full", f"there is room for {MOST_DEVICES} devices")
        # A phone that a device brought is called like that device.
        brought = {
            name: {"kind": "totp_app", "owner": device.owner}
            for name, device in self.lab.devices.items()
            if name in self.lab.factory.phones
        }
        specs = read_devices({**brought, **given}, self._around())
        new = {name: specs[name] for name in given}
        self._require_free_serials(new)
        put = [self.lab.furnish_with(name, spec) for name, spec in new.items()]
        for device in put:
            self.given[device.name] = given[device.name]
            self.recorder.put(device)
        return put

    def _require_free_serials(self, specs: Mapping[str, AnyDevice]) -> None:
        tokens = {name: spec for name, spec in specs.items() if isinstance(spec, TokenSpec)}
        for name, spec in tokens.items():
            if spec.seeds is not None:
                raise NotUnderstood(
                    f"{name}: seed files are not read for clients; leave seeds out, or run the "
                    "story with mfalab run"
                )
        serials = [spec.serial for spec in tokens.values() if spec.serial is not None]
        with self.lab.verifier.store.transaction() as tx:
            for serial in serials:
                if tx.count(Device, serial=serial):
                    raise NotNow("Taken", f'there is a token with serial number "{serial}"')

    def device(self, name: str) -> HeldDevice:
        """A device by name.

        Raises:
            ScenarioError: there is none.
        """
        return self.lab.device(name)

    def press(self, name: str) -> HeldToken:
        """Press the button of a hardware token.

        Raises:
            ScenarioError: it has none.
            DeviceUnusable: it stays dark.
        """
        device = self.device(name)
        if not isinstance(device, HeldToken):
            raise ScenarioError(f"{name} has no button; only hardware tokens have")
        self.recorder.pressed(device, device.code())
        return device

    def touch(self, name: str) -> None:
        """Touch a security key, with the first finger that it knows.

        Raises:
            ScenarioError: it is none.
            NotNow: it is dark.
        """
        key = self.lab.security_key(name)
        thing = key.access.simulated
        if thing.asks is None:
            raise NotNow("Dark", f"{name} does not blink: nothing asks for a touch")
        if key.fingers:
            thing.finger(key.fingers[0])
        else:
            thing.touch()
        self.lab.clients.advance(0)

    def scan(self, name: str, what: bytes | str) -> HeldApp:
        """Let an app take up the account in a picture of a QR code, or in a key URI.

        Raises:
            ScenarioError: it is no app.
            DeviceError: the phone does not work; picture or URI are wrong.
        """
        app = self.lab.app(name)
        app.phone.require_usable()
        uri = what if isinstance(what, str) else read_qr(what)
        secret = parse_key_uri(uri).seed.secret
        app.add(uri)
        app.serial = self._serial_of(secret)
        self.recorder.scanned(app)
        return app

    def _serial_of(self, secret: bytes) -> str | None:
        """Which virtual device has this secret; None for one of somewhere else."""
        account = self.lab.accounts["main"].id
        with self.lab.verifier.store.transaction() as tx:
            found = tx.find(Device, account_id=account, kind=DeviceKind.VIRTUAL)
        return next((each.serial for each in found if each.secret == secret), None)

    # Steps

    def step(self, given: Mapping[str, Any]) -> Outcome:
        """Do something with things, in the words of a scenario's step.

        Raises:
            NotUnderstood: what `mfalab check` would find wrong, or no step for here.
            ScenarioError: it makes no sense here.
        """
        self.meet_people()
        verb = given.get("do")
        if not isinstance(verb, str) or verb not in VERBS:
            raise NotUnderstood(f'"do" is one of {", ".join(sorted(VERBS))}')
        if repeating := sorted(_REPEATING & given.keys()):
            raise NotUnderstood(f"{', '.join(repeating)}: leave it out; a step is done once here")
        devices = {
            name: {"kind": spec.kind, "owner": spec.owner}
            for name, spec in self.lab.setting.devices.items()
        }
        step = read_step(given, {**self._around(), "devices": devices})
        if isinstance(step, Wait | SetVerifierClock):
            self._require_virtual()
        outcome = self.lab.attempt(step)
        self.recorder.did(given, outcome.refused)
        return outcome

    def close(self) -> None:
        """Send listeners away."""
        self.closed = True
        self.tell()

    def tell(self) -> None:
        """Tell listeners that something happened, and drop the log, of which nothing is made."""
        self.lab.journal.log.take()
        for listener in self.listeners:
            listener.set()

    def _around(self) -> dict[str, dict[str, dict[str, str]]]:
        """People, and the phones that no device brought, as sections of a scenario."""
        phones = self.lab.factory.phones.keys() - self.lab.devices.keys()
        return {
            "people": {name: {} for name in self.lab.people},
            "phones": {name: {} for name in sorted(phones)},
        }
