"""The shape of the scenario language, read off its models: which keys stand where, what they name.

Works on documents as they are written, also on wrong ones, so that a file with a missing unit and a
misspelt name is told both at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from mfalab.simulator.language.words import Reference
from mfalab.simulator.scenario_files.scenario import Scenario
from mfalab.simulator.scenario_files.yaml_source import Location

KEY = "[key]"
"""The last part of a location that means a key rather than its value; pydantic writes it so too."""
_TAG_KEYS = ("do", "kind")


@cache
def _hints(model: type[BaseModel]) -> dict[str, Any]:
    return get_type_hints(model, include_extras=True)


@cache
def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """Key in the file and annotation of each field."""
    hints = _hints(model)
    return {
        info.alias or name: hints.get(name, info.annotation)
        for name, info in model.model_fields.items()
    }


@cache
def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the annotation alone, without `Annotated`."""
    if get_origin(annotation) is Annotated:
        return alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return tuple(inner for item in get_args(annotation) for inner in alternatives(item))
    return (annotation,)


@cache
def _models(annotation: Any) -> tuple[type[BaseModel], ...]:
    return tuple(
        item
        for item in alternatives(annotation)
        if isinstance(item, type) and issubclass(item, BaseModel)
    )


@cache
def _tags(model: type[BaseModel]) -> frozenset[str]:
    """The values of `do` or `kind` by which a union chooses this model."""
    return frozenset(
        str(tag)
        for key in _TAG_KEYS
        if key in model.model_fields
        for tag in get_args(model.model_fields[key].annotation)
    )


def known_keys(location: Location, model: type[BaseModel] = Scenario) -> list[str]:
    """The keys that the model at a location of a document takes."""
    annotation: Any = model
    for part in location:
        annotation = _inside(annotation, part)
    found = [key for model in _models(annotation) for key in _fields(model)]
    classes = [item for item in alternatives(annotation) if is_dataclass(item)]
    return found + [field.name for each in classes for field in fields(each)]


def known_tags(location: Location, model: type[BaseModel] = Scenario) -> list[str]:
    """The values of `do` or `kind` that choose among the models at a location."""
    annotation: Any = model
    for part in location:
        annotation = _inside(annotation, part)
    return [tag for model in _models(annotation) for tag in sorted(_tags(model))]


def _inside(annotation: Any, part: str | int) -> Any:
    """What a part of a location leads to: a field, an item, or a branch of a union."""
    for model in _models(annotation):
        if part in _fields(model):
            return _fields(model)[str(part)]
        if part in _tags(model):
            return model
    for candidate in alternatives(annotation):
        if get_origin(candidate) in (list, dict):
            return get_args(candidate)[-1]
    return annotation


def references(data: Any) -> Iterator[tuple[Location, str, str]]:
    """Every name in a document that refers to something declared: where, to what kind, the name.

    What does not fit the models is passed over; validation reports it.
    """
    yield from _references(Scenario, data, ())


def _references(annotation: Any, data: Any, at: Location) -> Iterator[tuple[Location, str, str]]:
    if get_origin(annotation) is Annotated:
        inner, *extras = get_args(annotation)
        for extra in extras:
            if isinstance(extra, Reference) and isinstance(data, str):
                yield at, extra.to, data
        yield from _references(inner, data, at)
    elif get_origin(annotation) in (Union, UnionType):
        for item in _chosen(annotation, data):
            yield from _references(item, data, at)
    elif get_origin(annotation) is list and isinstance(data, list):
        for index, item in enumerate(data):
            yield from _references(get_args(annotation)[0], item, (*at, index))
    elif get_origin(annotation) is dict and isinstance(data, dict):
        key_type, value_type = get_args(annotation)
        for key, value in data.items():
            yield from _references(key_type, key, (*at, key, KEY))
            yield from _references(value_type, value, (*at, key))
    elif _models(annotation) and isinstance(data, dict):
        for key, inner in _referring(annotation).items():
            if key in data:
                yield from _references(inner, data[key], (*at, key))


@cache
def _referring(model: type[BaseModel]) -> dict[str, Any]:
    """The fields that may hold a reference: most do not, and each case is looked through."""
    return {key: inner for key, inner in _fields(model).items() if _may_refer(inner)}


def _may_refer(annotation: Any) -> bool:
    """Whether something that fits may hold a reference."""
    seen, waiting = set(), [annotation]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Reference):
            return True
        if item not in seen:
            seen.add(item)
            for model in _models(item):
                waiting += _fields(model).values()
            waiting += [*get_args(item), *getattr(item, "__metadata__", ())]
    return False


def _chosen(annotation: Any, data: Any) -> Sequence[Any]:
    """The members of a union that some data may be: by its tag where the members have tags."""
    tagged = _by_tag(annotation) if isinstance(data, dict) else {}
    if tagged:
        given = [str(data.get(key)) for key in _TAG_KEYS]
        return [item for tag in given if tag in tagged for item in tagged[tag]]
    members: tuple[Any, ...] = get_args(annotation)
    return members


@cache
def _by_tag(annotation: Any) -> dict[str, list[Any]]:
    """The members of a union by the tags of their models; empty when none has any."""
    members: dict[str, list[Any]] = {}
    for item in get_args(annotation):
        for tag in {tag for model in _models(item) for tag in _tags(model)}:
            members.setdefault(tag, []).append(item)
    return members
