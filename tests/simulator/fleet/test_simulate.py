"""A study does not depend on how it is computed."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import numpy as np
import pytest

from mfalab.simulator.fleet import layout, simulate
from mfalab.simulator.fleet.simulate import Tallies, chunks, run_chunk
from mfalab.simulator.fleet.study import Study
from mfalab.simulator.scheduling.workers import AHEAD, Borrowed, Processes, SchedulingFailed


def study(**told: object) -> Study:
    return Study.model_validate(
        {
            "tokens": 700,
            "fleets": 2,
            "years": 1,
            "climate": {"office": "70 %", "car": "30 %"},
            "habit": {"weekly": "50 %", "shifts": "50 %"},
            "lost": "10 %",
            **told,
        }
    )


def same(one: Tallies, other: Tallies) -> bool:
    return all(
        np.array_equal(getattr(one, each.name), getattr(other, each.name)) for each in fields(one)
    )


def in_all(asked: Study, **how: object) -> Tallies:
    *_, last = simulate.simulate(asked, **how)  # type: ignore[arg-type]
    return last


@pytest.fixture(scope="module")
def expected() -> Tallies:
    return in_all(study(), threads=1)


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("chunk", [50, 333, 100_000])
def test_aggregates_are_the_same_over_threads_and_chunks(threads, chunk, expected):
    assert same(in_all(study(), threads=threads, chunk=chunk), expected)


def test_aggregates_are_the_same_on_any_executor(expected):
    with ThreadPoolExecutor(3) as pool:
        assert same(in_all(study(), workers=Borrowed(pool, 3), chunk=100), expected)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_aggregates_are_the_same_over_processes(size, expected):
    assert same(in_all(study(), workers=Processes(size), chunk=100), expected)


@pytest.mark.parametrize("size", [2, 4])
def test_aggregates_are_the_same_when_a_process_is_killed_in_the_middle(size, expected):
    processes = Processes(size)
    steps = simulate.simulate(study(), workers=processes, chunk=20)
    next(steps)
    os.kill(next(iter(processes._pool._processes)), signal.SIGKILL)
    *_, last = steps
    assert same(last, expected)


def test_chunk_that_ends_its_workers_ends_the_study():
    (chunk, *_) = chunks(study())
    with pytest.raises(SchedulingFailed, match="each worker that computed the tokens 0 to"):
        simulate._lost(chunk)


@pytest.mark.parametrize("block", [1, 17, 64, 4096])
def test_aggregates_are_the_same_for_each_size_of_a_block(block):
    asked = study(tokens=150, fleets=1)
    for chunk in chunks(asked):
        assert same(run_chunk(asked, chunk, block=block), run_chunk(asked, chunk))


def test_another_seed_is_another_fleet(expected):
    assert not same(in_all(study(seed=2)), expected)
    assert not np.array_equal(expected.counts[:, 0], expected.counts[:, 1])


def test_chunks_add_up_to_the_tokens_of_all_fleets():
    for tokens in (1, 2, 7, 700, 10_001):
        found = chunks(study(tokens=tokens), 97)
        assert sum(each.tokens for each in found) == 2 * tokens


def test_what_is_counted_adds_up(expected):
    counts = expected.counts.sum((1, 2))
    ends = counts[:, [layout.FIRST, layout.LATER, layout.REFUSED]].sum(1)
    assert (counts[:, layout.LOGINS] == ends).all()
    helped = counts[:, [layout.RESYNCS, layout.OUT]].sum(1) - counts[:, layout.NOT_ENROLLED]
    assert (helped <= counts[:, layout.REFUSED]).all()
    assert expected.tokens == 1400
    lost = expected.gone[:, :, 1].sum()
    assert 90 < lost < 190  # 10 % of 1,400, binomial: five deviations


def test_chunks_in_flight_do_not_grow_with_the_tokens():
    """Counted, at three sizes: what memory is needed for does not depend on the tokens."""

    class Counting(ThreadPoolExecutor):
        def __init__(self) -> None:
            super().__init__(1)
            self.running = self.most = self.submitted = 0

        def submit(self, *args, **told):
            self.running += 1
            self.submitted += 1
            self.most = max(self.most, self.running)
            future = super().submit(*args, **told)
            result = future.result

            def counted(timeout=None):
                self.running -= 1
                return result(timeout)

            future.result = counted
            return future

    found = []
    for tokens in (100, 400, 1600):
        with Counting() as pool:
            in_all(study(tokens=tokens, years=0.1), workers=Borrowed(pool, 2), chunk=20)
        found.append((pool.submitted, pool.most))
    assert [most for _, most in found] == [2 * AHEAD] * 3
    assert found[2][0] > 3 * found[1][0] > 6 * found[0][0]
