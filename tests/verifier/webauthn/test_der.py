"""Values of ASN.1 by tag and length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.verifier.webauthn import der


@pytest.mark.parametrize(
    ("data", "tag", "content"),
    [
        ("0500", 0x05, ""),
        ("020105", der.INTEGER, "05"),
        ("04810105", der.OCTET_STRING, "05"),
        ("0483000001ff", der.OCTET_STRING, "ff"),
        ("bf8458020500", 0xBF8458, "0500"),
        ("9f1f0100", 0x9F1F, "00"),
    ],
)
def test_value_in_any_spelling(data: str, tag: int, content: str) -> None:
    assert der.values(bytes.fromhex(data)) == [der.Value(tag, bytes.fromhex(content))]


@pytest.mark.parametrize(
    "data", ["02", "0201", "3080", "048200", "bf", "bf84", "bf8458", "0284ffffffff00"]
)
def test_value_that_is_cut_short_or_without_a_length(data: str) -> None:
    with pytest.raises(ValueError, match=r"cut short|no definite length"):
        der.values(bytes.fromhex(data))


def test_members_through_nested_values() -> None:
    data = bytes.fromhex("3005a103020105")
    assert der.members(data, der.SEQUENCE) == [der.Value(0xA1, b"\x02\x01\x05")]
    assert der.members(data, der.SEQUENCE, 0xA1) == [der.Value(der.INTEGER, b"\x05")]


@pytest.mark.parametrize("data", ["", "3100", "30003000", "3000ff"])
def test_members_of_another_value(data: str) -> None:
    with pytest.raises(ValueError, match=r"tag|cut short"):
        der.members(bytes.fromhex(data), der.SEQUENCE)


@given(st.binary(max_size=40))
def test_any_bytes_are_values_or_none(data: bytes) -> None:
    try:
        found = der.values(data)
    except ValueError:
        return
    assert sum(len(each.content) for each in found) <= len(data)
