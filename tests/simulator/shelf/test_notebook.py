"""A story has an end, and a name for each thing."""

import pytest

from mfalab.simulator.shelf.notebook import MOST_OMITTED, MOST_STEPS, free_name
from mfalab.simulator.shelf.shelf import Shelf

from .conftest import People


def test_story_has_an_end(shelf: Shelf, people: People) -> None:
    sts = people.verifier.sts(people.keys["alice"])
    for _ in range(MOST_STEPS + 5):
        sts.get_caller_identity()
    assert len(shelf.notebook.entries) == MOST_STEPS
    assert list(shelf.notebook.omitted) == [f"what came after {MOST_STEPS} steps"]
    for number in range(2 * MOST_OMITTED):
        shelf.notebook.omit(str(number))
    assert len(shelf.notebook.omitted) == MOST_OMITTED + 1
    shelf.recorder.begin()
    assert not shelf.notebook.entries
    assert not shelf.notebook.omitted


@pytest.mark.parametrize(
    ("wanted", "taken", "free"),
    [
        ("fob", (), "fob"),
        ("fob", ("fob", "fob-2"), "fob-3"),
        ("7 of 9", (), "x-7-of-9"),
        ("", (), "x-"),
        ("a@b", (), "a-b"),
    ],
)
def test_free_names(wanted: str, taken: tuple[str, ...], free: str) -> None:
    assert free_name(wanted, taken) == free
