"""The command `fleet`: a study of many tokens over years."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import click

from mfalab.simulator.cli.cluster import the_cluster
from mfalab.simulator.cli.common import (
    A_FILE,
    FORMAT,
    INTERRUPTED,
    NOT_READY,
    PASSED,
    gathered,
    not_ready,
    option,
    print_json,
)
from mfalab.simulator.cli.endings import heeding
from mfalab.simulator.cli.outputs import errors_of_writing, require_writable

if TYPE_CHECKING:
    from mfalab.simulator.fleet.report import Cost
    from mfalab.simulator.fleet.results import Result
    from mfalab.simulator.fleet.simulate import Tallies
    from mfalab.simulator.fleet.study import Study


@dataclass(frozen=True, slots=True)
class _Changes:
    """What the command line says otherwise than the file."""

    tokens: str | None = option("--tokens", metavar="N", help="Tokens in a fleet.")
    fleets: str | None = option("--fleets", metavar="N", help="Fleets, for the quantiles.")
    years: str | None = option("--years", metavar="YEARS", help="How long, from the enrolment.")
    begins: str | None = option("--begins", metavar="MONDAY", help="Such as 2026-01-05.")
    crystal: str | None = option("--crystal", metavar="NAME", help="Make of all crystals.")
    climate: str | None = option("--climate", metavar="NAME", help="Climate, or 21 C.")
    habit: str | None = option("--habit", metavar="NAME", help="When people sign in.")
    shelf: str | None = option("--shelf", metavar="DURATION", help="Such as 0 d to 26 wk.")
    lost: str | None = option("--lost", metavar="SHARE", help="Lost in a year, such as 2 %.")
    policies: tuple[str, ...] = option(
        "--policy", multiple=True, metavar="PROFILE", help="To compare; may be repeated."
    )
    seed: str | None = option("--seed", metavar="N", help="All chance.")

    def told(self) -> dict[str, Any]:
        """The fields of a study that are given."""
        words = {name: getattr(self, name) for name in self.__dataclass_fields__}
        words["policies"] = list(self.policies) or None
        return {name: value for name, value in words.items() if value is not None}


@dataclass(frozen=True, slots=True)
class _Manner:
    """How a study is computed, and where it is written."""

    jobs: int | None = option(
        "-j", "--jobs", type=click.IntRange(1, 256), help="Threads; one for each processor."
    )
    html: Path | None = option("--html", type=A_FILE, metavar="FILE.html", help="HTML report.")
    parquet: Path | None = option(
        "--parquet", type=A_FILE, metavar="FILE.parquet", help="Aggregates by fleet and month."
    )
    scheduler: str | None = option(
        "--scheduler",
        metavar="URL",
        help="Compute on the Dask cluster of tcp://HOST:PORT, in place of threads here.",
    )
    double: bool = option("--double", is_flag=True, help="Double precision; slower.")


@click.command(name="fleet")
@click.argument("path", type=A_FILE, required=False, metavar="[STUDY.fleet.yaml]")
@gathered(_Changes, "changes")
@gathered(_Manner, "manner")
@FORMAT
def fleet_command(path: Path | None, changes: _Changes, manner: _Manner, form: str) -> None:
    """Study many tokens over years: how many fall out of the window, and what that costs.

    Everything can be said in a file or by options; without either it is a fleet of 10,000
    quartz fobs in an office. Needs the extra fleet: pip install 'mfalab[fleet]'.

    Exits with 0 when all tokens were simulated, 130 when interrupted (what is written then is
    marked as partial), 2 for a study that is wrong, 3 when an extra is missing, or a scheduler or
    its workers are (what they computed is written as partial).
    """
    from mfalab.simulator.fleet.compiled import ExtraMissing, require_extra
    from mfalab.simulator.fleet.reading import BadOption, read_study

    try:
        study = read_study(path, changes.told())
    except BadOption as mistake:
        raise click.UsageError(str(mistake)) from None
    try:
        require_extra()
    except ExtraMissing as missing:
        not_ready(str(missing))
    if manner.scheduler is not None and manner.jobs is not None:
        raise click.UsageError("-j is of this machine: leave it out with --scheduler")
    for output in (manner.html, manner.parquet):
        if output is not None:
            require_writable(output)
    started = perf_counter(), process_time()
    result, code = _run(study, manner)
    cost = _cost_since(*started)
    _write(result, cost, manner)
    if form == "json":
        from mfalab.simulator.fleet.results import summary

        print_json(summary(result))
    else:
        _print(result)
        click.echo(cost.text(result))
        for what, output in (("report", manner.html), ("aggregates", manner.parquet)):
            if output is not None:
                click.echo(f"{what}: {output}")
    sys.exit(code)


def _cost_since(wall: float, processor: float) -> Cost:
    """What was spent since."""
    from mfalab.simulator.fleet.report import Cost

    return Cost(perf_counter() - wall, process_time() - processor, _resident_bytes())


def _resident_bytes() -> int:
    """The most memory that was resident; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _write(result: Result, cost: Cost, manner: _Manner) -> None:
    """The files that were asked for, also of a part of a study."""
    from mfalab.simulator.fleet.report import render, windows_study
    from mfalab.simulator.fleet.results import Result, write_parquet
    from mfalab.simulator.fleet.simulate import simulate
    from mfalab.simulator.report.files import write_whole

    if manner.parquet is not None:
        with errors_of_writing(manner.parquet):
            write_parquet(result, manner.parquet)
    if manner.html is not None:
        windows = None
        if result.complete:
            compared = windows_study(result.study)
            *_, last = simulate(compared, threads=manner.jobs)
            windows = Result.of(compared, last)
        with errors_of_writing(manner.html):
            write_whole(manner.html, render(result, windows, cost))


