"""Scenario files into cases: everything is parsed, typed and resolved, and every mistake is found.

A file is one scenario; its matrix makes one case or several. All problems of a file are reported at
once, each with its place, its source line and the nearest right spelling.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from itertools import product
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import yaml
from mfalab.simulator.scenario import Scenario
from mfalab.simulator.setting import SmsPhoneSpec, TotpAppSpec
from mfalab.simulator.steps.sessions import StsCall
from mfalab.simulator.words import Reference
from mfalab.simulator.yaml_source import (
    Location,
    Problem,
    ProblemsFound,
    Source,
    data_of,
    node_at,
    read_source,
    with_value,
)
from pydantic import BaseModel, ValidationError

SUFFIX = ".scenario.yaml"
_SECTIONS = ("accounts", "people", "roles", "phones", "devices")
_WHOLE = ("verifier", "carrier", "start")


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario with one set of parameters: what is run, reported and reproduced."""

    path: Path
    shown_as: str
    name: str
    params: str
    scenario: Scenario = field(repr=False)
    line: int
    steps: tuple[tuple[int, str], ...] = field(repr=False)
    """Line and text of each step."""
    data: dict[str, Any] = field(repr=False)
    """The document as it was written, with the matrix's values put in."""

    @property
    def local_id(self) -> str:
        """`NAME` or `NAME[PARAMS]`, unique within the file."""
        return f"{self.name}[{self.params}]" if self.params else self.name

    @property
    def id(self) -> str:
        """`TOPIC/NAME[PARAMS]`; all chance of the case is seeded with it."""
        return f"{self.topic}/{self.local_id}"

    @property
    def node(self) -> str:
        """`FILE::NAME[PARAMS]`, as pytest and `mfalab run` take it."""
        return f"{self.shown_as}::{self.local_id}"

    @property
    def topic(self) -> str:
        """The folder's name."""
        return self.path.parent.name


def load_cases(path: Path, shown_as: str | None = None) -> list[Case]:
    """The cases of a scenario file.

    Raises:
        ProblemsFound: the file is no scenario; all that is wrong with it.
    """
    source = read_source(path, shown_as or str(path))
    cases: list[Case] = []
    problems: list[Problem] = []
    try:
        variants = list(_variants(source))
    except ProblemsFound as found:
        problems += found.problems
        variants = [("", source.root)]
    name = path.name.removesuffix(SUFFIX)
    for params, root in variants:
        try:
            cases.append(_case(path, source, name, params, root))
        except ProblemsFound as found:
            problems += found.problems
    seen = [case.params for case in cases]
    for params in sorted({params for params in seen if seen.count(params) > 1}):
        where = node_at(source.root, ("matrix",), key=True)
        problems.append(source.problem(where, f'two cases are called "{params}"; name one `case`'))
    if problems:
        raise ProblemsFound(problems)
    return cases


def _case(path: Path, source: Source, name: str, params: str, root: yaml.Node) -> Case:
    data = data_of(root)
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        raise ProblemsFound([_located(source, root, item) for item in error.errors()]) from None
    problems = list(_unresolved(source, root, scenario))
    if problems:
        raise ProblemsFound(problems)
    marks = [node.start_mark.line for node in node_at(root, ("steps",)).value]
    return Case(
        path=path,
        shown_as=source.path,
        name=name,
        params=params,
        scenario=scenario,
        line=node_at(root, ("scenario",)).start_mark.line + 1,
        steps=tuple((line + 1, source.lines[line].strip().removeprefix("- ")) for line in marks),
        data={key: value for key, value in data.items() if key != "matrix"},
    )


# -- the matrix --------------------------------------------------------------------------


def _variants(source: Source) -> Iterator[tuple[str, yaml.Node]]:
    """The document once for each combination of the matrix, with the text for the brackets.

    Raises:
        ProblemsFound: the matrix is malformed.
    """
    matrix = next((value for key, value in _entries(source.root) if key.value == "matrix"), None)
    if matrix is None:
        yield "", source.root
        return
    problems: list[Problem] = []
    for label, changes in _rows(source, matrix, problems):
        root = source.root
        for key, value in changes:
            try:
                root = with_value(root, _target(source, key), value)
            except ProblemsFound as found:
                problems += found.problems
        yield label, root
    if problems:
        raise ProblemsFound(problems)


_Change = tuple[yaml.Node, yaml.Node]


