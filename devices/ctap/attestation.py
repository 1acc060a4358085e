"""Attestation statements: none, packed (self and with a certificate), fido-u2f, enterprise.

Source: WebAuthn Level 3 section 8, CTAP 2.1 section 7.1 for enterprise attestation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from mfalab.devices.ctap import crypto
from mfalab.devices.ctap.ca import attestation_seed, leaf_certificate
from mfalab.devices.ctap.core import Core
from mfalab.devices.ctap.cose import Algorithm, ec2_point
from mfalab.devices.ctap.model import AttestationKind
from mfalab.devices.ctap.state import Credential


@dataclass(frozen=True, slots=True)
class Attestation:
    """A format with its statement."""

    fmt: str
    statement: dict[str, Any]


_FORMATS = {
    AttestationKind.NONE: "none",
    AttestationKind.PACKED_SELF: "packed",
    AttestationKind.PACKED_X5C: "packed",
    AttestationKind.FIDO_U2F: "fido-u2f",
}


def formats(core: Core) -> tuple[str, ...]:
    """The formats that the model gives, as getInfo 0x16 tells them."""
    listed = core.model.attestation_formats
    return listed if listed is not None else (_FORMATS[core.model.attestation],)


def chosen_kind(
    core: Core, preference: Sequence[str] | None, algorithm: int, enterprise: bool
) -> AttestationKind:
    """The attestation to give: the client's first wish that can be met, or the model's own."""
    own = core.model.attestation
    if enterprise:
        return AttestationKind.PACKED_X5C
    for wish in preference or ():
        if wish == "none":
            return AttestationKind.NONE
        if wish not in formats(core):
            continue
        if wish == "fido-u2f" and algorithm == Algorithm.ES256:
            return AttestationKind.FIDO_U2F
        if wish == "packed":
            return own if _FORMATS[own] == "packed" else AttestationKind.PACKED_X5C
    if own is AttestationKind.FIDO_U2F and algorithm != Algorithm.ES256:
        return AttestationKind.PACKED_SELF
    return own


def batch_certificate(core: Core) -> bytes:
    """The certificate that all authenticators of the model share, in DER."""
    return leaf_certificate(_batch(core), f"{core.model.name} batch", core.model.aaguid, False)


def state_it(
    core: Core,
    kind: AttestationKind,
    credential: Credential,
    auth_data: bytes,
    client_data_hash: bytes,
    *,
    enterprise: bool,
) -> Attestation:
    """The attestation of a new credential."""
    if kind is AttestationKind.NONE:
        return Attestation("none", {})
    if kind is AttestationKind.FIDO_U2F:
        signature = sign_with_batch_key(core, u2f_message(credential, client_data_hash))
        return Attestation("fido-u2f", {"sig": signature, "x5c": [batch_certificate(core)]})
    message = auth_data + client_data_hash
    if kind is AttestationKind.PACKED_SELF:
        signature = core.sign(credential.algorithm, credential.seed, message)
        return Attestation("packed", {"alg": credential.algorithm, "sig": signature})
    name, certificate = _batch(core), batch_certificate(core)
    if enterprise:
        name = core.state.serial_number.hex().encode()
        common_name = f"{core.model.name} {name.decode()}"
        certificate = leaf_certificate(name, common_name, core.model.aaguid, True)
    signature = core.sign(Algorithm.ES256, attestation_seed(name), message)
    statement = {"alg": Algorithm.ES256, "sig": signature, "x5c": [certificate]}
    return Attestation("packed", statement)


def u2f_message(credential: Credential, challenge: bytes) -> bytes:
    """What a U2F attestation signs: 00, application, challenge, key handle, public key."""
    point = public_point(credential)
    return b"\x00" + credential.rp_id_hash + challenge + credential.id + point


def public_point(credential: Credential) -> bytes:
    """The 65-byte point of an ES256 credential."""
    key = crypto.public_key(credential.algorithm, credential.seed)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return ec2_point(key)


def sign_with_batch_key(core: Core, message: bytes) -> bytes:
    """A signature by the key of the batch certificate."""
    return core.sign(Algorithm.ES256, attestation_seed(_batch(core)), message)


def batch_key_identifier(core: Core) -> bytes:
    """SHA-1 of the batch key, by which U2F metadata finds it; 20 bytes."""
    key = crypto.ec_private_key(attestation_seed(_batch(core))).public_key()
    return x509.SubjectKeyIdentifier.from_public_key(key).digest


def _batch(core: Core) -> bytes:
    return b"batch " + core.model.name.encode() + core.model.aaguid
