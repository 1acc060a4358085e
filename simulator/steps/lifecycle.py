"""Steps about things: lost, found, lent, stolen, broken, copied, replaced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.environment.devices import CodeDevice, HeldDevice, HeldKey, HeldSms
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.key_access import SimulatedKey
from mfalab.simulator.environment.outcome import Prevented
from mfalab.simulator.language.words import DeviceName, PersonName, PhoneName
from mfalab.simulator.steps.base import Step
from mfalab.simulator.steps.refusals import COPYING


class Lose(Step):
    """Lose a device; it works on for the person who finds it."""

    do: Literal["lose"] = "lose"
    who: PersonName
    device: DeviceName

    def perform(self, env: Environment) -> object:
        """See the class."""
        device = env.person(self.who).holding(env.device(self.device))
        device.holder = None
        env.person(self.who).note("loses a device", device=device.name)
        return None


class Find(Step):
    """Find a device that was lost."""

    meets: ClassVar[frozenset[str]] = frozenset({"NotLost"})
    do: Literal["find"] = "find"
    who: PersonName
    device: DeviceName

    def perform(self, env: Environment) -> object:
        """See the class."""
        device = env.device(self.device)
        if device.holder is not None:
            raise Prevented("NotLost", f"{device.name} is not lost: {device.holder} has it")
        device.holder = self.who
        env.person(self.who).note("finds a device", device=device.name)
        return None


class Borrow(Step):
    """Take another person's device, with or without asking."""

    do: Literal["borrow"] = "borrow"
    who: PersonName
    device: DeviceName
    from_: Annotated[PersonName, Field(alias="from")]

    def perform(self, env: Environment) -> object:
        """See the class."""
        device = env.person(self.from_).holding(env.device(self.device))
        device.holder = self.who
        env.person(self.who).note("borrows a device", device=device.name, lender=self.from_)
        return None


class GiveBack(Step):
    """Give a device back to its owner."""

    do: Literal["give_back"] = "give_back"
    who: PersonName
    device: DeviceName

    def perform(self, env: Environment) -> object:
        """See the class."""
        device = env.person(self.who).holding(env.device(self.device))
        device.holder = device.owner
        env.person(self.who).note("gives a device back", device=device.name)
        return None


class Break(Step):
    """Break a device for good: dropped, drowned, run over."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.BREAK,)
    meets: ClassVar[frozenset[str]] = frozenset({"NotBroken"})
    do: Literal["break"] = "break"
    device: DeviceName

    def perform(self, env: Environment) -> object:
        """See the class."""
        env.device(self.device).break_()
        env.note(self.device, "breaks")
        return None


class Replace(Step):
    """Hand a person a new device for an old one, which is thrown away."""

    do: Literal["replace"] = "replace"
    who: PersonName
    device: DeviceName
    by: DeviceName
    """The new one."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        old, new = env.device(self.device), env.device(self.by)
        old.holder, new.holder, new.owner = None, self.who, self.who
        env.person(self.who).note("gets a new device", old=old.name, new=new.name)
        return None


class Clone(Step):
    """Copy an app's accounts to a second phone, or a security key to another one.

    Afterwards both show the same codes, or sign with the same keys.
    """

    requires: ClassVar[tuple[Ability, ...]] = (Ability.COPY,)
    meets: ClassVar[frozenset[str]] = COPYING
    do: Literal["clone"] = "clone"
    device: DeviceName
    to: DeviceName

    def needs(self) -> Iterator[Need]:
        """See `Step.needs`."""
        yield from super().needs()
        yield Need(Ability.COPY, self.to)

    def perform(self, env: Environment) -> object:
        """See the class."""
        return env.device(self.device).take_part(_Copying(env, self.to))


@dataclass(frozen=True, slots=True)
class _Copying:
    """How each kind of device is copied to another one of its kind."""

    env: Environment
    to: str

    def read_code(self, device: CodeDevice) -> None:
        """Copy an app's accounts."""
        source, copy = self.env.app(device.name), self.env.app(self.to)
        source.app.clone_to(copy.app)
        copy.take_over(source)
        self._note(device)

    def await_code(self, device: HeldSms) -> None:
        """A phone's number is not copied."""
        self.read_code(device)

    def sign(self, device: HeldKey) -> None:
        """Copy all that is stored on a key."""
        copy = self.env.security_key(self.to)
        thing = device.access.simulated.clone(
            random_bytes=self.env.entropy.random_bytes(f"{copy.name}.clone"), name=copy.name
        )
        thing.plug()
        copy.become_copy_of(device, SimulatedKey(thing, self.env.clients, self.env.timeline))
        self._note(device)

    def _note(self, source: HeldDevice) -> None:
        self.env.note(self.to, "becomes a copy", of=source.name)


class BackUp(Step):
    """Make a backup of an app's accounts."""

    meets: ClassVar[frozenset[str]] = COPYING
    do: Literal["back_up"] = "back_up"
    device: DeviceName

    def perform(self, env: Environment) -> object:
        """See the class."""
        device = env.app(self.device)
        device.backup = device.app.backup()
        env.note(device.name, "is backed up")
        return None


class Restore(Step):
    """Restore the last backup of an app to the app on another phone."""

    meets: ClassVar[frozenset[str]] = COPYING
    do: Literal["restore"] = "restore"
    device: DeviceName
    """The app that was backed up."""
    to: DeviceName

    def perform(self, env: Environment) -> object:
        """See the class."""
        source, target = env.app(self.device), env.app(self.to)
        if source.backup is None:
            raise Prevented("NoBackup", f"there is no backup of {source.name}")
        target.app.restore(source.backup)
        target.take_over(source)
        env.note(target.name, "is restored from a backup", of=source.name)
        return None


class SwitchPhone(Step):
    """Switch a phone off or on; until then short messages wait at the carrier."""

    meets: ClassVar[frozenset[str]] = COPYING
    do: Literal["switch_phone"] = "switch_phone"
    phone: PhoneName
    to: Literal["off", "on"]

    def perform(self, env: Environment) -> object:
        """See the class."""
        phone = env.factory.phones[self.phone]
        if self.to == "on":
            phone.switch_on()
        else:
            phone.switch_off()
        return None


class ChangeNumber(Step):
    """Give a phone another number; texts to the old one no longer reach it."""

    do: Literal["change_number"] = "change_number"
    device: DeviceName
    number: Annotated[str, Field(pattern=r"^\+\d{6,15}$")]
    """E.164."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        device = env.sms_phone(self.device)
        env.messaging.carrier.issue_sim(self.number, device.thing)
        env.note(device.name, "gets another number", number=self.number)
        return None
