"""The README's examples run."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mfalab import Browser, SecurityKey
from mfalab.simulator.cli import command
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import load_cases

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    "README.md",
    "docs/cluster.md",
    "docs/endpoint.md",
    "docs/pytest.md",
    "docs/scenarios.md",
    "docs/security-keys.md",
    "docs/shelf.md",
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[Any]:
    return [
        pytest.param(text, id=f"{name}-{number}")
        for name in DOCUMENTS
        for number, (found, text) in enumerate(BLOCK.findall((ROOT / name).read_text()))
        if found == language
    ]


@pytest.mark.parametrize("text", blocks("yaml"))
def test_scenarios_pass(text: str, tmp_path: Path) -> None:
    path = tmp_path / "example.scenario.yaml"
    path.write_text(text)
    for case in load_cases(path):
        end = run_case(case)[-1]
        assert end["verdict"] == "passed", end["why"]


@pytest.fixture
def browser(security_key: SecurityKey) -> Browser:
    """The plugin's; ours of the same name is Chromium."""
    return Browser(security_key)


@pytest.mark.parametrize("text", blocks("python"))
def test_python_runs(text: str, request: pytest.FixtureRequest) -> None:
    names: dict[str, Any] = {}
    exec(compile(text, "README.md", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    for test in tests:
        wanted = test.__code__.co_varnames[: test.__code__.co_argcount]
        test(**{name: request.getfixturevalue(name) for name in wanted})
    # A script runs beside a server: see tests/simulator/cli/test_serve.py.
    assert tests or "Verifier" in names or "__main__" in text


@pytest.mark.slow
@pytest.mark.parametrize("text", blocks("console"))
def test_commands_succeed(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("scenarios", "examples"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    lines = [line for line in text.splitlines() if line.startswith("$ mfalab ")]
    for line in lines:
        words = shlex.split(line.removeprefix("$ mfalab "), comments=True)
        result = CliRunner().invoke(command, words)
        assert result.exit_code == 0, f"{line}\n{result.output}"


def test_documents_link_to_what_is_there() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name} links to {link}"


def test_make_has_what_documents_name() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    named = {
        name
        for path in documents
        for name in re.findall(r"(?:`|^\$ |^)make ([a-z-]+)", path.read_text(), re.MULTILINE)
    }
    assert {"run", "test", "pictures"} <= named
    assert named <= targets
