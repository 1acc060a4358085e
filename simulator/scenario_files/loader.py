"""Scenario files into cases: everything is parsed, typed and resolved, and every mistake is found.

A file is one scenario; its matrix makes one case or several. All problems of a file are reported at
once, each with its place, its source line and the nearest right spelling.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, product
from math import prod
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from mfalab.simulator.environment.policies import AWS_POLICIES
from mfalab.simulator.language.problems import Problem, ProblemsFound
from mfalab.simulator.language.seed_files import SeedFiles, resolve_seed_files
from mfalab.simulator.language.setting import AnyDevice, TokenSpec
from mfalab.simulator.language.words import choice, nearest
from mfalab.simulator.scenario_files.aws_names import refused_names
from mfalab.simulator.scenario_files.aws_policies import policy_problems
from mfalab.simulator.scenario_files.mistakes import find_seed, in_step, located
from mfalab.simulator.scenario_files.parts import Parts
from mfalab.simulator.scenario_files.scenario import Scenario
from mfalab.simulator.scenario_files.shape import KEY, references
from mfalab.simulator.scenario_files.yaml_source import (
    Source,
    data_of,
    flow,
    mapping,
    node_at,
    read_source,
    with_value,
    without,
)
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.sessions import MakesSession

SUFFIX = ".scenario.yaml"
RENAME = f"a scenario file ends in {SUFFIX}; rename it, or it is not run"
MOST_CASES = 20_000
"""A matrix of more cases is refused before it is expanded."""
_SECTIONS = ("accounts", "people", "policies", "groups", "roles", "phones", "devices")
_MAKES_SESSIONS = {verb for verb, step in VOCABULARY.items() if issubclass(step, MakesSession)}
_WHOLE = ("verifier", "carrier", "start")
_DEVICE: TypeAdapter[AnyDevice] = TypeAdapter(AnyDevice)


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
    """Line and text of each step, the text on one line."""
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


def looks_like_one(path: Path) -> bool:
    """Whether a file's name is almost that of a scenario, so that it would be missed."""
    almost = path.name.lower().endswith((SUFFIX, SUFFIX.replace(".yaml", ".yml")))
    return almost and not path.name.endswith(SUFFIX)


def load_cases(
    path: Path, shown_as: str | None = None, seed_files: SeedFiles | None = None
) -> list[Case]:
    """The cases of a scenario file.

    Args:
        path: the file.
        shown_as: what messages call it; its path when left out.
        seed_files: the seed files of several scenario files, to be read once for all.

    Raises:
        ProblemsFound: the file is no scenario; all that is wrong with it.
    """
    if looks_like_one(path):
        raise ProblemsFound.of_file(shown_as or str(path), RENAME)
    source = read_source(path, shown_as or str(path))
    # Without the matrix: its values are put in their places, and looked at there.
    story = without(source.root, "matrix")
    cases: list[Case] = []
    problems: list[Problem] = []
    try:
        variants = list(_variants(source, story))
    except ProblemsFound as found:
        problems += found.problems
        variants = [("", story)]
    name, parts = path.name.removesuffix(SUFFIX), Parts(story, source)
    files = seed_files or SeedFiles()
    for params, root in variants:
        try:
            cases.append(_case(path, source, name, params, root, parts, files))
        except ProblemsFound as found:
            problems += found.problems
    for params, count in sorted(Counter(case.params for case in cases).items()):
        if count > 1:
            where = node_at(source.root, ("matrix",), key=True)
            message = f'two cases are called "{params}"; name one `case`'
            problems.append(source.problem(where, message))
    if problems:
        raise ProblemsFound(problems)
    return cases


