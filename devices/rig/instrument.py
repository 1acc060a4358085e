"""The inside of a simulated board: channels, time, power, status and watchdog, without its line.

An *instrument* is what SCPI calls the thing that a controller talks to. `commands` says what each
header does to it; `board` adds the line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mfalab.devices.durations import NS_PER_MS, NS_PER_S, NS_PER_US
from mfalab.devices.rig.channels import (
    DisplayChannel,
    Finger,
    NfcChannel,
    PowerChannel,
    Reader,
    Switch,
    TouchChannel,
)
from mfalab.devices.rig.rig import Function, Identity
from mfalab.devices.rig.scpi import PROTOCOL, Code, Refusal
from mfalab.devices.rig.status import Status
from mfalab.devices.schedule import Scheduler


@dataclass(frozen=True, slots=True)
class BoardFaults:
    """What is wrong with a board, for tests of what is on the other side.

    Attributes:
        silent: it answers nothing.
        half_lines: the second half of each answer is lost, with its end.
        noise: bytes that come before each answer.
        version: the version of the protocol that it says it speaks.
    """

    silent: bool = False
    half_lines: bool = False
    noise: bytes = b""
    version: str = PROTOCOL


HEALTHY: Final = BoardFaults()
SIMULATED: Final = Identity("mfalab", "simulated rig", "0001", "1.0")


class Instrument:
    """One board, plugged in.

    Args:
        scheduler: what lets its time pass.
        touch: what its fingers are over, channel 1 first.
        power: what hangs on its ports.
        nfc: what is on its readers.
        display: what its cameras look at.
        identity: what it says that it is.
        faults: what is wrong with it; may be set at any time.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        touch: Sequence[TouchChannel] = (),
        power: Sequence[PowerChannel] = (),
        nfc: Sequence[NfcChannel] = (),
        display: Sequence[DisplayChannel] = (),
        identity: Identity = SIMULATED,
        faults: BoardFaults = HEALTHY,
    ) -> None:
        self.scheduler = scheduler
        self.identity = identity
        self.faults = faults
        self.fingers = tuple(Finger(each, self) for each in touch)
        self.switches = tuple(Switch(each, self) for each in power)
        self.readers = tuple(Reader(each) for each in nfc)
        self.displays = tuple(display)
        self._plugged = False
        self._boots = 0
        self.plug()

    @property
    def functions(self) -> dict[Function, int]:
        """How many channels of each function are fitted."""
        return {
            Function.TOUCH: len(self.fingers),
            Function.POWER: len(self.switches),
            Function.NFC: len(self.readers),
            Function.DISPLAY: len(self.displays),
        }

    # Its power.

    @property
    def plugged(self) -> bool:
        """Whether it is plugged in."""
        return self._plugged

    def plug(self) -> None:
        """Plug it in; nothing happens when it is."""
        if self._plugged:
            return
        self._plugged = True
        self._boots += 1
        self._born_ns = self.scheduler.now_ns()
        self.status = Status()
        self._watch_s = 0
        self._heard_ns = self._born_ns
        self._fired = False
        self._watching = 0  # which of the planned looks counts

    def unplug(self) -> None:
        """Pull it out: its outputs fall back, so nothing is touched and everything has power."""
        with self.scheduler.guard:
            if self._plugged:
                self._plugged = False
                self._boots += 1
                self.make_safe()
                self.scheduler.wake(self)

    def make_safe(self) -> None:
        """Release every touch and restore all power."""
        for finger in self.fingers:
            finger.release()
        for switch in self.switches:
            switch.set(True)

    # Its time.

    def now_us(self) -> int:
        """Its own time: microseconds since it was plugged in."""
        return (self.scheduler.now_ns() - self._born_ns) // NS_PER_US

    def later(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Do something once that time has passed, unless it is unplugged before."""
        boot = self._boots
        self.scheduler.after(
            delay_ms * NS_PER_MS, lambda: action() if boot == self._boots else None
        )

    # The watchdog.

    @property
    def watch_s(self) -> int:
        """How long it may hear nothing before it makes everything safe; 0 for ever."""
        return self._watch_s

    def watch(self, seconds: int) -> None:
        """`SYST:WATC`."""
        self._watch_s = seconds
        self._look_after(seconds * NS_PER_S)

    def hear(self) -> None:
        """A line has come: the watchdog starts again."""
        self._heard_ns = self.scheduler.now_ns()
        if self._fired:
            self._look_after(self._watch_s * NS_PER_S)

    def _look_after(self, delay_ns: int) -> None:
        self._fired = False
        self._watching += 1
        watching = self._watching
        if self._watch_s:
            delay_ms = -(-delay_ns // NS_PER_MS)
            self.later(delay_ms, lambda: self._look() if watching == self._watching else None)

    def _look(self) -> None:
        """Fire when nothing was heard for long enough, and look again when it could be."""
        quiet_ns = self.scheduler.now_ns() - self._heard_ns
        left_ns = self._watch_s * NS_PER_S - quiet_ns
        if left_ns > 0:
            self._look_after(left_ns)
            return
        self._fired = True  # once: it looks again when it has heard something
        self.make_safe()
        self.status.queue(Refusal(Code.TIME_OUT, f"no line for {self._watch_s} s, made safe"))
