"""An authenticator app in real time, for tests that sign in to a server that runs elsewhere.

Such tests fail now and then, because a code is read in the last second of its time step, or two
tests read the same one and the server refuses a replay.
"""

from __future__ import annotations

from datetime import timedelta
from typing import final

from mfalab.devices.otp.app import AuthenticatorApp
from mfalab.devices.otp.seed import OtpKind
from mfalab.devices.otp.totp import until_next_step_ns
from mfalab.devices.phone import Phone
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.clocks.wall import WALL, Wall
from mfalab.simulator.environment.lab_clock import nanoseconds


class StandsStill(RuntimeError):
    """The wall clock did not move while it was waited for."""

    def __str__(self) -> str:
        return (
            "the clock stands still, so the next code never comes: time is frozen in this "
            "process. Take `totp_app` and `clock`, or leave freezing out."
        )


@final
class LiveApp(AuthenticatorApp):
    """An app that never gives a code twice and waits for one that is good for long enough.

    Args:
        wall: the clock it goes by and waits by; this machine's when left out.
    """

    def __init__(self, *, wall: Wall = WALL) -> None:
        super().__init__(Phone("live app", wall))
        self._wall = wall
        self._given: dict[bytes, int] = {}

    def fresh_code(
        self, account: str | None = None, *, valid_for: int | str | timedelta = "10 s"
    ) -> str:
        """A code that was not given before, and is good for so long.

        It blocks until there is one, at most until the next time step begins. Codes count by their
        secret: accounts and tests that share one get different codes of this app.

        Args:
            account: which account; may be left out when there is one.
            valid_for: how long its time step lasts on, such as `"10 s"`, a timedelta or
                nanoseconds.

        Raises:
            UnknownAccount: there is none of that name, or several.
            ValueError: no code of the account is good for so long.
            StandsStill: time is frozen.
        """
        only = next(iter(self._accounts), "") if len(self._accounts) == 1 else ""
        label = self._find(only if account is None else account)
        seed = self._accounts[label].seed
        if seed.kind is OtpKind.HOTP:
            return self.code(label)
        longest_ns = (seed.period_s - 1) * NS_PER_S  # one of a whole period is never met
        if not 0 <= nanoseconds(valid_for) <= longest_ns:
            raise ValueError(
                f"no code can be asked to be good for {valid_for}: "
                f"give 0 s to {longest_ns // NS_PER_S} s."
            )
        last = self._given.get(seed.secret)
        while True:
            now_ns = self._wall.now_ns()
            step, left_ns = seed.step_at(now_ns), until_next_step_ns(now_ns, seed.period_s)
            if (last is None or step > last) and left_ns >= nanoseconds(valid_for):
                break
            self._wall.wait(left_ns)
            if self._wall.now_ns() <= now_ns:
                raise StandsStill
        self._given[seed.secret] = step
        return seed.code_at_step(step)
