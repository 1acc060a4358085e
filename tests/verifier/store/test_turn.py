"""One transaction at a time, and none inside another."""

import threading

import pytest

from mfalab.verifier.store.protocol import TransactionError
from mfalab.verifier.store.turn import Turn


def test_second_turn_of_a_thread_inside_the_first_is_an_error() -> None:
    turn = Turn()
    with turn.taken(), pytest.raises(TransactionError, match="pass the first one's `tx` on"):
        turn.taken().__enter__()


def test_turn_may_be_taken_again_after_its_end_even_by_an_exception() -> None:
    turn = Turn()
    with pytest.raises(KeyError), turn.taken():
        raise KeyError
    with turn.taken():
        taken = True
    assert taken


def test_other_thread_waits_for_the_end_of_a_turn() -> None:
    turn, waiting, order = Turn(), threading.Event(), []

    def other() -> None:
        waiting.set()
        with turn.taken():
            order.append("second")

    thread = threading.Thread(target=other)
    with turn.taken():
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
