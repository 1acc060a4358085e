import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.otp.seed import OtpKind, OtpSeed, decode_base32, decode_hex


def test_repr_hides_the_secret() -> None:
    seed = OtpSeed(b"very secret indeed")
    assert "very" not in repr(seed)
    assert seed.secret_base32 not in repr(seed)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"secret": b""}, "the secret is empty"),
        ({"digits": 5}, "cannot have 5 digits"),
        ({"digits": 11}, "cannot have 11 digits"),
        ({"period_s": 0}, "cannot last 0 s"),
        ({"counter": -1}, "counter -1"),
        ({"counter": 1 << 64}, "does not fit 8 bytes"),
    ],
)
def test_impossible_parameters_are_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        OtpSeed(**({"secret": b"12345678901234567890"} | fields))


def test_a_seed_knows_its_codes() -> None:
    timed = OtpSeed(b"12345678901234567890", digits=8)
    assert timed.code_at_step(timed.step_at(59_000_000_000)) == "94287082"
    counted = OtpSeed(b"12345678901234567890", OtpKind.HOTP)
    assert counted.code_at_step(0) == "755224"
    with pytest.raises(ValueError, match="counter -1"):
        counted.code_at_step(-1)


@given(st.binary(min_size=1, max_size=80), st.booleans(), st.booleans(), st.booleans())
def test_base32_is_read_however_it_was_typed(
    secret: bytes, lower: bool, padded: bool, grouped: bool
) -> None:
    text = base64.b32encode(secret).decode()
    if not padded:
        text = text.rstrip("=")
    if lower:
        text = text.lower()
    if grouped:
        text = " ".join(text[i : i + 4] for i in range(0, len(text), 4))
    assert decode_base32(text) == secret


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it is empty"),
        ("====", "it is empty"),
        ("ABCD1FGH", 'character 5 is "1"'),
        ("AB=CDEFG", 'character 3 is "="'),
        ("ABC_DEFG", 'character 4 is "_"'),
        ("A\u0131CDEFGH", "character 2"),  # dotless i, whose capital is I
        ("ABCDEFGHA", "9 base32 characters"),
        ("ABC", "3 base32 characters"),
        ("ABCDEF", "6 base32 characters"),
    ],
)
def test_wrong_base32_is_located(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        decode_base32(text)


def test_hex_is_read_in_any_case_and_grouping() -> None:
    assert decode_hex("3132 33AF af") == b"123\xaf\xaf"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "empty"), ("abc", "3 hexadecimal digits"), ("12G4", 'character 3 is "G"')],
)
def test_wrong_hex_is_located(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        decode_hex(text)
