"""The time of an endpoint: as it is, or as the control token of `mfalab serve` moves it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.awsrequest import AWSRequest

from mfalab.simulator.clocks.durations import NS_PER_HOUR, NS_PER_S, NS_PER_WEEK
from mfalab.simulator.clocks.wall import WALL, Wall
from mfalab.simulator.environment.target import TargetFailed
from mfalab.simulator.language.setting import DEFAULT_START_NS
from mfalab.simulator.targets.aws.http import Transport
from mfalab.verifier import TokenSeed

CONTROL = "/_mfalab/"
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

    def announce(self, seeds: Iterable[TokenSeed]) -> None:
        """Tell the server of hardware tokens, as their makers do."""
        tokens = {
            each.serial: {
                "secret": each.secret.hex(),
                "algorithm": each.algorithm,
                "digits": each.digits,
                "period_s": each.period_s,
                "moving_factor": each.moving_factor.value,
                "counter": each.counter,
                "drift_steps": each.drift_steps,
            }
            for each in seeds
        }
        if tokens:
            self._send("tokens", tokens)

    def rule(self, figures: Mapping[str, Any]) -> None:
        """Change figures of the server's rules, in the words of scenarios."""
        self._send("steps", {"do": "change_verifier", "to": figures})

    def _ask(self, advance: dict[str, str] | None = None) -> datetime | None:
        said = self._send("clock", advance)
        if said is None or "clock" not in said:
            return None  # it is no server of ours
        if said["clock"] != "virtual":
            return None
        try:
            return datetime.fromisoformat(str(said["now"]))
        except (KeyError, ValueError):
            raise TargetFailed(f"{self.url} tells no time: {said}") from None

    def _send(self, what: str, body: object) -> dict[str, Any] | None:
        """What the control says; None where there is none."""
        request = AWSRequest(
            method="GET" if body is None else "POST",
            url=f"{self.url.rstrip('/')}{CONTROL}{what}",
            data=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {self.token}"},
        )
        answer = self.transport(request.prepare())
        try:
            said: Any = json.loads(answer.content)
        except (ValueError, RecursionError):
            return None
        if not isinstance(said, dict):
            return None
        if "error" in said and not 200 <= answer.status_code < 300:
            raise TargetFailed(f"{self.url} does not let us at its {what}: {said['error']}")
        return said


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
