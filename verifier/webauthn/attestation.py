"""Attestation: a security key's statement about its model, and whether it is trusted.

Formats `none`, `packed` and `fido-u2f` (WebAuthn Level 3 sections 8.7, 8.2, 8.6): those of security
keys. A statement is verified first; trust is another question, and the profile's.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

from mfalab.verifier.moments import moment
from mfalab.verifier.profile import AttestationPolicy, Profile
from mfalab.verifier.webauthn import cose, metadata
from mfalab.verifier.webauthn.messages import Registration
from mfalab.verifier.webauthn.outcomes import CeremonyFailed, CeremonyOutcome

AAGUID_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
"""`id-fido-gen-ce-aaguid`."""

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    CryptographyDeprecationWarning,  # where warnings are errors
)
"""All that `cryptography` raises for a certificate that is none."""


class AttestationType(StrEnum):
    """Who vouches for the model (WebAuthn Level 3 section 6.5.3)."""

    NONE = "none"
    SELF = "self"
    BASIC = "basic"
    """A certificate, of the model or by an attestation CA: the two look the same."""


@dataclass(frozen=True, slots=True)
class Attestation:
    """A statement that was verified."""

    type: AttestationType
    certificates: tuple[x509.Certificate, ...] = ()
    """The trust path: the attestation certificate, then who issued it."""


def verify_statement(registration: Registration, key: cose.PublicKey) -> Attestation:
    """Verify an attestation statement with the credential's public key or its own certificate.

    Raises:
        CeremonyFailed: INVALID_ATTESTATION.
    """
    try:
        match registration.format:
            case "none":
                if registration.statement:
                    raise _invalid("a statement of format none is not empty")
                return Attestation(AttestationType.NONE)
            case "packed":
                return _packed(registration, key)
            case "fido-u2f":
                return _fido_u2f(registration, key)
    except InvalidSignature:
        raise _invalid("the statement's signature is wrong") from None
    except cose.InvalidKey as error:
        raise _invalid(str(error)) from None
    raise _invalid(f"format {registration.format!r} is not known")


def check_trust(
    attestation: Attestation, registration: Registration, profile: Profile, now_ns: int
) -> tuple[tuple[str, str], ...]:
    """Apply the profile's policy; returns the model's certifications as far as they are proved.

    Raises:
        CeremonyFailed: UNTRUSTED_ATTESTATION.
        ValueError: a root or a metadata statement of the profile cannot be read.
    """
    path, now = attestation.certificates, moment(now_ns)
    identifiers = [_key_identifier(certificate) for certificate in path]
    aaguid = registration.authenticator_data.aaguid
    known = metadata.find(profile.metadata_statements, aaguid, identifiers)
    believed = known is not None and _as_announced(attestation, known, now)
    policy = profile.attestation_policy
    if policy is AttestationPolicy.SELF and attestation.type is AttestationType.NONE:
        raise _untrusted("the key does not attest")
    if policy is AttestationPolicy.ROOTS and not leads_to(
        path, [_pem(root) for root in profile.attestation_roots], now
    ):
        raise _untrusted("the certificates lead to no trusted root")
    if policy is AttestationPolicy.METADATA:
        if known is None:
            raise _untrusted(f"there is no metadata for AAGUID {aaguid.hex()}")
        if not known.trusted:
            bad = ", ".join(sorted(known.statuses & metadata.DISTRUSTED))
            raise _untrusted(f"{known.description} is reported as {bad}")
        if not believed:
            raise _untrusted(f"the statement is not one of {known.description}")
    return known.certifications if known is not None and believed else ()


def leads_to(
    path: tuple[x509.Certificate, ...], roots: Iterable[x509.Certificate], now: datetime.datetime
) -> bool:
    """Whether a trust path ends at one of the roots, every certificate valid now (RFC 5280 6.1).

    A root may also be the attestation certificate itself, as metadata statements have it.
    """
    anchors = list(roots)
    for below, certificate in enumerate(path):
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return False
        if below and not _may_issue(certificate, below - 1):
            return False
        if certificate in anchors:
            return True
        following = path[below + 1 : below + 2]
        if following and _issued_by(certificate, following[0]):
            continue
        return not following and any(
            _issued_by(certificate, anchor) and _may_issue(anchor, below) for anchor in anchors
        )
    return False


def _packed(registration: Registration, key: cose.PublicKey) -> Attestation:
    statement, data = registration.statement, registration.authenticator_data
    algorithm, signature = statement.get("alg"), statement.get("sig")
    if not isinstance(algorithm, int) or not isinstance(signature, bytes):
        raise _invalid("a packed statement lacks alg or sig")
    message = data.raw + registration.client_data.hash
    if "x5c" not in statement:
        if set(statement) != {"alg", "sig"}:
            raise _invalid("a packed statement has members that are not known")
        if algorithm != key.algorithm:
            raise _invalid(f"alg is {algorithm}, and the credential's is {key.algorithm}")
        key.verify(signature, message)
        return Attestation(AttestationType.SELF)
    path = _certificates(statement["x5c"])
    cose.certificate_key(path[0].public_key(), algorithm)(signature, message)
    _check_packed_certificate(path[0], data.aaguid)
    return Attestation(AttestationType.BASIC, path)


def _fido_u2f(registration: Registration, key: cose.PublicKey) -> Attestation:
    statement, data = registration.statement, registration.authenticator_data
    signature = statement.get("sig")
    path = _certificates(statement.get("x5c"))
    if not isinstance(signature, bytes) or len(path) != 1:
        raise _invalid("a fido-u2f statement has one signature and one certificate")
    if key.algorithm != cose.ES256:
        raise _invalid(f"a U2F credential has algorithm {cose.ES256}, not {key.algorithm}")
    verify_u2f(
        path[0],
        signature,
        application=data.rp_id_hash,
        challenge=registration.client_data.hash,
        key_handle=data.credential_id,
        point=key.point,
    )
    return Attestation(AttestationType.BASIC, path)


def verify_u2f(
    certificate: x509.Certificate,
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
    cose.certificate_key(certificate.public_key(), cose.ES256)(signature, message)


def _check_packed_certificate(certificate: x509.Certificate, aaguid: bytes) -> None:
    """The requirements of WebAuthn Level 3 section 8.2.1."""
    subject = {
        name: [attribute.value for attribute in certificate.subject.get_attributes_for_oid(name)]
        for name in (
            NameOID.COUNTRY_NAME,
            NameOID.ORGANIZATION_NAME,
            NameOID.ORGANIZATIONAL_UNIT_NAME,
            NameOID.COMMON_NAME,
        )
    }
    if certificate.version is not x509.Version.v3:
        raise _invalid("the attestation certificate is not of version 3")
    if not all(len(values) == 1 and values[0] for values in subject.values()):
        raise _invalid("the attestation certificate's subject lacks C, O, OU or CN")
    if subject[NameOID.ORGANIZATIONAL_UNIT_NAME] != ["Authenticator Attestation"]:
        raise _invalid("the attestation certificate's OU is not Authenticator Attestation")
    try:
        extensions = certificate.extensions
        if extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            raise _invalid("the attestation certificate is one of a CA")
    except x509.ExtensionNotFound:
        raise _invalid("the attestation certificate has no basic constraints") from None
    except ValueError as error:
        raise _invalid(f"the attestation certificate cannot be read: {error}") from None
    for extension in extensions:
        if extension.oid == AAGUID_EXTENSION:
            # An OCTET STRING of 16 bytes inside the extension's own.
            value = extension.value.public_bytes()
            if extension.critical or value != b"\x04\x10" + aaguid:
                raise _invalid("the attestation certificate is of another AAGUID")


def _as_announced(
    attestation: Attestation, known: metadata.Metadata, now: datetime.datetime
) -> bool:
    if attestation.type is AttestationType.BASIC:
        roots = [x509.load_der_x509_certificate(root) for root in known.roots]
        announced = bool(known.attestation_types & {"basic_full", "attca"})
        return announced and leads_to(attestation.certificates, roots, now)
    # Any key could impersonate a model that attests with certificates by a self attestation.
    return attestation.type is AttestationType.SELF and known.attestation_types == {
        "basic_surrogate"
    }


def _certificates(x5c: object) -> tuple[x509.Certificate, ...]:
    if not isinstance(x5c, list) or not x5c or not all(isinstance(der, bytes) for der in x5c):
        raise _invalid("x5c is no list of certificates")
    try:
        certificates = tuple(x509.load_der_x509_certificate(der) for der in x5c)
        for certificate in certificates:
            # Each part is parsed when it is first asked for; the errors belong here.
            _ = certificate.subject, certificate.issuer, certificate.extensions
            with _true_datetime():
                _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            certificate.public_key()
            if certificate.serial_number <= 0:
                raise ValueError("its serial number is not positive")
    except UNREADABLE as error:
        raise _invalid(f"a certificate cannot be read: {error}") from None
    return certificates


@contextmanager
def _true_datetime() -> Iterator[None]:
    """Keep freezegun's class away from cryptography while it reads a date.

    cryptography keeps for good the class `datetime.datetime` of the first date that it meets. Were
    that freezegun's, no certificate could be made in this process any more.
    """
    found = datetime.datetime
    datetime.datetime = next(kind for kind in found.__mro__ if type(kind) is type)  # type: ignore[assignment, misc]  # the class below a fake one
    try:
        yield
    finally:
        datetime.datetime = found  # type: ignore[misc]  # as it was


@lru_cache(maxsize=256)
def _pem(root: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(root.encode())


def _may_issue(certificate: x509.Certificate, authorities_below: int) -> bool:
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    length = basic.path_length
    return basic.ca and (length is None or authorities_below <= length)


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*UNREADABLE, InvalidSignature):
        return False
    return True


def _key_identifier(certificate: x509.Certificate) -> str:
    return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest.hex()


def _invalid(reason: str) -> CeremonyFailed:
    return CeremonyFailed(CeremonyOutcome.INVALID_ATTESTATION, reason)


def _untrusted(reason: str) -> CeremonyFailed:
    return CeremonyFailed(CeremonyOutcome.UNTRUSTED_ATTESTATION, reason)