def _run(study: Study, manner: _Manner) -> tuple[Result, int]:
    """All of a study, or what there is of it when it ends before, and the exit code."""
    from mfalab.simulator.fleet.results import Result
    from mfalab.simulator.fleet.simulate import nothing, simulate
    from mfalab.simulator.scheduling.workers import SchedulingFailed

    last: Tallies = nothing(study)
    steps = simulate(
        study,
        workers=None if manner.scheduler is None else the_cluster(manner.scheduler),
        threads=manner.jobs,
        precision="double" if manner.double else None,
    )
    code = PASSED
    try:
        with _Progress(study) as progress:
            for last in heeding(steps):
                progress.show(last)
    except KeyboardInterrupt:
        steps.close()
        code = INTERRUPTED
    except SchedulingFailed as failure:
        click.echo(f"Error: {failure}", err=True)
        code = NOT_READY
    return Result.of(study, last), code


class _Progress:
    """A line on the terminal: how far, at which rate, and how long to go.

    Args:
        study: the study.
    """

    def __init__(self, study: Study) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._total = study.tokens * study.fleets
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} tokens"),
            BarColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=self._total, rate="")

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, tallies: Tallies) -> None:
        """Say how far the study is."""
        elapsed = self._bar.tasks[0].elapsed or 0.0
        rate = f"{tallies.logins / elapsed / 1e6:,.0f} M logins/s" if elapsed > 0 else ""
        self._bar.update(self._task, completed=tallies.tokens, rate=rate)


_HEADS = ("policy", "refused", "resyncs", "lockouts", "fallen out", "first refusal", "guessed")


def _print(result: Result) -> None:
    """The comparison of policies, as a table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    study = result.study
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    tokens = result.tallies.tokens
    head = f"{study.study}\n{study.fleets} x {study.tokens:,} tokens, {study.years:g} years"
    if not result.complete:
        of = study.tokens * study.fleets
        head += f"\nPARTIAL: interrupted after {tokens:,} of {of:,} tokens"
    console.print(Text(head))
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in _HEADS:
        table.add_column(column, justify="left" if column == "policy" else "right")
    for policy in result.policies():
        first = policy.days_to_first[1]
        table.add_row(
            Text(policy.name),
            *(
                f"{policy.per_thousand_a_year(name):,.1f}"
                for name in ("refused", "resyncs", "lockouts", "fallen_out")
            ),
            "-" if first is None else f"{first} d",
            f"{policy.exposure.in_a_year:.2g}",
        )
    console.print(table)
    console.print(
        Text(
            "per 1,000 tokens and year; first refusal: half of all tokens by then; guessed: chance "
            f"in a year at {study.attacker.guesses_a_day:g} guesses a day"
        )
    )


COMMANDS = {"fleet": fleet_command}
