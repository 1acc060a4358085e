"""The report of a run as one HTML file, in the style of the suites' report."""

from __future__ import annotations

import json
from pathlib import Path

from mfalab.simulator.conformance.report import as_plain, headline
from mfalab.simulator.conformance.run import Run
from mfalab.simulator.report.files import write_whole
from mfalab.simulator.report.page import EntriesPage, packed, texts_of


def write_html(run: Run, path: Path) -> None:
    """Write the report as one self-contained HTML file; an existing file is replaced."""
    write_whole(path, render_html(run))


def render_html(run: Run) -> str:
    """The report as the text of one self-contained HTML file."""
    return EntriesPage(
        mark="conformance of a key",
        section="tests",
        headline=headline(run),
        foot=(
            "Times are those of the key's bench: virtual for a simulated key, the wall's for a "
            "real one. PINs, tokens and keys are masked in traces."
        ),
        style=texts_of("report/report.css", "conformance/conformance.css"),
        programs=["conformance/conformance.js"],
        data=packed(json.dumps(as_plain(run), ensure_ascii=False, separators=(",", ":")).encode()),
    ).render()
