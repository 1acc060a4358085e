"""Metadata statements."""

import json
from base64 import b64decode

import pytest

from mfalab.devices.ctap import Transport, ca


def statement(make_key, model, **changes):
    return make_key(model, **changes).authenticator.metadata_statement()


def test_statement_is_json(make_key):
    made = statement(make_key, "yubikey-like")
    assert json.loads(json.dumps(made)) == made


def test_statement_of_a_ctap2_key_has_its_aaguid_and_get_info(make_key):
    key = make_key("yubikey-like")
    made = key.authenticator.metadata_statement()
    aaguid = key.info()[3]
    assert made["protocolFamily"] == "fido2"
    assert made["aaguid"].replace("-", "") == aaguid.hex()
    assert made["authenticatorGetInfo"]["versions"] == key.info()[1]
    assert b64decode(made["attestationRootCertificates"][0]) == ca.root_certificate()


def test_statement_of_a_u2f_key_has_its_certificates_key_instead(make_key):
    made = statement(make_key, "u2f-2016")
    assert made["protocolFamily"] == "u2f"
    assert made["upv"] == [{"major": 1, "minor": 2}]
    assert len(made["attestationCertificateKeyIdentifiers"][0]) == 40
    assert not {"aaguid", "authenticatorGetInfo"} & made.keys()


def test_ways_to_verify_follow_the_model(make_key):
    ways = statement(make_key, "ctap-2.1-pin")["userVerificationDetails"]
    methods = [[each["userVerificationMethod"] for each in way] for way in ways]
    assert methods == [["presence_internal"], ["passcode_external", "presence_internal"]]


@pytest.mark.parametrize(
    ("transports", "hints"), [("usb", ["wired"]), ("nfc", ["wireless", "nfc"])]
)
def test_attachment_follows_the_transports(make_key, transports, hints):

    made = statement(make_key, "yubikey-like", transports=(Transport(transports),))
    assert made["attachmentHint"] == ["external", *hints]