def _case(
    path: Path,
    source: Source,
    name: str,
    params: str,
    root: yaml.Node,
    parts: Parts,
    files: SeedFiles,
) -> Case:
    data = parts.data_of(root)
    resolve_seed_files(path, mapping(data, "devices"))
    problems = [*unresolved(source, root, data), *_routine_problems(source, root, data)]
    try:
        scenario = parts.validated(root, data)
    except ValidationError as error:
        problems += located(source, root, error.errors(), Scenario)
        wrong = {tuple(each["loc"][:2]) for each in error.errors()}
        devices = {
            name: _DEVICE.validate_python(spec)
            for name, spec in mapping(data, "devices").items()
            if ("devices", name) not in wrong
        }
    else:
        devices = scenario.devices
        problems += [
            source.problem(node_at(root, at, key=at[-1] == KEY), in_step(at) + message)
            for at, message in chain(refused_names(scenario), policy_problems(scenario))
        ]
    problems += _seed_file_problems(source, root, devices, files)
    if problems:
        raise ProblemsFound(problems)
    return Case(
        path=path,
        shown_as=source.path,
        name=name,
        params=params,
        scenario=scenario,
        line=node_at(root, ("scenario",)).start_mark.line + 1,
        steps=tuple(
            # A step that the matrix changes is not as it is written.
            parts.text_of(step) if step is written else (step.start_mark.line + 1, flow(said))
            for step, written, said in zip(
                node_at(root, ("steps",)).value,
                node_at(source.root, ("steps",)).value,
                data["steps"],
                strict=True,
            )
        ),
        data=data,
    )


# -- seed files --------------------------------------------------------------------------


def _seed_file_problems(
    source: Source, root: yaml.Node, devices: Mapping[str, AnyDevice], files: SeedFiles
) -> Iterator[Problem]:
    """Seed files that cannot be read, and tokens that are not in theirs."""
    for name, spec in devices.items():
        if isinstance(spec, TokenSpec) and spec.seeds is not None:
            found = find_seed(source, root, ("devices", name), spec, files)
            if isinstance(found, Problem):
                yield found


# -- routines ----------------------------------------------------------------------------


def _routine_problems(source: Source, root: yaml.Node, data: Any) -> Iterator[Problem]:
    """A routine that no step begins, and a step that begins none."""
    people = mapping(data, "people")
    routines = [name for name, person in people.items() if mapping(person, "routine")]
    steps = data.get("steps") if isinstance(data, dict) else None
    begun = [
        index
        for index, step in enumerate(steps if isinstance(steps, list) else [])
        if isinstance(step, dict) and step.get("do") == "routine"
    ]
    if routines and not begun:
        where = node_at(root, ("people", routines[0], "routine"), key=True)
        yield source.problem(
            where, "no step begins this routine; add {do: routine} where it is to go on"
        )
    if begun and not routines:
        yield source.problem(
            node_at(root, ("steps", begun[0])),
            f"step {begun[0] + 1} (routine): no person has one; give one a "
            "routine: {signs_in: DEVICE, every: 1 wk, for: 2 y}",
        )


# -- the matrix --------------------------------------------------------------------------


