"""Callers share a commit: each has an answer after it only, and fails alone or with it."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mfalab.verifier.records import Budget
from mfalab.verifier.store import database
from mfalab.verifier.store.protocol import Store, StoreUnusable
from mfalab.verifier.store.sqlite import SqliteStore
from mfalab.verifier.store.turn import Turn

PATIENCE_S = 30


class Traced(SqliteStore):
    """A store that tells which statements it had executed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.statements: list[str] = []
        self.connection.set_trace_callback(self.statements.append)

    @property
    def connection(self) -> sqlite3.Connection:
        assert self._connection is not None
        return self._connection

    def count(self, statement: str) -> int:
        return self.statements.count(statement)


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[Traced]:
    with Traced(tmp_path / "verifier.db") as store:
        yield store


class Crowd:
    """Callers who meet: they wait for the turn while the first one has it."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.errors: dict[str, BaseException | None] = {}
        self.commits: dict[str, bool] = {}

    def call(self, name: str, body: Callable[[Any], None] | None) -> None:
        try:
            with self.store.transaction() as tx:
                tx.insert(Budget(name))
                if body is not None:
                    body(tx)
        except BaseException as error:
            self.errors[name] = error
        else:
            self.errors[name] = None

    def meet(self, **bodies: Callable[[Any], None] | None) -> None:
        threads = [
            threading.Thread(target=self.call, args=(name, body)) for name, body in bodies.items()
        ]

        def bring(_: Any) -> None:
            for number, thread in enumerate(threads, 1):
                thread.start()
                until = time.monotonic() + PATIENCE_S
                while len(self.store._turn._waiting) < number:
                    assert time.monotonic() < until

        self.call("first", bring)
        for thread in threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

    def names(self) -> set[str]:
        with self.store.transaction() as tx:
            return {budget.serial for budget in tx.find(Budget)}


def fail(_: Any) -> None:
    raise KeyError("mine")


def test_those_who_wait_share_one_commit(traced: Traced) -> None:
    crowd = Crowd(traced)
    crowd.meet(**dict.fromkeys("abcdefg"))
    assert traced.count("BEGIN IMMEDIATE") == traced.count("COMMIT") == 1
    assert set(crowd.errors.values()) == {None}
    assert crowd.names() == {"first", *"abcdefg"}


def test_one_caller_needs_no_savepoint(traced: Traced) -> None:
    with traced.transaction() as tx:
        tx.insert(Budget("s"))
    assert [line.split()[0] for line in traced.statements] == ["BEGIN", "INSERT", "COMMIT"]


def test_who_fails_undoes_only_itself(traced: Traced) -> None:
    crowd = Crowd(traced)
    crowd.meet(a=None, b=fail, c=None, d=fail)
    assert traced.count("COMMIT") == 1
    assert {name for name, error in crowd.errors.items() if error is None} == {"first", "a", "c"}
    assert isinstance(crowd.errors["d"], KeyError)
    assert crowd.names() == {"first", "a", "c"}


def test_commit_that_fails_fails_all_of_its_group(
    traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also whoever was refused: it may have been for what is not there any more."""

    def refuse() -> None:
        monkeypatch.undo()
        raise StoreUnusable("here", "the disk is full", "Make room")

    monkeypatch.setattr(traced, "_commit", refuse)
    crowd = Crowd(traced)
    crowd.meet(a=None, b=fail, c=None)
    assert {type(error) for error in crowd.errors.values()} == {StoreUnusable}
    assert len({id(error) for error in crowd.errors.values()}) == 4
    assert crowd.names() == set()
    crowd.meet(a=None)
    assert crowd.names() == {"first", "a"}


