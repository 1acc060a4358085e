"""Your verify function beside ours: a whole GetSessionToken of the embedded verifier.

Both are asked with codes of one fob, a new code for each round, and neither takes a code twice.

    $ pytest test_bench.py --benchmark-columns=min,median,ops
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from login_app import User

from mfalab import Lab, Timeline
from mfalab.devices.otp.token import HardwareToken
from mfalab.verifier import Verifier

NextCode = Callable[[], tuple[tuple[str], dict[str, Any]]]


@pytest.fixture
def next_code(fob: HardwareToken, clock: Timeline) -> NextCode:
    """Lets a time step pass and reads the fob: the arguments of a round."""

    def read() -> tuple[tuple[str], dict[str, Any]]:
        clock.advance(30 * 10**9)
        return (fob.read_code(),), {}

    return read


def test_yours(benchmark: Any, next_code: NextCode, fob: HardwareToken, clock: Timeline) -> None:
    user = User("", base64.b32encode(fob.seed.secret).decode())

    def verify(code: str) -> bool:
        return user.accepts(code, datetime.fromtimestamp(clock.now_ns() / 10**9, UTC))

    assert benchmark.pedantic(verify, setup=next_code, rounds=300)


def test_ours(benchmark: Any, next_code: NextCode, lab: Lab, verifier: Verifier) -> None:
    lab.enable(who="alice", device="fob")
    serial = lab.device("fob").known_serial()
    sts = verifier.sts(lab.person("alice").credentials(None))

    def verify(code: str) -> dict[str, Any]:
        return sts.get_session_token(SerialNumber=serial, TokenCode=code)

    assert benchmark.pedantic(verify, setup=next_code, rounds=300)["Credentials"]
