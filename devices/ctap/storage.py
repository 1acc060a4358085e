"""Where an authenticator keeps what survives power: named records, changed by atomic writes.

One call of `write` is one numbered write: after a power cut either all of its changes are there or
none. A storage knows nothing of what the records mean.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, final

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
    """A state file cannot be read."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path = path
        self.why = why

    def __str__(self) -> str:
        return f"{self.path} is not the state of a security key: {self.why}. Make a new one."


class Storage(Protocol):
    """Records by name, kept over a loss of power."""

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

    def __init__(self, records: Mapping[str, bytes] | None = None) -> None:
        self._records = dict(records or {})
        self._writes = 0

    @property
    def writes(self) -> int:
        """How many writes there have been."""
        return self._writes

    def read(self) -> dict[str, bytes]:
        """A copy of all records."""
        return dict(self._records)

    def write(self, changes: Mapping[str, bytes | None]) -> None:
        """Set and remove records, all at once."""
        self._records = _changed(self._records, changes)
        self._writes += 1


@final
class FileStorage(MemoryStorage):
    """Records in one JSON file, replaced as a whole at each write.

    The new file is written beside the old one, flushed to the disk and renamed over it, so a crash
    at any moment leaves the old or the new file. It holds private keys, so its owner alone may read
    it, whatever was allowed before. Values are hexadecimal. Writes are counted over the life of the
    file.

    Raises:
        StateFileInvalid: The file exists and is something else.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self._path = Path(path)
        if self._path.exists():
            self._load()

    def write(self, changes: Mapping[str, bytes | None]) -> None:
        """Set and remove records and replace the file."""
        records = _changed(self._records, changes)
        document = {
            "format": _FORMAT,
            "version": _VERSION,
            "writes": self._writes + 1,
            "records": {name: records[name].hex() for name in sorted(records)},
        }
        beside = self._path.with_name(self._path.name + ".new")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        self._flush_directory()
        self._records = records
        self._writes += 1

    def _flush_directory(self) -> None:
        if not hasattr(os, "O_DIRECTORY"):
            return
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _load(self) -> None:
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            if (document["format"], document["version"]) != (_FORMAT, _VERSION):
                raise ValueError(f"format {document['format']!r}, version {document['version']!r}")
            self._records = {k: bytes.fromhex(v) for k, v in document["records"].items()}
            self._writes = int(document["writes"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StateFileInvalid(str(self._path), f"{type(error).__name__} {error}") from error


def _changed(records: Mapping[str, bytes], changes: Mapping[str, bytes | None]) -> dict[str, bytes]:
    merged = {**records, **changes}
    return {name: value for name, value in merged.items() if value is not None}
