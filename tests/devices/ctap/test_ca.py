"""Certificates of the test CA."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from mfalab.devices.ctap.ca import attestation_seed, leaf_certificate, root_certificate

AAGUID = bytes(range(16))
AAGUID_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
ENTERPRISE_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.2")


def leaf(name=b"batch", aaguid=AAGUID, enterprise=False):
    return x509.load_der_x509_certificate(leaf_certificate(name, "Batch", aaguid, enterprise))


def extensions(certificate):
    return {each.oid: each.value for each in certificate.extensions}


def test_leaf_is_signed_by_the_root_which_signs_itself():
    root = x509.load_der_x509_certificate(root_certificate())
    root.verify_directly_issued_by(root)
    leaf().verify_directly_issued_by(root)


def test_root_is_a_ca_and_leaf_is_none():
    root = x509.load_der_x509_certificate(root_certificate())
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not leaf().extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_aaguid_stands_in_an_octet_string():
    """WebAuthn section 8.2.1: the extension holds the AAGUID as an OCTET STRING."""
    assert extensions(leaf())[AAGUID_EXTENSION].value == b"\x04\x10" + AAGUID


def test_aaguid_of_zeros_leaves_its_extension_out():
    assert AAGUID_EXTENSION not in extensions(leaf(aaguid=bytes(16)))


def test_only_an_enterprise_leaf_names_its_authenticator():
    assert ENTERPRISE_EXTENSION not in extensions(leaf())
    named = extensions(leaf(b"serial 1", enterprise=True))
    assert named[ENTERPRISE_EXTENSION].value == b"\x04\x08serial 1"


def test_each_name_has_its_own_key_and_serial_number():
    one, other = leaf(b"one"), leaf(b"other")
    assert attestation_seed(b"one") != attestation_seed(b"other")
    assert one.public_key() != other.public_key()
    assert one.serial_number != other.serial_number


def test_key_of_a_leaf_is_that_of_its_seed():
    scalar = int.from_bytes(attestation_seed(b"batch"), "big")
    assert leaf().public_key() == ec.derive_private_key(scalar, ec.SECP256R1()).public_key()
