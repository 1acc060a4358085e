"""A key behind a hidraw node as a fixture."""

from __future__ import annotations

from dataclasses import dataclass
from errno import EBUSY, ENODEV, ETIMEDOUT
from typing import Final, Unpack

from fido2.ctap import CtapDevice, CtapError
from fido2.hid import CTAPHID
from fido2.hid.base import CtapHidConnection, HidDescriptor

from mfalab.devices.ctap.ctaphid import REPORT_SIZE
from mfalab.devices.errors import DeviceError
from mfalab.devices.transports.hidraw import HidNode, HidrawReports, fido_nodes
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.keys.channel import open_channel
from mfalab.simulator.keys.fixture import Reports
from mfalab.simulator.keys.hands import PromptWatch
from mfalab.simulator.keys.real import Handling, NotOne, RealFixture

_SILENCE_NS: Final = 60 * NS_PER_S
"""A key that works sends a keepalive every 100 ms (CTAP 2.1 section 11.2.9.1.4). A simulated one
does not while it makes an RSA key, and on an emulated processor that takes half a minute."""
_CHANNEL_BUSY: Final = bytes((0x80 | CTAPHID.ERROR, CtapError.ERR.CHANNEL_BUSY))
_MOST_BUSY: Final = 50
_REPLUG_NS: Final = 30 * NS_PER_S
"""How long the kernel may take to show a key that has power again."""
_LOOK_AGAIN_NS: Final = 20_000_000


class KeyNotFound(NotOne):
    """No key is plugged in that an address means, or several."""

    def __str__(self) -> str:
        there = "; ".join(self.found) or "nothing"
        return (
            f"hid:{self.wanted} is not one key that is plugged in. Plugged in: {there}. "
            "Name its serial number, its port or its node; mfalab devices lists all."
        )


@dataclass(eq=False, repr=False)
class NotPermitted(DeviceError):
    """The key is there and this user may not open it.

    Args:
        path: its node.
    """

    path: str
    sentence = (
        "{path} may not be opened by this user. Install the udev rule that "
        "mfalab devices --udev prints, and plug the key in again."
    )


def find_node(wanted: str) -> HidNode:
    """The key that is meant by a serial number, a port, a node, or nothing when there is one.

    Raises:
        KeyNotFound: there is none, or there are several.
        NotPermitted: it may not be opened.
    """
    nodes = fido_nodes()
    meant = [
        each for each in nodes if wanted in ("", each.path) or wanted in (each.serial, each.port)
    ]
    if len(meant) != 1:
        there = tuple(
            f"{each.path} ({each.name}, port {each.port}"
            + (f", serial number {each.serial})" if each.serial else ")")
            for each in nodes
        )
        raise KeyNotFound(wanted, there)
    if not meant[0].openable:
        raise NotPermitted(meant[0].path)
    return meant[0]


class WatchedReports:
    """Reports, with an eye on what the key asks for.

    Args:
        inner: the way to the key.
        watch: what sees them.
    """

    def __init__(self, inner: Reports, watch: PromptWatch) -> None:
        self._inner = inner
        self._watch = watch

    def write(self, report: bytes) -> None:
        """See `Reports.write`."""
        self._inner.write(report)

    def read(self, within_ns: int) -> bytes | None:
        """See `Reports.read`."""
        report = self._inner.read(within_ns)
        if report is not None:
            self._watch.received(report)
        return report

    def close(self) -> None:
        """See `Reports.close`."""
        self._inner.close()
        self._watch.settle()


class ReportConnection(CtapHidConnection):
    """Reports as python-fido2 wants them: it waits for one, and a key that is silent is gone.

    Args:
        reports: the way to the key.
        silence_ns: how long the key may say nothing.
    """

    def __init__(self, reports: Reports, silence_ns: int = _SILENCE_NS) -> None:
        self._reports = reports
        self._silence_ns = silence_ns
        self._busy = 0

    def read_packet(self) -> bytes:
        """The next report.

        Raises:
            OSError: the key is gone, silent for too long, or busy for another program.
        """
        report = self._reports.read(self._silence_ns)
        if report is None:
            raise OSError(ETIMEDOUT, f"the key said nothing for {self._silence_ns // NS_PER_S} s")
        # python-fido2 asks a busy key again every 0.1 s, without an end.
        self._busy = self._busy + 1 if report[4:5] + report[7:8] == _CHANNEL_BUSY else 0
        if self._busy == _MOST_BUSY:
            raise OSError(EBUSY, "another program uses the key: it is busy for 5 s")
        return report

    def write_packet(self, data: bytes) -> None:
        """Send a report."""
        self._reports.write(data)

    def close(self) -> None:
        """End it."""
        self._reports.close()


class HidFixture(RealFixture):
    """A key behind a hidraw node; it stays the same key when it is replugged.

    Args:
        wanted: its node, serial number or port; empty for the only one.
        silence_ns: how long it may say nothing.
        handling: see `RealFixture`.

    Attributes:
        node: the key as it was found.

    Raises:
        KeyNotFound: it is not plugged in.
        NotPermitted: it may not be opened.
        InUse: another run has it.
    """

    def __init__(
        self, wanted: str, *, silence_ns: int = _SILENCE_NS, **handling: Unpack[Handling]
    ) -> None:
        self._silence_ns = silence_ns
        self.node = find_node(wanted)
        name = f"hid:{wanted or self.node.path}"
        super().__init__(name, frozenset({Ability.REPORTS}), **handling)
        self.hold("hid", self.node.port, self.node.serial, self.node.name)

    def connect(self) -> CtapDevice:
        """See `Fixture.connect`."""
        node = self.node
        about = HidDescriptor(
            node.path,
            node.vendor_id,
            node.product_id,
            REPORT_SIZE,
            REPORT_SIZE,
            node.name,
            node.serial or None,
        )
        return open_channel(about, ReportConnection(self.reports(), self._silence_ns))

    def reports(self) -> Reports:
        """See `Fixture.reports`."""
        return WatchedReports(HidrawReports(self.node.path), PromptWatch(self.asked, self.settled))

    def power(self, on: bool) -> None:
        """See `Fixture.power`; returns when the kernel shows the key, or no longer does.

        Raises:
            CannotDo: the bench has no hand for that.
            RigError: the rig cannot.
            OSError: power was switched, and the key did not come or go.
        """
        if self._power is None:
            self.require(Ability.POWER, "Give it a `power` channel in the lab file.")
            return
        self._power.rig.power(self._power.number, on)
        until_ns = self.now_ns() + _REPLUG_NS
        while True:
            found = [each for each in fido_nodes() if each.is_same_key(self.node)]
            if on and found and found[0].openable:
                self.node = found[0]
                return
            if not on and not found:
                return
            if self.now_ns() > until_ns:
                what = "has not come back" if on else "is still there"
                raise OSError(
                    ENODEV,
                    f"{self.name} {what} {_REPLUG_NS // NS_PER_S} s after its power was switched "
                    f"{'on' if on else 'off'} at {self._power}",
                )
            self.wait(_LOOK_AGAIN_NS)
