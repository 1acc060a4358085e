"""Kill -9 at any moment, as often as wanted: `make kill ROUNDS=10000`, or this script.

Each round forks a process that enrols devices, verifies codes and removes devices in three threads,
and kills it at a moment that depends on the round's name. Then a verifier looks at the database:
what was acknowledged holds, what was under way happened whole or not at all, and every code that
was accepted is refused. After so many rounds the database is looked through once more and a new one
is begun, so a round costs the same however many there are.

Exits with 1 at the first round that finds something, and says what and how to run it again.
"""

import argparse
import base64
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from mfalab.verifier import (
    AWS_IMMEDIATE,
    CHEAP,
    Credentials,
    Decision,
    Outcome,
    ServiceError,
    Store,
    StoreUnusable,
    ThrottleRule,
    TrailEvent,
    Verifier,
    open_store,
)
from mfalab.verifier.otp import hotp
from mfalab.verifier.records import Binding, Device, UsedCode

HERE = Path(__file__).parent
ACCOUNT = "123456789012"
PROFILE = replace(AWS_IMMEDIATE, throttle=ThrottleRule.NONE, pair_back=10, pair_ahead=10)
STAGES = ["nothing", "created", "enabled", "deactivated", "deleted"]
"""A device's life in order. An act under way at the kill may or may not have happened."""
GENERATION = 50
"""Rounds on one database: each looks at all of it."""
MOST_LINES = 80
"""Acknowledgements before a kill, at most."""


class Found(Exception):
    """Something that must not be. Args: what."""


def hold(condition: bool, what: str) -> None:
    """Raise Found where a condition does not hold."""
    if not condition:
        raise Found(what)


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

    acknowledgements: int = 0

    def note(self, what: str, *words: str) -> None:
        self.acknowledgements += 1
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

    def __init__(self, *, lies: bool) -> None:
        self.child = 0
        """The process that is to be killed, while it runs."""
        words = [sys.executable, str(HERE / "victim.py"), *(["--lie"] if lies else [])]
        # Ctrl-C is for this process alone, which ends the others.
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )

    def lines(self) -> Iterator[list[str]]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)

    def round(self, place: str, name: str, seen: Acknowledged) -> None:
        """Begin a round, kill its child at a moment that depends on its name, note the rest."""
        say: IO[bytes] | None = self.process.stdin
        assert say is not None
        say.write(json.dumps([place, name]).encode() + b"\n")
        say.flush()
        left = 1 + chance(f"{name} lines", MOST_LINES)
        for what, *words in self.lines():
            if what == "begun":
                self.child = int(words[0])
            elif what == "ended":
                self.child = 0
                how = int(words[0])
                hold(how == -signal.SIGKILL, f"the process ended by itself, with {how}")
                return
            else:
                seen.note(what, *words)
                left -= bool(self.child)  # the first rehearsal is before all rounds
                if left == 0:
                    # Lines come right after commits; the moments in between are wanted too.
                    until_ns = time.perf_counter_ns() + chance(f"{name} pause", 3_000_000)
                    while time.perf_counter_ns() < until_ns:
                        pass
                    os.kill(self.child, signal.SIGKILL)
        raise Found("the victim ended by itself")

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        if self.child:
            with suppress(ProcessLookupError):
                os.kill(self.child, signal.SIGKILL)
        self.process.stdout.read()
        self.process.wait()
        self.process.stdout.close()


def verifier(store: Store, clock: SteppedClock, seen: list[Decision | TrailEvent]) -> Verifier:
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


def check_devices(store: Store, seen: Acknowledged, known: set[str]) -> None:
    """Each device is at the stage that was acknowledged or one further, and whole."""
    with store.transaction() as tx:
        devices = {device.serial: device for device in tx.find(Device)}
        bindings: dict[str, list[Binding]] = defaultdict(list)
        for binding in tx.find(Binding):
            bindings[binding.serial].append(binding)
        used: dict[str, set[int]] = defaultdict(set)
        for row in tx.find(UsedCode):
            used[row.device_id].add(row.step)
    lost = set(seen.stages) - set(devices)
    hold(not lost, f"acknowledged and not there: {sorted(lost)}")
    for serial, device in devices.items():
        is_at = STAGES.index(stage_of(device, bindings[serial]))
        said = STAGES.index(seen.stages.get(serial, "nothing"))
        ahead = 0 if serial in known else 1
        hold(said <= is_at <= said + ahead, f"{serial} is {STAGES[is_at]}, said {STAGES[said]}")

        enabled = is_at == STAGES.index("enabled")
        whole = (
            (device.owner_id is not None) is (device.enabled_ns is not None) is enabled
            and [b.until_ns is None for b in bindings[serial]].count(True) == int(enabled)
            and (device.last_pair_step is not None) is (is_at >= STAGES.index("enabled"))
            and device.high_water_step == max(used[device.id], default=None)
        )
        hold(whole, f"{serial} is half made: {device}")

        accepted = set(seen.accepted[serial])
        hold(accepted <= used[device.id], f"{serial}: accepted codes are not marked as used")
        hold(
            len(used[device.id]) <= len(accepted) + ahead,
            f"{serial}: codes are used that were not accepted",
        )
        # What was under way at the kill is settled now, and may not change any more.
        seen.stages[serial] = STAGES[is_at]
        seen.accepted[serial] = sorted(used[device.id])
        known.add(serial)


