"""What the drivers of relay boxes share: relays that the host times, as touches and as power.

Which relay does what is an option. A touch channel closes its relay's normally open contact for as
long as it lasts. A power channel is wired to the normally closed contact, so its relay is on while
power is off, and a box without power, or one that was never spoken to, leaves the key with power.

A relay box has no watchdog: when the host dies in the middle of a touch, the finger stays down, and
power that is off stays off, until the box is unplugged or the next run begins.

Options of all of them:
    touch: the relays that touch, such as `1,2`; their order is that of the channels. All that do
        not switch power.
    power: the relays that cut power; none.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress

from mfalab.devices.rig.errors import OptionWrong, RigError
from mfalab.devices.rig.options import Options
from mfalab.devices.rig.rig import Function, Rig
from mfalab.devices.rig.timing import Timing

__all__ = ["RelayRig", "wiring"]


class RelayRig(Rig):
    """A box of relays.

    Args:
        name: what to call it.
        touch: the relay of each touch channel.
        power: the relay of each power channel.
        timing: what waits.
    """

    def __init__(
        self, name: str, touch: tuple[int, ...], power: tuple[int, ...], timing: Timing
    ) -> None:
        super().__init__(name)
        self._touching = touch
        self._powering = power
        self._timing = timing
        self._endings: dict[int, Callable[[], None]] = {}

    @property
    def functions(self) -> Mapping[Function, int]:
        """What its relays were said to do."""
        return {Function.TOUCH: len(self._touching), Function.POWER: len(self._powering)}

    @abstractmethod
    def _set(self, relay: int, on: bool) -> None:
        """Switch a relay, counted from 1."""

    @abstractmethod
    def _get(self, relay: int) -> bool | None:
        """Whether a relay is on; None when the box cannot tell."""

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
        # Whatever is wrong is remembered, and told to whoever uses the rig next.
        with suppress(RigError):
            self.release(channel)


def wiring(
    rig: str, options: Options, relays: int, *, touch: str | None = None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Read which relays touch and which cut power.

    Args:
        rig: whose, for errors.
        options: the driver's.
        relays: how many there are.
        touch: those that touch, as far as they do not switch power, when nothing is said; None
            for all.

    Raises:
        OptionWrong: one is none, or does both.
    """
    powering = options.numbers("power", "", relays)
    candidates = range(1, relays + 1) if touch is None else map(int, touch.split(","))
    rest = ",".join(str(relay) for relay in candidates if relay not in powering)
    touching = options.numbers("touch", rest, relays)
    both = sorted(set(touching) & set(powering))
    if both:
        raise OptionWrong(rig, "touch", f"relay {both[0]} cuts power already.")
    return touching, powering
