"""A simulated board behind a pseudo-terminal: a true path for programs that want a serial port.

It has the shape of the other ways to a simulated device, so that one loop serves a key and the rig
that touches it (`mfalab.devices.transports.sockets.serve`).
"""

from __future__ import annotations

import os
import tty
from contextlib import suppress
from pathlib import Path

from mfalab.devices.rig.board import SimulatedBoard

_PART = 4096


class LinkTaken(OSError):
    """A link to the terminal that cannot be made, because something else is there.

    Args:
        link: the path.
    """

    def __init__(self, link: str) -> None:
        super().__init__(link)
        self.link = link

    def __str__(self) -> str:
        return f"{self.link} exists already. Remove it if nothing uses it, or choose another path."


class PtyBoard:
    """A board behind a pseudo-terminal.

    A board that is unplugged hangs up on a program that has the terminal open, as a real one does;
    plugged in again, it has another terminal, and the link leads there.

    Args:
        board: the board.
        link: a symbolic link to make, so that the path is known beforehand; one that leads nowhere
            is replaced.

    Raises:
        LinkTaken: something else is at `link`.
    """

    def __init__(self, board: SimulatedBoard, link: Path | None = None) -> None:
        self.board = board
        self._link = link
        self._unsent = bytearray()
        # The number that the loop watches stays the same: a pipe that never says anything takes
        # the place of the terminal while the board is unplugged.
        self._quiet, self._quiet_end = os.pipe()
        self._number = os.dup(self._quiet)
        self._terminal = -1
        self._path = ""
        try:
            self.send()
        except BaseException:
            self.close()
            raise

    @property
    def path(self) -> str:
        """The terminal's path; empty while the board is unplugged."""
        return self._path

    def fileno(self) -> int:
        """The terminal's other end; -1 when closed."""
        return self._number

    def receive(self) -> None:
        """Pass what has come to the board."""
        try:
            data = os.read(self._number, _PART)
        except OSError:
            return
        if self.board.plugged:
            self._unsent += self.board.feed(data)
        self.send()

    def send(self) -> None:
        """Pass on what the board has said; follow it when it is plugged in or out."""
        if self.board.plugged != bool(self._path):
            if self.board.plugged:
                self._connect()
            else:
                self._hang_up()
        try:
            while self._unsent:
                del self._unsent[: os.write(self._number, self._unsent)]
        except OSError:
            self._unsent.clear()  # no program reads: as on any serial line, it is lost

    def close(self) -> None:
        """Hang up and remove the link; closing twice does no harm."""
        if self._number < 0:
            return
        self._hang_up()
        for number in (self._number, self._quiet, self._quiet_end):
            os.close(number)
        self._number = -1

    def _connect(self) -> None:
        ours, theirs = os.openpty()
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        os.dup2(ours, self._number, inheritable=False)
        os.close(ours)
        # Held open, so that clients may come and go without hanging up on us.
        self._terminal = theirs
        self._path = os.ttyname(theirs)
        if self._link is not None:
            # Left by a process that was killed: it leads nowhere, or by chance to our terminal.
            if self._link.is_symlink() and (
                not self._link.exists() or self._link.readlink() == Path(self._path)
            ):
                self._link.unlink()
            try:
                self._link.symlink_to(self._path)
            except FileExistsError:
                self._hang_up()
                raise LinkTaken(str(self._link)) from None

    def _hang_up(self) -> None:
        if not self._path:
            return
        self._unsent.clear()
        os.dup2(self._quiet, self._number, inheritable=False)
        os.close(self._terminal)
        with suppress(OSError):
            if self._link is not None and self._link.readlink() == Path(self._path):
                self._link.unlink()
        self._path = ""
