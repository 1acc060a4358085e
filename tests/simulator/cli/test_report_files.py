"""Reports are made while a run goes on, and hold what they show and no more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mfalab.simulator.cli.report_files import ReportFiles
from mfalab.simulator.eventlog import encode
from mfalab.simulator.report import RunsBuilder, read_runs
from mfalab.simulator.report.model import Case as ReportedCase
from mfalab.simulator.runner import run
from mfalab.simulator.scenario_files.loader import Case


def test_reports_are_made_of_cases_of_which_their_names_and_verdicts_are_held(
    shipped_cases: list[Case], tmp_path: Path
) -> None:
    lines = [encode(event) for event in run(shipped_cases[:3])]
    page, xml = tmp_path / "a.html", tmp_path / "a.xml"
    files = ReportFiles(page, xml)
    builder = RunsBuilder(files.keep)
    for line in lines:
        builder.add(json.loads(line))
    report = builder.build()
    whole = read_runs(lines)
    assert report.counts == whole.counts
    assert [case.id for case in report.cases] == [case.id for case in whole.cases]
    for case in report.cases:
        assert [*case.steps, *case.events, *case.clocks, *case.lanes, *case.measurements] == []
    assert files.write(report) == [xml, page]
    assert xml.read_text().count("<testcase ") == 3


@pytest.mark.parametrize("wanted", ["a.html", "a.xml"])
def test_a_report_that_is_not_wanted_is_not_made(tmp_path: Path, wanted: str) -> None:
    paths = {"a.html": (tmp_path / "a.html", None), "a.xml": (None, tmp_path / "a.xml")}
    files = ReportFiles(*paths[wanted])
    builder = RunsBuilder(files.keep)
    builder.add({"kind": "run_started", "seed": 1, "mfalab": "1", "cases": 0, "wall_ns": 1})
    assert [path.name for path in files.write(builder.build())] == [wanted]
    assert [path.name for path in tmp_path.iterdir()] == [wanted]


def test_keep_leaves_what_counts(drift_case: ReportedCase) -> None:
    kept = ReportFiles(None, None).keep(0, drift_case)
    assert (kept.id, kept.verdict, kept.why) == (drift_case.id, drift_case.verdict, drift_case.why)
    assert (kept.file, kept.wall_duration_ns) == (drift_case.file, drift_case.wall_duration_ns)


@pytest.fixture
def drift_case(shipped_cases: list[Case]) -> ReportedCase:
    """A case as it is read from a log."""
    lines = [encode(event) for event in run(shipped_cases[:1])]
    return read_runs(lines).cases[0]
