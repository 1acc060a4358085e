"""Verifiers of one-time codes that differ in one way each from one that is right; endpoints."""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

import pyotp
import pytest

from mfalab.simulator.entropy import SystemEntropy
from mfalab.simulator.eventlog import Event as LogEvent
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.suites import collect, shipped
from mfalab.simulator.serving.endpoint import ServedEndpoint, open_endpoint
from mfalab.simulator.serving.server import Server, listen, url_of
from mfalab.simulator.targets.otp.system import OtpSystem
from mfalab.simulator.targets.otp.verifier import Capabilities, Verdict
from mfalab.verifier.wire.asgi import Receive, Scope, Send


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


Play = Callable[..., dict[str, LogEvent]]


@pytest.fixture(scope="session")
def suite() -> list[Case]:
    """The cases that every verifier of one-time codes can be held to."""
    return collect([str(shipped() / "one-time-codes")])


@pytest.fixture(scope="session")
def play(suite: list[Case]) -> Play:
    """Play the suite against a verifier: how each case finished, by its name in the suite."""

    def played(make: Callable[[], Any], words: str = "", **declared: Any) -> dict[str, LogEvent]:
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


FEW = 6


@dataclass(slots=True)
class Served:
    """An endpoint of ours on a socket, whose time is moved, and what it was asked."""

    endpoint: ServedEndpoint
    url: str
    requests: list[str] = field(default_factory=list)
    asked: Event = field(default_factory=Event)
    """Set once there are more than a few requests: a case is furnished by then."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests.append(scope.get("path", ""))
        if len(self.requests) > FEW:
            self.asked.set()
        await self.endpoint.application(scope, receive, send)

    def left(self) -> list[str]:
        """What is in the account beside its administrator."""
        keys = self.endpoint.account.users["ada"]
        iam = self.endpoint.verifier.iam(keys)
        return [
            *(each["UserName"] for each in iam.list_users()["Users"] if each["UserName"] != "ada"),
            *(each["SerialNumber"] for each in iam.list_virtual_mfa_devices()["VirtualMFADevices"]),
            *(each["RoleName"] for each in iam.list_roles()["Roles"]),
            *(each["GroupName"] for each in iam.list_groups()["Groups"]),
            *(each["Arn"] for each in iam.list_policies(Scope="Local")["Policies"]),
        ]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """An endpoint, with an administrator's credentials and the control token around."""
    listener = listen("127.0.0.1", 0)
    url = url_of(listener)
    endpoint = open_endpoint(
        ":memory:",
        profile="aws-immediate",
        virtual=True,
        users={"ada": True},
        url=url,
        random_bytes=SystemEntropy().random_bytes("endpoint"),
    )
    keys = endpoint.account.users["ada"]
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "MFALAB_TOKEN": endpoint.token,
    }.items():
        monkeypatch.setenv(name, value)
    served = Served(endpoint, url)
    with Server(served, listener):
        yield served


class Hostile:
    """A server that answers each connection with the same bytes, over and over."""

    def __init__(self, begin: bytes, endless: bytes = b"", pause: Event | None = None) -> None:
        self._begin, self._endless, self._pause = begin, endless, pause
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(2**16)
            if not self._endless:
                # The end goes out with the last byte: a client that asks again at once must find
                # the connection closed, and not be on its way.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            connection.sendall(self._begin)
            while self._endless:
                connection.sendall(self._endless)
                if self._pause is not None and self._pause.wait(0.02):
                    break
            # Closed with a request half read, it would reset the connection, and take its answer.
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(2**16):
                pass

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def hostile() -> Iterator[Callable[..., Hostile]]:
    """Makes servers that are none."""
    with ExitStack() as stack:

        def make(begin: bytes, endless: bytes = b"", pause: Event | None = None) -> Hostile:
            return stack.enter_context(closing(Hostile(begin, endless, pause)))

        yield make
