"""Relay boxes and modem lines, each against a box that speaks as its maker says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mfalab.devices.rig import Function
from mfalab.devices.rig.errors import NotFitted, OptionWrong, RigGone
from mfalab.devices.schedule import OwnTime

NS_PER_MS = 10**6


Open = Callable[..., Any]


DRIVERS = ("numato", "lcus", "devantech")


class TestEveryBox:
    @pytest.mark.parametrize("driver", DRIVERS)
    def test_touches_and_power_take_their_time(
        self, bench: Open, time: OwnTime, driver: str
    ) -> None:
        with bench(driver, touch="1", power="2") as (rig, box):
            with rig:
                assert rig.functions == {Function.TOUCH: 1, Function.POWER: 1}
                rig.touch(1, ms=150, after_ms=20)
                rig.cycle(1, 500)
                assert rig.is_powered(1) in {True, None}
            assert box.log == [(20, 1, True), (170, 1, False), (170, 2, True), (670, 2, False)]

    @pytest.mark.parametrize("driver", DRIVERS)
    def test_a_hold_ends_by_itself_or_before(self, bench: Open, time: OwnTime, driver: str) -> None:
        with bench(driver, touch="2,1") as (rig, box), rig:
            rig.hold(1, 5000)
            time.advance(6000 * NS_PER_MS)
            rig.hold(2, 5000)
            time.advance(1000 * NS_PER_MS)
            rig.release(2)
            time.advance(6000 * NS_PER_MS)
            assert box.log == [(0, 2, True), (5000, 2, False), (6000, 1, True), (7000, 1, False)]

    @pytest.mark.parametrize("driver", DRIVERS)
    def test_closing_lifts_the_finger_and_restores_power(
        self, bench: Open, time: OwnTime, driver: str
    ) -> None:
        with bench(driver, touch="1", power="2") as (rig, box):
            with rig:
                rig.hold(1, 60_000)
                rig.power(1, False)
                assert box.relays[:2] == [True, True]
            assert box.relays[:2] == [False, False]
            time.advance(100_000 * NS_PER_MS)

    @pytest.mark.parametrize("driver", DRIVERS)
    def test_a_box_that_is_pulled_out_breaks_the_rig(self, bench: Open, driver: str) -> None:
        with bench(driver) as (rig, box):
            rig.open()
            box.plugged = False
            box.feed = _gone
            for _ in range(2):
                with pytest.raises(RigGone, match="rig box is gone"):
                    rig.touch(1)

    @pytest.mark.parametrize("driver", DRIVERS)
    def test_a_relay_does_one_thing(self, bench: Open, driver: str) -> None:
        for options, sentence in [
            ({"touch": "1,2", "power": "2"}, "relay 2 cuts power already"),
            ({"touch": "1,1"}, "'1,1' has a number twice"),
            ({"touch": "0"}, "'0' is no number from 1 to"),
            ({"touch": "one"}, "'one' is no number from 1 to"),
        ]:
            relays = {} if driver == "devantech" else {"relays": "2"}
            with (
                pytest.raises(OptionWrong, match=sentence),
                bench(driver, **relays, **options),
            ):
                pass

    @pytest.mark.parametrize("driver", DRIVERS)
    def test_it_has_no_readers(self, bench: Open, driver: str) -> None:
        with bench(driver) as (rig, _), rig, pytest.raises(NotFitted):
            rig.field(1, True)


def _gone(data: bytes) -> bytes:
    from mfalab.devices.rig.board import BoardUnplugged

    raise BoardUnplugged("box")
