"""Device clocks: what a device believes as a function of true time.

Every clock is a `DeviceClock`: `now_ns()`, `believed_ns(true_ns)` for any true time, and
`offset_ns()`. `docs/clocks.md` has the formulae with worked values. The names are
imported when they are first used: the machine's clock needs no model of quartz.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mfalab.simulator.clocks.base import DeviceClock as DeviceClock
    from mfalab.simulator.clocks.phone import NetworkTime as NetworkTime
    from mfalab.simulator.clocks.phone import PhoneClock as PhoneClock
    from mfalab.simulator.clocks.plain import FrozenClock as FrozenClock
    from mfalab.simulator.clocks.plain import ServerClock as ServerClock
    from mfalab.simulator.clocks.quartz import MEMS as MEMS
    from mfalab.simulator.clocks.quartz import OSCILLATORS as OSCILLATORS
    from mfalab.simulator.clocks.quartz import STEADY as STEADY
    from mfalab.simulator.clocks.quartz import TCXO as TCXO
    from mfalab.simulator.clocks.quartz import TUNING_FORK as TUNING_FORK
    from mfalab.simulator.clocks.quartz import DataSheet as DataSheet
    from mfalab.simulator.clocks.quartz import Quartz as Quartz
    from mfalab.simulator.clocks.quartz import QuartzClock as QuartzClock
    from mfalab.simulator.clocks.quartz import ageing_ppm as ageing_ppm
    from mfalab.simulator.clocks.wall import WallClock as WallClock

_HOMES = {
    "DeviceClock": "base",
    "NetworkTime": "phone",
    "PhoneClock": "phone",
    "FrozenClock": "plain",
    "ServerClock": "plain",
    "WallClock": "wall",
    "DataSheet": "quartz",
    "MEMS": "quartz",
    "OSCILLATORS": "quartz",
    "Quartz": "quartz",
    "QuartzClock": "quartz",
    "STEADY": "quartz",
    "TCXO": "quartz",
    "TUNING_FORK": "quartz",
    "ageing_ppm": "quartz",
}


def __getattr__(name: str) -> Any:
    """A public name, imported from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
