"""The published JSON Schema of scenario files, made from the models that also validate them."""

from __future__ import annotations

from typing import Any

from mfalab.simulator.scenario import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a scenario file as YAML 1.1 tools read it.

    The loader takes every scalar as text; an editor's YAML parser makes numbers and booleans of
    some. So the schema takes both where a text stands for a number.
    """
    schema = Scenario.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, **schema}
