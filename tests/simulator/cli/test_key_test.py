"""`mfalab key test`: what it tells and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mfalab.devices.ctap.storage import FileStorage
from mfalab.simulator.cli.key import key
from mfalab.simulator.cli.key_file import make

Run = Callable[..., Result]

SIM = "sim:ctap-2.1-pin"


@pytest.fixture
def run() -> Run:
    return lambda *words: CliRunner().invoke(key, ["test", *(str(word) for word in words)])


def test_all_passed_is_0_with_a_line_for_each_test_and_the_count(run: Run) -> None:
    done = run(SIM, "-k", "ping-of")
    assert done.exit_code == 0, done.output
    assert "ctaphid/ping-of-7609-bytes" in done.output
    assert done.output.strip().splitlines()[-1].startswith("sim:ctap-2.1-pin: 6 passed in ")
    assert "ctaphid/ping-of" not in run(SIM, "-k", "ping-of", "-q").output


def test_something_failed_is_1_and_told(run: Run) -> None:
    """Two simulated keys of one seed are clones."""
    done = run(SIM, "--seed", "7", "--twin", SIM, "-k", "twin-does-not-sign")
    assert done.exit_code == 1
    assert "FAILED" in done.output
    assert "one is a clone" in done.output


def test_keys_of_two_seeds_are_no_clones(run: Run) -> None:
    assert run(SIM, "--twin", SIM, "-k", "twin").exit_code == 0


def test_reports_are_written(run: Run, tmp_path: Path) -> None:
    page, plain = tmp_path / "r.html", tmp_path / "r.json"
    done = run(SIM, "-k", "announced-wink", "--html", page, "--json", plain)
    assert done.exit_code == 0
    assert f"report: {page}" in done.output
    assert "conformance of a key" in page.read_text()
    told = json.loads(plain.read_text())
    assert [test["verdict"] for test in told["tests"]] == ["passed"]


def test_destructive_runs_what_is_skipped_without(run: Run) -> None:
    words = ("-k", "tries-fall-and-are-restored")
    assert "run it with --destructive" in run(SIM, *words).output
    assert "1 passed" in run(SIM, *words, "--destructive").output


def test_nobody_touches_when_told_so(run: Run) -> None:
    done = run(SIM, "-k", "credential-is-made", "--touch", "none")
    assert done.exit_code == 0
    assert "cannot be touched" in done.output


def test_list_tells_tests_and_runs_none(run: Run) -> None:
    done = run("--list", "-k", "PIN tries")
    assert done.exit_code == 0
    assert "pin-tries/no-tries-are-left  [CTAP 2.1 \u00a76.5.5.7.1]  (destructive, 1 touch)" in (
        done.output
    )
    assert done.output.strip().endswith("8 tests")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "say which key: sim:MODEL"),
        (["nonsense"], "is no address of a key"),
        (["sim:nonsense"], "there are all-features"),
        ([SIM, "-k", "no such word"], "no test has no such word"),
        (
            [SIM, "--html", "/nowhere/at/all.html"],
            "cannot write /nowhere/at/all.html: No such file or directory",
        ),
    ],
)
def test_wrong_usage_is_2_with_a_sentence(run: Run, words: list[str], sentence: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert sentence in " ".join(done.output.split())


def test_a_key_that_is_not_there_is_3(run: Run) -> None:
    done = run("hid:/dev/hidraw-that-is-not")
    assert done.exit_code == 3
    assert "is not one key that is plugged in" in done.output


def test_a_simulated_key_of_a_lab_file_is_tested(run: Run, tmp_path: Path) -> None:
    lab = tmp_path / "lab.yaml"
    lab.write_text(
        "lab: desk\nkeys:\n  office: {at: sim:ctap-2.1-pin}\nbind:\n  security_key: office\n"
    )
    done = run("office", "--lab", lab, "-k", "announced-wink")
    assert done.exit_code == 0, done.output
    assert "1 passed" in done.output
    other = run("elsewhere", "--lab", lab)
    assert other.exit_code == 2
    assert "has no key elsewhere. Its keys: office." in other.output


def test_a_recording_stands_for_its_key(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "session.pcapng"
    recorded = CliRunner().invoke(key, ["record", SIM, str(path), "get-info-is-canonical"])
    assert recorded.exit_code == 0, recorded.output
    done = run(f"replay:{path}", "-k", "get-info-is-canonical")
    assert done.exit_code == 0, done.output


def test_a_recording_that_departs_ends_the_run_with_one_reason(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "session.pcapng"
    CliRunner().invoke(key, ["record", SIM, str(path), "get-info-is-canonical"])
    done = run(f"replay:{path}", "-k", "ping-of")
    assert done.exit_code == 1
    assert "1 error, 5 skipped" in done.output
    assert "The run ended early: the client departs from" in done.output


@pytest.mark.parametrize("address", ["hid:", "nfc:"])
def test_a_real_key_is_not_changed_unless_a_lab_file_marks_it(run: Run, address: str) -> None:
    done = run(address, "--destructive")
    assert done.exit_code == 2
    assert f"{address} is a real key: only one that a lab file marks destructive" in done.output


def test_help_has_examples(run: Run) -> None:
    shown = run("--help").output
    assert "mfalab key test sim:ctap-2.1-pin --destructive --html report.html" in shown
    assert "Exits with 0" in shown


def test_the_file_of_a_key_is_tested_and_let_go(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("my.key"), "ctap-2.1-pin", 7)
    for _ in range(2):
        done = run("my.key", "-k", "ping")
        assert done.exit_code == 0, done.output
        assert "my.key: 10 passed" in done.output
    with closing(FileStorage("my.key")):
        assert run("my.key", "-k", "ping").exit_code == 3
    Path("my.key").write_text("{}")
    assert run("my.key", "-k", "ping").exit_code == 2
