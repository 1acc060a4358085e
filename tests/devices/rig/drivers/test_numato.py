"""Numato's text commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mfalab.devices.rig import Function, Identity
from mfalab.devices.rig.errors import RigGarbled, RigSilent

Open = Callable[..., Any]


class TestNumato:
    def test_it_says_what_it_is_and_reads_back(self, bench: Open) -> None:
        with bench("numato", relays="16", power="16,11") as (rig, box), rig:
            assert rig.identify() == Identity("Numato", "relay module", "lab00001", "00000008")
            assert rig.functions[Function.TOUCH] == 14
            rig.power(1, False)
            assert (rig.is_powered(1), rig.is_powered(2), box.relays[15]) == (False, True, True)
            rig.power(2, False)
            assert box.relays[10]

    def test_half_a_line_of_another_program_does_no_harm(self, bench: Open) -> None:
        with bench("numato") as (rig, box):
            box.feed(b"relay on 1 and th")
            with rig:
                assert rig.identify().firmware == "00000008"

    @pytest.mark.parametrize(
        ("answer", "error"),
        [(b"", RigSilent), (b"relay of", RigGarbled), (b"\xff\xfe>", RigGarbled)],
    )
    def test_a_box_that_answers_nonsense_breaks_the_rig(
        self, bench: Open, answer: bytes, error: type[Exception]
    ) -> None:
        with bench("numato") as (rig, box):
            rig.open()
            box.feed = lambda data: answer
            with pytest.raises(error):
                rig.touch(1)
