"""What all devices have in common: a name, power, and that they break."""

from typing import ClassVar

from mfalab.devices.errors import DeviceUnusable, Unusable
from mfalab.devices.power import PowerSource, SteadyPower


class Device:
    """A thing that works until its power fails or it breaks.

    Being lost is no state of a device: it still works for its finder.

    Args:
        name: what to call it in errors and logs, such as a serial number.
        power: where its power comes from.
    """

    broken_advice: ClassVar[str] = "Replace it."
    battery_advice: ClassVar[str] = "Charge it."

    def __init__(self, name: str, power: PowerSource | None = None) -> None:
        self.name = name
        self._power: PowerSource = power if power is not None else SteadyPower()
        self._broken = False

    @property
    def broken(self) -> bool:
        """Whether it has been broken. A broken device stays broken."""
        return self._broken

    def break_(self) -> None:
        """Break it for good: dropped, drowned, run over."""
        self._broken = True

    @property
    def usable(self) -> bool:
        """Whether it would work now."""
        return self._obstacle() is None

    def require_usable(self) -> None:
        """Do nothing if the device works.

        Raises:
            DeviceUnusable: it does not, with the reason and what to do.
        """
        obstacle = self._obstacle()
        if obstacle is not None:
            raise DeviceUnusable(self.name, *obstacle)

    def _obstacle(self) -> tuple[Unusable, str] | None:
        """The first reason why it does not work, with advice."""
        if self._broken:
            return Unusable.BROKEN, self.broken_advice
        if not self._power.alive():
            return Unusable.BATTERY_DEAD, self.battery_advice
        return None
