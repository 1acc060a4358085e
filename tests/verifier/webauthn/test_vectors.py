"""The test vectors of WebAuthn Level 3, section 16: all fifteen of both ceremonies.

`level3.json` has the specification's bytes by the names that it derives them with: challenge,
clientDataJSON, attestationObject, authenticatorData and signature, in hexadecimal.
"""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from fido2.attestation import AppleAttestation
from fido2.server import Fido2Server
from fido2.webauthn import AttestedCredentialData, AuthenticatorData, PublicKeyCredentialRpEntity
from hypothesis import given, settings
from hypothesis import strategies as st
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import AttestationFormat

from mfalab.verifier.profile import AWS_IMMEDIATE, AttestationPolicy
from mfalab.verifier.records import CredentialRecord
from mfalab.verifier.webauthn import ceremonies, cose, messages
from mfalab.verifier.webauthn.messages import BE
from mfalab.verifier.webauthn.outcomes import CeremonyFailed, CeremonyOutcome

NAMES = [
    "none.ES256",
    "packed-self.ES256",
    "none.ES256.crossOrigin",
    "none.ES256.topOrigin",
    "none.ES256.long-credential-id",
    "packed.ES256",
    "packed.ES384",
    "packed.ES512",
    "packed.RS256",
    "packed.EdDSA",
    "packed.Ed448",
    "tpm.ES256",
    "android-key.ES256",
    "apple.ES256",
    "fido-u2f.ES256",
]
TYPES = {
    "none": "none",
    "packed-self": "self",
    "packed": "basic",
    "tpm": "attca",
    "android-key": "basic",
    "apple": "anonca",
    "fido-u2f": "basic",
}
WITH_CERTIFICATES = [name for name in NAMES if not name.startswith(("none", "packed-self"))]
PROFILE = replace(
    AWS_IMMEDIATE,
    rp_id="example.org",
    origins=("https://example.org",),
    top_origins=("https://example.com",),
    cross_origin=True,
    app_id=None,
    algorithms=tuple(sorted(cose.ALGORITHMS)),
)
NOW_NS = 1_772_442_000 * 10**9
LEVEL3: dict[str, Any] = json.loads((Path(__file__).parent / "level3.json").read_text())
ROOT = x509.load_der_x509_certificate(bytes.fromhex(LEVEL3["attestation_ca_cert"]))
PEM = ROOT.public_bytes(serialization.Encoding.PEM)
TRUSTING = replace(
    PROFILE, attestation_policy=AttestationPolicy.ROOTS, attestation_roots=(PEM.decode(),)
)


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(text)).rstrip(b"=").decode()


def response(vector: dict[str, Any], ceremony: str) -> dict[str, Any]:
    """The vector's bytes as the client would send them."""
    names = ("clientDataJSON", "attestationObject", "authenticatorData", "signature")
    credential_id = b64(vector["registration"]["credential_id"])
    members = vector[ceremony]
    return {
        "id": credential_id,
        "rawId": credential_id,
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {name: b64(members[name]) for name in names if name in members},
    }


def registered(vector: dict[str, Any]) -> CredentialRecord:
    data = messages.registration(response(vector, "registration")).authenticator_data
    return CredentialRecord(
        device_id="d",
        credential_id=data.credential_id,
        public_key=data.public_key,
        sign_count=data.sign_count,
        aaguid=data.aaguid,
        transports=(),
        backup_eligible=bool(data.flags & BE),
        backed_up=False,
        user_verified=False,
        attestation_format="",
    )


@pytest.mark.parametrize("name", NAMES)
def test_registration_of_a_vector_verifies(name: str) -> None:
    vector = LEVEL3[name]
    registration = messages.registration(response(vector, "registration"))
    assert registration.client_data.challenge == b64(vector["registration"]["challenge"])
    found = ceremonies.judge_registration(registration, PROFILE, NOW_NS)
    assert found.attestation.type == TYPES[name.partition(".")[0]]


@pytest.mark.parametrize("name", NAMES)
def test_authentication_of_a_vector_verifies(name: str) -> None:
    vector = LEVEL3[name]
    assertion = messages.assertion(response(vector, "authentication"))
    assert assertion.client_data.challenge == b64(vector["authentication"]["challenge"])
    ceremonies.judge_assertion(assertion, registered(vector), PROFILE)


@pytest.mark.parametrize("name", WITH_CERTIFICATES)
def test_certificate_of_a_vector_leads_to_the_root(name: str) -> None:
    registration = messages.registration(response(LEVEL3[name], "registration"))
    ceremonies.judge_registration(registration, TRUSTING, NOW_NS)
    with pytest.raises(CeremonyFailed) as caught:
        ceremonies.judge_registration(registration, replace(TRUSTING, attestation_roots=()), NOW_NS)
    assert caught.value.outcome is CeremonyOutcome.UNTRUSTED_ATTESTATION


