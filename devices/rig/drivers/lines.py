"""Driver for relays or optocouplers on the RTS and DTR lines of a serial port, as FTDI makes them.

RTS is relay 1, DTR is relay 2. The lines cannot be read back. Linux raises both for some
milliseconds whenever a port is opened (termios(3) on HUPCL tells why they fall on close), so a key
under such a finger may be touched once then: open the rig before the key asks for anything.

Options: `touch`, 1; `power`, none; as in `relays`.
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

__all__ = ["LinesRig", "make"]

_RTS, _LINES = 1, 2


class LinesRig(RelayRig):
    """The two lines of a port.

    Args:
        name: what to call it.
        find: finds its port, when it is opened.
        touch: the line of each touch channel.
        power: the line of each power channel.
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
        self._line = SerialLine(self.name, self._find())
        self._line.open(rts=False, dtr=False)

    def _close(self) -> None:
        self._line.close()

    def _identify(self) -> Identity:
        return Identity("", "RTS and DTR", "", "")

    def _set(self, relay: int, on: bool) -> None:
        if relay == _RTS:
            self._line.set_lines(rts=on)
        else:
            self._line.set_lines(dtr=on)

    def _get(self, relay: int) -> None:
        return None


def make(spec: RigSpec, timing: Timing, person: Person | None) -> LinesRig:
    """See `mfalab.devices.rig.opening.make_rig`."""
    options = Options(spec.name, spec.options)
    touch, power = wiring(spec.name, options, _LINES, touch="1")
    options.end()
    return LinesRig(spec.name, lambda: find_port(spec, serial_ports()), touch, power, timing)
