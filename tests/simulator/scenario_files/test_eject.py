"""The Python form of scenarios: it compiles, it is formatted, it does the same."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.eject import TEMPLATE, as_python
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.suites import shipped

Cases = Callable[..., list[Case]]
Story = Callable[..., str]
pytest_plugins = ["pytester"]


def by_file(cases: list[Case]) -> dict[Path, list[Case]]:
    files: dict[Path, list[Case]] = {}
    for case in cases:
        files.setdefault(case.path, []).append(case)
    return files


def names(text: str) -> list[str]:
    return [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]


@pytest.fixture(scope="module")
def ejected(
    shipped_cases: list[Case], tmp_path_factory: pytest.TempPathFactory
) -> dict[Path, list[Case]]:
    """Every shipped scenario, ejected into a folder."""
    folder = tmp_path_factory.mktemp("ejected")
    files = {}
    for path, cases in by_file(shipped_cases).items():
        stem = path.name.removesuffix(".scenario.yaml").replace("-", "_")
        target = folder / f"test_{cases[0].topic}_{stem}.py"
        target.write_text(as_python(cases))
        files[target] = cases
    return files


def test_every_shipped_case_is_a_test_of_its_own(ejected: dict[Path, list[Case]]) -> None:
    for path, cases in ejected.items():
        found = names(path.read_text())
        assert len(set(found)) == len(cases), path.name
        assert all(name.startswith("test_") for name in found)


@pytest.mark.slow
def test_every_shipped_scenario_is_ejected_as_the_formatter_writes(
    ejected: dict[Path, list[Case]],
) -> None:
    folder = next(iter(ejected)).parent
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [ruff, "format", "--isolated", "--check", "--diff", "--line-length", "100", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[:2000]


@pytest.mark.slow
def test_ejected_scenarios_pass_as_their_files_do(
    ejected: dict[Path, list[Case]], pytester: pytest.Pytester
) -> None:
    files = sorted(ejected)[::8]
    count = sum(len(ejected[file]) for file in files)
    result = pytester.runpytest_inprocess("-p", "no:hypothesispytest", *files)
    result.assert_outcomes(passed=count)


def test_ejected_test_does_the_same_steps_at_the_same_times(story: Story, cases: Cases) -> None:
    (case,) = cases(
        story(
            "{do: enable, who: alice, device: fob}",
            "{do: wait, for: 1 d}",
            "{do: break, device: fob}",
            "{do: sign_in, who: alice, with: fob, expect: {refused: DeviceUnusable}}",
        )
    )
    text = as_python([case]).replace("    lab.enable(", "    labs.append(lab)\n    lab.enable(", 1)
    space: dict[str, Any] = {"labs": []}
    exec(compile(text, "ejected", "exec"), space)
    space["test_story"](mfa_seed=3)
    from_file = [event for event in run_case(case, 3) if event["kind"] == "note"]
    from_python = [
        event for event in space["labs"][0].journal.log.events if event["kind"] == "note"
    ]
    assert [str(event) for event in from_python] == [str(event) for event in from_file]


def test_cases_that_differ_in_a_sign_or_a_point_have_names_of_their_own(
    story: Story, cases: Cases
) -> None:
    """`-2 steps` and `2 steps` were once one name, and the second test hid the first."""
    found = cases(
        story(
            "{do: wait, for: 1 s}",
            more="matrix: {fob.offset: [-2 s, 2 s, 1.5 s, 1 min 5 s]}\n",
        )
    )
    assert names(as_python(found)) == [
        "test_story_minus_2_s",
        "test_story_2_s",
        "test_story_1_5_s",
        "test_story_1_min_5_s",
    ]
    twins = cases(
        story("{do: wait, for: 1 s}", more="matrix: {alice.user_name: [a.b, a-b, a=b]}\n")
    )
    assert names(as_python(twins)) == ["test_story_a_b", "test_story_a_b_2", "test_story_a_b_3"]


@pytest.mark.parametrize(
    "title",
    ['say "hello"', "a \\ and a \\n", "'''", '""" import os', "x" * 300, "ä \u2028 ü", 'ends in "'],
)
def test_any_title_makes_python_that_compiles(story: Story, cases: Cases, title: str) -> None:
    quoted = title.replace("'", "''")
    text = story("{do: wait, for: 1 s}").replace("A minimal story", f"'{quoted}'")
    ejected = as_python(cases(text))
    assert names(ejected) == ["test_story"]
    assert len(ast.parse(ejected).body) == 3


@pytest.mark.parametrize("value", ["it's", 'a "word"', "both ' and \"", "back\\slash", "012345"])
def test_any_text_survives(story: Story, cases: Cases, value: str) -> None:
    quoted = value.replace("'", "''")
    (case,) = cases(
        story(
            f"{{do: tag, who: ada, device: app, tags: {{key: '{quoted}'}}, "
            "expect: {refused: any}}"
        )
    )
    call = ast.parse(as_python([case])).body[-1].body[-1].value
    tags = next(word.value for word in call.keywords if word.arg == "tags")
    assert ast.literal_eval(tags) == {"key": value}


def test_template_is_a_scenario_that_passes(cases: Cases) -> None:
    (case,) = cases(TEMPLATE)
    assert run_case(case)[-1]["verdict"] == "passed"


def test_ejected_file_names_its_origin(shipped_cases: list[Case]) -> None:
    case = shipped_cases[0]
    text = as_python([case])
    assert text.startswith(f'"""{case.scenario.scenario}\n\nEjected from {case.path.name}')
    assert str(shipped()) not in text.replace("seeds/", "")


@pytest.mark.slow
def test_ejected_scenarios_are_typed_as_a_lab_wants_them(
    ejected: dict[Path, list[Case]],
) -> None:
    """A file's scalars are texts; a test whose `tries` was one did not pass `mypy --strict`."""
    command = [Path(sys.executable).parent / "mypy", "--strict", *ejected]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Success" in done.stdout, done.stdout[-3000:]


@pytest.mark.parametrize(
    "sign",
    ["\\0", "\\x1b", "\\r", "\\n", "\\u2028", "\\x85", "\\\\", '\\"', '\\"\\"\\"', "\\\\N{x}"],
)
def test_title_of_any_characters_compiles(cases: Cases, story: Story, sign: str) -> None:
    """Python reads no source that holds a NUL."""
    text = story("{do: wait, for: 1 d}").replace("A minimal story", f'"a {sign} b {sign}"')
    ejected = as_python(cases(text))
    assert ast.get_docstring(ast.parse(ejected))
    assert ejected.replace("\n", "").isprintable()
