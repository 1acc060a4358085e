"""Verifiers of one-time codes that differ in one way each from one that is right."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest

from mfalab.simulator.eventlog import Event
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.suites import collect, shipped
from mfalab.simulator.targets.otp import OtpSystem
from mfalab.simulator.targets.otp_verifier import Capabilities, Verdict


class Right:
    """pyotp with what it leaves to its caller: each step once, whatever comes in which order."""

    capabilities = Capabilities(
        algorithms=("SHA1", "SHA256", "SHA512"), periods_s=(30, 60), replay="used-set", lanes=8
    )

    def __init__(self) -> None:
        self.now_s = 0
        self.totp: dict[str, pyotp.TOTP] = {}
        self.used: set[tuple[str, int]] = set()

    def set_time(self, now_ns: int) -> None:
        self.now_s = now_ns // 10**9

    def enrol(self, account: str, seed: bytes, algorithm: str, digits: int, period_s: int) -> None:
        secret = base64.b32encode(seed).decode()
        import hashlib

        digest = getattr(hashlib, algorithm.lower())
        self.totp[account] = pyotp.TOTP(secret, digits=digits, digest=digest, interval=period_s)

    def step_of(self, account: str, code: str) -> int | None:
        totp = self.totp[account]
        here = self.now_s // totp.interval
        back, ahead = self.capabilities.window_back, self.capabilities.window_ahead
        near = range(here - back, here + ahead + 1)
        return next((step for step in near if totp.generate_otp(step) == code), None)

    def attempt(self, account: str, code: str) -> Verdict | bool | str:
        step = self.step_of(account, code)
        if step is None:
            return "wrong"
        if (account, step) in self.used:
            return "replayed"
        self.used.add((account, step))
        return True

    def attempt_together(
        self, account: str, codes: Sequence[str]
    ) -> Sequence[Verdict | bool | str]:
        return [self.attempt(account, code) for code in codes]

    def resync(self, account: str, codes: Sequence[str]) -> Verdict | bool | str:
        raise NotImplementedError

    def revoke(self, account: str) -> None:
        del self.totp[account]

    def close(self) -> None:
        self.totp.clear()


Play = Callable[..., dict[str, Event]]


@pytest.fixture(scope="session")
def suite() -> list[Case]:
    """The cases that every verifier of one-time codes can be held to."""
    return collect([str(shipped() / "one-time-codes")])


@pytest.fixture(scope="session")
def play(suite: list[Case]) -> Play:
    """Play the suite against a verifier: how each case finished, by its name in the suite."""

    def played(make: Callable[[], Any], words: str = "", **declared: Any) -> dict[str, Event]:
        capabilities = replace(make().capabilities, **declared)
        system = OtpSystem("mine", "otp:mine:Mine", make, capabilities)
        chosen = [case for case in suite if words in case.local_id]
        return {case.local_id: run_case(case, 1, system=system)[-1] for case in chosen}

    return played


@pytest.fixture(scope="session")
def right() -> type[Right]:
    """A verifier that does what it declares."""
    return Right


def now(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
