"""Driver for Devantech's USB-RLY02, USB-RLY08, USB-RLY16 and USB-RLY16L.

Single bytes, whatever the speed: 5A is answered by the module's number and its software version,
5B by the relays' states with relay 1 in bit 0, 65 to 6C switch relay 1 to 8 on and 6F to 76 off
(Devantech, "USB-RLY16 Technical Documentation" and "USB-RLY02 Data Sheet", table of commands).
Switching is not answered, so each is read back. The relays of the USB-RLY16L change over instead of
closing; on is position 1.

Options: `touch`, relays 1 and 2 if they do not switch power, and `power` as in `relays`.
"""

from __future__ import annotations

from typing import Final

from mfalab.devices.rig.drivers.relays import RelayRig
from mfalab.devices.rig.errors import OptionWrong
from mfalab.devices.rig.rig import Identity

MODULES: Final = {
    8: ("USB-RLY08", 8),
    9: ("USB-RLY16", 8),
    10: ("USB-RLY02", 2),
    15: ("USB-RLY16L", 8),
}
"""Modules by their number: name and relays."""

_VERSION, _STATES, _ON, _OFF = 0x5A, 0x5B, 0x64, 0x6E


class DevantechRig(RelayRig):
    """A Devantech module; see `RelayRig`."""

    default_touch = (1, 2)

    def _open(self) -> None:
        super()._open()
        self._line.forget_input()
        model, relays, _ = self._about()
        too_high = [each for each in (*self._touching, *self._powering) if each > relays]
        if too_high:
            raise OptionWrong(
                self.name, "touch", f"the {model} has {relays} relays and none {too_high[0]}."
            )

    def _identify(self) -> Identity:
        model, _, version = self._about()
        return Identity("Devantech", model, "", str(version))

    def _about(self) -> tuple[str, int, int]:
        answer = self._ask("5A", _VERSION, 2)
        if answer[0] not in MODULES:
            raise self._line.garbled("5A", answer)
        return (*MODULES[answer[0]], answer[1])

    def _set(self, relay: int, on: bool) -> None:
        self._line.write(bytes([(_ON if on else _OFF) + relay]))
        states = self._ask("5B", _STATES, 1)
        if bool(states[0] >> (relay - 1) & 1) != on:
            raise self._line.garbled("5B", states)

    def _get(self, relay: int) -> bool:
        return bool(self._ask("5B", _STATES, 1)[0] >> (relay - 1) & 1)

    def _ask(self, command: str, byte: int, size: int) -> bytes:
        self._line.write(bytes([byte]))
        return self._line.read(command, size)


make = DevantechRig
