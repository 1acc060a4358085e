"""The plugin in the set-ups of other projects: xdist, randomly, asyncio, strict markers, -W error.

Each runs the same project in a process of its own, with its own plugins and nothing of ours.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
TESTS = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_seed(fob, number):
    print(f"\\nfob {number} {fob.seed.secret_base32}")

def test_lab(lab, clock):
    lab.enable(who="alice", device="fob")
    clock.advance("1 d")
    lab.sign_in(who="alice", with_="fob")

def test_passkey(browser):
    browser.create({
        "challenge": "AAAA", "rp": {"id": "example.com", "name": "Example"},
        "user": {"id": "YQ", "name": "a", "displayName": "A"}, "pubKeyCredParams": [],
    })

def test_frozen(clock):
    clock.freeze()
    from datetime import datetime, UTC
    assert datetime.now(UTC) == clock.now()
"""
ASYNC = """
import asyncio
import pytest

@pytest.mark.asyncio
async def test_async(lab, browser, clock):
    await asyncio.sleep(0)
    lab.enable(who="alice", device="fob")
    with clock.freeze():
        await asyncio.wait_for(asyncio.sleep(0.01), 5)
"""
ALONE = 8
"""Tests of the project without those for asyncio: two scenarios and six functions."""


@pytest.fixture
def project(tmp_path: Path, story: Callable[..., str]) -> Path:
    """Two folders with a scenario of one name, whose tags are the project's own, and tests."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    text = story("{do: enable, who: alice, device: fob}", more="tags: [every-night]\n")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.scenario.yaml").write_text(text)
    (tmp_path / "test_ours.py").write_text(TESTS)
    return tmp_path


def passed(project: Path, *words: str) -> str:
    """What pytest prints."""
    environment = {name: text for name, text in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:benchmark", *words],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def count(said: str) -> int:
    return int(re.findall(r"(\d+) passed", said)[-1])


def seeds(said: str) -> dict[str, str]:
    return dict(re.findall(r"fob (\d) (\w+)", said))


NONE = ("-p", "no:asyncio", "-p", "no:randomly", "-p", "no:xdist")


@pytest.mark.parametrize("distribution", ["load", "loadgroup", "loadfile"])
def test_xdist(project: Path, distribution: str) -> None:
    words = ("-p", "no:asyncio", "-p", "no:randomly", "-n", "2", "--dist", distribution, "-rP")
    said = passed(project, *words)
    assert count(said) == ALONE
    alone = seeds(passed(project, *NONE, "-s"))
    assert len(alone) == 3
    assert seeds(said) == alone


def test_randomly(project: Path) -> None:
    alone = seeds(passed(project, *NONE, "-s"))
    for seed in ("3", "4"):
        said = passed(project, "-p", "no:asyncio", f"--randomly-seed={seed}", "-s")
        assert count(said) == ALONE
        assert seeds(said) == alone


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_asyncio(project: Path, mode: str) -> None:
    (project / "test_async.py").write_text(ASYNC)
    assert count(passed(project, "-p", "no:randomly", f"--asyncio-mode={mode}")) == ALONE + 1


def test_strict_markers_and_strict_configuration(project: Path) -> None:
    said = passed(project, *NONE, "--strict-markers", "--strict-config", "-m", "every-night")
    assert count(said) == 2


def test_warnings_as_errors(project: Path) -> None:
    assert count(passed(project, *NONE, "-W", "error")) == ALONE


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_import_modes_from_another_rootdir(project: Path, mode: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    words = (f"--import-mode={mode}", "--rootdir", str(elsewhere), str(project))
    assert count(passed(project, *NONE, *words)) == ALONE
