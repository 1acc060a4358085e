"""A clock that a test sets."""

from __future__ import annotations


class SetClock:
    """Stands until it is set, in nanoseconds or in seconds."""

    def __init__(self, *, ns: int = 0, s: int = 0) -> None:
        self.ns = ns + s * 10**9

    def now_ns(self) -> int:
        return self.ns

    def advance(self, seconds: float) -> None:
        self.ns += round(seconds * 10**9)

    @property
    def now_s(self) -> int:
        return self.ns // 10**9

    @now_s.setter
    def now_s(self, now_s: int) -> None:
        self.ns = now_s * 10**9
