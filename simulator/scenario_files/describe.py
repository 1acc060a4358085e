"""A scenario and the verifier's profiles, described in plain text."""

from __future__ import annotations

import json
from typing import Any

from mfalab.simulator.language.setting import VerifierSpec
from mfalab.simulator.language.units import format_instant
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.yaml_source import flow, mapping
from mfalab.verifier import PROFILES


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
    for section in ("accounts", "people", "policies", "groups", "roles", "phones", "devices"):
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


def profiles() -> dict[str, dict[str, Any]]:
    """Every figure of every profile, by the profile's name, in the words of scenario files."""
    return {name: VerifierSpec.figures(profile) for name, profile in PROFILES.items()}


def profiles_table(columns: dict[str, dict[str, Any]]) -> str:
    """Profiles, as `profiles` has them, side by side."""
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
