"""python-fido2's classes drive the authenticator, and its verifiers judge what it says."""

from hashlib import sha256

import pytest
from fido2.attestation import (
    AttestationVerifier,
    FidoU2FAttestation,
    NoneAttestation,
    PackedAttestation,
)
from fido2.cose import CoseKey
from fido2.ctap import CtapError
from fido2.ctap1 import Ctap1
from fido2.ctap2 import Ctap2
from fido2.ctap2.bio import CaptureError, FPBioEnrollment
from fido2.ctap2.blob import LargeBlobs
from fido2.ctap2.config import Config
from fido2.ctap2.credman import CredentialManagement
from fido2.ctap2.pin import ClientPin, PinProtocolV1, PinProtocolV2
from fido2.mds3 import MetadataStatement
from fido2.webauthn import AttestationObject

from mfalab.devices.ctap.ca import root_certificate
from mfalab.devices.ctap.model import AttestationKind, load_model, model_names

CDH = sha256(b"client data").digest()
RP = {"id": "example.com", "name": "Example"}
USER = {"id": b"alice", "name": "alice", "displayName": "Alice"}
CTAP2_MODELS = [name for name in model_names() if load_model(name).ctap2]
PERMISSION = ClientPin.PERMISSION


def param(algorithm):
    return [{"type": "public-key", "alg": algorithm}]


class TestRoot(AttestationVerifier):
    __test__ = False

    def ca_lookup(self, attestation_result, auth_data):
        return root_certificate()


def attestation_object(response):
    return AttestationObject.create(response.fmt, response.auth_data, response.att_stmt)


@pytest.fixture
def ctap(make_key, device):
    def make(model="ctap-2.1-pin", **changes):
        key = make_key(model, **changes)
        return Ctap2(device(key)), key

    return make


@pytest.mark.parametrize("name", CTAP2_MODELS)
def test_every_model_answers_get_info_that_python_fido2_reads(ctap, name):
    client, key = ctap(name)
    assert client.info.aaguid == key.model.aaguid
    assert client.info.max_msg_size == key.model.max_msg_size
    assert ("U2F_V2" in client.info.versions) == (key.model.u2f and name != "always-uv")


def signing_cases():
    for name in CTAP2_MODELS:
        for algorithm in load_model(name).algorithms:
            slow = pytest.mark.slow if algorithm == -257 else ()
            yield pytest.param(name, int(algorithm), id=f"{name}-{algorithm.name}", marks=slow)


@pytest.mark.parametrize(("name", "algorithm"), list(signing_cases()))
@pytest.mark.parametrize("rk", [False, True], ids=["wrapped", "discoverable"])
def test_registration_and_assertion_verify(ctap, name, algorithm, rk):
    client, _ = ctap(name)
    protocol = PinProtocolV2() if 2 in client.info.pin_uv_protocols else PinProtocolV1()
    pin = ClientPin(client, protocol)
    pin.set_pin("903817")

    def signed(permission):
        token = pin.get_pin_token("903817", permission, "example.com")
        return {
            "pin_uv_param": protocol.authenticate(token, CDH),
            "pin_uv_protocol": protocol.VERSION,
        }

    response = client.make_credential(
        CDH,
        RP,
        USER,
        param(algorithm),
        options={"rk": rk} if rk else None,
        **signed(PERMISSION.MAKE_CREDENTIAL),
    )
    TestRoot().verify_attestation(attestation_object(response), CDH)
    credential = response.auth_data.credential_data
    assert response.auth_data.is_user_verified()
    assert credential.public_key[3] == algorithm

    assertion = client.get_assertion(
        "example.com",
        CDH,
        [{"type": "public-key", "id": credential.credential_id}],
        **signed(PERMISSION.GET_ASSERTION),
    )
    assertion.verify(CDH, CoseKey.parse(credential.public_key))
    assert (assertion.user is not None) == rk


