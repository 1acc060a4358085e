"""The published JSON Schema of scenario files, made from the models that also validate them."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel

from mfalab.simulator.scenario_files.scenario import Scenario
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.refusals import ANY, codes, decisions
from mfalab.verifier import PROFILES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SECTIONS = ("accounts", "people", "groups", "roles", "phones")
_DIGITS = "123456789012"
"""What an editor takes for a number, and the loader for a text; as long as an account's id."""


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a scenario file as editors read it.

    The loader takes every scalar as text; an editor's YAML parser makes numbers and booleans of
    some. So the schema takes both where the text may look like one.
    """
    schema = schema_of(Scenario)
    definitions, properties = schema["$defs"], schema["properties"]
    # Their validators say more than an editor can: here are the words that they take.
    for field, words in (("refused", [*codes(), ANY]), ("decision", decisions())):
        told = definitions["Expect"]["properties"][field]
        definitions["Expect"]["properties"][field] = {
            "enum": sorted(words),
            "description": told["description"],
        }
    definitions["Expect"] = {"anyOf": [{"enum": ["accepted", "declared"]}, definitions["Expect"]]}
    properties["verifier"] = {"anyOf": [{"enum": sorted(PROFILES)}, properties["verifier"]]}
    for section in _SECTIONS:
        _let_entries_be_empty(properties[section])
    return schema


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a file, as editors read it, whose scalars are texts to its loader."""
    return {"$schema": DIALECT, **_with_plain_scalars(model.model_json_schema(by_alias=True))}


def step_schemas() -> dict[str, Any]:
    """The JSON Schema of every step, by its verb."""
    definitions = scenario_schema()["$defs"]
    return {verb: definitions[model.__name__] for verb, model in VOCABULARY.items()}


def _let_entries_be_empty(section: dict[str, Any]) -> None:
    """`alice:` with nothing behind it is `alice: {}`."""
    names = section.get("patternProperties", {})
    for name, entry in names.items():
        names[name] = {"anyOf": [entry, {"type": "null"}]}
    section["additionalProperties"] = False


def _with_plain_scalars(schema: Any) -> Any:
    """A schema that also takes the numbers and booleans that an editor makes of texts."""
    if isinstance(schema, list):
        return [_with_plain_scalars(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _with_plain_scalars(value) for key, value in schema.items()}
    if schema.get("type") != "string":
        return changed
    words = schema.get("enum")
    if isinstance(words, list):
        truths = [value for word, value in (("true", True), ("false", False)) if word in words]
        if truths:
            changed["enum"] = [*words, *truths]
            del changed["type"]
    elif "const" not in schema and re.search(schema.get("pattern", ""), _DIGITS):
        changed["type"] = ["string", "number", "boolean"]
    return changed
