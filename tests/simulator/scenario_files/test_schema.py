"""The published JSON Schema, as an editor would use it."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.schema import scenario_schema, schema_of
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.refusals import codes
from mfalab.simulator.workbench.labfile import LabFile


class EditorLoader(yaml.SafeLoader):
    """YAML 1.2's core schema: numbers, true, false and null are no texts; times and `no` are."""


EditorLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    EditorLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), first
    )
EditorLoader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))


def as_an_editor_reads(text: str) -> Any:
    return yaml.load(text, EditorLoader)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = scenario_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.slow
def test_every_shipped_scenario_is_valid(
    validator: jsonschema.Draft202012Validator, shipped_cases: list[Case]
) -> None:
    wrong = {}
    for path in {case.path for case in shipped_cases}:
        document = as_an_editor_reads(path.read_text())
        error = jsonschema.exceptions.best_match(validator.iter_errors(document))
        if error is not None:
            wrong[path.name] = f"{error.json_path}: {error.message}"[:300]
    assert wrong == {}


HEAD = """\
scenario: x
people: {alice: , ada: {role: administrator, typing: 5 s}}
devices: {fob: {kind: hardware_totp, owner: alice, drift: 45 ppm, climate: 21 C, digits: 8}}
"""


@pytest.mark.parametrize(
    "text",
    [
        "steps: [{do: wait, for: 1 h 30 min}]",
        "steps: [{do: wait, for: 1 d, expect: accepted}]",
        "steps: [{do: sign_in, who: alice, with: fob, expect: {refused: any, status: 403}}]",
        "steps: [{do: sign_in, who: alice, with: fob, code: 012345}]",
        "steps: [{do: sign_in, who: alice, with: fob, code: -2 steps}]",
        "steps: [{do: enable, who: alice, device: fob, codes: [012345, 543210]}]",
        "steps: [{do: enable, who: alice, device: fob, codes: reversed}]",
        "steps: [{do: check_mfa, who: alice, present: true}]",
        "steps: [{do: credential_report, who: ada, mfa_active: {alice: false}}]",
        "steps: [{do: enable, who: alice, device: fob, serial: 12345678}]",
        "verifier: rfc6238\nsteps: [{do: wait, for: 1 s}]",
        "verifier: {profile: rfc6238, window_back: 3 steps}\nsteps: [{do: wait, for: 1 s}]",
        "verifier: {sms: preview, clock: {offset: 3 s}}\nsteps: [{do: wait, for: 1 s}]",
        "start: 2026-03-02T09:00:00Z\nsteps: [{do: wait, for: 1 s}]",
        "accounts: {main: {id: 123456789012, root_phone: null}}\nsteps: [{do: wait, for: 1 s}]",
        "matrix: {fob.digits: [6, 8], fob.drift: [1 ppm]}\nsteps: [{do: wait, for: 1 s}]",
        "matrix: [{case: a, fob.digits: 6}]\nsteps: [{do: wait, for: 1 s}]",
    ],
)
def test_what_the_loader_takes_an_editor_takes(
    validator: jsonschema.Draft202012Validator, cases: Any, text: str
) -> None:
    assert cases(HEAD + text)
    errors = [
        error.message[:300] for error in validator.iter_errors(as_an_editor_reads(HEAD + text))
    ]
    assert errors == []


@pytest.mark.parametrize(
    "text",
    [
        "steps: []",
        "stepps: [{do: wait, for: 1 s}]",
        "steps: [{do: wait, for: 90}]",
        "steps: [{do: wait, for: 90 parsec}]",
        "steps: [{do: wait, for_: 90 s}]",
        "steps: [{do: sleep, for: 90 s}]",
        "steps: [{do: sign_in, who: alice, wiht: fob}]",
        "steps: [{do: sign_in, who: alice, password: worng}]",
        "steps: [{do: sign_in, with: fob}]",
        "steps: [{do: enable, who: alice, device: fob, codes: consecutiv}]",
        "steps: [{do: enable, who: alice, device: fob, codes: [012345]}]",
        "steps: [{do: measure, device: fob, offset: 2 steps}]",
        "steps: [{do: wait, for: 1 s, expect: refused}]",
        "verifier: aws\nsteps: [{do: wait, for: 1 s}]",
        "verifier: {window_back: 3}\nsteps: [{do: wait, for: 1 s}]",
        "tags: [Drift]\nsteps: [{do: wait, for: 1 s}]",
    ],
)
def test_what_the_loader_refuses_an_editor_marks(
    validator: jsonschema.Draft202012Validator, problems: Any, text: str
) -> None:
    assert problems(HEAD + text)
    assert list(validator.iter_errors(as_an_editor_reads(HEAD + text)))


def test_every_step_is_described_for_completion() -> None:
    definitions = scenario_schema()["$defs"]
    for verb, model in VOCABULARY.items():
        definition = definitions[model.__name__]
        assert definition["properties"]["do"]["const"] == verb
        assert definition["description"]
        assert definition["additionalProperties"] is False


@pytest.mark.parametrize(
    ("expect", "good"),
    [
        ("{refused: AccessDenied}", True),
        ("{refused: any}", True),
        ("{refused: AccessDenied, decision: throttled}", True),
        ("{refused: AccesDenied}", False),
        ("{refused: AccessDenied, decision: throtled}", False),
    ],
)
def test_editor_offers_the_codes_and_decisions(
    validator: jsonschema.Draft202012Validator, expect: str, good: bool
) -> None:
    text = f"{HEAD}steps: [{{do: wait, for: 1 s, expect: {expect}}}]"
    assert (not list(validator.iter_errors(as_an_editor_reads(text)))) == good
    (offered,) = (
        each["properties"]["refused"]["enum"]
        for each in scenario_schema()["$defs"]["Expect"]["anyOf"]
        if "properties" in each
    )
    assert {*codes(), "any"} == set(offered)


def test_schema_of_lab_files_takes_what_the_loader_takes() -> None:
    schema = schema_of(LabFile)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    text = (Path(__file__).parents[3] / "examples" / "rig" / "lab.yaml").read_text()
    document = as_an_editor_reads(text)
    assert not list(validator.iter_errors(document))
    assert not list(validator.iter_errors({"lab": "x", "target": "webauthn:http://localhost:1"}))
    assert list(validator.iter_errors({**document, "bnid": {}}))
    assert list(validator.iter_errors({**document, "target": ["a"]}))
