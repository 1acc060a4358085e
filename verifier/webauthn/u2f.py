"""Registrations of the U2F API, which WebAuthn replaced (FIDO U2F Raw Message Formats 1.2)."""

import hashlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from mfalab.verifier.webauthn import cose, der
from mfalab.verifier.webauthn.certificates import UNREADABLE
from mfalab.verifier.webauthn.outcomes import CeremonyFailed, CeremonyOutcome
from mfalab.verifier.webauthn.statements import verify_u2f


def verify_registration(
    registration_data: bytes, client_data_hash: bytes, app_id: str
) -> tuple[bytes, bytes]:
    """The key handle of a U2F registration response, and its public key as a COSE_Key.

    The response (section 4.3): 5, the point (65 bytes), the key handle behind its length, the
    attestation certificate, the signature.

    Raises:
        CeremonyFailed: it is malformed, or its signature is wrong.
    """
    if len(registration_data) < 67 or registration_data[:2] != b"\x05\x04":
        raise CeremonyFailed(CeremonyOutcome.MALFORMED, "this is no U2F registration response")
    point, end = registration_data[1:66], 67 + registration_data[66]
    key_handle, rest = registration_data[67:end], registration_data[end:]
    # kty EC2, alg ES256, crv P-256, x, y; the keys in the order of CTAP's canonical CBOR
    key = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + point[1:33] + b"\x22\x58\x20" + point[33:]
    try:
        cose.public_key(key)
        _, size = der.value_at(rest, 0)
        certificate = x509.load_der_x509_certificate(rest[:size])
        verify_u2f(
            certificate.public_key(),
            rest[size:],
            application=hashlib.sha256(app_id.encode()).digest(),
            challenge=client_data_hash,
            key_handle=key_handle,
            point=point,
        )
    except InvalidSignature:
        raise CeremonyFailed(
            CeremonyOutcome.INVALID_ATTESTATION, "the registration's signature is wrong"
        ) from None
    except (*UNREADABLE, cose.InvalidKey) as error:
        raise CeremonyFailed(CeremonyOutcome.MALFORMED, str(error)) from None
    return key_handle, key
