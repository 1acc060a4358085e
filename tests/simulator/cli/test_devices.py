"""`mfalab devices`: what is plugged in is listed, and how to use it."""

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mfalab.devices.rig import ports
from mfalab.simulator.cli import command
from mfalab.simulator.workbench import discovery
from mfalab.simulator.workbench.discovery import UDEV_RULE


def run(*words: str) -> Result:
    return CliRunner().invoke(command, ["devices", *words])


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with nothing plugged in."""
    monkeypatch.setattr(discovery, "find_keys", list)
    monkeypatch.setattr(discovery, "find_readers", lambda: ([], "pcscd does not run"))
    monkeypatch.setattr(ports, "serial_ports", list)


def test_where_nothing_is_plugged_in_it_says_so_and_why() -> None:
    lines = run().output.splitlines()
    assert lines[:3] == ["keys: none", "readers: none (pcscd does not run)", "rigs: none"]
    assert "a lab file for it:" in lines


def test_json_is_for_programs() -> None:
    assert json.loads(run("--format", "json").output) == {"keys": [], "readers": [], "rigs": []}


def test_the_lab_file_is_the_one_that_is_shown() -> None:
    shown = run().output.split("a lab file for it:\n\n")[1]
    assert [line.removeprefix("  ") for line in shown.splitlines()] == (
        run("--lab").output.splitlines()
    )


def test_the_udev_rule_is_printed_as_it_is() -> None:
    assert run("--udev").output == UDEV_RULE


def test_the_lab_file_of_an_empty_bench_runs_without_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It failed 9 of 91 cases about keys, some as a defect of mfalab; a part of them here."""
    monkeypatch.chdir(tmp_path)
    Path("lab.yaml").write_text(run("--lab").output)
    suites = Path(__file__).parents[3] / "scenarios"
    done = CliRunner().invoke(
        command, ["run", str(suites), "--lab", "lab.yaml", "--log", "run.jsonl"]
    )
    assert done.exit_code == 0, done.output
    ended = [
        event
        for line in Path("run.jsonl").read_text().splitlines()
        if (event := json.loads(line))["kind"] == "case_finished"
    ]
    verdicts = Counter(event["verdict"] for event in ended)
    assert set(verdicts) == {"passed", "skipped"}
    assert verdicts["passed"] > verdicts["skipped"] > 0
    assert all(event["why"] for event in ended if event["verdict"] == "skipped")
