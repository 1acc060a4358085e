"""Records as rows of a database, the same in SQLite and in PostgreSQL.

The schema is `schema.sql`; columns are the record's fields, in order. Text, integers and bytes are
themselves, booleans are 0 and 1, enumerations their values, tuples JSON.
"""

import json
import types
from collections.abc import Callable
from dataclasses import fields
from enum import Enum
from importlib import resources
from operator import attrgetter
from typing import Any, Union, get_args, get_origin, get_type_hints

from mfalab.verifier.records import RECORD_TYPES

SCHEMA_VERSION = 5
"""Of the databases that this release reads and writes."""

_Convert = Callable[[Any], Any]
_NO_TUPLE = "[]"


def schema() -> str:
    """The SQL that makes an empty store in SQLite; PostgreSQL's tables are made from it, too."""
    return resources.files("mfalab.verifier.store").joinpath("schema.sql").read_text("utf-8")


def table_name(record_type: type) -> str:
    """The table of a record type: `used_code` for `UsedCode`."""
    return "".join(
        "_" + letter.lower() if letter.isupper() else letter for letter in record_type.__name__
    ).lstrip("_")


def getter(names: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    """A function that reads fields of a record as a tuple, also a single field."""
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda record: (get(record),)


class Rows:
    """One record type and its table."""

    def __init__(self, record_type: Any) -> None:
        hints = get_type_hints(record_type)
        self.record_type = record_type
        self.name: str = record_type.__name__
        self.table = table_name(record_type)
        self.key: tuple[str, ...] = record_type.KEY
        self.unique = frozenset(sum(record_type.UNIQUE, (record_type.LIVE_WHILE_NONE or "",)))
        """The columns on which it depends whether a record is in the way of another one."""
        self.columns = tuple(field.name for field in fields(record_type))
        self.key_of = getter(self.key)
        self.values_of = getter(self.columns)
        ways = [_converters(hints[column]) for column in self.columns]
        self._encode = {
            column: encode
            for column, (encode, _, _) in zip(self.columns, ways, strict=True)
            if encode
        }
        self._encode_at = [(index, encode) for index, (encode, _, _) in enumerate(ways) if encode]
        self._decode_at = [(index, decode) for index, (_, decode, _) in enumerate(ways) if decode]
        self._kinds = [kinds for _, _, kinds in ways]
        self._sound: set[tuple[type, ...]] = set()

    def row(self, record: object) -> list[Any]:
        """The values of all columns."""
        values = list(self.values_of(record))
        for index, encode in self._encode_at:
            if values[index] is not None:
                values[index] = encode(values[index])
        return values

    def value(self, column: str, value: Any) -> Any:
        """The value of one column."""
        encode = self._encode.get(column)
        return value if encode is None or value is None else encode(value)

    def key_values(self, key: tuple[object, ...]) -> list[Any]:
        """The values of the columns of a key."""
        return [self.value(column, value) for column, value in zip(self.key, key, strict=True)]

    def changed(self, old: object, new: object) -> tuple[str, ...]:
        """The columns in which two records differ."""
        if old is new:
            return ()
        pairs = zip(self.columns, self.values_of(old), self.values_of(new), strict=True)
        return tuple([column for column, one, other in pairs if one != other])

    def encoded(self, equal: dict[str, object]) -> dict[str, Any]:
        """The values of these fields; raises AttributeError where not all are the records'."""
        if not equal.keys() <= set(self.columns):
            raise AttributeError(f"{self.name} does not have all of {sorted(equal)}")
        return {column: self.value(column, value) for column, value in equal.items()}

    def record(self, row: tuple[Any, ...]) -> Any:
        """Raises ValueError or LookupError where the row is none of this type."""
        kinds = tuple(map(type, row))
        if kinds not in self._sound:
            if not all(map(frozenset.__contains__, self._kinds, kinds)):
                raise ValueError(f"a row of {kinds}")
            self._sound.add(kinds)
        values = list(row)
        for index, decode in self._decode_at:
            if values[index] is not None:
                values[index] = decode(values[index])
        return self.record_type(*values)


def _encode_tuple(value: tuple[Any, ...]) -> str:
    return json.dumps(value) if value else _NO_TUPLE


def _decode_tuple(text: str) -> tuple[Any, ...]:
    found = () if text == _NO_TUPLE else _tuples(json.loads(text))
    if not isinstance(found, tuple):
        raise ValueError("JSON that is no list")
    return found


def _tuples(value: Any) -> Any:
    """JSON's lists as the tuples they were."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _converters(hint: Any) -> tuple[_Convert | None, _Convert | None, frozenset[type]]:
    """How a field of this type goes into a database and comes back, and what it is there.

    None where it goes as it is.
    """
    if get_origin(hint) in {Union, types.UnionType}:
        (plain,) = (part for part in get_args(hint) if part is not type(None))
        encode, decode, kinds = _converters(plain)
        return encode, decode, kinds | {type(None)}
    if hint is bool:
        return int, {0: False, 1: True}.__getitem__, frozenset({int})
    if hint in {str, int, bytes}:
        return None, None, frozenset({hint})
    if get_origin(hint) is tuple:
        return _encode_tuple, _decode_tuple, frozenset({str})
    if isinstance(hint, type) and issubclass(hint, Enum):
        members = {member.value: member for member in hint}
        return attrgetter("value"), members.__getitem__, frozenset({str})
    raise TypeError(f"a field of type {hint} has no form in a database; give it one in _converters")


ROWS = {record_type: Rows(record_type) for record_type in RECORD_TYPES}
"""The rows of each record type."""
