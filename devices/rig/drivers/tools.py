"""What the drivers of switchable hubs share: power channels behind an external program.

A hub has no watchdog: power that is off when the host dies stays off until the hub loses its own
power or the next run begins. The program must be installed, and permitted to the user.
"""

from __future__ import annotations

import shlex
import subprocess
from abc import abstractmethod
from collections.abc import Mapping

from mfalab.devices.rig.errors import ToolFailed, ToolMissing
from mfalab.devices.rig.rig import Function, Rig
from mfalab.devices.rig.timing import Timing

_LONGEST_S = 10


class HubRig(Rig):
    """A hub whose ports a program switches.

    Args:
        name: what to call it.
        tool: the program, as a path or a name to be found.
        advice: where to get it, a sentence.
        timing: what waits.
    """

    def __init__(self, name: str, tool: str, advice: str, timing: Timing) -> None:
        super().__init__(name)
        self._tool = tool
        self._advice = advice
        self._timing = timing
        self._ports = 0

    @property
    def functions(self) -> Mapping[Function, int]:
        """Its ports."""
        return {Function.POWER: self._ports}

    @abstractmethod
    def _switch(self, port: int, on: bool) -> None:
        """Switch a port, counted from 1."""

    def _close(self) -> None:
        """Nothing: the program holds nothing between two calls."""

    def _safe(self) -> None:
        for port in range(1, self._ports + 1):
            self._power(port, True)

    def _power(self, channel: int, on: bool) -> None:
        self._switch(channel, on)
        if self._is_powered(channel) != on:
            what = f"port {channel} did not switch {'on' if on else 'off'}"
            raise ToolFailed(self.name, self._tool, 0, what)

    def _cycle(self, channel: int, off_ms: int) -> None:
        self._power(channel, False)
        self._timing.pause(off_ms)
        self._power(channel, True)

    def _run(self, *arguments: str) -> str:
        """What the program writes.

        Raises:
            ToolMissing: it is not installed.
            ToolFailed: it failed, or took too long.
        """
        line = (self._tool, *arguments)
        try:
            done = subprocess.run(  # noqa: S603 - the program that the lab file names
                line,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_LONGEST_S,
                check=False,
            )
        except (FileNotFoundError, PermissionError):
            raise ToolMissing(self.name, self._tool, self._advice) from None
        except subprocess.TimeoutExpired:
            raise ToolFailed(self.name, shlex.join(line), -1, "") from None
        said = done.stdout.decode(errors="replace")
        if done.returncode:
            raise self._failed(done.returncode, said, *arguments)
        return said

    def _failed(self, status: int, said: str, *arguments: str) -> ToolFailed:
        lines = [text for text in map(str.strip, said.splitlines()) if text]
        line = shlex.join((self._tool, *arguments))
        return ToolFailed(self.name, line, status, lines[-1] if lines else "")
