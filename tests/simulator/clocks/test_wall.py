"""This machine's clock."""

import threading
import time

import pytest

from mfalab.devices.clock import Clock
from mfalab.simulator.clocks import ServerClock, WallClock

START_NS = 1_772_442_000 * 10**9


def test_wall_clock_reads_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_234)
    clock: Clock = WallClock()
    assert clock.now_ns() == 1_234


def test_wall_clock_can_stand_for_true_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: START_NS)
    assert ServerClock(WallClock(), offset_ns=5).now_ns() == START_NS + 5


def test_waiting_blocks_for_so_many_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float | None] = []
    monkeypatch.setattr(threading.Event, "wait", lambda _event, timeout: waited.append(timeout))
    WallClock().wait(1_500_000_000)
    assert waited == [1.5]
