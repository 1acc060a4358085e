"""Attestation statements, format by format (WebAuthn Level 3 section 8).

`none`, `packed` and `fido-u2f` are those of security keys; `tpm`, `android-key` and `apple` those
of platforms. `android-safetynet` ended in 2025, and `compound` puts several of these together; the
two are not known here.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from mfalab.verifier.webauthn import certificates, cose, der, tpm
from mfalab.verifier.webauthn.attestation import Attestation, AttestationType
from mfalab.verifier.webauthn.messages import Registration
from mfalab.verifier.webauthn.outcomes import CeremonyFailed, CeremonyOutcome

_KEY_DESCRIPTION = bytes.fromhex("2b06010401d679020111")
"""Android's key attestation, 1.3.6.1.4.1.11129.2.1.17."""
_PURPOSE, _ALL_APPLICATIONS, _ORIGIN = 0xA1, 0xBF8458, 0xBF853E
"""[1], [600] and [702] of an AuthorizationList."""
_PURPOSE_SIGN, _ORIGIN_GENERATED = b"\x02", b"\x00"
_APPLE_NONCE = bytes.fromhex("2a864886f763640802")
"""1.2.840.113635.100.8.2."""
_SUBJECT_ALTERNATIVE_NAME, _EXTENDED_KEY_USAGE = bytes.fromhex("551d11"), bytes.fromhex("551d25")
_AIK_CERTIFICATE = bytes.fromhex("6781050803")
"""`tcg-kp-AIKCertificate`, 2.23.133.8.3."""
_TPM_ATTRIBUTES = {bytes.fromhex(f"67810502{number:02x}") for number in (1, 2, 3)}
"""Manufacturer, model and version of a TPM, 2.23.133.2.1 and following."""
_DIRECTORY_NAME = 0xA4


def verify_statement(registration: Registration, key: cose.PublicKey) -> Attestation:
    """Verify an attestation statement with the credential's public key or its own certificate.

    Raises:
        CeremonyFailed: INVALID_ATTESTATION.
    """
    verify = _FORMATS.get(registration.format)
    if verify is None:
        raise _invalid(f"format {registration.format!r} is not known")
    try:
        return verify(registration, key)
    except InvalidSignature:
        raise _invalid("the statement's signature is wrong") from None
    except (ValueError, cose.InvalidKey) as error:
        raise _invalid(str(error)) from None


def verify_u2f(
    certificate_key: object,
    signature: bytes,
    *,
    application: bytes,
    challenge: bytes,
    key_handle: bytes,
    point: bytes,
) -> None:
    """Verify the signature of a U2F registration (FIDO U2F Raw Message Formats section 4.3).

    Raises:
        InvalidSignature: it is wrong.
        InvalidKey: the certificate's key is not on P-256.
    """
    message = b"\x00" + application + challenge + key_handle + point
    cose.certificate_key(certificate_key, cose.ES256)(signature, message)


def _none(registration: Registration, _: cose.PublicKey) -> Attestation:
    if registration.statement:
        raise ValueError("a statement of format none is not empty")
    return Attestation(AttestationType.NONE)


def _packed(registration: Registration, key: cose.PublicKey) -> Attestation:
    """Section 8.2."""
    statement = registration.statement
    algorithm, signature = _signed(statement)
    if "x5c" not in statement:
        if set(statement) != {"alg", "sig"}:
            raise ValueError("a packed statement has members that are not known")
        if algorithm != key.algorithm:
            raise ValueError(f"alg is {algorithm}, and the credential's is {key.algorithm}")
        key.verify(signature, _message(registration))
        return Attestation(AttestationType.SELF)
    attester = certificates.first(statement["x5c"])
    cose.certificate_key(attester.key, algorithm)(signature, _message(registration))
    _check_packed_certificate(attester, registration.authenticator_data.aaguid)
    return Attestation(AttestationType.BASIC, tuple(statement["x5c"]))


