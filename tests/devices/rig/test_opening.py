"""Rigs from what a lab file says about them."""

from __future__ import annotations

from importlib import import_module

import pytest

from mfalab.devices.rig import DRIVERS, RigSpec, make_rig, open_rig
from mfalab.devices.rig.errors import OptionWrong, RigClosed
from mfalab.devices.schedule import OwnTime


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_driver_makes_rigs(driver: str) -> None:
    module = import_module(f"mfalab.devices.rig.drivers.{driver}")
    rig = make_rig(RigSpec("bench", driver), clock=OwnTime())
    assert type(rig).__module__ == module.__name__
    assert rig.name == "bench"


def test_another_driver_is_told_with_those_that_there_are() -> None:
    with pytest.raises(OptionWrong, match=r"robot is none\. There are: scpi, numato"):
        make_rig(RigSpec("bench", "robot"), clock=OwnTime())


def test_a_rig_is_made_closed_and_opened_by_open_rig(url: str, time: OwnTime) -> None:
    spec = RigSpec("bench", "scpi", url)
    with pytest.raises(RigClosed):
        make_rig(spec, clock=time).identify()
    with open_rig(spec, clock=time) as rig:
        assert rig.identify().maker == "mfalab"
