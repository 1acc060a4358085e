"""Reading what clients and authenticators send: right, or MALFORMED, and nothing else."""

import base64
import copy
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import cbor2
import pytest
from fido2 import cbor as fido2_cbor
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mfalab.verifier import CeremonyOutcome
from mfalab.verifier.webauthn import cbor, cose, messages
from mfalab.verifier.webauthn.outcomes import CeremonyFailed

T = TypeVar("T")

SCALARS = st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary() | st.text()
KEYS = st.integers(-(2**64), 2**64 - 1) | st.text() | st.binary()
ITEMS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)
VECTOR = json.loads((Path(__file__).parent / "level3.json").read_text())["packed.ES256"]
QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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


class TestResponses:
    @QUICK
    @given(data=st.data())
    def test_bent_registration_is_malformed_or_still_one(self, data: st.DataObject) -> None:
        read(messages.registration, bend(response("registration"), data))

    @QUICK
    @given(data=st.data())
    def test_bent_assertion_is_malformed_or_still_one(self, data: st.DataObject) -> None:
        read(messages.assertion, bend(response("authentication"), data))

    @given(st.binary(max_size=120), st.sampled_from([0x00, 0x40, 0x80, 0xC0]))
    def test_any_authenticator_data_is_read_or_malformed(self, tail: bytes, flags: int) -> None:
        raw = bytes(32) + bytes([flags]) + tail
        data = read(messages.authenticator_data, raw)
        assert data is None or data.raw == raw

    @given(st.binary())
    @example(b"\xef\xbb\xbf{}")
    @example(b"[" * 100_000)
    @example(b"1" * 5000)
    def test_any_client_data_is_read_or_malformed(self, serialised: bytes) -> None:
        with pytest.raises(CeremonyFailed) as caught:
            messages.client_data(serialised)
        assert caught.value.outcome is CeremonyOutcome.MALFORMED

    def test_unknown_members_of_client_data_are_passed_over(self) -> None:
        members = {"type": "t", "challenge": "c", "origin": "o", "tokenBinding": {}, "x": 1}
        read = messages.client_data(json.dumps(members).encode())
        assert (read.type, read.challenge, read.origin) == ("t", "c", "o")
        assert (read.cross_origin, read.top_origin) == (False, None)

    def test_credential_id_longer_than_1023_bytes(self) -> None:
        for length, good in ((1023, True), (1024, False)):
            raw = bytes(32) + b"\x41" + bytes(4) + bytes(16) + length.to_bytes(2, "big")
            raw += bytes(length) + b"\xa0"
            if good:
                assert len(messages.authenticator_data(raw).credential_id) == 1023
            else:
                with pytest.raises(CeremonyFailed, match="1024 bytes"):
                    messages.authenticator_data(raw)

    @pytest.mark.parametrize("error", [3, None, {}, {"name": 3}])
    def test_error_without_a_name(self, error: Any) -> None:
        with pytest.raises(CeremonyFailed, match="no name"):
            messages.client_error({"error": error})


class TestKeys:
    @pytest.mark.parametrize("algorithm", [-7, -8, -35, -48, -257])
    def test_key_of_python_fido2_loads_and_verifies(self, new_pair: Any, algorithm: int) -> None:
        pair = new_pair(algorithm)
        key = cose.public_key(fido2_cbor.encode(pair.cose))
        key.verify(pair.sign(b"message"), b"message")
        with pytest.raises(cose.InvalidSignature):
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


def read(reader: Callable[[Any], T], message: Any) -> T | None:
    """What a message says; None if it is malformed. Nothing else may happen."""
    try:
        return reader(message)
    except CeremonyFailed as failure:
        if failure.outcome is not CeremonyOutcome.MALFORMED:
            raise
        return None


def response(ceremony: str) -> dict[str, Any]:
    """A vector of the standard as the client would send it."""
    members = {
        name: base64.urlsafe_b64encode(bytes.fromhex(value)).rstrip(b"=").decode()
        for name, value in {**VECTOR["registration"], **VECTOR[ceremony]}.items()
        if name != "attestationObject" or ceremony == "registration"
    }
    credential_id = members.pop("credential_id")
    members.pop("challenge")
    return {
        "id": credential_id,
        "rawId": credential_id,
        "type": "public-key",
        "clientExtensionResults": {},
        "response": members,
    }


def bend(response: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """A response with one member taken away or replaced, or one byte of one changed."""
    bent = copy.deepcopy(response)
    inside = data.draw(st.booleans())
    members = bent["response"] if inside else bent
    name = data.draw(st.sampled_from(sorted(members)))
    match data.draw(st.sampled_from(["drop", "replace", "byte"])):
        case "drop":
            del members[name]
        case "replace":
            members[name] = data.draw(SCALARS | st.lists(SCALARS, max_size=2))
        case "byte" if inside and isinstance(members[name], str):
            raw = bytearray(base64.urlsafe_b64decode(members[name] + "=="))
            at = data.draw(st.integers(0, len(raw) - 1))
            raw[at] = data.draw(st.integers(0, 255))
            members[name] = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    return bent
