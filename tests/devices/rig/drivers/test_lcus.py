"""LCUS frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mfalab.devices.rig.drivers.lcus import frame

Open = Callable[..., Any]


class TestLcus:
    @pytest.mark.parametrize(
        ("relay", "on", "sent"),
        [(1, True, "a00101a2"), (1, False, "a00100a1"), (8, True, "a00801a9")],
    )
    def test_a_frame_is_as_its_maker_says(self, relay: int, on: bool, sent: str) -> None:
        assert frame(relay, on).hex() == sent

    def test_it_cannot_tell_its_state(self, bench: Open) -> None:
        with bench("lcus", power="1") as (rig, _), rig:
            rig.power(1, False)
            assert rig.is_powered(1) is None
            assert rig.identify().maker == "LC Technology"
