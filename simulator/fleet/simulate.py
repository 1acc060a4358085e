"""Runs a study: its tokens in chunks, each chunk by itself, and adds up what they count.

A chunk is a pure function of the study and its number, so it does not matter which are computed
first, where, or how many at once.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mfalab.simulator.fleet import kernel, layout, tables, tokens
from mfalab.simulator.fleet.prepared import (
    ERROR_TYPES,
    FLOAT_TYPES,
    Cohort,
    Precision,
    cohorts,
    months,
    precision_for,
    prepared,
)
from mfalab.simulator.fleet.study import Study
from mfalab.simulator.scheduling.workers import Borrowed, SchedulingFailed, Workers, in_order

Counts = NDArray[np.int64]

BLOCK: Final = 1008
"""Tokens that are computed as lanes; no power of two, so that rows do not meet in the cache."""
CHUNK: Final = 32_768
"""Tokens of a chunk, at most."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens that are computed together: some of one cohort in one fleet."""

    fleet: int
    cohort: Cohort
    first: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Tallies:
    """What was counted, over chunks.

    Attributes:
        counts: by policy, fleet, month and counter of `kernel`.
        first_refusals: tokens by policy and the week of their first refused code.
        clocks: sampled tokens by month and half step of clock error.
        gone: tokens by fleet, month and cause: dead, lost.
        tokens: how many tokens were simulated.
        logins: how many logins of tokens were computed.
    """

    counts: Counts
    first_refusals: Counts
    clocks: Counts
    gone: Counts
    tokens: int = 0
    logins: int = 0

    def __add__(self, other: Tallies) -> Tallies:
        return Tallies(
            self.counts + other.counts,
            self.first_refusals + other.first_refusals,
            self.clocks + other.clocks,
            self.gone + other.gone,
            self.tokens + other.tokens,
            self.logins + other.logins,
        )


def chunks(study: Study, size: int = CHUNK) -> Iterator[Chunk]:
    """All chunks of a study."""
    for fleet in range(study.fleets):
        for cohort in cohorts(study):
            for first in range(0, cohort.tokens, size):
                yield Chunk(fleet, cohort, first, min(size, cohort.tokens - first))


def _key(study: Study, chunk: Chunk) -> np.uint64:
    """The key of a cohort in a fleet; its tokens' follow from their numbers."""
    cohort = chunk.cohort
    told = (study.seed, chunk.fleet, cohort.crystal, cohort.climate, cohort.habit, cohort.phase)
    return np.uint64(int.from_bytes(sha256(repr(told).encode()).digest()[:8]))


def draw_tokens(
    study: Study, chunk: Chunk, precision: Precision = "double"
) -> tuple[NDArray[np.uint64], tables.Floats]:
    """The keys of a chunk's tokens, and what they are: a row each, of `layout.TOKEN`."""
    keys = np.zeros(chunk.tokens, np.uint64)
    drawn = np.zeros((len(layout.TOKEN), chunk.tokens))
    around = prepared(study, precision).around(chunk.cohort)
    tokens.make_tokens(_key(study, chunk), chunk.first, around, keys, drawn)
    return keys, drawn.T


