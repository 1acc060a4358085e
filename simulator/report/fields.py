"""The fields of an event, with the types that the schema gives them."""

import json
import math
from collections.abc import Iterable, Mapping

from mfalab.simulator.report.model import Verdict


class EventError(ValueError):
    """An event that does not fit the schema, before its place in a log is known."""


def as_text(value: object) -> str:
    """A JSON value as a reader wants it: text as it is, nothing as "", the rest as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


_REQUIRED = object()


def value(event: Mapping[str, object], key: str) -> object:
    """A field that must be there.

    Raises:
        EventError: It is not.
    """
    if key not in event:
        raise EventError(f'{event.get("kind", "an object")} has no field "{key}"')
    return event[key]


def text(event: Mapping[str, object], key: str, default: object = _REQUIRED) -> str:
    """A field as text; `default` stands for one that is missing.

    Raises:
        EventError: It is missing, and nothing stands for it.
    """
    return as_text(value(event, key) if default is _REQUIRED else event.get(key, default))


def integer(event: Mapping[str, object], key: str) -> int:
    """A field that is an integer.

    Raises:
        EventError: It is none.
    """
    found = value(event, key)
    if not isinstance(found, int) or isinstance(found, bool):
        raise EventError(f'"{key}" is {found!r}, but must be an integer')
    return found


def number_or_none(event: Mapping[str, object], key: str) -> float | None:
    """A field that is a number or null; not a number counts as null.

    Raises:
        EventError: It is neither.
    """
    found = value(event, key)
    if found is None:
        return None
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise EventError(f'"{key}" is {found!r}, but must be a number or null')
    return float(found) if math.isfinite(found) else None


def verdict(event: Mapping[str, object]) -> Verdict:
    """The field `verdict`.

    Raises:
        EventError: It is none.
    """
    found = value(event, "verdict")
    try:
        return Verdict(str(found))
    except ValueError:
        raise EventError(f"the verdict is {found!r}, but must be one of {_VERDICTS}") from None


_VERDICTS = ", ".join(each.value for each in Verdict if each is not Verdict.INTERRUPTED)


def measured(found: object) -> float | str | bool:
    """A measured value as a report shows it."""
    if isinstance(found, bool | int) or (isinstance(found, float) and math.isfinite(found)):
        return found
    return as_text(found)


def detail(event: Mapping[str, object]) -> Mapping[str, object]:
    """The field `detail`; empty where there is none.

    Raises:
        EventError: It is no object.
    """
    found = event.get("detail")
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise EventError(f'"detail" is {found!r}, but must be an object')
    return found


def list_of(event: Mapping[str, object], key: str) -> Iterable[object]:
    """A field that is a list.

    Raises:
        EventError: It is none.
    """
    found = value(event, key)
    if not isinstance(found, list | tuple):
        raise EventError(f'"{key}" is {found!r}, but must be a list')
    return found


def objects(event: Mapping[str, object], key: str) -> Iterable[Mapping[str, object]]:
    """The objects of a list.

    Raises:
        EventError: It is no list of objects.
    """
    for item in list_of(event, key):
        if not isinstance(item, Mapping):
            raise EventError(f'"{key}" holds {item!r}, but must hold objects')
        yield item
