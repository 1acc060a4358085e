"""A key in another process whose reports are datagrams, as a fixture.

`mfalab key plug FILE --udp PORT` offers one, and firmware that is built for the host may: each
datagram is a report of 64 bytes. What is behind the port may be anything, so it is handled as a key
that can be held in a hand: time is the wall's, and nothing is changed for good unasked.
"""

from __future__ import annotations

import select
import socket
from errno import ENODEV
from typing import Final, Unpack

from fido2.ctap import CtapDevice
from fido2.hid.base import HidDescriptor

from mfalab.devices.ctap.ctaphid import REPORT_SIZE
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_MS
from mfalab.simulator.clocks.wall import WALL
from mfalab.simulator.keys.channel import open_channel
from mfalab.simulator.keys.fixture import Reports
from mfalab.simulator.keys.hands import PromptWatch
from mfalab.simulator.keys.hid import ReportConnection, WatchedReports
from mfalab.simulator.keys.real import Handling, RealFixture

LOOPBACK: Final = "127.0.0.1"
_LARGEST_DATAGRAM: Final = 65535


class DatagramReports:
    """Reports as datagrams, from a port of our own.

    Args:
        host: where the key is.
        port: its port.

    Raises:
        OSError: there is no such host.
    """

    def __init__(self, host: str, port: int) -> None:
        self._socket: socket.socket | None = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.connect((host, port))
        except OSError:
            self._socket.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def write(self, report: bytes) -> None:
        """Send a report.

        Raises:
            OSError: nothing listens there.
        """
        self._open().send(report)

    def read(self, within_ns: int) -> bytes | None:
        """The next report; None when none comes in time. What is no report is passed over.

        Raises:
            OSError: nothing listens there.
        """
        key, until_ns = self._open(), WALL.now_ns() + within_ns
        while self._poll.poll(max(0, until_ns - WALL.now_ns()) // NS_PER_MS):
            report = key.recv(_LARGEST_DATAGRAM)
            if len(report) == REPORT_SIZE:
                return report
        return None

    def close(self) -> None:
        """End it; closing twice does no harm."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> socket.socket:
        if self._socket is None:
            raise OSError(ENODEV, "it was closed")
        return self._socket


class UdpFixture(RealFixture):
    """A key behind a UDP port.

    Args:
        where: its port, on the loopback interface, or HOST:PORT.
        handling: see `RealFixture`.

    Raises:
        InUse: another run has it.
    """

    def __init__(self, where: str, **handling: Unpack[Handling]) -> None:
        host, _, port = where.rpartition(":")
        self._at = (host or LOOPBACK, int(port))
        super().__init__(f"udp:{where}", frozenset({Ability.REPORTS}), **handling)
        self.hold("udp", self._at[0], port)

    def connect(self) -> CtapDevice:
        """See `Fixture.connect`."""
        about = HidDescriptor(self.name, 0, 0, REPORT_SIZE, REPORT_SIZE, self.name, None)
        return open_channel(about, ReportConnection(self.reports()))

    def reports(self) -> Reports:
        """See `Fixture.reports`; other programs' reports are not heard."""
        return WatchedReports(DatagramReports(*self._at), PromptWatch(self.asked, self.settled))

    def power(self, on: bool) -> None:
        """See `Fixture.power`.

        Raises:
            CannotDo: the bench has no hand for that.
            RigError: the rig cannot.
        """
        if self._power is None:
            self.require(Ability.POWER, "Give it a `power` channel in the lab file.")
            return
        self._power.rig.power(self._power.number, on)
