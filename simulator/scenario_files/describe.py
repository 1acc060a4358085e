"""A scenario, the steps and the verifier's profiles, described in plain text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from mfalab.simulator.language.setting import VerifierSpec
from mfalab.simulator.language.units import format_instant
from mfalab.simulator.language.words import Strict, nearest
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.schema import scenario_schema
from mfalab.simulator.scenario_files.shape import alternatives
from mfalab.simulator.scenario_files.yaml_source import flow, mapping
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.base import Expect
from mfalab.verifier import PROFILES

_COMMON = ("name", "expect", "times", "every", "jitter")


def describe(case: Case) -> str:
    """A case as a list of who is there, what they hold and what they do."""
    scenario = case.scenario
    lines = [
        case.id,
        f"  {scenario.scenario}",
        f"  file      {case.shown_as}:{case.line}",
        f"  source    {scenario.source or '-'}",
        f"  tags      {', '.join(scenario.tags) or '-'}",
        f"  start     {format_instant(scenario.start)}",
        f"  verifier  {_said(case.data.get('verifier'))}",
    ]
    for section in ("accounts", "people", "roles", "phones", "devices"):
        for name, said in mapping(case.data, section).items():
            lines.append(f"  {section:<9} {name}: {_said(said)}")
    lines.append("  steps")
    lines += [
        f"  {number:>4}  line {line:<4} {text}"
        for number, (line, text) in enumerate(case.steps, start=1)
    ]
    return "\n".join(lines)


def _said(data: Any) -> str:
    """What is written of a thing, with the matrix's values, in the words of the file."""
    return flow(data).removeprefix("{").removesuffix("}") if data else "defaults"


def vocabulary() -> dict[str, Any]:
    """The JSON Schema of every step, by its verb."""
    definitions = scenario_schema()["$defs"]
    return {verb: definitions[model.__name__] for verb, model in VOCABULARY.items()}


def profiles() -> dict[str, dict[str, Any]]:
    """Every figure of every profile, by the profile's name, in the words of scenario files."""
    return {name: VerifierSpec.figures(profile) for name, profile in sorted(PROFILES.items())}


def profiles_table() -> str:
    """The profiles side by side."""
    columns = profiles()
    words = next(iter(columns.values()))
    rows = [("", *columns)]
    rows += [(word, *(_cell(figures[word]) for figures in columns.values())) for word in words]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _cell(value: Any) -> str:
    """A value as YAML has it."""
    return str(value) if isinstance(value, str) else json.dumps(value)


def explain(verb: str | None) -> str:
    """All steps with their first lines, or one step with its fields.

    Raises:
        LookupError: there is no such step.
    """
    if verb is None:
        width = max(map(len, VOCABULARY))
        return "\n".join(
            f"{name:<{width}}  {_first_line(model)}" for name, model in VOCABULARY.items()
        )
    if verb not in VOCABULARY:
        raise LookupError(f'there is no step "{verb}"{nearest(verb, VOCABULARY)}')
    model = VOCABULARY[verb]
    lines = [f"{verb}: {_about(model)}", ""]
    own = {name: info for name, info in model.model_fields.items() if name not in ("do", *_COMMON)}
    common = {name: model.model_fields[name] for name in _COMMON}
    lines += _field_lines({**own, **common}, indent=2)
    return "\n".join(lines)


def _field_lines(fields: Mapping[str, FieldInfo], indent: int) -> Iterator[str]:
    """A line for each field; below a field that holds others, a line for each of those."""
    for name, info in fields.items():
        needed = "required" if info.is_required() else "optional"
        text = " ".join(part for part in (info.description, _choices(info.annotation)) if part)
        text = " ".join(text.split())
        yield f"{' ' * indent}{info.alias or name:<{16 - indent}} {needed}  {text}".rstrip()
        for inner in alternatives(info.annotation):
            if isinstance(inner, type) and issubclass(inner, Strict) and inner is not Expect:
                yield from _field_lines(inner.model_fields, indent + 2)


def _choices(annotation: Any) -> str:
    """The words that a field takes, if it takes some words only."""
    words = [
        str(word)
        for item in alternatives(annotation)
        if get_origin(item) is Literal
        for word in get_args(item)
    ]
    return f"One of: {', '.join(words)}." if words else ""


def _about(model: type[Strict]) -> str:
    """A model's own docstring; `getdoc` would take that of a class above where it has none."""
    return cleandoc(model.__doc__) if model.__doc__ else "(Python runs without docstrings: -OO)"


def _first_line(model: type[Strict]) -> str:
    return _about(model).partition("\n")[0]
