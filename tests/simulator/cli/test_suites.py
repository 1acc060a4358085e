"""The commands about scenarios: exit codes, what they print and write."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfalab.simulator import cli

MFALAB = Path(sys.executable).with_name("mfalab")
GOOD = "{do: enable, who: alice, device: fob}"
BAD = "{do: sign_in, who: alice, password: wrong}"
Cli = Callable[..., Any]
Story = Callable[..., str]
Write = Callable[..., Path]


# -- exit codes and selection --


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
        (["explain"], 0),
        (["explain", "car"], 0),
        (["explain", "cra"], 2),
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
    write(story(GOOD, more="roles: {dev: {max_session: 1 s}}\n"), "c/x")
    ran = mfalab("check", "c")
    assert ran.code == 2
    assert ran.err.startswith("c/x.scenario.yaml:2:1: this setting cannot be: ")
    assert mfalab("check", "t").out == "2 scenarios, 3 cases: nothing wrong\n"
    assert mfalab("check", "t/bad.scenario.yaml").out == "1 scenario, 1 case: nothing wrong\n"
    assert mfalab("list", "t/bad.scenario.yaml").out.endswith("\n1 case\n")


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
def test_reader_that_leaves_interrupts_without_a_word(suite: Path) -> None:
    for arguments in (["run", "t", "-v"], ["list", "t"], ["schema"]):
        read, written = os.pipe()
        os.close(read)
        done = subprocess.run(
            [MFALAB, *arguments], cwd=suite, stdout=written, stderr=subprocess.PIPE, check=False
        )
        os.close(written)
        assert (done.returncode, done.stderr) == (130, b"")
