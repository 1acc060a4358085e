"""Which devices have a serial number, found without asking each of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from mfalab.simulator.environment.devices import HeldDevice


class SerialIndex:
    """Names of devices by serial number; a thousand people's decisions ask for one each.

    Args:
        devices: all devices by name; some may be added, none is taken away.
    """

    def __init__(self, devices: Mapping[str, HeldDevice]) -> None:
        self._devices = devices
        self._places: dict[str, int] = {}
        self._names: dict[str, list[str]] = {}

    def names_of(self, serial: str) -> list[str]:
        """The devices that the verifier calls by a serial number, in their order.

        Clones share their serial number.
        """
        for name, device in islice(self._devices.items(), len(self._places), None):
            self._places[name] = len(self._places)
            device.when_named = self._take
            self._take(device)
        # A device that has another serial number by now stands here still.
        return [
            name for name in self._names.get(serial, ()) if self._devices[name].answers_to(serial)
        ]

    def _take(self, device: HeldDevice) -> None:
        for serial in device.all_serials():
            names = self._names.setdefault(serial, [])
            if device.name not in names:
                names.append(device.name)
                names.sort(key=self._places.__getitem__)
