"""Every command in an environment that has mfalab as `make run` installs it, without any extra.

`make test` makes it. A command works there, or says in one line what to install; none ends in a
traceback. Our own environment has all extras and cannot show that: `mfalab devices` once failed in
every default installation, because pyscard was not there.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import click
import pytest

from mfalab.simulator.cli import command

PLAIN = Path(__file__).parents[3] / ".venv" / "plain" / "bin" / "mfalab"
Run = Callable[..., subprocess.CompletedProcess[str]]


def commands(
    group: click.Command = command, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Every command by the words that call it."""
    yield path
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            found = group.get_command(context, name)
            assert found is not None
            yield from commands(found, (*path, name))


@pytest.fixture(scope="module")
def run(give_up: Callable[[str], NoReturn], tmp_path_factory: pytest.TempPathFactory) -> Run:
    if not PLAIN.exists():
        give_up("there is no environment without extras; make test makes it")
    folder = tmp_path_factory.mktemp("plain")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PLAIN, *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )

    return run


def test_environment_has_no_extra(run: Run) -> None:
    for package in ("smartcard", "pytest", "virtme", "playwright", "uvicorn"):
        found = subprocess.run(
            [PLAIN.parent / "python", "-c", f"import {package}"], capture_output=True, check=False
        )
        assert found.returncode != 0, package


@pytest.mark.slow
@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_command_tells_what_it_does_and_takes_no_unknown_option(
    run: Run, words: tuple[str, ...]
) -> None:
    told = run(*words, "--help")
    assert told.returncode == 0
    assert "Usage:" in told.stdout
    wrong = run(*words, "--no-such-option")
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("devices",), 0, "pyscard is not installed. Run: pip install 'mfalab[nfc]'"),
        (("devices", "--format", "json"), 0, '"readers": []'),
        (("devices", "--lab"), 0, "sim:ctap-2.1-pin"),
        (("key", "test", "nfc:", "-k", "getinfo"), 3, "pip install 'mfalab[nfc]'"),
        (("key", "record", "nfc:", "out.pcapng"), 3, "pip install 'mfalab[nfc]'"),
        (("key", "test", "hid:", "-k", "getinfo"), 3, "is not one key that is plugged in"),
        (("key", "test", "sim:u2f-2016", "-k", "u2f"), 0, "passed"),
        (("guest", "boot", "--", "true"), 3, "pip install 'mfalab[guest]'"),
        (("lab", "boot", "--", "true"), 3, "pip install 'mfalab[guest]'"),
        (("serve", "--db", ":memory:"), 3, "pip install 'mfalab[serve]'"),
        (("run", "--scheduler", "tcp://127.0.0.1:1"), 3, "pip install 'mfalab[cluster]'"),
        (("fleet",), 3, "pip install 'mfalab[fleet]'"),
        (("fleet", "--format", "json"), 3, "pip install 'mfalab[fleet]'"),
        (("run", "--target", "aws:http://127.0.0.1:1"), 3, "pip install 'mfalab[aws]'"),
        (("run", "--target", "aws:", "--real-account", "1", "--dry-run"), 3, "'mfalab[aws]'"),
        (("run", "--target", "webauthn:http://localhost:1"), 3, "is not to be reached"),
        (("run", "-k", "replay", "-q"), 0, ""),
        (("steps", "sign_in"), 0, "second page"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_command_works_or_says_what_to_install(
    run: Run, words: tuple[str, ...], code: int, said: str
) -> None:
    done = run(*words)
    assert "Traceback" not in done.stdout + done.stderr
    assert said in done.stdout + done.stderr
    assert done.returncode == code


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "from mfalab import KeyBrowser as K\nwith K.open():\n    pass",
            "a browser with a security key needs Playwright: pip install 'mfalab[browser]'",
        ),
        (
            "from mfalab.verifier import open_store\nopen_store('postgresql://h/x')",
            "is not installed. pip install 'mfalab[postgresql]'.",
        ),
    ],
    ids=["KeyBrowser", "open_store"],
)
def test_library_says_what_to_install(run: Run, program: str, said: str) -> None:
    done = subprocess.run(
        [PLAIN.parent / "python", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert said in done.stderr.splitlines()[-1]


def test_our_own_environment_runs_the_same_commands() -> None:
    """The list of commands is not empty because nothing was found."""
    assert len(list(commands())) > 25
    assert subprocess.run([Path(sys.executable).parent / "mfalab", "--version"], check=True)
