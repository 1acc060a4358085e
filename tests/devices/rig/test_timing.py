"""What waits on the host's side of a rig."""

from __future__ import annotations

from mfalab.devices.rig.timing import ThreadTiming
from mfalab.simulator.clocks import WallClock


def test_real_time_pauses_and_calls_back() -> None:
    timing = ThreadTiming(WallClock())
    done: list[int] = []
    forget = timing.later(1, lambda: done.append(1))
    never = timing.later(10_000, lambda: done.append(2))
    never()
    before_ns = timing.now_ns()
    while not done:
        timing.pause(1)
    forget()
    assert done == [1]
    assert timing.now_ns() > before_ns
