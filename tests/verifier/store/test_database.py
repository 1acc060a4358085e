"""Callers share a commit: each has an answer after it only, and fails alone or with it."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mfalab.verifier.records import Budget
from mfalab.verifier.store import database
from mfalab.verifier.store.database import DatabaseStore
from mfalab.verifier.store.postgresql import PostgresqlStore
from mfalab.verifier.store.protocol import Store, StoreUnusable
from mfalab.verifier.store.sqlite import SqliteStore
from mfalab.verifier.store.turn import Turn

PATIENCE_S = 30


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DatabaseStore[Any]]:
    """Each kind of store whose callers share commits, empty."""
    if request.param == "sqlite":
        with SqliteStore(tmp_path / "verifier.db") as store:
            yield store
        return
    server: Any = request.getfixturevalue("postgresql")
    with PostgresqlStore(server.database("shared")) as database:
        yield database


@pytest.fixture
def done(shared: DatabaseStore[Any], monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often its database was told to do what."""
    counted: Counter[str] = Counter()

    def count(name: str) -> None:
        act = getattr(shared, name)

        def counting() -> None:
            counted[name.strip("_")] += 1
            act()

        monkeypatch.setattr(shared, name, counting)

    for name in ("_begin", "_begin_body", "_commit"):
        count(name)
    return counted


class Crowd:
    """Callers who meet: they wait for the turn while the first one has it."""

    def __init__(self, store: DatabaseStore[Any]) -> None:
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


def test_those_who_wait_share_one_commit(shared: DatabaseStore[Any], done: Counter[str]) -> None:
    crowd = Crowd(shared)
    crowd.meet(**dict.fromkeys("abcdefg"))
    assert done == {"begin": 1, "begin_body": 7, "commit": 1}
    assert set(crowd.errors.values()) == {None}
    assert crowd.names() == {"first", *"abcdefg"}


def test_one_caller_needs_no_savepoint(shared: DatabaseStore[Any], done: Counter[str]) -> None:
    with shared.transaction() as tx:
        tx.insert(Budget("s"))
    assert done == {"begin": 1, "commit": 1}


def test_who_fails_undoes_only_itself(shared: DatabaseStore[Any], done: Counter[str]) -> None:
    crowd = Crowd(shared)
    crowd.meet(a=None, b=fail, c=None, d=fail)
    assert done["commit"] == 1
    assert {name for name, error in crowd.errors.items() if error is None} == {"first", "a", "c"}
    assert isinstance(crowd.errors["d"], KeyError)
    assert crowd.names() == {"first", "a", "c"}


