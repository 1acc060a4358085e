"""Driver for relays or optocouplers on the RTS and DTR lines of a serial port, as FTDI makes them.

RTS is relay 1, DTR is relay 2. The lines cannot be read back. Linux raises both for some
milliseconds whenever a port is opened (termios(3) on HUPCL tells why they fall on close), so a key
under such a finger may be touched once then: open the rig before the key asks for anything.

Options: `touch`, 1; `power`, none; as in `relays`.
"""

from __future__ import annotations

from mfalab.devices.rig.drivers.relays import RelayRig
from mfalab.devices.rig.rig import Identity

_RTS = 1


class LinesRig(RelayRig):
    """The two lines of a port; see `RelayRig`."""

    most_relays = 2
    default_touch = (_RTS,)
    answers = False
    idle_level = False

    def _identify(self) -> Identity:
        return Identity("", "RTS and DTR", "", "")

    def _set(self, relay: int, on: bool) -> None:
        if relay == _RTS:
            self._line.set_lines(rts=on)
        else:
            self._line.set_lines(dtr=on)


make = LinesRig
