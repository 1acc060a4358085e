"""What changed between two runs, by each way in which a case can change."""

from dataclasses import replace

import pytest

from mfalab.simulator.report import read_runs
from mfalab.simulator.report.changes import LEAST_SLOWER_NS, Change, changes, changes_text
from mfalab.simulator.report.model import Verdict

FACTOR = 2.0


@pytest.fixture
def run(as_run, drift_events):
    """A run of one case that passed."""
    (run,) = read_runs(as_run(drift_events)).runs
    return replace(run, cases=(replace(run.cases[0], verdict=Verdict.PASSED, why=""),))


def changed(run, **fields):
    return replace(run, cases=tuple(replace(case, **fields) for case in run.cases))


def kinds(before, after):
    return [each.change for each in changes(before, after, slower=FACTOR)]


def test_a_run_is_like_itself(run):
    assert kinds(run, run) == []
    assert changes_text(run, run, ()) == "1 case: 0 worse, 0 otherwise changed, 1 alike\n"


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.ERROR, Verdict.INTERRUPTED])
def test_a_case_that_ends_badly_now_newly_failed(run, verdict):
    bad = changed(run, verdict=verdict, why="the fob is dead", reproduce="mfalab run x")
    (found,) = changes(run, bad, slower=FACTOR)
    assert (found.change, found.before, found.after, found.reproduce) == (
        Change.NEWLY_FAILED,
        "passed",
        f"{verdict}: the fob is dead",
        "mfalab run x",
    )
    assert kinds(bad, run) == [Change.NEWLY_PASSED]
    assert kinds(bad, bad) == []


def test_a_case_that_is_skipped_or_gone_no_longer_runs(run):
    skipped, gone = changed(run, verdict=Verdict.SKIPPED), replace(run, cases=())
    assert kinds(run, skipped) == kinds(run, gone) == [Change.NO_LONGER_RUN]
    assert kinds(skipped, run) == kinds(gone, run) == [Change.NEWLY_RUN]
    assert kinds(skipped, gone) == kinds(gone, skipped) == []


def test_a_new_case_that_fails_is_worse(run):
    bad = changed(run, verdict=Verdict.FAILED)
    assert kinds(replace(run, cases=()), bad) == [Change.NEWLY_FAILED]


def test_the_first_other_outcome_is_told_with_its_step(run):
    steps = tuple(replace(step, outcome="AccessDenied") for step in run.cases[0].steps)
    (found,) = changes(run, changed(run, steps=steps), slower=FACTOR)
    first = run.cases[0].steps[0]
    assert (found.change, found.before, found.after) == (
        Change.OTHER_REFUSAL,
        f"step {first.number}: {first.outcome}",
        f"step {first.number}: AccessDenied",
    )
    assert not found.change.is_worse


def test_a_case_is_slower_by_factor_and_by_half_a_second(run):
    def at(wall_ns):
        return changed(run, wall_duration_ns=wall_ns)

    assert kinds(at(1), at(LEAST_SLOWER_NS + 1)) == []
    assert kinds(at(1), at(LEAST_SLOWER_NS + 2)) == [Change.SLOWER]
    assert kinds(at(10 * LEAST_SLOWER_NS), at(20 * LEAST_SLOWER_NS)) == []
    assert kinds(at(10 * LEAST_SLOWER_NS), at(20 * LEAST_SLOWER_NS + 1)) == [Change.SLOWER]


def test_for_people_the_worst_come_first_and_are_counted(run):
    other = changed(run, id="other/case", verdict=Verdict.FAILED)
    before = replace(run, cases=run.cases + changed(other, verdict=Verdict.PASSED).cases)
    after = replace(run, cases=changed(run, verdict=Verdict.SKIPPED).cases + other.cases)
    text = changes_text(before, after, changes(before, after, slower=FACTOR))
    assert text.startswith("newly failed   other/case\n")
    assert text.endswith("\n2 cases: 2 worse, 0 otherwise changed, 0 alike\n")
