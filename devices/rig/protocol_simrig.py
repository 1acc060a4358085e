"""Boards in this process behind URLs such as `simrig://bench1`, for pyserial.

pyserial finds this module by its name in any package of `serial.protocol_handler_packages`, where
importing it puts this one.

    with hosted("bench1", board):
        port = serial.serial_for_url("simrig://bench1", timeout=1)

Time is the board's: a read that waits lets the board's scheduler move on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import serial

from mfalab.devices.durations import NS_PER_S
from mfalab.devices.rig.board import BoardUnplugged, SimulatedBoard

_PACKAGE = "mfalab.devices.rig"

if _PACKAGE not in serial.protocol_handler_packages:
    serial.protocol_handler_packages.append(_PACKAGE)

_boards: dict[str, SimulatedBoard] = {}


@contextmanager
def hosted(name: str, board: SimulatedBoard) -> Iterator[str]:
    """Let a board be reached by its name for a while; gives its URL.

    Raises:
        ValueError: another one has the name.
    """
    if name in _boards:
        raise ValueError(f'"{name}" is the name of another board. Choose one that is free.')
    _boards[name] = board
    try:
        yield f"simrig://{name}"
    finally:
        del _boards[name]


class Serial(serial.SerialBase):  # type: ignore[misc] # pyserial carries no types
    """A port of pyserial with a simulated board behind it."""

    def open(self) -> None:
        """Take hold of the board.

        Raises:
            serial.SerialException: there is none of that name.
        """
        name = urlsplit(self.portstr).netloc
        board = _boards.get(name)
        if board is None or not board.plugged:
            raise serial.SerialException(f"no board {name!r} is plugged in here")
        self._board = board
        self._received = bytearray()
        self.is_open = True

    def close(self) -> None:
        """Let go of the board."""
        self.is_open = False

    def _reconfigure_port(self) -> None:
        """Nothing: there is no line whose speed could be set."""

    @property
    def in_waiting(self) -> int:
        """How many bytes can be read at once."""
        return len(self._received)

    def read(self, size: int = 1) -> bytes:
        """Bytes of the board's answers; fewer when the time is up.

        Raises:
            serial.SerialException: the board is gone.
        """
        self._require_open()
        time = self._board.scheduler
        if len(self._received) < size and self._timeout != 0 and self._board.plugged:
            until_ns = None
            if self._timeout is not None:
                until_ns = time.now_ns() + round(self._timeout * NS_PER_S)
                time.after(until_ns - time.now_ns(), lambda: None)

            def over() -> bool:
                late = until_ns is not None and time.now_ns() >= until_ns
                return late or len(self._received) >= size or not self._board.plugged

            time.wait_until(over, self._board)
        if not self._board.plugged:
            raise serial.SerialException("the board is gone")
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    def write(self, data: bytes) -> int:
        """Bytes for the board.

        Raises:
            serial.SerialException: the board is gone.
        """
        self._require_open()
        try:
            self._received += self._board.feed(bytes(data))
        except BoardUnplugged as error:
            raise serial.SerialException(str(error)) from error
        return len(data)

    def flush(self) -> None:
        """Nothing: what is written has arrived."""

    def reset_input_buffer(self) -> None:
        """Forget what can be read."""
        self._received.clear()

    def reset_output_buffer(self) -> None:
        """Nothing: what is written has arrived."""

    def _require_open(self) -> None:
        if not self.is_open:
            raise serial.PortNotOpenError
