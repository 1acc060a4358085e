"""Files that commands write are tried before the work, and a full disk is told as one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mfalab.simulator.cli.outputs import NotWritten, require_writable, written

MFALAB = Path(sys.executable).with_name("mfalab")
FULL = Path("/dev/full")
"""Linux: a file of a disk that is always full."""


def test_trying_a_file_leaves_none_behind_and_changes_none(tmp_path):
    require_writable(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").write_text("precious")
    require_writable(tmp_path / "old")
    assert (tmp_path / "old").read_text() == "precious"


def test_a_file_that_cannot_be_written_is_wrong_usage(tmp_path):
    with pytest.raises(click.UsageError, match=r"cannot write .*: Is a directory"):
        require_writable(tmp_path)
    with (
        pytest.raises(click.UsageError, match=r"cannot write .*: No such file"),
        written(tmp_path / "no" / "where"),
    ):
        pass


def test_an_error_inside_a_written_file_is_not_taken_for_one_of_opening_it(tmp_path):
    with pytest.raises(OSError, match="of the caller"), written(tmp_path / "file"):
        raise OSError("of the caller")


def test_a_full_disk_is_told_with_the_name_of_the_file():
    with (
        pytest.raises(NotWritten, match="cannot write /dev/full: No space left on device"),
        written(FULL) as file,
    ):
        file.write("x")  # in the buffer: the file's end writes it


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["run", "t", "--log", FULL], FULL),
        (["run", "t", "--html", FULL], FULL),
        (["run", "t", "--junit", FULL], FULL),
        (["report", "run.jsonl", "--html", FULL], FULL),
    ],
)
def test_a_command_whose_disk_is_full_ends_with_4(mfalab, suite, arguments, name):
    mfalab("run", "t", "--log", "run.jsonl")
    ran = mfalab(*arguments)
    assert (ran.code, ran.err) == (4, f"Error: cannot write {name}: No space left on device\n")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["list", "t"], ["run", "t"], ["schema"], ["run", "t", "-v"]])
def test_output_onto_a_full_disk_ends_with_4(suite, arguments):
    with FULL.open("w") as full:
        ran = subprocess.run(
            [MFALAB, *arguments], cwd=suite, stdout=full, stderr=subprocess.PIPE, check=False
        )
    said = b"Error: cannot write the output: No space left on device\n"
    assert (ran.returncode, ran.stderr) == (4, said)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("blocks", "code", "why"),
    [(1, 4, "mfalab-results-.*: File too large"), (0, 3, "no usable temporary folder")],
    ids=["small", "none"],
)
def test_results_that_find_no_room_are_told_in_a_line(suite, tmp_path, blocks, code, why):
    """Workers hand them on by files of the temporary folder."""
    ran = subprocess.run(
        ["sh", "-c", f'ulimit -f {blocks}; "$0" run t -j 2 -q', MFALAB],
        cwd=suite,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    (line,) = ran.stderr.decode().splitlines()
    assert ran.returncode == code
    assert re.search(why, line)
