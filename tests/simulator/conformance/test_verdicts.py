"""What fails a test, in words."""

import pickle

import pytest

from mfalab.simulator.conformance.verdicts import Failure, KeyGone, NotTested, differ, expect


def test_expect_fails_with_both_sides_and_passes_otherwise():
    expect([1], "something", "nothing")
    with pytest.raises(Failure, match=r"^expected 8 tries, got 7$"):
        expect(False, "8 tries", 7)


def test_two_things_that_are_the_same_do_not_differ():
    differ("keys", b"a", b"b")
    with pytest.raises(Failure, match="expected two keys, got the same one twice"):
        differ("keys", b"a", b"a")


@pytest.mark.parametrize("error", [KeyGone("a key", "none"), NotTested("it is a card")])
def test_what_ends_a_test_can_be_pickled(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))
