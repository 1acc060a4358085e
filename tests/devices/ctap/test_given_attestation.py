"""An attestation key and a chain from outside: what a key signs with, and what is refused."""

import datetime
from base64 import b64encode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from mfalab.devices.ctap import load_model
from mfalab.devices.ctap.model import ModelInvalid

NAMES = ("Acme Attestation", "Acme Intermediate", "Acme Root")
KEYS = [ec.derive_private_key(number, ec.SECP256R1()) for number in (11, 12, 13)]


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(at):
    issuer = min(at + 1, 2)
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name(NAMES[at]))
        .issuer_name(name(NAMES[issuer]))
        .public_key(KEYS[at].public_key())
        .serial_number(at + 1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=9999))
        .sign(KEYS[issuer], hashes.SHA256())
    )


def pem(key, encryption=None):
    form = PrivateFormat.PKCS8
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


CHAIN = [certificate(at) for at in range(3)]
CHAIN_PEM = "".join(each.public_bytes(Encoding.PEM).decode() for each in CHAIN)
DERS = [each.public_bytes(Encoding.DER) for each in CHAIN]
GIVEN = {"attestation_key": pem(KEYS[0]), "attestation_chain": CHAIN_PEM}


def test_packed_attestation_is_signed_by_the_given_key_and_brings_the_chain(make_key):
    key = make_key(**GIVEN)
    answer = key.good(1, key.make())
    assert answer[3]["x5c"] == DERS
    message = answer[2] + key.make()[1]
    KEYS[0].public_key().verify(answer[3]["sig"], message, ec.ECDSA(hashes.SHA256()))


def test_u2f_registration_has_the_given_certificate(make_key):
    key = make_key("u2f-2016", **GIVEN)
    transaction = key.authenticator.begin_u2f(1, b"\0\1\0\0\0\0\x40" + bytes(64) + b"\0\0")
    transaction.touch()
    apdu = b"\0\1\0\0\0\0\x40" + bytes(64) + b"\0\0"
    assert DERS[0] in key.authenticator.begin_u2f(1, apdu).response


def test_metadata_tells_the_last_certificate_as_the_root(make_key):
    statement = make_key(**GIVEN).authenticator.metadata_statement()
    assert statement["attestationRootCertificates"] == [b64encode(DERS[-1]).decode()]


def test_a_model_file_has_both_in_pem(tmp_path):
    path = tmp_path / "acme.toml"
    lines = ['name = "Acme"', 'versions = ["FIDO_2_1"]']
    lines += [f'{field} = """\n{text}"""' for field, text in GIVEN.items()]
    path.write_text("\n".join(lines))
    assert load_model(path).attestation_chain == CHAIN_PEM


@pytest.mark.parametrize(
    ("key", "chain", "why"),
    [
        ("no key", CHAIN_PEM, "attestation_key is no PEM"),
        (pem(KEYS[0], BestAvailableEncryption(b"x")), CHAIN_PEM, "without password"),
        (pem(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))), CHAIN_PEM, "P-256"),
        (pem(ec.derive_private_key(7, ec.SECP384R1())), CHAIN_PEM, "P-256"),
        (pem(KEYS[0]), "no chain", "attestation_chain is no PEM"),
        (pem(KEYS[1]), CHAIN_PEM, "does not begin with the certificate of attestation_key"),
        (pem(KEYS[0]), "", "attestation_chain is no PEM"),
        ("", CHAIN_PEM, "attestation_key is no PEM"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(tmp_path, key, chain, why):
    path = tmp_path / "acme.toml"
    path.write_text(
        f'name = "Acme"\nversions = ["FIDO_2_1"]\n'
        f"attestation_key = '''\n{key}'''\nattestation_chain = '''\n{chain}'''\n"
    )
    with pytest.raises(ModelInvalid, match=rf"acme\.toml:\d+:1: .*{why}"):
        load_model(path)
