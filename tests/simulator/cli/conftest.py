"""Commands that run in this process, and a folder with scenarios for them."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mfalab.simulator import cli

GOOD = "{do: enable, who: alice, device: fob}"
BAD = "{do: sign_in, who: alice, password: wrong}"
Story = Callable[..., str]
Write = Callable[..., Path]


class Ran:
    """How a command ended, and what it said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def in_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
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
def mfalab(in_process: Callable[..., Ran], suite: Path) -> Callable[..., Ran]:
    """Runs a command in this process, in the folder of `suite`."""
    return in_process


@pytest.fixture
def suite(story: Story, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good scenario of two cases and a bad one; the current folder."""
    write(story(GOOD, more="tags: [drift]\nmatrix: {fob.drift: [1 ppm, 2 ppm]}\n"), "t/good")
    write(story(GOOD, BAD, more="tags: [sms]\n"), "t/bad")
    write(story("{do: xyzzy}", "{do: wait, for: 3}"), "wrong/two")
    monkeypatch.chdir(tmp_path)
    return tmp_path
