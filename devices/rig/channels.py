"""The channels of a simulated board: what hangs at each output, and what the board makes it do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

_NEVER = -1


class TouchChannel(Protocol):
    """What a finger is over."""

    def touch(self) -> object:
        """The finger comes down."""

    def release(self) -> object:
        """The finger goes up."""


class PowerChannel(Protocol):
    """What hangs on a switched port."""

    def power(self, on: bool) -> object:
        """The port's power changes."""


class NfcChannel(Protocol):
    """What lies on, or is moved to, a reader."""

    def field(self, on: bool) -> object:
        """The reader's field changes."""

    def present(self, on: bool) -> object:
        """The card is laid down or taken away."""


class DisplayChannel(Protocol):
    """What the camera looks at."""

    def show(self) -> object:
        """The token's button is pressed."""

    def read(self) -> tuple[str, float]:
        """The text on the display and how sure the camera is, from 0 to 1."""


class BoardTime(Protocol):
    """The time of the board that a channel is on."""

    def now_us(self) -> int:
        """Microseconds since it was plugged in."""

    def later(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Do something once that time has passed, unless the board is unplugged before."""


class Finger:
    """One touch channel: a pulse that is planned, under way, or over."""

    def __init__(self, channel: TouchChannel, board: BoardTime) -> None:
        self._channel = channel
        self._board = board
        self._plan = 0  # which plan the events on the agenda belong to
        self.busy = False
        self.down = False
        self.down_us = self.up_us = _NEVER

    def press(self, after_ms: int, for_ms: int) -> None:
        """Plan a pulse; it is `busy` from now on."""
        self._plan += 1
        self.busy = True
        self._at(after_ms, self._down)
        self._at(after_ms + for_ms, self.release)

    def release(self) -> None:
        """End the pulse, or forget the one that is planned."""
        self._plan += 1
        self.busy = False
        if self.down:
            self.down = False
            self.up_us = self._board.now_us()
            self._channel.release()

    def _down(self) -> None:
        self.down = True
        self.down_us, self.up_us = self._board.now_us(), _NEVER
        self._channel.touch()

    def _at(self, delay_ms: int, action: Callable[[], None]) -> None:
        plan = self._plan
        if delay_ms:
            self._board.later(delay_ms, lambda: action() if plan == self._plan else None)
        else:
            action()


class Switch:
    """One power channel."""

    def __init__(self, channel: PowerChannel, board: BoardTime) -> None:
        self._channel = channel
        self._board = board
        self._plan = 0
        self.on = True

    def set(self, on: bool) -> None:
        """Switch it; a cycle that is under way is over."""
        self._plan += 1
        if on != self.on:
            self.on = on
            self._channel.power(on)

    def cycle(self, off_ms: int) -> None:
        """Switch it off, and on again after that time."""
        self.set(False)
        plan = self._plan
        self._board.later(off_ms, lambda: self.set(True) if plan == self._plan else None)


class Reader:
    """One NFC channel."""

    def __init__(self, channel: NfcChannel) -> None:
        self._channel = channel
        self.field = True
        self.card = False

    def set_field(self, on: bool) -> None:
        """Switch the reader's field."""
        if on != self.field:
            self.field = on
            self._channel.field(on)

    def set_card(self, on: bool) -> None:
        """Lay the card down or take it away."""
        if on != self.card:
            self.card = on
            self._channel.present(on)
