"""CBOR is shown as it is, right or wrong."""

from __future__ import annotations

from typing import Any

import pytest
from fido2 import cbor
from hypothesis import given
from hypothesis import strategies as st

from mfalab.simulator.traces.notation import ItemKind, notation, read_cbor


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("a10102", "{1: 2}"),
        ("bf0102ff", "{1: 2}"),
        ("5f41aa41bbff", "h'aabb'"),
        ("a201020103", "{1: 2, 1: 3}"),
        ("83f5f4f6", "[true, false, null]"),
        ("c11a514b67b0", "1(1363896240)"),
        ("f90000", "0.0"),
        ("3903e7", "-1000"),
        ("a2010203", "{1: 2, 3: /cut short/}"),
        ("42aa", "/2 bytes are announced and 1 come/ h'42aa'"),
        ("0102", "1, /more follows/ h'02'"),
        ("81" * 30, "/too deep/"),
        ("", "/cut short/"),
    ],
)
def test_cbor_is_shown_as_it_is(data: str, expected: str) -> None:
    raw = bytes.fromhex(data)
    assert expected in notation(read_cbor(raw), raw)


@given(
    st.recursive(
        st.integers(-(2**63), 2**63 - 1) | st.binary() | st.text() | st.booleans(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    )
)
def test_cbor_is_read_as_python_fido2_writes_it(value: Any) -> None:
    raw = cbor.encode(value)
    item = read_cbor(raw)
    assert all(each.kind is not ItemKind.BROKEN for each in item.walk())
    assert item.plain() == value
    assert item.end == len(raw)
