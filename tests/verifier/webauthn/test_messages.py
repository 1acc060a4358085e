"""Reading what clients and authenticators send: right, or MALFORMED, and nothing else."""

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mfalab.verifier import CeremonyOutcome
from mfalab.verifier.webauthn import messages
from mfalab.verifier.webauthn.outcomes import CeremonyFailed

T = TypeVar("T")

SCALARS = st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary() | st.text()
VECTOR = json.loads((Path(__file__).parent / "level3.json").read_text())["packed.ES256"]
QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


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

    @given(
        st.text(alphabet="AZaz09-_", max_size=12),
        st.sampled_from(["", "+", "/", "=", "==", "\n", " ", "é", "\0", "\ud800"]),
    )
    def test_base64url_is_the_url_safe_alphabet_without_padding(self, text: str, odd: str) -> None:
        signed = response("authentication")
        signed["response"]["signature"] = text + odd
        read_it = read(messages.assertion, signed)
        if odd or len(text) % 4 == 1:
            assert read_it is None
        else:
            assert read_it is not None
            assert read_it.signature == base64.urlsafe_b64decode(text + "==")

    @pytest.mark.parametrize("around", ["%s", " %s", "%s \n", "\ufeff%s", "\ufeff\r\n\t%s"])
    def test_white_space_around_client_data_is_json(self, around: str) -> None:
        members = json.dumps({"type": "t", "challenge": "c", "origin": "o"})
        assert messages.client_data((around % members).encode()).type == "t"

    @pytest.mark.parametrize("around", ["%s,", "%s{}", "x%s", "\u00a0%s", "%s\0", "\ufeff\ufeff%s"])
    def test_anything_else_around_client_data_is_not(self, around: str) -> None:
        members = json.dumps({"type": "t", "challenge": "c", "origin": "o"})
        assert read(messages.client_data, (around % members).encode()) is None

    def test_attestation_object_that_is_too_long_to_keep(self) -> None:
        made = response("registration")
        longer = base64.urlsafe_b64encode(bytes(messages.LONGEST_ATTESTATION_OBJECT + 1))
        made["response"]["attestationObject"] = longer.decode().rstrip("=")
        with pytest.raises(CeremonyFailed, match="65537 bytes, too many"):
            messages.registration(made)

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
