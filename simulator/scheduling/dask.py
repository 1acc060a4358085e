"""Tasks on a Dask cluster, by its scheduler's address.

Tasks and results are pickles, which run whatever they say: they go to that scheduler and its
workers, and what comes back is trusted as they are. `tls://` encrypts and proves both ends, with
the certificates of Dask's own settings.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from typing import Any, TypeVar

from distributed import Client
from distributed.comm.core import connect
from distributed.scheduler import KilledWorker
from distributed.security import Security

from mfalab.simulator.scheduling.workers import BadAddress, SchedulingFailed, Workers

REACHED_WITHIN_S = 10
"""How long a scheduler and its first worker are waited for."""
LOOKS = 6
"""How often no worker may be seen, one look after the other, until there are none."""
# Dask's functions have no types.
_CLIENT: Any = Client
_CONNECT: Any = connect
_SECURITY: Any = Security
_ADDRESS = re.compile(r"(tcp|tls)://[^\s/@]+:\d{1,5}")

A = TypeVar("A")
R = TypeVar("R")


class DaskWorkers(Workers):
    """The workers of a Dask cluster, each of which must have this mfalab.

    A worker that is lost costs a retry of what it ran, by the scheduler itself; a task that is lost
    with more workers than its `allowed-failures` comes back.

    Args:
        address: the scheduler's, `tcp://HOST:PORT` or `tls://HOST:PORT`.

    Raises:
        BadAddress: the address is none.
        SchedulingFailed: nothing answers there in time, there are no workers, or one has another
            mfalab.
    """

    def __init__(self, address: str) -> None:
        if not _ADDRESS.fullmatch(address):
            raise BadAddress(f'"{address}" is no address of a scheduler; write tcp://HOST:PORT')
        self._address = address
        self._release = version("mfalab")
        # What goes wrong is told by us, once. These are the loggers with a level of their own.
        for name in ("distributed", "distributed.client", "tornado", "tornado.application"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            with ThreadPoolExecutor(1) as apart:  # Playwright leaves a loop in this one
                apart.submit(lambda: asyncio.run(_greet(address))).result()
            self._client = _CLIENT(
                address,
                timeout=REACHED_WITHIN_S,
                set_as_default=False,
                # Results come through the scheduler, so that its port is the only one to reach.
                direct_to_workers=False,
            )
        except (OSError, ValueError) as error:
            why = str(error.__cause__ or error).partition("\n")[0] or "it does not answer"
            raise SchedulingFailed(f"there is no Dask scheduler at {address}: {why}") from None
        try:
            self.size = self._checked_workers()
        except BaseException:
            self._client.close()
            raise
        self._executor = self._client.get_executor(pure=False)
        self._looks = 0

    def submit(self, task: Callable[[A], R], argument: A) -> Future[R]:
        """See `Workers`."""
        future: Future[R] = self._executor.submit(_as_here, self._release, task, argument)
        return future

    def losses(self, error: BaseException) -> int:
        """See `Workers`."""
        return error.allowed_failures + 1 if isinstance(error, KilledWorker) else 0

    def renew(self) -> None:
        """See `Workers`: the scheduler does."""

    def look(self) -> None:
        """See `Workers`."""
        try:
            there = len(self._client.scheduler_info(n_workers=1)["workers"])
        except (OSError, RuntimeError):
            there = 0
        self._looks = 0 if there else self._looks + 1
        if self._looks >= LOOKS:
            raise SchedulingFailed(f"the scheduler at {self._address} has no workers any more")

    def end(self) -> None:
        """See `Workers`: what has begun is ended by its worker, and not looked at."""
        self._executor.shutdown(wait=False)
        self._client.close()

    def _checked_workers(self) -> int:
        """The number of workers.

        Raises:
            SchedulingFailed: there are none, or one has another mfalab.
        """
        try:
            self._client.wait_for_workers(1, timeout=REACHED_WITHIN_S)
        except TimeoutError:
            raise SchedulingFailed(
                f"the scheduler at {self._address} has no workers; begin one with: "
                f"dask worker {self._address}"
            ) from None
        # A function of the standard library, which every worker can be asked for.
        told = self._client.run(version, "mfalab", on_error="return")
        for worker, theirs in sorted(told.items()):
            if theirs != self._release:
                has = f"has mfalab {theirs}" if isinstance(theirs, str) else "has no mfalab"
                raise SchedulingFailed(
                    f"the worker at {worker} {has}; give it mfalab {self._release}"
                )
        return len(told)


def _as_here(release: str, task: Callable[[A], R], argument: A) -> R:
    """Run a task in a worker, which may have joined later than others were asked.

    Raises:
        SchedulingFailed: it is of another mfalab, and would do something else.
    """
    theirs = version("mfalab")
    if theirs != release:
        raise SchedulingFailed(f"it has mfalab {theirs}; give it mfalab {release}")
    return task(argument)


async def _greet(address: str) -> None:
    """Shake hands with a scheduler: a client would wait for ever for one that says nothing."""
    settings = _SECURITY().get_connection_args("client")
    comm = await asyncio.wait_for(_CONNECT(address, **settings), REACHED_WITHIN_S)
    comm.abort()
