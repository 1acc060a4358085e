"""Guests are watched; a shell plays the launcher and the guest."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from mfalab.simulator.guest.errors import GuestDied, GuestTooSlow
from mfalab.simulator.guest.watch import Ended, watched


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Watches a script that runs where answers go."""
    answers = tmp_path / "answers"
    answers.mkdir()
    (tmp_path / "tmp").mkdir()
    for name in ("out", "err"):
        (answers / name).touch()

    def run(script: str, limit_s: float | None = None, **sinks: object) -> Ended:
        return watched(["sh", "-c", f"cd answers; {script}"], tmp_path, limit_s, **sinks)

    return run


def test_output_and_exit_code_are_the_commands(run):
    assert run("echo héllo > out; echo oh > err; echo 7 > code") == Ended(
        7, "héllo\n".encode(), b"oh\n"
    )


@pytest.mark.slow
def test_output_comes_as_it_grows_and_nothing_twice(run):
    out: list[bytes] = []
    err: list[bytes] = []
    script = "echo one >> out; sleep 0.3; echo two >> out; echo oh >> err; echo 0 > code"
    assert run(script, on_out=out.append, on_err=err.append).out == b"one\ntwo\n"
    assert out == [b"one\n", b"two\n"]
    assert err == [b"oh\n"]


def test_bytes_that_are_no_text_are_handed_on(run):
    out: list[bytes] = []
    assert run(r"printf '\377' > out; echo 0 > code", on_out=out.append).out == b"\xff"
    assert out == [b"\xff"]


def test_guest_that_ends_too_early_is_quoted(run):
    with pytest.raises(GuestDied, match="Kernel panic") as caught:
        run("echo begun > out; echo 'Kernel panic - not syncing' >&2; exit 1")
    assert caught.value.out == b"begun\n"


def test_launcher_leaves_its_files_in_the_folder_of_the_run(run, tmp_path):
    assert run('echo "$TMPDIR" > out; echo 0 > code').out == f"{tmp_path}/tmp\n".encode()


@pytest.mark.slow
def test_guest_of_a_user_who_leaves_is_ended(run, tmp_path):
    """Whatever ends the watch, Ctrl-C for one, ends all processes of the guest."""

    def leave(_: bytes) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("sleep 60 & echo $! > out; sleep 60", on_out=leave)
    assert_gone(tmp_path)


@pytest.mark.slow
def test_guest_whose_time_is_over_is_ended_with_all_its_processes(run, tmp_path):
    script = "trap '' TERM; sleep 60 & echo $! > out; wait"
    with pytest.raises(GuestTooSlow, match=r"within 0\.2 s") as caught:
        run(script, limit_s=0.2)
    assert caught.value.out.strip().isdigit()
    assert_gone(tmp_path)


@pytest.mark.slow
def test_guest_of_a_killed_process_is_ended(tmp_path):
    """After kill -9 only the guest can end itself."""
    answers = tmp_path / "answers"
    answers.mkdir()
    (answers / "err").touch()
    script = "cd answers; sleep 60 & echo $! > out; wait"
    text = f"""
from pathlib import Path
from mfalab.simulator.guest.watch import watched
Path("answers/out").touch()
watched(["sh", "-c", {script!r}], Path.cwd(), on_out=lambda news: print(news.decode(), flush=True))
"""
    child = subprocess.Popen(
        [sys.executable, "-c", text], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip().isdigit()
    child.kill()
    child.communicate()
    process = select.poll()
    process.register(os.pidfd_open(int((answers / "out").read_text())), select.POLLIN)
    assert process.poll(30_000)


def assert_gone(folder: Path) -> None:
    process = int((folder / "answers" / "out").read_text())
    state = Path(f"/proc/{process}/stat")
    # The process that inherits it may not have asked for its exit code yet.
    assert not state.exists() or state.read_text().split()[2] == "Z", os.getpid()
