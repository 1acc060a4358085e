"""What stands for the devices of one case: things on the bench, or other simulated ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mfalab.simulator.held_key import HeldKey
from mfalab.simulator.language.setting import HardwareTotpSpec, SecurityKeySpec
from mfalab.simulator.timeline import Timeline
from mfalab.simulator.workbench.key import KeyOnBench
from mfalab.simulator.workbench.token import HeldBenchToken, TokenOnBench

if TYPE_CHECKING:
    from mfalab.simulator.lab import Lab
    from mfalab.simulator.language.loader import Case

__all__ = ["NO_STAND_INS", "StandIns"]


@dataclass(frozen=True, slots=True)
class StandIns:
    """What stands for a case's devices; what is not named here is simulated.

    Attributes:
        keys: keys on the bench, by the scenario's name for the device.
        tokens: tokens on the bench, likewise.
        models: models of simulated keys, likewise.
        longest_wait_ns: how much of a wait is really waited.
    """

    keys: Mapping[str, KeyOnBench] = field(default_factory=dict)
    tokens: Mapping[str, TokenOnBench] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    longest_wait_ns: int = 0

    def key(
        self, name: str, spec: SecurityKeySpec, timeline: Timeline
    ) -> HeldKey | SecurityKeySpec:
        """The key that stands for a device, or what the scenario's simulated one is to be.

        Raises:
            BenchFailed: the key does not work any more.
        """
        if name in self.keys:
            return self.keys[name].hand_over(name, spec, timeline)
        if name in self.models:
            return spec.model_copy(update={"model": self.models[name]})
        return spec

    def token(self, name: str, spec: HardwareTotpSpec, timeline: Timeline) -> HeldBenchToken | None:
        """The token that stands for a device, if one does."""
        token = self.tokens.get(name)
        return None if token is None else token.hand_over(name, spec, timeline)

    def start_ns(self, start_ns: int) -> int:
        """When the story begins: as it says, or now when a real token is part of it."""
        walls = [token.wall.now_ns() for token in self.tokens.values()]
        return max(walls, default=start_ns)

    @property
    def label(self) -> str:
        """What stands there, for the report."""
        named = [self.label_of(device) for device in (*self.keys, *self.tokens, *self.models)]
        return ", ".join(dict.fromkeys(named)) or "simulated"

    def label_of(self, device: str) -> str:
        """What stands for a device; nothing when it is simulated as the scenario says."""
        if device in self.keys:
            return self.keys[device].fixture.name
        if device in self.tokens:
            return self.tokens[device].label
        return f"sim:{self.models[device]}" if device in self.models else ""

    def wait(self, duration_ns: int) -> None:
        """Let real time pass as far as a real key needs it: as long as its deadlines may run."""
        for key in list(self.keys.values())[:1]:
            key.fixture.wait(min(duration_ns, self.longest_wait_ns))

    def take_back(self, lab: Lab, case: Case) -> None:
        """After a case: remember what it did to what stood there."""
        for name, key in self.keys.items():
            held = lab.devices.get(name)
            key.note_use(case)
            if isinstance(held, HeldKey):
                key.take_back(held)


NO_STAND_INS = StandIns()
"""Everything is simulated, as the scenario says."""
