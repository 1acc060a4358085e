"""Driver for the relay modules LCUS-1 to LCUS-8, with a CH340 in front.

Four bytes at 9600 baud: A0, the relay from 1, 01 for on or 00 for off, and the sum of the three:
`A0 01 01 A2` switches the first relay on (LC Technology, "USB switch communication protocol"). The
module answers nothing, so what is on the port is taken for one, and a state cannot be read back.

Options: `relays`, how many it has, 1; and `touch`, `power` as in `relays`.
"""

from __future__ import annotations

from mfalab.devices.rig.drivers.relays import RelayRig
from mfalab.devices.rig.rig import Identity

_START = 0xA0


def frame(relay: int, on: bool) -> bytes:
    """The four bytes that switch a relay, counted from 1."""
    head = (_START, relay, int(on))
    return bytes((*head, sum(head) & 0xFF))


class LcusRig(RelayRig):
    """An LCUS module; see `RelayRig`."""

    default_relays = 1
    answers = False
    baudrate = 9600

    def _identify(self) -> Identity:
        return Identity("LC Technology", "LCUS", "", "")

    def _set(self, relay: int, on: bool) -> None:
        self._line.write(frame(relay, on))


make = LcusRig
