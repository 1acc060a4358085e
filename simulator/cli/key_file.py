"""A key's file: opened by one process at a time, with records that the key does not see.

The file is the key's store. Records under `key/` are hidden from the key: the model, the serial
number, the seed if there is one, and how often the key had power, so that a seeded key never draws
the same bytes twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfalab.simulator.cli.common import not_ready

if TYPE_CHECKING:
    from mfalab.devices.ctap.model import Model
    from mfalab.devices.ctap.storage import FileStorage
    from mfalab.devices.ctap.user import User
    from mfalab.devices.schedule import Scheduler
    from mfalab.devices.security_key import SecurityKey
    from mfalab.simulator.entropy import EntropySource

_OWN = "key/"
_MODEL, _SEED, _SERIAL, _POWER_UPS = "key/model", "key/seed", "key/serial", "key/power-ups"


class _KeyFile(click.Path):
    """A path without links, so that one key has one name and one lock."""

    name = "file"

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """The path."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        return path.resolve() if path.is_symlink() else path


KEY_FILE = _KeyFile(dir_okay=False)
"""What an argument that names a key's file is."""


def make(path: Path, model: str, seed: int | None) -> Model:
    """Make a key in a new file."""
    from mfalab.devices.ctap.storage import FileStorage

    described = model_called(model)
    about = str(Path(model).resolve()) if model.endswith(".toml") else model
    records: dict[str, bytes | None] = {_MODEL: about.encode()}
    if seed is not None:
        records[_SEED] = str(seed).encode()
    records[_SERIAL] = _new_serial(records.get(_SEED))
    FileStorage(path).write(records)
    open_key(path)
    return described


def open_key(
    path: Path,
    *,
    scheduler: Scheduler | None = None,
    user: User | None = None,
    power_up: bool = False,
    name: str = "",
) -> SecurityKey:
    """The key in a file; with `power_up` its chance goes on where no earlier one has been."""
    from mfalab.devices.ctap.storage import FileStorage, StateFileInvalid
    from mfalab.devices.security_key import SecurityKey

    if not path.exists():
        raise click.UsageError(f"there is no {path}. Make a key with: mfalab key new {path}")
    storage = FileStorage(path)
    records = storage.read()
    if _MODEL not in records:
        raise StateFileInvalid(str(path), "it does not say what model it is")
    power_ups = int(records.get(_POWER_UPS, b"0")) + power_up
    if power_up:
        storage.write({_POWER_UPS: str(power_ups).encode()})
    return SecurityKey(
        model_called(records[_MODEL].decode()),
        random_bytes=_entropy(records.get(_SEED), f"power-up {power_ups}").random_bytes("key"),
        state=_WithoutOwn(storage),
        scheduler=scheduler,
        user=user,
        name=name or path.name,
    )


def serial(path: Path) -> str:
    """The serial number of the key in a file: 8 hexadecimal digits, the same for ever."""
    from mfalab.devices.ctap.storage import FileStorage, StateFileInvalid

    records = FileStorage(path).read()
    if _SERIAL not in records:
        raise StateFileInvalid(str(path), "it does not say what its serial number is")
    return records[_SERIAL].decode()


def model_called(name: str) -> Model:
    """The model of that name, or in that file."""
    from mfalab.devices.ctap.model import ModelInvalid, load_model

    try:
        return load_model(name)
    except ModelInvalid as error:
        raise click.UsageError(str(error)) from None


@contextmanager
def file_errors(path: Path | str) -> Iterator[None]:
    """Turn what is wrong with the file, or with plugging in what it holds, into wrong usage."""
    from mfalab.devices.ctap.storage import StateFileInvalid
    from mfalab.devices.errors import DeviceError

    try:
        yield
    except (StateFileInvalid, DeviceError) as error:
        raise click.UsageError(str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"cannot use {path}: {error}") from None


@contextmanager
def only_user_of(path: Path) -> Iterator[None]:
    """Keep a second process off the file: each would write what the other has changed.

    The lock is the kernel's and ends with the process, however it dies; the file beside that
    carries it means nothing by itself.
    """
    import fcntl

    beside = path.with_name(path.name + ".lock")
    while True:
        with beside.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                not_ready(f"{path} is plugged in by another process. Quit that one first.")
            try:
                ours = os.path.samestat(os.fstat(lock.fileno()), beside.stat())
            except FileNotFoundError:
                ours = False
            if not ours:
                continue  # its last user removed it between our opening and locking it
            # What a process that was killed has left half-written.
            path.with_name(path.name + ".new").unlink(missing_ok=True)
            try:
                yield
            finally:
                beside.unlink(missing_ok=True)
            return


class _WithoutOwn:
    """A file's records without those of this module: a reset of the key removes all it sees."""

    def __init__(self, file: FileStorage) -> None:
        self._file = file

    @property
    def writes(self) -> int:
        return self._file.writes

    def read(self) -> dict[str, bytes]:
        return {n: value for n, value in self._file.read().items() if not n.startswith(_OWN)}

    def write(self, changes: Mapping[str, bytes | None]) -> None:
        self._file.write(changes)


def _entropy(seed: bytes | None, part: str) -> EntropySource:
    from mfalab.simulator.entropy import Entropy, SystemEntropy

    return SystemEntropy() if seed is None else Entropy(seed.decode()).child(part)


def _new_serial(seed: bytes | None) -> bytes:
    return _entropy(seed, "serial number").random_bytes("key")(4).hex().upper().encode()
