"""What all real keys have in common: hands, a lock, and the wall's time."""

from pathlib import Path
from typing import Any

import pytest
from fido2.ctap import CtapDevice

from mfalab.devices.ctap.user import absent, declining, touching
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks import wall
from mfalab.simulator.keys.fixture import CannotDo, Reports
from mfalab.simulator.keys.hands import Channel
from mfalab.simulator.keys.lock import InUse
from mfalab.simulator.keys.real import RealFixture


class KeyInAHand(RealFixture):
    """A real key that no client reaches."""

    def __init__(self, touch: Channel | None = None, power: Channel | None = None) -> None:
        super().__init__("it", frozenset(), touch=touch, power=power, destructive=False, pin=None)

    def connect(self) -> CtapDevice:
        raise NotImplementedError

    def reports(self) -> Reports:
        raise NotImplementedError

    def power(self, on: bool) -> None:
        raise NotImplementedError


def test_channels_decide_what_can_be_done(rig: Any) -> None:
    channel = Channel(rig, 1)
    assert KeyInAHand().can == frozenset()
    assert KeyInAHand(touch=channel).can == {Ability.TOUCH}
    assert KeyInAHand(touch=channel, power=channel).can == {Ability.TOUCH, Ability.POWER}


def test_prompt_is_answered_by_the_rig_and_the_finger_goes_away_again(rig: Any) -> None:
    key = KeyInAHand(touch=Channel(rig, 2))
    key.user = touching(100_000_000)
    key.asked()
    key.settled()
    assert rig.did == [("touch", 2, 100), ("release", 2)]


def test_nobody_touches_a_key_whose_user_is_absent_or_has_no_hand(rig: Any) -> None:
    key = KeyInAHand(touch=Channel(rig, 2))
    key.user = absent
    key.asked()
    key.settled()
    without = KeyInAHand()
    without.user = touching()
    without.asked()
    without.settled()
    assert rig.did == []


def test_gesture_that_no_hand_can_make_is_an_error(rig: Any) -> None:
    key = KeyInAHand(touch=Channel(rig, 2))
    key.user = declining(0)
    with pytest.raises(CannotDo, match="it cannot be told no by its user"):
        key.asked()


def test_key_is_locked_until_it_is_closed(tmp_path: Path) -> None:
    first, second = KeyInAHand(), KeyInAHand()
    first.hold(str(tmp_path))
    first.hold(str(tmp_path))  # the same run may ask again
    with pytest.raises(InUse):
        second.hold(str(tmp_path))
    first.close()
    first.close()
    second.hold(str(tmp_path))
    second.close()


def test_time_is_the_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []
    monkeypatch.setattr(wall.WallClock, "now_ns", lambda _clock: 17)
    monkeypatch.setattr(wall.WallClock, "wait", lambda _clock, span_ns: waited.append(span_ns))
    key = KeyInAHand()
    key.wait(5)
    assert (key.now_ns(), waited) == (17, [5])
