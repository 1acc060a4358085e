"""A key's file, with records that are not the key's.

The file is the key's store. Records under `key/` are ours, which the key leaves alone: the model,
the serial number, the seed if there is one, and how often the key had power, so that a seeded key
never draws the same bytes twice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfalab.simulator.cli.common import not_ready

if TYPE_CHECKING:
    from mfalab.devices.ctap.model import Model
    from mfalab.devices.ctap.storage import MemoryStorage
    from mfalab.devices.ctap.user import User
    from mfalab.devices.schedule import Scheduler
    from mfalab.devices.security_key import SecurityKey
    from mfalab.simulator.entropy import EntropySource

_MODEL, _SEED, _SERIAL, _POWER_UPS = "key/model", "key/seed", "key/serial", "key/power-ups"
_FORMS = {
    _MODEL: b"[^\\0]+",
    _SERIAL: b"[0-9A-F]{8}",
    _SEED: b"-?[0-9]{1,99}",
    _POWER_UPS: b"[0-9]{1,18}",
}


def make(path: Path, model: str, seed: int | None) -> Model:
    """Make a key in a new file."""
    from contextlib import closing

    from mfalab.devices.ctap.storage import FileStorage

    described = model_called(model)
    about = str(Path(model).resolve()) if model.endswith(".toml") else model
    told = None if seed is None else str(seed)
    records = {_MODEL: os.fsencode(about), _SERIAL: _new_serial(told)}
    if told is not None:
        records[_SEED] = told.encode()
    with closing(FileStorage(path)) as file:
        file.write(records)
    open_key(path).close()
    return described


def open_key(
    path: Path,
    *,
    scheduler: Scheduler | None = None,
    user: User | None = None,
    power_up: bool = False,
    look: bool = False,
    name: str = "",
) -> SecurityKey:
    """The key in a file, which is its own until it is closed.

    Args:
        path: the file.
        scheduler: see `SecurityKey`.
        user: likewise.
        power_up: its chance goes on where no earlier one has been.
        look: the file may be in use, and nothing that is done to the key is kept.
        name: what to call it; the file's name if it is left out.

    Raises:
        UsageError: there is no such file, or its model is none.
        StateFileInvalid: it is no key.
        StateInUse: another process uses it.
    """
    from mfalab.devices.ctap.storage import FileStorage, read_state_file
    from mfalab.devices.security_key import SecurityKey

    if not path.exists():
        raise click.UsageError(f"there is no {path}. Make a key with: mfalab key new {path}")
    storage = read_state_file(path) if look else FileStorage(path)
    about = _about(path, storage)
    if power_up:
        about = replace(about, power_ups=about.power_ups + 1)
        storage.write({_POWER_UPS: str(about.power_ups).encode()})
    return SecurityKey(
        model_called(about.model),
        random_bytes=_entropy(about.seed, f"power-up {about.power_ups}").random_bytes("key"),
        state=storage,
        scheduler=scheduler,
        user=user,
        name=name or path.name,
    )


def serial(path: Path) -> str:
    """The serial number of the key in a file: 8 hexadecimal digits, the same for ever."""
    from mfalab.devices.ctap.storage import read_state_file

    return _about(path, read_state_file(path)).serial


@dataclass(frozen=True, slots=True)
class _About:
    """What a file tells of its key, in our records."""

    model: str
    serial: str
    seed: str | None
    power_ups: int


def _about(path: Path, storage: MemoryStorage) -> _About:
    from mfalab.devices.ctap.storage import StateFileInvalid

    records = {_POWER_UPS: b"0"} | storage.read()
    for name, form in _FORMS.items():
        if name not in records and name != _SEED:
            raise StateFileInvalid(str(path), f'record "{name}": it is missing')
        if not re.fullmatch(form, records.get(name, b"0"), re.DOTALL):
            raise StateFileInvalid(str(path), f'record "{name}": it is something else')
    seed = records.get(_SEED)
    return _About(
        os.fsdecode(records[_MODEL]),
        records[_SERIAL].decode(),
        None if seed is None else seed.decode(),
        int(records[_POWER_UPS]),
    )


def model_called(name: str) -> Model:
    """The model of that name, or in that file."""
    from mfalab.devices.ctap.model import ModelInvalid, load_model

    try:
        return load_model(name)
    except ModelInvalid as error:
        raise click.UsageError(str(error)) from None


@contextmanager
def file_errors(path: Path | str) -> Iterator[None]:
    """Turn what is wrong with the file, or with plugging in what it holds, into an exit code."""
    from mfalab.devices.ctap.storage import StateFileInvalid, StateInUse
    from mfalab.devices.errors import DeviceError

    try:
        yield
    except StateInUse as error:
        not_ready(str(error))
    except (StateFileInvalid, DeviceError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot use {path}: {error.strerror or error}") from None


def _entropy(seed: str | None, part: str) -> EntropySource:
    from mfalab.simulator.entropy import Entropy, SystemEntropy

    return SystemEntropy() if seed is None else Entropy(seed).child(part)


def _new_serial(seed: str | None) -> bytes:
    return _entropy(seed, "serial number").random_bytes("key")(4).hex().upper().encode()