@pytest.mark.parametrize(
    ("kind", "verifier"),
    [
        (AttestationKind.NONE, NoneAttestation),
        (AttestationKind.PACKED_SELF, PackedAttestation),
        (AttestationKind.PACKED_X5C, PackedAttestation),
        (AttestationKind.FIDO_U2F, FidoU2FAttestation),
    ],
)
def test_attestation_of_each_kind_verifies(ctap, kind, verifier):
    client, _ = ctap(attestation=kind)
    response = client.make_credential(CDH, RP, USER, param(-7))
    assert response.fmt == verifier.FORMAT
    result = verifier().verify(response.att_stmt, response.auth_data, CDH)
    if kind in (AttestationKind.PACKED_X5C, AttestationKind.FIDO_U2F):
        assert result.trust_path
        TestRoot().verify_attestation(attestation_object(response), CDH)


def test_enterprise_attestation_verifies_and_names_the_key(ctap):
    client, key = ctap("enterprise")
    Config(client).enable_enterprise_attestation()
    response = client.make_credential(CDH, RP, USER, param(-7), enterprise_attestation=2)
    assert response.ep_att is True
    TestRoot().verify_attestation(attestation_object(response), CDH)
    assert key.state.serial_number.hex().encode() in response.att_stmt["x5c"][0]
    plain = client.make_credential(CDH, RP, USER, param(-7), enterprise_attestation=1)
    assert plain.ep_att is None
    assert plain.att_stmt["x5c"] != response.att_stmt["x5c"]


@pytest.mark.parametrize("name", model_names())
def test_metadata_statement_is_one(make_key, name):
    key = make_key(name)
    statement = MetadataStatement.from_dict(key.authenticator.metadata_statement())
    assert statement.description.startswith("mfalab")
    assert (statement.aaguid is None) == (not key.model.ctap2)
    assert statement.attestation_types


@pytest.mark.parametrize("protocol", [PinProtocolV1(), PinProtocolV2()], ids=["one", "two"])
def test_client_pin_sets_changes_and_counts(ctap, protocol):
    client, _ = ctap()
    pin = ClientPin(client, protocol)
    pin.set_pin("1234")
    assert pin.get_pin_retries() == (8, 0)
    with pytest.raises(CtapError) as wrong:
        pin.get_pin_token("0000")
    assert wrong.value.code == CtapError.ERR.PIN_INVALID
    assert pin.get_pin_retries() == (7, 0)
    pin.change_pin("1234", "héllo")
    assert pin.get_pin_retries() == (8, 0)
    assert len(pin.get_pin_token("héllo", PERMISSION.GET_ASSERTION, "example.com")) == 32


def test_credential_management_lists_renames_and_deletes(ctap):
    client, key = ctap("yubikey-like")
    pin = ClientPin(client)
    pin.set_pin("1234")
    for rp in ("a.example", "b.example"):
        for user in (b"alice", b"bob"):
            key.register(rp=rp, user=user, rk=True, pin="1234")

    def manager():
        token = pin.get_pin_token("1234", PERMISSION.CREDENTIAL_MGMT)
        return CredentialManagement(client, pin.protocol, token)

    result = CredentialManagement.RESULT
    assert manager().get_metadata() == {
        result.EXISTING_CRED_COUNT: 4,
        result.MAX_REMAINING_COUNT: 96,
    }
    parties = manager().enumerate_rps()
    assert [party[result.RP]["id"] for party in parties] == ["a.example", "b.example"]
    party = sha256(b"a.example").digest()
    found = manager().enumerate_creds(party)
    assert {c[result.USER]["id"] for c in found} == {b"alice", b"bob"}
    newest = found[0]
    manager().update_user_info(
        newest[result.CREDENTIAL_ID], {"id": newest[result.USER]["id"], "name": "robert"}
    )
    assert manager().enumerate_creds(party)[0][result.USER]["name"] == "robert"
    manager().delete_cred(newest[result.CREDENTIAL_ID])
    assert len(manager().enumerate_creds(party)) == 1
    assert manager().enumerate_creds(sha256(b"c.example").digest()) == []


