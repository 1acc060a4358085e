"""What a run says on a terminal or into a pipe, event by event.

On a terminal: a progress bar with counts, and failures as they come. In a pipe: failures and
one summary line, with `-v` a line per case, with `-q` the summary only. Both print the same
account of a failure.
"""

import os
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, TextIO

from mfalab.simulator.report.builder import CaseBuilder
from mfalab.simulator.report.differences import FAULT, Differences
from mfalab.simulator.report.fields import as_text
from mfalab.simulator.report.model import SIMULATED, Case, Verdict
from mfalab.simulator.report.text import counts_text, duration_text, failure_account, printable

if TYPE_CHECKING:
    from rich.progress import TaskID

OWN = "embedded"
"""The system under test that the scenarios state."""
_SGR = {
    Verdict.PASSED: "32",
    Verdict.FAILED: "1;31",
    Verdict.ERROR: "1;31",
    Verdict.INTERRUPTED: "1;35",
    Verdict.SKIPPED: "33",
}


class _Screen(Protocol):
    """Where finished text goes, and how far the run is."""

    def write(self, text: str) -> None:
        """Write whole lines; they stay."""

    def progress(self, done: int, planned: int, counts: Mapping[Verdict, int]) -> None:
        """Say how far the run is."""

    def close(self) -> None:
        """Take the progress away."""


class TerminalReporter:
    """Follows the events of a run and writes what a person wants to know.

    Args:
        stream: Where to write.
        verbosity: -1 for the summary only, 0 for failures, 1 for one line per case.
        colour: Whether to colour; None means on a terminal unless `NO_COLOR` is set.
        is_tty: Whether a person is watching, so that a progress bar makes sense.
    """

    def __init__(
        self, stream: TextIO, *, verbosity: int = 0, colour: bool | None, is_tty: bool
    ) -> None:
        self._verbosity = verbosity
        self._colour = is_tty and not os.environ.get("NO_COLOR") if colour is None else colour
        bar = is_tty and verbosity >= 0
        self._screen: _Screen = _Bar(stream, self._colour) if bar else _Plain(stream)
        self._open: dict[str, CaseBuilder] = {}
        self._counts: Counter[Verdict] = Counter()
        self._planned = 0
        self._true_ns = 0
        self._wall_ns: int | None = None
        self._summarised = False
        self._target = OWN
        self._differences = Differences()

    def event(self, event: Mapping[str, object]) -> None:
        """Take the next event of the run, an object as written to the event log.

        Raises:
            EventError: The event does not fit the schema.
        """
        match event["kind"]:
            case "run_started":
                self._begin(as_text(event.get("bench", SIMULATED)))
                self._target = as_text(event.get("target", OWN))
                self._planned = int(as_text(event["cases"]))
                self._screen.progress(0, self._planned, self._counts)
            case "run_finished":
                self._wall_ns = int(as_text(event["wall_duration_ns"]))
                self._summarise()
            case "case_started":
                self._open[as_text(event["case"])] = CaseBuilder(event)
            case "case_finished":
                builder = self._open.pop(as_text(event["case"]))
                builder.add(event)
                self._finish(builder.build())
            case "step_started" | "step_finished":
                self._open[as_text(event["case"])].add(event)
            case "note" if event.get("what") == FAULT:
                self._open[as_text(event["case"])].add(event)

    def _begin(self, bench: str) -> None:
        """Forget the run before, and say what stands for devices if that is not nothing."""
        if self._planned and not self._summarised:
            self._summarise()
        self._open.clear()
        self._counts.clear()
        self._differences = Differences()
        self._true_ns, self._wall_ns, self._summarised = 0, None, False
        if bench != SIMULATED and self._verbosity >= 0:
            self._screen.write(f"on {printable(bench)}\n")

    def close(self) -> None:
        """Take the progress bar away and, if the run was interrupted, say how far it came."""
        self._summarise()
        self._screen.close()

    def _finish(self, case: Case) -> None:
        self._counts[case.verdict] += 1
        self._true_ns += case.true_duration_ns
        if case.verdict.is_bad and self._target != OWN:
            self._differences.add(case)
        if case.verdict.is_bad and self._verbosity >= 0:
            self._screen.write(self._failure(case))
        elif self._verbosity > 0:
            why = f": {printable(case.why)}" if case.why else ""
            duration = duration_text(case.true_duration_ns)
            word = self._paint(f"{case.verdict.value:7}", _SGR[case.verdict])
            self._screen.write(f"{word} {printable(case.id)} ({duration}){why}\n")
        self._screen.progress(self._counts.total(), self._planned, self._counts)

    def _failure(self, case: Case) -> str:
        head = self._paint(f"{case.verdict.value:9}", _SGR[case.verdict])
        lines = [f"{head} {self._paint(printable(case.id), '1')}"]
        lines.append(f"{'':9} {printable(case.scenario)}")
        for label, text in failure_account(case):
            name = self._paint(f"{label:9}", "2")
            for index, part in enumerate(printable(text).split("\n")):
                lines.append(f"{name if index == 0 else ' ' * 9} {part}")
        return "\n".join(lines) + "\n\n"

    def _summarise(self) -> None:
        if self._summarised:
            return
        self._summarised = True
        self._screen.close()
        differences = self._differences.text()
        if differences and self._verbosity >= 0:
            self._screen.write(f"what {printable(self._target)} does otherwise:\n{differences}\n")
        text = counts_text(self._counts)
        missing = self._planned - self._counts.total()
        if self._wall_ns is None:
            text = f"interrupted: {text}, {missing} not finished"
            sgr = _SGR[Verdict.INTERRUPTED]
        else:
            text += f" in {duration_text(self._wall_ns)} (wall)"
            bad = any(verdict.is_bad for verdict in self._counts)
            sgr = _SGR[Verdict.FAILED if bad else Verdict.PASSED]
        if self._true_ns:
            text += f", {duration_text(self._true_ns)} of device life"
        self._screen.write(self._paint(text, sgr) + "\n")

    def _paint(self, text: str, sgr: str) -> str:
        return f"\x1b[{sgr}m{text}\x1b[0m" if self._colour and text.strip() else text


class _Plain:
    """A pipe or a file: text as it comes, no progress."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    def progress(self, done: int, planned: int, counts: Mapping[Verdict, int]) -> None:
        pass

    def close(self) -> None:
        pass


class _Bar:
    """A terminal: finished text scrolls above a progress bar."""

    def __init__(self, stream: TextIO, colour: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._console: Console = Console(
            file=stream, force_terminal=True, no_color=not colour, highlight=False
        )
        self._progress: Progress = Progress(
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            transient=True,
        )
        self._task: TaskID | None = None

    def write(self, text: str) -> None:
        from rich.text import Text

        self._console.print(Text.from_ansi(text), soft_wrap=True, end="")
        if not text.endswith("\n"):
            self._console.print()

    def progress(self, done: int, planned: int, counts: Mapping[Verdict, int]) -> None:
        bad = any(verdict.is_bad for verdict in counts)
        words = f"[{'red' if bad else 'green'}]{counts_text(counts) if done else 'starting'}[/]"
        if self._task is None:
            self._task = self._progress.add_task(words, total=planned)
            self._progress.start()
        self._progress.update(self._task, completed=done, total=planned, description=words)

    def close(self) -> None:
        self._progress.stop()
