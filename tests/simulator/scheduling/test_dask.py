"""Suites on a real Dask cluster: the same log, whatever becomes of its workers."""

import ctypes
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mfalab.simulator.eventlog import Event, encode
from mfalab.simulator.fleet.simulate import Tallies, simulate
from mfalab.simulator.fleet.study import Study
from mfalab.simulator.runner import run
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.suites import collect
from mfalab.simulator.scheduling import dask as module
from mfalab.simulator.scheduling import workers as base
from mfalab.simulator.scheduling.dask import DaskWorkers
from mfalab.simulator.scheduling.workers import AHEAD, BadAddress, SchedulingFailed, in_order

NewCluster = Callable[..., Any]


def stable(events: Iterable[Event]) -> list[str]:
    """The lines of the log without what depends on the wall clock."""
    return [
        encode({key: value for key, value in event.items() if not key.startswith("wall_")})
        for event in events
    ]


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """Enough that a cluster has not begun all of them at once, one with a security key."""
    found = collect(["scenarios/profiles", "scenarios/security-keys/wrong-key.scenario.yaml"])
    assert len(found) > 4 * AHEAD
    return found


@pytest.fixture(scope="module")
def log(cases: list[Case]) -> list[str]:
    """The log of one process."""
    return stable(run(cases, seed=7))


@pytest.fixture(scope="module")
def cluster(new_cluster: NewCluster) -> Any:
    made = new_cluster()
    made.add()
    return made


@pytest.mark.parametrize("number", [1, 2, 4])
def test_log_is_the_same_for_every_number_of_workers(
    cluster: Any, cases: list[Case], log: list[str], number: int
) -> None:
    while len(cluster.alive()) < number:
        cluster.add()
    workers = DaskWorkers(cluster.address)
    assert workers.size == number
    assert stable(run(cases, seed=7, workers=workers)) == log


def test_log_is_the_same_when_a_worker_is_killed_in_the_middle(
    new_cluster: NewCluster, cases: list[Case], log: list[str]
) -> None:
    cluster = new_cluster()
    for _ in range(2):
        cluster.add()
    told, finished = [], 0
    for event in run(cases, seed=7, workers=DaskWorkers(cluster.address)):
        told.append(event)
        finished += event["kind"] == "case_finished"
        if finished == len(cases) // 3 and len(cluster.alive()) == 2:
            cluster.workers[0].kill()
            cluster.workers[0].wait()
    assert len(cluster.alive()) == 1
    assert stable(told) == log


def same(one: Tallies, other: Tallies) -> bool:
    """Whether two studies have counted the same, to the byte."""
    pairs = ((getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)


def test_study_of_a_fleet_is_the_same_on_1_2_and_4_workers_and_when_one_is_killed(
    new_cluster: NewCluster,
) -> None:
    study = Study.model_validate({"tokens": "300", "fleets": "2", "years": "0.5"})
    *_, expected = simulate(study)
    cluster = new_cluster()
    for number in (1, 2, 4):
        while len(cluster.alive()) < number:
            cluster.add()
        workers = DaskWorkers(cluster.address)
        assert workers.size == number
        *_, last = simulate(study, workers=workers, chunk=10)
        assert same(last, expected)
    steps = simulate(study, workers=DaskWorkers(cluster.address), chunk=10)
    next(steps)
    cluster.workers[0].kill()
    *_, last = steps
    assert len(cluster.alive()) == 3
    assert same(last, expected)


def test_interrupted_run_leaves_the_cluster_to_others(
    cluster: Any, cases: list[Case], log: list[str], tmp_path: Path
) -> None:
    command = [Path(sys.executable).parent / "mfalab", "run", "scenarios", "--seed", "7", "-v"]
    command += ["--scheduler", cluster.address, "--log", tmp_path / "log.jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"passed" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in told
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) > 0
    assert stable(run(cases, seed=7, workers=DaskWorkers(cluster.address))) == log


def test_task_that_kills_its_worker_is_given_up(new_cluster: NewCluster) -> None:
    """`string_at` returns the bytes that it is given, and dies of the address 0."""
    cluster = new_cluster(allowed_failures=0)
    cluster.add(nanny=True)
    workers = DaskWorkers(cluster.address)
    try:
        results = in_order(workers, ctypes.string_at, [b"a", 0, b"b", b"c"], lost=lambda _: b"lost")
        assert list(results) == [b"a", b"lost", b"b", b"c"]
    finally:
        workers.end()


def test_cluster_without_workers_any_more_ends_the_run(
    new_cluster: NewCluster, cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "LOOK_EVERY_S", 0.2)
    cluster = new_cluster()
    cluster.add()
    events = run(cases, seed=7, workers=DaskWorkers(cluster.address))
    next(events)
    cluster.workers[0].kill()
    with pytest.raises(SchedulingFailed, match="has no workers any more"):
        list(events)


def test_scheduler_that_ends_ends_the_run(
    new_cluster: NewCluster, cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "LOOK_EVERY_S", 0.2)
    monkeypatch.setattr(module, "REACHED_WITHIN_S", 2)
    cluster = new_cluster()
    cluster.add()
    events = run(cases, seed=7, workers=DaskWorkers(cluster.address))
    next(events)
    cluster.scheduler.kill()
    with pytest.raises(SchedulingFailed, match=r"dropped|no workers any more"):
        list(events)


def test_worker_of_another_release_is_told(new_cluster: NewCluster, tmp_path: Path) -> None:
    other = tmp_path / "mfalab-99.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: mfalab\nVersion: 99.0\n")
    cluster = new_cluster()
    cluster.add()
    workers = DaskWorkers(cluster.address)
    cluster.add(path=tmp_path)
    with pytest.raises(SchedulingFailed, match=r"the worker at tcp://.* has mfalab 99\.0; give it"):
        DaskWorkers(cluster.address)
    cluster.workers[0].kill()
    with pytest.raises(SchedulingFailed, match=r"it has mfalab 99\.0; give it"):
        list(in_order(workers, abs, range(100), lost=abs))
    workers.end()


@pytest.mark.parametrize("listens", [False, True], ids=["nothing there", "says nothing"])
def test_scheduler_that_does_not_answer_is_told_in_time(
    monkeypatch: pytest.MonkeyPatch, listens: bool
) -> None:
    monkeypatch.setattr(module, "REACHED_WITHIN_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not listens:
            server.close()
        with pytest.raises(SchedulingFailed, match=f"no Dask scheduler at tcp://127.0.0.1:{port}"):
            DaskWorkers(f"tcp://127.0.0.1:{port}")


def test_scheduler_without_workers_is_told(
    new_cluster: NewCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = new_cluster().find()
    monkeypatch.setattr(module, "REACHED_WITHIN_S", 1)
    with pytest.raises(SchedulingFailed, match=f"has no workers; .* dask worker {address}"):
        DaskWorkers(address)


@pytest.mark.parametrize(
    "address", ["", "host:1", "tcp://host", "http://host:1", "tcp://a b:1", "inproc://x:1"]
)
def test_address_is_tcp_or_tls_with_a_port(address: str) -> None:
    with pytest.raises(BadAddress, match="write tcp://HOST:PORT"):
        DaskWorkers(address)
