"""The command `run`: runs cases, and writes what was asked for about them."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from mfalab.simulator.cli.bench import opened_bench
from mfalab.simulator.cli.cluster import the_cluster
from mfalab.simulator.cli.common import A_FILE, FAILED, FORMAT, PASSED, gathered, not_ready, option
from mfalab.simulator.cli.endings import heeding
from mfalab.simulator.cli.outputs import errors_of_writing, is_full, written
from mfalab.simulator.cli.selection import Selection
from mfalab.simulator.cli.target import the_target

if TYPE_CHECKING:
    from mfalab.simulator.eventlog import Event
    from mfalab.simulator.report import SummaryReporter, TerminalReporter

_SEED = 1


@dataclass(frozen=True, slots=True)
class _Manner:
    """How cases are run."""

    seed: int = option("--seed", type=int, default=_SEED, help="All chance.")
    jobs: int = option(
        "-j",
        "--jobs",
        type=click.IntRange(1, 256),
        default=1,
        show_default=False,
        help="Number of processes.",
    )
    scheduler: str | None = option(
        "--scheduler",
        metavar="URL",
        help="Run on the Dask cluster of tcp://HOST:PORT, in place of processes here.",
    )
    lab_file: Path | None = option(
        "--lab",
        type=A_FILE,
        metavar="LAB.yaml",
        help="Bench whose keys and tokens stand for the scenarios'.",
    )
    target: str | None = option(
        "--target",
        metavar="TARGET",
        help="System under test: embedded, otp:MODULE:NAME, otp:FILE.yaml, aws:URL, webauthn:URL.",
    )
    real_account: str | None = option(
        "--real-account",
        metavar="ACCOUNT_ID",
        help="The account at AWS, or elsewhere, that a target aws: may work in.",
    )
    dry_run: bool = option(
        "--dry-run", is_flag=True, help="List the calls to a target aws:, and send none."
    )
    exitfirst: bool = option("-x", "--exitfirst", is_flag=True, help="Stop at the first failure.")

    def require_alone(self, record: Path | None) -> None:
        """Refuse what needs this machine beside a scheduler."""
        for word, given in (
            ("-j", self.jobs > 1),
            ("--lab", self.lab_file is not None),
            ("--record", record is not None),
        ):
            if given:
                raise click.UsageError(f"{word} is of this machine: leave it out with --scheduler")


@dataclass(frozen=True, slots=True)
class _Outputs:
    """Where what happens is written."""

    log: Path | None = option("--log", type=A_FILE, metavar="FILE.jsonl", help="Event log.")
    junit: Path | None = option("--junit", type=A_FILE, metavar="FILE.xml", help="JUnit XML.")
    html: Path | None = option("--html", type=A_FILE, metavar="FILE.html", help="HTML report.")
    record: Path | None = option(
        "--record",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="FOLDER",
        help="Record what security keys say: pcapng files, and in the event log.",
    )
    show_secrets: bool = option(
        "--show-secrets", is_flag=True, help="Write seeds, codes and passwords unmasked."
    )

    def require_a_file_each(self) -> None:
        """Refuse two outputs in one file."""
        paths = [path.resolve() for path in (self.log, self.junit, self.html) if path is not None]
        if len(set(paths)) < len(paths):
            raise click.UsageError("--log, --junit and --html need a file each")


@dataclass(frozen=True, slots=True)
class _Display:
    """What is printed."""

    verbose: bool = option("-v", "--verbose", is_flag=True, help="A line for each case.")
    quiet: bool = option("-q", "--quiet", is_flag=True, help="The summary only.")

    def reporter(self, form: str) -> TerminalReporter | SummaryReporter:
        """The reporter for standard output."""
        from mfalab.simulator.report import SummaryReporter, TerminalReporter

        if form == "json":
            return SummaryReporter(sys.stdout)
        return TerminalReporter(
            sys.stdout,
            verbosity=1 if self.verbose else -1 if self.quiet else 0,
            colour=None,
            is_tty=sys.stdout.isatty(),
        )


@click.command(name="run")
@gathered(Selection, "selection")
@gathered(_Manner, "manner")
@gathered(_Outputs, "outputs")
@gathered(_Display, "display")
@FORMAT
def run_command(
    selection: Selection, manner: _Manner, outputs: _Outputs, display: _Display, form: str
) -> None:
    """Run scenarios: folders, files, or FILE::CASE; the shipped suites when none is named.

    With --target, what is not ours is tested; see docs/targets.md.

    Exits with 0 when all passed, 1 when something failed, 2 when a scenario or the lab file is
    wrong, 3 when the bench is not ready, or the system under test is not there, or not any more.
    """
    from mfalab.simulator.environment.target import TargetFailed, TargetGone
    from mfalab.simulator.runner import run
    from mfalab.simulator.scheduling.workers import SchedulingFailed

    if manner.scheduler is not None:
        manner.require_alone(outputs.record)
    if manner.lab_file is not None and manner.jobs > 1:
        raise click.UsageError("a bench serves one process: leave -j out with --lab")
    outputs.require_a_file_each()
    if outputs.show_secrets:
        os.umask(0o077)
    if manner.dry_run:
        _rehearse(selection, manner)
        return
    system = the_target(manner.target, manner.real_account, lab_file=manner.lab_file)
    if system.one_process and (manner.jobs > 1 or manner.scheduler is not None):
        several = "-j" if manner.scheduler is None else "--scheduler"
        raise click.UsageError(
            f"{system.label} is one world for all cases: leave {several} out with it"
        )
    cases = selection.cases(system.suite)
    lost = ""
    with ExitStack() as stack:
        bench = None
        if manner.lab_file is not None:
            bench = stack.enter_context(opened_bench(manner.lab_file, manner.seed))
        workers = None if manner.scheduler is None else the_cluster(manner.scheduler)
        results = _Results(stack, outputs, display.reporter(form))
        try:
            events = run(
                cases,
                seed=manner.seed,
                jobs=manner.jobs,
                stop_at_failure=manner.exitfirst,
                bench=bench,
                record=outputs.record,
                system=system,
                workers=workers,
            )
            # Closed at once when interrupted: what other processes have not begun is dropped.
            for event in heeding(stack.enter_context(closing(events))):
                results.add(event)
        except KeyboardInterrupt:
            raise click.exceptions.Abort from None
        except TargetGone as failure:
            lost = f"--target: {failure}"
        except TargetFailed as failure:  # interrupted, and not all that was made could be removed
            lost = str(failure)
        except SchedulingFailed as failure:
            if isinstance(failure.__cause__, OSError) and is_full(failure.__cause__):
                raise failure.__cause__ from None  # of the temporary folder
            lost = str(failure)
        finally:
            results.close()
    if form == "text":
        results.name_files()
    if lost:
        not_ready(lost)
    sys.exit(FAILED if results.failed else PASSED)


def _rehearse(selection: Selection, manner: _Manner) -> None:
    """List the calls that a run would send."""
    from mfalab.simulator.runner import case_events

    told = 0

    def tell(call: object) -> None:
        nonlocal told
        told += 1
        click.echo(str(call))

    system = the_target(manner.target, manner.real_account, tell, lab_file=manner.lab_file)
    cases = selection.cases(system.suite)
    skipped = 0
    for case in cases:
        *_, finished = case_events(case, manner.seed, system=system)
        skipped += finished["verdict"] == "skipped"
    played = len(cases) - skipped
    of = "1 case" if played == 1 else f"{played} cases"
    click.echo(f"{told} calls of {of}, {skipped} skipped; nothing was sent")


class _Results:
    """What a run has said so far, written to the log, the terminal and at the end to reports.

    Args:
        stack: closes the log.
        outputs: where to write; every file is tried at once.
        reporter: writes to standard output.
    """

    def __init__(
        self, stack: ExitStack, outputs: _Outputs, reporter: TerminalReporter | SummaryReporter
    ) -> None:
        from mfalab.simulator.cli.report_files import ReportFiles
        from mfalab.simulator.report import RunsBuilder

        self._outputs = outputs
        self._reporter = reporter
        self._log: TextIO | None = None
        self.failed = False
        if outputs.log is not None:
            self._log = stack.enter_context(written(outputs.log))
        self._files = ReportFiles(outputs.html, outputs.junit)
        self._run: RunsBuilder | None = None
        if outputs.html is not None or outputs.junit is not None:
            self._run = RunsBuilder(self._files.keep)

    def add(self, event: Event) -> None:
        """Take the next event of the run; no more is held of it than the reports show."""
        from mfalab.simulator.eventlog import encode

        if self._log is not None or self._run is not None:
            line = encode(event, reveal=self._outputs.show_secrets)
        if self._log is not None and self._outputs.log is not None:
            with errors_of_writing(self._outputs.log):
                self._log.write(line + "\n")
                self._log.flush()
        if self._run is not None:
            self._run.add(json.loads(line))  # as one who reads the log does, with secrets masked
        self._reporter.event(event)
        if event["kind"] == "case_finished" and event["verdict"] in {"failed", "error"}:
            self.failed = True

    def close(self) -> None:
        """Write the reports, also those of a run that was interrupted."""
        # Files first: the reader of our output may be gone, and then closing the reporter fails.
        if self._run is not None and (report := self._run.build()).runs:
            self._files.write(report)
        self._reporter.close()

    def name_files(self) -> None:
        """Say where the files are."""
        outputs = self._outputs
        for what, path in (
            ("report", outputs.html),
            ("JUnit XML", outputs.junit),
            ("event log", outputs.log),
        ):
            if path is not None:
                click.echo(f"{what}: {path}")


COMMANDS = {"run": run_command}
"""Each command by its name."""
