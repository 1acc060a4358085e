"""A security key of the lab file, open: it is made as each case wants it, and left as it was found.

Nothing is written to it unless the lab file marks it destructive. A PIN that the file tells is
typed once at the beginning, so that a wrong one costs one try and not all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fido2.ctap import CtapDevice, CtapError
from fido2.ctap2.base import Ctap2, Info
from fido2.ctap2.pin import ClientPin

from mfalab.devices.ctap.user import User, absent, presenting, touching
from mfalab.devices.errors import DeviceError
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.environment.devices import HeldKey
from mfalab.simulator.environment.key_access import BenchKey, enrol_finger
from mfalab.simulator.environment.stand_ins import Watch
from mfalab.simulator.keys.asking import ask_key
from mfalab.simulator.keys.fixture import CannotDo, Fixture
from mfalab.simulator.keys.hid import HidFixture
from mfalab.simulator.language.setting import SecurityKeySpec
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.workbench.fitness import BenchKeyFacts, needs_any
from mfalab.simulator.workbench.labfile import KeyEntry

_RESET_TRIES: Final = 3


@dataclass(eq=False, repr=False)
class WrongKey(DeviceError):
    """What is plugged in is not the key that the lab file means, or may not be used as it says.

    Args:
        key: what the lab file calls it.
        why: what is wrong with it.
    """

    key: str
    why: str
    sentence = "{key}: {why}. Nothing was changed on it."


class BenchFailed(Exception):
    """Something on the bench was lost during a case. Args: sentence."""


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
        touched: whether anything on it, or its power, may have changed since it was made ready.
        used: whether a case was played with it.
        lost: why it cannot be used any more; None while it can.
        held: the key in its owner's hands while a case is played.
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
    held: HeldKey | None = None

    @property
    def facts(self) -> BenchKeyFacts:
        """What it is."""
        return BenchKeyFacts(
            name=self.name,
            can=self.fixture.can,
            versions=tuple(self.info.versions) if self.info else ("U2F_V2",),
            options=dict(self.info.options) if self.info else {},
            destructive=self.entry.destructive,
            pin=self.pin,
            over_nfc=self.entry.at.kind == "nfc",
            min_pin_length=self.info.min_pin_length if self.info else 0,
        )

    def hand_over(
        self, name: str, spec: SecurityKeySpec, timeline: Timeline, watch: Watch
    ) -> HeldKey:
        """The key in its owner's hands, as the scenario wants it to be.

        Raises:
            BenchFailed: it does not work any more.
            RigError: its rig does not.
        """
        self._make_ready(spec.pin, spec.fingers)
        key = HeldKey(name, spec.owner, BenchKey(watch(name, self.fixture), timeline))
        key.pin, key.fingers = self.pin, list(spec.fingers)
        self.held = key
        return key

    def leave(self) -> None:
        """Make it as it was found: as new, or with the PIN that the lab file tells.

        Raises:
            BenchFailed: it does not work any more.
            RigError: its rig does not.
        """
        if self.entry.destructive and self.lost is None and self.used:
            self._make_ready(self.entry.pin if self.found_with_pin else None, [])
            self.used = False

    def _make_ready(self, pin: str | None, fingers: list[str]) -> None:
        try:
            renew = self.touched or self.pin != pin or bool(fingers)
            if renew and Ability.POWER in self.fixture.can:
                self.fixture.power_cycle()  # it may be without power, and resets only now
            if self.entry.destructive and self.info is not None:
                self._write(pin, fingers, renew)
            self.touched = bool(fingers)
        except (OSError, CtapError, CannotDo) as error:
            self.lost = f"{self.name} ({self.fixture.name}) was lost: {error}"
            raise BenchFailed(self.lost) from None
        self.used = True

    def _write(self, pin: str | None, fingers: list[str], renew: bool) -> None:
        if renew:
            self._reset()
            self.pin = None
        if pin is not None and self.pin is None:
            self._client(lambda ctap: ClientPin(ctap).set_pin(pin), absent)
            self.pin = pin
        for finger in fingers:
            self._client(lambda ctap: enrol_finger(ctap, self.pin or ""), presenting(finger))

    def _reset(self) -> None:
        """Reset it; a bench that was too slow for the time after power-up tries again."""
        for left in range(_RESET_TRIES - 1, -1, -1):
            try:
                self._client(lambda ctap: ctap.reset(), touching())
            except CtapError as error:
                too_late = error.code == CtapError.ERR.NOT_ALLOWED
                if not (left and too_late and Ability.POWER in self.fixture.can):
                    raise
                self.fixture.power_cycle()
            else:
                return

    def _client(self, work: Callable[[Ctap2], object], user: User) -> None:
        self.fixture.user = user
        try:
            with self.fixture.connect() as device:
                work(Ctap2(device))
        finally:
            self.fixture.user = absent

    def take_back(self, case: Case) -> None:
        """Remember what a case may have changed on it, and the PIN that it left."""
        changes = (Ability.PIN, Ability.RESET, Ability.FINGER, Ability.POWER, Ability.UNPLUG)
        stores = case.scenario.verifier.resolve().passkeys  # discoverable credentials
        self.touched = self.touched or stores or needs_any(case.scenario, *changes)
        if self.held is not None and self.pin != self.held.pin:
            self.pin, self.touched = self.held.pin, True
        self.held = None


def check_key(name: str, entry: KeyEntry, fixture: Fixture) -> KeyOnBench:
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
            return _check_ctap(name, entry, fixture, device)
    except OSError as error:
        raise WrongKey(name, f"it does not answer: {error.strerror or error}") from None


def _check_ctap(name: str, entry: KeyEntry, fixture: Fixture, device: CtapDevice) -> KeyOnBench:
    info = ask_key(device).info
    if info is None:
        if entry.aaguid is not None:
            raise WrongKey(name, "it is a key of U2F, which has no AAGUID")
        return KeyOnBench(name, entry, fixture, None, None)
    if entry.aaguid is not None and bytes(info.aaguid).hex() != entry.aaguid:
        raise WrongKey(name, f"its AAGUID is {bytes(info.aaguid).hex()} and not {entry.aaguid}")
    has_pin = info.options.get("clientPin", False)
    if has_pin and entry.pin is None and entry.destructive:
        raise WrongKey(
            name,
            "it has a PIN, so it is a person's key. Say its `pin`, or reset it by hand first",
        )
    if has_pin and entry.pin is not None:
        _try_pin(name, Ctap2(device, strict_cbor=False), entry.pin)
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
