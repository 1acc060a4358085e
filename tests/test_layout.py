"""The house is in order: packages, layers, style, types, and words that are written twice."""

import ast
import importlib
import inspect
import pickle
import pkgutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from enum import Enum
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Union, get_args, get_origin

import pytest

import mfalab
from mfalab.devices.otp.quirks import APP_PRESETS
from mfalab.devices.rig.opening import DRIVERS
from mfalab.simulator.clocks.climates import CLIMATES
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.language import words
from mfalab.simulator.scenario_files.suites import collect
from mfalab.simulator.scenario_files.tags import TAGS
from mfalab.simulator.workbench.labfile import RigEntry
from mfalab.verifier import PROFILES

ROOT = Path(__file__).parents[1]
PACKAGES = ("devices", "scenarios", "simulator", "verifier")
TOOLS = Path(sys.executable).parent


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def folders() -> Iterator[Path]:
    """Every folder below the packages that is part of the source."""
    for package in PACKAGES:
        yield ROOT / package
        yield from (
            path
            for path in (ROOT / package).rglob("*")
            if path.is_dir() and path.name != "__pycache__"
        )


def dotted(path: Path) -> str:
    """The import package that a folder is installed as."""
    relative = path.relative_to(ROOT).as_posix()
    mapping = project()["tool"]["setuptools"]["package-dir"]
    homes = {folder: package for package, folder in mapping.items()}
    return homes.get(relative, f"mfalab.{relative.replace('/', '.')}")


def modules() -> Iterator[ModuleType]:
    """Every module of the packages, imported."""
    for package in PACKAGES:
        root = importlib.import_module(f"mfalab.{package}")
        yield root
        for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
            yield importlib.import_module(found.name)


# -- what is shipped --


def test_packages_of_the_distribution_are_the_folders() -> None:
    """The list is written by hand; a package that is not on it is missing from the wheel."""
    with_code = sorted(dotted(path) for path in folders() if (path / "__init__.py").exists())
    assert project()["tool"]["setuptools"]["packages"] == with_code
    # The firmware's Python runs on another machine.
    has_code = sorted(
        dotted(path) for path in folders() if list(path.glob("*.py")) and path.name != "firmware"
    )
    assert has_code == with_code


def test_every_file_that_is_no_code_is_package_data() -> None:
    """What no pattern names is missing from the wheel, too."""
    data = project()["tool"]["setuptools"]["package-data"]
    left_out = project()["tool"]["setuptools"]["exclude-package-data"]
    packages = sorted(project()["tool"]["setuptools"]["packages"], key=len, reverse=True)
    homes = {dotted(folder): folder for folder in folders()}
    missing = []
    for path in (file for folder in folders() for file in folder.iterdir() if file.is_file()):
        if path.suffix in {".py", ".pyc"}:
            continue
        home = next(name for name in packages if f"{dotted(path.parent)}.".startswith(f"{name}."))
        inside = path.relative_to(homes[home]).as_posix()
        patterns = [*data.get("*", []), *data.get(home, []), *left_out.get(home, [])]
        if not any(fnmatch(inside, pattern.replace("**/", "*")) for pattern in patterns):
            missing.append(path.relative_to(ROOT).as_posix())
    assert missing == []


def test_package_is_typed_and_its_public_names_are_few_and_there() -> None:
    assert (ROOT / "simulator" / "public" / "py.typed").exists()
    assert len(mfalab.__all__) <= 20
    assert all(inspect.isclass(getattr(mfalab, name)) for name in mfalab.__all__)
    assert mfalab.__version__ == project()["project"]["version"]


LATE = [
    importlib.import_module(dotted(folder))
    for folder in folders()
    if (init := folder / "__init__.py").exists() and "def __getattr__" in init.read_text()
]
"""Packages whose names are imported when they are first used."""