@pytest.mark.parametrize("name", ["none.ES256.crossOrigin", "none.ES256.topOrigin"])
def test_frame_of_a_vector_is_refused_where_frames_are(name: str) -> None:
    narrow = replace(PROFILE, cross_origin=name.endswith("topOrigin"), top_origins=())
    assertion = messages.assertion(response(LEVEL3[name], "authentication"))
    with pytest.raises(CeremonyFailed) as caught:
        ceremonies.judge_assertion(assertion, registered(LEVEL3[name]), narrow)
    assert caught.value.outcome is CeremonyOutcome.CROSS_ORIGIN


@pytest.mark.parametrize("other", NAMES[1:])
def test_key_of_another_vector_does_not_verify(other: str) -> None:
    assertion = messages.assertion(response(LEVEL3["none.ES256"], "authentication"))
    stranger = replace(registered(LEVEL3[other]), backup_eligible=True)
    with pytest.raises(CeremonyFailed) as caught:
        ceremonies.judge_assertion(assertion, stranger, PROFILE)
    assert caught.value.outcome is CeremonyOutcome.BAD_SIGNATURE


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(["clientDataJSON", "authenticatorData"]), st.data())
def test_any_bit_that_is_signed_matters(name: str, member: str, data: st.DataObject) -> None:
    vector = LEVEL3[name]
    bent = bytearray.fromhex(vector["authentication"][member])
    bit = data.draw(st.integers(0, 8 * len(bent) - 1))
    bent[bit // 8] ^= 1 << bit % 8
    twisted = {**vector, "authentication": {**vector["authentication"], member: bent.hex()}}
    with pytest.raises(CeremonyFailed):
        ceremonies.judge_assertion(
            messages.assertion(response(twisted, "authentication")), registered(vector), PROFILE
        )


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_bit_of_a_packed_attestation_matters_where_roots_are_asked_for(
    data: st.DataObject,
) -> None:
    vector = LEVEL3["packed.ES256"]
    bent = bytearray.fromhex(vector["registration"]["attestationObject"])
    bit = data.draw(st.integers(0, 8 * len(bent) - 1))
    bent[bit // 8] ^= 1 << bit % 8
    twisted = {
        **vector,
        "registration": {**vector["registration"], "attestationObject": bent.hex()},
    }

    def judge() -> None:
        registration = messages.registration(response(twisted, "registration"))
        ceremonies.judge_registration(registration, TRUSTING, NOW_NS)

    with pytest.raises(CeremonyFailed):
        judge()


@pytest.mark.parametrize("name", [name for name in NAMES if "Origin" not in name])
def test_python_fido2_agrees(name: str) -> None:
    vector = LEVEL3[name]
    server = Fido2Server(PublicKeyCredentialRpEntity(id="example.org", name="x"))
    for ceremony in ("registration", "authentication"):
        state = {"challenge": b64(vector[ceremony]["challenge"]), "user_verification": None}
        if ceremony == "registration":
            made = server.register_complete(state, response(vector, ceremony))
            assert made.credential_data is not None
            known = AttestedCredentialData(bytes(made.credential_data))
        else:
            server.authenticate_complete(state, [known], response(vector, ceremony))


def test_python_fido2_agrees_on_apples_statement() -> None:
    """It refuses the vector of tpm, whose clock is neither safe nor unsafe."""
    registration = messages.registration(response(LEVEL3["apple.ES256"], "registration"))
    data = AuthenticatorData(registration.authenticator_data.raw)
    found = AppleAttestation().verify(registration.statement, data, registration.client_data.hash)
    assert found.trust_path == list(registration.statement["x5c"])


@pytest.mark.parametrize(
    "name", ["none.ES256", "packed-self.ES256", "packed.ES256", "packed.RS256", "apple.ES256"]
)
def test_py_webauthn_agrees(name: str) -> None:
    """It refuses the others.

    fido-u2f for an AAGUID that is not zero, as CTAP has it; tpm for a manufacturer that is none;
    android-key for a path of one certificate.
    """
    vector = LEVEL3[name]
    common: dict[str, Any] = {
        "expected_rp_id": "example.org",
        "expected_origin": "https://example.org",
        "require_user_verification": False,
    }
    body = response(vector, "registration")
    made = verify_registration_response(
        credential=json.dumps(body),
        expected_challenge=bytes.fromhex(vector["registration"]["challenge"]),
        supported_pub_key_algs=list(COSEAlgorithmIdentifier),
        pem_root_certs_bytes_by_fmt={
            AttestationFormat.PACKED: [PEM],
            AttestationFormat.FIDO_U2F: [PEM],
            AttestationFormat.APPLE: [PEM],
        },
        **common,
    )
    assert made.credential_public_key == registered(vector).public_key
    body = response(vector, "authentication")
    verify_authentication_response(
        credential=json.dumps(body),
        expected_challenge=bytes.fromhex(vector["authentication"]["challenge"]),
        credential_public_key=made.credential_public_key,
        credential_current_sign_count=0,
        **common,
    )
