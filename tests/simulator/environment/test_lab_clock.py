# ruff: noqa: TID251 - they stand for servers that read the wall clock
"""True time as tests use it."""

import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from mfalab.simulator.environment.lab_clock import CannotFreeze, LabClock, nanoseconds

START_NS = 1_772_442_000 * 10**9
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("duration", "ns"),
    [
        ("400 d", 400 * 86_400 * 10**9),
        ("1 h 30 min", 5_400 * 10**9),
        (timedelta(seconds=2, microseconds=3), 2_000_003_000),
        (7, 7),
    ],
)
def test_durations_come_in_three_forms(duration: int | str | timedelta, ns: int) -> None:
    assert nanoseconds(duration) == ns
    clock = LabClock(START_NS)
    clock.advance(duration)
    assert clock.now_ns() == START_NS + ns


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        LabClock(START_NS).advance("-2 s")


def test_a_frozen_process_follows_the_clock_and_is_let_go() -> None:
    clock = LabClock(START_NS)
    monotonic = time.monotonic()
    with clock.freeze() as same:
        assert same is clock
        assert datetime.now(UTC) == START
        assert time.time() == datetime.now(UTC).timestamp()
        clock.advance("400 d")
        assert datetime.now(UTC) == clock.now() == START + timedelta(days=400)
        clock.after(10**9, lambda: None)
        clock.advance("2 s")
        assert datetime.now(UTC) == clock.now()
    assert datetime.now(UTC) != clock.now()
    assert time.monotonic() - monotonic < 60
    clock.advance("1 d")  # moves nothing but itself
    clock.thaw()


def test_freezing_twice_is_freezing() -> None:
    clock = LabClock(START_NS)
    clock.freeze()
    clock.freeze()
    clock.thaw()
    assert datetime.now(UTC) != START


def test_without_time_machine_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "time_machine", None)
    with pytest.raises(CannotFreeze) as caught:
        LabClock(START_NS).freeze()
    assert str(caught.value) == "clock.freeze() needs time-machine: pip install time-machine"
