"""Maker seed files as scenarios name them: PSKC (RFC 6030) or CSV, told apart by their content."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mfalab.devices.otp.pskc import read_pskc
from mfalab.devices.otp.seed import SeedRecord
from mfalab.devices.otp.seed_csv import read_seed_csv


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
