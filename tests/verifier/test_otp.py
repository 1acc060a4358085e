"""One-time code arithmetic against the RFCs' vectors and against pyotp."""

import base64
import hashlib
import subprocess
import sys

import pyotp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfalab.verifier import otp

DIGITS_20 = b"12345678901234567890"
SEEDS = {
    "SHA1": DIGITS_20,
    "SHA256": (DIGITS_20 * 2)[:32],
    "SHA512": (DIGITS_20 * 4)[:64],
}
RFC_4226_CODES = (
    *("755224", "287082", "359152", "969429", "338314"),
    *("254676", "287922", "162583", "399871", "520489"),
)
HASHES = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}


@pytest.mark.parametrize(
    ("counter", "code"),
    list(enumerate(RFC_4226_CODES)),
)
def test_codes_are_those_of_rfc_4226_appendix_d(twin: str, counter: int, code: str) -> None:
    assert otp.hotp(DIGITS_20, counter) == code


@pytest.mark.parametrize(
    ("time_s", "sha1", "sha256", "sha512"),
    [
        (59, "94287082", "46119246", "90693936"),
        (1111111109, "07081804", "68084774", "25091201"),
        (1111111111, "14050471", "67062674", "99943326"),
        (1234567890, "89005924", "91819424", "93441116"),
        (2000000000, "69279037", "90698825", "38618901"),
        (20000000000, "65353130", "77737706", "47863826"),
    ],
)
def test_codes_are_those_of_rfc_6238_appendix_b(
    twin: str, time_s: int, sha1: str, sha256: str, sha512: str
) -> None:
    for algorithm, code in (("SHA1", sha1), ("SHA256", sha256), ("SHA512", sha512)):
        now_ns = time_s * 10**9
        assert otp.totp(SEEDS[algorithm], now_ns, digits=8, algorithm=algorithm) == code


