"""`mfalab run --scheduler`: mistakes are told in one line."""

from typing import Any

import pytest

from mfalab.simulator.scheduling import dask

Cli = Any
NOWHERE = "tcp://127.0.0.1:1"


@pytest.mark.parametrize("address", ["nonsense", "http://127.0.0.1:8786"])
def test_address_of_another_kind_is_bad_usage(mfalab: Cli, address: str) -> None:
    ran = mfalab("run", "-k", "replay", "--scheduler", address)
    assert ran.code == 2
    assert f'--scheduler: "{address}" is no address of a scheduler; write tcp://' in ran.err


def test_scheduler_that_is_not_there_is_not_ready(
    mfalab: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask, "REACHED_WITHIN_S", 1)
    ran = mfalab("run", "-k", "replay", "--scheduler", NOWHERE)
    assert ran.code == 3
    assert ran.err.startswith(f"Error: there is no Dask scheduler at {NOWHERE}: ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "word"),
    [(("-j", "2"), "-j"), (("--lab", "lab.yaml"), "--lab"), (("--record", "out"), "--record")],
)
def test_what_is_of_this_machine_is_left_out(
    mfalab: Cli, words: tuple[str, ...], word: str
) -> None:
    ran = mfalab("run", "-k", "replay", "--scheduler", NOWHERE, *words)
    assert ran.code == 2
    assert f"{word} is of this machine: leave it out with --scheduler" in ran.err
