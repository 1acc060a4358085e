"""The clock of a server of ours is moved by its token; any other's is read off its answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from mfalab.simulator.clocks.durations import NS_PER_HOUR, NS_PER_MS, NS_PER_S
from mfalab.simulator.environment.target import TargetFailed
from mfalab.simulator.targets.aws.clock import DistantWall, ServedClock, wall_of
from mfalab.simulator.targets.aws.http import Http


def clock_of(url: str, token: str = "x") -> ServedClock:
    return ServedClock(Http("it", 5.0), url, token)


def said(status: int, **fields: object) -> bytes:
    body = json.dumps(fields).encode()
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Stopped:
    """A wall whose time stands until somebody waits."""

    def __init__(self, now_ns: int) -> None:
        self.at_ns = now_ns

    def now_ns(self) -> int:
        return self.at_ns

    def wait(self, duration_ns: int) -> None:
        self.at_ns += duration_ns


def test_it_moves_to_the_nanosecond(served: Any) -> None:
    clock = clock_of(served.url, served.endpoint.token)
    assert clock.read()
    before_ns = served.endpoint.clock.now_ns()
    clock.wait(9_999_000_001)
    assert served.endpoint.clock.now_ns() - before_ns == 9_999_000_001
    assert 0 <= served.endpoint.clock.now_ns() - clock.now_ns() < NS_PER_MS, "what a date leaves"


def test_a_case_begins_on_a_monday_at_nine(served: Any) -> None:
    clock = clock_of(served.url, served.endpoint.token)
    began = []
    for _ in range(2):
        clock.begin()
        began.append(clock.now_ns())
        now = served.endpoint.clock.now()
        assert (now.weekday(), now.hour, now.minute, now.second) == (0, 9, 0, 0)
    assert began[1] - began[0] >= NS_PER_HOUR


def test_a_wrong_token(served: Any) -> None:
    with pytest.raises(TargetFailed, match="does not let us at its clock: give the token"):
        clock_of(served.url, "wrong").read()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 X\r\nContent-Length: 3\r\n\r\n<a>",
        b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n" + b"[" * 100_000,
        said(200, other=1),
        said(200, clock="system", now=None),
    ],
)
def test_others_have_no_clock_of_ours(hostile: Callable[..., Any], answer: bytes) -> None:
    clock = clock_of(hostile(answer).url)
    assert not clock.read()
    with pytest.raises(TargetFailed, match="no longer lets its clock be moved"):
        clock.wait(1)


def test_a_time_that_is_none(hostile: Callable[..., Any]) -> None:
    with pytest.raises(TargetFailed, match="tells no time"):
        clock_of(hostile(said(200, clock="virtual", now="soon")).url).read()


def test_a_clock_that_is_off() -> None:
    now_s = 1_800_000_000
    wall = Stopped(now_s * NS_PER_S)
    assert wall_of(None, wall) is wall
    assert wall_of(datetime.fromtimestamp(now_s + 2, UTC), wall) is wall
    distant = wall_of(datetime.fromtimestamp(now_s - 90, UTC), wall)
    assert isinstance(distant, DistantWall)
    distant.wait(5)
    assert distant.now_ns() == (now_s - 90) * NS_PER_S + 5
