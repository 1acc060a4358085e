"""A hardware TOTP token on the bench: a person or a camera reads its display.

It lives now, so a lab with one begins at the wall's time and keeps step with it: before each
reading the one that is behind waits for the other. What people do with earlier or later codes is
computed from the token's seed, from the time step whose code the display shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from mfalab.devices.otp.seed import USUAL_PERIODS_S, OtpSeed, SeedRecord
from mfalab.devices.rig.rig import Rig
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.clocks.wall import WALL, Wall, meet
from mfalab.simulator.environment.devices import CodeDevice
from mfalab.simulator.environment.outcome import Prevented
from mfalab.simulator.language.setting import HardwareTotpSpec
from mfalab.simulator.workbench.labfile import Place, TokenEntry
from mfalab.verifier import DeviceKind

_LEAST_CONFIDENCE: Final = 0.8
_FAR_S: Final = 3600
"""An hour of drift is looked through for the step that a display shows."""


@dataclass(frozen=True, slots=True)
class TokenOnBench:
    """A token of the lab file.

    Attributes:
        name: what the lab file calls it.
        entry: what the file says of it.
        record: what its maker's seed file says.
        rig: what reads its display.
        place: the channel that does.
        wall: the time that the token lives in.
    """

    name: str
    entry: TokenEntry
    record: SeedRecord
    rig: Rig
    place: Place
    wall: Wall = WALL

    @property
    def seed(self) -> OtpSeed:
        """What its maker programmed into it."""
        return self.record.seed

    @property
    def label(self) -> str:
        """What stands for the scenario's token, for the report."""
        return f"{self.place.rig}:{self.entry.serial}"

    def hand_over(self, name: str, spec: HardwareTotpSpec, timeline: Timeline) -> HeldBenchToken:
        """The token in its owner's hands."""
        return HeldBenchToken(name, spec.owner, self, timeline)


class HeldBenchToken(CodeDevice):
    """A real token in its holder's hands.

    Attributes:
        seed: what its maker programmed into it.
    """

    kind = DeviceKind.HARDWARE

    def __init__(self, name: str, owner: str, token: TokenOnBench, timeline: Timeline) -> None:
        super().__init__(name, owner, None, token.entry.serial)
        self._token = token
        self.seed = token.seed
        self._timeline = timeline
        self._read_ns = timeline.now_ns()

    @property
    def alive(self) -> bool:
        """Whether its display is lit will be seen."""
        return True

    @property
    def period_s(self) -> int:
        """Length of its time step."""
        return self.seed.period_s

    @property
    def until_next_code_ns(self) -> int:
        """How long until a reading shows the next code, however far the token has drifted.

        Two readings that begin a time step apart show neighbouring codes. One that begins later
        may miss a code: reading takes time, and a second is added to every wait for a code.
        """
        due_ns = self._read_ns + (self.seed.period_s - 1) * NS_PER_S
        return max(0, due_ns - self._timeline.now_ns())

    def code(self) -> str:
        """What its display shows when its button is pressed now.

        Raises:
            RigError: nothing can read it.
            Prevented: it cannot be read well enough.
        """
        self._meet()
        self._read_ns = self._timeline.now_ns()
        token = self._token
        token.rig.show(token.place.number)
        reading = token.rig.read(token.place.number)
        self._meet()
        if reading.confidence < _LEAST_CONFIDENCE:
            raise Prevented(
                "NotReadable",
                f"the display of {self.name} shows {reading.text!r} with a confidence of "
                f"{reading.confidence:.2f}, and {_LEAST_CONFIDENCE} is the least",
            )
        return reading.text.replace(" ", "")

    def code_at(self, offset_steps: int) -> str:
        """The code so many time steps from the one that its display shows now.

        Raises:
            Prevented: its seed has no code that the display shows.
        """
        shown = self.code()
        if offset_steps == 0:
            return shown
        step = self._step_of(shown, self.seed)
        if step is not None:
            return self.seed.code_at_step(step + offset_steps)
        why = f"the seed of {self.name} has no code {shown} within an hour"
        for period_s in USUAL_PERIODS_S:
            if self._step_of(shown, replace(self.seed, period_s=period_s)) is not None:
                assumed = "period" in self._token.record.assumed
                advice = "; say `period` in the lab file" if assumed else ", as its seed file says"
                why += (
                    f"; with a time step of {period_s} s it has one, and {self.seed.period_s} s "
                    f"are used{advice}"
                )
        raise Prevented("NotItsSeed", why)

    def break_(self) -> None:
        """Not a real one.

        Raises:
            Prevented: always.
        """
        raise Prevented("NotBroken", f"{self.name} is a real token and is not broken for a test")

    def _step_of(self, code: str, seed: OtpSeed) -> int | None:
        """The time step within an hour of now that has a code, the nearest if several have it."""
        here = seed.step_at(self._timeline.now_ns())
        far = _FAR_S // seed.period_s
        steps = sorted(range(here - far, here + far + 1), key=lambda step: abs(step - here))
        return next((step for step in steps if seed.code_at_step(step) == code), None)

    def _meet(self) -> None:
        """Let the wall and the timeline show the same time: whichever is behind waits."""
        meet(self._token.wall, self._timeline)