def test_commit_that_is_interrupted_fails_its_group_and_hangs_none(
    traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(traced, "_commit", interrupt)
    crowd = Crowd(traced)
    crowd.meet(a=None, b=None)
    kinds = [type(error) for error in crowd.errors.values()]
    assert sorted(kind.__name__ for kind in kinds).count("StoreUnusable") >= 2
    assert crowd.names() == set()


def test_transaction_that_the_database_undid_fails_its_group(traced: Traced) -> None:
    crowd = Crowd(traced)
    crowd.meet(a=lambda _: traced.connection.execute("ROLLBACK") and None)
    assert {type(error) for error in crowd.errors.values()} == {StoreUnusable}
    assert crowd.names() == set()


def test_group_is_bounded(traced: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LARGEST_GROUP", 2)
    crowd = Crowd(traced)
    crowd.meet(**dict.fromkeys("abcde"))
    assert traced.count("COMMIT") == 3
    assert crowd.names() == {"first", *"abcde"}


def test_who_stops_waiting_leaves_no_commit_undone(traced: Traced) -> None:
    """Ctrl-C reaches a thread that waits, when another one has left the commit to it."""
    waiting, left = threading.Event(), threading.Event()

    class Interrupted(Turn):
        def take(self) -> None:
            if threading.current_thread().name == "interrupted" and not left.is_set():
                self._waiting.append(None)
                waiting.set()
                assert left.wait(PATIENCE_S)
                self._waiting.pop()
                raise KeyboardInterrupt
            super().take()

        def leave(self) -> None:
            super().leave()
            left.set()

    traced._turn = Interrupted()
    crowd = Crowd(traced)
    other = threading.Thread(target=crowd.call, args=("other", None), name="interrupted")

    def bring(_: Any) -> None:
        other.start()
        assert waiting.wait(PATIENCE_S)

    crowd.call("first", bring)
    other.join(PATIENCE_S)
    assert isinstance(crowd.errors["other"], KeyboardInterrupt)
    assert crowd.errors["first"] is None
    assert crowd.names() == {"first"}


def test_closing_commits_what_was_left_to_it(traced: Traced, tmp_path: Path) -> None:
    crowd = Crowd(traced)
    closer = threading.Thread(target=traced.close)

    def bring(_: Any) -> None:
        closer.start()
        until = time.monotonic() + PATIENCE_S
        while not traced._turn.is_awaited:
            assert time.monotonic() < until

    crowd.call("first", bring)
    closer.join(PATIENCE_S)
    assert crowd.errors["first"] is None
    with SqliteStore(tmp_path / "verifier.db") as store:
        assert Crowd(store).names() == {"first"}


def test_transactions_together_have_one_commit_and_what_failed_is_told_to_none(
    traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def both(store: Store) -> None:
        with store.together():
            for name in ("s", "t"):
                with store.transaction() as tx:
                    tx.insert(Budget(name))
                store.when_durable(lambda: done.append("told"))

    def refuse() -> None:
        monkeypatch.undo()
        raise StoreUnusable("here", "the disk is full", "Make room")

    monkeypatch.setattr(traced, "_commit", refuse)
    with pytest.raises(StoreUnusable, match="full"):
        both(traced)
    assert done == []
    both(traced)
    assert traced.count("COMMIT") == 1
    assert done == ["told", "told"]
    assert Crowd(traced).names() == {"s", "t"}


def test_no_row_is_read_twice_by_its_key_and_no_column_written_for_nothing(
    traced: Traced,
) -> None:
    with traced.transaction() as tx:
        tx.insert(Budget("s", 1, 2))
    traced.statements.clear()
    with traced.transaction() as tx:
        for _ in range(3):
            assert tx.get(Budget, "s") == Budget("s", 1, 2)
        assert tx.get(Budget, "t") is tx.get(Budget, "t") is None
        tx.update(Budget("s", 1, 2))
        tx.update(Budget("s", 1, 3))
    written = [line.split(" WHERE ")[0] for line in traced.statements]
    assert [line.split()[0] for line in written] == [
        "BEGIN",
        "SELECT",
        "SELECT",
        "UPDATE",
        "COMMIT",
    ]
    assert written[3] == "UPDATE budget SET attempts = 3"


def test_many_threads_lose_nothing_and_share_commits(traced: Traced) -> None:
    callers, each = 16, 20

    def add() -> None:
        for _ in range(each):
            with traced.transaction() as tx:
                budget = tx.get(Budget, "s") or Budget("s")
                tx.update(Budget("s", attempts=budget.attempts + 1))

    threads = [threading.Thread(target=add) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert traced.count("COMMIT") < callers * each / 2
    with traced.transaction() as tx:
        assert tx.get(Budget, "s") == Budget("s", attempts=callers * each)