def test_large_blob_larger_than_a_message_comes_back(ctap):
    client, key = ctap()
    pin = ClientPin(client)
    pin.set_pin("1234")
    token = pin.get_pin_token("1234", PERMISSION.LARGE_BLOB_WRITE)
    blobs = LargeBlobs(client, pin.protocol, token)
    content = key.random_bytes(2500)
    blobs.put_blob(bytes(32), content)
    blobs.put_blob(b"k" * 32, b"other")
    assert blobs.get_blob(bytes(32)) == content
    assert blobs.get_blob(b"k" * 32) == b"other"
    blobs.delete_blob(bytes(32))
    assert blobs.get_blob(bytes(32)) is None


def test_config_sets_policy(ctap):
    client, _ = ctap()
    pin = ClientPin(client)
    pin.set_pin("1234")

    def config():
        token = pin.get_pin_token("1234", PERMISSION.AUTHENTICATOR_CFG)
        return Config(client, pin.protocol, token)

    config().toggle_always_uv()
    assert client.get_info().options["alwaysUv"] is True
    config().set_min_pin_length(6, ["example.com"])
    info = client.get_info()
    assert (info.min_pin_length, info.force_pin_change) == (6, True)


def test_finger_is_enrolled_named_used_and_removed(ctap):
    client, _ = ctap("ctap-2.1-bio")
    pin = ClientPin(client)
    pin.set_pin("1234")
    token = pin.get_pin_token("1234", PERMISSION.BIO_ENROLL)
    bio = FPBioEnrollment(client, pin.protocol, token)
    assert bio.get_fingerprint_sensor_info() == {2: 1, 3: 4, 8: 15}
    assert bio.enumerate_enrollments() == {}
    enrolment = bio.enroll()
    template = None
    while template is None:
        template = enrolment.capture()
    with pytest.raises(CaptureError):
        bio.enroll().capture()
    bio.set_name(template, "right thumb")
    assert bio.enumerate_enrollments() == {template: "right thumb"}

    response = client.make_credential(CDH, RP, USER, param(-7), options={"uv": True})
    assert response.auth_data.is_user_verified()
    by_finger = pin.get_uv_token(PERMISSION.GET_ASSERTION, "example.com")
    assert len(by_finger) == 32
    assert pin.get_uv_retries() == 3

    token = pin.get_pin_token("1234", PERMISSION.BIO_ENROLL)
    FPBioEnrollment(client, pin.protocol, token).remove_enrollment(template)
    assert client.get_info().options["uv"] is False


def test_reset_and_selection(ctap):
    client, key = ctap()
    client.selection()
    ClientPin(client).set_pin("1234")
    client.reset()
    assert client.get_info().options["clientPin"] is False
    assert key.prompts[-2:] == key.prompts[:1] * 2


def test_identifier_and_store_state_open_with_the_persistent_token_alone(ctap):
    client, key = ctap("ctap-2.3")
    pin = ClientPin(client)
    pin.set_pin("1234")
    token = pin.get_pin_token("1234", PERMISSION.PERSISTENT_CREDENTIAL_MGMT)
    first, second = client.get_info(), client.get_info()
    assert first.enc_identifier != second.enc_identifier
    assert first.get_identifier(token) == second.get_identifier(token)
    before = first.get_cred_store_state(token)
    key.register(rk=True, pin="1234")
    assert client.get_info().get_cred_store_state(token) != before
    key.power_cycle()
    manager = CredentialManagement(client, pin.protocol, token)
    assert len(manager.enumerate_rps()) == 1
    with pytest.raises(CtapError) as refused:
        manager.delete_cred({"type": "public-key", "id": bytes(32)})
    assert refused.value.code == CtapError.ERR.PIN_AUTH_INVALID


def test_u2f_registers_and_signs(make_key, device):
    client = Ctap1(device(make_key("u2f-2016")))
    assert client.get_version() == "U2F_V2"
    application = sha256(b"https://example.com").digest()
    registration = client.register(CDH, application)
    registration.verify(application, CDH)
    signature = client.authenticate(CDH, application, registration.key_handle)
    signature.verify(application, CDH, registration.public_key)
    assert signature.counter == 1
    response = registration.certificate
    assert b"Authenticator Attestation" in response
