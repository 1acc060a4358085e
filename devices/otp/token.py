"""Hardware tokens: a button, a display, a sealed battery, the maker's seed.

States of the display: dark, or lit until its time is up. A press while the
token works lights the display with a code that stays as it is until the next
press or until the display goes dark; a press on a dead or broken token does
nothing. A display that is lit goes dark

* when its time is up, by the token's own clock,
* when that clock is before the press: only a restart sets a token's clock
  back, and a restart clears the display,
* when the battery dies or the token breaks.

Left out: PIN pads, tokens whose display is always on and follows the time
step, and setting the clock over NFC.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from mfalab.devices.clock import Clock
from mfalab.devices.device import Device
from mfalab.devices.durations import NS_PER_S
from mfalab.devices.otp.seed import OtpKind, OtpSeed
from mfalab.devices.otp.totp import until_next_step_ns
from mfalab.devices.power import PowerSource

DEFAULT_DISPLAY_S = 30
"""How long a display stays lit: one usual time step, enough to type a code."""


class _ButtonToken(Device, ABC):
    """A token with one button and one display; subclasses say which code comes next."""

    broken_advice: ClassVar[str] = "Deactivate it and enable a replacement."
    battery_advice: ClassVar[str] = (
        "Its battery is sealed in: deactivate the token and enable a replacement."
    )
    kind: ClassVar[OtpKind]

    def __init__(
        self,
        serial: str,
        seed: OtpSeed,
        clock: Clock,
        power: PowerSource | None = None,
        *,
        display_s: int = DEFAULT_DISPLAY_S,
        model: str = "",
    ) -> None:
        if seed.kind is not self.kind:
            raise ValueError(
                f"token {serial} computes {self.kind.value} codes, but its seed is for "
                f"{seed.kind.value}. Use the other kind of token or another seed."
            )
        super().__init__(serial, power)
        self.seed = seed
        self.clock = clock
        self.model = model
        self._display_ns = display_s * NS_PER_S
        self._presses = 0
        self._shown: tuple[int, str] | None = None

    @property
    def serial(self) -> str:
        """The serial number printed on the case."""
        return self.name

    def press(self) -> None:
        """Press the button: a working token lights its display with a code."""
        if self.usable:
            self._shown = (self.clock.now_ns(), self.seed.code_at_step(self._step))
            self._presses += 1

    @property
    def display(self) -> str:
        """What can be read on the display now; empty when it is dark."""
        if self._shown is None or not self.usable:
            return ""
        pressed_ns, code = self._shown
        lit = 0 <= self.clock.now_ns() - pressed_ns < self._display_ns
        return code if lit else ""

    def read_code(self) -> str:
        """Press the button and read the display.

        Raises:
            DeviceUnusable: the display stays dark: dead battery or broken.
        """
        self.require_usable()
        self.press()
        return self.display

    def code_at(self, offset_steps: int) -> str:
        """The code that belongs `offset_steps` away from the one that a press would show now.

        Time steps of a time-based token: what a patient person would have read (negative) or will
        read (positive) on it, without the waiting. Presses of an event-based one: 0 is what the
        next press will show, -1 what the last one showed. Leaves display and counter alone.

        Raises:
            DeviceUnusable: the token is dead or broken.
            ValueError: the counter never had, or will never have, that value.
        """
        self.require_usable()
        return self.seed.code_at_step(self._step + offset_steps)

    @property
    @abstractmethod
    def _step(self) -> int:
        """The time step or counter value whose code a press shows."""


class HardwareToken(_ButtonToken):
    """A time-based token (RFC 6238): fob or display card.

    Args:
        serial: the serial number printed on the case.
        seed: the maker's seed, kind TOTP.
        clock: the token's own quartz; it is never corrected.
        power: its sealed battery.
        display_s: how long the display stays lit after a press, by its own clock.
        model: the maker's model name, or empty.

    Raises:
        ValueError: the seed is for event-based codes.
    """

    kind = OtpKind.TOTP

    @property
    def believed_step(self) -> int:
        """The time step that the token believes in now."""
        return self.seed.step_at(self.clock.now_ns())

    _step = believed_step

    @property
    def until_next_code_ns(self) -> int:
        """How long, by its own clock, until a press would show the next step's code."""
        return until_next_step_ns(self.clock.now_ns(), self.seed.period_s)


class HotpToken(_ButtonToken):
    """An event-based token (RFC 4226): each press uses up one counter value.

    A press whose code is not typed in, in a pocket or out of boredom, advances the
    counter as well: that is how such a token runs ahead of its verifier.

    Args:
        serial: the serial number printed on the case.
        seed: the maker's seed, kind HOTP; its counter is the first one used.
        clock: times the display and nothing else.
        power: its sealed battery.
        display_s: how long the display stays lit after a press.
        model: the maker's model name, or empty.

    Raises:
        ValueError: the seed is for time-based codes.
    """

    kind = OtpKind.HOTP

    @property
    def counter(self) -> int:
        """The counter value that the next press will use."""
        return self.seed.counter + self._presses

    _step = counter
