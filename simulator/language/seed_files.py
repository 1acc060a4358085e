"""Maker seed files as scenarios name them: PSKC (RFC 6030) or CSV, told apart by their content."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from mfalab.devices.otp.pskc import read_pskc
from mfalab.devices.otp.seed import SeedRecord
from mfalab.devices.otp.seed_csv import read_seed_csv


def resolve_seed_files(path: Path, entries: dict[str, Any]) -> None:
    """Make the paths of seed files absolute: they are relative to the file that names them."""
    for entry in entries.values():
        if isinstance(entry, dict) and isinstance(entry.get("seeds"), str):
            entry["seeds"] = str(path.parent / entry["seeds"])


@cache
def read_seeds(path: Path, password: str | None = None) -> dict[str, SeedRecord]:
    """The tokens of a seed file by their serial numbers.

    Args:
        path: the file.
        password: of a PSKC file that is encrypted under one.

    Raises:
        OSError: the file cannot be read.
        ProvisioningError: it is no seed file; every mistake in it.
    """
    data = path.read_bytes()
    if data.lstrip().startswith(b"<"):
        records = read_pskc(data, password=password, name=path.name)
    else:
        records = read_seed_csv(data.decode("utf-8", "replace"), name=path.name)
    return {record.serial: record for record in records}
