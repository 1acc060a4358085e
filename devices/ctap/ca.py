"""The test CA that vouches for our authenticators; its keys are public by construction.

Everything here is derived from fixed names, so every run has the same certificates and a verifier
may pin the root. Never trust it for anything but simulated keys. Certificates have the form of
WebAuthn Level 3 section 8.2.1.
"""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from mfalab.devices.ctap.crypto import P256_ORDER, ec_private_key

_NOT_BEFORE = datetime.datetime(2016, 1, 1, tzinfo=datetime.UTC)
_NOT_AFTER = datetime.datetime(2056, 1, 1, tzinfo=datetime.UTC)
_AAGUID_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
_ENTERPRISE_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.2")
_ORGANISATION = "mfalab"


def attestation_seed(name: bytes) -> bytes:
    """The private key of the attestation certificate of that name."""
    number = int.from_bytes(sha256(b"mfalab test CA\0" + name).digest(), "big")
    return (number % (P256_ORDER - 1) + 1).to_bytes(32, "big")


@cache
def root_certificate() -> bytes:
    """The root's certificate in DER."""
    name = _subject("Test Root CA", "mfalab Test Root CA 1")
    key = ec_private_key(attestation_seed(b"root"))
    builder = (
        _builder(b"root", name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_ca_usage(), critical=True)
        .add_extension(_key_id(key.public_key()), critical=False)
    )
    return _signed(builder, key)


@cache
def leaf_certificate(name: bytes, common_name: str, aaguid: bytes, enterprise: bool) -> bytes:
    """The attestation certificate of that name in DER.

    Args:
        name: Which key it is about; see `attestation_seed`.
        common_name: For people.
        aaguid: 16 bytes for the AAGUID extension; all zero leaves the extension out, as U2F does.
        enterprise: Add the extension that holds the name, since it tells one authenticator.
    """
    root_key = ec_private_key(attestation_seed(b"root"))
    issuer = _subject("Test Root CA", "mfalab Test Root CA 1")
    public = ec_private_key(attestation_seed(name)).public_key()
    builder = (
        _builder(name, _subject("Authenticator Attestation", common_name), issuer, public)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
            critical=False,
        )
    )
    if any(aaguid):
        value = x509.UnrecognizedExtension(_AAGUID_EXTENSION, b"\x04\x10" + aaguid)
        builder = builder.add_extension(value, critical=False)
    if enterprise:
        value = x509.UnrecognizedExtension(_ENTERPRISE_EXTENSION, bytes([4, len(name)]) + name)
        builder = builder.add_extension(value, critical=False)
    return _signed(builder, root_key)


def _signed(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    with _true_datetime():
        certificate = builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    return certificate.public_bytes(Encoding.DER)


@contextmanager
def _true_datetime() -> Iterator[None]:
    """Keep freezegun's class away from cryptography while it writes a date.

    cryptography keeps for good the class `datetime.datetime` of the first date that it meets. Were
    that freezegun's, no certificate could be made in this process any more.
    """
    found = datetime.datetime
    datetime.datetime = next(kind for kind in found.__mro__ if type(kind) is type)  # type: ignore[assignment, misc]  # the class below a fake one
    try:
        yield
    finally:
        datetime.datetime = found  # type: ignore[misc]  # as it was


def _builder(
    name: bytes, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    # 63 bits: the number stays positive in DER without a leading zero byte.
    serial = int.from_bytes(sha256(b"serial\0" + name).digest()[:8], "big") >> 1 | 1
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
    )


def _subject(unit: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "SE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANISATION),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _key_id(key: ec.EllipticCurvePublicKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key)


def _ca_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
