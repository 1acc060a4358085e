"""What runs scenarios and owns true time.

`Lab` is the engine behind all doors; `Timeline` is its true time. The names are imported when they
are first used, because our pytest plugin passes through here in everybody's test runs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mfalab.simulator.clocks.timeline import Timeline as Timeline
    from mfalab.simulator.environment.outcome import ExpectationFailed as ExpectationFailed
    from mfalab.simulator.environment.outcome import Outcome as Outcome
    from mfalab.simulator.environment.outcome import ScenarioError as ScenarioError
    from mfalab.simulator.lab import Lab as Lab

_HOMES = {
    "ExpectationFailed": "environment.outcome",
    "Lab": "lab",
    "Outcome": "environment.outcome",
    "ScenarioError": "environment.outcome",
    "Timeline": "clocks.timeline",
}
__all__ = ["ExpectationFailed", "Lab", "Outcome", "ScenarioError", "Timeline"]


def __getattr__(name: str) -> Any:
    """A public name, imported from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
