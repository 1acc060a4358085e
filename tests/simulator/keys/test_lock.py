"""Two runs never share a thing, and no lock outlives its process."""

import signal
import subprocess
import sys

import pytest

from mfalab.simulator.keys.lock import InUse, Lock

HOLDS = """
import sys, time
from mfalab.simulator.keys.lock import Lock
held = Lock("the key", "test", sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def another_process(identity: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, identity],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_thing_is_held_by_one_process(tmp_path: object) -> None:
    identity = str(tmp_path)
    with another_process(identity) as other:
        with pytest.raises(InUse, match=rf"the key is in use by process {other.pid} \("):
            Lock("the key", "test", identity)
        Lock("the key", "test", identity, "another port").release()
        assert other.stdin is not None
        other.stdin.close()
        other.wait()
    Lock("the key", "test", identity).release()


def test_kill_leaves_no_lock(tmp_path: object) -> None:
    with another_process(str(tmp_path)) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
    held = Lock("the key", "test", str(tmp_path))
    with pytest.raises(InUse):
        Lock("the key", "test", str(tmp_path))
    held.release()
    held.release()
    Lock("the key", "test", str(tmp_path)).release()
