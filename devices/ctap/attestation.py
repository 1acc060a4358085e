"""Attestation statements: none, packed (self and with a certificate), fido-u2f, enterprise.

Source: WebAuthn Level 3 section 8, CTAP 2.1 section 7.1 for enterprise attestation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from mfalab.devices.ctap import crypto
from mfalab.devices.ctap.ca import attestation_seed, leaf_certificate, root_certificate
from mfalab.devices.ctap.core import Core
from mfalab.devices.ctap.cose import Algorithm, ec2_point
from mfalab.devices.ctap.given_attestation import read_attestation
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
    return _batch(core)[1][0]


def root_of_batch(core: Core) -> bytes:
    """What vouches for the model, in DER: the last certificate that it was given, or our root."""
    return _batch(core)[1][-1] if core.model.attestation_key else root_certificate()


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
        return Attestation("fido-u2f", {"sig": signature, "x5c": list(_batch(core)[1])})
    message = auth_data + client_data_hash
    if kind is AttestationKind.PACKED_SELF:
        signature = core.sign(credential.algorithm, credential.seed, message)
        return Attestation("packed", {"alg": credential.algorithm, "sig": signature})
    seed, certificates = _batch(core)
    if enterprise:
        name = core.state.serial_number.hex().encode()
        common_name = f"{core.model.name} {name.decode()}"
        certificates = (leaf_certificate(name, common_name, core.model.aaguid, True),)
        seed = attestation_seed(name)
    signature = core.sign(Algorithm.ES256, seed, message)
    statement = {"alg": Algorithm.ES256, "sig": signature, "x5c": list(certificates)}
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
    return core.sign(Algorithm.ES256, _batch(core)[0], message)


def batch_key_identifier(core: Core) -> bytes:
    """SHA-1 of the batch key, by which U2F metadata finds it; 20 bytes."""
    key = crypto.ec_private_key(_batch(core)[0]).public_key()
    return x509.SubjectKeyIdentifier.from_public_key(key).digest


def _batch(core: Core) -> tuple[bytes, tuple[bytes, ...]]:
    """The private key that all authenticators of the model share, and its certificates in DER."""
    model = core.model
    if model.attestation_key:
        return read_attestation(model.attestation_key, model.attestation_chain)
    name = b"batch " + model.name.encode() + model.aaguid
    return attestation_seed(name), (
        leaf_certificate(name, f"{model.name} batch", model.aaguid, False),
    )
