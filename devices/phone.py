"""A phone: the body that an authenticator app and a SIM share.

One phone can hold an app and receive texts, so one fall into a lake takes both
away. Apps and inboxes ask the phone whether it works.
"""

from collections.abc import Callable
from typing import ClassVar

from mfalab.devices.clock import Clock
from mfalab.devices.device import Device
from mfalab.devices.errors import Unusable
from mfalab.devices.power import PowerSource


class Phone(Device):
    """A phone with its own clock, a battery and a switch.

    Args:
        name: what to call it in errors and logs.
        clock: the time it believes, corrected by the network or not.
        power: where its power comes from.
    """

    broken_advice: ClassVar[str] = "Restore a backup to another phone, or enrol a new device."

    def __init__(self, name: str, clock: Clock, power: PowerSource | None = None) -> None:
        super().__init__(name, power)
        self.clock = clock
        self._off = False
        self._on_switched_on: list[Callable[[], None]] = []

    @property
    def switched_off(self) -> bool:
        """Whether its holder switched it off."""
        return self._off

    def switch_off(self) -> None:
        """Switch it off; texts wait at the carrier."""
        self._off = True

    def switch_on(self) -> None:
        """Switch it on again; it announces itself to the carrier at once."""
        self._off = False
        if self.usable:
            for announce in self._on_switched_on:
                announce()

    def when_switched_on(self, announce: Callable[[], None]) -> None:
        """Call `announce` each time the phone has been switched on and works."""
        self._on_switched_on.append(announce)

    def _obstacle(self) -> tuple[Unusable, str] | None:
        obstacle = super()._obstacle()
        if obstacle is None and self._off:
            return Unusable.SWITCHED_OFF, "Switch it on."
        return obstacle
