"""Canonical CBOR: what comes out, what goes in, and every way to be wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.ctap import CtapError, CtapStatus, cbor
from mfalab.devices.ctap.cose import Algorithm

VECTORS = [  # RFC 8949 appendix A, as far as CTAP uses it
    (0, "00"),
    (23, "17"),
    (24, "1818"),
    (255, "18ff"),
    (256, "190100"),
    (65535, "19ffff"),
    (65536, "1a00010000"),
    (4294967295, "1affffffff"),
    (4294967296, "1b0000000100000000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-1, "20"),
    (-24, "37"),
    (-25, "3818"),
    (-1000, "3903e7"),
    (-18446744073709551616, "3bffffffffffffffff"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    (b"", "40"),
    (b"\x01\x02\x03\x04", "4401020304"),
    ("", "60"),
    ("IETF", "6449455446"),
    ("ü", "62c3bc"),
    ([1, [2, 3], [4, 5]], "8301820203820405"),
    ({1: 2, 3: 4}, "a201020304"),
    ({"a": "A", "b": {"c": True}}, "a26161614161 62a16163f5".replace(" ", "")),
]

BROKEN = [
    ("", "nothing"),
    ("1817", "23 in two bytes"),
    ("190017", "23 in three bytes"),
    ("1a0000ffff", "65535 in five bytes"),
    ("1b00000000ffffffff", "32 bits in nine bytes"),
    ("5803010203", "a length of 3 in two bytes"),
    ("5f4101ff", "indefinite byte string"),
    ("7f6161ff", "indefinite text"),
    ("9f01ff", "indefinite array"),
    ("bf0101ff", "indefinite map"),
    ("1c", "reserved additional information"),
    ("c001", "a tag"),
    ("f7", "undefined"),
    ("f8ff", "a simple value"),
    ("ff", "a break out of nowhere"),
    ("61ff", "text that is not UTF-8"),
    ("a2030403 05".replace(" ", ""), "a key twice"),
    ("a203040102", "keys out of order"),
    ("a2616101 0102".replace(" ", ""), "a text key before an integer key"),
    ("a262616101616202", "a longer key before a shorter one"),
    ("a1f501", "a key that is true"),
    ("a18001", "a key that is an array"),
    ("8181818180", "five levels"),
    ("0000", "two values"),
]

VALUES = st.recursive(
    st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=30) | st.text(max_size=20)
    | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.integers(-300, 300) | st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


def depth(value):
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@pytest.mark.parametrize(("value", "encoded"), VECTORS)
def test_vector_encodes_and_decodes(value, encoded):
    assert cbor.encode(value).hex() == encoded
    assert cbor.decode(bytes.fromhex(encoded)) == value


@pytest.mark.parametrize(("encoded", "why"), BROKEN, ids=[why for _, why in BROKEN])
def test_broken_form_is_invalid_cbor(encoded, why):
    with pytest.raises(CtapError) as error:
        cbor.decode(bytes.fromhex(encoded))
    assert error.value.status is CtapStatus.INVALID_CBOR


def test_keys_are_ordered_by_type_then_length_then_bytes():
    value = {"aa": 0, "b": 0, 24: 0, 10: 0, -1: 0, b"x": 0, -100: 0}
    assert list(cbor.decode(cbor.encode(value))) == [10, 24, -1, -100, b"x", "b", "aa"]


KEYS = st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=300)


@given(st.lists(KEYS, max_size=12, unique=True))
def test_the_order_of_encoded_keys_is_that_of_type_length_and_bytes(keys):
    encoded = [cbor.encode(key) for key in cbor.decode(cbor.encode(dict.fromkeys(keys)))]
    assert encoded == sorted(encoded, key=lambda key: (key[0] >> 5, len(key), key))
    assert len(encoded) == len(keys)


def test_member_of_an_enumeration_is_its_number():
    assert cbor.encode(Algorithm.ES256) == cbor.encode(-7)


def test_four_levels_are_taken():
    assert cbor.decode(bytes.fromhex("81818180")) == [[[[]]]]


@pytest.mark.parametrize("number", ["f93c00", "fa7fc00000", "fbfff0000000000000"])
def test_float_in_an_unknown_member_is_no_error_and_comes_back_as_it_was(number):
    encoded = bytes.fromhex("a118ff" + number)
    assert cbor.encode(cbor.decode(encoded)) == encoded


def test_floats_of_our_own_are_never_written():
    with pytest.raises(TypeError):
        cbor.encode(1.5)


@given(VALUES)
def test_every_value_comes_back(value):
    if depth(value) <= cbor.MAX_NESTING:
        assert cbor.decode(cbor.encode(value)) == value


@given(VALUES)
def test_every_truncation_is_invalid_cbor(value):
    encoded = cbor.encode(value)
    for length in range(len(encoded)):
        with pytest.raises(CtapError) as error:
            cbor.decode(encoded[:length])
        assert error.value.status is CtapStatus.INVALID_CBOR


@given(st.binary(max_size=60))
def test_what_is_taken_is_canonical(raw):
    try:
        value = cbor.decode(raw)
    except CtapError:
        return
    assert cbor.encode(value) == raw
