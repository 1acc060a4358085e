"""The bench's hands at a real key: a channel of a rig for its touch, and one for its power.

A person is a rig too (driver `manual`), so nothing here asks who it is. A touch that is to come
later is on its way in a thread of its own and is called back when the key has given up before:
a touch that comes too late finds the key dark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Timer
from typing import Final

from mfalab.devices.ctap.ctaphid import HidCommand
from mfalab.devices.rig.rig import Rig
from mfalab.simulator.clocks.durations import NS_PER_MS, NS_PER_S

_BOARD_TIMES_IT_NS: Final = 200 * NS_PER_MS
"""A delay up to this is the board's; drivers without timing of their own block for so long."""
_INIT_PACKET: Final = 0x80
_UP_NEEDED: Final = 2
_CONDITIONS_NOT_SATISFIED: Final = b"\x69\x85"


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a rig, counted from 1."""

    rig: Rig
    number: int

    def __str__(self) -> str:
        return f"{self.rig.name}:{self.number}"


class Later:
    """Something that happens in a thread of its own after so much real time, unless called back.

    Args:
        after_ns: when.
        action: what.
    """

    def __init__(self, after_ns: int, action: Callable[[], object]) -> None:
        self._action = action
        self._failure: Exception | None = None
        self._timer = Timer(after_ns / NS_PER_S, self._act)
        self._timer.daemon = True
        self._timer.start()

    def call_back(self) -> None:
        """Keep it from happening if it has not; what went wrong when it has is raised here."""
        self._timer.cancel()
        self.await_it()

    def await_it(self) -> None:
        """Wait until it has happened or was called back; what went wrong is raised here."""
        self._timer.join()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _act(self) -> None:
        try:
            self._action()
        except Exception as error:
            self._failure = error


class Hand:
    """What touches a key.

    Args:
        channel: where its finger is.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._on_its_way: Later | None = None
        self._touching = False

    def reach(self, after_ns: int) -> None:
        """Touch the key after so long, unless it is withdrawn first.

        Raises:
            RigError: the rig cannot.
        """
        self.withdraw()
        if after_ns <= _BOARD_TIMES_IT_NS:
            self._touch(max(20, after_ns // NS_PER_MS))
        else:
            self._on_its_way = Later(after_ns, lambda: self._touch(0))

    def withdraw(self) -> None:
        """Call back a touch that is on its way, and end one that lasts: the key needs none now.

        Raises:
            RigError: the rig failed in the mean time.
        """
        coming, self._on_its_way = self._on_its_way, None
        if coming is not None:
            coming.call_back()
        if self._touching:
            self._touching = False
            self.channel.rig.release(self.channel.number)

    def _touch(self, after_ms: int) -> None:
        self._touching = True
        self.channel.rig.touch(self.channel.number, after_ms=after_ms)


class PromptWatch:
    """Sees in the reports of a key when it wants its user, and when it no longer does.

    A client of the U2F API asks again and again; to the user that is one prompt.

    Args:
        asked: called once when the key begins to blink.
        settled: called when the request has ended.
    """

    def __init__(self, asked: Callable[[], None], settled: Callable[[], None]) -> None:
        self._asked = asked
        self._settled = settled
        self._blinking = False

    def received(self, report: bytes) -> None:
        """Look at a report of the key."""
        command, length = report[4], int.from_bytes(report[5:7])
        if not command & _INIT_PACKET:
            return
        command &= ~_INIT_PACKET
        if command == HidCommand.KEEPALIVE:
            if report[7] == _UP_NEEDED:
                self.blink()
        elif command == HidCommand.MSG and report[7 : 7 + length] == _CONDITIONS_NOT_SATISFIED:
            self.blink()
        elif command != HidCommand.INIT:
            self.settle()

    def blink(self) -> None:
        """The key wants its user."""
        if not self._blinking:
            self._blinking = True
            self._asked()

    def settle(self) -> None:
        """The key no longer wants its user."""
        if self._blinking:
            self._blinking = False
            self._settled()
