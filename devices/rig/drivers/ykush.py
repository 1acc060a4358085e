"""Driver for Yepkit's YKUSH hubs, which cut a port's power and data, through ykushcmd.

`ykushcmd [BOARD] [-s SERIAL] -u N` switches a port up, `-d N` down, `-g N` says
`Downstream port N is ON`, `-l` lists the boards (Yepkit, ykushcmd reference manual). It exits with
0 whatever happens, so each switching is read back.

Options:
    board: `ykush` (3 ports), `ykush3` (3 ports, USB 3.1) or `ykushxs` (1 port); ykush.
    tool: the program; ykushcmd.
"""

from __future__ import annotations

import re

from mfalab.devices.rig.drivers.tools import HubRig
from mfalab.devices.rig.errors import PortUnclear
from mfalab.devices.rig.opening import Person
from mfalab.devices.rig.options import Options
from mfalab.devices.rig.ports import RigSpec
from mfalab.devices.rig.rig import Identity
from mfalab.devices.rig.timing import Timing

_PORTS = {"ykush": 3, "ykush3": 3, "ykushxs": 1}
_SERIAL = re.compile(r"\bYK[A-Z]*\d+\b")


class YkushRig(HubRig):
    """A YKUSH hub.

    Args:
        name: what to call it.
        board: which of the family.
        serial: its serial number; None when there is one hub only.
        tool: the program.
        timing: what waits.
    """

    def __init__(
        self, name: str, board: str, serial: str | None, tool: str, timing: Timing
    ) -> None:
        advice = "Build it from github.com/Yepkit/ykush."
        super().__init__(name, tool, advice, timing)
        self._board = board
        self._serial = serial

    def _open(self) -> None:
        listed = tuple(dict.fromkeys(_SERIAL.findall(self._run(*self._which(), "-l"))))
        if self._serial is None and len(listed) == 1:
            self._serial = listed[0]
        if self._serial not in listed:
            what = f"has serial {self._serial}, and no such" if self._serial else "names no"
            raise PortUnclear(self.name, f"{what} {self._board} hub", listed)
        self._ports = _PORTS[self._board]

    def _identify(self) -> Identity:
        return Identity("Yepkit", self._board.upper(), self._serial or "", "")

    def _switch(self, port: int, on: bool) -> None:
        self._run(*self._which(), "-s", self._serial or "", "-u" if on else "-d", str(port))

    def _is_powered(self, channel: int) -> bool:
        arguments = (*self._which(), "-s", self._serial or "", "-g", str(channel))
        said = self._run(*arguments)
        found = re.search(r"port \d+ is (ON|OFF)", said)
        if found is None:
            raise self._failed(0, said, *arguments)
        return found[1] == "ON"

    def _which(self) -> tuple[str, ...]:
        return () if self._board == "ykush" else (self._board,)


def make(spec: RigSpec, timing: Timing, person: Person | None) -> YkushRig:
    """See `mfalab.devices.rig.opening.make_rig`."""
    options = Options(spec.name, spec.options)
    board = options.text("board", "ykush", *_PORTS)
    tool = options.text("tool", "ykushcmd")
    options.end()
    return YkushRig(spec.name, board, spec.serial, tool, timing)
