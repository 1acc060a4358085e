"""The group of all commands: words that are none, and terminals that cannot write everything."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Story = Callable[..., str]
Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("word", "hint"),
    [("rnu", 'did you mean "run"?'), ("chek", 'did you mean "check"?'), ("xyzzy", "mfalab -h")],
)
def test_word_that_is_no_command_is_answered_with_the_nearest(
    mfalab: Callable[..., Any], word: str, hint: str
) -> None:
    ran = mfalab(word)
    assert ran.code == 2
    assert f'there is no command "{word}"; {hint}' in ran.err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437"])
@pytest.mark.parametrize("command", ["run", "list", "show", "check"])
def test_terminal_that_cannot_write_a_character_gets_it_spelt_out(
    story: Story, write: Write, encoding: str, command: str
) -> None:
    """Such a terminal, a pipe or a CI log once ended in a traceback."""
    text = story("{do: sign_in, who: alice, password: wrong}")
    path = write(text.replace("A minimal story", "鍵 🔐"), "t/key")
    ran = subprocess.run(
        [sys.executable, "-m", "mfalab", command, str(path)],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == (1 if command == "run" else 0), ran.stderr
    assert b"Traceback" not in ran.stderr
    if command == "run":
        assert b"\\u9375 \\U0001f510" in ran.stdout
