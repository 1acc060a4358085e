"""The suites about security keys pass simulated, through the kernel, and over NFC: one report."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mfalab.simulator.guest import GuestError, boot

ROOT = Path(__file__).parents[1]
BENCHES = Path(__file__).parent / "benches"
MFALAB = Path(sys.executable).with_name("mfalab")
SUITES = [
    str(ROOT / "scenarios" / topic)
    for topic in ("security-keys", "key-pins-and-fingers", "broken-keys")
]
IN_THE_GUEST = Path(__file__).parent / "guest" / "suites.sh"
HID_MODELS = ("ctap-2.1-pin", "u2f-2016", "fido-2.0", "ctap-2.3", "enterprise")
NFC_MODELS = ("ctap-2.1-pin", "ctap-2.3", "enterprise")
LIMIT_S = 1500.0


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


def counted(found: dict[str, tuple[str, str]]) -> dict[str, int]:
    verdicts = [verdict for verdict, _ in found.values()]
    return {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))}


def new_key(folder: Path, model: str, suffix: str) -> Path:
    file = folder / f"{model}.{suffix}"
    made = run("key", "new", file, "--model", model, "--seed", HID_MODELS.index(model))
    assert made.returncode == 0, made.stderr
    return file


def over_nfc(folder: Path, pcscd: Callable[[int], Any], log: Path) -> None:
    """Run the suites on cards in virtual readers."""
    daemon = pcscd(len(NFC_MODELS))
    files = [new_key(folder, model, "card") for model in NFC_MODELS]
    while True:  # until the daemon has loaded the readers' driver
        plugged = subprocess.Popen(
            [MFALAB, "key", "plug", *files, "--nfc", str(daemon.ports[0]), "--touch", "no"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**daemon.environment, "PYTHONUNBUFFERED": "1"},
        )
        assert plugged.stdout is not None
        if "on the reader" in (line.strip() for line in plugged.stdout):
            break
        assert plugged.wait(10) == 3
        plugged.communicate()
    try:
        lab = BENCHES / "nfc.lab.yaml"
        ran = run("run", *SUITES, "--lab", lab, "--log", log, "-q", env=daemon.environment)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    finally:
        plugged.terminate()
        plugged.communicate(timeout=10)


def through_the_kernel(folder: Path, log: Path) -> None:
    """Run the suites on keys behind /dev/hidraw*, in a guest, touched by a rig on a terminal."""
    text = (BENCHES / "hidraw.lab.yaml").read_text()
    (folder / "lab.yaml").write_text(text.replace("FOLDER", str(folder)))
    for model in HID_MODELS:
        new_key(folder, model, "key")
    command = ["bash", str(IN_THE_GUEST), str(folder), str(log), *SUITES]
    ended = boot(command, share=[folder], timeout_s=LIMIT_S)
    said = ended.out.decode(errors="replace") + ended.err.decode(errors="replace")
    assert ended.code == 0, said


def missing(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@pytest.mark.slow
def test_suites_about_keys_pass_simulated_through_the_kernel_and_over_nfc(
    folder: Path, pcscd: Callable[[int], Any]
) -> None:
    logs = {name: folder / f"{name}.jsonl" for name in ("simulated", "hidraw", "nfc")}
    over_nfc(folder, pcscd, logs["nfc"])
    assert run("run", *SUITES, "--log", logs["simulated"], "-q").returncode == 0
    try:
        through_the_kernel(folder, logs["hidraw"])
    except GuestError as error:
        missing(str(error))
    found = {name: ends(log) for name, log in logs.items()}
    assert counted(found["simulated"]) == {"passed": len(found["simulated"])}
    for name, least in (("hidraw", 110), ("nfc", 100)):
        assert set(counted(found[name])) == {"passed", "skipped"}, found[name]
        assert counted(found[name])["passed"] >= least
        assert all(why for verdict, why in found[name].values() if verdict == "skipped")
    report = ROOT / "report" / "three-ways.html"
    report.parent.mkdir(exist_ok=True)
    made = run("report", *logs.values(), "--html", report)
    assert made.returncode == 0, made.stderr
    text = report.read_text()
    assert "hid:mfalab" in text
    assert "nfc:Bench" in text
