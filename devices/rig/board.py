"""A simulated board: what a rig's firmware does, with objects of the caller at its outputs.

It takes bytes and gives bytes; its time is a scheduler's. Touches are pulses that end by
themselves. A board that is watched (`SYST:WATC 15`) and hears no line for that long releases every
touch and restores all power, and says so as error -365 when it is next asked; so does one that
loses its own power, because its outputs fall back.

What is under way goes on while the next line is taken: a pulse is complete (`*OPC`) when it is
planned.
"""

from __future__ import annotations

from errno import ENODEV

from mfalab.devices.errors import DeviceError
from mfalab.devices.rig.commands import execute
from mfalab.devices.rig.instrument import Instrument
from mfalab.devices.rig.scpi import Code, Framing, LineReader, Refusal, Unit, read_units


class BoardUnplugged(DeviceError, OSError):
    """A board that has been pulled out.

    It is an `OSError` with `ENODEV`, which is what an operating system raises.

    Args:
        board: its serial number.
    """

    def __init__(self, board: str) -> None:
        super().__init__(board)
        self.errno = ENODEV
        self.board = board

    def __str__(self) -> str:
        return f"board {self.board} is not plugged in. Plug it in and open its port again."


class SimulatedBoard(Instrument):
    """One board, plugged in; see `Instrument` for its arguments."""

    def plug(self) -> None:
        """Plug it in; nothing happens when it is."""
        if not self.plugged:
            self._lines = LineReader()
        super().plug()

    def feed(self, data: bytes) -> bytes:
        """Take what came over the line, in any pieces; returns what it answers.

        Raises:
            BoardUnplugged: it is not plugged in.
        """
        with self.scheduler.guard:
            if not self.plugged:
                raise BoardUnplugged(self.identity.serial)
            said = b""
            for line in self._lines.feed(data):
                if line is Framing.DROPPED:
                    continue
                self.hear()
                if isinstance(line, bytes):
                    said += self._obey(line)
                else:
                    self.status.queue(Refusal(Code.INPUT_OVERRUN))
            return said

    def _obey(self, line: bytes) -> bytes:
        answers: list[str] = []
        for unit in read_units(line):
            self.status.answered = bool(answers)
            answer = execute(self, unit) if isinstance(unit, Unit) else unit
            if isinstance(answer, Refusal):
                self.status.queue(answer)
            elif answer is not None:
                answers.append(answer)
        if not answers or self.faults.silent:
            return b""
        said = ";".join(answers).encode() + b"\n"
        if self.faults.half_lines:
            said = said[: len(said) // 2]
        return self.faults.noise + said
