"""Chance as a function: random bits of a key and the number of an event, no stream with a state.

So a token's chance depends on nothing but the study's seed, its own number and the event: not on
which tokens are computed beside it, in which order, or where.
"""

from __future__ import annotations

import numpy as np

from mfalab.simulator.fleet.compiled import inlined


@inlined
def mix32(word: np.uint32) -> np.uint32:
    """32 well mixed bits of a word: C. Wellons' `lowbias32`, which many lanes have at once."""
    word = np.uint32(word ^ (word >> np.uint32(16)))
    word = np.uint32(word * np.uint32(0x7FEB352D))
    word = np.uint32(word ^ (word >> np.uint32(15)))
    word = np.uint32(word * np.uint32(0x846CA68B))
    return np.uint32(word ^ (word >> np.uint32(16)))


@inlined
def mix64(word: np.uint64) -> np.uint64:
    """64 well mixed bits of a word (the finalizer of `SplitMix64`)."""
    word = np.uint64(word + np.uint64(0x9E3779B97F4A7C15))
    word = np.uint64((word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9))
    word = np.uint64((word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB))
    return np.uint64(word ^ (word >> np.uint64(31)))


@inlined
def unit(word: np.uint64) -> float:
    """The upper 53 bits of a word as a number from 0 to below 1."""
    return np.float64(word >> np.uint64(11)) * (1.0 / 9007199254740992.0)
