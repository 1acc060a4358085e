"""What pydantic found wrong with a document, in words and with its place in the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import yaml
from pydantic import BaseModel

from mfalab.devices.otp.seed import SeedRecord
from mfalab.simulator.language.problems import Problem
from mfalab.simulator.language.seed_files import NoSeed, SeedFileEntry, SeedFiles
from mfalab.simulator.language.words import choice, nearest
from mfalab.simulator.scenario_files.shape import KEY, known_keys, known_tags
from mfalab.simulator.scenario_files.yaml_source import Location, Source, node_at

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
"""What pydantic calls a key that a model, or a dataclass, does not know."""
_SHAPES = {
    "model_type": "a mapping {KEY: VALUE}",
    "model_attributes_type": "a mapping {KEY: VALUE}",
    "dict_type": "a mapping {KEY: VALUE}",
    "list_type": "a list [ITEM, ITEM]",
    "string_type": "a text",
}
"""What pydantic misses, by its name for the error."""


def located(
    source: Source, root: yaml.Node, errors: Iterable[Any], model: type[BaseModel]
) -> Iterator[Problem]:
    """Validation errors as problems; a value that fits none of several types is one problem.

    Args:
        source: the file.
        root: its document.
        errors: what pydantic found, `ValidationError.errors()`.
        model: what it was validated by.
    """
    values: dict[tuple[int, int], list[str]] = {}
    for error in errors:
        where, message = _located(root, error, model)
        if error["type"] in ("missing", *_UNKNOWN):
            yield source.problem(where, in_step(error["loc"]) + message)
        else:
            place = (where.start_mark.line, where.start_mark.column)
            said = values.setdefault(place, [in_step(error["loc"])])
            if message not in said:
                said.append(message)
    for (line, column), (step, *messages) in values.items():
        yield source.problem_at(line, column, step + "; or ".join(messages))


def _located(root: yaml.Node, error: Any, model: type[BaseModel]) -> tuple[yaml.Node, str]:
    """The node of one validation error, and what is wrong with it."""
    location: Location = tuple(error["loc"])
    kind, context, given = error["type"], error.get("ctx", {}), error.get("input")
    key = kind in _UNKNOWN or location[-1:] == (KEY,)
    where = node_at(root, location, key=key)
    last = str(location[-1]) if location else ""
    if kind in _UNKNOWN:
        known = known_keys(location[:-1], model)
        message = f'unknown key "{last}"{nearest(last, known) or choice(known)}'
    elif kind == "missing":
        message = f'"{last}" is missing'
    elif kind in ("union_tag_invalid", "union_tag_not_found"):
        message, where = _bad_tag(root, location, context, where, model)
    elif kind == "literal_error":
        words = _literals(str(context["expected"]))
        message = f'"{given}" is not known here{nearest(str(given), words) or choice(words)}'
    elif kind == "value_error":
        message = str(context["error"])
    elif kind == "string_pattern_mismatch":
        message = f'"{given}" does not fit {context["pattern"]}'
    elif kind in _SHAPES:
        message = f"{_SHAPES[kind]} belongs here, not {_short(given)}"
    else:
        message = f"{error['msg']}, got {_short(given)}"
    return where, message


def _bad_tag(
    root: yaml.Node, location: Location, context: Any, where: yaml.Node, model: type[BaseModel]
) -> tuple[str, yaml.Node]:
    tag = str(context["discriminator"]).strip("'")
    listed = "mfalab steps" if tag == "do" else ""
    if "tag" not in context:
        thing = "step" if tag == "do" else "device"
        known = choice(known_tags(location, model), listed)
        return f'this {thing} has no "{tag}"{known}', where
    thing = "step" if tag == "do" else "device kind"
    given, words = str(context["tag"]), _literals(str(context["expected_tags"]))
    message = f'unknown {thing} "{given}"{nearest(given, words) or choice(words, listed)}'
    return message, node_at(root, (*location, tag))


def find_seed(
    source: Source, root: yaml.Node, at: Location, entry: SeedFileEntry, files: SeedFiles
) -> SeedRecord | Problem:
    """The token that the entry at a location means in its seed file, or why there is none."""
    try:
        return files.record(entry)
    except NoSeed as error:
        return source.problem(node_at(root, (*at, error.word)), error.why)


def in_step(location: Location) -> str:
    """What to say first about a place inside of a step: `step 3: `, or nothing."""
    if len(location) > 1 and location[0] == "steps" and isinstance(location[1], int):
        return f"step {location[1] + 1}: "
    return ""


def _literals(listed: str) -> list[str]:
    return [word.strip(" '") for word in listed.replace(" or ", ", ").split(",")]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 40 else f"{text[:37]}..."
