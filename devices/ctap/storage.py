"""Where an authenticator keeps what survives power: named records, changed by atomic writes.

One call of `write` is one numbered write: after a power cut either all of its changes are there or
none. A storage knows nothing of what the records mean.
"""

import errno
import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, final
from weakref import finalize

from mfalab.devices.errors import DeviceError

_FORMAT = "mfalab security key state"
_VERSION = 1


class PowerCut(Exception):
    """Power failed at a write; `done` says whether the write had been finished."""

    def __init__(self, write: int, done: bool) -> None:
        super().__init__(write, done)
        self.write = write
        self.done = done

    def __str__(self) -> str:
        when = "right after" if self.done else "before"
        return f"Power failed {when} store write {self.write} was finished. Power the key up again."


class StoreWornOut(Exception):
    """The memory takes no more writes."""

    def __init__(self, write: int) -> None:
        super().__init__(write)
        self.write = write

    def __str__(self) -> str:
        return f"The memory failed at store write {self.write} and keeps its old content."


class StateFileInvalid(Exception):
    """A state file, or what another storage holds, is not the state of a security key.

    Args:
        source: The path, or what the storage calls itself.
        why: What is wrong, with the name of the record if it is one record.
    """

    def __init__(self, source: str, why: str) -> None:
        super().__init__(source, why)
        self.source = source
        self.why = why

    def __str__(self) -> str:
        return f"{self.source} is not the state of a security key: {self.why}. Make a new one."


@dataclass(eq=False, repr=False)
class StateInUse(DeviceError):
    """A state file belongs to another process, or to another key of this one.

    Args:
        path: The file, by the name that was used.
    """

    path: str
    sentence = (
        "{path} is in use by another process, or by another key of this one. "
        "Unplug it there and end that process, or close that key, first."
    )


class Storage(Protocol):
    """Records by name, kept over a loss of power; `str` gives what errors call it."""

    @property
    def writes(self) -> int:
        """How many writes there have been."""

    def read(self) -> dict[str, bytes]:
        """A copy of all records."""

    def write(self, changes: Mapping[str, bytes | None]) -> None:
        """Set records, and remove those whose value is None: all or nothing.

        Raises:
            PowerCut: Power failed during the write.
            StoreWornOut: Nothing was written.
        """


class MemoryStorage:
    """Records that live as long as the object; hand it to another authenticator to clone a key."""

    def __init__(self, records: Mapping[str, bytes] | None = None, *, writes: int = 0) -> None:
        self._records = dict(records or {})
        self._writes = writes

    def __str__(self) -> str:
        return "what the memory holds"

    @property
    def writes(self) -> int:
        """How many writes there have been."""
        return self._writes

    def read(self) -> dict[str, bytes]:
        """A copy of all records."""
        return dict(self._records)

    def write(self, changes: Mapping[str, bytes | None]) -> None:
        """Set and remove records, all at once."""
        for name, value in changes.items():
            if value is None:
                self._records.pop(name, None)
            else:
                self._records[name] = value
        self._writes += 1


