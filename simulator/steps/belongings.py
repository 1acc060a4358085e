"""Steps about things: lost, found, lent, stolen, broken, copied, replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from mfalab.simulator.held_devices import HeldApp, HeldDevice, HeldSms
from mfalab.simulator.held_key import HeldKey
from mfalab.simulator.key_in_hand import SimulatedKey
from mfalab.simulator.language.words import DeviceName, PersonName, PhoneName
from mfalab.simulator.outcome import Hindered, ScenarioMistake
from mfalab.simulator.steps.base import Step

if TYPE_CHECKING:
    from mfalab.simulator.lab import Lab


class Lose(Step):
    """Lose a device; it goes on working for whoever finds it."""

    do: Literal["lose"] = "lose"
    who: PersonName
    device: DeviceName

    def perform(self, lab: Lab) -> object:
        """See the class."""
        device = lab.person(self.who).holding(lab.device(self.device))
        device.holder = None
        lab.person(self.who).note("loses a device", device=device.name)
        return None


class Find(Step):
    """Find a device that was lost."""

    do: Literal["find"] = "find"
    who: PersonName
    device: DeviceName

    def perform(self, lab: Lab) -> object:
        """See the class."""
        device = lab.device(self.device)
        if device.holder is not None:
            raise Hindered("NotLost", f"{device.name} is not lost: {device.holder} has it")
        device.holder = self.who
        lab.person(self.who).note("finds a device", device=device.name)
        return None


class Borrow(Step):
    """Take somebody's device, with or without asking."""

    do: Literal["borrow"] = "borrow"
    who: PersonName
    device: DeviceName
    from_: Annotated[PersonName, Field(alias="from")]

    def perform(self, lab: Lab) -> object:
        """See the class."""
        device = lab.person(self.from_).holding(lab.device(self.device))
        device.holder = self.who
        lab.person(self.who).note("borrows a device", device=device.name, lender=self.from_)
        return None


class GiveBack(Step):
    """Give a device back to its owner."""

    do: Literal["give_back"] = "give_back"
    who: PersonName
    device: DeviceName

    def perform(self, lab: Lab) -> object:
        """See the class."""
        device = lab.person(self.who).holding(lab.device(self.device))
        device.holder = device.owner
        lab.person(self.who).note("gives a device back", device=device.name)
        return None


class Break(Step):
    """Break a device for good: dropped, drowned, run over."""

    do: Literal["break"] = "break"
    device: DeviceName

    def perform(self, lab: Lab) -> object:
        """See the class."""
        lab.device(self.device).break_()
        lab.note(self.device, "breaks")
        return None


class Replace(Step):
    """Hand somebody a new device for an old one, which is thrown away."""

    do: Literal["replace"] = "replace"
    who: PersonName
    device: DeviceName
    by: DeviceName
    """The new one."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        old, new = lab.device(self.device), lab.device(self.by)
        old.holder, new.holder, new.owner = None, self.who, self.who
        lab.person(self.who).note("gets a new device", old=old.name, new=new.name)
        return None


class Clone(Step):
    """Copy an app's accounts to a second phone, or all that is stored on a key to another key.

    Afterwards both show the same codes, or sign with the same keys.
    """

    do: Literal["clone"] = "clone"
    device: DeviceName
    to: DeviceName

    def perform(self, lab: Lab) -> object:
        """See the class."""
        if isinstance(lab.device(self.device), HeldKey):
            return self._clone_key(lab)
        source, copy = _app(lab.device(self.device)), _app(lab.device(self.to))
        source.app.clone_to(copy.app)
        copy.take_over(source)
        lab.note(copy.name, "becomes a copy", of=source.name)
        return None

    def _clone_key(self, lab: Lab) -> object:
        source, copy = lab.device(self.device), lab.device(self.to)
        if not isinstance(source, HeldKey) or not isinstance(copy, HeldKey):
            raise ScenarioMistake(f"{copy.name} is no security key")
        thing = source.reach.simulated.clone(
            random_bytes=lab.entropy.random_bytes(f"{copy.name}.clone"), name=copy.name
        )
        thing.plug()
        copy.reach = SimulatedKey(thing, lab.clients, lab.timeline)
        copy.pin, copy.fingers = source.pin, list(source.fingers)
        copy.serials, copy.serial = dict(source.serials), source.serial
        copy.credentials = dict(source.credentials)
        lab.note(copy.name, "becomes a copy", of=source.name)
        return None


class BackUp(Step):
    """Make a backup of an app's accounts."""

    do: Literal["back_up"] = "back_up"
    device: DeviceName

    def perform(self, lab: Lab) -> object:
        """See the class."""
        device = _app(lab.device(self.device))
        device.backup = device.app.backup()
        lab.note(device.name, "is backed up")
        return None


class Restore(Step):
    """Restore the last backup of an app to the app on another phone."""

    do: Literal["restore"] = "restore"
    device: DeviceName
    """The app that was backed up."""
    to: DeviceName

    def perform(self, lab: Lab) -> object:
        """See the class."""
        source, target = _app(lab.device(self.device)), _app(lab.device(self.to))
        if source.backup is None:
            raise Hindered("NoBackup", f"there is no backup of {source.name}")
        target.app.restore(source.backup)
        target.take_over(source)
        lab.note(target.name, "is restored from a backup", of=source.name)
        return None


class SwitchPhone(Step):
    """Switch a phone off or on; short messages wait at the carrier meanwhile."""

    do: Literal["switch_phone"] = "switch_phone"
    phone: PhoneName
    to: Literal["off", "on"]

    def perform(self, lab: Lab) -> object:
        """See the class."""
        phone = lab.workshop.phones[self.phone]
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

    def perform(self, lab: Lab) -> object:
        """See the class."""
        device = lab.device(self.device)
        if not isinstance(device, HeldSms):
            raise ScenarioMistake(f"{device.name} is no SMS phone")
        lab.world.carrier.issue_sim(self.number, device.thing)
        lab.note(device.name, "gets another number", number=self.number)
        return None


def _app(device: HeldDevice) -> HeldApp:
    if not isinstance(device, HeldApp):
        raise ScenarioMistake(f"{device.name} is no authenticator app")
    return device
