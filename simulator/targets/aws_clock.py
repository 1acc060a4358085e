"""The time of an endpoint: as it is, or as the control token of `mfalab serve` moves it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.awsrequest import AWSRequest

from mfalab.simulator.clocks.durations import NS_PER_HOUR, NS_PER_S, NS_PER_WEEK
from mfalab.simulator.clocks.wall import WALL, Wall
from mfalab.simulator.environment.target import TargetFailed
from mfalab.simulator.language.setting import DEFAULT_START_NS
from mfalab.simulator.targets.aws_http import Transport

CLOCK = "/_mfalab/clock"
NEAR_NS = 2 * NS_PER_S
"""An HTTP date has whole seconds, so a clock that is as near as this is taken as this machine's."""


@dataclass(slots=True)
class ServedClock:
    """The virtual time of `mfalab serve`, which stands until it is moved. See `Wall`.

    Attributes:
        transport: sends requests.
        url: of the server.
        token: of its control.
    """

    transport: Transport
    url: str
    token: str = field(repr=False)
    _now_ns: int = 0

    def now_ns(self) -> int:
        """What it showed when it was moved last."""
        return self._now_ns

    def wait(self, duration_ns: int) -> None:
        """Move it on."""
        if self._ask({"advance": f"{duration_ns} ns"}) is None:
            raise TargetFailed(f"{self.url} no longer lets its clock be moved")
        self._now_ns += duration_ns

    def read(self) -> bool:
        """Read it; whether there is one."""
        now = self._ask()
        if now is not None:
            # A date has no nanoseconds: it is behind by as much as is cut off, from now on.
            self._now_ns = round(now.timestamp() * 1e6) * 1000
        return now is not None

    def begin(self) -> None:
        """Move it on to where scenarios begin: nine o'clock in the morning of the next Monday."""
        self.read()
        later_ns = self._now_ns + NS_PER_HOUR  # so that no two cases begin at one time
        self.wait(NS_PER_HOUR + (DEFAULT_START_NS - later_ns) % NS_PER_WEEK)

    def _ask(self, advance: dict[str, str] | None = None) -> datetime | None:
        request = AWSRequest(
            method="GET" if advance is None else "POST",
            url=self.url.rstrip("/") + CLOCK,
            data=None if advance is None else json.dumps(advance),
            headers={"Authorization": f"Bearer {self.token}"},
        )
        answer = self.transport(request.prepare())
        try:
            said: Any = json.loads(answer.content)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict) or not {"clock", "error"} & said.keys():
            return None  # it is no server of ours
        if answer.status_code != 200:
            raise TargetFailed(f"{self.url} does not let its clock be moved: {said.get('error')}")
        if said["clock"] != "virtual":
            return None
        try:
            return datetime.fromisoformat(str(said["now"]))
        except (KeyError, ValueError):
            raise TargetFailed(f"{self.url} tells no time: {said}") from None


@dataclass(frozen=True, slots=True)
class DistantWall:
    """The time of an endpoint whose clock is not this machine's. See `Wall`."""

    offset_ns: int
    wall: Wall = WALL

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch, as the endpoint has it."""
        return self.wall.now_ns() + self.offset_ns

    def wait(self, duration_ns: int) -> None:
        """Let time pass."""
        self.wall.wait(duration_ns)


def wall_of(date: datetime | None, wall: Wall = WALL) -> Wall:
    """What an endpoint lives by, whose answer has a date."""
    if date is None:
        return wall
    offset_ns = round(date.timestamp()) * NS_PER_S - wall.now_ns()
    return wall if -NEAR_NS <= offset_ns <= NEAR_NS else DistantWall(offset_ns, wall)
