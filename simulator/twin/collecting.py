"""Reads codes off a display, by a person or by a rig.

Codes are equally good at any moment, but not at any two: a rig that reads every hour sharp always
finds the same part of the time step. So its moments move on through the step by the golden section,
which leaves the smallest gaps after any number of readings. Between two readings it lets go of the
rig: others may want it, and a computer may sleep.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from math import sqrt
from typing import Protocol

from mfalab.devices.clock import Clock
from mfalab.devices.rig.rig import Reading, Rig
from mfalab.simulator.clocks.wall import Wall
from mfalab.simulator.twin.readings import CodeReading, Timing, is_code

LEAST_CONFIDENCE = 0.9
_TRIES = 5
_GOLDEN = (sqrt(5) - 1) / 2


class DisplayUnread(Exception):
    """A display that could not be read.

    Args:
        rig: the rig's name.
        trouble: what was seen instead of a code, in words.
    """

    def __init__(self, rig: str, trouble: str) -> None:
        super().__init__(rig, trouble)
        self.rig = rig
        self.trouble = trouble

    def __str__(self) -> str:
        return (
            f"rig {self.rig} could not read the display: {self.trouble}. "
            "Look at camera, light and token, and start the same command again."
        )


class Typed(Protocol):
    """A line that a person typed after a prompt; None at the end of the input."""

    def __call__(self, prompt: str) -> str | None:
        """The line."""
        ...


def by_person(
    ask: Typed,
    tell: Callable[[str], None],
    clock: Clock,
    *,
    digits: int,
    reaction: Timing,
    watch: bool,
) -> Iterator[tuple[CodeReading, float | None]]:
    """Readings that a person types, each with the temperature if one was typed behind the code.

    Args:
        ask: asks for a line.
        tell: says something.
        clock: true time.
        digits: how many digits a code has.
        reaction: when the code was there, counted from the arrival of the line.
        watch: whether the person presses Enter when the display changes, and types then.
    """
    while True:
        moment_ns = 0
        if watch:
            if ask("press Enter the moment the display changes") is None:
                return
            moment_ns = clock.now_ns()
        line = ask("the new code" if watch else "code on the display (Enter alone to end)")
        if not watch:
            moment_ns = clock.now_ns()
        if line is None or not line.strip():
            return
        code, celsius = _code_and_temperature(line, digits)
        if code is None:
            tell(f"a code has {digits} digits; a temperature in C may stand behind it")
            continue
        yield CodeReading(moment_ns, code, reaction, watch), celsius


def _code_and_temperature(line: str, digits: int) -> tuple[str | None, float | None]:
    """What was typed, `492039`, `492 039` or `492039 21.5`; no code if it is none."""
    parts = line.split()
    for number in range(1, len(parts) + 1):
        code = "".join(parts[:number])
        if not is_code(code, digits):
            continue
        rest = parts[number:]
        if not rest:
            return code, None
        try:
            return (code, float(rest[0].rstrip("°Cc"))) if len(rest) == 1 else (None, None)
        except ValueError:
            return None, None
    return None, None


@dataclass(frozen=True, slots=True)
class RigReader:
    """Reads a display through a rig, one reading every `every_ns` without an end.

    Args:
        opened: opens the rig.
        channel: of its displays.
        wall: true time, to look at and to wait by.
        digits: how many digits a code has.
        period_ns: the time step.
        every_ns: from one reading to the next, about.
    """

    opened: Callable[[], Rig]
    channel: int
    wall: Wall
    digits: int
    period_ns: int
    every_ns: int

    def readings(self) -> Iterator[CodeReading]:
        """Codes that were there, each at another part of the time step.

        Raises:
            RigError: what the rig says.
            DisplayUnread: what it read is no code, several times over.
        """
        return self._each(self._read, lambda number: round(number * _GOLDEN % 1.0 * self.period_ns))

    def changes(self) -> Iterator[CodeReading]:
        """Changes that the rig sees: it reads again and again until the code is another one.

        Raises:
            RigError: what the rig says.
            DisplayUnread: what it read is no code, or the display does not change.
        """
        return self._each(self._change, lambda _: 0)

    def _each(
        self, read: Callable[[Rig], CodeReading], shift_ns: Callable[[int], int]
    ) -> Iterator[CodeReading]:
        begun_ns = self.wall.now_ns()
        for number in count():
            due_ns = begun_ns + number * self.every_ns + shift_ns(number)
            self.wall.wait(max(0, due_ns - self.wall.now_ns()))
            with self.opened() as rig:
                reading = read(rig)
            yield reading

    def _change(self, rig: Rig) -> CodeReading:
        before = self._read(rig)
        give_up_ns = self.wall.now_ns() + 3 * self.period_ns
        while self.wall.now_ns() <= give_up_ns:
            after = self._read(rig)
            if after.code != before.code:
                # It was the old code at some moment of the reading before, the new one in this.
                early_ns = after.at_ns - before.first_ns
                return CodeReading(after.at_ns, after.code, Timing(early_ns, 0), changed=True)
            before = after
        raise DisplayUnread(rig.name, "the code has not changed in three time steps")

    def _read(self, rig: Rig) -> CodeReading:
        seen: Reading | None = None
        for _ in range(_TRIES):
            before_ns = self.wall.now_ns()
            rig.show(self.channel)
            seen = rig.read(self.channel)
            after_ns = self.wall.now_ns()
            code = "".join(seen.text.split())
            if is_code(code, self.digits) and seen.confidence >= LEAST_CONFIDENCE:
                return CodeReading(after_ns, code, Timing(after_ns - before_ns, 0))
        assert seen is not None
        if not seen.text.strip():
            raise DisplayUnread(rig.name, "it was dark")
        signs = len("".join(seen.text.split()))
        raise DisplayUnread(
            rig.name,
            f"{signs} signs instead of {self.digits} digits, certain to {seen.confidence:.0%}",
        )