def check_replay(store: Store, seen: Acknowledged, serials: set[str]) -> int:
    """Every accepted code of these devices is refused; returns how many were right but used."""
    clock, told = SteppedClock(), []
    entrance = verifier(store, clock, told)
    with store.together():
        for serial in sorted(serials & set(seen.owners)):
            sts = entrance.sts(seen.people[seen.owners[serial]])
            for step in seen.accepted[serial]:
                clock.step = step
                code = hotp(seen.seeds[serial], step)
                try:
                    sts.get_session_token(SerialNumber=serial, TokenCode=code)
                except ServiceError:
                    continue
                raise Found(f"{serial}: the code of step {step} was accepted twice")
    return sum(isinstance(e, Decision) and e.outcome is Outcome.REPLAYED for e in told)


def check_file(path: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        lost = connection.execute("PRAGMA foreign_key_check").fetchall()
    hold(sound and not lost, "the file is damaged")


@contextmanager
def sqlite_places() -> Iterator[Callable[[int], str]]:
    """A new file for each generation."""
    with tempfile.TemporaryDirectory(prefix="mfalab-kill-") as folder:
        yield lambda generation: str(Path(folder) / f"{generation}.db")


@contextmanager
def postgresql_places(url: str) -> Iterator[Callable[[int], str]]:
    """A database of our own for each generation, on the server of a URL; removed at the end."""
    import psycopg
    from sqlalchemy import make_url

    name = f"mfalab_kill_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:

        def place(generation: int) -> str:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
            return make_url(url).set(database=name).render_as_string(hide_password=False)

        yield place
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def own_server() -> Iterator[str]:
    """The URL of a server that ends with us."""
    with subprocess.Popen(
        [sys.executable, str(HERE.parent / "postgresql_server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            sys.exit("PostgreSQL could not be started; apt-get install postgresql brings it")
        yield json.loads(line)["socket_url"]
        process.stdin.close()


@dataclass
class Totals:
    """What was seen in all rounds."""

    rounds: int = 0
    acknowledged: int = 0
    replayed: int = 0
    stages: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        at = ", ".join(f"{self.stages[stage]:,} {stage}" for stage in STAGES[1:])
        return (
            f"{self.rounds:,} rounds, {self.acknowledged:,} acknowledgements, devices: {at}; "
            f"{self.replayed:,} accepted codes presented again, all refused; nothing was lost"
        )


class Run:
    """Rounds on one database after another."""

    def __init__(self, place: Callable[[int], str], seed: str, victim: Victim) -> None:
        self.place, self.seed, self.victim = place, seed, victim
        self.totals = Totals()

    def generation(self, numbers: range) -> None:
        """Rounds on a new database, each looked at, and all of them at the end."""
        place = self.place(numbers.start // GENERATION)
        with open_store(place) as store:
            verifier(store, SteppedClock(), []).create_account(
                ACCOUNT, root_email="root@example.com", root_password="x"
            )
        seen, known = Acknowledged(), set[str]()
        try:
            for number in numbers:
                self.round(number, place, seen, known)
            with open_store(place) as store:
                check_devices(store, seen, known)
                check_replay(store, seen, known)
        finally:
            self.totals.stages.update(seen.stages.values())

    def round(self, number: int, place: str, seen: Acknowledged, known: set[str]) -> None:
        self.number = number
        before, said = set(known), seen.acknowledgements
        self.victim.round(place, f"{self.seed}-{number}", seen)
        with open_store(place) as store:
            check_devices(store, seen, known)
            self.totals.replayed += check_replay(store, seen, known - before)
        if "://" not in place:
            check_file(place)
        self.totals.rounds += 1
        self.totals.acknowledged += seen.acknowledgements - said


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill a verifier again and again.")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number of the first round")
    parser.add_argument("--seed", default="round", help="the rounds' names begin with it")
    parser.add_argument(
        "--db", default="sqlite", help="sqlite, postgresql (a server of its own), or a URL"
    )
    parser.add_argument(
        "--lie", action="store_true", help="acknowledge too early, to see that it is found"
    )
    given = parser.parse_args()
    with ExitStack() as stack:
        if given.db == "sqlite":
            place = stack.enter_context(sqlite_places())
        else:
            url = stack.enter_context(own_server()) if given.db == "postgresql" else given.db
            place = stack.enter_context(postgresql_places(url))
        victim = stack.enter_context(closing(Victim(lies=given.lie)))
        run = Run(place, given.seed, victim)
        begun = time.perf_counter()
        end = given.first + given.rounds
        for start in range(given.first, end, GENERATION):
            try:
                run.generation(range(start, min(start + GENERATION, end)))
            except (Found, StoreUnusable) as error:
                again = f"--first {run.number} --rounds 1 --seed {given.seed} --db {given.db}"
                say(f"round {run.number}: {error}")
                say(f"run it again: python {sys.argv[0]} {again}{' --lie' * given.lie}")
                return 1
            except KeyboardInterrupt:
                say(f"interrupted after {run.totals}")
                return 130
            pace = run.totals.rounds / (time.perf_counter() - begun)
            say(f"{run.totals.rounds:,} of {given.rounds:,} rounds, {pace:.1f} a second")
    say(str(run.totals))
    return 0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
