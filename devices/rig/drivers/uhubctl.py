"""Driver for hubs that switch the power of their ports one by one, through uhubctl.

`uhubctl -l LOCATION -p N -a on|off` switches, without `-a` it tells: `Current status for hub 1-1
[2109:2817 VIA Labs Hub, USB 2.10, 4 ports, ppps]`, then `Port 2: 0103 power enable connect` or
`Port 2: 0000 off`; a USB 3 hub has two such parts, and both switch (uhubctl(8), github.com/mvp/
uhubctl). Few hubs have it wired: check with a lamp that power really goes. Data lines stay on.

The rig's `port` is the hub's location, such as 1-1.4; it may be left out when there is one only.

Options:
    tool: the program; uhubctl.
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

_HUB = re.compile(r"status for hub (\S+) \[(.*)\]")
_PORT = re.compile(r"Port (\d+): [0-9a-f]{4}(.*)")


class UhubctlRig(HubRig):
    """A hub that uhubctl can switch.

    Args:
        name: what to call it.
        location: where it is; None when there is one such hub only.
        tool: the program.
        timing: what waits.
    """

    def __init__(self, name: str, location: str | None, tool: str, timing: Timing) -> None:
        super().__init__(name, tool, "Install it, such as with: apt install uhubctl.", timing)
        self._location = location
        self._about = ""

    def _open(self) -> None:
        where = () if self._location is None else ("-l", self._location)
        said = self._run(*where)
        hubs = dict(_HUB.findall(said))
        if self._location is None and len(hubs) == 1:
            self._location = next(iter(hubs))
        if self._location not in hubs:
            listed = tuple(f"{place} ({about})" for place, about in hubs.items())
            what = "names no location" if self._location is None else f"is not at {self._location}"
            raise PortUnclear(self.name, what, listed)
        self._about = hubs[self._location]
        ports = re.search(r"(\d+) ports", self._about)
        self._ports = int(ports[1]) if ports else len(_PORT.findall(said))

    def _identify(self) -> Identity:
        numbers, _, rest = self._about.partition(" ")
        return Identity("", f"{rest.partition(', USB')[0]} {numbers}".strip(), "", "")

    def _switch(self, port: int, on: bool) -> None:
        self._run(*self._at(port), "-a", "on" if on else "off")

    def _is_powered(self, channel: int) -> bool:
        said = self._run(*self._at(channel))
        states = [words.split() for number, words in _PORT.findall(said) if int(number) == channel]
        if not states:
            raise self._failed(0, said, *self._at(channel))
        return any("power" in words for words in states)

    def _at(self, port: int) -> tuple[str, ...]:
        return "-l", self._location or "", "-p", str(port)


def make(spec: RigSpec, timing: Timing, person: Person | None) -> UhubctlRig:
    """See `mfalab.devices.rig.opening.make_rig`."""
    options = Options(spec.name, spec.options)
    tool = options.text("tool", "uhubctl")
    options.end()
    return UhubctlRig(spec.name, spec.port, tool, timing)
