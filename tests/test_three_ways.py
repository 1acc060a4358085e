"""The suites about security keys pass simulated, through the kernel, and over NFC: one report."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mfalab.simulator.guest import GuestError, boot
from mfalab.simulator.scenario_files.suites import collect

ROOT = Path(__file__).parents[1]
BENCHES = Path(__file__).parent / "benches"
MFALAB = Path(sys.executable).with_name("mfalab")
TOPICS = ("security-keys", "key-pins-and-fingers", "broken-keys")
SUITES = [str(ROOT / "scenarios" / topic) for topic in TOPICS]
IN_THE_GUEST = Path(__file__).parent / "guest" / "suites.sh"
HID_KEYS = {
    "1-pin": "ctap-2.1-pin",
    "2-u2f": "u2f-2016",
    "3-oldest": "fido-2.0",
    "4-newest": "ctap-2.3",
    "5-enterprise": "enterprise",
}
NFC_KEYS = {"1-pin": "ctap-2.1-pin", "2-enterprise": "enterprise"}
LIMIT_S = 1500.0
EVERY_CASE = "MFALAB_EVERY_CASE" in os.environ
"""Otherwise the guest, emulated, plays the first case of each scenario: many minutes less."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: a node's place is told in 48 bytes at most."""
    made = Path(tempfile.mkdtemp(prefix="mfalab-"))
    yield made
    shutil.rmtree(made)


def run(*words: object, **given: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MFALAB, *map(str, words)], capture_output=True, text=True, check=False, **given
    )


def ends(log: Path) -> dict[str, tuple[str, str]]:
    """How each case ended, and why."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return {
        event["case"]: (event["verdict"], event["why"])
        for event in events
        if event["kind"] == "case_finished"
    }


def bad(log: Path) -> dict[str, tuple[str, str]]:
    return {case: end for case, end in ends(log).items() if end[0] not in ("passed", "skipped")}


def counted(found: dict[str, tuple[str, str]]) -> dict[str, int]:
    verdicts = [verdict for verdict, _ in found.values()]
    return {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))}


def new_keys(folder: Path, models: dict[str, str]) -> list[Path]:
    """Keys by their names, each with chance of its own."""
    files = [folder / f"{name}.key" for name in models]
    for number, (file, model) in enumerate(zip(files, models.values(), strict=True)):
        assert run("key", "new", file, "--model", model, "--seed", number).returncode == 0
    return files


def over_nfc(folder: Path, pcscd: Any) -> Path:
    """Run the suites on cards in virtual readers."""
    folder.mkdir()
    log = folder / "log.jsonl"
    files = new_keys(folder, NFC_KEYS)
    while True:  # until the daemon has loaded the readers' driver
        plugged = subprocess.Popen(
            [MFALAB, "key", "plug", *files, "--nfc", str(pcscd.ports[0]), "--touch", "no"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**pcscd.environment, "PYTHONUNBUFFERED": "1"},
        )
        assert plugged.stdout is not None
        if "on the reader" in (line.strip() for line in plugged.stdout):
            break
        assert plugged.wait(10) == 3
        plugged.communicate()
    try:
        lab = BENCHES / "nfc.lab.yaml"
        ran = run("run", *SUITES, "--lab", lab, "--log", log, "-q", env=pcscd.environment)
        assert ran.returncode == 0, bad(log) or ran.stdout + ran.stderr
    finally:
        plugged.terminate()
        plugged.communicate(timeout=10)
    return log


def for_the_guest() -> list[str]:
    """What is played in the guest."""
    by_file: dict[Path, list[str]] = {}
    for case in collect(SUITES):
        by_file.setdefault(case.path, []).append(f"{case.path}::{case.local_id}")
    return [node for nodes in by_file.values() for node in (nodes if EVERY_CASE else nodes[:1])]


def through_the_kernel(*folders: Path) -> Path:
    """Run the suites on keys behind /dev/hidraw*, in a guest, touched by rigs on terminals."""
    nodes = for_the_guest()
    for number, folder in enumerate(folders):
        folder.mkdir()
        text = (BENCHES / "hidraw.lab.yaml").read_text()
        (folder / "lab.yaml").write_text(text.replace("FOLDER", str(folder)))
        (folder / "cases").write_text("\0".join(nodes[number :: len(folders)]))
        new_keys(folder, HID_KEYS)
    ended = boot(["bash", str(IN_THE_GUEST), *map(str, folders)], share=folders, timeout_s=LIMIT_S)
    said = ended.out.decode(errors="replace") + ended.err.decode(errors="replace")
    logs = [folder / "log.jsonl" for folder in folders]
    assert ended.code == 0, {str(log): bad(log) for log in logs if log.exists()} or said
    return joined(logs)


def joined(parts: list[Path]) -> Path:
    """The logs of one run's parts as one."""
    runs = [[json.loads(line) for line in part.read_text().splitlines()] for part in parts]
    first, last = runs[0][0], runs[0][-1]
    for events in runs[1:]:
        first["cases"] += events[0]["cases"]
        for count in ("passed", "failed", "errors", "skipped"):
            last[count] += events[-1][count]
        last["wall_duration_ns"] = max(last["wall_duration_ns"], events[-1]["wall_duration_ns"])
    whole = [first, *(event for events in runs for event in events[1:-1]), last]
    log = parts[0].with_name("whole.jsonl")
    log.write_text("".join(json.dumps(event) + "\n" for event in whole))
    return log


@pytest.mark.slow
@pytest.mark.guest
def test_suites_about_keys_pass_simulated_through_the_kernel_and_over_nfc(
    folder: Path, pcscd: Any, give_up: Callable[[str], NoReturn]
) -> None:
    logs = {"nfc": over_nfc(folder / "nfc", pcscd), "simulated": folder / "simulated.jsonl"}
    assert run("run", *SUITES, "--log", logs["simulated"], "-q").returncode == 0
    try:
        logs["hidraw"] = through_the_kernel(folder / "a", folder / "b")
    except GuestError as error:
        give_up(str(error))
    found = {name: ends(log) for name, log in logs.items()}
    assert counted(found["simulated"]) == {"passed": len(found["simulated"])}
    for name, least in (("hidraw", 120 if EVERY_CASE else 30), ("nfc", 100)):
        assert set(counted(found[name])) == {"passed", "skipped"}, found[name]
        assert counted(found[name])["passed"] >= least
        assert all(why for verdict, why in found[name].values() if verdict == "skipped")
    report = ROOT / "report" / "three-ways.html"
    report.parent.mkdir(exist_ok=True)
    in_order = [logs[name] for name in ("simulated", "hidraw", "nfc")]
    made = run("report", *in_order, "--html", report)
    assert made.returncode == 0, made.stderr
    assert report.stat().st_size > 0
