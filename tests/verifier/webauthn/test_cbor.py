"""CBOR as authenticators send it, against cbor2 and python-fido2."""

from contextlib import suppress
from typing import Any

import cbor2
import pytest
from fido2 import cbor as fido2_cbor
from hypothesis import example, given
from hypothesis import strategies as st

from mfalab.verifier.webauthn import cbor

SCALARS = st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary() | st.text()


KEYS = st.integers(-(2**64), 2**64 - 1) | st.text() | st.binary()


ITEMS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)


def depth(item: Any) -> int:
    inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return 1 + max(map(depth, inner), default=0)


class TestCbor:
    @given(ITEMS)
    def test_what_cbor2_writes_comes_back(self, item: Any) -> None:
        if depth(item) <= 9:
            assert cbor.decode(cbor2.dumps(item)) == item
        else:
            with pytest.raises(cbor.CborError, match="nested too deeply"):
                cbor.decode(cbor2.dumps(item))

    @given(st.binary(max_size=40))
    @example(b"\xbf\xff")
    @example(b"\x5b" + b"\xff" * 8)
    @example(b"\x9b" + b"\xff" * 8)
    @example(b"\x81" * 10_000)
    def test_any_bytes_are_an_item_or_an_error(self, data: bytes) -> None:
        with suppress(cbor.CborError):
            assert cbor.decode(data) == cbor2.loads(data)

    @given(ITEMS, st.data())
    def test_cut_anywhere_is_an_error(self, item: Any, data: st.DataObject) -> None:
        encoded = cbor2.dumps(item)
        cut = data.draw(st.integers(0, len(encoded) - 1))
        with pytest.raises(cbor.CborError):
            cbor.decode(encoded[:cut])

    @pytest.mark.parametrize(
        "data",
        [
            "a2010001",
            "a201000100",
            "c100",
            "f90000",
            "fb0000000000000000",
            "f6f6",
            "a1f400",
            "f7",
            "1c",
        ],
    )
    def test_what_authenticators_never_send(self, data: str) -> None:
        with pytest.raises(cbor.CborError):
            cbor.decode(bytes.fromhex(data))

    def test_python_fido2_lets_short_strings_pass(self) -> None:
        """Why python-fido2's decoder is not the one used here."""
        assert fido2_cbor.decode(b"\x44\x01\x02") == b"\x01\x02"
        with pytest.raises(cbor.CborError, match="a string is cut short at byte 0"):
            cbor.decode(b"\x44\x01\x02")
