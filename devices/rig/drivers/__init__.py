"""Drivers: one module for each kind of rig, each with a function `make`."""

from mfalab.devices.rig.opening import DRIVERS, Person, make_rig, open_rig
from mfalab.devices.rig.ports import RigSpec

__all__ = ["DRIVERS", "Person", "RigSpec", "make_rig", "open_rig"]
