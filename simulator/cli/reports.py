"""The commands about event logs: reports of runs, and what changed between two of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from mfalab.simulator.cli.common import A_FILE, FAILED, FORMAT, PASSED, print_json

if TYPE_CHECKING:
    from mfalab.simulator.report import Report, SummaryReporter, TerminalReporter
    from mfalab.simulator.report.builder import Keep
    from mfalab.simulator.report.model import Run

_A_LOG = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("logs", nargs=-1, required=True, type=_A_LOG)
@click.option("--html", type=A_FILE, metavar="FILE.html", help="HTML report.")
@click.option("--junit", type=A_FILE, metavar="FILE.xml", help="JUnit XML.")
@FORMAT
def report(logs: tuple[Path, ...], html: Path | None, junit: Path | None, form: str) -> None:
    """Make reports from event logs; several logs become one report, side by side.

    \b
    mfalab report simulated.jsonl hidraw.jsonl nfc.jsonl --html all.html
    """
    from mfalab.simulator.cli.report_files import ReportFiles
    from mfalab.simulator.report import SummaryReporter, TerminalReporter, comparison

    files = ReportFiles(html, junit)
    made = _read(logs, files.keep)
    for target in files.write(made):
        click.echo(str(target), err=form == "json")
    if form == "json":
        _follow(logs, SummaryReporter(sys.stdout))
    elif html is None and junit is None:
        _follow(logs, TerminalReporter(sys.stdout, colour=None, is_tty=False))
        if len(made.runs) > 1:
            click.echo(f"\n{comparison(made)}", nl=False)


@click.command()
@click.argument("before", type=_A_LOG)
@click.argument("after", type=_A_LOG)
@click.option(
    "--slower",
    type=click.FloatRange(1, min_open=True),
    default=2.0,
    show_default=True,
    metavar="FACTOR",
    help="How many times the wall time of a case makes it slower (by half a second at least).",
)
@FORMAT
def compare(before: Path, after: Path, slower: float, form: str) -> None:
    """Say what changed from one run to another, by their event logs.

    \b
    mfalab run my/suites --log before.jsonl
    mfalab run my/suites --log after.jsonl
    mfalab compare before.jsonl after.jsonl

    A case got worse when it newly failed, no longer runs, or is slower. That it newly passed, newly
    runs, or meets another refusal is told, too. A log of several runs stands for its last one.

    Exits with 0 when nothing got worse, and with 1 when something did.
    """
    from mfalab.simulator.report.changes import changes, changes_text

    runs = _last_run(before), _last_run(after)
    found = changes(*runs, slower=slower)
    worse = any(each.change.is_worse for each in found)
    if form == "json":
        told = [
            {
                "case": each.case,
                "change": each.change.value,
                "worse": each.change.is_worse,
                "before": each.before,
                "after": each.after,
                "reproduce": each.reproduce,
            }
            for each in found
        ]
        print_json({"worse": worse, "changes": told})
    else:
        click.echo(changes_text(*runs, found), nl=False)
    sys.exit(FAILED if worse else PASSED)


def _last_run(log: Path) -> Run:
    return _read((log,), lambda run, case: case.without_story()).runs[-1]


def _read(logs: tuple[Path, ...], keep: Keep) -> Report:
    """The runs of logs with what is kept of each case, or one clear error."""
    from mfalab.simulator.report import LogError, read_logs

    with ExitStack() as stack:
        try:
            return read_logs([(str(log), stack.enter_context(_opened(log))) for log in logs], keep)
        except LogError as error:
            raise click.UsageError(str(error)) from None


def _follow(logs: tuple[Path, ...], reporter: TerminalReporter | SummaryReporter) -> None:
    """Tell logs that were read already like runs that go on."""
    from mfalab.simulator.report import read_events

    for log in logs:
        with _opened(log) as lines:
            for event in read_events(lines, str(log)):
                reporter.event(event)
    reporter.close()


@contextmanager
def _opened(log: Path) -> Iterator[TextIO]:
    """A log's lines, which only newlines end; a killed run may have cut a character in two."""
    try:
        lines = log.open(encoding="utf-8-sig", errors="replace", newline="\n")
    except OSError as error:
        raise click.UsageError(f"cannot read {log}: {error.strerror}") from None
    with lines:
        yield lines


COMMANDS = {"report": report, "compare": compare}
"""Each command by its name."""
