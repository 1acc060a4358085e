import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.otp.hotp import HashAlgorithm, hotp

RFC_KEY = b"12345678901234567890"
RFC_4226_APPENDIX_D = (
    "755224", "287082", "359152", "969429", "338314",
    "254676", "287922", "162583", "399871", "520489",
)  # fmt: skip


@pytest.mark.parametrize(("counter", "code"), [*enumerate(RFC_4226_APPENDIX_D)])
def test_rfc_4226_appendix_d(counter: int, code: str) -> None:
    assert hotp(RFC_KEY, counter) == code


@pytest.mark.parametrize(("counter", "code"), [(44, "000152"), (366, "000866"), (1828, "000801")])
def test_leading_zeros_are_kept(counter: int, code: str) -> None:
    assert hotp(RFC_KEY, counter) == code


@pytest.mark.parametrize(("first", "code"), [(910737, "911617"), (1300575, "761737")])
def test_neighbouring_counters_can_have_equal_codes(first: int, code: str) -> None:
    assert hotp(RFC_KEY, first) == hotp(RFC_KEY, first + 1) == code


def test_ten_digits_show_the_whole_truncated_value() -> None:
    assert hotp(RFC_KEY, 0, digits=10) == "1284755224"
    assert hotp(RFC_KEY, 1, digits=10) == "1094287082"


@pytest.mark.parametrize("counter", [-1, 1 << 64])
def test_counter_beyond_eight_bytes_is_refused(counter: int) -> None:
    with pytest.raises(ValueError, match=f"counter {counter} does not fit 8 bytes"):
        hotp(RFC_KEY, counter)


@pytest.mark.parametrize("digits", [0, 5, 11])
def test_unusual_lengths_are_refused(digits: int) -> None:
    with pytest.raises(ValueError, match=f"cannot have {digits} digits"):
        hotp(RFC_KEY, 0, digits)


@pytest.mark.parametrize("length", [16, 20, 40, 63, 64, 65, 127, 128, 129, 200])
@pytest.mark.parametrize("algorithm", HashAlgorithm)
def test_keys_around_the_hash_block_agree_with_pyotp(length: int, algorithm: HashAlgorithm) -> None:
    secret = bytes(range(length))
    assert hotp(secret, 7, 8, algorithm) == judge(secret, algorithm, 8).at(7)


@given(
    secret=st.binary(min_size=14, max_size=140),
    counter=st.integers(0, (1 << 64) - 1),
    digits=st.integers(6, 10),
    algorithm=st.sampled_from(HashAlgorithm),
)
def test_any_code_agrees_with_pyotp(
    secret: bytes, counter: int, digits: int, algorithm: HashAlgorithm
) -> None:
    assert hotp(secret, counter, digits, algorithm) == judge(secret, algorithm, digits).at(counter)


def judge(secret: bytes, algorithm: HashAlgorithm, digits: int) -> pyotp.HOTP:
    import base64
    import hashlib

    text = base64.b32encode(secret).decode()
    digest = getattr(hashlib, algorithm.value.lower())
    return pyotp.HOTP(text, digits=digits, digest=digest)
