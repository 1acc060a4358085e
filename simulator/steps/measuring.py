"""Steps that measure a device and hold the value against a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from mfalab.simulator.language.limits import Limit, Measurement
from mfalab.simulator.language.words import DeviceName
from mfalab.simulator.outcome import ExpectationFailed, ScenarioMistake
from mfalab.simulator.steps.base import Step
from mfalab.simulator.timeline import NS_PER_S

if TYPE_CHECKING:
    from mfalab.simulator.lab import Lab


class Measure(Step):
    """Measure how far a device's clock is off, against a limit such as `<= 2 steps`.

    The sign does not count: a limit is for slow and fast devices alike.
    """

    do: Literal["measure"] = "measure"
    device: DeviceName
    offset: Limit
    """`<= 2 steps`, `>= 90 s`: distance of the device's clock from true time."""
    from_: Annotated[Literal["true time", "verifier", "window"], Field(alias="from")] = "true time"
    """From what the distance is taken: true time, the verifier's clock, or the centre of the
    verifier's window for the device."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        device = lab.device(self.device)
        if device.clock is None:
            raise ScenarioMistake(f"{device.name} tells no time")
        offset_ns = device.clock.offset_ns()
        if self.from_ != "true time":
            offset_ns -= lab.server_clock.offset_ns()
        if self.from_ == "window":
            offset_ns -= (
                lab.witness.window_centre_steps(self.device) * (device.period_s or 0) * NS_PER_S
            )
        if self.offset.unit == "steps":
            if device.period_s is None:
                raise ScenarioMistake(f"{device.name} counts no time steps; give the limit in s")
            value = abs(offset_ns) / (device.period_s * NS_PER_S)
        else:
            value = abs(offset_ns) / NS_PER_S
        measured = Measurement(f"{self.device} offset", round(value, 3), self.offset)
        lab.witness.measured(measured)
        if not measured.met:
            raise ExpectationFailed(str(self.offset), f"{measured.value} {self.offset.unit}")
        return measured
