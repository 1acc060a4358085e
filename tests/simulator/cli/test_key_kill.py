"""Kill -9 of the process that plugs a key in leaves no device, no lock, no half-written key."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "guest" / "killed_while_plugged.py"


@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_the_key_as_its_clients_know_it() -> None:
    """The same script plugs it into the kernel when it runs in a guest."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "tcp", "36"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "36 rounds over tcp left nothing behind" in done.stdout
