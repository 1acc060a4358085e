"""Driver for the relay modules LCUS-1 to LCUS-8, with a CH340 in front.

Four bytes at 9600 baud: A0, the relay from 1, 01 for on or 00 for off, and the sum of the three:
`A0 01 01 A2` switches the first relay on (LC Technology, "USB switch communication protocol"). The
module answers nothing, so what is on the port is taken for one, and a state cannot be read back.

Options: `relays`, how many it has, 1; and `touch`, `power` as in `relays`.
"""

from __future__ import annotations

from collections.abc import Callable

from mfalab.devices.rig.drivers.relays import RelayRig, wiring
from mfalab.devices.rig.opening import Person
from mfalab.devices.rig.options import Options
from mfalab.devices.rig.ports import RigSpec, find_port, serial_ports
from mfalab.devices.rig.rig import Identity
from mfalab.devices.rig.serial_line import SerialLine
from mfalab.devices.rig.timing import Timing

__all__ = ["LcusRig", "frame", "make"]

_START = 0xA0


def frame(relay: int, on: bool) -> bytes:
    """The four bytes that switch a relay, counted from 1."""
    head = (_START, relay, int(on))
    return bytes((*head, sum(head) & 0xFF))


class LcusRig(RelayRig):
    """An LCUS module.

    Args:
        name: what to call it.
        find: finds its port, when it is opened.
        touch: the relay of each touch channel.
        power: the relay of each power channel.
        timing: what waits.
    """

    def __init__(
        self,
        name: str,
        find: Callable[[], str],
        touch: tuple[int, ...],
        power: tuple[int, ...],
        timing: Timing,
    ) -> None:
        super().__init__(name, touch, power, timing)
        self._find = find
        self._line = SerialLine(name, "")

    def _open(self) -> None:
        self._line = SerialLine(self.name, self._find(), baudrate=9600)
        self._line.open()

    def _close(self) -> None:
        self._line.close()

    def _identify(self) -> Identity:
        return Identity("LC Technology", "LCUS", "", "")

    def _set(self, relay: int, on: bool) -> None:
        self._line.write(frame(relay, on))

    def _get(self, relay: int) -> None:
        return None


def make(spec: RigSpec, timing: Timing, person: Person | None) -> LcusRig:
    """See `mfalab.devices.rig.opening.make_rig`."""
    options = Options(spec.name, spec.options)
    touch, power = wiring(spec.name, options, options.number("relays", 1, 1, 8))
    options.end()
    return LcusRig(spec.name, lambda: find_port(spec, serial_ports()), touch, power, timing)
