import base64
import datetime

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.otp.hotp import HashAlgorithm, hotp
from mfalab.devices.otp.totp import time_step, totp_at_step, until_next_step_ns

S = 1_000_000_000
SHA1, SHA256, SHA512 = HashAlgorithm
KEY_20 = b"12345678901234567890"
# The RFC prints the 20-byte key only; erratum 2866 gives each hash its own length.
KEYS = {SHA1: KEY_20, SHA256: (KEY_20 * 2)[:32], SHA512: (KEY_20 * 4)[:64]}

RFC_6238_APPENDIX_B = (
    (59, 0x1, "94287082", "46119246", "90693936"),
    (1111111109, 0x23523EC, "07081804", "68084774", "25091201"),
    (1111111111, 0x23523ED, "14050471", "67062674", "99943326"),
    (1234567890, 0x273EF07, "89005924", "91819424", "93441116"),
    (2000000000, 0x3F940AA, "69279037", "90698825", "38618901"),
    (20000000000, 0x27BC86AA, "65353130", "77737706", "47863826"),
)
WITH_THE_20_BYTE_KEY = (
    (59, "32247374", "69342147"),
    (1111111109, "34756375", "63049338"),
    (1111111111, "74584430", "54380122"),
    (1234567890, "42829826", "76671578"),
    (2000000000, "78428693", "56464532"),
    (20000000000, "24142410", "69481994"),
)


def totp(
    secret: bytes,
    now_ns: int,
    digits: int = 6,
    algorithm: HashAlgorithm = SHA1,
    period_s: int = 30,
    t0_s: int = 0,
) -> str:
    return totp_at_step(secret, time_step(now_ns, period_s, t0_s), digits, algorithm)


@pytest.mark.parametrize(("now_s", "step", "sha1", "sha256", "sha512"), RFC_6238_APPENDIX_B)
def test_rfc_6238_appendix_b(now_s: int, step: int, sha1: str, sha256: str, sha512: str) -> None:
    assert time_step(now_s * S) == step
    assert totp(KEYS[SHA1], now_s * S, 8, SHA1) == sha1
    assert totp(KEYS[SHA256], now_s * S, 8, SHA256) == sha256
    assert totp(KEYS[SHA512], now_s * S, 8, SHA512) == sha512


@pytest.mark.parametrize(("now_s", "sha256", "sha512"), WITH_THE_20_BYTE_KEY)
def test_the_printed_key_gives_other_codes_for_the_longer_hashes(
    now_s: int, sha256: str, sha512: str
) -> None:
    assert totp(KEY_20, now_s * S, 8, SHA256) == sha256
    assert totp(KEY_20, now_s * S, 8, SHA512) == sha512


@pytest.mark.parametrize(
    ("now_s", "code"), [((1 << 31) - 1, "703886"), (1 << 31, "703886"), (1 << 32, "791428")]
)
def test_nothing_happens_in_2038_and_2106(now_s: int, code: str) -> None:
    assert totp(KEY_20, now_s * S) == code


def test_the_last_second_of_the_year_9999() -> None:
    assert time_step(253402300799 * S) == 8446743359


@pytest.mark.parametrize(
    ("now_ns", "step"),
    [(0, 0), (30 * S - 1, 0), (30 * S, 1), (-1, -1), (-30 * S, -1), (-30 * S - 1, -2)],
)
def test_steps_are_rounded_down_on_both_sides_of_the_epoch(now_ns: int, step: int) -> None:
    assert time_step(now_ns) == step


def test_steps_count_from_t0() -> None:
    assert time_step(1000 * S, 60, 940) == 1
    assert time_step(939 * S, 60, 940) == -1
    assert totp(KEY_20, 1000 * S, period_s=60, t0_s=940) == hotp(KEY_20, 1)


def test_step_before_t0_is_hashed_in_twos_complement() -> None:
    assert totp_at_step(KEY_20, -1) == hotp(KEY_20, (1 << 64) - 1)


@pytest.mark.parametrize(
    ("now_ns", "left_ns"), [(0, 30 * S), (1, 30 * S - 1), (29 * S, S), (-1, 1), (-S, S)]
)
def test_time_left_in_a_step(now_ns: int, left_ns: int) -> None:
    assert until_next_step_ns(now_ns) == left_ns


@given(
    secret=st.binary(min_size=14, max_size=140),
    now_s=st.integers(0, 253402300799),
    digits=st.integers(6, 10),
    period_s=st.sampled_from([30, 60]),
)
def test_any_code_agrees_with_pyotp(secret: bytes, now_s: int, digits: int, period_s: int) -> None:
    judge = pyotp.TOTP(base64.b32encode(secret).decode(), digits=digits, interval=period_s)
    moment = datetime.datetime.fromtimestamp(now_s, datetime.UTC)
    assert totp(secret, now_s * S, digits, period_s=period_s) == judge.at(moment)
