"""The shape of a relay box's driver: relays on a serial line that the host times.

Which relay does what is an option. A touch channel closes its relay's normally open contact for as
long as it lasts. A power channel is wired to the normally closed contact, so its relay is on while
power is off, and a box without power, or one that was never spoken to, leaves the key with power.

A relay box has no watchdog: when the host dies in the middle of a touch, the finger stays down, and
power that is off stays off, until the box is unplugged or the next run begins.

Options of all of them:
    touch: the relays that touch, such as `1,2`; their order is that of the channels. All that do
        not switch power.
    power: the relays that cut power; none.
    timeout_ms: how long an answer may take, for boxes that answer; 1000.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import ClassVar

from mfalab.devices.rig.errors import OptionWrong, RigError
from mfalab.devices.rig.opening import Person
from mfalab.devices.rig.options import Options
from mfalab.devices.rig.ports import RigSpec, find_port, serial_ports
from mfalab.devices.rig.rig import Function, Rig
from mfalab.devices.rig.serial_line import SerialLine
from mfalab.devices.rig.timing import Timing


class RelayRig(Rig):
    """A box of relays. A driver says how it switches and, if it can, reads a relay.

    Args:
        spec: its name, its port and its options.
        timing: what waits.
        person: of no use to relays.

    Attributes:
        most_relays: how many relays it has at the most.
        default_relays: the default of the option `relays`; None when there is no such option and
            it has `most_relays`.
        default_touch: the relays that touch by default, unless they cut power; None for all.
        answers: whether it answers, so that `timeout_ms` is an option.
        baudrate: the speed of its line.
        idle_level: the level of RTS and DTR from the start.

    Raises:
        OptionWrong: an option is unknown or wrong.
    """

    most_relays: ClassVar[int] = 8
    default_relays: ClassVar[int | None] = None
    default_touch: ClassVar[tuple[int, ...] | None] = None
    answers: ClassVar[bool] = True
    baudrate: ClassVar[int] = 115_200
    idle_level: ClassVar[bool] = True

    def __init__(self, spec: RigSpec, timing: Timing, person: Person | None = None) -> None:
        super().__init__(spec.name)
        self._spec = spec
        self._timing = timing
        options = Options(spec.name, spec.options)
        relays = self.most_relays
        if self.default_relays is not None:
            relays = options.number("relays", self.default_relays, 1, relays)
        self._touching, self._powering = _wiring(spec.name, options, relays, self.default_touch)
        self._timeout_ms = 1000
        if self.answers:
            self._timeout_ms = options.number("timeout_ms", 1000, 1, 60_000)
        options.end()
        self._line = SerialLine(spec.name, "")
        self._endings: dict[int, Callable[[], None]] = {}

    @property
    def functions(self) -> Mapping[Function, int]:
        """What its relays were said to do."""
        return {Function.TOUCH: len(self._touching), Function.POWER: len(self._powering)}

    def _open(self) -> None:
        port = find_port(self._spec, serial_ports())
        self._line = SerialLine(
            self.name, port, baudrate=self.baudrate, timeout_ms=self._timeout_ms
        )
        self._line.open(rts=self.idle_level, dtr=self.idle_level)

    def _close(self) -> None:
        self._line.close()

    @abstractmethod
    def _set(self, relay: int, on: bool) -> None:
        """Switch a relay, counted from 1."""

    def _get(self, relay: int) -> bool | None:
        """Whether a relay is on; None when the box cannot tell."""
        return None

    def _safe(self) -> None:
        for relay in self._touching:
            self._lift(relay)
        for relay in self._powering:
            self._set(relay, False)

    def _touch(self, channel: int, ms: int, after_ms: int) -> None:
        relay = self._touching[channel - 1]
        self._timing.pause(after_ms)
        self._set(relay, True)
        self._timing.pause(ms)
        self._lift(relay)

    def _hold(self, channel: int, ms: int) -> None:
        relay = self._touching[channel - 1]
        self._lift(relay)
        self._set(relay, True)
        self._endings[relay] = self._timing.later(ms, lambda: self._end(channel))

    def _release(self, channel: int) -> None:
        self._lift(self._touching[channel - 1])

    def _power(self, channel: int, on: bool) -> None:
        self._set(self._powering[channel - 1], not on)

    def _is_powered(self, channel: int) -> bool | None:
        on = self._get(self._powering[channel - 1])
        return None if on is None else not on

    def _cycle(self, channel: int, off_ms: int) -> None:
        self._power(channel, False)
        self._timing.pause(off_ms)
        self._power(channel, True)

    def _lift(self, relay: int) -> None:
        self._endings.pop(relay, lambda: None)()
        self._set(relay, False)

    def _end(self, channel: int) -> None:
        # Whatever is wrong is remembered, and told to the next caller.
        with suppress(RigError):
            self.release(channel)


def _wiring(
    rig: str, options: Options, relays: int, default_touch: tuple[int, ...] | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which relays touch and which cut power.

    Raises:
        OptionWrong: one is none, or does both.
    """
    powering = options.numbers("power", "", relays)
    candidates = range(1, relays + 1) if default_touch is None else default_touch
    rest = ",".join(str(relay) for relay in candidates if relay not in powering)
    touching = options.numbers("touch", rest, relays)
    both = sorted(set(touching) & set(powering))
    if both:
        raise OptionWrong(rig, "touch", f"relay {both[0]} cuts power already.")
    return touching, powering
