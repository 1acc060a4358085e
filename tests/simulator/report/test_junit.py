"""JUnit XML has pytest's names and survives every text."""

import subprocess
import sys
from textwrap import dedent
from xml.etree import ElementTree as ET

import pytest

from mfalab.simulator.report import read_runs


@pytest.fixture
def written(junit):
    def write(lines):
        return ET.fromstring(junit(read_runs(lines)).encode())

    return write


def _case(root, name):
    return next(case for case in root.iter("testcase") if case.get("name") == name)


def test_classname_and_name_are_those_that_pytest_writes(written, sample_log):
    case = _case(written(sample_log), "fob_drift[20 ppm]")
    assert case.get("classname") == "scenarios.drift.fob_drift.scenario.yaml"
    assert case.get("file") == "scenarios/drift/fob_drift.scenario.yaml"


@pytest.mark.slow
def test_pytest_itself_gives_the_same_names(tmp_path, written, as_run, drift_events):
    (tmp_path / "conftest.py").write_text(
        dedent("""
        import pytest

        class File(pytest.File):
            def collect(self):
                yield Item.from_parent(self, name="fob_drift[45 ppm]")

        class Item(pytest.Item):
            def runtest(self):
                pass

        def pytest_collect_file(file_path, parent):
            if file_path.name.endswith(".scenario.yaml"):
                return File.from_parent(parent, path=file_path)
        """)
    )
    folder = tmp_path / "scenarios" / "drift"
    folder.mkdir(parents=True)
    (folder / "fob_drift.scenario.yaml").touch()
    command = [sys.executable, "-m", "pytest", "--junitxml=theirs.xml", "-p", "no:mfalab"]
    subprocess.run([*command, "scenarios"], cwd=tmp_path, check=True, capture_output=True)
    theirs = next(ET.parse(tmp_path / "theirs.xml").getroot().iter("testcase"))
    ours = next(written(as_run(drift_events)).iter("testcase"))
    for attribute in ("classname", "name"):
        assert ours.get(attribute) == theirs.get(attribute)


def test_an_absolute_path_below_the_current_folder_is_made_relative(
    written, as_run, drift_events, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    drift_events[0]["file"] = str(tmp_path / "suites" / "a.scenario.yaml")
    case = next(written(as_run(drift_events)).iter("testcase"))
    assert case.get("classname") == "suites.a.scenario.yaml"


def test_a_suite_counts_its_cases(written, sample_log):
    (suite,) = written(sample_log)
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped", "time")}
    assert counts == {
        "tests": "15",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
        "time": "4.100",
    }


def test_measurements_are_properties(written, sample_log):
    case = _case(written(sample_log), "sms_late")
    properties = {item.get("name"): item.get("value") for item in case.iter("property")}
    assert properties["measurement.delivery, slowest"] == "1020.0 s (marginal, limit <= 1200 s)"
    assert properties["true_time"] == "17.4 min"


def test_a_failure_tells_step_expected_got_beliefs_and_how_to_reproduce(written, sample_log):
    (failure,) = written(sample_log).iter("failure")
    text = failure.text
    for part in (
        "6 sign_in, scenarios/drift/fob_drift.scenario.yaml:17",
        "- {do: sign_in, who: alice, with: fob}",
        "expected  accepted",
        "got       InvalidAuthenticationCode",
        "fob: 2027-04-06T09:29:13Z, step 60233457 (+1553.",
        "verifier: 2027-04-06T09:03:20Z",
        "mfalab run scenarios --case 'drift/fob_drift[45 ppm]' --seed 7",
    ):
        assert part in text


def test_control_characters_and_surrogates_are_spelt_out(written, as_run, hostile_events):
    (error,) = written(as_run(hostile_events)).iter("error")
    assert '<script>alert("x")</script>' in error.text
    assert "#x1B[31mred#x07" in error.text
    assert "#xD83D" in error.text


def test_several_runs_are_several_suites_and_a_killed_case_is_an_error(written, two_runs_log):
    root = written(two_runs_log)
    assert [suite.get("name") for suite in root] == [f"mfalab run {n}" for n in (1, 2, 3)]
    (error,) = root[2].iter("error")
    assert "killed" in error.get("message")
