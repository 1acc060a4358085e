"""The certificates of attestation statements.

A statement's verification needs the public key of the first one, and what section 8 asks of it; how
well it and the others are made is asked only where they are to be trusted.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning

from mfalab.verifier.webauthn import der

AAGUID = bytes.fromhex("2b0601040182e51c010104")
"""`id-fido-gen-ce-aaguid`, 1.3.6.1.4.1.45724.1.1.4, as DER has it."""
_BASIC_CONSTRAINTS = bytes.fromhex("551d13")
_EXTENSIONS = 0xA3

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

Extensions = dict[bytes, tuple[bool, bytes]]
"""By object identifier in DER: whether it is critical, and the content of its OCTET STRING."""


@dataclass(frozen=True, slots=True, eq=False)
class Attester:
    """An attestation certificate, read, and its public key."""

    certificate: x509.Certificate
    key: object


def first(x5c: object) -> Attester:
    """The attestation certificate of a statement.

    Raises:
        ValueError: `x5c` is no list of byte strings, or the first one is no certificate.
    """
    if not isinstance(x5c, list) or not x5c or not all(isinstance(each, bytes) for each in x5c):
        raise ValueError("x5c is no list of certificates")
    return _attester(x5c[0])


@lru_cache(maxsize=256)  # one certificate signs at least 100,000 keys
def _attester(der_bytes: bytes) -> Attester:
    try:
        certificate = x509.load_der_x509_certificate(der_bytes)
        return Attester(certificate, certificate.public_key())
    except UNREADABLE as error:
        raise ValueError(f"the attestation certificate cannot be read: {error}") from None


def subject(certificate: x509.Certificate) -> x509.Name:
    """Whom the certificate is about; `cryptography` reads it only when it is asked for.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        return certificate.subject
    except UNREADABLE as error:
        raise ValueError(f"the certificate's subject cannot be read: {error}") from None


def extensions(certificate: x509.Certificate) -> Extensions:
    """All extensions, also those that DER spells otherwise.

    Raises:
        ValueError: they are none, or one is there twice.
    """
    found: Extensions = {}
    for part in der.members(certificate.tbs_certificate_bytes, der.SEQUENCE):
        if part.tag != _EXTENSIONS:
            continue
        for extension in der.members(part.content, der.SEQUENCE):
            match der.values(extension.content):
                case [
                    der.Value(der.OID, oid),
                    *critical,
                    der.Value(der.OCTET_STRING, content),
                ] if oid not in found:
                    found[oid] = any(any(flag.content) for flag in critical), content
                case _:
                    raise ValueError("an extension of the attestation certificate is broken")
    return found


def check_requirements(found: Extensions, aaguid: bytes) -> None:
    """What sections 8.2.1 and 8.3.1 ask alike: no CA, and the authenticator's AAGUID if any.

    Raises:
        ValueError: it is otherwise.
    """
    if _BASIC_CONSTRAINTS not in found:
        raise ValueError("the attestation certificate has no basic constraints")
    _, basic = found[_BASIC_CONSTRAINTS]
    if any(
        part.tag == der.BOOLEAN and any(part.content) for part in der.members(basic, der.SEQUENCE)
    ):
        raise ValueError("the attestation certificate is one of a CA")
    # An OCTET STRING of 16 bytes inside the extension's own.
    if found.get(AAGUID, (False, b"\x04\x10" + aaguid)) != (False, b"\x04\x10" + aaguid):
        raise ValueError("the attestation certificate is of another AAGUID")


@lru_cache(maxsize=256)
def trust_path(x5c: tuple[bytes, ...]) -> tuple[x509.Certificate, ...]:
    """The certificates of a statement, each sound in all its parts.

    Raises:
        ValueError: one is not.
    """
    try:
        path = tuple(x509.load_der_x509_certificate(each) for each in x5c)
        for certificate in path:
            # Each part is parsed when it is first asked for; the errors belong here.
            _ = certificate.subject, certificate.issuer, certificate.extensions
            with _true_datetime():
                _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            certificate.public_key()
            if certificate.serial_number <= 0:
                raise ValueError("its serial number is not positive")
    except UNREADABLE as error:
        raise ValueError(f"a certificate cannot be read: {error}") from None
    return path


def leads_to(
    path: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], now: datetime.datetime
) -> bool:
    """Whether a trust path ends at one of the roots, every certificate valid now (RFC 5280 6.1).

    A root may also be the attestation certificate itself, as metadata statements have it.
    """
    for below, certificate in enumerate(path):
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return False
        if below and not _may_issue(certificate, below - 1):
            return False
        if certificate in roots:
            return True
        following = path[below + 1 : below + 2]
        if following and _issued_by(certificate, following[0]):
            continue
        return not following and any(
            _issued_by(certificate, anchor) and _may_issue(anchor, below) for anchor in roots
        )
    return False


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
