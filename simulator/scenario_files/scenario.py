"""The scenario file as one typed model: a setting, and what happens in it step by step.

The models are the language: the loader validates files with them, `mfalab schema` prints
their JSON Schema, and Python tests build the same objects from keyword arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from mfalab.simulator.abilities import OF_SYSTEM, Ability, Need
from mfalab.simulator.language.setting import Setting
from mfalab.simulator.scenario_files.tags import without_effect
from mfalab.simulator.steps import AnyStep

_OF_SYSTEM = OF_SYSTEM | {Ability.LONG_WAIT}
"""A key or a system under test that lives in the wall's time cannot pass years."""

Tag = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$"), AfterValidator(without_effect)]


class Scenario(Setting):
    """One story: people, their devices and a verifier, and what happens step by step."""

    model_config = ConfigDict(title="mfalab scenario")

    scenario: Annotated[str, Field(min_length=1)]
    """What the story shows, as one sentence."""
    tags: list[Tag] = Field(default_factory=list)
    """Words to select by: `mfalab run -t TAG`, `pytest -m TAG` (with _ for -)."""
    source: str | None = None
    """Where the rule comes from."""
    matrix: dict[str, list[Any]] | list[dict[str, Any]] | None = None
    """Values to repeat the scenario with: {DEVICE.FIELD: [VALUES]} for all combinations, or a
    list of rows {PATH: VALUE, ...}; a row's label is its `case`."""
    steps: Annotated[list[AnyStep], Field(min_length=1)]
    """What happens, one step after the other."""

    def needs(self) -> Iterator[Need]:
        """See `Setting.needs`; its steps' needs, too."""
        yield from super().needs()
        for step in self.steps:
            yield from (need for need in step.needs() if need.ability in _OF_SYSTEM)
