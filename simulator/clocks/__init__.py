"""Device clocks: what a device believes as a function of true time.

Every clock is a `DeviceClock`: `now_ns()`, `believed_ns(true_ns)` for any true time, and
`offset_ns()`. `docs/clocks.md` has the formulae with worked values.
"""

from mfalab.simulator.clocks.base import DeviceClock
from mfalab.simulator.clocks.phone import NetworkTime, PhoneClock
from mfalab.simulator.clocks.plain import FrozenClock, ServerClock, WallClock
from mfalab.simulator.clocks.quartz import (
    MEMS,
    OSCILLATORS,
    STEADY,
    TCXO,
    TUNING_FORK,
    DataSheet,
    Quartz,
    QuartzClock,
    ageing_ppm,
)

__all__ = [
    "MEMS",
    "OSCILLATORS",
    "STEADY",
    "TCXO",
    "TUNING_FORK",
    "DataSheet",
    "DeviceClock",
    "FrozenClock",
    "NetworkTime",
    "PhoneClock",
    "Quartz",
    "QuartzClock",
    "ServerClock",
    "WallClock",
    "ageing_ppm",
]
