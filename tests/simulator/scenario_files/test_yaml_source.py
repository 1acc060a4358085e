"""YAML as text with places: nothing is interpreted, everything that is odd is told."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from mfalab.simulator.language.problems import Problem, ProblemsFound
from mfalab.simulator.scenario_files.yaml_source import (
    Source,
    data_of,
    node_at,
    read_source,
    with_value,
    without,
)

Write = Callable[..., Path]


def read(write: Write, text: str | bytes) -> Source:
    return read_source(write(text), "f.yaml")


def problem(write: Write, text: str | bytes) -> Problem:
    with pytest.raises(ProblemsFound) as found:
        read(write, text)
    (only,) = found.value.problems
    return only


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 012345", {"a": "012345"}),
        ("a: 1.50", {"a": "1.50"}),
        ("a: no", {"a": "no"}),
        ("on: yes", {"on": "yes"}),
        ("a: 2026-03-02T09:00:00Z", {"a": "2026-03-02T09:00:00Z"}),
        ("a: 0x1F", {"a": "0x1F"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 12:30:45", {"a": "12:30:45"}),
        ("a:", {"a": None}),
        ("a: ~", {"a": None}),
        ("a: null", {"a": None}),
        ('a: ""', {"a": ""}),
        ('a: "null"', {"a": "null"}),
        ("a: '~'", {"a": "~"}),
        ("[1, [2, {b: 3}]]", ["1", ["2", {"b": "3"}]]),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": "1"}, "c": {"b": "1"}}),
        ("\ufeffa: 1", {"a": "1"}),
        ("a: 1\r\nb: 2\r\n", {"a": "1", "b": "2"}),
    ],
)
def test_scalars_stay_what_was_written(write: Write, text: str, data: object) -> None:
    assert data_of(read(write, text).root) == data


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, 'key "a" is here twice'),
        ("a: {b: 1, b: 2}\n", 1, 11, 'key "b" is here twice'),
        ("a: !!python/object:os.system {}\n", 1, 4, "python/object"),
        ("a: !vault x\n", 1, 4, "tag !vault is not used here"),
        ("a: 1\n? [b]\n: 2\n", 2, 3, "a key must be plain text"),
        ("a: 1\n---\nb: 2\n", 2, 1, "expected a single document"),
        ("a: 1\n\tb: 2\n", 2, 1, "YAML: "),
        ("a: [1, 2\nb: 3\n", 2, 2, "YAML: "),
        ("a: *nobody\n", 1, 4, "undefined alias"),
        ('a: "x\n', 2, 1, "YAML: "),
        ("a: &x [1, *x]\n", 1, 4, "an alias leads back into itself"),
        ("", 1, 1, "the file is empty"),
        ("# only a comment\n", 1, 1, "the file is empty"),
        ("a: ä\nb: x\x07y\n", 2, 5, "character U+0007 is not allowed here"),
    ],
)
def test_odd_yaml_is_told_with_its_place(
    write: Write, text: str, line: int, column: int, message: str
) -> None:
    found = problem(write, text)
    assert (found.path, found.line, found.column) == ("f.yaml", line, column)
    assert message in found.message
    assert "\n" not in found.message


def test_byte_that_is_no_utf_8_is_told(write: Write) -> None:
    assert "is not UTF-8: byte 3" in problem(write, b"a: \xff\n").message


def test_file_that_is_not_there_or_a_folder_is_told(tmp_path: Path) -> None:
    for path, why in [(tmp_path / "none.yaml", "No such file"), (tmp_path, "directory")]:
        with pytest.raises(ProblemsFound, match=f"cannot be read: .*{why}"):
            read_source(path, "f.yaml")


def test_aliases_of_aliases_do_not_fill_the_memory(write: Write) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "split the file" in problem(write, "\n".join(lines)).message


def test_problem_shows_the_source_line_and_a_caret_under_the_place() -> None:
    shown = str(Problem("f.yaml", 3, 4, "is wrong", "\tab cd"))
    assert shown == "f.yaml:3:4: is wrong\n    \tab cd\n    \t  ^"
    assert str(Problem("f.yaml", 1, 1, "is wrong")) == "f.yaml:1:1: is wrong"


def test_problems_are_sorted_and_told_once() -> None:
    one, two = Problem("f", 2, 1, "b"), Problem("f", 10, 1, "a")
    assert ProblemsFound([two, one, two]).problems == (one, two)


def test_place_counts_characters_not_bytes(write: Write) -> None:
    assert problem(write, "ä: 1\nöö: {ü: 1, ü: 2}\n").column == 12


DOCUMENT = "a:\n  - {b: 1}\n  - {c: 2}\nd: x\n"


@pytest.mark.parametrize(
    ("location", "key", "place"),
    [
        ((), False, (0, 0)),
        (("a", 1, "c"), False, (2, 8)),
        (("a", 1, "c"), True, (2, 5)),
        (("a", 1, "missing"), False, (2, 4)),
        (("a", 1, "tag-of-a-union", "c"), False, (2, 8)),
        (("d", "[key]"), True, (3, 0)),
        (("missing",), False, (0, 0)),
    ],
)
def test_node_at_a_location_or_the_nearest_above(
    write: Write, location: tuple[str | int, ...], key: bool, place: tuple[int, int]
) -> None:
    mark = node_at(read(write, DOCUMENT).root, location, key=key).start_mark
    assert (mark.line, mark.column) == place


@pytest.mark.parametrize(
    ("location", "data"),
    [
        (["d"], {"a": [{"b": "1"}, {"c": "2"}], "d": "new"}),
        (["a", "1", "c"], {"a": [{"b": "1"}, {"c": "new"}], "d": "x"}),
        (["a", "0", "e"], {"a": [{"b": "1", "e": "new"}, {"c": "2"}], "d": "x"}),
        (["e", "f"], {"a": [{"b": "1"}, {"c": "2"}], "d": "x", "e": {"f": "new"}}),
        ([], "new"),
    ],
)
def test_value_is_put_in_and_the_tree_stays_as_it_was(
    write: Write, location: list[str], data: object
) -> None:
    root = read(write, DOCUMENT).root
    before = data_of(root)
    key, value = yaml.compose("'somewhere': new").value[0]
    assert data_of(with_value(root, location, value, key)) == data
    assert data_of(root) == before


def test_document_without_a_key(write: Write) -> None:
    root = read(write, "a: 1\nb: 2\n").root
    assert data_of(without(root, "a")) == {"b": "2"}
    assert data_of(root) == {"a": "1", "b": "2"}
    listed = read(write, "[a]").root
    assert without(listed, "a") is listed


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("- {do: wait, for: 1 d}  # why\n- x\n", "{do: wait, for: 1 d}"),
        ("- do: wait  # why\n  for: 1 d  # so long\n\n# next\n- x\n", "do: wait # why for: 1 d"),
        ("- {do: wait,\n   for: 1 d}\n- x\n", "{do: wait, for: 1 d}"),
        ("- do: wait\n  for:\n", "do: wait for"),
        ("- do: wait\n  of: [a,\n    b]\n", "do: wait of: [a, b]"),
    ],
)
def test_text_of_a_node_is_on_one_line(write: Write, text: str, step: str) -> None:
    source = read(write, text)
    assert source.text_of(source.root.value[0]) == step
