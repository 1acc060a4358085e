"""The statements of the store in PostgreSQL, and the forms in which values go into them.

SQLAlchemy makes the tables from `schema.sql`, in a schema of their own, and compiles each statement
to text once; nothing here runs one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    create_engine,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeEngine

from mfalab.verifier.store.known import Place, Waiting
from mfalab.verifier.store.rows import ROWS, SCHEMA_VERSION, Rows, schema

SCHEMA = "mfalab"
"""The schema of the database that has the tables."""


@cache
def _tables() -> MetaData:
    """The tables of `schema.sql`, as PostgreSQL has them."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    read, made = MetaData(), MetaData(schema=SCHEMA)
    with closing(engine.raw_connection()) as connection:
        connection.driver_connection.executescript(schema())  # type: ignore[union-attr]  # sqlite3's
        read.reflect(engine)
    engine.dispose()
    kinds: dict[str, TypeEngine[Any]] = {
        "TEXT": Text(collation="C"),
        "INTEGER": BigInteger(),
        "BLOB": LargeBinary(),
    }
    for each in read.sorted_tables:
        table = each.to_metadata(made, schema=SCHEMA)
        for column in table.columns:
            column.type = kinds[str(column.type)]
            column.autoincrement = False
        for index in table.indexes:
            where = index.dialect_options["sqlite"]["where"]
            index.dialect_options["postgresql"]["where"] = where
    return made


def creation() -> list[str]:
    """The statements that make the schema."""
    statements = [f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"]
    for table in _tables().sorted_tables:
        statements.append(_sql(CreateTable(table)))
        statements += [_sql(CreateIndex(index)) for index in table.indexes]
    statements.append(f"CREATE TABLE {SCHEMA}.schema_version (version bigint NOT NULL)")
    statements.append(f"INSERT INTO {SCHEMA}.schema_version VALUES ({SCHEMA_VERSION})")  # noqa: S608 - constants
    return statements


_DIALECT = postgresql.dialect(paramstyle="format")  # type: ignore[no-untyped-call]  # SQLAlchemy's


def _sql(statement: Any) -> str:
    """A statement as text; the places of its values are in the order in which it names them."""
    return str(statement.compile(dialect=_DIALECT))


def _table(rows: Rows) -> Table:
    return _tables().tables[f"{SCHEMA}.{rows.table}"]


def shape(equal: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that are looked for by a value, and those that have none: `= NULL` is never."""
    names = tuple([name for name, value in equal.items() if value is not None])
    return names, tuple([name for name in equal if name not in names])


def values_of(equal: dict[str, Any]) -> list[Any]:
    """The values that are looked for, in the order of `shape`."""
    return [value for value in equal.values() if value is not None]


@cache
def select_rows(rows: Rows, names: tuple[str, ...], none: tuple[str, ...]) -> str:
    """Reads the rows that have values in these columns and none in those, by their keys' order."""
    table = _table(rows)
    key = [table.c[name] for name in rows.key]
    return _sql(select(table).where(*_where(table, names, none)).order_by(*key))


@cache
def count_rows(rows: Rows, names: tuple[str, ...], none: tuple[str, ...]) -> str:
    """Counts the rows that have values in these columns and none in those."""
    table = _table(rows)
    return _sql(select(func.count()).select_from(table).where(*_where(table, names, none)))


@cache
def insert_row(rows: Rows) -> str:
    """Writes a row; its answer is empty if there is one like it."""
    return _sql(insert(_table(rows)).on_conflict_do_nothing().returning(literal_column("1")))


@cache
def _write_row(rows: Rows) -> str:
    return _sql(insert(_table(rows)))


@cache
def upsert_row(rows: Rows) -> str:
    """Writes a row, over one with the same key if there is one."""
    made = insert(_table(rows))
    changes = {name: made.excluded[name] for name in rows.columns if name not in rows.key}
    if not changes:
        return _sql(made.on_conflict_do_nothing(index_elements=rows.key))
    return _sql(made.on_conflict_do_update(index_elements=rows.key, set_=changes))


@cache
def change_row(rows: Rows, columns: tuple[str, ...]) -> str:
    """Writes columns of the row with a key; the values of the key come last."""
    table = _table(rows)
    changes: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
    return _sql(update(table).where(*_where(table, rows.key)).values(changes))


@cache
def delete_row(rows: Rows) -> str:
    """Deletes the row with a key."""
    table = _table(rows)
    return _sql(delete(table).where(*_where(table, rows.key)))


def writes(waiting: dict[Place, Waiting]) -> Iterator[tuple[str, list[Any]]]:
    """The statements that write rows, each with the values of its columns, all rows' of one."""
    batches: dict[tuple[int, Rows, tuple[str, ...]], list[list[Any]]] = {}
    for (record_type, _), each in waiting.items():
        rows = ROWS[record_type]
        if each.base is None:
            batches.setdefault((_ORDER[rows], rows, ()), []).append(rows.row(each.record))
        elif columns := rows.changed(each.base, each.record):
            names = rows.key + columns
            values = [rows.value(name, getattr(each.record, name)) for name in names]
            batches.setdefault((len(_ORDER), rows, columns), []).append(values)
    # New rows come first, after those that they refer to.
    for (_, rows, columns), lines in sorted(batches.items(), key=lambda batch: batch[0][0]):
        if len(lines) > 1:
            arrays = [[*map(escaped, values)] for values in zip(*lines, strict=True)]
            yield _write_rows(rows, columns), arrays
        elif columns:  # a row alone is cheaper without arrays
            key = len(rows.key)
            yield change_row(rows, columns), [*map(escaped, lines[0][key:] + lines[0][:key])]
        else:
            yield _write_row(rows), [*map(escaped, lines[0])]


_ORDER = {rows: place for place, rows in enumerate(ROWS.values())}
"""Rows refer to those of types before their own."""


@cache
def _write_rows(rows: Rows, columns: tuple[str, ...]) -> str:
    """Writes columns of the rows with these keys; new rows, if no columns are named."""
    table = _table(rows)
    names = rows.key + columns if columns else rows.columns
    arrays = [cast(bindparam(name), ARRAY(type(table.c[name].type)())) for name in names]
    given = func.unnest(*arrays).table_valued(*names).render_derived(name="given")
    if not columns:
        return _sql(insert(table).from_select(names, select(*[given.c[name] for name in names])))
    same = [table.c[name] == given.c[name] for name in rows.key]
    return _sql(update(table).where(*same).values({name: given.c[name] for name in columns}))


@cache
def parents(rows: Rows) -> tuple[tuple[str, type], ...]:
    """The columns that name a record of another type by its key, and that type."""
    types = {each.table: each.record_type for each in ROWS.values()}
    return tuple(
        (key.parent.name, types[key.column.table.name])
        for column in _table(rows).columns
        for key in column.foreign_keys
    )


def _where(
    table: Table, names: tuple[str, ...], none: tuple[str, ...] = ()
) -> list[ColumnElement[bool]]:
    equal = [table.c[name] == bindparam(f"is_{name}") for name in names]
    return equal + [table.c[name].is_(None) for name in none]


# Text in PostgreSQL has no U+0000. U+001A, "substitute", stands before what stands for a character.


def escaped(value: Any) -> Any:
    """A value without U+0000."""
    if type(value) is str and ("\0" in value or "\x1a" in value):
        return value.replace("\x1a", "\x1as").replace("\0", "\x1az")
    return value


def unescaped(value: Any) -> Any:
    """The value that was escaped."""
    if type(value) is str and "\x1a" in value:
        return value.replace("\x1az", "\0").replace("\x1as", "\x1a")
    return value
