"""The files that commands make of runs, while these are read or go on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mfalab.simulator.cli.outputs import errors_of_writing, require_writable
from mfalab.simulator.report import HtmlReport, JUnitReport, Report
from mfalab.simulator.report.model import Case


class ReportFiles:
    """An HTML page and a JUnit file, as far as they are wanted; both are tried at once.

    Args:
        html: where the page is to be.
        junit: where the XML is to be.
    """

    def __init__(self, html: Path | None, junit: Path | None) -> None:
        made = ((junit, JUnitReport()), (html, HtmlReport()))
        self._files = [(path, file) for path, file in made if path is not None]
        for path, _ in self._files:
            require_writable(path)

    def keep(self, run: int, case: Case) -> Case:
        """Take a case; what is left of it is enough to count and to compare runs."""
        for _, file in self._files:
            file.add(run, case)
        return replace(case.without_story(), steps=())

    def write(self, report: Report) -> list[Path]:
        """Write the files about the runs whose cases were taken, and say which."""
        for path, file in self._files:
            with errors_of_writing(path):
                file.write(report, path)
        return [path for path, _ in self._files]
