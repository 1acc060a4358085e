"""Your verify function beside ours: a whole GetSessionToken of the embedded verifier.

Both are asked with codes of one fob, a new code for each round, and neither takes a code twice.

    $ pytest test_bench.py --benchmark-columns=min,median,ops
"""

from collections.abc import Callable
from typing import Any

import pytest
from login_app import User

from mfalab import Lab, LabClock
from mfalab.devices.otp.token import HardwareToken
from mfalab.verifier import Verifier

NextCode = Callable[[], tuple[tuple[str], dict[str, Any]]]


@pytest.fixture
def next_code(fob: HardwareToken, clock: LabClock) -> NextCode:
    """Lets a time step pass and reads the fob: the arguments of a round."""

    def read() -> tuple[tuple[str], dict[str, Any]]:
        clock.advance("30 s")
        return (fob.read_code(),), {}

    return read


def test_yours(benchmark: Any, next_code: NextCode, fob: HardwareToken, clock: LabClock) -> None:
    user = User("", fob.seed.secret_base32)

    def verify(code: str) -> bool:
        return user.accepts(code, clock.now())

    assert benchmark.pedantic(verify, setup=next_code, rounds=300)


def test_ours(benchmark: Any, next_code: NextCode, lab: Lab, verifier: Verifier) -> None:
    lab.enable(who="alice", device="fob")
    serial = lab.device("fob").known_serial()
    sts = verifier.sts(lab.person("alice").credentials(None))

    def verify(code: str) -> dict[str, Any]:
        return sts.get_session_token(SerialNumber=serial, TokenCode=code)

    assert benchmark.pedantic(verify, setup=next_code, rounds=300)["Credentials"]