def _variants(source: Source, story: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    """The story once for each combination of the matrix, with the text for the brackets.

    Raises:
        ProblemsFound: the matrix is malformed, or of too many cases.
    """
    matrix = next((value for key, value in _entries(source.root) if key.value == "matrix"), None)
    if matrix is None:
        yield "", story
        return
    problems: list[Problem] = []
    targets: dict[str, list[str]] = {}

    def place(key: yaml.Node) -> list[str] | None:
        """Where a matrix path points to; None, with its problem noted, when that is nowhere."""
        try:
            return targets.get(key.value) or targets.setdefault(key.value, _target(source, key))
        except ProblemsFound as found:
            problems.extend(found.problems)
            return None

    for label, changes in _rows(source, matrix, problems, place):
        root = story
        for key, location, value in changes:
            root = with_value(root, location, value, key)
        yield label, root
    if problems:
        raise ProblemsFound(problems)


_Place = Callable[[yaml.Node], list[str] | None]
_Change = tuple[yaml.Node, list[str], yaml.Node]
"""The path as the matrix spells it, where it points to, and the value for there."""


def _rows(
    source: Source, matrix: yaml.Node, problems: list[Problem], place: _Place
) -> Iterator[tuple[str, list[_Change]]]:
    if isinstance(matrix, yaml.MappingNode):
        axes: list[list[_Change]] = []
        for key, values in _entries(matrix):
            location = place(key)
            if not (isinstance(values, yaml.SequenceNode) and values.value):
                problems.append(source.problem(values, f"{key.value} needs a list of values"))
            elif location is not None:
                axes.append([(key, location, value) for value in values.value])
        if not axes and not problems:
            problems.append(source.problem(matrix, "the matrix is empty; remove it"))
        _limit(source, matrix, prod(map(len, axes)), problems)
        if not problems:
            for row in product(*axes):
                yield ", ".join(_label(value) for _, _, value in row), list(row)
    elif isinstance(matrix, yaml.SequenceNode):
        if not matrix.value:
            problems.append(source.problem(matrix, "the matrix is empty; remove it"))
        _limit(source, matrix, len(matrix.value), problems)
        for row_node in matrix.value[:MOST_CASES]:
            entries = list(_entries(row_node))
            if not entries:
                problems.append(source.problem(row_node, "a row of the matrix is {PATH: VALUE}"))
            named = [value for key, value in entries if key.value == "case"]
            changed = [(key, value) for key, value in entries if key.value != "case"]
            labels = [_label(value) for value in named or [value for _, value in changed]]
            places = [(key, place(key), value) for key, value in changed]
            yield ", ".join(labels), [(key, at, value) for key, at, value in places if at]
    else:
        problems.append(source.problem(matrix, "matrix is {PATH: [VALUES]} or a list of rows"))


def _limit(source: Source, matrix: yaml.Node, cases: int, problems: list[Problem]) -> None:
    if cases > MOST_CASES:
        problems.append(
            source.problem(
                matrix,
                f"the matrix makes {cases} cases, and a file may have {MOST_CASES}; "
                "leave values out, or write the combinations that matter as rows",
            )
        )


def _entries(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
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
        message = f'matrix: nothing is called "{name}"{nearest(name, [*names, *_WHOLE])}'
    elif not rest:
        message = f'matrix: say which field of "{name}" changes: {name}.FIELD'
    else:
        places = " and ".join(place for place, _ in found)
        message = f'matrix: "{name}" is ambiguous: it is in {places}; rename one'
    raise ProblemsFound([source.problem(key, message)])


# -- names that must mean something ----------------------------------------------------------


def unresolved(source: Source, root: yaml.Node, data: Any) -> Iterator[Problem]:
    """Names that nothing, or more than one thing, has."""
    if not isinstance(data, dict):
        return
    # Dictionaries, for their order and because looking one name up must not look at all.
    declared = {section: dict.fromkeys(mapping(data, section)) for section in _SECTIONS}
    for section, names in declared.items():
        for name in names:
            first = next(other for other in _SECTIONS if name in declared[other])
            if first != section:
                where = node_at(root, (section, name), key=True)
                yield source.problem(
                    where, f'"{name}" is ambiguous: it is also in {first}; rename one'
                )
    known = {
        "person": declared["people"],
        "device": declared["devices"],
        "phone": declared["phones"] | dict.fromkeys(_phones_of_their_own(data)),
        "account": {"main": None} | declared["accounts"],
        "role": declared["roles"],
        "policy": declared["policies"] | dict.fromkeys(AWS_POLICIES),
    }
    known["principal"] = known["person"] | known["account"]
    sessions = _sessions_made(data)
    for location, kind, name in references(data):
        if kind == "session":
            step = int(location[1])
            if sessions.get(name, step) < step:
                continue
            fit = [each for each, made in sessions.items() if made < step]
        elif name in known[kind] or (kind == "principal" and name.startswith("arn:")):
            continue
        else:
            fit = list(known[kind])
        near = nearest(name, fit) or choice(fit or ["none"])
        what = "person or account" if kind == "principal" else kind
        yield source.problem(
            node_at(root, location, key=location[-1] == KEY),
            f'{in_step(location)}no {what} is called "{name}"{near}',
        )


def _phones_of_their_own(data: dict[str, Any]) -> list[str]:
    """Devices that live on a phone which the scenario does not name: it is called like them."""
    return [
        name
        for name, spec in mapping(data, "devices").items()
        if isinstance(spec, dict)
        and spec.get("kind") in ("totp_app", "sms_phone")
        and "on" not in spec
    ]


def _sessions_made(data: dict[str, Any]) -> dict[str, int]:
    """The sessions that steps may name, each with the first step that makes it."""
    made = {"keys": -1, "console": -1}
    steps = data.get("steps")
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, dict) and isinstance(step.get("as"), str):
            verb = step.get("do")
            if isinstance(verb, str) and verb in _MAKES_SESSIONS:
                made.setdefault(step["as"], index)
    return made
