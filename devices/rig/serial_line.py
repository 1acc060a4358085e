"""A serial line to a rig: pyserial, with its failures told as the rig's.

Any URL that pyserial knows will do: a device's path, `simrig://bench1` for a board in this process,
`socket://` and `rfc2217://` for one at another host, `spy://` to see the wire.
"""

from __future__ import annotations

import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES, EAGAIN, EBUSY, ENODEV, ENOENT, ENXIO, EPERM
from typing import Any

import serial

import mfalab.devices.rig.protocol_simrig  # noqa: F401 - makes simrig:// known to pyserial
from mfalab.devices.rig.errors import (
    OptionWrong,
    PortUnclear,
    RigBusy,
    RigGarbled,
    RigGone,
    RigSilent,
)
from mfalab.devices.rig.ports import serial_ports

_LONGEST_ANSWER = 4096
_SHOWN = 60
"""How much of an answer that is none goes into the error."""


class SerialLine:
    """One serial line.

    Args:
        rig: whose it is, for errors.
        port: a port or URL.
        baudrate: its speed, where there is one.
        timeout_ms: how long an answer may take.
    """

    def __init__(
        self, rig: str, port: str, *, baudrate: int = 115_200, timeout_ms: int = 1000
    ) -> None:
        self.rig = rig
        self.port = port
        self.timeout_ms = timeout_ms
        self._baudrate = baudrate
        self._serial: Any = None

    def open(self, *, rts: bool = True, dtr: bool = True) -> None:
        """Open it for ourselves alone.

        Args:
            rts: the level of RTS from the start.
            dtr: the level of DTR from the start; Linux raises both for a moment anyway.

        Raises:
            OptionWrong: it is no URL that pyserial knows.
            PortUnclear: it is not there or may not be opened.
            RigBusy: another program holds it.
        """
        timeout_s = self.timeout_ms / 1000
        try:
            port = serial.serial_for_url(
                self.port,
                self._baudrate,
                timeout=timeout_s,
                write_timeout=timeout_s,
                do_not_open=True,
            )
            if "://" not in self.port:
                port.exclusive = True
            port.rts, port.dtr = rts, dtr
            port.open()
        except ValueError as error:
            raise OptionWrong(self.rig, "port", f"{error}.") from error
        except (OSError, termios.error) as error:
            raise self._not_opened(error) from error
        self._serial = port

    def close(self) -> None:
        """Close it, whatever its state."""
        line, self._serial = self._serial, None
        if line is not None:
            with suppress(OSError, termios.error):
                line.close()

    def forget_input(self) -> None:
        """Drop what was received and not read.

        Raises:
            RigGone: the port is gone.
        """
        with self._failures() as line:
            line.reset_input_buffer()

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            RigGone: the port is gone.
            RigSilent: it takes nothing more.
        """
        with self._failures() as line:
            try:
                line.write(data)
            except serial.SerialTimeoutException:
                raise RigSilent(self.rig, _shown(data), self.timeout_ms) from None

    def read_line(self, command: str, end: bytes = b"\n") -> bytes:
        """The next line, without its end.

        Args:
            command: what it should answer, for errors.
            end: how it ends.

        Raises:
            RigGone: the port is gone.
            RigSilent: nothing came in time.
            RigGarbled: it did not end in time, or not at all.
        """
        with self._failures() as line:
            got = bytes(line.read_until(end, _LONGEST_ANSWER))
            # What has come in time counts, however late this process gets to read it.
            while got and not got.endswith(end) and len(got) < _LONGEST_ANSWER and line.in_waiting:
                got += line.read_until(end, _LONGEST_ANSWER - len(got))
        if not got:
            raise RigSilent(self.rig, command, self.timeout_ms)
        if not got.endswith(end):
            raise RigGarbled(self.rig, command, got[:_SHOWN], False)
        return got.removesuffix(end)

    def read(self, command: str, size: int) -> bytes:
        """So many bytes.

        Raises:
            RigGone: the port is gone.
            RigSilent: nothing came in time.
            RigGarbled: fewer came.
        """
        with self._failures() as line:
            got = bytes(line.read(size))
        if not got:
            raise RigSilent(self.rig, command, self.timeout_ms)
        if len(got) < size:
            raise RigGarbled(self.rig, command, got, False)
        return got

    def set_lines(self, *, rts: bool | None = None, dtr: bool | None = None) -> None:
        """Set the levels of the modem lines.

        Raises:
            RigGone: the port is gone.
        """
        with self._failures() as line:
            if rts is not None:
                line.rts = rts
            if dtr is not None:
                line.dtr = dtr

    def garbled(self, command: str, answer: bytes) -> RigGarbled:
        """The error for an answer that is none."""
        return RigGarbled(self.rig, command, answer[:_SHOWN], True)

    @contextmanager
    def _failures(self) -> Iterator[Any]:
        if self._serial is None:
            raise RigGone(self.rig, "the port is closed")
        try:
            yield self._serial
        except (OSError, termios.error) as error:
            raise RigGone(self.rig, _said(error)) from error

    def _not_opened(self, error: Exception) -> PortUnclear | RigBusy:
        number = error.args[0] if error.args and isinstance(error.args[0], int) else None
        if number in {EAGAIN, EBUSY}:
            return RigBusy(self.rig, self.port)
        present = tuple(map(str, serial_ports()))
        if number in {ENOENT, ENODEV, ENXIO}:
            return PortUnclear(
                self.rig, f"is said to be on {self.port}, which is not there", present
            )
        if number in {EACCES, EPERM}:
            return PortUnclear(
                self.rig,
                f"is on {self.port}, which this user may not open (the group that owns it may, "
                "often dialout)",
                present,
            )
        return PortUnclear(self.rig, f"cannot be opened on {self.port} ({_said(error)})", present)


def _said(error: Exception) -> str:
    return str(error.args[-1] if error.args else error).strip().rstrip(".")


def _shown(data: bytes) -> str:
    return data[:_SHOWN].decode("latin-1").strip()
