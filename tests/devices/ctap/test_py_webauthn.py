"""py_webauthn, a second stranger, takes every attestation and assertion."""

import json
from hashlib import sha256

import pytest
import webauthn
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fido2.utils import websafe_encode

from mfalab.devices.ctap import cbor
from mfalab.devices.ctap.ca import root_certificate
from mfalab.devices.ctap.model import AttestationKind

CHALLENGE = bytes(range(32))
ORIGIN = "https://example.com"
ROOT = x509.load_der_x509_certificate(root_certificate()).public_bytes(Encoding.PEM)


def client_data(kind):
    members = {"type": kind, "challenge": websafe_encode(CHALLENGE), "origin": ORIGIN}
    return json.dumps(members).encode()


def credential(credential_id, **response):
    return {
        "id": websafe_encode(credential_id),
        "rawId": websafe_encode(credential_id),
        "type": "public-key",
        "response": {name: websafe_encode(value) for name, value in response.items()},
    }


def registered(answer, data):
    attestation = {"fmt": answer[1], "attStmt": answer[3], "authData": answer[2]}
    length = int.from_bytes(answer[2][53:55], "big")
    return webauthn.verify_registration_response(
        credential=credential(
            answer[2][55 : 55 + length],
            clientDataJSON=data,
            attestationObject=cbor.encode(attestation),
        ),
        expected_challenge=CHALLENGE,
        expected_rp_id="example.com",
        expected_origin=ORIGIN,
        pem_root_certs_bytes_by_fmt={
            webauthn.helpers.structs.AttestationFormat(fmt): [ROOT]
            for fmt in ("packed", "fido-u2f")
        },
    )


@pytest.mark.parametrize("kind", AttestationKind, ids=lambda kind: kind.value)
def test_attestation_and_assertion_are_taken(make_key, kind):
    key = make_key(attestation=kind)
    data = client_data("webauthn.create")
    answer = key.good(1, key.make(cdh=sha256(data).digest()))
    result = registered(answer, data)
    assert result.fmt == answer[1]

    data = client_data("webauthn.get")
    answer = key.good(2, key.get(cdh=sha256(data).digest(), allow=[result.credential_id]))
    verified = webauthn.verify_authentication_response(
        credential=credential(
            answer[1]["id"],
            clientDataJSON=data,
            authenticatorData=answer[2],
            signature=answer[3],
        ),
        expected_challenge=CHALLENGE,
        expected_rp_id="example.com",
        expected_origin=ORIGIN,
        credential_public_key=result.credential_public_key,
        credential_current_sign_count=result.sign_count,
    )
    assert verified.new_sign_count == result.sign_count + 1


def test_enterprise_attestation_is_taken(make_key):
    key = make_key("enterprise")
    assert key.configure(1) == 0
    data = client_data("webauthn.create")
    answer = key.good(1, key.make(cdh=sha256(data).digest(), enterprise=2))
    assert registered(answer, data).aaguid.replace("-", "") == key.model.aaguid.hex()
