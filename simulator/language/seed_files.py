"""Maker seed files as scenarios name them: PSKC (RFC 6030) or CSV, told apart by their content."""

from __future__ import annotations

import codecs
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from mfalab.devices.errors import Problem, ProvisioningError
from mfalab.devices.otp.pskc import UnusableKey, read_pskc_keys
from mfalab.devices.otp.seed import SeedRecord
from mfalab.devices.otp.seed_csv import read_seed_csv


def resolve_seed_files(path: Path, entries: dict[str, Any]) -> None:
    """Make the paths of seed files absolute: they are relative to the file that names them.

    An entry that several cases share comes here once for each, and stays what it is.
    """
    for entry in entries.values():
        if isinstance(entry, dict) and isinstance(entry.get("seeds"), str):
            entry["seeds"] = str(path.parent.absolute() / entry["seeds"])


_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""What a byte-order mark says."""


class Seeds(dict[str, SeedRecord]):
    """The tokens of a seed file by their serial numbers.

    Where a device has several keys, each goes by its key ID (`10000001:1`).

    Attributes:
        unusable: why a serial number that is in the file has no token here.
    """

    def __init__(self, keys: Iterable[SeedRecord | UnusableKey]) -> None:
        super().__init__()
        self.unusable: dict[str, str] = {}
        groups: dict[str, list[SeedRecord]] = defaultdict(list)
        bad: list[UnusableKey] = []
        for key in keys:
            if isinstance(key, UnusableKey):
                bad.append(key)
            else:
                groups[key.serial].append(key)
        for serial, records in groups.items():
            names = [record.key_id for record in records]
            if len(records) == 1:
                self[serial] = records[0]
            elif all(names) and len(set(names)) == len(names) and not set(names) & {*groups, *self}:
                self.update(zip(names, records, strict=True))
                ids = " or ".join(names)
                self.unusable[serial] = f"{serial} has {len(records)} keys. Say {ids}."
            else:
                self.unusable[serial] = (
                    f"{serial} has {len(records)} keys, and their IDs do not tell them apart. "
                    "Ask the maker for a file with one."
                )
        for each in bad:
            if each.serial not in self:
                self.unusable.setdefault(each.serial, str(each.problem))
        if not self and bad:
            raise ProvisioningError([each.problem for each in bad])


def read_seeds(path: Path, password: str | None = None) -> Seeds:
    """The tokens of a seed file as it is now.

    Args:
        path: the file.
        password: of a PSKC file that is encrypted under one.

    Raises:
        OSError: the file cannot be read.
        ProvisioningError: it is no seed file, or none of its tokens can be used.
    """
    return _parsed(path.read_bytes(), path.name, password)


@lru_cache(maxsize=32)
def _parsed(data: bytes, name: str, password: str | None) -> Seeds:
    """Kept by content, so that a file which is written again is read again."""
    encoding = next((each for mark, each in _ENCODINGS.items() if data.startswith(mark)), "utf-8")
    if data.decode(encoding, "replace").lstrip().startswith("<"):
        return Seeds(read_pskc_keys(data, password=password, name=name))
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise ProvisioningError(
            [
                Problem(
                    f"{name}:{line}:{column}",
                    f"byte 0x{data[error.start]:02X} is no {encoding.upper()}. "
                    "Save the file as CSV in UTF-8.",
                )
            ]
        ) from None
    return Seeds(read_seed_csv(text, name=name))
