"""Two strangers judge every attestation that ours issue, and see through every forgery.

python-fido2's verifiers and py_webauthn get the same bytes: a key's answer as the client would pass
it on, and the root of the test CA.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from fido2.attestation import (
    AttestationVerifier,
    FidoU2FAttestation,
    InvalidData,
    InvalidSignature,
    NoneAttestation,
    PackedAttestation,
    UntrustedAttestation,
)
from fido2.ctap1 import RegistrationData
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject
from webauthn import verify_registration_response
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AttestationFormat

from mfalab.devices.ctap import cbor, crypto
from mfalab.devices.ctap.ca import attestation_seed, leaf_certificate, root_certificate
from mfalab.devices.ctap.cose import Algorithm
from mfalab.devices.ctap.model import AttestationKind

CHALLENGE = bytes(range(32))


ORIGIN = "https://example.com"


VERIFIERS = (NoneAttestation(), PackedAttestation(), FidoU2FAttestation())


@dataclass(frozen=True)
class Registration:
    """What a client passes on after a registration."""

    fmt: str
    statement: dict
    data: bytes
    client_data: bytes

    @property
    def raw(self):
        return cbor.encode({"fmt": self.fmt, "attStmt": self.statement, "authData": self.data})

    @property
    def client_data_hash(self):
        return sha256(self.client_data).digest()

    @property
    def leaf(self):
        return self.statement["x5c"][0]

    def stating(self, **members):
        """The same with other members of the statement; None leaves one out."""
        statement = {**self.statement, **members}
        kept = {name: value for name, value in statement.items() if value is not None}
        return replace(self, statement=kept)

    def with_bit_flipped(self, at):
        spoiled = bytearray(self.data)
        spoiled[at] ^= 1
        return replace(self, data=bytes(spoiled))


CLIENT_DATA = json.dumps(
    {"type": "webauthn.create", "challenge": websafe_encode(CHALLENGE), "origin": ORIGIN}
).encode()


OTHER_CLIENT_DATA = json.dumps(
    {"type": "webauthn.create", "challenge": websafe_encode(CHALLENGE), "origin": ORIGIN, "more": 1}
).encode()


def judged_by_python_fido2(registration, root):
    class Rooted(AttestationVerifier):
        def ca_lookup(self, attestation_result, auth_data):
            return root

    made = AttestationObject(registration.raw)
    if registration.fmt == "none" or "x5c" not in registration.statement:
        (verifier,) = (each for each in VERIFIERS if registration.fmt == each.FORMAT)
        verifier.verify(made.att_stmt, made.auth_data, registration.client_data_hash)
    else:
        Rooted(VERIFIERS).verify_attestation(made, registration.client_data_hash)


def judged_by_py_webauthn(registration, root):
    length = int.from_bytes(registration.data[53:55], "big")
    credential_id = websafe_encode(registration.data[55 : 55 + length])
    pem = x509.load_der_x509_certificate(root).public_bytes(Encoding.PEM)
    verify_registration_response(
        credential={
            "id": credential_id,
            "rawId": credential_id,
            "type": "public-key",
            "response": {
                "clientDataJSON": websafe_encode(registration.client_data),
                "attestationObject": websafe_encode(registration.raw),
            },
        },
        expected_challenge=CHALLENGE,
        expected_rp_id="example.com",
        expected_origin=ORIGIN,
        pem_root_certs_bytes_by_fmt={
            AttestationFormat(fmt): [pem] for fmt in ("packed", "fido-u2f")
        },
    )


REFUSALS = {
    judged_by_python_fido2: (InvalidData, InvalidSignature, UntrustedAttestation),
    judged_by_py_webauthn: (WebAuthnException,),
}


strangers = pytest.mark.parametrize(
    "judge", REFUSALS, ids=lambda judge: judge.__name__.removeprefix("judged_by_")
)


def registered(key, algorithm=Algorithm.ES256, **members):
    params = [{"alg": int(algorithm), "type": "public-key"}]
    client_data_hash = sha256(CLIENT_DATA).digest()
    answer = key.good(1, key.make(cdh=client_data_hash, params=params, **members))
    return Registration(answer[1], answer[3], answer[2], CLIENT_DATA)


def none(make_key):
    return registered(make_key(attestation=AttestationKind.NONE))


def packed_self(make_key):
    return registered(make_key(attestation=AttestationKind.PACKED_SELF))


def packed_self_eddsa(make_key):
    return registered(make_key(attestation=AttestationKind.PACKED_SELF), Algorithm.EDDSA)


def packed_x5c(make_key):
    return registered(make_key())


def packed_x5c_of_an_eddsa_key(make_key):
    return registered(make_key(), Algorithm.EDDSA)


def fido_u2f(make_key):
    return registered(make_key(attestation=AttestationKind.FIDO_U2F))


def fido_u2f_over_ctap1(make_key):
    """A U2F registration as clients make an attestation object of it (CTAP 2.1 section 10.1.3)."""
    key = make_key("u2f-2016")
    application = sha256(b"example.com").digest()
    request = sha256(CLIENT_DATA).digest() + application
    key.apdu(1, data=request).touch()
    response = key.apdu(1, data=request).response
    assert response[-2:] == b"\x90\x00"
    made = AttestationObject.from_ctap1(application, RegistrationData(response[:-2]))
    return Registration(made.fmt, dict(made.att_stmt), bytes(made.auth_data), CLIENT_DATA)


def enterprise(make_key):
    key = make_key("enterprise")
    assert key.configure(1) == 0
    made = registered(key, enterprise=2)
    assert key.state.serial_number.hex().encode() in made.leaf
    return made


ISSUED = [
    none,
    packed_self,
    packed_self_eddsa,
    packed_x5c,
    packed_x5c_of_an_eddsa_key,
    fido_u2f,
    fido_u2f_over_ctap1,
    enterprise,
]


SIGNED = [issued for issued in ISSUED if issued is not none]


CERTIFIED = [packed_x5c, packed_x5c_of_an_eddsa_key, fido_u2f, fido_u2f_over_ctap1, enterprise]


def each(issued):
    return pytest.mark.parametrize("issue", issued, ids=lambda issue: issue.__name__)


@strangers
@each(ISSUED)
def test_attestation_is_taken(make_key, judge, issue):
    judge(issue(make_key), root_certificate())


def test_self_attestation_of_es384_is_taken(make_key):
    """By python-fido2 alone: py_webauthn 3.0.1 does not know the algorithm."""
    key = make_key(attestation=AttestationKind.PACKED_SELF)
    judged_by_python_fido2(registered(key, Algorithm.ES384), root_certificate())


def refused(judge, registration, root=None):
    with pytest.raises(REFUSALS[judge]):
        judge(registration, root or root_certificate())


@strangers
@each(SIGNED)
class TestTamperedAttestationIsRefused:
    def test_one_bit_of_the_signature(self, make_key, judge, issue):
        registration = issue(make_key)
        signature = bytearray(registration.statement["sig"])
        signature[-1] ^= 1
        refused(judge, registration.stating(sig=bytes(signature)))

    def test_one_bit_of_the_credential_id(self, make_key, judge, issue):
        refused(judge, issue(make_key).with_bit_flipped(55))

    def test_client_data_of_another_ceremony(self, make_key, judge, issue):
        refused(judge, replace(issue(make_key), client_data=OTHER_CLIENT_DATA))

    def test_statement_of_another_credential(self, make_key, judge, issue):
        other = issue(lambda *model, **traits: make_key(*model, seed=2, **traits))
        refused(judge, replace(issue(make_key), data=other.data))

    def test_no_signature(self, make_key, judge, issue):
        refused(judge, issue(make_key).stating(sig=None))


@strangers
@each(CERTIFIED)
class TestCertificateThatProvesNothingIsRefused:
    def test_it_leads_to_another_root(self, make_key, judge, issue):
        """The signature is right, and no one asked the other CA to vouch for it."""
        refused(judge, issue(make_key), other_root())

    def test_it_is_that_of_another_authenticator(self, make_key, judge, issue):
        """From the same CA and for the same model, but with another key."""
        registration = issue(make_key)
        known = x509.load_der_x509_certificate(registration.leaf).extensions
        oid = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
        aaguid = next((e.value.value[2:] for e in known if e.oid == oid), bytes(16))
        foreign = leaf_certificate(b"foreign", "foreign", aaguid, False)
        refused(judge, registration.stating(x5c=[foreign]))

    def test_it_was_issued_by_a_ca_with_the_same_name(self, make_key, judge, issue):
        """All names and the attestation key are right; the CA's signature is not the CA's."""
        registration = issue(make_key)
        real = x509.load_der_x509_certificate(registration.leaf)
        builder = (
            x509.CertificateBuilder()
            .subject_name(real.subject)
            .issuer_name(real.issuer)
            .public_key(real.public_key())
            .serial_number(real.serial_number)
            .not_valid_before(real.not_valid_before_utc)
            .not_valid_after(real.not_valid_after_utc)
        )
        for extension in real.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        impostor = crypto.ec_private_key(attestation_seed(b"impostor"))
        forged = builder.sign(impostor, hashes.SHA256()).public_bytes(Encoding.DER)
        refused(judge, registration.stating(x5c=[forged]))


def other_root():
    """A root of the same name with another key."""
    real = x509.load_der_x509_certificate(root_certificate())
    key = crypto.ec_private_key(attestation_seed(b"other root"))
    builder = (
        x509.CertificateBuilder()
        .subject_name(real.subject)
        .issuer_name(real.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(real.not_valid_before_utc)
        .not_valid_after(real.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@strangers
def test_self_attestation_by_another_algorithm_than_the_keys_is_refused(make_key, judge):
    refused(judge, packed_self(make_key).stating(alg=int(Algorithm.EDDSA)))


@strangers
def test_self_attestation_by_another_key_is_refused(make_key, judge):
    registration = packed_self(make_key)
    message = registration.data + registration.client_data_hash
    signature = crypto.sign(Algorithm.ES256, attestation_seed(b"another"), message)
    refused(judge, registration.stating(sig=signature))


@strangers
def test_statement_of_format_none_must_be_empty(make_key, judge):
    refused(judge, none(make_key).stating(sig=b"\x30\x00"))


@strangers
def test_fido_u2f_signature_is_worth_nothing_as_packed(make_key, judge):
    refused(judge, replace(fido_u2f(make_key), fmt="packed").stating(alg=-7))


@strangers
@pytest.mark.parametrize("kind", [AttestationKind.PACKED_X5C, AttestationKind.FIDO_U2F])
def test_key_with_bad_signatures_is_found_out(make_key, judge, kind):
    key = make_key(attestation=kind)
    key.authenticator.faults = replace(key.authenticator.faults, bad_signatures=True)
    refused(judge, registered(key))


def test_key_that_tells_a_wrong_aaguid_is_found_out(make_key):
    """Its certificate names the right one; py_webauthn 3.0.1 does not look at that extension."""
    key = make_key()
    key.authenticator.faults = replace(key.authenticator.faults, wrong_aaguid=True)
    refused(judged_by_python_fido2, registered(key))


def test_client_may_wish_for_no_attestation(make_key):
    key = make_key("ctap-2.3")
    assert key.good(1, key.make(formats=["none"]))[1] == "none"
    assert key.good(1, key.make(formats=["unknown", "packed"]))[1] == "packed"
    assert key.good(1, key.make(formats=["unknown"]))[1] == "packed"


def test_vendor_facilitated_enterprise_attestation_knows_its_rps(make_key):
    key = make_key("enterprise")
    assert key.configure(1) == 0
    assert key.good(1, key.make(rp="corp.example", enterprise=1))[4] is True
    assert 4 not in key.good(1, key.make(rp="other.example", enterprise=1))
    assert key.good(1, key.make(rp="other.example", enterprise=2))[4] is True
