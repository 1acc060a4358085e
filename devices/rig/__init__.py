"""Rigs: boards on a serial line and whatever else touches keys and cuts their power.

`Rig` is what everybody uses; `open_rig` makes one from a `RigSpec`. A board that is only simulated
is a `mfalab.devices.rig.board.SimulatedBoard`, which the driver reaches through a pseudo-terminal
(`ptys`) or as `simrig://NAME` (`protocol_simrig`). What goes over the line is in docs/rig.md.
"""

from mfalab.devices.rig.errors import RigBroken, RigError, RigRefused
from mfalab.devices.rig.opening import DRIVERS, Person, make_rig, open_rig
from mfalab.devices.rig.ports import RigSpec
from mfalab.devices.rig.rig import Function, Identity, Reading, Rig

__all__ = [
    "DRIVERS",
    "Function",
    "Identity",
    "Person",
    "Reading",
    "Rig",
    "RigBroken",
    "RigError",
    "RigRefused",
    "RigSpec",
    "make_rig",
    "open_rig",
]
