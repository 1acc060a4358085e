"""What every rig does, whatever its driver."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mfalab.devices.rig.errors import NotFitted, RigBusy, RigClosed, RigGone
from mfalab.devices.rig.rig import Function, Identity, Rig


class Hands(Rig):
    """A driver that remembers what it did, and fails when it is told to."""

    def __init__(self, fails: str = "", error: Exception | None = None) -> None:
        super().__init__("hands")
        self.log: list[str] = []
        self.fails = fails
        self.error = error or RigGone("hands", "EIO")

    @property
    def functions(self) -> Mapping[Function, int]:
        return {Function.TOUCH: 2}

    def _did(self, what: str) -> None:
        self.log.append(what)
        if what == self.fails:
            raise self.error

    def _open(self) -> None:
        self._did("open")

    def _close(self) -> None:
        self._did("close")

    def _identify(self) -> Identity:
        self._did("identify")
        return Identity("", "", "", "")

    def _safe(self) -> None:
        self._did("safe")

    def _touch(self, channel: int, ms: int, after_ms: int) -> None:
        self._did(f"touch {channel}")


def test_a_rig_is_safe_when_it_is_opened_and_before_it_is_closed() -> None:
    rig = Hands()
    with rig:
        rig.open()
        rig.touch(2)
    rig.close()
    assert rig.log == ["open", "safe", "touch 2", "safe", "close"]


def test_a_rig_that_is_not_open_does_nothing() -> None:
    rig = Hands()
    with pytest.raises(RigClosed):
        rig.touch(1)
    assert rig.log == []


@pytest.mark.parametrize("channel", [0, 3])
def test_a_channel_that_is_not_fitted_is_not_tried(channel: int) -> None:
    with Hands() as rig:
        with pytest.raises(NotFitted, match="Use one of 1 to 2"):
            rig.touch(channel)
        with pytest.raises(NotFitted, match="has no power channels"):
            rig.power(1, True)
        assert rig.log == ["open", "safe"]


def test_the_first_break_closes_it_and_is_raised_again() -> None:
    rig = Hands(fails="touch 1")
    rig.open()
    for _ in range(2):
        with pytest.raises(RigGone, match="EIO"):
            rig.touch(1)
    with pytest.raises(RigGone):
        rig.open()
    assert rig.broken is rig.error
    assert rig.log == ["open", "safe", "touch 1", "close"]


def test_a_refusal_breaks_nothing() -> None:
    rig = Hands(fails="identify", error=RigBusy("hands", "/dev/x"))
    rig.open()
    with pytest.raises(RigBusy):
        rig.identify()
    rig.touch(1)
    assert rig.broken is None


@pytest.mark.parametrize("fails", ["open", "safe"])
def test_a_rig_that_does_not_open_is_let_go(fails: str) -> None:
    rig = Hands(fails=fails)
    with pytest.raises(RigGone):
        rig.open()
    assert rig.log[-1] == "close"
    with pytest.raises(RigGone):
        rig.touch(1)


def test_a_rig_that_was_busy_may_be_opened_later() -> None:
    rig = Hands(fails="open", error=RigBusy("hands", "/dev/x"))
    with pytest.raises(RigBusy):
        rig.open()
    rig.fails = ""
    rig.open()
    rig.touch(1)
    assert rig.log[-1] == "touch 1"