@lru_cache(maxsize=256)  # one certificate signs at least 100,000 keys
def _check_packed_certificate(attester: certificates.Attester, aaguid: bytes) -> None:
    """The requirements of section 8.2.1."""
    certificate = attester.certificate
    told = certificates.subject(certificate)
    subject = {
        name: [attribute.value for attribute in told.get_attributes_for_oid(name)]
        for name in (
            NameOID.COUNTRY_NAME,
            NameOID.ORGANIZATION_NAME,
            NameOID.ORGANIZATIONAL_UNIT_NAME,
            NameOID.COMMON_NAME,
        )
    }
    _check_version(certificate)
    if not all(len(values) == 1 and values[0] for values in subject.values()):
        raise ValueError("the attestation certificate's subject lacks C, O, OU or CN")
    if subject[NameOID.ORGANIZATIONAL_UNIT_NAME] != ["Authenticator Attestation"]:
        raise ValueError("the attestation certificate's OU is not Authenticator Attestation")
    certificates.check_requirements(certificates.extensions(certificate), aaguid)


def _tpm(registration: Registration, key: cose.PublicKey) -> Attestation:
    """Section 8.3."""
    statement = registration.statement
    algorithm, signature = _signed(statement)
    cert_info, pub_area = statement.get("certInfo"), statement.get("pubArea")
    if statement.get("ver") != "2.0":
        raise ValueError("a tpm statement is of version 2.0")
    if not isinstance(cert_info, bytes) or not isinstance(pub_area, bytes):
        raise ValueError("a tpm statement lacks certInfo or pubArea")
    if tpm.public_key(pub_area) != key.key:
        raise ValueError("pubArea has another key than the credential")
    digest = hashlib.new(cose.hash_of(algorithm), _message(registration)).digest()
    tpm.check_certify_info(cert_info, pub_area, digest)
    attester = certificates.first(statement.get("x5c"))
    cose.certificate_key(attester.key, algorithm)(signature, cert_info)
    _check_aik_certificate(attester, registration.authenticator_data.aaguid)
    return Attestation(AttestationType.ATTESTATION_CA, tuple(statement["x5c"]))


@lru_cache(maxsize=256)  # one certificate signs at least 100,000 keys
def _check_aik_certificate(attester: certificates.Attester, aaguid: bytes) -> None:
    """The requirements of section 8.3.1."""
    certificate = attester.certificate
    _check_version(certificate)
    if list(certificates.subject(certificate)):
        raise ValueError("the attestation certificate of a TPM has a subject")
    found = certificates.extensions(certificate)
    _, names = found.get(_SUBJECT_ALTERNATIVE_NAME, (False, b"\x30\x00"))
    attributes = {
        part.content
        for name in der.members(names, der.SEQUENCE)
        if name.tag == _DIRECTORY_NAME
        for relative in der.members(name.content, der.SEQUENCE)
        for attribute in der.values(relative.content)
        for part in der.values(attribute.content)
        if part.tag == der.OID
    }
    if not attributes >= _TPM_ATTRIBUTES:
        raise ValueError("the attestation certificate names no manufacturer, model or version")
    _, usage = found.get(_EXTENDED_KEY_USAGE, (False, b"\x30\x00"))
    if der.Value(der.OID, _AIK_CERTIFICATE) not in der.members(usage, der.SEQUENCE):
        raise ValueError("the attestation certificate is none for attestation identity keys")
    certificates.check_requirements(found, aaguid)


