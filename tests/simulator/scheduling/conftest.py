"""A real Dask cluster on this machine: a scheduler and workers, each a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from distributed import Client


class Cluster:
    """A scheduler, and the workers that were begun so far.

    Args:
        folder: for what they write.
        allowed_failures: how many workers the scheduler loses with a task before it gives it back.
    """

    def __init__(self, folder: Path, allowed_failures: int = 3) -> None:
        self._folder = folder
        self._file = folder / "scheduler.json"
        self.workers: list[subprocess.Popen[bytes]] = []
        self._stack = ExitStack()
        settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures)}
        words = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self._file)]
        self.scheduler = self._begin("scheduler", *words, settings=settings)
        self.address = ""

    def add(self, *, nanny: bool = False, path: Path | None = None) -> None:
        """Begin a worker and wait for it."""
        words = ["--scheduler-file", str(self._file), "--nthreads", "2", "--host", "127.0.0.1"]
        words += ["--nanny" if nanny else "--no-nanny", "--local-directory", str(self._folder)]
        words += ["--death-timeout", "60"]  # without a scheduler it ends, if tests do not end it
        settings = {} if path is None else {"PYTHONPATH": str(path)}
        self.workers.append(self._begin("worker", *words, settings=settings))
        with Client(scheduler_file=str(self._file), set_as_default=False) as client:
            client.wait_for_workers(len(self.alive()))
        self.find()

    def find(self) -> str:
        """The scheduler's address, once it has one."""
        with Client(scheduler_file=str(self._file), timeout=60, set_as_default=False):
            self.address = json.loads(self._file.read_text())["address"]
        return self.address

    def alive(self) -> list[subprocess.Popen[bytes]]:
        """The workers that have not ended."""
        return [worker for worker in self.workers if worker.poll() is None]

    def end(self) -> None:
        """End all of it."""
        self._stack.close()

    def _begin(self, kind: str, *words: str, settings: dict[str, str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard", *words],
            env=os.environ | settings,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stack.callback(_end, process)
        return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def new_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Cluster]]:
    """Makes clusters, which end with the tests."""
    with ExitStack() as stack:

        def make(allowed_failures: int = 3) -> Cluster:
            cluster = Cluster(tmp_path_factory.mktemp("dask"), allowed_failures)
            stack.callback(cluster.end)
            return cluster

        yield make
