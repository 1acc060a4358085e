"""Tasks on executors: order, bounds, and what becomes of them when workers are lost."""

import os
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mfalab.simulator.scheduling import workers as module
from mfalab.simulator.scheduling.workers import (
    AHEAD,
    LOSSES,
    Borrowed,
    Processes,
    SchedulingFailed,
    in_order,
)


def square(number: int) -> int:
    """A task."""
    return number * number


def square_or_die(number: int, *, folder: Path, deadly: dict[int, int]) -> int:
    """A task that kills its process as often as its number is said to."""
    done = len(list(folder.glob(f"{number}-*")))
    (folder / f"{number}-{done}").touch()
    if done < deadly.get(number, 0):
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def minus(number: int) -> int:
    """What stands for a result that never comes."""
    return -number


@pytest.mark.parametrize("size", [1, 2, 4])
def test_results_come_in_the_order_of_the_arguments(size: int) -> None:
    workers = Processes(size)
    try:
        assert list(in_order(workers, square, range(50), lost=minus)) == [n * n for n in range(50)]
    finally:
        workers.end()


@pytest.mark.parametrize("count", [100, 200, 400])
def test_arguments_are_read_as_far_as_tasks_are_under_way(count: int) -> None:
    read: list[int] = []
    with ThreadPoolExecutor(2) as threads:
        results = in_order(
            Borrowed(threads, 2), square, (read.append(n) or n for n in range(count)), lost=minus
        )
        assert len(read) == 2 * AHEAD
        for taken, _ in enumerate(results, start=1):
            assert len(read) == min(count, 2 * AHEAD + taken)


@pytest.mark.parametrize(
    ("deadly", "runs"),
    [({7: 1}, {7: 2}), ({0: 1, 30: 2}, {0: 2, 30: 3}), ({5: 9}, {5: LOSSES})],
    ids=["once", "twice", "always"],
)
def test_killed_worker_costs_a_retry_and_no_more(
    tmp_path: Path, deadly: dict[int, int], runs: dict[int, int]
) -> None:
    """One that is always killed is given up; those that were under way with it are innocent."""
    workers = Processes(2)
    task = partial(square_or_die, folder=tmp_path, deadly=deadly)
    try:
        results = list(in_order(workers, task, range(40), lost=minus))
    finally:
        workers.end()
    given_up = {number for number, times in deadly.items() if times >= LOSSES}
    assert results == [-n if n in given_up else n * n for n in range(40)]
    for number, times in runs.items():
        # Where it broke the pool of another one's accident it ran once more.
        assert times <= len(list(tmp_path.glob(f"{number}-*"))) <= times + 1


KILLS_WORKERS_THAT_HAND_IN = """
import os, signal, sys
from threading import Timer
from mfalab.simulator.scheduling.workers import Processes, in_order

def large(number):
    return bytes([number]) * 3_000_000

def kill_one(delay_ms):
    workers = Processes(2)
    results = in_order(workers, large, range(40), lost=bytes)
    numbers = [next(results)[0]]
    victim = next(iter(workers._pool._processes))
    killer = Timer(delay_ms / 1000, os.kill, [victim, signal.SIGKILL])
    killer.start()
    numbers += [each[0] for each in results]
    killer.join()
    workers.end()
    assert numbers == list(range(40)), numbers

if __name__ == "__main__":
    for delay_ms in map(int, sys.argv[1:]):
        kill_one(delay_ms)
"""


def test_worker_killed_in_the_middle_of_a_large_result_is_no_endless_wait(tmp_path: Path) -> None:
    """A pool by itself waits for the rest of it; in a program of its own, that can be ended."""
    script = tmp_path / "script.py"
    script.write_text(KILLS_WORKERS_THAT_HAND_IN)
    delays = [str(ms) for ms in range(0, 40, 5)]
    subprocess.run([sys.executable, script, *delays], check=True, timeout=120)


def test_results_of_processes_leave_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    workers = Processes(2)
    try:
        assert list(in_order(workers, square, range(5), lost=minus)) == [0, 1, 4, 9, 16]
        (folder,) = tmp_path.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert list(folder.iterdir()) == []
    finally:
        workers.end()
    assert list(tmp_path.iterdir()) == []


IS_KILLED = """
import os, signal, sys
from pathlib import Path
from mfalab.simulator.scheduling.workers import Processes, in_order

def square(number):
    return number * number

if __name__ == "__main__":
    workers = Processes(2)
    next(in_order(workers, square, range(9), lost=square))
    print(*workers._pool._processes, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_parent_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    script, folder = tmp_path / "script.py", tmp_path / "temporary"
    script.write_text(IS_KILLED)
    folder.mkdir()
    # Its workers hold its output open: that ends with the last of them.
    ended = subprocess.run(
        [sys.executable, script],
        check=False,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        timeout=60,
    )
    assert ended.returncode == -signal.SIGKILL
    assert len(ended.stdout.split()) == 2, "there were workers"
    assert list(folder.iterdir()) == []


def test_broken_executor_of_the_callers_ends_the_run(tmp_path: Path) -> None:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1) as pool:
        results = in_order(Borrowed(pool, 1), os._exit, [3], lost=str)
        with pytest.raises(SchedulingFailed, match="worker of ProcessPoolExecutor was lost"):
            list(results)


def test_task_that_raises_cannot_be_run_by_these_workers() -> None:
    with ThreadPoolExecutor(1) as threads:
        results = in_order(Borrowed(threads, 1), int, ["1", "x"], lost=int)
        assert next(results) == 1
        with pytest.raises(SchedulingFailed, match="cannot run this: ValueError: invalid literal"):
            next(results)


class Slow(Borrowed):
    """Workers that never answer, and are looked at."""

    def __init__(self, looks: int) -> None:
        self.size = 1
        self.looks = looks
        self.given: list[Future[Any]] = []

    def submit(self, task: Any, argument: Any) -> Any:
        """Take it."""
        self.given.append(Future())
        return self.given[-1]

    def look(self) -> None:
        """Answer, or be none any more."""
        self.looks -= 1
        if self.looks == 0:
            raise SchedulingFailed("there are none")


def test_workers_are_looked_at_while_a_result_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0)
    slow = Slow(looks=5)
    with pytest.raises(SchedulingFailed, match="there are none"):
        next(in_order(slow, square, [1], lost=minus))
    assert slow.looks == 0


def test_dropped_tasks_are_an_error_and_no_endless_wait() -> None:
    slow = Slow(looks=0)
    results = in_order(slow, square, [1], lost=minus)
    slow.given[0].cancel()
    with pytest.raises(SchedulingFailed, match="dropped"):
        next(results)
