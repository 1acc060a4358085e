"""The records of a report: durations, labels, and cases side by side."""

from dataclasses import replace

import pytest

from mfalab.simulator.report.model import Agreement, Case, Lane, Report, Row, Run, Verdict

CASE = Case(
    id="t/case", file="t/case.yaml", name="case", params="", line=1, scenario="A case", topic="t",
    source="", tags=(), profile="", seed="1", start_ns=5, end_ns=12, verdict=Verdict.PASSED, why="",
    reproduce="", wall_duration_ns=1, lanes=(Lane("alice", "person", "Alice"),), steps=(),
    events=(), clocks=(), measurements=(), believed=(),
)  # fmt: skip


def case(verdict: Verdict, **changes: object) -> Case:
    return replace(CASE, verdict=verdict, **changes)


def run(*cases: Case, bench: str = "simulated", log: str = "", wall: int | None = 1) -> Run:
    return Run("1", "0", len(cases), 0, cases, wall, bench, log)


@pytest.mark.parametrize("verdict", Verdict)
def test_three_verdicts_need_attention(verdict):
    assert verdict.is_bad == (verdict.value in {"failed", "error", "interrupted"})


def test_a_case_lasts_from_its_start_to_its_end_and_names_its_lanes():
    assert CASE.true_duration_ns == 7
    assert (CASE.lane_label("alice"), CASE.lane_label("fob")) == ("Alice", "fob")
    assert CASE.failed_step is None


def test_a_run_without_an_end_was_interrupted():
    assert run(wall=None).interrupted
    assert not run().interrupted


@pytest.mark.parametrize(
    ("verdicts", "agreement"),
    [
        (("passed", "passed"), Agreement.ALIKE),
        (("skipped", "skipped"), Agreement.ALIKE),
        (("passed", "skipped"), Agreement.PARTIAL),
        (("passed", None), Agreement.PARTIAL),
        (("passed", "failed"), Agreement.PARTED),
        (("passed", "failed", None), Agreement.PARTED),
    ],
)
def test_verdicts_of_several_runs_agree_or_part(verdicts, agreement):
    cases = tuple(None if each is None else case(Verdict(each)) for each in verdicts)
    assert Row(cases).agreement is agreement


@pytest.mark.parametrize(
    ("runs", "labels"),
    [
        ([run(bench="a"), run(bench="b")], ("a", "b")),
        ([run(log="x/a.jsonl"), run(log="x/b.jsonl")], ("a.jsonl", "b.jsonl")),
        ([run(log="x/a.jsonl"), run(log="y/a.jsonl")], ("x/a.jsonl", "y/a.jsonl")),
        ([run(), run()], ("run 1", "run 2")),
    ],
)
def test_runs_are_called_by_what_tells_them_apart(runs, labels):
    assert Report(tuple(runs)).labels == labels


def test_two_cases_of_one_id_are_told_apart_by_their_files():
    other = replace(CASE, file="u/case.yaml")
    (first, second) = Report((run(CASE, other), run(other))).rows
    assert first.cases == (CASE, None)
    assert second.cases == (other, other)
    assert second.case is other


def test_counts_are_over_all_runs():
    report = Report((run(CASE, case(Verdict.FAILED)), run(CASE)))
    assert report.counts == {Verdict.PASSED: 2, Verdict.FAILED: 1}
    assert len(report.cases) == 3
