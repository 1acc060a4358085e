"""The statements of the store in PostgreSQL, before any server sees them."""

import re
from dataclasses import replace
from typing import Any

import pytest

from mfalab.verifier.records import Account, Budget, Device, Identity, Membership, UserGroup
from mfalab.verifier.store.known import Place, Waiting
from mfalab.verifier.store.postgresql_statements import (
    change_row,
    count_rows,
    delete_row,
    escaped,
    insert_row,
    parents,
    select_rows,
    shape,
    unescaped,
    upsert_row,
    values_of,
    writes,
)
from mfalab.verifier.store.rows import ROWS


def places(statement: str) -> int:
    """How many values a statement takes."""
    return statement.count("%s")


def waiting(*records: Any) -> dict[Place, Waiting]:
    """New rows that wait."""
    return {(type(each), ROWS[type(each)].key_of(each)): Waiting(None, each) for each in records}


def test_each_statement_takes_the_values_of_its_columns(record: Any) -> None:
    rows = ROWS[type(record)]
    assert places(insert_row(rows)) == places(upsert_row(rows)) == len(rows.columns)
    assert places(delete_row(rows)) == len(rows.key)
    for end in range(1, len(rows.columns) + 1):
        changed = rows.columns[:end]
        assert places(change_row(rows, changed)) == end + len(rows.key)


def test_what_is_looked_for_without_a_value_is_null() -> None:
    equal = {"owner_id": None, "kind": "hardware", "name": "n", "deleted_ns": None}
    names, none = shape(equal)
    assert (names, none) == (("kind", "name"), ("owner_id", "deleted_ns"))
    for build in (select_rows, count_rows):
        statement = build(ROWS[Device], names, none)
        assert places(statement) == len(values_of(equal)) == 2
        assert re.findall(r"(\w+) IS NULL", statement) == list(none)


def test_row_that_is_nothing_but_its_key_is_changed_by_no_upsert() -> None:
    assert upsert_row(ROWS[Membership]).endswith("DO NOTHING")
    assert 'DO UPDATE SET "window" = ' in upsert_row(ROWS[Budget])


def test_columns_that_name_another_record_are_its_parents() -> None:
    assert dict(parents(ROWS[Device])) == {"account_id": Account, "owner_id": Identity}
    assert dict(parents(ROWS[Membership])) == {"user_id": Identity, "group_id": UserGroup}
    assert parents(ROWS[Account]) == ()


def test_new_rows_are_written_after_those_they_refer_to(one_of_each: list[Any]) -> None:
    first, *others = reversed(one_of_each)
    account = next(each for each in others if type(each) is Account)
    changes = {(Budget, ("other",)): Waiting(Budget("other"), Budget("other", attempts=1))}
    made = [statement for statement, _ in writes({**changes, **waiting(first, *others)})]
    at = {
        rows.record_type: place
        for place, statement in enumerate(made)
        for rows in ROWS.values()
        if statement.startswith(f"INSERT INTO mfalab.{rows.table} ")
    }
    assert at.keys() == ROWS.keys()
    assert at[type(account)] == 0
    for rows in ROWS.values():
        assert all(at[parent] < at[rows.record_type] for _, parent in parents(rows))
    assert made[-1].startswith("UPDATE mfalab.budget ")


@pytest.mark.parametrize("count", [1, 20, 400])
def test_rows_of_one_kind_are_one_statement(count: int) -> None:
    old = [Budget(f"s\0{number}") for number in range(count)]
    new = [replace(each, attempts=number + 1) for number, each in enumerate(old)]
    ((statement, values),) = writes(waiting(*new))
    assert places(statement) == len(values) == len(ROWS[Budget].columns)
    changes = {
        (Budget, (one.serial,)): Waiting(one, other) for one, other in zip(old, new, strict=True)
    }
    ((statement, values),) = writes(changes)
    assert places(statement) == len(values) == 2
    keys, attempts = [escaped(each.serial) for each in new], [each.attempts for each in new]
    assert values == ([attempts[0], keys[0]] if count == 1 else [keys, attempts])


def test_row_that_is_as_it_was_is_not_written(device: Device) -> None:
    assert list(writes({(Device, (device.id,)): Waiting(device, replace(device))})) == []


@pytest.mark.parametrize(
    "text", ["", "s", "\0", "\x1a", "\x1az", "\x1as", "\x1a\0", "\0\x1a", "z\x1a\x1a\0\0s", "é"]
)
def test_text_comes_back_and_goes_without_what_postgresql_has_not(text: str) -> None:
    assert "\0" not in escaped(text)
    assert unescaped(escaped(text)) == text


@pytest.mark.parametrize("value", [None, 0, 26, b"\0\x1a"])
def test_what_is_no_text_goes_as_it_is(value: object) -> None:
    assert escaped(value) is value
    assert unescaped(value) is value
