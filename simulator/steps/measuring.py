"""Steps that measure a device and hold the value against a limit."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.outcome import ExpectationFailed, ScenarioError
from mfalab.simulator.language.limits import Limit, Measurement
from mfalab.simulator.language.words import DeviceName
from mfalab.simulator.steps.base import Step
from mfalab.simulator.steps.refusals import READING


class Measure(Step):
    """Measure how far a device's clock is off, against a limit such as `<= 2 steps`.

    The sign does not count: a limit is for slow and fast devices alike.
    """

    meets: ClassVar[frozenset[str]] = READING
    do: Literal["measure"] = "measure"
    device: DeviceName
    offset: Limit
    """`<= 2 steps`, `>= 90 s`: distance of the device's clock from true time."""
    from_: Annotated[Literal["true time", "verifier", "window"], Field(alias="from")] = "true time"
    """From what the distance is taken: true time, the verifier's clock, or the centre of the
    verifier's window for the device."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        device = env.device(self.device)
        if device.clock is None:
            raise ScenarioError(f"{device.name} tells no time")
        offset_ns = device.clock.offset_ns()
        if self.from_ != "true time":
            offset_ns -= env.server_clock.offset_ns()
        if self.from_ == "window":
            offset_ns -= (
                env.journal.window_centre_steps(self.device) * (device.period_s or 0) * NS_PER_S
            )
        if self.offset.unit == "steps":
            if device.period_s is None:
                raise ScenarioError(f"{device.name} counts no time steps; give the limit in s")
            value = abs(offset_ns) / (device.period_s * NS_PER_S)
        else:
            value = abs(offset_ns) / NS_PER_S
        measured = Measurement(f"{self.device} offset", round(value, 3), self.offset)
        env.journal.measured(measured)
        if not measured.met:
            raise ExpectationFailed(str(self.offset), f"{measured.value} {self.offset.unit}")
        return measured
