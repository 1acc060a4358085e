"""Files that a command writes: tried before the work, and their errors told by their names."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click

from mfalab.simulator.cli.common import NOT_WRITTEN

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What a medium answers that takes no more; a mistake in a path has other numbers."""


class NotWritten(click.ClickException):
    """A medium took no more of what we write."""

    exit_code = NOT_WRITTEN


def is_full(error: OSError) -> bool:
    """Whether the medium takes no more, so that nothing the user typed was wrong."""
    return error.errno in _FULL


@contextmanager
def errors_of_writing(path: Path) -> Iterator[None]:
    """Tell an error of the file system about a file to write, by the file's name."""
    try:
        yield
    except OSError as error:
        kind = NotWritten if is_full(error) else click.UsageError
        raise kind(f"cannot write {path}: {error.strerror}") from None


@contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """A file to write, or one clear error before anything has run."""
    with errors_of_writing(path):
        file = path.open("w", encoding="utf-8")
    try:
        yield file
    finally:
        with errors_of_writing(path):
            file.close()


def require_writable(path: Path) -> None:
    """Find out before the work that a result can be written after it; leave no empty file."""
    existed = path.exists()
    with errors_of_writing(path):
        path.open("a", encoding="utf-8").close()
    if not existed:
        path.unlink()