@pytest.mark.parametrize(
    ("counter", "code"),
    [
        (44, "000152"),
        (366, "000866"),
        (1828, "000801"),
        (910737, "911617"),
        (910738, "911617"),
        (1300575, "761737"),
        (1300576, "761737"),
        (71582788, "703886"),
        (2**32 // 30, "791428"),
    ],
)
def test_codes_with_leading_zeros_equal_neighbours_and_2038_are_known(
    twin: str, counter: int, code: str
) -> None:
    assert otp.hotp(DIGITS_20, counter) == code


@settings(deadline=None)
@given(
    secret=st.binary(min_size=14, max_size=200),
    counter=st.integers(0, 2**63),
    digits=st.integers(6, 8),
    algorithm=st.sampled_from(sorted(HASHES)),
)
def test_codes_are_those_of_pyotp(secret: bytes, counter: int, digits: int, algorithm: str) -> None:
    theirs = pyotp.HOTP(
        base64.b32encode(secret).decode(), digits=digits, digest=HASHES[algorithm]
    ).at(counter)
    assert otp.hotp(secret, counter, digits=digits, algorithm=algorithm) == theirs


@pytest.mark.parametrize("length", [1, 20, 63, 64, 65, 127, 128, 129])
@pytest.mark.parametrize("algorithm", sorted(HASHES))
def test_key_longer_than_the_block_is_hashed_first(twin: str, length: int, algorithm: str) -> None:
    block = 128 if algorithm == "SHA512" else 64
    secret = bytes(range(length))
    if length > block:
        shorter = HASHES[algorithm](secret).digest()
        assert otp.hotp(secret, 7, algorithm=algorithm) == otp.hotp(shorter, 7, algorithm=algorithm)
    elif 0 < length < block:
        padded = secret + b"\0"
        assert otp.hotp(secret, 7, algorithm=algorithm) == otp.hotp(padded, 7, algorithm=algorithm)


def test_ten_digits_keep_the_whole_truncated_value(twin: str) -> None:
    assert otp.hotp(DIGITS_20, 0, digits=10) == "1284755224"
    assert otp.hotp(DIGITS_20, 1, digits=10) == "1094287082"


# The compiled twin


@pytest.mark.usefixtures("compiled_codes")
@given(
    algorithm=st.sampled_from(["SHA1", "SHA256"]),
    secret=st.binary(min_size=1, max_size=200),
    digits=st.integers(6, 10),
    low=st.one_of(
        st.integers(0, 2**63), st.integers(2**32 - 20, 2**32), st.integers(2**64 - 60, 2**64 - 40)
    ),
    count=st.integers(0, 40),
)
@settings(deadline=None, max_examples=300)
def test_twins_are_equal(algorithm: str, secret: bytes, digits: int, low: int, count: int) -> None:
    compiled, python = (
        make(secret, algorithm).values(low, low + count - 1, digits)
        for make in (otp.CompiledKeySchedule, otp.KeySchedule)
    )
    assert compiled == python


@pytest.mark.parametrize(("low", "high"), [(-1, 0), (2**64 - 1, 2**64), (2**64, 2**64 + 7)])
def test_neither_twin_has_counters_outside_64_bits(twin: str, low: int, high: int) -> None:
    with pytest.raises(OverflowError):
        otp.key_schedule(DIGITS_20).values(low, high, 6)


@pytest.mark.parametrize(("low", "high"), [(1, 0), (0, -1), (0, -(2**70)), (5, 2)])
def test_neither_twin_has_codes_of_no_counters(twin: str, low: int, high: int) -> None:
    assert otp.key_schedule(DIGITS_20).values(low, high, 6) == []


def test_neither_twin_tells_its_secret(twin: str) -> None:
    schedule = otp.key_schedule(DIGITS_20)
    assert repr(schedule).startswith("<mfalab.")
    assert not hasattr(schedule, "__dict__")


@pytest.mark.usefixtures("compiled_codes")
def test_compiled_code_refuses_what_is_no_schedule() -> None:
    from mfalab.verifier.otp_core import schedule, values

    key = schedule("SHA1", bytes(64))
    assert len(values(key, 0, 0, 10**6)) == 1
    for algorithm, block in (("SHA512", bytes(128)), ("SHA1", bytes(63)), ("MD5", bytes(64))):
        with pytest.raises(ValueError, match=algorithm):
            schedule(algorithm, block)
    for arguments in ((key[:-1], 0, 0, 10), (b"\xff" * len(key), 0, 0, 10), (key, 0, 0, 0)):
        with pytest.raises(ValueError, match="no schedule"):
            values(*arguments)
    with pytest.raises(ValueError, match="no counters"):
        values(key, 0, 2**64 - 1, 10)
    with pytest.raises(TypeError):
        values(key, 0, 0)  # type: ignore[call-arg] - it is compiled, and checks for itself


def test_codes_are_the_same_where_nothing_was_compiled() -> None:
    text = (
        "import sys; sys.modules['mfalab.verifier.otp_core'] = None;"
        "from mfalab.verifier import otp; print(otp.COMPILED, otp.hotp(b'12345678901234567890', 0))"
    )
    said = subprocess.check_output([sys.executable, "-c", text], text=True)
    assert said == f"False {RFC_4226_CODES[0]}\n"


@settings(deadline=None)
@given(low=st.integers(0, 2**40), count=st.integers(0, 20))
def test_values_of_a_range_are_the_codes_of_its_counters(low: int, count: int) -> None:
    values = otp.key_schedule(DIGITS_20).values(low, low + count - 1, 6)
    assert [otp.as_text(value, 6) for value in values] == [
        otp.hotp(DIGITS_20, low + index) for index in range(count)
    ]


@pytest.mark.parametrize(
    ("time_ns", "step"),
    [(-1, -1), (-30 * 10**9, -1), (-30 * 10**9 - 1, -2), (0, 0), (30 * 10**9 - 1, 0)],
)
def test_steps_before_the_epoch_are_floored_and_not_truncated(time_ns: int, step: int) -> None:
    assert otp.step_at(time_ns, 30) == step


def test_there_is_no_step_boundary_at_the_end_of_32_bit_time() -> None:
    assert otp.step_at((2**31 - 1) * 10**9, 30) == otp.step_at(2**31 * 10**9, 30) == 71582788


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12345",
        "1234567",
        "123 56",
        " 12345",
        "12345 ",
        "12345\n",
        "12345\N{NO-BREAK SPACE}",
        "+12345",
        "-12345",
        "12_345",
        "1234.5",
        "12345a",
        "\N{FULLWIDTH DIGIT ONE}23456",
        "\N{SUPERSCRIPT TWO}23456",
        "\N{CIRCLED DIGIT ONE}23456",
        "\N{ARABIC-INDIC DIGIT ONE}23456",
    ],
)
def test_only_the_exact_number_of_ascii_digits_is_a_code(typed: str) -> None:
    assert otp.typed_value(typed, 6) == -1


def test_leading_zeros_are_part_of_a_code() -> None:
    assert otp.typed_value("000152", 6) == 152
    assert otp.typed_value("152", 6) == -1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"algorithm": "MD5"}, "SHA1, SHA256, SHA512"),
        ({"digits": 5}, "6 to 10"),
        ({"digits": 11}, "6 to 10"),
        ({"counter": -1}, "64 bits"),
        ({"counter": 2**64}, "64 bits"),
        ({"secret": b""}, "empty secret"),
    ],
)
def test_impossible_arguments_are_named(arguments: dict[str, object], words: str) -> None:
    given: dict[str, object] = {"secret": DIGITS_20, "counter": 0} | arguments
    with pytest.raises(ValueError, match=words):
        otp.hotp(**given)  # type: ignore[arg-type] - a table of single wrong arguments
