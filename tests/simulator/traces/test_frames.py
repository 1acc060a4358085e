"""A frame keeps what was masked in it."""

from mfalab.devices.transports.wire import Direction
from mfalab.simulator.traces.frames import Frame


def test_masked_parts_are_zeros_and_are_remembered_beside_earlier_ones() -> None:
    frame = Frame(1, Direction.TO_KEY, b"x" * 8).mask(((1, 3),))
    again = frame.mask(((6, 8), (1, 3)))
    assert again.data == b"x" + bytes(2) + b"xxx" + bytes(2)
    assert again.masked == ((1, 3), (6, 8))


def test_a_span_that_ends_behind_the_data_makes_them_no_longer() -> None:
    assert Frame(1, Direction.TO_KEY, b"xyz").mask(((2, 9),)).data == b"xy\0"


def test_without_spans_it_is_the_same_frame() -> None:
    frame = Frame(1, Direction.TO_KEY, b"xyz")
    assert frame.mask(()) is frame
