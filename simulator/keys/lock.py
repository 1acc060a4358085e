"""An operating system's lock on each thing of the bench, so that two runs never share a key.

The lock is advisory, belongs to the open file and ends with the process however that ends, so none
is ever left behind. It is named after what the thing is, not after a node that changes when it is
replugged.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, final

from mfalab.devices.errors import DeviceError

_SHOWN: Final = 200


@dataclass(eq=False, repr=False)
@final
class InUse(DeviceError):
    """Another run has the thing.

    Args:
        thing: what it is.
        holder: who has it, as far as is known.
    """

    thing: str
    holder: str

    def __str__(self) -> str:
        by = f" by {self.holder}" if self.holder else ""
        return f"{self.thing} is in use{by}. Wait until that run has ended, or end it."


@final
class Lock:
    """A thing that this process has for itself until it lets go, or ends.

    Args:
        thing: what to call it in errors.
        identity: what tells it from all others, such as driver, port and serial number.

    Raises:
        InUse: another process has it, or this one by another `Lock`.
    """

    def __init__(self, thing: str, *identity: str) -> None:
        import fcntl

        digest = sha256("\0".join(identity).encode()).hexdigest()[:24]
        self._file = _opened(f"mfalab-{digest}.lock")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._file, _SHOWN, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise InUse(thing, holder) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"process {os.getpid()} ({_command()})".encode(), 0)

    def release(self) -> None:
        """Let go of it; twice does no harm. The file stays: others may wait on it."""
        if self._file >= 0:
            with suppress(OSError):
                os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1


def _shared() -> Iterator[Path]:
    yield Path("/run/lock")
    yield Path(tempfile.gettempdir())  # tried when it is asked for, and there may be none


def _opened(name: str) -> int:
    for path in (folder / name for folder in _shared() if folder.is_dir()):
        try:
            # The next process may be another user's, and must be able to lock it.
            before = os.umask(0)
            try:
                return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
            finally:
                os.umask(before)
        except OSError:
            continue
    raise OSError(f"no lock file can be opened in {', '.join(map(str, _shared()))}")


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:3]])
