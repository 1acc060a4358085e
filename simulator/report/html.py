"""The HTML report of runs: a page that holds its data, its program and Chart.js."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from mfalab.simulator.report.files import write_whole
from mfalab.simulator.report.model import SIMULATED, Case, Report
from mfalab.simulator.report.pack import Packer
from mfalab.simulator.report.page import EntriesPage, PackedData, packed, texts_of
from mfalab.simulator.report.text import counts_text, printable

_CHART = "django/static/chartkick/Chart.bundle.js"
_PROGRAMS = ("axis.js", "timeline.js", "plots.js", "compare.js", "report.js")


class HtmlReport:
    """The HTML report of runs, made while they are read: of a case, what the page shows is held."""

    def __init__(self) -> None:
        self._data = PackedData()
        self._packer = Packer(self._data.write)

    def add(self, run: int, case: Case) -> None:
        """Take the next case, of the run with that number, from 0."""
        self._packer.add(run, case)

    def render(self, report: Report) -> str:
        """The text of the page, once all cases of the report were taken."""
        self._packer.close(report)
        chart, element = chart_library()
        return EntriesPage(
            mark="report",
            section="scenarios",
            headline=_headline(report),
            foot=(
                "Times are true time in UTC. Charts: Chart.js, MIT licence, carried inside this "
                "file."
            ),
            style=texts_of("report/report.css"),
            programs=[f"report/{name}" for name in _PROGRAMS],
            data=self._data.close(),
            library=chart,
            library_element=element,
        ).render()

    def write(self, report: Report, path: Path) -> None:
        """Write it as one self-contained HTML file; an existing file is replaced."""
        write_whole(path, self.render(report))


def _headline(report: Report) -> str:
    """Whether all ran, the counts, and the bench if it is one that is not simulated."""
    benches = {run.bench for run in report.runs} - {SIMULATED}
    on = f" on {printable(benches.pop())}" if len(benches) == 1 else ""
    ended = "interrupted: " if report.interrupted else ""
    return ended + counts_text(report.counts) + on


@cache
def chart_library() -> tuple[str, str]:
    """The chart library, and the elements that carry it with its licence."""
    bundle = (files("chartkick") / _CHART).read_bytes()
    text = bundle.decode()
    element = (
        f"<!-- The next block is this library, gzip and base64:\n{_licence(text)}\n-->\n"
        f'<script type="application/octet-stream" id="chart">{packed(bundle)}</script>\n'
    )
    return text, element


def _licence(bundle: str) -> str:
    """The licence comment with which the bundle begins, made safe inside an HTML comment."""
    comment = bundle[: bundle.index("*/") + 2] if bundle.startswith("/*") else ""
    return comment.replace("--", "- -")
