"""`mfalab explain`: every word of the language has a text, and every field of it, too."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mfalab.simulator.clocks.climates import CLIMATES, TEXTS
from mfalab.simulator.environment.outcome import PREVENTED
from mfalab.simulator.language import units
from mfalab.simulator.scenario_files.explain import (
    GROUPS,
    Told,
    Topic,
    as_list,
    as_text,
    explain,
    vocabulary,
)
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.refusals import codes, decisions

SIMULATOR = Path(__file__).parents[3] / "simulator"
ALL = [pytest.param(topic, id=topic.word) for found in vocabulary().values() for topic in found]


def flat(told: Iterable[Told]) -> Iterator[Told]:
    for each in told:
        yield each
        yield from flat(each.fields)


@pytest.mark.parametrize("topic", ALL)
def test_every_word_and_every_field_has_a_text_and_is_found(topic: Topic) -> None:
    assert topic in explain(topic.word)
    assert topic.text
    assert [field.name for field in flat(topic.fields) if not field.text] == []
    assert topic.word in as_text(topic)


def test_what_the_shipped_suites_use_is_explained(shipped_cases: list[Case]) -> None:
    used: set[str] = set()
    for case in shipped_cases:
        data = case.scenario.model_dump(mode="json", by_alias=True)
        used |= {data["verifier"]["profile"]}
        used |= {step["do"] for step in data["steps"]}
        refused = [
            (step["expect"]["refused"], step["expect"]["decision"]) for step in data["steps"]
        ]
        used |= {word for pair in refused for word in pair if word not in (None, "any")}
        for device in data["devices"].values():
            words = [device.get(key) for key in ("kind", "climate", "quirks", "model")]
            used |= {word for word in words if isinstance(word, str)}
    assert len(used) > len(VOCABULARY)
    assert used - {topic.word for found in vocabulary().values() for topic in found} == set()


def test_field_has_unit_default_and_an_example() -> None:
    (topic,) = explain("hardware_totp")
    told = {field.name: field for field in topic.fields}
    assert (told["drift"].unit, told["drift"].default) == ("ppm, ppb", "")
    assert (told["period"].default, told["battery"].default) == ("30 s", "8 y")
    assert (told["climate"].default, told["owner"].required) == ("drawer", True)
    assert told["drift"].example.endswith("ppm")


def test_defaults_read_back_as_they_are_written() -> None:
    for quantity, value in ((units.DURATION, 30 * 10**9), (units.FREQUENCY, 45.5)):
        assert quantity.read(quantity.write(value)) == value
    assert units.SHARE.write(0.05) == "5 %"
    assert units.TEMPERATURE.write(-20) == "-20 C"


def test_field_that_holds_others_is_explained_with_those() -> None:
    (topic,) = explain("sign_in")
    (key,) = (field for field in topic.fields if field.name == "key")
    assert "touch" in {field.name for field in key.fields}
    assert {field.name for field in topic.fields[-4:]} == {"expect", "times", "every", "jitter"}
    assert topic.fields[-1].fields == ()


@pytest.mark.parametrize(
    ("word", "group", "message"),
    [
        ("enabel", None, 'there is no word "enabel" to explain; did you mean "enable"?'),
        ("enabel", "steps", 'there is no step "enabel"; did you mean "enable"?'),
        ("InvalidAuthentificationCode", None, 'did you mean "InvalidAuthenticationCode"?'),
        ("\udcff", None, "`mfalab explain` lists all"),
        ("battery", None, '"battery" is a field of hardware_totp, hardware_hotp; `mfalab'),
        ("rfc6238", "steps", 'there is no step "rfc6238"'),
    ],
)
def test_unknown_word_is_refused_with_what_is_near(
    word: str, group: str | None, message: str
) -> None:
    with pytest.raises(LookupError) as refused:
        explain(word, group)
    assert message in str(refused.value)


def test_list_has_a_line_for_each_word() -> None:
    lines = as_list(vocabulary("steps")).splitlines()
    assert [line.split()[0] for line in lines] == ["steps", *VOCABULARY]


def test_refusals_and_decisions_are_listed_with_the_steps_that_meet_them() -> None:
    lines = as_list(vocabulary("refusals")).splitlines()[1:]
    assert len(lines) == len(codes())
    by_word = {line.split()[0]: line for line in lines}
    assert by_word["NotLost"].endswith(" [find]")
    assert by_word["ReportExpired"].endswith(" [credential_report]")
    assert all(line.endswith("]") for line in lines)
    (topic,) = explain("stale")
    assert as_text(topic).endswith("met by  " + ", ".join(topic.steps))
    assert "resync" in topic.steps
    assert "tag" not in topic.steps


def test_without_docstrings_no_word_is_explained_by_another_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PYTHONOPTIMIZE=2 takes docstrings away, and steps were explained by ABC."""
    monkeypatch.setattr(VOCABULARY["wait"], "__doc__", None)
    (topic,) = (topic for topic in GROUPS["steps"]() if topic.word == "wait")
    assert topic.text == "(Python runs without docstrings: -OO)"


def test_every_climate_has_a_text() -> None:
    assert TEXTS.keys() == CLIMATES.keys()


def test_what_is_explained_is_what_a_scenario_may_expect() -> None:
    assert [topic.word for topic in GROUPS["refusals"]()] == codes()
    assert [
        topic.word for topic in GROUPS["decisions"]() if topic.word != "accepted"
    ] == decisions()


def test_every_code_that_stops_a_person_is_listed() -> None:
    raised: dict[str, str] = {}
    for path in SIMULATOR.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and _name(node.func) == "Prevented"
            if called and isinstance(node.args[0], ast.Constant):
                raised[str(node.args[0].value)] = f"{path.name}:{node.lineno}"
    assert {code: at for code, at in raised.items() if code not in PREVENTED} == {}
    assert PREVENTED.keys() - raised.keys() == {"NoSecondPage"}  # has a class of its own


def _name(node: Any) -> str:
    return getattr(node, "id", "")
