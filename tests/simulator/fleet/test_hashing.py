"""Random bits as a function of a key and an event."""

import numpy as np

from mfalab.simulator.fleet.compiled import jit
from mfalab.simulator.fleet.hashing import mix32, mix64, unit

WORDS = 4096
MASK = 0xFFFFFFFF


def in_python(word):
    word ^= word >> 16
    word = word * 0x7FEB352D & MASK
    word ^= word >> 15
    word = word * 0x846CA68B & MASK
    return word ^ word >> 16


@jit
def words32(first, out):
    for place in range(out.size):
        out[place] = mix32(np.uint32(first + place))


@jit
def words64(first, out, units):
    for place in range(out.size):
        out[place] = mix64(np.uint64(first + place))
        units[place] = unit(out[place])


def test_32_bits_are_those_of_python_integers():
    out = np.zeros(WORDS, np.uint32)
    words32(2**31 - 7, out)
    assert out.tolist() == [in_python((2**31 - 7 + each) & 0xFFFFFFFF) for each in range(WORDS)]


def test_each_bit_of_neighbouring_words_is_even_chance():
    """Within five standard deviations of a half, at every place of both words."""
    short, long, units = np.zeros(WORDS, np.uint32), np.zeros(WORDS, np.uint64), np.zeros(WORDS)
    words32(0, short)
    words64(0, long, units)
    for out, width in ((short, 32), (long, 64)):
        ones = [
            int(((out >> np.array(bit, out.dtype)) & np.array(1, out.dtype)).sum())
            for bit in range(width)
        ]
        assert all(abs(each - WORDS / 2) < 5 * np.sqrt(WORDS) / 2 for each in ones)
    assert 0 <= units.min() < 0.01
    assert 0.99 < units.max() < 1


def test_no_two_of_many_words_are_the_same():
    long, units = np.zeros(WORDS, np.uint64), np.zeros(WORDS)
    words64(10**12, long, units)
    assert len(set(long.tolist())) == WORDS
