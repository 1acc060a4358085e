"""The vocabulary as a whole: told, used, and free of surprises."""

import inspect

import pytest

from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.explain import explain
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.base import Step


@pytest.mark.parametrize(("verb", "model"), VOCABULARY.items())
def test_step_is_told_in_one_sentence_and_its_fields_too(verb: str, model: type[Step]) -> None:
    text = inspect.getdoc(model)
    assert text
    first = text.partition("\n")[0]
    assert first.endswith("."), f"{verb}: the first line of its docstring is no sentence: {first}"
    (topic,) = explain(verb, "steps")
    assert topic.text.startswith(first)
    fields = {field.name: field.text for field in topic.fields}
    assert fields.keys() == {name.removesuffix("_") for name in model.model_fields} - {"do"}
    assert [name for name, text in fields.items() if not text] == []


@pytest.mark.parametrize(("verb", "model"), VOCABULARY.items())
def test_verb_is_a_python_name_and_the_fields_are_those_of_the_file(
    verb: str, model: type[Step]
) -> None:
    assert verb.isidentifier()
    assert verb.islower()
    for name, field in model.model_fields.items():
        assert (field.alias or name).isidentifier()
        if name.endswith("_"):
            assert field.alias == name.removesuffix("_")


def test_every_step_is_used_by_a_shipped_scenario(shipped_cases: list[Case]) -> None:
    used = {step.do for case in shipped_cases for step in case.scenario.steps}
    assert sorted(VOCABULARY.keys() - used) == []


@pytest.mark.slow
def test_shipped_scenarios_pass_with_an_untuned_seed(shipped_cases: list[Case]) -> None:
    bad = {}
    for case in shipped_cases:
        last = run_case(case, seed=20_260_302)[-1]
        if last["verdict"] != "passed":
            bad[case.id] = last["why"]
    assert bad == {}