@pytest.mark.parametrize("package", LATE, ids=lambda package: package.__name__)
def test_names_that_are_imported_late_are_those_that_type_checkers_see(package: ModuleType) -> None:
    (checked,) = (
        node
        for node in ast.parse(inspect.getsource(package)).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = {
        alias.asname: getattr(importlib.import_module(node.module), alias.name)
        for node in ast.walk(checked)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert seen == {name: getattr(package, name) for name in package._HOMES}
    assert sorted(seen) == sorted(getattr(package, "__all__", seen))


def test_import_of_the_package_loads_nothing_else() -> None:
    """The pytest plugin passes through it in every test run."""
    code = "import sys, mfalab; print([m for m in sys.modules if m.startswith('mfalab.')])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_package_is_a_command() -> None:
    said = subprocess.check_output([sys.executable, "-m", "mfalab", "--version"], text=True)
    assert mfalab.__version__ in said


def test_doors_are_where_the_distribution_says() -> None:
    table = project()["project"]
    for door in (table["scripts"]["mfalab"], table["entry-points"]["pytest11"]["mfalab"]):
        module, _, name = door.partition(":")
        assert not name or callable(getattr(importlib.import_module(module), name))


# -- layers, style, types --


def run(*command: str) -> str:
    """What a tool says when it finds something; nothing when it does not."""
    done = subprocess.run(
        [TOOLS / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-4000:]


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("lint-imports",), ("mypy",)],
    ids=" ".join,
)
def test_tool_finds_nothing(command: tuple[str, ...]) -> None:
    assert run(*command) == ""


def test_every_lint_exception_carries_its_reason() -> None:
    bare = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                for mark in ("# noqa", "# type: ignore"):
                    _, found, rest = line.partition(mark)
                    if found and f'"{mark}"' not in line and not ("- " in rest or "# " in rest):
                        bare.append(f"{path.relative_to(ROOT)}:{number}")
    assert bare == []


BRANCHES = (
    ast.If, ast.For, ast.While, ast.Try, ast.Match, ast.IfExp, ast.BoolOp,
    ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp,
)  # fmt: skip


def has_logic(path: Path) -> bool:
    """Whether a function of a module decides or repeats something."""
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return any(isinstance(node, BRANCHES) for each in functions for node in ast.walk(each))


def test_module_with_logic_has_a_test_file_beside_it() -> None:
    """Chapters of the conformance suite are tests themselves, and firmware runs on a board."""
    missing = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if not path.name.startswith("__")
        and not {"chapters", "firmware"} & set(path.parts)
        and has_logic(path)
        and not (ROOT / "tests" / path.relative_to(ROOT).parent / f"test_{path.name}").exists()
    ]
    assert missing == []


def test_both_clocks_have_one_text() -> None:
    """Neither package imports the other, so the protocol is written twice."""
    one, other = (ROOT / package / "clock.py" for package in ("devices", "verifier"))
    assert one.read_text() == other.read_text()
    assert "def now_ns(self) -> int:" in one.read_text()


def test_floor_map_in_the_docs_is_the_contract() -> None:
    (contract,) = (
        each
        for each in project()["tool"]["importlinter"]["contracts"]
        if each.get("containers") == ["mfalab.simulator"]
    )
    section = (ROOT / "docs" / "design.md").read_text().partition("## The floors of the simulator")
    drawn = section[2].partition("```text\n")[2].partition("```")[0]
    assert [line.partition("  ")[0] for line in drawn.splitlines()] == contract["layers"]


# -- exceptions --


SAMPLES: dict[object, object] = {
    str: "a text",
    int: 3,
    float: 1.5,
    bool: True,
    bytes: b"bytes",
    object: "anything",
}


def exceptions() -> list[type[Exception]]:
    found = {
        thing
        for module in modules()
        for thing in vars(module).values()
        if inspect.isclass(thing)
        and issubclass(thing, Exception)
        and thing.__module__.startswith("mfalab.")
        and not inspect.isabstract(thing)
    }
    return sorted(found, key=lambda thing: f"{thing.__module__}.{thing.__qualname__}")


def sample(annotation: Any) -> object:
    """A value for a parameter of an exception."""
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(item for item in get_args(annotation) if item is not type(None))
    if get_origin(annotation) in (tuple, Sequence):
        return (sample(get_args(annotation)[0]),)
    if annotation in SAMPLES:
        return SAMPLES[annotation]
    if issubclass(annotation, Enum):
        return next(iter(annotation))
    return annotation(*fields(annotation))


def fields(kind: type) -> list[object]:
    """A value for each field of an exception or a record."""
    ours = [base for base in kind.__mro__ if base.__module__.startswith("mfalab.")]
    if not any("__init__" in vars(base) for base in ours):
        return ["a text"]
    parameters = inspect.signature(kind, eval_str=True).parameters.values()
    assert not [item.name for item in parameters if item.kind is inspect.Parameter.KEYWORD_ONLY]
    return [sample(item.annotation) for item in parameters]


@pytest.mark.parametrize("kind", exceptions(), ids=lambda kind: kind.__name__)
def test_exception_survives_pickling_and_being_made_again(kind: type[Exception]) -> None:
    """SimPy makes a failed process's exception again as `type(e)(*e.args)`; pools pickle them."""
    error = kind(*fields(kind))
    for other in (pickle.loads(pickle.dumps(error)), kind(*error.args)):
        assert type(other) is kind
        assert str(other) == str(error)
        assert repr(other.args) == repr(error.args)
    assert str(error).strip()


# -- words that are written twice --


@pytest.mark.parametrize(
    ("literal", "known"),
    [
        (words.ClimateName, CLIMATES),
        (words.QuirksName, APP_PRESETS),
        (words.ProfileName, PROFILES),
        (RigEntry.model_fields["driver"].annotation, DRIVERS),
    ],
)
def test_names_of_the_language_are_those_of_the_things(literal: Any, known: dict[str, Any]) -> None:
    assert sorted(get_args(literal)) == sorted(known)


def test_tags_of_the_shipped_scenarios_are_markers_and_stories_span_years() -> None:
    cases = collect([])
    used = {tag for case in cases for tag in case.scenario.tags}
    assert sorted(used - TAGS.keys()) == []
    longest = max(
        sum(getattr(step, "for_", None) or 0 for step in case.scenario.steps if step.do == "wait")
        for case in cases
    )
    assert longest >= 10 * 31_557_600 * NS_PER_S
