"""What stands in for the devices of one case: things on the bench, or other simulated ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mfalab.devices.otp.seed import SeedRecord
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.environment.devices import CodeDevice, HeldKey
from mfalab.simulator.environment.stand_ins import StandIns, Watch
from mfalab.simulator.language.setting import HardwareTotpSpec, SecurityKeySpec
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.workbench.key import KeyOnBench
from mfalab.simulator.workbench.token import TokenOnBench


@dataclass(frozen=True, slots=True)
class BenchStandIns(StandIns):
    """What stands in for a case's devices; what is not named here is simulated.

    Attributes:
        case: the case.
        keys: keys on the bench, by the scenario's name for the device.
        tokens: tokens on the bench, likewise.
        models: models of simulated keys, likewise.
        longest_wait_ns: how much of a wait is really waited.
    """

    case: Case
    keys: Mapping[str, KeyOnBench] = field(default_factory=dict)
    tokens: Mapping[str, TokenOnBench] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    longest_wait_ns: int = 0

    def key(
        self, name: str, spec: SecurityKeySpec, timeline: Timeline, watch: Watch
    ) -> HeldKey | None:
        """See `StandIns.key`."""
        key = self.keys.get(name)
        return None if key is None else key.hand_over(name, spec, timeline, watch)

    def described(self, name: str, spec: SecurityKeySpec) -> SecurityKeySpec:
        """See `StandIns.described`."""
        if name not in self.models:
            return spec
        return spec.model_copy(update={"model": self.models[name]})

    def token(
        self, name: str, spec: HardwareTotpSpec, timeline: Timeline
    ) -> tuple[CodeDevice, SeedRecord] | None:
        """The token that stands in for a device with its seed's record, if one does."""
        token = self.tokens.get(name)
        return None if token is None else (token.hand_over(name, spec, timeline), token.record)

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

    def take_back(self) -> None:
        """See `StandIns.take_back`."""
        for key in self.keys.values():
            key.take_back(self.case)
