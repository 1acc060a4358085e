"""Several runs side by side: which case ended how on which bench."""

import io
import json
from xml.etree import ElementTree as ET

from mfalab.simulator.report import (
    TerminalReporter,
    comparison,
    read_logs,
    read_runs,
)
from mfalab.simulator.report.model import Agreement


def test_old_logs_are_simulated_and_others_say_their_bench(three_benches):
    report = read_logs(three_benches)
    assert [run.bench for run in report.runs] == [
        "simulated",
        "hid:/dev/hidraw0",
        "nfc:Virtual PCD",
    ]
    assert report.labels == ("simulated", "hid:/dev/hidraw0", "nfc:Virtual PCD")
    assert report.runs[1].cases[0].bench == "hid:/dev/hidraw0"
    assert report.runs[0].cases[0].bench == "simulated"


def test_equal_benches_are_told_apart_by_their_logs(three_benches):
    lines = three_benches[0][1]
    named = [("a/one.jsonl", lines), ("a/two.jsonl", lines), three_benches[1]]
    assert read_logs(named).labels == ("one.jsonl", "two.jsonl", "hid:/dev/hidraw0")
    alike = [("a/one.jsonl", lines), ("b/one.jsonl", lines)]
    assert read_logs(alike).labels == ("a/one.jsonl", "b/one.jsonl")
    assert read_logs([("a/one.jsonl", lines * 2)]).labels == ("run 1", "run 2")
    assert read_runs(lines * 2).labels == ("run 1", "run 2")


def test_each_case_is_one_row_with_its_agreement(three_benches):
    rows = read_logs(three_benches).rows
    assert [(row.case.id, row.agreement) for row in rows] == [
        ("keys/case_0", Agreement.ALIKE),
        ("keys/case_1", Agreement.PARTED),
        ("keys/case_2", Agreement.PARTIAL),
        ("keys/case_3", Agreement.PARTIAL),
    ]
    assert [case and case.verdict.value for case in rows[3].cases] == ["skipped", "skipped", None]


def test_a_case_is_the_same_wherever_its_file_lies(three_benches):
    (name, lines), other = three_benches[0], three_benches[1][1]
    moved = [line.replace("scenarios/keys", "/guest/scenarios/keys") for line in other]
    assert len(read_logs([(name, lines), ("guest.jsonl", moved)]).rows) == 4


def test_two_cases_of_one_id_in_one_run_go_by_their_files(as_run, three_benches):
    events = [line for line in three_benches[0][1] if '"case"' in line]
    first = [json.loads(line) for line in events]
    second = [event | {"file": "elsewhere.scenario.yaml"} for event in first]
    lines = as_run([*first, *second])
    assert len(read_runs(lines * 2).rows) == 8


def test_the_terminal_counts_runs_and_shows_where_they_part(three_benches):
    lines = comparison(read_logs(three_benches)).splitlines()
    assert lines[0].startswith("1  simulated         3 passed, 1 skipped in ")
    assert lines[1].startswith("2  hid:/dev/hidraw0  1 failed, 1 passed, 2 skipped in ")
    assert lines[4] == "4 cases: 1 alike, 1 parted, 2 not in all runs"
    assert [line.split() for line in lines[6:10]] == [
        ["1", "2", "3"],
        ["!", "keys/case_1", "passed", "failed", "passed"],
        ["keys/case_2", "passed", "skipped", "[1]", "skipped", "[2]"],
        ["keys/case_3", "skipped", "[3]", "skipped", "[1]", "not", "run"],
    ]
    assert lines[-3:] == [
        "[1] hid:/dev/hidraw0 cannot do it",
        "[2] nfc:Virtual PCD cannot do it",
        "[3] None cannot do it",
    ]


def test_runs_that_agree_need_no_table(three_benches):
    text = comparison(read_logs([three_benches[0]] * 2))
    assert text.endswith("\n\nall 4 cases ended alike\n")


def test_junit_has_a_suite_for_each_bench(three_benches, junit):
    suites = ET.fromstring(junit(read_logs(three_benches)).encode()).findall("testsuite")
    assert [suite.get("name") for suite in suites] == [
        "mfalab simulated",
        "mfalab hid:/dev/hidraw0",
        "mfalab nfc:Virtual PCD",
    ]
    assert [suite.get("skipped") for suite in suites] == ["1", "2", "1"]
    benches = [
        each.get("value") for each in suites[1].iter("property") if each.get("name") == "bench"
    ]
    assert benches == ["hid:/dev/hidraw0"]


def test_each_of_several_runs_is_summed_up_on_its_own(three_benches):
    out = io.StringIO()
    reporter = TerminalReporter(out, colour=False, is_tty=False)
    for _, lines in three_benches:
        for line in lines:
            reporter.event(json.loads(line))
    reporter.close()
    said = out.getvalue().splitlines()
    assert said[0].startswith("3 passed, 1 skipped in ")
    assert said[1] == "on hid:/dev/hidraw0"
    assert said[-2] == "on nfc:Virtual PCD"
    assert said[-1].startswith("2 passed, 1 skipped in ")
