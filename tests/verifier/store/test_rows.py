"""Records as rows."""

from dataclasses import replace
from typing import Any

import pytest

from mfalab.verifier.records import Budget, Device, DeviceKind
from mfalab.verifier.store.rows import ROWS, table_name


def test_table_is_named_as_its_records() -> None:
    assert table_name(Device) == "device"
    assert ROWS[Budget].table == "budget"


def test_row_is_the_record_and_has_only_what_databases_have(record: Any) -> None:
    rows = ROWS[type(record)]
    row = rows.row(record)
    assert {type(value) for value in row} <= {str, int, bytes, type(None)}
    assert rows.record(tuple(row)) == record
    for column, value in zip(rows.columns, row, strict=True):
        assert rows.value(column, getattr(record, column)) == value


def test_columns_that_changed(device: Device) -> None:
    rows = ROWS[Device]
    assert rows.changed(device, replace(device)) == ()
    changed = replace(device, kind=DeviceKind.VIRTUAL, phone="+1", tags=())
    assert rows.changed(device, changed) == ("kind", "phone", "tags")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "laser"),
        ("kind", None),
        ("tags", "[[["),
        ("tags", "{}"),
        ("tags", '"text"'),
        ("name", 7),
        ("digits", "6"),
        ("secret", "text"),
    ],
)
def test_row_of_something_else_is_told(device: Device, column: str, value: object) -> None:
    rows = ROWS[Device]
    row = rows.row(device)
    row[rows.columns.index(column)] = value
    with pytest.raises((ValueError, LookupError)):
        rows.record(tuple(row))


@pytest.mark.parametrize("value", [-1, 2])
def test_boolean_is_nothing_but_0_or_1(record: Any, value: int) -> None:
    rows = ROWS[type(record)]
    for index, column in enumerate(rows.columns):
        if isinstance(getattr(record, column), bool):
            row = rows.row(record)
            row[index] = value
            with pytest.raises(LookupError):
                rows.record(tuple(row))


def test_unknown_field_is_an_error() -> None:
    with pytest.raises(AttributeError, match="owner"):
        ROWS[Device].encoded({"owner": "x"})