def _rows(
    source: Source, matrix: yaml.Node, problems: list[Problem]
) -> Iterator[tuple[str, list[_Change]]]:
    if isinstance(matrix, yaml.MappingNode):
        axes: list[list[_Change]] = []
        for key, values in _entries(matrix):
            if isinstance(values, yaml.SequenceNode) and values.value:
                axes.append([(key, value) for value in values.value])
            else:
                problems.append(source.problem(values, f"{key.value} needs a list of values"))
        for row in product(*axes):
            yield ", ".join(_label(value) for _, value in row), list(row)
    elif isinstance(matrix, yaml.SequenceNode):
        for row_node in matrix.value:
            entries = list(_entries(row_node))
            if not entries:
                problems.append(source.problem(row_node, "a row of the matrix is {PATH: VALUE}"))
            named = [value for key, value in entries if key.value == "case"]
            changes = [(key, value) for key, value in entries if key.value != "case"]
            labels = [_label(value) for value in named or [value for _, value in changes]]
            yield ", ".join(labels), changes
    else:
        problems.append(source.problem(matrix, "matrix is {PATH: [VALUES]} or a list of rows"))


def _entries(node: yaml.Node) -> list[_Change]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def _label(node: yaml.Node) -> str:
    data = data_of(node)
    if isinstance(data, dict):
        return " ".join(f"{key} {_plain(value)}" for key, value in data.items())
    return _plain(data)


def _plain(data: Any) -> str:
    return " ".join(str(item) for item in data) if isinstance(data, list) else str(data)


def _target(source: Source, key: yaml.Node) -> list[str]:
    """Where a matrix path such as `fob.drift` points to in the document.

    Raises:
        ProblemsFound: nothing, or more than one thing, has that name.
    """
    name, *rest = str(key.value).split(".")
    if name in _WHOLE:
        root = source.root
        scalar = not isinstance(node_at(root, (name,)), yaml.MappingNode)
        if name == "verifier" and rest and scalar:
            raise ProblemsFound(
                [source.problem(key, "write verifier as {profile: NAME} to change its fields")]
            )
        return [name, *rest]
    sections = {
        section: [entry.value for entry, _ in _entries(node_at(source.root, (section,)))]
        for section in _SECTIONS
        if any(entry.value == section for entry, _ in _entries(source.root))
    }
    found = [[section, name] for section, names in sections.items() if name in names]
    steps = node_at(source.root, ("steps",))
    for index, step in enumerate(steps.value if isinstance(steps, yaml.SequenceNode) else []):
        if any(entry.value == "name" and value.value == name for entry, value in _entries(step)):
            found.append(["steps", str(index)])
    if len(found) == 1 and rest:
        return [*found[0], *rest]
    names = sorted({name for names in sections.values() for name in names})
    if not found:
        message = f'matrix: nothing is called "{name}"{_nearest(name, [*names, *_WHOLE])}'
    elif not rest:
        message = f'matrix: say which field of "{name}" changes: {name}.FIELD'
    else:
        places = " and ".join(place for place, _ in found)
        message = f'matrix: "{name}" is ambiguous: it is in {places}; rename one'
    raise ProblemsFound([source.problem(key, message)])


# -- what pydantic found, in words ---------------------------------------------------------


def _located(source: Source, root: yaml.Node, error: Any) -> Problem:
    """One validation error as a problem at its node."""
    location: Location = tuple(error["loc"])
    kind, context, given = error["type"], error.get("ctx", {}), error.get("input")
    key = kind == "extra_forbidden" or location[-1:] == ("[key]",)
    where = node_at(root, location, key=key)
    last = str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        known = _known_keys(location[:-1])
        message = f'unknown key "{last}"{_nearest(last, known) or _choice(known)}'
    elif kind == "missing":
        message = f'"{last}" is missing'
    elif kind in ("union_tag_invalid", "union_tag_not_found"):
        message, where = _bad_tag(root, location, context, where)
    elif kind == "literal_error":
        words = _literals(str(context["expected"]))
        message = f'"{given}" is not known here{_nearest(str(given), words) or _choice(words)}'
    elif kind == "value_error":
        message = str(context["error"])
    elif kind == "string_pattern_mismatch":
        message = f'"{given}" does not fit {context["pattern"]}'
    else:
        message = f"{error['msg']}, got {_short(given)}"
    return source.problem(where, _in_step(location) + message)


def _bad_tag(
    root: yaml.Node, location: Location, context: Any, where: yaml.Node
) -> tuple[str, yaml.Node]:
    tag = str(context["discriminator"]).strip("'")
    thing = "step" if tag == "do" else "device kind"
    if "tag" not in context:
        return f'this {thing} has no "{tag}"', where
    given, words = str(context["tag"]), _literals(str(context["expected_tags"]))
    message = f'unknown {thing} "{given}"{_nearest(given, words) or _choice(words)}'
    return message, node_at(root, (*location, tag))


def _in_step(location: Location) -> str:
    if len(location) > 1 and location[0] == "steps" and isinstance(location[1], int):
        return f"step {location[1] + 1}: "
    return ""


def _nearest(word: str, words: Iterable[str]) -> str:
    near = get_close_matches(word, list(words), 1, 0.6)
    return f'; did you mean "{near[0]}"?' if near else ""