def test_commit_that_fails_fails_all_of_its_group(
    shared: DatabaseStore[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also whoever was refused: it may have been for what is not there any more."""

    def refuse() -> None:
        monkeypatch.undo()
        raise StoreUnusable("here", "the disk is full", "Make room")

    monkeypatch.setattr(shared, "_commit", refuse)
    crowd = Crowd(shared)
    crowd.meet(a=None, b=fail, c=None)
    assert {type(error) for error in crowd.errors.values()} == {StoreUnusable}
    assert len({id(error) for error in crowd.errors.values()}) == 4
    assert crowd.names() == set()
    crowd.meet(a=None)
    assert crowd.names() == {"first", "a"}


def test_commit_that_is_interrupted_fails_its_group_and_hangs_none(
    shared: DatabaseStore[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(shared, "_commit", interrupt)
    crowd = Crowd(shared)
    crowd.meet(a=None, b=None)
    kinds = [type(error) for error in crowd.errors.values()]
    assert sorted(kind.__name__ for kind in kinds).count("StoreUnusable") >= 2
    assert crowd.names() == set()


def roll_back(store: Any) -> None:
    (store._line.put if isinstance(store, PostgresqlStore) else store._connection.execute)(
        "ROLLBACK"
    )


def test_transaction_that_the_database_undid_fails_its_group(shared: DatabaseStore[Any]) -> None:
    crowd = Crowd(shared)
    crowd.meet(a=lambda _: roll_back(shared))
    assert {type(error) for error in crowd.errors.values()} == {StoreUnusable}
    assert crowd.names() == set()


def test_group_is_bounded(
    shared: DatabaseStore[Any], done: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LARGEST_GROUP", 2)
    crowd = Crowd(shared)
    crowd.meet(**dict.fromkeys("abcde"))
    assert done["commit"] == 3
    assert crowd.names() == {"first", *"abcde"}


def test_who_stops_waiting_leaves_no_commit_undone(shared: DatabaseStore[Any]) -> None:
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

    shared._turn = Interrupted()
    crowd = Crowd(shared)
    other = threading.Thread(target=crowd.call, args=("other", None), name="interrupted")

    def bring(_: Any) -> None:
        other.start()
        assert waiting.wait(PATIENCE_S)

    crowd.call("first", bring)
    other.join(PATIENCE_S)
    assert isinstance(crowd.errors["other"], KeyboardInterrupt)
    assert crowd.errors["first"] is None
    assert crowd.names() == {"first"}


def test_closing_commits_what_was_left_to_it(
    shared: DatabaseStore[Any], done: Counter[str]
) -> None:
    crowd = Crowd(shared)
    closer = threading.Thread(target=shared.close)

    def bring(_: Any) -> None:
        closer.start()
        until = time.monotonic() + PATIENCE_S
        while not shared._turn.is_awaited:
            assert time.monotonic() < until

    crowd.call("first", bring)
    closer.join(PATIENCE_S)
    assert crowd.errors["first"] is None
    assert done["commit"] == 1
    shared.close()
    with pytest.raises(StoreUnusable, match="it was closed"), shared.transaction():
        pass


def test_transactions_together_have_one_commit_and_what_failed_is_told_to_none(
    shared: DatabaseStore[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def both(store: Store) -> None:
        with store.together():
            for name in ("s", "t"):
                with store.transaction() as tx:
                    tx.insert(Budget(name))
                store.when_durable(lambda: told.append("told"))

    def refuse() -> None:
        monkeypatch.undo()
        raise StoreUnusable("here", "the disk is full", "Make room")

    monkeypatch.setattr(shared, "_commit", refuse)
    with pytest.raises(StoreUnusable, match="full"):
        both(shared)
    assert told == []
    both(shared)
    assert told == ["told", "told"]
    assert Crowd(shared).names() == {"s", "t"}


def lose_transaction(store: DatabaseStore[Any]) -> None:
    """The database undoes what it has so far: SQLite at an error of the disk, a server's end."""
    if isinstance(store, SqliteStore):
        assert store._connection is not None
        store._connection.execute("ROLLBACK")
        return
    assert isinstance(store, PostgresqlStore)
    assert store._line is not None
    lost = store._line._connection.info.backend_pid
    with psycopg.connect(**store._options) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", (lost,))


@pytest.mark.parametrize("moment", ["before", "within"])
def test_what_is_lost_amid_those_together_leaves_nothing_and_is_told(
    shared: DatabaseStore[Any], moment: str
) -> None:
    told: list[str] = []

    def insert(name: str) -> None:
        with shared.transaction() as tx:
            if name == "second" and moment == "within":
                lose_transaction(shared)
                raise KeyError
            tx.insert(Budget(name))
        shared.when_durable(lambda: told.append(name))

    def three() -> None:
        with shared.together():
            insert("first")
            if moment == "before":
                lose_transaction(shared)
            with suppress(StoreUnusable, KeyError):
                insert("second")
            with suppress(StoreUnusable):
                insert("third")

    with pytest.raises(StoreUnusable):
        three()
    assert told == []
    insert("fourth")
    assert Crowd(shared).names() == {"fourth"}


def test_no_row_is_read_twice_by_its_key_and_no_column_written_for_nothing(
    tmp_path: Path,
) -> None:
    with SqliteStore(tmp_path / "verifier.db") as store:
        with store.transaction() as tx:
            tx.insert(Budget("s", 1, 2))
        statements: list[str] = []
        assert store._connection is not None
        store._connection.set_trace_callback(statements.append)
        with store.transaction() as tx:
            for _ in range(3):
                assert tx.get(Budget, "s") == Budget("s", 1, 2)
            assert tx.get(Budget, "t") is tx.get(Budget, "t") is None
            tx.update(Budget("s", 1, 2))
            tx.update(Budget("s", 1, 3))
    verbs = ["BEGIN", "SELECT", "SELECT", "UPDATE", "COMMIT"]
    assert [line.split()[0] for line in statements] == verbs
    assert statements[3].startswith("UPDATE budget SET attempts = 3 WHERE")


def test_those_together_read_once_and_forget_what_was_undone(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "verifier.db") as store:
        with store.transaction() as tx:
            tx.insert(Budget("s", 1))
        statements: list[str] = []
        assert store._connection is not None
        store._connection.set_trace_callback(statements.append)

        def look(wanted: list[Budget]) -> None:
            with store.transaction() as tx:
                assert tx.find(Budget) == wanted
                assert tx.get(Budget, "s") == next(iter(wanted), None)
                tx.find(Budget).clear()  # a list of the caller's own

        def change_and_fail() -> None:
            with store.transaction() as tx:
                tx.update(Budget("s", 2))
                assert tx.find(Budget) == [Budget("s", 2)]
                raise KeyError

        with store.together():
            look([Budget("s", 1)])
            look([Budget("s", 1)])
            assert [line.split()[0] for line in statements].count("SELECT") == 1
            with pytest.raises(KeyError):
                change_and_fail()
            look([Budget("s", 1)])
            with store.transaction() as tx:
                tx.delete(Budget("s"))
            look([])
        look([])


def test_many_threads_lose_nothing_and_share_commits(
    shared: DatabaseStore[Any], done: Counter[str]
) -> None:
    callers, each = 16, 20

    def add() -> None:
        for _ in range(each):
            with shared.transaction() as tx:
                budget = tx.get(Budget, "s") or Budget("s")
                tx.update(Budget("s", attempts=budget.attempts + 1))

    threads = [threading.Thread(target=add) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert done["commit"] < callers * each / 2
    with shared.transaction() as tx:
        assert tx.get(Budget, "s") == Budget("s", attempts=callers * each)