def run_chunk(
    study: Study,
    chunk: Chunk,
    *,
    precision: Precision = "single",
    block: int = BLOCK,
    trace: Counts | None = None,
) -> Tallies:
    """Simulate the tokens of a chunk, under every policy.

    Args:
        study: the study.
        chunk: which tokens.
        precision: of clocks and temperatures.
        block: how many tokens are computed as lanes; it changes no result.
        trace: filled with a row for each code and pair, of `layout.TRACE_COLUMNS`.

    Raises:
        OverflowError: the trace has too few rows.
    """
    shared = prepared(study, precision)
    around = shared.around(chunk.cohort)
    policies, weeks = len(study.policies), study.weeks
    months = len(shared.firsts)
    counts = np.zeros((policies, months, layout.COUNTERS), np.int64)
    gone = np.zeros((months, 2), np.int64)
    tally = layout.Tally(
        counts,
        np.zeros((policies, weeks + 1), np.int64),
        np.zeros((months, layout.BINS), np.int64),
        gone,
        np.zeros((0, layout.TRACE_COLUMNS), np.int64) if trace is None else trace,
        np.zeros(3, np.int64),
    )
    whole = chunk.tokens - chunk.tokens % block
    for first, count, lanes in ((0, whole, block), (whole, chunk.tokens - whole, 0)):
        if count:
            kernel.live(
                _key(study, chunk),
                chunk.first + first,
                count,
                first,
                around,
                shared.policies,
                _block(lanes or count, policies, precision),
                tally,
            )
    if trace is not None and tally.traced[0] > len(trace):
        raise OverflowError(f"the trace needs {tally.traced[0]} rows")
    by_fleet = np.zeros((policies, study.fleets, months, layout.COUNTERS), np.int64)
    by_fleet[:, chunk.fleet] = counts
    gone_of = np.zeros((study.fleets, months, 2), np.int64)
    gone_of[chunk.fleet] = gone
    logins = int(tally.traced[1])
    return Tallies(by_fleet, tally.first_refusals, tally.clocks, gone_of, chunk.tokens, logins)


def _block(lanes: int, policies: int, precision: Precision) -> layout.Block:
    """Room for the lanes of a block."""
    of_error, of_float = ERROR_TYPES[precision], FLOAT_TYPES[precision]
    eights = np.zeros((lanes + 7) // 8, np.uint64)
    return layout.Block(
        drawn=np.zeros((len(layout.TOKEN), lanes)),
        errors=np.zeros((layout.ERRORS, lanes), of_error),
        floats=np.zeros((layout.FLOATS, lanes), of_float),
        wholes=np.zeros((layout.WHOLE_LANES, lanes), np.int32),
        words=np.zeros((2, lanes), np.uint32),
        keys=np.zeros(lanes, np.uint64),
        states=np.zeros((policies, layout.STATES, lanes), np.int64),
        offsets=np.zeros((policies, lanes), np.int32),
        anchors=np.zeros((policies, lanes), np.int32),
        standing=np.zeros((policies, lanes), np.uint8),
        base=np.zeros(lanes, of_error),
        missed=eights.view(np.uint8),
        eights=eights,
    )


def nothing(study: Study) -> Tallies:
    """The tallies of no chunk."""
    count = len(months(study)[0])
    policies, fleets = len(study.policies), study.fleets
    return Tallies(
        np.zeros((policies, fleets, count, layout.COUNTERS), np.int64),
        np.zeros((policies, study.weeks + 1), np.int64),
        np.zeros((count, layout.BINS), np.int64),
        np.zeros((fleets, count, 2), np.int64),
    )


def simulate(
    study: Study,
    *,
    workers: Workers | None = None,
    threads: int | None = None,
    precision: Precision | None = None,
    chunk: int = CHUNK,
) -> Generator[Tallies]:
    """Run a study; yields what is counted so far, after each chunk.

    Args:
        study: the study.
        workers: where chunks are computed, ended with the study; threads of this process by
            default.
        threads: how many of those; as many as there are processors by default.
        precision: of clocks and temperatures; what the study needs by default.
        chunk: tokens of a chunk, at most; it changes no result.

    Raises:
        SchedulingFailed: there are no workers left, or a chunk ended its worker again and again.
    """
    with ExitStack() as stack:
        if workers is None:
            count = threads or os.cpu_count() or 1
            pool = ThreadPoolExecutor(count)
            stack.callback(pool.shutdown, cancel_futures=True)
            workers = Borrowed(pool, count)
        stack.callback(workers.end)
        task = partial(run_chunk, study, precision=precision or precision_for(study))
        total = nothing(study)
        for counted in in_order(workers, task, chunks(study, chunk), lost=_lost):
            total = total + counted
            yield total


def _lost(chunk: Chunk) -> Tallies:
    """Give up: without these tokens the others are no answer."""
    last = chunk.first + chunk.tokens - 1
    raise SchedulingFailed(f"each worker that computed the tokens {chunk.first} to {last} was lost")
