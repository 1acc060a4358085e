"""Devantech's single bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mfalab.devices.rig import Identity
from mfalab.devices.rig.errors import OptionWrong, RigGarbled

Open = Callable[..., Any]


class TestDevantech:
    def test_it_says_what_it_is_and_reads_back(self, bench: Open) -> None:
        with bench("devantech", power="2") as (rig, _), rig:
            assert rig.identify() == Identity("Devantech", "USB-RLY02", "", "3")
            rig.power(1, False)
            assert rig.is_powered(1) is False

    def test_a_relay_that_it_has_not_is_told_before_anything_is_touched(self, bench: Open) -> None:
        with bench("devantech", touch="3") as (rig, box):
            with pytest.raises(OptionWrong, match="the USB-RLY02 has 2 relays and none 3"):
                rig.open()
            assert box.log == []

    def test_another_module_is_garbage(self, bench: Open) -> None:
        with bench("devantech") as (rig, box):
            box.module = 77
            with pytest.raises(RigGarbled):
                rig.open()

    def test_a_relay_that_does_not_switch_breaks_the_rig(self, bench: Open) -> None:
        with bench("devantech") as (rig, box):
            rig.open()
            box.stuck = True
            with pytest.raises(RigGarbled):
                rig.touch(1)
