"""Validation errors of pydantic as located problems."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from pydantic import ValidationError, field_validator

from mfalab.simulator.language.problems import Problem
from mfalab.simulator.language.seed_files import SeedFileEntry, SeedFiles
from mfalab.simulator.language.words import Strict
from mfalab.simulator.scenario_files.mistakes import find_seed, in_step, located
from mfalab.simulator.scenario_files.yaml_source import data_of, read_source


class Item(Strict):
    size: int
    colour: Literal["red", "green"] = "red"


class Box(Strict):
    items: list[Item] | None = None
    inner: dict[str, Item] | None = None
    either: int | list[int] = 0
    odd: int = 1

    @field_validator("odd")
    @classmethod
    def _is_odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"{value} is even")
        return value


@pytest.fixture
def wrong(tmp_path: Path) -> Callable[[str], list[str]]:
    """All that is wrong with the text of a box."""

    def validate(text: str) -> list[str]:
        path = tmp_path / "box.yaml"
        path.write_text(text)
        source = read_source(path, "box")
        with pytest.raises(ValidationError) as caught:
            Box.model_validate(data_of(source.root))
        problems = located(source, source.root, caught.value.errors(), Box)
        return [f"{each.line}:{each.column}: {each.message}" for each in problems]

    return validate


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("odds: 3", '1:1: unknown key "odds"; did you mean "odd"?'),
        ("xyz: 3", '1:1: unknown key "xyz"; known: items, inner, either, odd'),
        ("items: [{}]", '1:9: "size" is missing'),
        (
            "items: [{size: 1, colour: gren}]",
            '1:27: "gren" is not known here; did you mean "green"?',
        ),
        ("items: [{size: 1, colour: xx}]", '1:27: "xx" is not known here; known: red, green'),
        ("odd: 4", "1:6: 4 is even"),
        ("items: [3]", "1:9: a mapping {KEY: VALUE} belongs here, not '3'"),
        ("items: 3", "1:8: a list [ITEM, ITEM] belongs here, not '3'"),
        ("inner: [3]", "1:8: a mapping {KEY: VALUE} belongs here, not ['3']"),
    ],
)
def test_mistake_is_told_at_its_key_or_value(
    wrong: Callable[[str], list[str]], text: str, message: str
) -> None:
    assert wrong(text) == [message]


def test_value_that_fits_none_of_several_types_is_one_problem(
    wrong: Callable[[str], list[str]],
) -> None:
    (problem,) = wrong("either: x")
    first, second = problem.split("; or ")
    assert first.startswith("1:9: Input should be a valid integer")
    assert second == "a list [ITEM, ITEM] belongs here, not 'x'"


def test_long_value_is_shortened(wrong: Callable[[str], list[str]]) -> None:
    (problem,) = wrong(f"items: {'x' * 50}")
    assert problem == f"1:8: a list [ITEM, ITEM] belongs here, not '{'x' * 36}..."


@pytest.mark.parametrize(
    ("location", "said"),
    [
        (("steps", 0, "who"), "step 1: "),
        (("steps", 4), "step 5: "),
        (("steps",), ""),
        (("devices", "fob"), ""),
        ((), ""),
    ],
)
def test_place_inside_of_a_step_is_told_with_its_number(
    location: tuple[str | int, ...], said: str
) -> None:
    assert in_step(location) == said


@pytest.mark.parametrize(
    ("seeds", "serial", "message"),
    [
        ("fobs.csv", "A2", '1:24: the seed file has no token "A2"; did you mean "A1"?'),
        ("fobs.csv", "xyz", '1:24: the seed file has no token "xyz"; known: A1'),
        ("none.csv", "A1", "1:13: the seed file cannot be read: No such file or directory"),
        ("fob.yaml", "A1", "1:13: the seed file is wrong: "),
    ],
)
def test_token_that_is_in_no_seed_file_is_told_at_its_entry(
    tmp_path: Path, seeds: str, serial: str, message: str
) -> None:
    (tmp_path / "fobs.csv").write_text(f"serial,seed\nA1,{'31' * 20}\n")
    path = tmp_path / "fob.yaml"
    path.write_text("{a: {seeds: s, serial: n}}")
    source = read_source(path, "fob")
    entry = SeedFileEntry(serial=serial, seeds=str(tmp_path / seeds))
    found = find_seed(source, source.root, ("a",), entry, SeedFiles())
    assert isinstance(found, Problem)
    assert f"{found.line}:{found.column}: {found.message}".startswith(message)


def test_token_that_is_in_its_seed_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "fobs.csv"
    path.write_text(f"serial,seed\nA1,{'31' * 20}\n")
    source = read_source(path, "fob")
    entry = SeedFileEntry(serial="A1", seeds=str(path))
    found = find_seed(source, source.root, (), entry, SeedFiles())
    assert not isinstance(found, Problem)
    assert found.seed.secret == b"1" * 20
