"""What the drivers of switchable hubs share: power channels behind an external program.

A hub has no watchdog: power that is off when the host dies stays off until the hub loses its own
power or the next run begins. The program must be installed, and permitted to the user.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from abc import abstractmethod
from collections.abc import Mapping

from mfalab.devices.rig.errors import ToolFailed, ToolMissing, ToolNotPermitted
from mfalab.devices.rig.rig import Function, Rig
from mfalab.devices.rig.timing import Timing

_LONGEST_S = 10
_NOT_PERMITTED = re.compile(r"permission problems|access denied|\(null\)", re.IGNORECASE)
"""What uhubctl, libusb and ykushcmd say; the last lists a board that it cannot read so."""


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
        failure = None
        try:
            self._switch(channel, on)
        except ToolFailed as error:
            failure = error  # uhubctl may crash when it is done; what counts is the port
        if self._is_powered(channel) != on:
            raise failure or self._unlike(channel, f"did not switch {'on' if on else 'off'}")

    def _cycle(self, channel: int, off_ms: int) -> None:
        self._power(channel, False)
        self._timing.pause(off_ms)
        if self._is_powered(channel):
            # Hubs that are not wired for it, and kernels that resume a port, bring power back.
            raise self._unlike(channel, f"had power again before {off_ms} ms were over")
        self._power(channel, True)

    def _unlike(self, channel: int, what: str) -> ToolFailed:
        return ToolFailed(self.name, self._tool, 0, f"port {channel} {what}")

    def _run(self, *arguments: str) -> str:
        """What the program writes.

        Raises:
            ToolMissing: it is not installed.
            ToolNotPermitted: it may not reach the hub.
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
        if _NOT_PERMITTED.search(said):
            raise ToolNotPermitted(self.name, self._tool)
        if done.returncode:
            raise self._failed(done.returncode, said, *arguments)
        return said

    def _failed(self, status: int, said: str, *arguments: str) -> ToolFailed:
        lines = [text for text in map(str.strip, said.splitlines()) if text]
        line = shlex.join((self._tool, *arguments))
        return ToolFailed(self.name, line, status, lines[-1] if lines else "")