@final
class FileStorage(MemoryStorage):
    """Records in one JSON file that this object has for itself until it is closed or forgotten.

    The lock is the kernel's, on the file itself, so it holds for all names of the file, symbolic
    and hard links, and ends with the process, however that ends. For the same reason the file is
    never replaced by another one. A write appends a document, then writes it over the old one and
    cuts the file off behind it, each step flushed to the disk: the last document that is whole is
    the truth, so a crash at any moment leaves the old or the new records.

    The file holds private keys, so its owner alone may read it, whatever was allowed before. Values
    are hexadecimal. Writes are counted over the life of the file. An empty file holds no records.

    Args:
        path: The file, which is made if need be.

    Raises:
        StateInUse: It is open elsewhere.
        StateFileInvalid: It is something else.
        OSError: It cannot be opened, written or locked.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        import fcntl  # POSIX alone has it; the memory needs none

        super().__init__()
        self._path = Path(path)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.close = finalize(self, os.close, self._file)
        """Let the file go; twice does no harm, a write afterwards is an OSError."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._records, self._writes, self._end = _read(self._file, str(path))
        except BlockingIOError:
            self.close()
            raise StateInUse(str(path)) from None
        except BaseException:
            self.close()
            raise

    def __str__(self) -> str:
        return str(self._path)

    def write(self, changes: Mapping[str, bytes | None]) -> None:
        """Set and remove records.

        Raises:
            OSError: The file cannot be written, or was removed or replaced since it was opened.
        """
        if not self.close.alive:
            raise OSError(errno.EBADF, "it was closed", str(self._path))
        if os.fstat(self._file).st_nlink == 0:
            raise OSError(errno.ESTALE, "it was removed while a key used it", str(self._path))
        records = _changed(self._records, changes)
        document = {
            "format": _FORMAT,
            "version": _VERSION,
            "writes": self._writes + 1,
            "records": {name: records[name].hex() for name in sorted(records)},
        }
        data = json.dumps(document, indent=1).encode() + b"\n"
        # The copy behind the old document begins where writing over that one will not reach.
        gap = b"\n" * max(len(data) - self._end, 0)
        os.ftruncate(self._file, self._end)
        os.fchmod(self._file, 0o600)
        self._put(gap + data, self._end)
        self._records, self._writes = records, self._writes + 1
        self._end += len(gap + data)
        self._put(data, 0)
        os.ftruncate(self._file, len(data))
        self._end = len(data)
        if self._writes == 1:
            self._flush_name()

    def _flush_name(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _put(self, data: bytes, at: int) -> None:
        while data:
            written = os.pwrite(self._file, data, at)
            data, at = data[written:], at + written
        os.fsync(self._file)


def read_state_file(path: str | os.PathLike[str]) -> MemoryStorage:
    """What a state file holds now, also while a key uses it; nothing that is done to it is kept.

    Raises:
        StateFileInvalid: It is something else.
        OSError: It cannot be read.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        records, writes, _ = _read(file, str(path))
    finally:
        os.close(file)
    return MemoryStorage(records, writes=writes)


def _read(file: int, path: str) -> tuple[dict[str, bytes], int, int]:
    """The records of an open file, how often it was written, and the end of its document."""
    if not stat.S_ISREG(os.fstat(file).st_mode):
        raise StateFileInvalid(path, "it is no file but a device or a pipe")
    with os.fdopen(os.dup(file), "rb") as whole:
        whole.seek(0)
        data = whole.read()
    if not data:
        return {}, 0, 0
    before, newline, last = data.rpartition(b"\n{")
    if newline:
        with suppress(ValueError, RecursionError):
            return *_parsed(b"{" + last, path), len(data)
        data = before.rstrip(b"\n") + b"\n"
    try:
        return *_parsed(data, path), len(data)
    except (ValueError, RecursionError) as error:
        raise StateFileInvalid(path, str(error)) from error


def _parsed(data: bytes, path: str) -> tuple[dict[str, bytes], int]:
    """The records of a document, and how often it was written.

    Raises:
        ValueError: It is no JSON, or cut short.
        StateFileInvalid: It is JSON of something else.
    """
    document = json.loads(data.decode())
    wrong = partial(StateFileInvalid, path)
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise wrong(f'it has no "format": "{_FORMAT}"')
    if document.get("version") != _VERSION:
        raise wrong(f"its version is {document.get('version')!r}; this one reads {_VERSION}")
    writes, records = document.get("writes"), document.get("records")
    if type(writes) is not int or writes < 0:
        raise wrong(f'"writes" is a number of writes, not {writes!r}')
    if not isinstance(records, dict):
        raise wrong('"records" are hexadecimal values by name')
    values = {}
    for name, value in records.items():
        try:
            values[name] = bytes.fromhex(value)
        except (TypeError, ValueError):
            raise wrong(f'record "{name}" is not hexadecimal') from None
    return values, writes


def _changed(records: Mapping[str, bytes], changes: Mapping[str, bytes | None]) -> dict[str, bytes]:
    merged = {**records, **changes}
    return {name: value for name, value in merged.items() if value is not None}
