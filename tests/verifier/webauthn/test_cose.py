"""Public keys of authenticators, against python-fido2's."""

from contextlib import suppress
from typing import Any

import cbor2
import pytest
from cryptography.exceptions import InvalidSignature
from fido2 import cbor as fido2_cbor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfalab.verifier.webauthn import cose

ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-9, 9), inner),
    max_leaves=10,
)
QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class TestKeys:
    @pytest.mark.parametrize("algorithm", [-7, -8, -35, -48, -257])
    def test_key_of_python_fido2_loads_and_verifies(self, new_pair: Any, algorithm: int) -> None:
        pair = new_pair(algorithm)
        key = cose.public_key(fido2_cbor.encode(pair.cose))
        key.verify(pair.sign(b"message"), b"message")
        with pytest.raises(InvalidSignature):
            key.verify(pair.sign(b"message"), b"massage")

    @QUICK
    @given(algorithm=st.sampled_from([-7, -8, -35]), label=st.integers(-4, 4), value=ITEMS)
    def test_key_with_an_entry_changed_is_unusable_or_the_same(
        self, new_pair: Any, algorithm: int, label: int, value: Any
    ) -> None:
        entries = new_pair(algorithm).cose
        if entries.get(label) == value:
            return
        with suppress(cose.InvalidKey):
            cose.public_key(cbor2.dumps({**entries, label: value}))
            assert label not in entries or isinstance(value, bytes)

    @given(st.binary(max_size=60))
    def test_any_bytes_are_no_key(self, data: bytes) -> None:
        with pytest.raises(cose.InvalidKey):
            cose.public_key(data)

    def test_short_rsa_modulus(self) -> None:
        entries = {1: 3, 3: -257, -1: b"\xff" * 128, -2: b"\x01\x00\x01"}
        with pytest.raises(cose.InvalidKey, match="1024 bits"):
            cose.public_key(cbor2.dumps(entries))

    @pytest.mark.parametrize(
        ("entries", "what"),
        [
            ({1: 2, 3: -7, -1: 1, -2: b"x" * 32}, "no entry -3"),
            ({1: 2, 3: -7, -1: 1, -2: b"x" * 31, -3: b"x" * 32}, "31 and 32 bytes instead of 32"),
            ({1: 2, 3: -7, -1: 1, -2: b"x" * 32, -3: True}, "entry -3 is no byte string"),
            ({1: 3, 3: -38, -1: b"\xc1" * 256, -2: b"\1\0\1"}, "its algorithm is -38"),
            ({1: 3, 3: -257, -1: b"\xc1" * 256, -2: b"\2"}, "unusable"),
        ],
    )
    def test_key_with_one_thing_wrong(self, entries: dict[int, Any], what: str) -> None:
        with pytest.raises(cose.InvalidKey, match=what):
            cose.public_key(cbor2.dumps(entries))
