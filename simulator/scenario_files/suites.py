"""Finds scenarios: paths, `FILE::CASE` names, or the suites that are shipped with the package."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final, NoReturn

from mfalab.simulator.language.problems import Problem, ProblemsFound
from mfalab.simulator.language.seed_files import SeedFiles
from mfalab.simulator.scenario_files.loader import RENAME, SUFFIX, Case, load_cases, looks_like_one

_YAML: Final = re.compile(r"[^.].*\.[yY].*", re.DOTALL)
"""A name that is not hidden, whose end may be YAML's."""


def shipped() -> Path:
    """The folder of the shipped suites."""
    return Path(str(files("mfalab.scenarios"))).resolve()


def collect(paths: Sequence[str]) -> list[Case]:
    """All cases under the given paths, in the order given and by name below a folder.

    Args:
        paths: folders, files, `FILE::NAME` or `FILE::NAME[PARAMS]`; none for the shipped suites.

    Raises:
        ProblemsFound: all that is wrong with all files.
    """
    problems: list[Problem] = []
    cases: dict[str, Case] = {}
    for path in paths or [str(shipped())]:
        file, _, wanted = path.partition("::")
        try:
            found = _below(Path(file), wanted)
        except ProblemsFound as error:
            problems += error.problems
            continue
        for case in found:
            other = cases.setdefault(case.id, case)
            if other.path != case.path:
                problems.append(
                    Problem(
                        case.shown_as,
                        1,
                        1,
                        f"{other.shown_as} has a case called {case.id} too; rename a file",
                    )
                )
    if problems:
        raise ProblemsFound(problems)
    return list(cases.values())


def _below(path: Path, wanted: str) -> list[Case]:
    if path.is_dir():
        if wanted:
            raise ProblemsFound.of_file(str(path), f'"::{wanted}" belongs behind a file')
        files = _yaml_files(path)
        others = [file for file in sorted(files) if looks_like_one(file)]
        if others:
            raise ProblemsFound([Problem(shown_as(file), 1, 1, RENAME) for file in others])
        names = sorted(file for file in files if file.name.endswith(SUFFIX))
        if not names:
            raise ProblemsFound.of_file(str(path), f"no file ends in {SUFFIX} here")
        return _load_all(names)
    if not path.is_file():
        raise ProblemsFound.of_file(str(path), "there is no such file or folder")
    if not path.name.endswith(SUFFIX):
        hint = "; mfalab fleet runs a study" if path.name.endswith(".fleet.yaml") else ""
        raise ProblemsFound.of_file(str(path), f"a scenario file ends in {SUFFIX}{hint}")
    cases = _load_all([path])
    if not wanted:
        return cases
    chosen = [case for case in cases if wanted in (case.local_id, case.name)]
    if not chosen:
        known = ", ".join(case.local_id for case in cases)
        raise ProblemsFound.of_file(str(path), f'no case "{wanted}"; known: {known}')
    return chosen


def _yaml_files(folder: Path) -> list[Path]:
    """Those in a folder and below it, without hidden ones: .venv has its own copy of everything.

    Raises:
        ProblemsFound: some folder below cannot be read; what it has would be left out.
    """

    def refuse(error: OSError) -> NoReturn:
        raise ProblemsFound.of_file(str(error.filename), f"cannot be read: {error.strerror}")

    found: list[Path] = []
    for at, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [each for each in folders if not each.startswith(".")]
        found += [Path(at, name) for name in names if _YAML.fullmatch(name)]
    return found


def _load_all(paths: Iterable[Path]) -> list[Case]:
    cases: list[Case] = []
    problems: list[Problem] = []
    seed_files = SeedFiles()
    for path in paths:
        try:
            cases += load_cases(path.resolve(), shown_as(path), seed_files)
        except ProblemsFound as error:
            problems += error.problems
    if problems:
        raise ProblemsFound(problems)
    return cases


def shown_as(path: Path) -> str:
    """A path as people here would write it: relative to where they are, if it is below."""
    absolute, here = path.resolve(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


def select(
    cases: Iterable[Case], *, words: Sequence[str] = (), tags: Sequence[str] = ()
) -> list[Case]:
    """The cases whose id, title or tags contain every word, and which have every tag."""
    return [
        case
        for case in cases
        if all(word.lower() in _text(case) for word in words)
        and all(tag in case.scenario.tags for tag in tags)
    ]


def _text(case: Case) -> str:
    return " ".join((case.id, case.scenario.scenario, *case.scenario.tags)).lower()
