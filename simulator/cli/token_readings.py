"""The options of `token measure` that add readings to its file, and how they are added."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfalab.simulator.cli.common import A_FILE, INTERRUPTED, not_ready, option
from mfalab.simulator.cli.outputs import errors_of_writing
from mfalab.simulator.cli.quantities import SPAN

if TYPE_CHECKING:
    from mfalab.devices.otp.seed import OtpSeed
    from mfalab.simulator.twin.readings import CodeReading, ReadingsFile, Temperature

_RIG_READINGS = 100


@dataclass(frozen=True, slots=True)
class Readings:
    """The file of readings, and who adds to it."""

    path: Path = option(
        "--file",
        type=A_FILE,
        required=True,
        metavar="FILE.csv",
        help="The readings: time,code[,temperature]. New ones are added to it.",
    )
    manual: bool = option(
        "--manual", is_flag=True, help="Add readings: type what the display shows."
    )
    port: str | None = option(
        "--rig",
        metavar="PORT",
        help="Add readings: a rig reads the display. Its port, or a URL of pyserial.",
    )
    channel: int = option("--channel", type=click.IntRange(1), default=1, help="The rig's display.")
    watch: bool = option(
        "--watch", is_flag=True, help="Wait for the code to change: sharper by far."
    )
    count: int | None = option(
        "--readings",
        type=click.IntRange(1),
        help="How many readings to add; a person can end at any time.",
    )
    every_ns: int = option(
        "--every", type=SPAN, default="1 h", help="From one reading of a rig to the next, about."
    )
    reaction_ns: int | None = option(
        "--reaction",
        type=SPAN,
        help="How long after it was seen a typed code arrives at most: 10 s, or 1 s with --watch.",
    )

    uncertainty_ns: int = option(
        "--uncertainty",
        type=SPAN,
        default="1 s",
        help="How far the times of the file may be off, where it does not say.",
    )

    @property
    def grow(self) -> bool:
        """Whether readings are to be added."""
        return self.manual or self.port is not None

    def check(self) -> None:
        """Refuse options that do not go together."""
        if self.manual and self.port is not None:
            raise click.UsageError("--manual or --rig, one at a time")
        if self.watch and not self.grow:
            raise click.UsageError("--watch goes with --manual or --rig")

    def read(self, seed: OtpSeed) -> tuple[list[CodeReading], list[Temperature]]:
        """The readings and temperatures that are in the file.

        Raises:
            UsageError: it cannot be read.
            ProblemsFound: it is wrong.
        """
        from mfalab.simulator.twin.readings import Timing, read_readings

        if not self.path.exists():
            raise click.UsageError(
                f"there is no {self.path}. Read codes into it with --manual or --rig, or write it "
                "yourself: time,code in the first line, then a line for each reading."
            )
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise click.UsageError(f"cannot read {self.path}: {error}") from None
        timing = Timing(self.uncertainty_ns, self.uncertainty_ns)
        return read_readings(text, name=str(self.path), digits=seed.digits, timing=timing)

    def count_of(self, seed: OtpSeed) -> int:
        """How many readings the file has; none if it is empty or not there yet."""
        if not self.path.exists() or not self.path.stat().st_size:
            return 0
        return len(self.read(seed)[0])

    def add(self, seed: OtpSeed, already: int) -> None:
        """Add readings to the file, each at once; an interrupt ends the command.

        Args:
            seed: of the token.
            already: how many readings the file has.
        """
        from mfalab.simulator.twin.readings import ReadingsFile

        try:
            with errors_of_writing(self.path), ReadingsFile(self.path) as file:
                if self.manual:
                    self._by_person(file, seed, already)
                else:
                    self._by_rig(file, seed, already)
        except KeyboardInterrupt:
            there = f"{len(self.read(seed)[0])} readings are in {self.path}"
            _say(f"\ninterrupted: {there}; the same command goes on")
            sys.exit(INTERRUPTED)

    def _by_person(self, file: ReadingsFile, seed: OtpSeed, already: int) -> None:
        from mfalab.simulator.clocks.durations import NS_PER_S
        from mfalab.simulator.clocks.wall import WALL
        from mfalab.simulator.twin.collecting import by_person
        from mfalab.simulator.twin.matching import verdict_on
        from mfalab.simulator.twin.readings import Timing

        reaction_ns = self.reaction_ns
        if reaction_ns is None:
            reaction_ns = NS_PER_S if self.watch else 10 * NS_PER_S
        _say(
            f"{already} readings are in {file.path}. A typed code counts as seen up to "
            f"{reaction_ns / NS_PER_S:g} s before its line arrives."
        )
        reaction = Timing(reaction_ns, 0)
        typed = by_person(_ask, _say, WALL, digits=seed.digits, reaction=reaction, watch=self.watch)
        for number, (reading, celsius) in enumerate(islice(typed, self.count), already + 1):
            file.add(reading, celsius)
            _say(f"reading {number}: {verdict_on(reading, seed)}")

    def _by_rig(self, file: ReadingsFile, seed: OtpSeed, already: int) -> None:
        from mfalab.devices.rig.errors import RigError
        from mfalab.devices.rig.opening import open_rig
        from mfalab.devices.rig.ports import RigSpec
        from mfalab.simulator.clocks.durations import NS_PER_S
        from mfalab.simulator.clocks.wall import WALL
        from mfalab.simulator.twin.collecting import DisplayUnread, RigReader
        from mfalab.simulator.twin.matching import verdict_on

        wanted = self.count or _RIG_READINGS
        reader = RigReader(
            lambda: open_rig(RigSpec("rig", "scpi", port=self.port), clock=WALL),
            self.channel,
            WALL,
            seed.digits,
            seed.period_s * NS_PER_S,
            self.every_ns,
        )
        readings = reader.changes() if self.watch else reader.readings()
        try:
            for number, reading in enumerate(islice(readings, wanted), 1):
                file.add(reading)
                where = f"reading {already + number} ({number} of {wanted})"
                _say(f"{where}: {verdict_on(reading, seed)}")
        except (RigError, DisplayUnread) as error:
            not_ready(f"{error} The readings so far are in {file.path}.")


def _ask(prompt: str) -> str | None:
    click.echo(f"{prompt}: ", nl=False, err=True)
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None


def _say(text: str) -> None:
    click.echo(text, err=True)
