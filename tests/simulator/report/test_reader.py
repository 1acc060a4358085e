"""Event logs are read into runs, whole or cut, and a bad line is one clear error."""

import io
import json
import pickle

import pytest

from mfalab.simulator.report import LogError, read_runs
from mfalab.simulator.report.model import Decision, Note, Verdict, Window

DAY_NS = 86_400_000_000_000


def test_a_run_keeps_seed_version_and_wall_time(sample_log):
    (run,) = read_runs(sample_log).runs
    assert (run.seed, run.version, run.planned, run.wall_duration_ns) == (
        "7",
        "0.1.0",
        15,
        4_100_000_000,
    )
    assert not run.interrupted


def test_cases_keep_their_order_and_verdicts(sample_log):
    report = read_runs(sample_log)
    assert report.cases[0].id == "enrolment/enable_ok"
    assert report.counts == {
        Verdict.PASSED: 12,
        Verdict.FAILED: 1,
        Verdict.ERROR: 1,
        Verdict.SKIPPED: 1,
    }


def test_steps_know_their_source_times_and_outcomes(as_run, drift_events):
    (case,) = read_runs(as_run(drift_events)).cases
    wait, refused = case.steps[2:4]
    assert wait.text == "- {do: wait, for: 400 d}"
    assert wait.end_ns - wait.start_ns == 400 * DAY_NS
    assert (refused.expected, refused.outcome) == (
        "refused: InvalidAuthenticationCode",
        "InvalidAuthenticationCode",
    )
    assert case.true_duration_ns > 420 * DAY_NS


def test_events_belong_to_the_step_in_which_they_happen(as_run, drift_events):
    (case,) = read_runs(as_run(drift_events)).cases
    kinds = [(type(event), event.step) for event in case.events]
    assert kinds[0] == (Note, 1)
    assert kinds.count((Decision, 4)) == 1
    assert [event.cause for event in case.events if isinstance(event, Window)] == [
        "enable",
        "resync",
    ]


def test_a_failed_case_names_its_step_and_what_the_clocks_believed(as_run, failing_events):
    (case,) = read_runs(as_run(failing_events)).cases
    assert case.verdict is Verdict.FAILED
    assert case.failed_step is not None
    assert case.failed_step.number == 6
    assert [(belief.lane, belief.offset_s is None) for belief in case.believed] == [
        ("fob", False),
        ("verifier", False),
    ]


def test_cases_of_a_parallel_run_may_be_interleaved(as_run, drift_events, failing_events):
    for event in failing_events:
        event["case"] = "other"
    pairs = zip(drift_events, failing_events, strict=False)
    mixed = [event for pair in pairs for event in pair]
    mixed += drift_events[len(failing_events) :] + failing_events[len(drift_events) :]
    first, second = read_runs(as_run(mixed)).cases
    assert (first.id, first.verdict) == ("drift/fob_drift[45 ppm]", Verdict.PASSED)
    assert (second.id, second.verdict) == ("other", Verdict.FAILED)


def test_a_killed_run_is_interrupted_and_so_is_its_unfinished_case(as_run, drift_events):
    report = read_runs(as_run(drift_events[:40], killed=True))
    assert report.runs[0].interrupted
    (case,) = report.cases
    assert case.verdict is Verdict.INTERRUPTED
    assert case.steps[-1].verdict is Verdict.INTERRUPTED
    assert "killed" in case.why


def test_a_cut_last_line_is_dropped(as_run, drift_events):
    lines = as_run(drift_events[:40], killed=True)
    whole = read_runs(lines)
    assert read_runs([*lines, '{"v": 1, "kind": "no']) == whole


def test_every_cut_of_a_log_is_readable(as_run, hostile_events):
    text = "".join(as_run(hostile_events))
    first = text.index("\n") + 1
    for end in range(first, len(text), 7):
        report = read_runs(io.StringIO(text[:end]))
        assert len(report.runs) == 1


def test_a_run_appended_to_a_cut_line_is_a_second_run(as_run, drift_events):
    log = "".join(as_run(drift_events[:40], killed=True)) + '{"v": 1, "kind": "clo'
    log += "".join(as_run(drift_events))
    first, second = read_runs(io.StringIO(log)).runs
    assert first.interrupted
    assert not second.interrupted


def test_the_same_case_of_several_runs_does_not_collide(two_runs_log):
    runs = read_runs(two_runs_log).runs
    verdicts = [[c.verdict for c in run.cases if c.id == "drift/fob_drift[45 ppm]"] for run in runs]
    assert verdicts == [[Verdict.FAILED], [Verdict.PASSED], [Verdict.PASSED]]
    assert [run.interrupted for run in runs] == [False, False, True]


@pytest.mark.parametrize("lines", [[], ["\n"], ['{"v":1,"kind":"run_st']])
def test_a_log_without_a_whole_event_is_an_error(lines):
    with pytest.raises(LogError, match=r"log:1: this .* (empty|no event)"):
        read_runs(lines)


def _with(event: dict[str, object], **changes: object) -> list[str]:
    return [json.dumps({**event, **changes}) + "\n"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"v": 2}, "schema version is 2, and this reader knows only 1"),
        ({"kind": "nonsense"}, 'kind "nonsense" is not in version 1'),
        ({"ts_ns": "soon"}, "\"ts_ns\" is 'soon', but must be an integer"),
        ({"case": "unheard"}, 'case "unheard" has not started'),
        ({"kind": "step_finished", "step": 9, "verdict": "passed"}, "was never started"),
        ({"kind": "case_finished", "verdict": "great"}, "must be one of passed, marginal"),
        ({"kind": "window"}, 'window has no field "lane"'),
    ],
)
def test_a_bad_line_is_one_error_with_file_and_line(as_run, drift_events, changes, words):
    lines = as_run(drift_events)
    bad = _with(json.loads(lines[2]), **changes)
    with pytest.raises(LogError) as caught:
        read_runs([*lines[:3], *bad, *lines[3:]], log="run.jsonl")
    assert str(caught.value).startswith("run.jsonl:4: ")
    assert words in str(caught.value)


def test_a_line_that_is_no_json_in_the_middle_is_an_error(tmp_path, as_run, drift_events):
    lines = as_run(drift_events)
    path = tmp_path / "run.jsonl"
    path.write_text("".join([*lines[:5], "oops\n", *lines[5:]]))
    with path.open() as file, pytest.raises(LogError) as caught:
        read_runs(file)
    assert str(caught.value).startswith(f"{path}:6: this line is not a JSON object")


def test_an_event_before_any_run_is_an_error(as_run, drift_events):
    with pytest.raises(LogError, match="before any run_started"):
        read_runs(as_run(drift_events)[1:])


def test_a_log_error_survives_pickling():
    error = LogError("run.jsonl", 4, "this line is odd")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.line) == (str(error), 4)
