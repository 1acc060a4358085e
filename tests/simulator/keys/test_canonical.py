"""The reader of CBOR says what is there and what is wrong with it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mfalab.devices.ctap import cbor
from mfalab.devices.ctap.status import CtapError
from mfalab.simulator.keys.canonical import read, read_first

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.integers() | st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("raw", "value", "problem"),
    [
        ("a10102", {1: 2}, ""),
        ("a1011802", {1: 2}, "2 is not in its shortest form"),
        ("bf0102ff", {1: 2}, "an indefinite length"),
        ("a202010101", {2: 1, 1: 1}, "map key 1 is out of order"),
        ("a201010102", {1: 2}, "map key 1 comes twice"),
        ("c001", 1, "tag 0 is used"),
        ("8181818101", [[[[1]]]], ""),
        ("818181818101", [[[[[1]]]]], "more than 4 levels"),
        ("62c328", "\ufffd(", "a text that is not UTF-8"),
        ("a1f401", {"False": 1}, "a map key that is neither"),
        ("0102", 1, "1 bytes follow the item"),
        ("5f4161ff", b"a", "an indefinite length"),
        ("f93c00", 1.0, ""),
        ("e0", None, "simple value"),
    ],
)
def test_what_is_wrong_is_told_and_reading_goes_on(raw, value, problem):
    reading = read(bytes.fromhex(raw))
    assert reading.readable
    assert reading.value == value
    assert any(problem in each for each in reading.problems) if problem else not reading.problems


@pytest.mark.parametrize("raw", ["", "a1", "5820", "1c", "a4016161", "81" * 60])
def test_what_cannot_be_read_has_no_value(raw):
    reading = read(bytes.fromhex(raw))
    assert not reading.readable
    assert reading.problems


def test_what_follows_the_first_item_is_given_back():
    reading, rest = read_first(bytes.fromhex("a10102a0"))
    assert (reading.value, reading.problems, rest) == ({1: 2}, (), b"\xa0")


@given(st.binary(max_size=40))
def test_no_bytes_whatever_make_it_raise(raw):
    read(raw)


@example(b"\x7f ")  # a piece of a text that is a number
@given(st.binary(max_size=40))
def test_what_a_key_takes_for_canonical_has_no_problems_here(raw):
    """Two readers that share nothing agree on what is canonical."""
    try:
        cbor.decode(raw)
    except CtapError:
        assert read(raw).problems
    else:
        assert read(raw).problems == ()


@given(VALUES)
def test_what_the_simulated_key_writes_is_read_back(value):
    try:
        raw = cbor.encode(value)
    except TypeError:  # numbers beyond 64 bits
        return
    reading = read(raw)
    deep = any("levels" in problem for problem in reading.problems)
    assert deep or (reading.value == value and not reading.problems)
