"""What stands in for the devices of one case; here nothing does, and a bench says otherwise."""

from __future__ import annotations

from collections.abc import Callable

from mfalab.devices.otp.seed import SeedRecord
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.environment.devices import CodeDevice, HeldKey
from mfalab.simulator.keys.fixture import Fixture
from mfalab.simulator.language.setting import HardwareTotpSpec, SecurityKeySpec

Watch = Callable[[str, Fixture], Fixture]
"""What a key is looked at through: from its name and itself to the key that is used."""


class StandIns:
    """Every device is simulated as the scenario says."""

    @property
    def label(self) -> str:
        """What stands there, for the report."""
        return "simulated"

    def key(
        self, name: str, spec: SecurityKeySpec, timeline: Timeline, watch: Watch
    ) -> HeldKey | None:
        """The key that stands in for a device, if one does.

        Args:
            name: the scenario's name for the device.
            spec: how the key is to be.
            timeline: true time.
            watch: what the key is looked at through while the case is played.

        Raises:
            BenchFailed: the key does not work any more.
        """
        return None

    def described(self, name: str, spec: SecurityKeySpec) -> SecurityKeySpec:
        """What the simulated key is to be: as it says, unless another model stands in."""
        return spec

    def token(
        self, name: str, spec: HardwareTotpSpec, timeline: Timeline
    ) -> tuple[CodeDevice, SeedRecord] | None:
        """The token that stands in for a device with its seed's record, if one does."""
        return None

    def start_ns(self, start_ns: int) -> int:
        """When the story begins, which is as it says unless something lives in another time."""
        return start_ns

    def label_of(self, device: str) -> str:
        """What stands in for a device; nothing when it is simulated as the scenario says."""
        return ""

    def wait(self, duration_ns: int) -> None:
        """Let real time pass as far as what stands in needs it."""

    def take_back(self) -> None:
        """After the case: remember what it did to what stood in."""


NO_STAND_INS = StandIns()
"""Everything is simulated, as the scenario says."""
