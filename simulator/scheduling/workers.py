"""Tasks on any `concurrent.futures.Executor`: in order, some at a time, again after a loss.

A task is a function of one argument whose result depends on nothing else, so it may run anywhere,
and more than once. When a worker is lost, it is not known which of the tasks under way ended it.
Those without a result run again, one at a time, so that the one that ends its worker is known. It
is given up after `LOSSES` losses, and the others go on.
"""

import os
import pickle
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from shutil import rmtree
from signal import SIG_DFL, SIGHUP, SIGINT, SIGTERM, signal
from tempfile import NamedTemporaryFile, TemporaryDirectory
from threading import Thread
from typing import Generic, TypeVar

AHEAD = 8
"""How many tasks for each worker run, or wait to be run or read, at one time."""
LOSSES = 3
"""How many workers are lost with a task until it is given up."""
LOOK_EVERY_S = 5.0
"""How long a result is waited for until it is looked whether there are workers left."""

A = TypeVar("A")
R = TypeVar("R")


class SchedulingFailed(Exception):
    """There are no workers left, or those that are there cannot run the tasks."""


class BadAddress(ValueError):
    """What was given is no address of a scheduler."""


class Workers(ABC):
    """An executor, and what becomes of it when it loses a worker.

    Attributes:
        size: how many tasks run at one time.
    """

    size: int

    @abstractmethod
    def submit(self, task: Callable[[A], R], argument: A) -> Future[R]:
        """Have a task run."""

    def losses(self, error: BaseException) -> int:
        """How many workers were lost if a future has this exception; 0 for another exception."""
        return int(isinstance(error, BrokenExecutor))

    @abstractmethod
    def renew(self) -> None:
        """Be ready again after a loss.

        Raises:
            SchedulingFailed: that cannot be.
        """

    def look(self) -> None:  # noqa: B027 # those that cannot be lost need none
        """Look whether there are workers left; called now and then while a result is waited for.

        Raises:
            SchedulingFailed: there are none.
        """

    @abstractmethod
    def end(self) -> None:
        """Drop what has not begun."""


class Borrowed(Workers):
    """An executor of the caller's, of whatever kind. A broken one ends the run.

    Args:
        executor: stays open.
        size: how many tasks it runs at one time.
    """

    def __init__(self, executor: Executor, size: int) -> None:
        self.size = size
        self._executor = executor

    def submit(self, task: Callable[[A], R], argument: A) -> Future[R]:
        """See `Workers`."""
        return self._executor.submit(task, argument)

    def renew(self) -> None:
        """See `Workers`."""
        raise SchedulingFailed(f"a worker of {type(self._executor).__name__} was lost")

    def end(self) -> None:
        """See `Workers`."""


