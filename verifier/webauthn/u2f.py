"""Registrations of the U2F API, which WebAuthn replaced (FIDO U2F Raw Message Formats 1.2)."""

import hashlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from mfalab.verifier.webauthn import cose
from mfalab.verifier.webauthn.attestation import UNREADABLE, verify_u2f
from mfalab.verifier.webauthn.outcomes import CeremonyFailed, CeremonyOutcome


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
        size = _der_size(rest)
        certificate = x509.load_der_x509_certificate(rest[:size])
        verify_u2f(
            certificate,
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


def _der_size(data: bytes) -> int:
    """How many bytes the DER value at the beginning takes."""
    if len(data) < 2:
        raise ValueError("the attestation certificate is missing")
    if data[1] < 0x80:
        return 2 + data[1]
    count = data[1] & 0x7F
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big")
