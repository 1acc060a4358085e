"""What waits for the commit: coalesced, undone by body, and apart from what came before a body."""

from mfalab.verifier.records import Budget
from mfalab.verifier.store.known import UNKNOWN, Known, Waiting

KEY = ("s",)
PLACE = (Budget, KEY)
COLUMNS = ("attempts",)


def absent() -> Known:
    """A row is known not to be there, and a body begins."""
    known = Known()
    known.write(Budget, KEY, None)
    known.begin_body()
    return known


def let_wait(known: Known, attempts: int) -> Budget:
    budget = Budget("s", attempts=attempts)
    known.let_wait(Budget, KEY, budget, COLUMNS)
    return budget


def test_row_of_several_bodies_is_written_once_from_what_the_database_has() -> None:
    known = absent()
    for attempts in (1, 2, 3):
        known.begin_body()
        last = let_wait(known, attempts)
    assert known.take() == {PLACE: Waiting(None, last)}
    assert known.take() == {}
    assert known.get(Budget, KEY) is last


def test_body_that_is_undone_leaves_what_waited_before_it() -> None:
    known = absent()
    first = let_wait(known, 1)
    known.begin_body()
    for attempts in (2, 3):
        let_wait(known, attempts)
    known.undo_body()
    assert known.get(Budget, KEY) is first
    assert known.take() == {PLACE: Waiting(None, first)}


def test_body_that_is_undone_may_leave_nothing() -> None:
    known = absent()
    let_wait(known, 1)
    known.undo_body()
    assert known.get(Budget, KEY) is UNKNOWN
    assert known.take() == {}


def test_what_waited_before_a_body_can_be_taken_alone() -> None:
    known = absent()
    first = let_wait(known, 1)
    known.begin_body()
    second = let_wait(known, 2)
    assert known.take_older() == {PLACE: Waiting(None, first)}
    assert known.take_older() == {}
    third = let_wait(known, 3)
    assert known.take() == {PLACE: Waiting(first, third)}
    assert second != third


def test_own_writes_that_were_left_to_wait_are_undone_with_the_body() -> None:
    known = absent()
    let_wait(known, 1)
    known.begin_body()
    let_wait(known, 2)
    known.take_older()
    known.undo_body()
    assert known.take() == {}


def test_search_is_touched_by_new_rows_and_by_the_columns_it_looks_at() -> None:
    known = Known()
    known.write(Budget, KEY, Budget("s"))
    let_wait(known, 1)
    assert known.is_touched(Budget, ["attempts", "window"])
    assert not known.is_touched(Budget, ["window"])
    assert not known.is_touched(Budget, [])
    known.write(Budget, ("t",), None)
    known.let_wait(Budget, ("t",), Budget("t"), COLUMNS)
    assert known.is_touched(Budget, [])
    known.take()
    assert not known.is_touched(Budget, ["attempts"])


def test_row_that_is_read_is_what_it_is_to_be() -> None:
    known = Known()
    known.write(Budget, KEY, Budget("s"))
    waiting = let_wait(known, 1)
    assert known.read(Budget, KEY, Budget("s")) is waiting
    assert known.read(Budget, ("t",), Budget("t")) == Budget("t")
    assert known.get(Budget, ("t",)) == Budget("t")
