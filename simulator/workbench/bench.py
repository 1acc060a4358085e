"""A bench that is open: its rigs and keys, held by this run, and what stands for what in a case.

Opening looks at everything before anything is changed: each key must be the very one that the lab
file means, and one that may be changed must not hold what somebody may miss. A key is made as a
scenario wants it (reset, PIN) when a case needs that, and only then.

Whatever breaks, breaks once: the case in which a rig or a key is lost ends in an error, and those
that depend on it afterwards are skipped with that first reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fido2.ctap import CtapDevice, CtapError
from fido2.ctap2.base import Ctap2, Info
from fido2.ctap2.pin import ClientPin

from mfalab.devices.ctap.user import User, absent, presenting, touching
from mfalab.devices.errors import DeviceError
from mfalab.devices.rig.errors import RigError
from mfalab.devices.rig.rig import Rig
from mfalab.simulator.held_key import HeldKey, enrol_finger
from mfalab.simulator.key_in_hand import BenchKey
from mfalab.simulator.language.setting import SecurityKeySpec
from mfalab.simulator.steps.security_keys import ResetKey
from mfalab.simulator.timeline import Timeline
from mfalab.simulator.workbench.address import Address, open_fixture
from mfalab.simulator.workbench.fitness import Abilities, changes, why_no_key
from mfalab.simulator.workbench.fixture import Ability, CannotDo, Fixture
from mfalab.simulator.workbench.hands import Channel
from mfalab.simulator.workbench.hid import HidFixture
from mfalab.simulator.workbench.labfile import KeyEntry, LabFile, Place

if TYPE_CHECKING:
    from mfalab.simulator.lab import Lab
    from mfalab.simulator.language.loader import Case

__all__ = ["NO_STAND_INS", "Bench", "BenchFailed", "KeyOnBench", "NotFit", "StandIns", "WrongKey"]

_KIND: Final = "security_key"


class WrongKey(DeviceError):
    """What is plugged in is not the key that the lab file means, or may not be used as it says.

    Args:
        key: what the lab file calls it.
        why: what is wrong with it.
    """

    def __init__(self, key: str, why: str) -> None:
        super().__init__(key, why)
        self.key = key
        self.why = why

    def __str__(self) -> str:
        return f"{self.key}: {self.why}. Nothing was changed on it."


class BenchFailed(Exception):
    """Something on the bench was lost during a case. Args: sentence."""


class NotFit(Exception):
    """A case cannot be played on this bench. Args: why, a sentence."""


@dataclass(slots=True, eq=False)
class KeyOnBench:
    """A key of the lab file, open.

    Attributes:
        name: what the lab file calls it.
        entry: what the file says of it.
        fixture: the key.
        info: what getInfo told; None for a key of U2F.
        pin: the PIN that it has now.
        found_with_pin: whether it had a PIN when the bench was opened.
        touched: whether anything on it may have changed since it was made ready.
        used: whether a case was played with it.
        lost: why it cannot be used any more; None while it can.
    """

    name: str
    entry: KeyEntry
    fixture: Fixture
    info: Info | None
    pin: str | None
    found_with_pin: bool = False
    touched: bool = True
    used: bool = False
    lost: str | None = None

    @property
    def abilities(self) -> Abilities:
        """What it is and can do."""
        return Abilities(
            name=self.name,
            can=self.fixture.can,
            versions=tuple(self.info.versions) if self.info else ("U2F_V2",),
            options=dict(self.info.options) if self.info else {},
            destructive=self.entry.destructive,
            pin=self.pin,
            over_nfc=self.entry.at.kind == "nfc",
        )

    def hand_over(self, name: str, spec: SecurityKeySpec, timeline: Timeline) -> HeldKey:
        """The key in its owner's hands, as the scenario wants it to be.

        Raises:
            BenchFailed: it does not work any more.
            RigError: its rig does not.
        """
        self._make_ready(spec.pin, spec.fingers)
        key = HeldKey(name, spec.owner, BenchKey(self.fixture, timeline))
        key.pin, key.fingers = self.pin, list(spec.fingers)
        return key

    def leave(self) -> None:
        """Make it as it was found: as new, or with the PIN that the lab file tells.

        Raises:
            BenchFailed: it does not work any more.
            RigError: its rig does not.
        """
        if self.entry.destructive and self.lost is None and self.used:
            self._make_ready(self.entry.pin if self.found_with_pin else None, [])

    def _make_ready(self, pin: str | None, fingers: list[str]) -> None:
        try:
            if Ability.POWER in self.fixture.can:
                self.fixture.power_cycle()
            if self.entry.destructive and self.info is not None:
                self._write(pin, fingers)
        except (OSError, CtapError, CannotDo) as error:
            self.lost = f"{self.name} ({self.fixture.name}) was lost: {error}"
            raise BenchFailed(self.lost) from None
        self.used = True

    def _write(self, pin: str | None, fingers: list[str]) -> None:
        if self.touched or self.pin != pin or fingers:
            self._client(lambda ctap: ctap.reset(), touching())
            self.pin = None
        if pin is not None and self.pin is None:
            self._client(lambda ctap: ClientPin(ctap).set_pin(pin), absent)
            self.pin = pin
        for finger in fingers:
            self._client(lambda ctap: enrol_finger(ctap, self.pin or ""), presenting(finger))
        self.touched = bool(fingers)

    def _client(self, work: Callable[[Ctap2], object], user: User) -> None:
        self.fixture.user = user
        try:
            with self.fixture.connect() as device:
                work(Ctap2(device))
        finally:
            self.fixture.user = absent

    def note_use(self, case: Case) -> None:
        """Remember that a case was played with it, which may have changed it."""
        self.touched = self.touched or any(changes(step) for step in case.scenario.steps)

    def take_back(self, held: HeldKey) -> None:
        """Remember the PIN that a case has left on it."""
        if self.pin != held.pin:
            self.pin, self.touched = held.pin, True


@dataclass(frozen=True, slots=True)
class StandIns:
    """What stands for a case's devices; what is not named here is simulated.

    Attributes:
        keys: keys on the bench, by the scenario's name for the device.
        models: models of simulated keys, likewise.
        longest_wait_ns: how much of a wait is really waited.
    """

    keys: Mapping[str, KeyOnBench] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    longest_wait_ns: int = 0

    def hand_over(
        self, name: str, spec: SecurityKeySpec, timeline: Timeline
    ) -> HeldKey | SecurityKeySpec:
        """The key that stands for a device, or what the scenario's simulated one is to be.

        Raises:
            BenchFailed: the key does not work any more.
        """
        if name in self.keys:
            return self.keys[name].hand_over(name, spec, timeline)
        if name in self.models:
            return spec.model_copy(update={"model": self.models[name]})
        return spec

    @property
    def label(self) -> str:
        """What stands there, for the report."""
        named = [self.label_of(device) for device in (*self.keys, *self.models)]
        return ", ".join(dict.fromkeys(named)) or "simulated"

    def label_of(self, device: str) -> str:
        """What stands for a device; nothing when it is simulated as the scenario says."""
        if device in self.keys:
            return self.keys[device].fixture.name
        return f"sim:{self.models[device]}" if device in self.models else ""

    def wait(self, duration_ns: int) -> None:
        """Let real time pass as far as a real key needs it: as long as its deadlines may run."""
        for key in list(self.keys.values())[:1]:
            key.fixture.wait(min(duration_ns, self.longest_wait_ns))

    def take_back(self, lab: Lab, case: Case) -> None:
        """After a case: remember what it did to what stood there."""
        for name, key in self.keys.items():
            held = lab.devices.get(name)
            key.note_use(case)
            if isinstance(held, HeldKey):
                key.take_back(held)


NO_STAND_INS = StandIns()
"""Everything is simulated, as the scenario says."""


class Bench:
    """The bench of a lab file, held by this run until it is closed.

    Args:
        lab: the lab file.
        rigs: its rigs by their names, `manual` among them; opened here as far as they are used.
        seed: the chance of simulated keys.
        path: the lab file's path, for the line that reproduces a case.

    Raises:
        DeviceError: something is not there, is another thing than the file says, may not be
            opened, or is in use.
    """

    def __init__(
        self, lab: LabFile, rigs: Mapping[str, Rig], *, seed: int = 1, path: str = "lab.yaml"
    ) -> None:
        self.lab = lab
        self.path = path
        self._rigs = rigs
        self._seed = seed
        self._open = ExitStack()
        self.keys: dict[str, KeyOnBench] = {}
        try:
            self._open_all()
        except BaseException:
            self._open.close()
            raise

    @property
    def label(self) -> str:
        """What is on it, for the report."""
        named = [key.fixture.name for key in self.keys.values()]
        return ", ".join(named) or self.lab.lab

    def close(self) -> None:
        """Leave keys as they were found and let go of everything; rigs go into their safe state.

        Raises:
            BenchFailed: a key could not be left as it was found.
        """
        try:
            for key in self.keys.values():
                if self._lost(key) is None:
                    key.leave()
        finally:
            self._open.close()

    def warnings(self) -> Iterator[str]:
        """What a run may change for good, to be said before it begins."""
        for key in self.keys.values():
            if key.entry.destructive and key.entry.at.is_real:
                yield (
                    f"{key.name} ({key.fixture.name}) is marked destructive: it is reset whenever "
                    "a case needs that, and all its credentials and its PIN are lost"
                )

    def stand_ins(self, case: Case) -> StandIns:
        """What stands for a case's devices.

        Raises:
            NotFit: nothing on the bench can stand for one that is bound, or what could is lost.
        """
        keys: dict[str, KeyOnBench] = {}
        models: dict[str, str] = {}
        why: list[str] = []
        bound = 0
        for name, spec in case.scenario.devices.items():
            if not isinstance(spec, SecurityKeySpec):
                continue
            named = self.lab.bind.get(name, self.lab.bind.get(_KIND, []))
            bound += bool(named)
            for candidate in named:
                if candidate not in self.keys:
                    models[name] = Address.parse(self._address(candidate)).rest
                    break
                key = self.keys[candidate]
                if key in keys.values():
                    continue
                against = self._lost(key) or why_no_key(case.scenario, name, key.abilities)
                if against is None:
                    keys[name] = key
                    break
                why.append(against)
        if bound and not keys and not models:
            raise NotFit(why[0] if why else "nothing on the bench stands for its keys")
        waits = any(isinstance(step, ResetKey) for step in case.scenario.steps)
        return StandIns(keys, models, self.lab.longest_wait if waits else 0)

    def _address(self, candidate: str) -> str:
        entry = self.lab.keys.get(candidate)
        return candidate if entry is None else str(entry.at)

    def _lost(self, key: KeyOnBench) -> str | None:
        for place in (key.entry.touch, key.entry.power):
            broken = None if place is None else self._rigs[place.rig].broken
            if broken is not None:
                return str(broken)
        return key.lost

    def _open_all(self) -> None:
        for name in {place.rig: None for _, place in self.lab.places()}:
            self._rigs[name].open()
            self._open.callback(self._close_rig, self._rigs[name])
        for name in self._used():
            entry = self.lab.keys[name]
            if entry.at.kind == "sim":
                continue
            fixture = open_fixture(
                entry.at,
                seed=self._seed,
                touch=self._channel(entry.touch),
                power=self._channel(entry.power),
                destructive=entry.destructive,
                pin=entry.pin,
            )
            self._open.callback(fixture.close)
            self.keys[name] = _looked_at(name, entry, fixture)

    def _used(self) -> list[str]:
        """The keys that something is bound to, in the order of the file."""
        bound = {name for names in self.lab.bind.values() for name in names}
        return [name for name in self.lab.keys if name in bound]

    def _channel(self, place: Place | None) -> Channel | None:
        return None if place is None else Channel(self._rigs[place.rig], place.number)

    @staticmethod
    def _close_rig(rig: Rig) -> None:
        try:
            rig.close()
        except RigError:
            return  # what broke was told when it broke


def _looked_at(name: str, entry: KeyEntry, fixture: Fixture) -> KeyOnBench:
    """A key that was just opened, when it is the one that the file means.

    Raises:
        WrongKey: it is another, or must not be used as the file says.
    """
    if isinstance(fixture, HidFixture):
        node = fixture.node
        for what, wanted, given in (
            ("serial number", entry.serial, node.serial),
            ("port", entry.port, node.port),
        ):
            if wanted is not None and wanted != given:
                raise WrongKey(name, f"its {what} is {given or 'not told'} and not {wanted}")
    try:
        with fixture.connect() as device:
            return _asked(name, entry, fixture, device)
    except OSError as error:
        raise WrongKey(name, f"it does not answer: {error.strerror or error}") from None


def _asked(name: str, entry: KeyEntry, fixture: Fixture, device: CtapDevice) -> KeyOnBench:
    try:
        ctap = Ctap2(device)
    except ValueError:
        if entry.aaguid is not None:
            raise WrongKey(name, "it is a key of U2F, which has no AAGUID") from None
        return KeyOnBench(name, entry, fixture, None, None)
    info = ctap.info
    if entry.aaguid is not None and bytes(info.aaguid).hex() != entry.aaguid:
        raise WrongKey(name, f"its AAGUID is {bytes(info.aaguid).hex()} and not {entry.aaguid}")
    has_pin = info.options.get("clientPin", False)
    if has_pin and entry.pin is None and entry.destructive:
        raise WrongKey(
            name, "it has a PIN, so it is somebody's key. Say its `pin`, or reset it by hand first"
        )
    if has_pin and entry.pin is not None:
        _try_pin(name, ctap, entry.pin)
    return KeyOnBench(
        name, entry, fixture, info, entry.pin if has_pin else None, found_with_pin=has_pin
    )


def _try_pin(name: str, ctap: Ctap2, pin: str) -> None:
    """Type the PIN once, so that a wrong one in the lab file costs one try and not all of them.

    Raises:
        WrongKey: it is not the key's.
    """
    client = ClientPin(ctap)
    left = client.get_pin_retries()[0]
    try:
        client.get_pin_token(pin, ClientPin.PERMISSION.GET_ASSERTION, "example.com")
    except CtapError as error:
        raise WrongKey(
            name, f"the `pin` of the lab file is refused ({error.code}); it had {left} tries left"
        ) from None
