"""One decision on a code against pyotp and against the bare HMACs it cannot do without.

All compute the five candidates of a window of two steps either way: the code is that of its last
step, so none may stop early.
"""

import base64
import ctypes
import hmac
import itertools
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pyotp
import pytest

from mfalab.simulator.targets.otp.system import OtpSystem
from mfalab.simulator.workbench.target import system_under_test
from mfalab.verifier import otp
from mfalab.verifier.code_rules import decide_code, judge_pair
from mfalab.verifier.decision import Outcome
from mfalab.verifier.profile import AWS_IMMEDIATE, RFC6238, Profile
from mfalab.verifier.records import Account, Budget, Device, DeviceKind
from mfalab.verifier.store.memory import MemoryStore

NOW_S = 1_700_000_000
NOW_NS = NOW_S * 10**9
STEP = NOW_S // 30


def _liboath() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("liboath.so.0")
    except OSError:
        return None
    assert library.oath_init() == 0
    return library


LIBOATH = _liboath()
needs_liboath = pytest.mark.skipif(LIBOATH is None, reason="liboath is not installed")
BUDGET = Budget("serial", NOW_S // 180, 3)

SEEDS = {"20 bytes": b"12345678901234567890", "40 bytes": bytes(range(40))}
"""The seed of the RFCs, and one as long as AWS makes them."""


@pytest.fixture(params=SEEDS)
def seed(request: pytest.FixtureRequest, benchmark: Any) -> bytes:
    benchmark.group = f"code, seed of {request.param}"
    return SEEDS[request.param]


@pytest.fixture
def in_python(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Without the compiled part."""
    monkeypatch.setattr(otp, "COMPILED", False)
    otp.key_schedule.cache_clear()
    yield
    otp.key_schedule.cache_clear()


def device_with(seed: bytes) -> Device:
    return Device("d", DeviceKind.VIRTUAL, "serial", "1", "n", "/", 0, seed)


def nothing_used(_: int) -> bool:
    return False


def test_pyotp(benchmark: Any, seed: bytes) -> None:
    benchmark.extra_info["role"] = "peer"
    totp = pyotp.TOTP(base64.b32encode(seed).decode())
    code = otp.hotp(seed, STEP + 2)
    assert benchmark(lambda: totp.verify(code, for_time=NOW_S, valid_window=2))


@needs_liboath
def test_liboath(benchmark: Any, seed: bytes) -> None:
    """`oath_totp_validate`: a library in C, through ctypes, as one would call it."""
    benchmark.extra_info["role"] = "peer"
    library: Any = LIBOATH
    validate = library.oath_totp_validate
    validate.argtypes = [
        *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_long, ctypes.c_uint, ctypes.c_long),
        *(ctypes.c_size_t, ctypes.c_char_p),
    ]
    code = f"{otp.hotp(seed, STEP + 2)}".encode()
    assert benchmark(lambda: validate(seed, len(seed), NOW_S, 30, 0, 2, code)) == 2


def test_decision(benchmark: Any, seed: bytes) -> None:
    device, code = device_with(seed), otp.hotp(seed, STEP + 2)
    verdict = benchmark(
        lambda: decide_code(device, BUDGET, code, NOW_NS, AWS_IMMEDIATE, nothing_used)
    )
    assert verdict.outcome is Outcome.ACCEPTED


@pytest.mark.usefixtures("in_python")
def test_decision_in_python(benchmark: Any, seed: bytes) -> None:
    test_decision(benchmark, seed)


def test_decision_on_a_wrong_code(benchmark: Any, seed: bytes) -> None:
    device = device_with(seed)
    verdict = benchmark(
        lambda: decide_code(device, BUDGET, "000000", NOW_NS, AWS_IMMEDIATE, nothing_used)
    )
    assert verdict.outcome is Outcome.WRONG


def test_hmac_loop(benchmark: Any, seed: bytes) -> None:
    benchmark.extra_info["role"] = "limit"

    def loop() -> list[int]:
        values = []
        for step in range(STEP - 2, STEP + 3):
            digest = hmac.digest(seed, step.to_bytes(8, "big"), "sha1")
            start = digest[-1] & 15
            word = int.from_bytes(digest[start : start + 4], "big")
            values.append((word & 0x7FFFFFFF) % 10**6)
        return values

    assert int(otp.hotp(seed, STEP)) in benchmark(loop)


def test_decision_in_a_memory_store(decide_codes: Any, seed: bytes) -> None:
    store = MemoryStore()
    with store.transaction() as tx:
        tx.insert(Account("1", "aws", None, "root@example.com", None, True, 0))
        tx.insert(device_with(seed))
    assert decide_codes(store, seed, STEP, rounds=5000) is Outcome.ACCEPTED


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
def test_verifier_of_yours(
    benchmark: Any, seed: bytes, right: bool, pytestconfig: pytest.Config
) -> None:
    """What `--target` names, by the port that scenarios use; each accepted code is a new one."""
    system = system_under_test(pytestconfig.getoption("--target"))
    assert isinstance(system, OtpSystem)
    benchmark.extra_info["role"] = "yours"
    with closing(system.make()) as yours:
        yours.enrol("alice", seed, "SHA1", 6, 30)
        steps = itertools.count(STEP)

        def prepare() -> tuple[tuple[str, str], dict[str, Any]]:
            step = next(steps)
            yours.set_time(step * 30 * 10**9)
            code = int(otp.hotp(seed, step))
            return ("alice", otp.as_text(code if right else (code + 1) % 10**6, 6)), {}

        benchmark.pedantic(yours.attempt, setup=prepare, rounds=500, warmup_rounds=5)


@pytest.fixture
def batch(benchmark: Any) -> range:
    """8,192 steps: what the search of a pair over months computes."""
    benchmark.group = "8,192 codes of one seed"
    return range(STEP, STEP + 8_192)


def test_batch_of_pyotp(benchmark: Any, batch: range) -> None:
    benchmark.extra_info["role"] = "peer"
    generate = pyotp.TOTP(base64.b32encode(SEEDS["20 bytes"]).decode()).generate_otp
    assert len(benchmark(lambda: [generate(step) for step in batch])) == len(batch)


@needs_liboath
def test_batch_of_liboath(benchmark: Any, batch: range) -> None:
    """`oath_hotp_generate`, which writes the text of a code."""
    benchmark.extra_info["role"] = "peer"
    library: Any = LIBOATH
    generate = library.oath_hotp_generate
    generate.argtypes = [
        *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64, ctypes.c_uint),
        *(ctypes.c_bool, ctypes.c_size_t, ctypes.c_char_p),
    ]
    seed, text = SEEDS["20 bytes"], ctypes.create_string_buffer(7)
    truncation = 2**64 - 1  # OATH_HOTP_DYNAMIC_TRUNCATION

    def codes() -> list[int]:
        values = []
        for step in batch:
            generate(seed, len(seed), step, 6, False, truncation, text)
            values.append(int(text.value))
        return values

    assert benchmark(codes)[0] == int(otp.hotp(seed, STEP))


def test_batch(benchmark: Any, batch: range) -> None:
    schedule = otp.key_schedule(SEEDS["20 bytes"])
    assert len(benchmark(lambda: schedule.values(batch[0], batch[-1], 6))) == len(batch)


@pytest.mark.usefixtures("in_python")
def test_batch_in_python(benchmark: Any, batch: range) -> None:
    test_batch(benchmark, batch)


def test_batch_of_hmac_loop(benchmark: Any, batch: range) -> None:
    benchmark.extra_info["role"] = "limit"
    seed = SEEDS["20 bytes"]
    benchmark(lambda: [hmac.digest(seed, step.to_bytes(8, "big"), "sha1") for step in batch])


@pytest.mark.benchmark(group="pair")
@pytest.mark.parametrize("profile", [AWS_IMMEDIATE, RFC6238], ids=lambda profile: profile.name)
def test_pair(benchmark: Any, profile: Profile) -> None:
    seed = SEEDS["40 bytes"]
    device, last = device_with(seed), STEP + profile.pair_ahead
    first, second = otp.hotp(seed, last - 1), otp.hotp(seed, last)
    verdict = benchmark(lambda: judge_pair(device, first, second, NOW_NS, profile, nothing_used))
    assert verdict.step == last
