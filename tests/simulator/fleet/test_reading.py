"""Study files: each mistake with its place."""

import subprocess
import sys

import pytest

from mfalab.simulator.fleet.reading import BadOption, read_study
from mfalab.simulator.language.problems import ProblemsFound


def test_a_file_is_read_and_the_command_line_goes_first(tmp_path):
    path = tmp_path / "a.fleet.yaml"
    path.write_text("tokens: 500\nclimate: {pocket: 60 %, 21 C: 40 %}\n")
    study = read_study(path, {"tokens": "7", "policies": ["rfc6238"]})
    assert (study.tokens, study.climate) == (7, {"pocket": 0.6, "21 C": 0.4})
    assert [each.profile for each in study.policies] == ["rfc6238"]
    assert read_study(None, {}).tokens == 10_000


def test_mistakes_have_their_line_and_column(tmp_path):
    path = tmp_path / "b.fleet.yaml"
    path.write_text(
        "tokens: many\nhabit: weekly\nclimat: car\npolicies:\n- {name: a, profile: x}\n"
    )
    with pytest.raises(ProblemsFound) as caught:
        read_study(path, {})
    places = [(each.line, each.column) for each in caught.value.problems]
    assert places == [(1, 9), (3, 1), (5, 22)]
    assert 'unknown key "climat"; did you mean "climate"?' in str(caught.value)


@pytest.mark.parametrize(
    "text", ["- 1\n", "7\n", "a: [\n", "tokens: 1\ntokens: 2\n", "study: &a {x: *a}\n"]
)
def test_a_file_that_is_no_study_is_told_by_its_name(tmp_path, text):
    path = tmp_path / "c.fleet.yaml"
    path.write_text(text)
    with pytest.raises(ProblemsFound, match=r"c\.fleet\.yaml"):
        read_study(path, {})


def test_a_scenario_is_told_to_be_one(tmp_path):
    path = tmp_path / "a.scenario.yaml"
    path.write_text("scenario: one\nsteps: []\n")
    with pytest.raises(ProblemsFound, match="this is a scenario, and no study; mfalab run runs it"):
        read_study(path, {})


@pytest.mark.parametrize("on_file", [True, False])
def test_an_option_that_does_not_fit_is_named(tmp_path, on_file):
    path = tmp_path / "d.fleet.yaml"
    path.write_text("tokens: 5\n")
    with pytest.raises(BadOption, match=r'--habit: there is no habit "x"'):
        read_study(path if on_file else None, {"habit": "x"})


def test_an_option_out_of_bounds_is_told_with_what_was_given():
    with pytest.raises(BadOption, match=r"--tokens: Input should be greater than .*, got 0"):
        read_study(None, {"tokens": "0"})


def test_options_that_do_not_fit_together_are_told_without_an_option_that_is_none():
    with pytest.raises(BadOption) as found:
        read_study(None, {"policies": ["aws-observed", "aws-observed"]})
    assert str(found.value) == "two policies have the same name"


def test_what_a_study_does_not_need_is_not_imported():
    """The language of scenarios takes longer to import than a study of a warm cache takes."""
    asked = "import sys, mfalab.simulator.fleet.reading, mfalab.simulator.fleet.results; "
    asked += "print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    imported = done.stdout.split()
    assert "mfalab.simulator.fleet.simulate" in imported
    heavy = {"mfalab.simulator.steps", "mfalab.simulator.environment", "pyarrow", "jinja2"}
    assert heavy.isdisjoint(imported)
