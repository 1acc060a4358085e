"""`mfalab run --target aws:URL` as a whole: its exit codes, its dry run, its end by a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mfalab.simulator import cli

MFALAB = Path(sys.executable).with_name("mfalab")
STORY = """
scenario: A minimal story
people: {alice: {typing: instant}}
devices:
  phone: {kind: totp_app, owner: alice}
steps:
  - {do: enable, who: alice, device: phone}
  - {do: wait, for: 1 min}
  - {do: get_session, who: alice, with: phone, as: proved}
  - {do: get_session, who: alice, with: phone, code: last, expect: {refused: AccessDenied}}
  - {do: list_devices, who: alice, using: proved, devices: [phone]}
"""
Run = Callable[..., Any]


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "story.scenario.yaml"
    path.write_text(STORY)
    return path


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def run(
    served: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Runs the command in this process."""

    def ran(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["mfalab", "run", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Ran(code, *capsys.readouterr())

    return ran


def test_it_passes_and_names_its_target(served: Any, run: Run, story: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    ended = run(story, "--target", f"aws:{served.url}?name=ours", "--log", log)
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.startswith("on ours\n1 passed in ")
    begun = json.loads(log.read_text().splitlines()[0])
    assert (begun["target"], begun["bench"]) == ("ours", "ours")
    assert "mfalab-" not in log.read_text(), "a log has the scenario's names"
    assert served.left() == []


def test_a_dry_run_sends_nothing(served: Any, run: Run, story: Path) -> None:
    """It lists what the run then sends: the same operations on the same names, in order."""
    address = f"aws:{served.url}"
    ended = run(story, "--target", address, "--dry-run")
    assert ended.code == 0, ended.err
    assert served.requests == []
    *calls, summary = ended.out.splitlines()
    assert summary == f"{len(calls)} calls of 1 case, 0 skipped; nothing was sent"
    assert calls[0] == "sts GetCallerIdentity"
    assert any("TokenCode=***" in call for call in calls)
    run(story, "--target", address)
    assert served.requests.count("/") == len(calls)
    assert served.left() == []


def test_a_dry_run_needs_no_account(run: Run, story: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    ended = run(story, "--target", "aws:", "--dry-run", "--real-account", "1" * 12)
    assert ended.code == 0, ended.err
    assert f"arn:aws:iam::{'1' * 12}:mfa/mfalab-" in ended.out
    assert "iam CreatePolicy PolicyName=mfalab-" in ended.out, "AWS has no policy of ours"
    assert "iam DeletePolicy PolicyArn=arn:aws:iam::" in ended.out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--target", "aws:"], 2, "AWS is not this machine: say by --real-account ACCOUNT_ID"),
        (["--target", "aws:URL", "--real-account", "1" * 12], 3, f"not of {'1' * 12}; nothing was"),
        (["--target", "aws:URL", "-j", "2"], 2, "is one world for all cases: leave -j out with it"),
        (["--target", "aws:x"], 2, '"x" is no URL'),
        (["--target", "aws:", "--dry-run", "--real-account", "x"], 2, "account id 'x' is not 12"),
        (["--target", "embedded", "--dry-run"], 2, "--real-account and --dry-run go with aws:URL"),
        (["--target", "embedded", "--real-account", "1"], 2, "go with aws:URL"),
        (["--target", "aws:http://127.0.0.1:9"], 3, "aws 127.0.0.1:9 is not to be reached: "),
    ],
)
def test_what_cannot_be_run_is_told_in_a_line(
    served: Any, run: Run, story: Path, words: list[str], code: int, told: str
) -> None:
    ended = run(story, *(word.replace("URL", served.url) for word in words))
    assert ended.code == code, ended.err
    assert told in ended.err
    assert ended.err.count("Error:") == 1
    assert "Traceback" not in ended.err
    assert served.left() == []


def test_ctrl_c_leaves_nothing(served: Any, story: Path) -> None:
    """A run that waits by the machine's clock is interrupted in its pause."""
    environment = {name: value for name, value in os.environ.items() if name != "MFALAB_TOKEN"}
    with subprocess.Popen(
        [MFALAB, "run", story, "--target", f"aws:{served.url}"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        served.asked.clear()
        assert served.asked.wait(60), "it never enabled a device"
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert served.left() == []
