"""`mfalab run`: outputs, interruption, and manners on terminals and in pipes."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mfalab.simulator import runner
from mfalab.simulator.eventlog import Event
from mfalab.simulator.scenario_files.loader import Case

MFALAB = Path(sys.executable).with_name("mfalab")
GOOD = "{do: enable, who: alice, device: fob}"
BAD = "{do: sign_in, who: alice, password: wrong}"
Cli = Callable[..., Any]
Story = Callable[..., str]
Write = Callable[..., Path]


def process(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MFALAB, *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )


def test_failure_tells_step_clocks_and_how_to_repeat_it(mfalab: Cli) -> None:
    ran = mfalab("run", "t", "--seed", "7")
    assert "t/bad.scenario.yaml:9" in ran.out
    assert BAD in ran.out
    assert "expected  accepted" in ran.out
    assert "mfalab run t/bad.scenario.yaml::bad --seed 7" in ran.out
    assert "2026-03-02T09:0" in ran.out
    assert ran.out.splitlines()[-1].startswith("1 failed, 2 passed in ")
    again = mfalab("run", "t/bad.scenario.yaml::bad", "--seed", "7")
    assert "refused: InvalidPassword" in again.out or "got" in again.out


def test_quiet_is_the_summary_and_verbose_a_line_for_each(mfalab: Cli) -> None:
    assert len(mfalab("run", "t", "-q").out.splitlines()) == 1
    verbose = mfalab("run", "t/good.scenario.yaml", "-v").out.splitlines()
    assert [line.split(" (")[0] for line in verbose[:2]] == [
        "passed  t/good[1 ppm]",
        "passed  t/good[2 ppm]",
    ]
    assert len(mfalab("run", "t/good.scenario.yaml").out.splitlines()) == 1


def test_exitfirst_stops_and_json_is_the_summary(mfalab: Cli) -> None:
    ran = mfalab("run", "t", "-x", "--format", "json")
    assert ran.code == 1
    summary = json.loads(ran.out)
    assert (summary["failed"], summary["passed"], summary["planned"]) == (1, 0, 3)
    (case,) = summary["cases"]
    assert (case["case"], case["verdict"], case["step"]["number"]) == ("t/bad", "failed", 2)


def test_outputs_are_written_and_named(mfalab: Cli, suite: Path) -> None:
    ran = mfalab("run", "t", "--log", "run.jsonl", "--junit", "j.xml", "--html", "r.html")
    assert ran.code == 1
    assert ran.out.endswith("report: r.html\nJUnit XML: j.xml\nevent log: run.jsonl\n")
    lines = (suite / "run.jsonl").read_text().splitlines()
    assert [json.loads(lines[at])["kind"] for at in (0, -1)] == ["run_started", "run_finished"]
    root = ET.parse(suite / "j.xml").getroot()
    assert len(root.findall(".//testcase")) == 3
    assert len(root.findall(".//failure")) == 1
    assert "<html" in (suite / "r.html").read_text()[:500].lower()
    again = mfalab("report", "run.jsonl", "--html", "again.html", "--junit", "again.xml")
    assert again.code == 0
    assert (suite / "again.html").stat().st_size > 10_000
    assert "1 failed, 2 passed" in mfalab("report", "run.jsonl").out


@pytest.mark.parametrize("option", ["--log", "--junit", "--html"])
def test_output_that_cannot_be_written_is_told_before_the_run(
    mfalab: Cli, suite: Path, option: str
) -> None:
    for target, why in (
        ("no/such/folder/x", "cannot write no/such/folder/x: No such file or directory"),
        ("t", "'t' is a directory"),
    ):
        ran = mfalab("run", "t/good.scenario.yaml", option, target)
        assert ran.code == 2
        assert ran.out == ""
        assert why in ran.err
    assert sorted(path.name for path in suite.iterdir()) == ["t", "wrong"]


def test_outputs_need_a_file_each(mfalab: Cli, suite: Path) -> None:
    ran = mfalab("run", "t", "--log", "x", "--html", "./x")
    assert ran.code == 2
    assert not (suite / "x").exists()


def test_wrong_scenario_touches_no_output(mfalab: Cli, suite: Path) -> None:
    log = suite / "run.jsonl"
    log.write_text("precious")
    assert mfalab("run", "wrong", "--log", log, "--html", "r.html").code == 2
    assert log.read_text() == "precious"
    assert not (suite / "r.html").exists()


def test_log_is_the_same_but_for_the_wall_clock(mfalab: Cli, suite: Path) -> None:
    def stable(name: str) -> list[dict[str, Any]]:
        events = [json.loads(line) for line in (suite / name).read_text().splitlines()]
        return [{k: v for k, v in event.items() if not k.startswith("wall_")} for event in events]

    mfalab("run", "t", "--seed", "7", "--log", "a")
    mfalab("run", "t", "--seed", "7", "--log", "b", "-j", "2")
    mfalab("run", "t", "--seed", "8", "--log", "c")
    assert stable("a") == stable("b") != stable("c")


def test_secrets_are_in_the_log_only_when_asked_for(mfalab: Cli, suite: Path) -> None:
    mfalab("run", "t/good.scenario.yaml", "--log", "masked")
    mfalab("run", "t/good.scenario.yaml", "--log", "open", "--show-secrets")
    masked, revealed = (suite / "masked").read_text(), (suite / "open").read_text()
    assert "******" in masked
    assert "******" not in revealed
    codes = [
        json.loads(line)["detail"]["first"]
        for line in revealed.splitlines()
        if '"reads two codes"' in line
    ]
    assert len(codes) == 2
    assert not [code for code in codes if f'"{code}"' in masked]


@pytest.mark.slow
def test_shipped_suites_are_run_from_any_folder(tmp_path: Path, shipped_cases: list[Case]) -> None:
    done = process("run", "-k", "enrolment", "-j", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed in " in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def long_run(story: Story, write: Write, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts a run of many long cases, and waits until its first is over."""
    values = ", ".join(f"{number} ppm" for number in range(200))
    write(
        story("{do: wait, for: 900 y}", GOOD, more=f"matrix: {{fob.drift: [{values}]}}\n"), "t/long"
    )
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> subprocess.Popen[str]:
        running = subprocess.Popen(
            [MFALAB, "run", "t", "-v", *options],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(running)
        assert running.stdout is not None
        assert running.stdout.readline()
        return running

    yield start
    for each in started:
        if each.poll() is None:
            os.killpg(each.pid, signal.SIGKILL)
        each.communicate()


OUTPUTS = ("--log", "run.jsonl", "--junit", "j.xml", "--html", "r.html")


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("ended_by", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_a_run_which_reports_what_there_is(
    long_run: Callable[..., Any], tmp_path: Path, jobs: str, ended_by: int, code: int
) -> None:
    running = long_run("-j", jobs, *OUTPUTS)
    if ended_by == signal.SIGINT:
        os.killpg(running.pid, ended_by)  # as a terminal does
    else:
        running.send_signal(ended_by)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (code, "interrupted\n")
    assert "interrupted: " in out.splitlines()[-1]
    lines = (tmp_path / "run.jsonl").read_text().splitlines()
    assert all(json.loads(line)["v"] == 1 for line in lines)
    assert ET.parse(tmp_path / "j.xml").getroot().findall(".//testcase")
    assert "<title>interrupted: " in (tmp_path / "r.html").read_text()


@pytest.mark.slow
def test_workers_end_with_a_run_that_is_killed_and_old_reports_stay(
    long_run: Callable[..., Any], tmp_path: Path
) -> None:
    for name in ("j.xml", "r.html"):
        (tmp_path / name).write_text("of the run before")
    running = long_run("-j", "3", *OUTPUTS)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    workers = [os.pidfd_open(int(pid)) for pid in children]
    assert len(workers) == 3
    running.kill()
    for worker in workers:
        ended, _, _ = select.select([worker], [], [], 60)  # readable when the process has ended
        assert ended
        os.close(worker)
    for name in ("j.xml", "r.html"):
        assert (tmp_path / name).read_text() == "of the run before"


def on_terminal(suite: Path, *arguments: str, **environment: str) -> str:
    """What a command writes to a terminal."""
    main, end = pty.openpty()
    settings = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    done = subprocess.Popen(
        [MFALAB, *arguments],
        cwd=suite,
        stdout=end,
        stderr=end,
        stdin=subprocess.DEVNULL,
        env={**settings, "TERM": "xterm-256color", **environment},
    )
    os.close(end)
    written = b""
    while True:
        try:
            part = os.read(main, 65_536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        written += part
    os.close(main)
    done.wait(timeout=30)
    return written.decode()


@pytest.mark.slow
def test_terminal_has_progress_and_colour_and_a_pipe_has_neither(suite: Path) -> None:
    shown = on_terminal(suite, "run", "t")
    assert "\x1b[1;31m" in shown
    assert "━" in shown
    plain = on_terminal(suite, "run", "t", NO_COLOR="1")
    assert "━" in plain
    assert "[1;31m" not in plain
    assert "[31m" not in plain
    piped = process("run", "t", cwd=suite)
    assert piped.returncode == 1
    assert "\x1b" not in piped.stdout
    assert "━" not in piped.stdout
    quiet = on_terminal(suite, "run", "t", "-q")
    assert "━" not in quiet


def test_worker_that_is_ended_from_outside_is_one_sentence(
    mfalab: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> Iterator[Event]:
        yield {"kind": "run_started", "seed": 1, "mfalab": "0", "cases": 2, "wall_ns": 0}
        raise BrokenProcessPool

    monkeypatch.setattr(runner, "run", killed)
    ran = mfalab("run", "t", "-j", 2, "--log", "log.jsonl")
    assert ran.code == 1
    assert "a worker process was ended from outside" in ran.err
    assert Path("log.jsonl").read_text().count("\n") == 1
