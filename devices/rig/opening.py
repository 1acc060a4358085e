"""Making rigs from what a lab file or a command line says about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, Protocol

from mfalab.devices.clock import Clock
from mfalab.devices.rig.errors import OptionWrong
from mfalab.devices.rig.ports import RigSpec
from mfalab.devices.rig.rig import Rig
from mfalab.devices.rig.timing import ThreadTiming, Timing


class Person(Protocol):
    """The person at the bench, for driver `manual`."""

    def tell(self, text: str, left_s: int | None) -> None:
        """Show something.

        Args:
            text: a sentence.
            left_s: how many seconds are left for it; told again each second, 0 when it is over.
                None for no limit.
        """

    def ask(self, text: str) -> str:
        """Show something and wait for a line.

        Raises:
            EOFError: the input has ended.
        """


DRIVERS: Final[Mapping[str, str]] = {
    "scpi": "a board with this project's firmware, or one that speaks its protocol",
    "numato": "Numato USB relay modules",
    "lcus": "LCUS-1 to LCUS-8 relay modules",
    "devantech": "Devantech USB-RLY02, USB-RLY08 and USB-RLY16 relay modules",
    "ykush": "Yepkit YKUSH switchable hubs, through ykushcmd",
    "uhubctl": "hubs that switch their ports, through uhubctl",
    "lines": "relays or optocouplers on the RTS and DTR lines of a serial port",
    "manual": "a person",
}
"""Each driver and what it drives."""


def make_rig(
    spec: RigSpec, *, clock: Clock, timing: Timing | None = None, person: Person | None = None
) -> Rig:
    """A rig that is not open yet; nothing is touched.

    Args:
        spec: which.
        clock: the clock on the wall.
        timing: what waits on this side; None for real time.
        person: who is asked by driver `manual`; None for the person at the keyboard.

    Raises:
        OptionWrong: there is no such driver, or it cannot use an option.
    """
    if spec.driver not in DRIVERS:
        raise OptionWrong(
            spec.name, "driver", f"{spec.driver} is none. There are: {', '.join(DRIVERS)}."
        )
    module = import_module(f"mfalab.devices.rig.drivers.{spec.driver}")
    make: Callable[[RigSpec, Timing, Person | None], Rig] = module.make
    return make(spec, timing or ThreadTiming(clock), person)


def open_rig(
    spec: RigSpec, *, clock: Clock, timing: Timing | None = None, person: Person | None = None
) -> Rig:
    """A rig that is open and in its safe state; see `make_rig` and `Rig.open`.

    Raises:
        RigError: it is not there, not what it should be, or an option is wrong.
    """
    rig = make_rig(spec, clock=clock, timing=timing, person=person)
    rig.open()
    return rig
