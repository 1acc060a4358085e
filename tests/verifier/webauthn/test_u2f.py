"""Keys of the U2F API: registered for an AppID, signing in by the extension `appid`."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.ctap1 import RegistrationData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfalab.verifier import CeremonyOutcome, ServiceError
from mfalab.verifier.webauthn.outcomes import CeremonyFailed
from mfalab.verifier.webauthn.u2f import verify_registration

APP_ID = "https://signin.aws.amazon.com"
HANDLE = b"handle" * 9
CLIENT_DATA_HASH = bytes(32)


def digest(data: str) -> bytes:
    made = hashes.Hash(hashes.SHA256())
    made.update(data.encode())
    return made.finalize()


@pytest.fixture
def message(new_pair: Any, make_certificate: Any) -> Any:
    """Makes the response message of a U2F registration, and the pair whose it is."""

    def make(app_id: str = APP_ID) -> tuple[bytes, Any]:
        pair, made = new_pair(), make_certificate("U2F")
        point = b"\x04" + pair.cose[-2] + pair.cose[-3]
        signed = b"\x00" + digest(app_id) + CLIENT_DATA_HASH + HANDLE + point
        signature = made[1].sign(signed, ec.ECDSA(hashes.SHA256()))
        der = made[0].public_bytes(serialization.Encoding.DER)
        return b"\x05" + point + bytes([len(HANDLE)]) + HANDLE + der + signature, pair

    return make


@pytest.fixture
def old_key(people: Any, new_key: Any, message: Any) -> Any:
    """Alice's key of before WebAuthn."""
    data, pair = message()
    people.company.verifier.register_u2f_key(
        people.company.ids["alice"], "old", data, CLIENT_DATA_HASH
    )
    return new_key(credentials={HANDLE: pair})


def test_key_is_listed_under_a_serial_number_of_its_user(people: Any, old_key: Any) -> None:
    (serial,) = people.company.serials()
    assert serial.startswith("arn:aws:iam::123456789012:u2f/user/alice/old-")


def test_key_signs_in_by_the_extension(people: Any, old_key: Any) -> None:
    assert people.page().assertion_options["extensions"] == {"appid": APP_ID}
    assert people.sign_in(old_key, rp_id=APP_ID, outputs={"appid": True}).mfa


@pytest.mark.parametrize(
    "twists",
    [
        {"rp_id": APP_ID},
        {"rp_id": APP_ID, "outputs": {"appid": False}},
        {"rp_id": "https://evil.example", "outputs": {"appid": True}},
        {"outputs": {"appid": True}},
    ],
)
def test_scope_and_extension_output_belong_together(
    people: Any, old_key: Any, twists: dict[str, Any]
) -> None:
    with pytest.raises(ServiceError):
        people.sign_in(old_key, **twists)
    assert people.last().outcome is CeremonyOutcome.WRONG_RP_ID


def test_key_is_forgotten_with_the_app_id(people: Any, old_key: Any) -> None:
    people.company.set(app_id=None)
    with pytest.raises(ServiceError):
        people.sign_in(old_key, rp_id=APP_ID, outputs={"appid": True})
    assert "extensions" not in people.page().assertion_options


def test_key_is_excluded_from_registration(people: Any, old_key: Any) -> None:
    options = people.console.begin_security_key(people.session(), name="new", user_name="alice")
    assert len(options["excludeCredentials"]) == 1
    assert options["extensions"] == {"appidExclude": APP_ID}


def test_python_fido2_agrees(message: Any) -> None:
    data, _ = message()
    parsed = RegistrationData(data)
    parsed.verify(digest(APP_ID), CLIENT_DATA_HASH)
    key_handle, _ = verify_registration(data, CLIENT_DATA_HASH, APP_ID)
    assert key_handle == parsed.key_handle


def test_registration_for_another_app_id(message: Any) -> None:
    with pytest.raises(CeremonyFailed, match="signature is wrong"):
        verify_registration(message("https://evil.example")[0], CLIENT_DATA_HASH, APP_ID)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300), st.integers(0, 1000))
def test_any_bytes_are_a_registration_or_a_failure(message: Any, tail: bytes, cut: int) -> None:
    data, _ = message()
    for bent in (tail, data[:cut], data[:67] + tail):
        if bent != data:
            with pytest.raises(CeremonyFailed):
                verify_registration(bent, CLIENT_DATA_HASH, APP_ID)
