"""Attestation: whether a statement that verified is trusted, by the profile's policy."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cryptography import x509

from mfalab.verifier.moments import moment
from mfalab.verifier.profile import AttestationPolicy, Profile
from mfalab.verifier.webauthn import certificates, metadata
from mfalab.verifier.webauthn.messages import Registration
from mfalab.verifier.webauthn.outcomes import CeremonyFailed, CeremonyOutcome


class AttestationType(StrEnum):
    """Who vouches for the model (WebAuthn Level 3 section 6.5.4)."""

    NONE = "none"
    SELF = "self"
    BASIC = "basic"
    """A certificate, of the model or by an attestation CA: the two look the same."""
    ATTESTATION_CA = "attca"
    """A certificate that a CA issued to this one authenticator: a TPM's."""
    ANONYMIZATION_CA = "anonca"
    """A certificate that a CA issued for this one credential: Apple's."""


_ANNOUNCED = {
    AttestationType.BASIC: {"basic_full", "attca"},
    AttestationType.ATTESTATION_CA: {"attca"},
    AttestationType.ANONYMIZATION_CA: {"anonca"},
}
"""What metadata calls the types that have certificates."""


@dataclass(frozen=True, slots=True)
class Attestation:
    """A statement that was verified."""

    type: AttestationType
    certificates: tuple[bytes, ...] = ()
    """In DER: the attestation certificate, then who issued it."""


def check_trust(
    attestation: Attestation, registration: Registration, profile: Profile, now_ns: int
) -> tuple[tuple[str, str], ...]:
    """Apply the profile's policy; returns the model's certifications as far as they are proved.

    Raises:
        CeremonyFailed: UNTRUSTED_ATTESTATION.
        ValueError: a root or a metadata statement of the profile cannot be read.
    """
    policy, now = profile.attestation_policy, moment(now_ns)
    try:
        path = certificates.trust_path(attestation.certificates)
    except ValueError as error:
        if policy in {AttestationPolicy.ROOTS, AttestationPolicy.METADATA}:
            raise _untrusted(str(error)) from None
        path = ()
    identifiers = [_key_identifier(certificate) for certificate in path]
    aaguid = registration.authenticator_data.aaguid
    known = metadata.find(profile.metadata_statements, aaguid, identifiers)
    believed = known is not None and _as_announced(attestation.type, path, known, now)
    if policy is AttestationPolicy.SELF and attestation.type is AttestationType.NONE:
        raise _untrusted("the key does not attest")
    if policy is AttestationPolicy.ROOTS and not certificates.leads_to(
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


def _as_announced(
    kind: AttestationType,
    path: tuple[x509.Certificate, ...],
    known: metadata.Metadata,
    now: datetime.datetime,
) -> bool:
    if kind in _ANNOUNCED:
        roots = [x509.load_der_x509_certificate(root) for root in known.roots]
        announced = bool(known.attestation_types & _ANNOUNCED[kind])
        return announced and certificates.leads_to(path, roots, now)
    # Any key could impersonate a model that attests with certificates by a self attestation.
    return kind is AttestationType.SELF and known.attestation_types == {"basic_surrogate"}


@lru_cache(maxsize=256)
def _pem(root: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(root.encode())


@lru_cache(maxsize=256)
def _key_identifier(certificate: x509.Certificate) -> str:
    return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest.hex()


def _untrusted(reason: str) -> CeremonyFailed:
    return CeremonyFailed(CeremonyOutcome.UNTRUSTED_ATTESTATION, reason)