def _android_key(registration: Registration, key: cose.PublicKey) -> Attestation:
    """Section 8.4."""
    statement = registration.statement
    algorithm, signature = _signed(statement)
    attester = certificates.first(statement.get("x5c"))
    cose.certificate_key(attester.key, algorithm)(signature, _message(registration))
    _check_own_key(attester, key)
    _, description = certificates.extensions(attester.certificate).get(
        _KEY_DESCRIPTION, (False, b"")
    )
    # attestationVersion and security level, the same of keymaster, attestationChallenge, uniqueId,
    # softwareEnforced, teeEnforced
    members = der.members(description, der.SEQUENCE)
    if len(members) != 8:
        raise ValueError("the key description does not have 8 members")
    if members[4] != der.Value(der.OCTET_STRING, registration.client_data.hash):
        raise ValueError("the key description has another challenge than this ceremony")
    enforced = [entry for part in members[6:] for entry in der.values(part.content)]
    if any(entry.tag == _ALL_APPLICATIONS for entry in enforced):
        raise ValueError("the key is one for all applications")
    purposes = [der.members(each.content, der.SET) for each in enforced if each.tag == _PURPOSE]
    if not purposes or any(each != [der.Value(der.INTEGER, _PURPOSE_SIGN)] for each in purposes):
        raise ValueError("the key's purpose is not to sign")
    origins = [der.values(each.content) for each in enforced if each.tag == _ORIGIN]
    if not origins or any(each != [der.Value(der.INTEGER, _ORIGIN_GENERATED)] for each in origins):
        raise ValueError("the key was not generated where it is kept")
    return Attestation(AttestationType.BASIC, tuple(statement["x5c"]))


def _apple(registration: Registration, key: cose.PublicKey) -> Attestation:
    """Section 8.8."""
    x5c: Any = registration.statement.get("x5c")
    attester = certificates.first(x5c)
    _, content = certificates.extensions(attester.certificate).get(_APPLE_NONCE, (False, b""))
    nonce = hashlib.sha256(_message(registration)).digest()
    if der.members(content, der.SEQUENCE, 0xA1) != [der.Value(der.OCTET_STRING, nonce)]:
        raise ValueError("the certificate has another nonce than this ceremony")
    _check_own_key(attester, key)
    return Attestation(AttestationType.ANONYMIZATION_CA, tuple(x5c))


def _fido_u2f(registration: Registration, key: cose.PublicKey) -> Attestation:
    """Section 8.6."""
    statement, data = registration.statement, registration.authenticator_data
    signature, x5c = statement.get("sig"), statement.get("x5c")
    attester = certificates.first(x5c)
    if not isinstance(signature, bytes) or len(statement["x5c"]) != 1:
        raise ValueError("a fido-u2f statement has one signature and one certificate")
    if key.algorithm != cose.ES256:
        raise ValueError(f"a U2F credential has algorithm {cose.ES256}, not {key.algorithm}")
    verify_u2f(
        attester.key,
        signature,
        application=data.rp_id_hash,
        challenge=registration.client_data.hash,
        key_handle=data.credential_id,
        point=key.key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
    )
    return Attestation(AttestationType.BASIC, tuple(statement["x5c"]))


_FORMATS = {
    "none": _none,
    "packed": _packed,
    "tpm": _tpm,
    "android-key": _android_key,
    "apple": _apple,
    "fido-u2f": _fido_u2f,
}


def _signed(statement: Any) -> tuple[int, bytes]:
    algorithm, signature = statement.get("alg"), statement.get("sig")
    if not isinstance(algorithm, int) or not isinstance(signature, bytes):
        raise ValueError("the statement lacks alg or sig")
    return algorithm, signature


def _message(registration: Registration) -> bytes:
    return registration.authenticator_data.raw + registration.client_data.hash


def _check_version(certificate: x509.Certificate) -> None:
    if certificate.version is not x509.Version.v3:
        raise ValueError("the attestation certificate is not of version 3")


def _check_own_key(attester: certificates.Attester, key: cose.PublicKey) -> None:
    if attester.key != key.key:
        raise ValueError("the certificate is of another key than the credential")


def _invalid(reason: str) -> CeremonyFailed:
    return CeremonyFailed(CeremonyOutcome.INVALID_ATTESTATION, reason)
