"""A recording as a fixture: a key that answers as another one once did, in time of its own.

Nothing waits: its clock begins at the time of the recording and leaps to each answer after the gap
that was recorded. Its user is asked where the recorded key asked; whatever they do, it goes on as
it went on then. What did not happen in the recording, it cannot do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from fido2.ctap import CtapDevice

from mfalab.devices.ctap.commands import KeepaliveStatus, Prompt
from mfalab.devices.ctap.ctaphid import HidCommand
from mfalab.devices.ctap.user import Asked
from mfalab.devices.errors import DeviceError
from mfalab.devices.schedule import OwnTime
from mfalab.devices.transports.hid_device import HidDevice
from mfalab.devices.transports.memory import KeyUnplugged, Port
from mfalab.devices.transports.python_fido2 import CardConnection, HidConnection, descriptor
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.abilities import Ability
from mfalab.simulator.keys.channel import open_channel
from mfalab.simulator.keys.fixture import Fixture, Reports
from mfalab.simulator.keys.simulated import KeyReports
from mfalab.simulator.traces.capture import read_capture
from mfalab.simulator.traces.frames import Frame, FrameKind
from mfalab.simulator.traces.likeness import Strictness
from mfalab.simulator.traces.pcapng import NotACapture
from mfalab.simulator.traces.replay import Player
from mfalab.simulator.traces.script import Script

_KEEPALIVE: Final = 0x80 | HidCommand.KEEPALIVE
_REPLAY: Final = "replay:"


@dataclass(eq=False, repr=False)
class RecordingUnusable(DeviceError):
    """A file that cannot stand for a key.

    Args:
        path: the file.
        why: what is wrong with it.
    """

    path: str
    why: str
    sentence = (
        "{path} cannot be replayed: {why}. Record one with: mfalab key record DEVICE FILE.pcapng."
    )


class ReplayFixture(Fixture):
    """A key that answers as was recorded.

    Args:
        address: `replay:FILE`, or the file.
        strictness: how much of each request has to be as it was recorded.
        pin: the PIN that the recorded key had, for clients that ask for it.

    Attributes:
        player: how far the recording has come.
        cut: whether the file was cut.

    Raises:
        RecordingUnusable: there is no recording of a key in the file.
    """

    def __init__(
        self,
        address: str,
        *,
        strictness: Strictness = Strictness.SHAPE,
        pin: str | None = None,
    ) -> None:
        path = address.removeprefix(_REPLAY)
        try:
            frames, self.cut, _ = read_capture(Path(path))
        except OSError as error:
            raise RecordingUnusable(path, error.strerror or str(error)) from None
        except NotACapture:
            raise RecordingUnusable(path, "it is no capture") from None
        script = Script(frames)
        if script.kind is None:
            raise RecordingUnusable(path, "there is no CTAP traffic in it")
        name = f"{_REPLAY}{path}"
        super().__init__(name, _abilities(script), destructive=True, pin=pin)
        self.player = Player(script, name, strictness)
        self._kind = script.kind
        self._time = OwnTime(frames[0].ts_ns)
        self._port = Port(name, self._time, self._feed)
        self._powered = True
        self._life = 0
        self._due_ns = 0
        self._asking: int | None = None

    def now_ns(self) -> int:
        """See `Fixture.now_ns`."""
        return self._time.now_ns()

    def wait(self, duration_ns: int) -> None:
        """See `Fixture.wait`."""
        self._time.advance(duration_ns)

    def connect(self) -> CtapDevice:
        """See `Fixture.connect`."""
        self._require_power()
        if self._kind is FrameKind.REPORT:
            about = descriptor(self.name, HidDevice(self.name, "", ""))
            return open_channel(about, HidConnection(self._port.connect()))
        try:
            from fido2.pcsc import CtapPcscDevice
        except ImportError:
            why = "it is of a card, and pyscard is not installed (pip install 'mfalab[nfc]')"
            raise RecordingUnusable(self.name.removeprefix(_REPLAY), why) from None
        return CtapPcscDevice(CardConnection(lambda: None, lambda: None, self._transmit), self.name)

    def reports(self) -> Reports:
        """See `Fixture.reports`."""
        self.require(Ability.REPORTS, "APDUs were recorded.")
        self._require_power()
        return KeyReports(self._port.connect(everything=True), self._time)

    def power(self, on: bool) -> None:
        """See `Fixture.power`.

        Raises:
            CannotDo: power was never cut in the recording.
            Departed: it was not cut now.
        """
        self.require(Ability.POWER, "Power was never cut in the recording.")
        if on == self._powered:
            return
        self.player.power(FrameKind.POWER_ON if on else FrameKind.POWER_OFF)
        self._powered = on
        self._life += 1
        self._asking = None
        if not on:
            self._port.disconnect_all()

    def close(self) -> None:
        """See `Fixture.close`."""
        self._powered = False
        self._life += 1
        self._port.disconnect_all()

    def _require_power(self) -> None:
        if not self._powered:
            raise KeyUnplugged(self.name)

    # The key's side.

    def _feed(self, report: bytes) -> None:
        now_ns = self._time.now_ns()
        for gap_ns, frame in self.player.report(Frame(now_ns, Direction.TO_KEY, report)):
            # One report never overtakes another.
            self._due_ns = max(self._due_ns, now_ns + gap_ns)
            self._time.after(self._due_ns - now_ns, partial(self._deliver, self._life, frame.data))

    def _deliver(self, life: int, report: bytes) -> None:
        """Hand a report to its clients, unless power was cut before."""
        if life != self._life:
            return
        channel, command = int.from_bytes(report[:4]), report[4]
        if command == _KEEPALIVE and report[7] == KeepaliveStatus.UPNEEDED:
            if self._asking != channel:
                self._asking = channel
                self.user(Asked(Prompt.TOUCH))
        elif self._asking == channel:
            self._asking = None
        self._port.give(report)

    def _transmit(self, apdu: bytes) -> bytes:
        self._require_power()
        now_ns = self._time.now_ns()
        answer = self.player.apdu(Frame(now_ns, Direction.TO_KEY, apdu, FrameKind.APDU))
        if answer is None:
            raise KeyUnplugged(self.name)
        self._time.advance(answer[0])
        return answer[1]


def _abilities(script: Script) -> frozenset[Ability]:
    """What was done in a recording."""
    can = set()
    kinds = {step.message.command for step in script.steps}
    if script.kind is FrameKind.REPORT:
        can.add(Ability.REPORTS)
    if script.asked_user:
        can.add(Ability.TOUCH)
    if any("OPERATION_DENIED" in status for status in script.statuses):
        can.add(Ability.DECLINE)
    if FrameKind.POWER_OFF.value in kinds:
        can.add(Ability.POWER)
    return frozenset(can)
