"""What a simulated board's channels are fitted to: a simulated key, a token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mfalab.devices.errors import DeviceError
from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.instrument import SIMULATED
from mfalab.devices.rig.rig import Identity
from mfalab.devices.schedule import Scheduler
from mfalab.devices.security_key import SecurityKey


class _Plugs(Protocol):
    def plug(self) -> None: ...
    def unplug(self) -> None: ...


class _Taps(Protocol):
    def tap(self) -> None: ...
    def lift(self) -> None: ...


def _unnoticed(_: DeviceError) -> None:
    """A board does not know what a key cannot do just now."""


class KeyTouch:
    """A finger over a key's sensor."""

    def __init__(self, key: SecurityKey) -> None:
        self._key = key

    def touch(self) -> None:
        """The finger comes down: a key that asks for a touch has got it."""
        self._key.touch()

    def release(self) -> None:
        """The finger goes up, which no key minds."""


class KeyPower:
    """A switched port with a key in it.

    Args:
        key: the key.
        refused: told why the key does not follow, as a broken one stays dark.
    """

    def __init__(self, key: _Plugs, refused: Callable[[DeviceError], object] = _unnoticed) -> None:
        self._key = key
        self._refused = refused

    def power(self, on: bool) -> None:
        """The port's power changes."""
        try:
            if on:
                self._key.plug()
            else:
                self._key.unplug()
        except DeviceError as error:
            self._refused(error)


class KeyOnReader:
    """A reader with a key that can be moved to it; power is where the field and the key meet.

    Args:
        key: the key.
        refused: told why the key does not follow.
    """

    def __init__(self, key: _Taps, refused: Callable[[DeviceError], object] = _unnoticed) -> None:
        self._key = key
        self._refused = refused
        self._field = True
        self._present = False

    def field(self, on: bool) -> None:
        """The reader's field changes."""
        self._field = on
        self._meet()

    def present(self, on: bool) -> None:
        """The key is laid down or taken away."""
        self._present = on
        self._meet()

    def _meet(self) -> None:
        try:
            if self._field and self._present:
                self._key.tap()
            else:
                self._key.lift()
        except DeviceError as error:
            self._refused(error)


class _Token(Protocol):
    """A token with a button and a display."""

    @property
    def display(self) -> str: ...

    def press(self) -> object: ...


class TokenDisplay:
    """A token in front of a camera.

    Args:
        token: a hardware token.
        confidence: how sure the camera is of what it reads.
    """

    def __init__(self, token: _Token, confidence: float = 1.0) -> None:
        self._token = token
        self._confidence = confidence

    def show(self) -> None:
        """The token's button is pressed."""
        self._token.press()

    def read(self) -> tuple[str, float]:
        """What the camera sees; a dark display is certainly dark."""
        return self._token.display, self._confidence


def board_for_key(
    key: SecurityKey, scheduler: Scheduler, *, identity: Identity = SIMULATED
) -> SimulatedBoard:
    """A board with one finger over a key and one switched port that the key is in.

    The key should be plugged in already, since a board's ports have power from the start.
    """
    return SimulatedBoard(
        scheduler, touch=[KeyTouch(key)], power=[KeyPower(key)], identity=identity
    )