class Processes(Workers):
    """Processes of this machine, which end with this one.

    Their results come by files, and only the names of these through the pool's pipe: a pool whose
    worker is killed in the middle of a long message waits for the rest of it for ever. A name is
    short enough to be written whole or not at all (`PIPE_BUF`).

    Args:
        size: how many.

    Raises:
        SchedulingFailed: there is no place for such files.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        try:
            self._folder = TemporaryDirectory(prefix="mfalab-results-")
        except OSError as error:
            why = f"there is no usable temporary folder for results: {error.strerror}"
            raise SchedulingFailed(why) from error
        self._pool = ProcessPoolExecutor(
            size, initializer=_begin_worker, initargs=(self._folder.name,)
        )

    def submit(self, task: Callable[[A], R], argument: A) -> Future[R]:
        """See `Workers`."""
        result: Future[R] = Future()
        try:
            written = self._pool.submit(_write_result, task, argument, self._folder.name)
        except BrokenExecutor as error:
            result.set_exception(error)
        else:
            written.add_done_callback(lambda done: _hand_on(done, result))
        return result

    def renew(self) -> None:
        """See `Workers`."""
        self._pool.shutdown()
        # By now there are threads, whose locks a fork would copy as they are.
        self._pool = ProcessPoolExecutor(
            self.size,
            mp_context=get_context("spawn"),
            initializer=_begin_worker,
            initargs=(self._folder.name,),
        )

    def end(self) -> None:
        """See `Workers`."""
        self._pool.shutdown(cancel_futures=True)
        self._folder.cleanup()


def in_order(
    workers: Workers, task: Callable[[A], R], arguments: Iterable[A], *, lost: Callable[[A], R]
) -> Iterator[R]:
    """The results of a task for each argument, in the order of the arguments.

    The first tasks are begun at once, and one more for each result that is taken.

    Args:
        workers: what runs them; the caller ends it.
        task: a function that workers know by its name.
        arguments: read as far as tasks are under way.
        lost: the result for an argument whose task ended its worker again and again.

    Raises:
        SchedulingFailed: there are no workers left, or they cannot run the task.
    """
    waiting = (_Task(each, workers.submit(task, each)) for each in arguments)
    under_way = deque(islice(waiting, workers.size * AHEAD))
    return _results(workers, task, under_way, waiting, lost)


@dataclass(slots=True)
class _Task(Generic[A, R]):
    """A task under way."""

    argument: A
    future: Future[R]


def _results(
    workers: Workers,
    task: Callable[[A], R],
    under_way: deque[_Task[A, R]],
    waiting: Iterator[_Task[A, R]],
    lost: Callable[[A], R],
) -> Iterator[R]:
    while under_way:
        if _losses(workers, under_way[0].future):
            _run_again(workers, task, under_way, lost)
        result = under_way.popleft().future.result()
        under_way.extend(islice(waiting, 1))
        yield result


def _run_again(
    workers: Workers,
    task: Callable[[A], R],
    under_way: Iterable[_Task[A, R]],
    lost: Callable[[A], R],
) -> None:
    """Run what was lost together again, one task after the other."""
    found = [(each, _losses(workers, each.future)) for each in under_way]
    workers.renew()
    for each, together in found:
        # As one of several under way it is not known to be the cause, however often.
        known = min(together, LOSSES - 1)
        alone = together
        while alone and known < LOSSES:
            each.future = workers.submit(task, each.argument)
            alone = _losses(workers, each.future)
            known += alone
            if alone:
                workers.renew()
        if known >= LOSSES:
            each.future = Future()
            each.future.set_result(lost(each.argument))


def _losses(workers: Workers, future: Future[R]) -> int:
    """How many workers were lost with a task; 0 when it has its result, which is waited for."""
    while True:
        try:
            error = future.exception(LOOK_EVERY_S)
        except TimeoutError:
            workers.look()
            continue
        except CancelledError:
            raise SchedulingFailed("the scheduler dropped what was under way") from None
        if error is None:
            return 0
        losses = workers.losses(error)
        if not losses:
            why = f"{type(error).__name__}: {error}"
            raise SchedulingFailed(f"a worker cannot run this: {why}") from error
        return losses


def _write_result(task: Callable[[A], R], argument: A, folder: str) -> str:
    """In a worker: run a task; the name of the file with its result."""
    result = task(argument)
    try:
        with NamedTemporaryFile(dir=folder, delete=False) as file:
            pickle.dump(result, file)
    except OSError as error:
        raise OSError(error.errno, error.strerror, folder) from None
    return file.name


def _hand_on(written: Future[str], result: Future[R]) -> None:
    """Give a task's future what a worker wrote, or why there is nothing."""
    if written.cancelled():
        result.cancel()
        return
    error = written.exception()
    if error is None:
        try:
            file = Path(written.result())
            value = pickle.loads(file.read_bytes())  # noqa: S301 - of our own worker
            file.unlink()
        except Exception as unreadable:
            result.set_exception(unreadable)
        else:
            result.set_result(value)
    else:
        result.set_exception(error)


def _begin_worker(folder: str) -> None:
    """Make a signal end a worker without a traceback, and the end of its parent, too."""
    for each in (SIGINT, SIGTERM, SIGHUP):
        signal(each, SIG_DFL)
    Thread(target=_end_with_parent, args=(folder,), daemon=True).start()


def _end_with_parent(folder: str) -> None:
    """Wait until the parent is no more, whatever ended it, and end this process.

    A parent that was killed has not removed the results that it had not read.
    """
    parent = parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    rmtree(folder, ignore_errors=True)
    os._exit(1)
