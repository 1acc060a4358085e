"""Reads a study file: all that is wrong with it is told at once, each mistake with its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mfalab.simulator.fleet.study import Study
from mfalab.simulator.language.problems import ProblemsFound
from mfalab.simulator.scenario_files.yaml_source import data_of, read_source


class BadOption(ValueError):
    """What the command line says of a study does not fit."""


def read_study(path: Path | None, changes: Mapping[str, Any]) -> Study:
    """The study of a file, with what the command line says otherwise.

    Args:
        path: the file; None is a study of the defaults.
        changes: fields by name, as texts like the file's; they replace the file's.

    Raises:
        ProblemsFound: the file has none; all that is wrong with it.
        BadOption: what replaces the file's fields does not fit.
    """
    if path is None:
        try:
            return Study.model_validate(dict(changes))
        except ValidationError as error:
            raise _of_options(error) from None
    source = read_source(path, str(path))
    data = data_of(source.root)
    try:
        study = Study.model_validate(data)
    except ValidationError as error:
        # Knows the whole language of scenarios, which costs more than to start a study does.
        from mfalab.simulator.scenario_files.loader import SUFFIX
        from mfalab.simulator.scenario_files.mistakes import located

        if path.name.endswith(SUFFIX):
            wrong = "this is a scenario, and no study; mfalab run runs it"
            raise ProblemsFound.of_file(str(path), wrong) from None
        problems = list(located(source, source.root, error.errors(), Study))
        raise ProblemsFound(problems) from None
    if not changes:
        return study
    try:
        return Study.model_validate({**data, **changes})
    except ValidationError as error:
        raise _of_options(error) from None


def _of_options(error: ValidationError) -> BadOption:
    """Mistakes of the command line, which has no lines."""
    found = []
    for each in error.errors():
        message = str(each.get("ctx", {}).get("error", ""))
        message = message or f"{each['msg']}, got {each['input']}"
        if each["loc"]:  # else of several options together
            message = f"--{str(each['loc'][0]).replace('policies', 'policy')}: {message}"
        found.append(message)
    return BadOption("; ".join(found))
