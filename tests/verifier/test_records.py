"""Copies of records with other values."""

from dataclasses import fields, replace

import pytest

from mfalab.verifier.records import Account, Budget, Device, DeviceKind, changed

RECORDS = [
    Account("1", "aws", None, "root@example.com", None, True, 0),
    Budget("serial", 7, 2, recent_ns=(1, 2)),
    Device("d", DeviceKind.VIRTUAL, "serial", "1", "n", "/", 0, b"secret"),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_copy_is_as_replace_makes_it(record: Account | Budget | Device) -> None:
    assert changed(record) == record
    for each in fields(record):
        marked = {each.name: object()}
        assert changed(record, **marked) == replace(record, **marked)  # type: ignore[arg-type]


def test_field_that_is_none_of_the_record() -> None:
    with pytest.raises(KeyError, match="colour"):
        changed(RECORDS[0], colour=3)