def _choice(words: Iterable[str]) -> str:
    return f"; known: {', '.join(words)}"


def _literals(listed: str) -> list[str]:
    return [word.strip(" '") for word in listed.replace(" or ", ", ").split(",")]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 40 else f"{text[:37]}..."


@cache
def _hints(model: type[BaseModel]) -> dict[str, Any]:
    return get_type_hints(model, include_extras=True)


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, str, Any]]:
    """Attribute, key in the file, and annotation of each field."""
    for name, info in model.model_fields.items():
        yield name, info.alias or name, _hints(model).get(name, info.annotation)


def _known_keys(location: Location) -> list[str]:
    """The keys that the model at a location takes."""
    annotation: Any = Scenario
    for part in location:
        annotation = _inside(annotation, part)
    models = [model for model in _models(annotation) if issubclass(model, BaseModel)]
    return [key for model in models for _, key, _ in _fields(model)]


def _inside(annotation: Any, part: str | int) -> Any:
    """What a part of a location leads to: a field, an item, or a branch of a union."""
    for candidate in _models(annotation):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            fields = {key: hint for _, key, hint in _fields(candidate)}
            if part in fields:
                return fields[str(part)]
            if part in _tags(candidate):
                return candidate
    for candidate in _alternatives(annotation):
        if get_origin(candidate) in (list, dict):
            return get_args(candidate)[-1]
    return annotation


def _tags(model: type[BaseModel]) -> set[str]:
    tags: set[str] = set()
    for name in ("do", "kind"):
        if name in model.model_fields:
            tags |= set(get_args(model.model_fields[name].annotation))
    return tags


def _alternatives(annotation: Any) -> list[Any]:
    """The members of a union, or the annotation alone, without `Annotated`."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [inner for item in get_args(annotation) for inner in _alternatives(item)]
    return [annotation]


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [
        item
        for item in _alternatives(annotation)
        if isinstance(item, type) and issubclass(item, BaseModel)
    ]


# -- names that must mean something ----------------------------------------------------------


def _unresolved(source: Source, root: yaml.Node, scenario: Scenario) -> Iterator[Problem]:
    """Names that nothing or more than one thing has."""
    known: dict[str, set[str]] = {
        "person": set(scenario.people),
        "device": set(scenario.devices),
        "phone": set(scenario.phones) | _phones_of_their_own(scenario),
        "account": {"main", *scenario.accounts},
        "role": set(scenario.roles),
        "session": {"keys", "console"},
    }
    for section in _SECTIONS:
        for name, item in getattr(scenario, section).items():
            yield from _check(source, root, item, (section, name), known)
            others = [other for other in _SECTIONS if name in getattr(scenario, other)]
            if others[0] != section:
                where = node_at(root, (section, name), key=True)
                yield source.problem(
                    where, f'"{name}" is ambiguous: it is also in {others[0]}; rename one'
                )
    for name, role in scenario.roles.items():
        for index, trusted in enumerate(role.trusts):
            if not trusted.startswith("arn:") and trusted not in known["person"] | known["account"]:
                where = node_at(root, ("roles", name, "trusts", index))
                near = _nearest(trusted, known["person"] | known["account"])
                yield source.problem(where, f'no person or account is called "{trusted}"{near}')
    for index, step in enumerate(scenario.steps):
        yield from _check(source, root, step, ("steps", index), known)
        if isinstance(step, StsCall) and step.as_ is not None:
            known["session"].add(step.as_)


def _phones_of_their_own(scenario: Scenario) -> set[str]:
    return {
        name
        for name, spec in scenario.devices.items()
        if isinstance(spec, TotpAppSpec | SmsPhoneSpec) and spec.on is None
    }


def _check(
    source: Source, root: yaml.Node, model: BaseModel, at: Location, known: dict[str, set[str]]
) -> Iterator[Problem]:
    for name, key, annotation in _fields(type(model)):
        for location, kind, value in _references(annotation, getattr(model, name), (*at, key)):
            if value not in known[kind]:
                near = _nearest(value, known[kind]) or _choice(sorted(known[kind]) or ["none"])
                yield source.problem(
                    node_at(root, location), f'{_in_step(at)}no {kind} is called "{value}"{near}'
                )


def _references(annotation: Any, value: Any, at: Location) -> Iterator[tuple[Location, str, str]]:
    """The names inside a field's value that refer to something, with where they stand."""
    if value is None:
        return
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        for extra in arguments[1:]:
            if isinstance(extra, Reference) and isinstance(value, str):
                yield at, extra.to, value
        yield from _references(arguments[0], value, at)
    elif origin in (Union, UnionType):
        for item in arguments:
            yield from _references(item, value, at)
    elif origin is list and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(arguments[0], item, (*at, index))
    elif origin is dict and isinstance(value, dict):
        for key in value:
            yield from _references(arguments[0], key, (*at, key))
