"""The command line: exit codes, outputs, and manners on terminals and in pipes."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mfalab.simulator import cli
from mfalab.simulator.cli import suites
from mfalab.simulator.eventlog import Event
from mfalab.simulator.scenario_files.loader import Case

MFALAB = Path(sys.executable).with_name("mfalab")
GOOD = "{do: enable, who: alice, device: fob}"
BAD = "{do: sign_in, who: alice, password: wrong}"
Story = Callable[..., str]
Write = Callable[..., Path]


class Ran:
    """How a command ended, and what it said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def mfalab(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, suite: Path
) -> Callable[..., Ran]:
    """Runs a command in this process."""

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["mfalab", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def suite(story: Story, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good scenario of two cases and a bad one; the current folder."""
    write(story(GOOD, more="tags: [drift]\nmatrix: {fob.drift: [1 ppm, 2 ppm]}\n"), "t/good")
    write(story(GOOD, BAD, more="tags: [sms]\n"), "t/bad")
    write(story("{do: xyzzy}", "{do: wait, for: 3}"), "wrong/two")
    monkeypatch.chdir(tmp_path)
    return tmp_path


Cli = Callable[..., Ran]


def process(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MFALAB, *map(str, arguments)], capture_output=True, text=True, check=False, **options
    )


# -- run: exit codes and selection --


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run", "t/good.scenario.yaml"], 0),
        (["run", "t/good.scenario.yaml", "-j", "2"], 0),
        (["run", "t/good.scenario.yaml::good[2 ppm]"], 0),
        (["run", "t"], 1),
        (["run", "t", "-k", "good"], 0),
        (["run", "t", "-k", "GOOD", "-k", "2 ppm"], 0),
        (["run", "t", "-t", "drift"], 0),
        (["run", "t", "-t", "sms"], 1),
        (["run", "t", "-t", "sms", "-t", "drift"], 2),
        (["run", "t", "-k", "nothing"], 2),
        (["run", "wrong"], 2),
        (["run", "nowhere"], 2),
        (["run", "t", "-j", "0"], 2),
        (["run", "t", "--seed", "x"], 2),
        (["run", "--no-such-option"], 2),
        (["rnu"], 2),
        (["--help"], 0),
        (["--version"], 0),
        (["check", "t"], 0),
        (["check", "wrong"], 2),
        (["list", "t"], 0),
        (["list", "t", "-k", "nothing"], 2),
        (["show", "t/good.scenario.yaml"], 0),
        (["show", "nowhere"], 2),
        (["schema"], 0),
        (["steps"], 0),
        (["steps", "wait"], 0),
        (["steps", "wiat"], 2),
        (["eject", "t/good.scenario.yaml"], 0),
        (["eject", "t"], 2),
        (["report", "nowhere.jsonl"], 2),
        (["where"], 0),
    ],
)
def test_exit_code(mfalab: Cli, arguments: list[str], code: int) -> None:
    ran = mfalab(*arguments)
    assert ran.code == code, ran.out + ran.err
    if code == 2:
        assert ran.out == ""
        assert ran.err


@pytest.mark.parametrize("name", sorted(cli.MODULES))
def test_every_command_has_help(mfalab: Cli, name: str) -> None:
    ran = mfalab(name, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: mfalab {name}")
    lines = [line for line in ran.out.splitlines() if line.startswith("  -")]
    undescribed = [line for line in lines if len(line.split("  ")) < 3]
    assert undescribed == []


def test_mistakes_are_told_located_and_counted(mfalab: Cli) -> None:
    ran = mfalab("run", "wrong")
    assert ran.err.splitlines()[0] == (
        'wrong/two.scenario.yaml:7:10: step 1: unknown step "xyzzy"; mfalab steps lists all'
    )
    assert "wrong/two.scenario.yaml:8:21: step 2: '3' has no unit" in ran.err
    assert ran.err.endswith("2 problems, nothing was run\n")


def test_check_sets_each_scene(mfalab: Cli, write: Write, story: Story) -> None:
    write(story(GOOD, more="accounts: {a: {id: '123456789012'}, b: {id: '123456789012'}}\n"), "c/x")
    ran = mfalab("check", "c")
    assert ran.code == 2
    assert ran.err.startswith("c/x.scenario.yaml:2:1: this setting cannot be: ")
    assert mfalab("check", "t").out == "2 scenarios, 3 cases: nothing wrong\n"


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
    assert summary["kind"] == "run_finished"
    assert (summary["failed"], summary["passed"]) == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "check"),
    [
        (
            ["list", "t"],
            lambda found: (
                [item["id"] for item in found] == ["t/bad", "t/good[1 ppm]", "t/good[2 ppm]"]
            ),
        ),
        (["show", "t/bad.scenario.yaml"], lambda found: found[0]["resolved"]["people"]["alice"]),
        (["steps"], lambda found: found["wait"]["description"]),
        (["schema"], lambda found: found["$schema"].startswith("https://json-schema.org/")),
    ],
)
def test_json_is_for_programs(mfalab: Cli, arguments: list[str], check: Any) -> None:
    if arguments != ["schema"]:
        arguments = [*arguments, "--format", "json"]
    assert check(json.loads(mfalab(*arguments).out))


# -- outputs --


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
    for target in ("no/such/folder/x", "t"):
        ran = mfalab("run", "t/good.scenario.yaml", option, target)
        assert ran.code == 2
        assert ran.out == ""
        assert f"cannot write {target}" in ran.err
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


def test_log_that_was_cut_short_is_still_reported(mfalab: Cli, suite: Path) -> None:
    mfalab("run", "t", "--log", "run.jsonl")
    whole = (suite / "run.jsonl").read_text()
    (suite / "cut.jsonl").write_text(whole[: len(whole) * 2 // 3])
    ran = mfalab("report", "cut.jsonl", "--html", "cut.html")
    assert ran.code == 0
    assert mfalab("report", "cut.jsonl").code == 0


def test_log_that_is_none_is_told(mfalab: Cli, suite: Path) -> None:
    (suite / "x.jsonl").write_text('{"v": 1}\nnothing\n{}\n')
    ran = mfalab("report", "x.jsonl")
    assert ran.code == 2
    assert "x.jsonl:1" in ran.err


# -- writing files --


def test_new_scenario_runs_and_is_never_overwritten(mfalab: Cli, suite: Path) -> None:
    assert mfalab("new", "first.scenario.yaml").code == 0
    assert mfalab("run", "first.scenario.yaml").code == 0
    (suite / "first.scenario.yaml").write_text("mine")
    ran = mfalab("new", "first.scenario.yaml")
    assert ran.code == 2
    assert "was left as it is" in ran.err
    assert (suite / "first.scenario.yaml").read_text() == "mine"
    assert mfalab("new", "first.yaml").code == 2
    assert mfalab("new", "no/such/first.scenario.yaml").code == 2


def test_ejected_file_is_never_overwritten(mfalab: Cli, suite: Path) -> None:
    assert "def test_good_1_ppm" in mfalab("eject", "t/good.scenario.yaml").out
    assert mfalab("eject", "t/good.scenario.yaml", "-o", "test_x.py").code == 0
    before = (suite / "test_x.py").read_text()
    assert mfalab("eject", "t/bad.scenario.yaml", "-o", "test_x.py").code == 2
    assert (suite / "test_x.py").read_text() == before
    assert "several scenarios" in mfalab("eject", "t").err


def test_list_is_by_topic(mfalab: Cli) -> None:
    lines = mfalab("list", "t").out.splitlines()
    assert lines[0] == "t"
    assert lines[1].startswith("  bad ")
    assert lines[-1] == "3 cases"


def test_show_tells_the_case(mfalab: Cli) -> None:
    out = mfalab("show", "t/bad.scenario.yaml::bad").out
    for text in ("t/bad\n", "A minimal story", "tags      sms", f"line 9    {BAD}"):
        assert text in out


# -- as a process of its own --


@pytest.mark.slow
def test_shipped_suites_are_run_from_any_folder(tmp_path: Path, shipped_cases: list[Case]) -> None:
    done = process("run", "-k", "enrolment", "-j", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed in " in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupt_ends_with_130_and_reports_what_there_is(
    story: Story, write: Write, tmp_path: Path, jobs: int
) -> None:
    values = ", ".join(f"{number} ppm" for number in range(200))
    write(
        story("{do: wait, for: 900 y}", GOOD, more=f"matrix: {{fob.drift: [{values}]}}\n"), "t/long"
    )
    running = subprocess.Popen(
        [MFALAB, "run", "t", "-v", "-j", str(jobs), "--log", "run.jsonl", "--junit", "j.xml"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline()
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    assert err == "interrupted\n"
    assert "interrupted: " in out.splitlines()[-1]
    lines = (tmp_path / "run.jsonl").read_text().splitlines()
    assert all(json.loads(line)["v"] == 1 for line in lines)
    assert ET.parse(tmp_path / "j.xml").getroot().findall(".//testcase")


@pytest.mark.slow
def test_reader_that_leaves_interrupts_without_a_word(suite: Path) -> None:
    for arguments in (["run", "t", "-v"], ["list", "t"], ["schema"]):
        read, written = os.pipe()
        os.close(read)
        done = subprocess.run(
            [MFALAB, *arguments], cwd=suite, stdout=written, stderr=subprocess.PIPE, check=False
        )
        os.close(written)
        assert (done.returncode, done.stderr) == (130, b"")


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

    monkeypatch.setattr(suites, "run", killed)
    ran = mfalab("run", "t", "-j", 2, "--log", "log.jsonl")
    assert ran.code == 1
    assert "a worker process was ended from outside" in ran.err
    assert Path("log.jsonl").read_text().count("\n") == 1
