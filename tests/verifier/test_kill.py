"""Kill -9 at any moment: what was acknowledged holds, and nothing is half done."""

import base64
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import pytest

from mfalab.verifier import (
    AWS_IMMEDIATE,
    CHEAP,
    Credentials,
    Decision,
    Outcome,
    ServiceError,
    ThrottleRule,
    TrailEvent,
    Verifier,
)
from mfalab.verifier.otp import hotp
from mfalab.verifier.records import Binding, Device, UsedCode
from mfalab.verifier.store.sqlite import SqliteStore

ROUNDS = 25
ACCOUNT = "123456789012"
PROFILE = replace(AWS_IMMEDIATE, throttle=ThrottleRule.NONE)
STAGES = ["nothing", "created", "enabled", "deactivated", "deleted"]
"""A device's life in order. An act under way at the kill may or may not have happened."""


class SteppedClock:
    """Stands at a time step until it is moved."""

    def __init__(self) -> None:
        self.step = 50_000_000

    def now_ns(self) -> int:
        return self.step * 30 * 10**9


class Nowhere:
    """An outbox that is never emptied."""

    def send_sms(self, number: str, text: str) -> None: ...

    def send_mail(self, address: str, subject: str, text: str, token: str) -> None: ...

    def place_call(self, number: str, call_id: str) -> None: ...


def chance(name: str, below: int) -> int:
    """A number that looks random and depends on the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % below


@dataclass
class Acknowledged:
    """What the verifier has said to have done, as the victim wrote it down."""

    stages: dict[str, str] = field(default_factory=lambda: defaultdict(lambda: "nothing"))
    seeds: dict[str, bytes] = field(default_factory=dict)
    accepted: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    people: dict[str, Credentials] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def note(self, what: str, *words: str) -> None:
        if what == "person":
            name, key, secret = words
            self.people[name] = Credentials(key, secret)
        elif what == "created":
            serial, base32, name = words
            self.stages[serial], self.owners[serial] = "created", name
            self.seeds[serial] = base64.b32decode(base32)
        elif what == "accepted":
            self.accepted[words[0]].append(int(words[1]))
        else:
            self.stages[words[0]] = what


class Victim:
    """The script `victim.py`, which forks a child for each round."""

    def __init__(self, path: Path) -> None:
        script = Path(__file__).with_name("victim.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def lines(self) -> Iterator[list[str]]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)

    def round(self, name: str, seen: Acknowledged) -> None:
        """Begin a round, kill its child at a moment that depends on its name, note the rest."""
        say: IO[bytes] | None = self.process.stdin
        assert say is not None
        say.write(name.encode() + b"\n")
        say.flush()
        left = 1 + chance(f"{name} lines", 120)
        pid = 0
        for what, *words in self.lines():
            if what == "begun":
                pid = int(words[0])
            elif what == "ended":
                assert int(words[0]) == -signal.SIGKILL, "the child came to its end before the kill"
                return
            else:
                seen.note(what, *words)
                left -= 1
                if left == 0:
                    # Lines come right after commits; the moments in between are wanted too.
                    until_ns = time.perf_counter_ns() + chance(f"{name} pause", 3_000_000)
                    while time.perf_counter_ns() < until_ns:
                        pass
                    os.kill(pid, signal.SIGKILL)
        pytest.fail("the victim ended by itself")

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "verifier.db"
    with SqliteStore(path) as store:
        verifier(store, SteppedClock(), []).create_account(
            ACCOUNT, root_email="root@example.com", root_password="x"
        )
    return path


@pytest.fixture
def victim(path: Path) -> Iterator[Victim]:
    victim = Victim(path)
    yield victim
    victim.close()


def verifier(
    store: SqliteStore, clock: SteppedClock, seen: list[Decision | TrailEvent]
) -> Verifier:
    return Verifier(
        store=store,
        clock=clock,
        random_bytes=lambda count: hashlib.shake_128(b"parent").digest(count),
        profile=PROFILE,
        password_cost=CHEAP,
        outbox=Nowhere(),
        observer=seen.append,
    )


def stage_of(device: Device | None, bindings: list[Binding]) -> str:
    if device is None:
        return "nothing"
    if device.deleted_ns is not None:
        return "deleted"
    if device.owner_id is not None:
        return "enabled"
    return "deactivated" if bindings else "created"


def check_devices(store: SqliteStore, seen: Acknowledged, known: set[str]) -> None:
    """Each device is at the stage that was acknowledged or one further, and whole."""
    with store.transaction() as tx:
        devices = {device.serial: device for device in tx.find(Device)}
        bindings = {serial: tx.find(Binding, serial=serial) for serial in devices}
        used: dict[str, set[int]] = defaultdict(set)
        for row in tx.find(UsedCode):
            used[row.device_id].add(row.step)
    assert set(seen.stages) <= set(devices)
    for serial, device in devices.items():
        is_at = STAGES.index(stage_of(device, bindings[serial]))
        said = STAGES.index(seen.stages.get(serial, "nothing"))
        ahead = 0 if serial in known else 1
        assert said <= is_at <= said + ahead, f"{serial} is {STAGES[is_at]}, said {STAGES[said]}"

        enabled = is_at == STAGES.index("enabled")
        assert (device.owner_id is not None) is (device.enabled_ns is not None) is enabled
        assert [b.until_ns is None for b in bindings[serial]].count(True) == int(enabled)
        assert (device.last_pair_step is not None) is (is_at >= STAGES.index("enabled"))
        assert device.high_water_step == max(used[device.id], default=None)

        accepted = set(seen.accepted[serial])
        assert accepted <= used[device.id]
        assert len(used[device.id]) <= len(accepted) + ahead
        # What was under way at the kill is settled now, and may not change any more.
        seen.stages[serial] = STAGES[is_at]
        seen.accepted[serial] = sorted(used[device.id])
        known.add(serial)


def check_replay(store: SqliteStore, seen: Acknowledged, serials: set[str]) -> int:
    """Every accepted code of these devices is refused; returns how many were right but used."""
    clock, told = SteppedClock(), []
    entrance = verifier(store, clock, told)
    for serial in sorted(serials & set(seen.owners)):
        sts = entrance.sts(seen.people[seen.owners[serial]])
        for step in seen.accepted[serial]:
            clock.step = step
            with pytest.raises(ServiceError):
                sts.get_session_token(SerialNumber=serial, TokenCode=hotp(seen.seeds[serial], step))
    return sum(isinstance(e, Decision) and e.outcome is Outcome.REPLAYED for e in told)


def check_file(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_no_code_is_good_again_after_kill_9(
    path: Path, victim: Victim
) -> None:
    seen, known, replayed = Acknowledged(), set[str](), 0
    for number in range(ROUNDS):
        victim.round(f"round-{number}", seen)
        with SqliteStore(path) as store:
            before = set(known)
            check_devices(store, seen, known)
            replayed += check_replay(store, seen, known - before)
        check_file(path)
    with SqliteStore(path) as store:
        check_devices(store, seen, known)
        check_replay(store, seen, known)
    stages = set(seen.stages.values())
    assert stages == {"created", "enabled", "deactivated", "deleted"}
    assert len(known) > ROUNDS
    assert replayed > ROUNDS
