"""A store in a database answers as the one in memory does, whatever bodies do and which fail."""

import random  # noqa: TID251 - a seeded stream
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from mfalab.verifier.records import (
    Account,
    Budget,
    Device,
    DeviceKind,
    Session,
    SessionKind,
    UsedCode,
)
from mfalab.verifier.store.memory import MemoryStore
from mfalab.verifier.store.protocol import Conflict, Store

TYPES: list[Any] = [Device, UsedCode, Budget, Session]
GROUPS, BODIES, ACTS = 12, 6, 12


class Undone(Exception):
    """A body gives up."""


def some(chance: random.Random, kind: type) -> Any:
    """A record of few keys and fewer values, so that they meet."""
    name, number = chance.choice(["a", "b\x1az", "c\0"]), chance.randrange(3)
    if kind is Device:
        record = Device(
            name, DeviceKind.VIRTUAL, f"serial-{chance.choice('abcd')}", "1", name, "/", 0, b"s"
        )
        return replace(record, offset_steps=number)
    if kind is UsedCode:
        return UsedCode(name, number)
    if kind is Budget:
        return Budget(name, attempts=number, window=chance.randrange(2))
    return Session(
        f"ASIA{name}", "s", "t", SessionKind.ROLE, "AIDA1", None, None, number, 2, None, None
    )


def act(chance: random.Random, tx: Any, seen: list[object]) -> None:
    """One read or write, the same for the same chance."""
    kind = chance.choice(TYPES)
    record = some(chance, kind)
    key = tuple(getattr(record, name) for name in record.KEY)
    what = chance.choice(
        ["get", "get", "find", "find by", "count", "insert", "update", "update", "delete"]
    )
    field = {Device: "offset_steps", UsedCode: "step", Budget: "attempts", Session: "issued_ns"}[
        kind
    ]
    equal = {field: getattr(record, field)}
    if what == "get":
        seen.append(tx.get(kind, *key))
    elif what == "find":
        seen.append(tx.find(kind))
    elif what == "find by":
        seen.append(tx.find(kind, **equal))
    elif what == "count":
        seen.append(tx.count(kind, **equal))
    elif what == "delete":
        if kind is not Device:  # used codes belong to it
            tx.delete(record)
    elif kind is UsedCode and tx.get(Device, record.device_id) is None:
        seen.append("a code of nothing")
    else:
        if chance.random() < 0.7:  # as rules do, and what was looked for may wait for the commit
            seen.append(tx.get(kind, *key))
        try:
            getattr(tx, what)(record)
        except Conflict as conflict:
            seen.append(conflict.args)


def body(chance: random.Random, store: Store, seen: list[object]) -> None:
    with store.transaction() as tx:
        for _ in range(chance.randrange(ACTS)):
            act(chance, tx, seen)
        if chance.random() < 0.3:
            raise Undone


def play(seed: int, store: Store) -> list[object]:
    """What was seen by groups of bodies, some of which fail."""
    chance, seen = random.Random(seed), list[object]()
    with store.transaction() as tx:
        tx.insert(Account("1", "aws", None, "root@example.com", None, True, 0))
    for _ in range(GROUPS):
        with store.together():
            for _ in range(chance.randrange(1, BODIES)):
                with suppress(Undone):
                    body(chance, store, seen)
        with store.transaction() as tx:
            seen.append([tx.find(kind) for kind in TYPES])
    return seen


@pytest.mark.parametrize("seed", range(12))
def test_store_answers_as_memory_does(seed: int, store: Store) -> None:
    seen, wanted = play(seed, store), play(seed, MemoryStore())
    for number, (each, want) in enumerate(zip(seen, wanted, strict=True)):
        assert each == want, f"answer {number} of seed {seed}"
    assert any(isinstance(each, tuple) for each in wanted), "no conflict was met"


def test_body_that_fails_undoes_nothing_of_the_body_before(store: Store) -> None:
    one, two = Budget("a", attempts=1), Budget("b", attempts=1)
    with store.transaction() as tx:
        tx.insert(one)
        tx.insert(two)
    with store.together():
        with store.transaction() as tx:
            tx.get(Budget, "a")
            tx.delete(two)  # its answer is not waited for,
            tx.update(replace(one, attempts=7))  # and this waits for the commit
        with suppress(Undone), store.transaction() as tx:
            assert tx.find(Budget, attempts=7), "what waits is written to be found"
            raise Undone
    with store.transaction() as tx:
        assert tx.find(Budget) == [replace(one, attempts=7)]
