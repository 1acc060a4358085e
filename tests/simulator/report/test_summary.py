"""A run's summary for programs has each case's verdict and why."""

import io
import json

from mfalab.simulator.report import SummaryReporter, read_events


def summed(lines):
    stream = io.StringIO()
    reporter = SummaryReporter(stream)
    for event in read_events(lines, "log"):
        reporter.event(event)
    reporter.close()
    return json.loads(stream.getvalue())


def test_it_has_the_run_and_each_case(as_run, failing_events):
    told = summed(as_run(failing_events))
    assert (told["interrupted"], told["failed"], told["bench"]) == (False, 1, "simulated")
    (case,) = told["cases"]
    assert case["verdict"] == "failed"
    assert case["step"]["why"] in case["why"]
    assert case["step"]["expected"]
    assert case["reproduce"].startswith("mfalab run ")


def test_a_case_that_was_cut_off_is_there(as_run, drift_events):
    told = summed(as_run(drift_events[:40], killed=True))
    assert (told["interrupted"], [case["verdict"] for case in told["cases"]]) == (
        True,
        ["interrupted"],
    )


def test_several_runs_are_a_list(two_runs_log):
    told = summed(two_runs_log)
    assert [run["interrupted"] for run in told] == [False, False, True]
    assert all(run["cases"] for run in told)


def test_a_hostile_title_is_ascii_json(as_run, hostile_events):
    (case,) = summed(as_run(hostile_events))["cases"]
    assert "\ud83d" in case["scenario"]
