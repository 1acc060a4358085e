"""Driver `manual`: a person touches, replugs, moves cards and reads displays when told to.

A touch is told with a countdown, because a key waits for it some 30 s only, and no key waits for an
answer: the key itself shows when it was touched, and `release` ends the countdown. What the host
cannot see, power and cards, is asked for and confirmed by a line.

Options:
    channels: how many channels of each function; 8.
    patience_s: where the countdown of a touch begins; 30.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from mfalab.devices.durations import NS_PER_US
from mfalab.devices.rig.errors import PersonAway, RigError
from mfalab.devices.rig.keyboard import Keyboard
from mfalab.devices.rig.opening import Person
from mfalab.devices.rig.options import Options
from mfalab.devices.rig.ports import RigSpec
from mfalab.devices.rig.rig import Function, Identity, Reading, Rig
from mfalab.devices.rig.timing import Timing

_LONG_MS = 1000
"""From when on a touch is told with its length."""


class ManualRig(Rig):
    """A person.

    Args:
        name: what to call them.
        person: how they are told and asked.
        timing: what counts down.
        channels: how many channels of each function.
        patience_s: where the countdown of a touch begins.
    """

    def __init__(
        self, name: str, person: Person, timing: Timing, *, channels: int = 8, patience_s: int = 30
    ) -> None:
        super().__init__(name)
        self._person = person
        self._timing = timing
        self._channels = channels
        self._patience_s = patience_s
        self._countdowns: dict[int, Callable[[], None]] = {}
        self._off: set[int] = set()

    @property
    def functions(self) -> Mapping[Function, int]:
        """Everything."""
        return dict.fromkeys(Function, self._channels)

    def _open(self) -> None:
        """Nothing: people are there or are not."""

    def _close(self) -> None:
        for channel in tuple(self._countdowns):
            self._release(channel)

    def _identify(self) -> Identity:
        return Identity("", "a person", "", "")

    def _safe(self) -> None:
        self._close()
        for channel in sorted(self._off):
            self._power(channel, True)

    def _touch(self, channel: int, ms: int, after_ms: int) -> None:
        how = f" and keep the finger there for {ms / 1000:g} s" if ms >= _LONG_MS else ""
        self._release(channel)
        self._count(channel, f"Touch the key on channel {channel}{how}.", self._patience_s)

    def _hold(self, channel: int, ms: int) -> None:
        self._touch(channel, ms, 0)

    def _release(self, channel: int) -> None:
        self._countdowns.pop(channel, lambda: None)()

    def _power(self, channel: int, on: bool) -> None:
        if on:
            self._ask(f"Plug the key on channel {channel} in, then press Enter.")
            self._off.discard(channel)
        else:
            self._ask(f"Pull the key on channel {channel} out, then press Enter.")
            self._off.add(channel)

    def _is_powered(self, channel: int) -> bool:
        return channel not in self._off

    def _cycle(self, channel: int, off_ms: int) -> None:
        self._ask(
            f"Pull the key on channel {channel} out, wait {off_ms / 1000:g} s, plug it in again, "
            "then press Enter."
        )
        self._off.discard(channel)

    def _field(self, channel: int, on: bool) -> None:
        what = "on" if on else "off"
        self._ask(f"Switch the reader on channel {channel} {what}, then press Enter.")

    def _present(self, channel: int, on: bool) -> None:
        what = "Lay the card on" if on else "Take the card off"
        self._ask(f"{what} the reader on channel {channel}, then press Enter.")

    def _show(self, channel: int) -> None:
        self._person.tell(f"Press the button of the token on channel {channel}.", None)

    def _read(self, channel: int) -> Reading:
        text = self._ask(f"Type what the display on channel {channel} shows, then press Enter:")
        return Reading("".join(text.split()), 1.0, self._timing.now_ns() // NS_PER_US)

    def _ask(self, text: str) -> str:
        try:
            return self._person.ask(text)
        except EOFError:
            raise PersonAway(self.name, text) from None

    def _count(self, channel: int, text: str, left_s: int) -> None:
        self._person.tell(text, left_s)
        if left_s:
            self._countdowns[channel] = self._timing.later(
                1000, lambda: self._tick(channel, text, left_s - 1)
            )
        else:
            self._countdowns.pop(channel, None)

    def _tick(self, channel: int, text: str, left_s: int) -> None:
        with suppress(RigError), self._using():
            if channel in self._countdowns:
                self._count(channel, text, left_s)


def make(spec: RigSpec, timing: Timing, person: Person | None) -> ManualRig:
    """See `mfalab.devices.rig.opening.make_rig`."""
    options = Options(spec.name, spec.options)
    channels = options.number("channels", 8, 1, 64)
    patience_s = options.number("patience_s", 30, 1, 3600)
    options.end()
    someone = Keyboard() if person is None else person
    return ManualRig(spec.name, someone, timing, channels=channels, patience_s=patience_s)
