"""The metadata statement of a model. Source: FIDO Metadata Statement v3.1.

It is a description file for relying parties, in the form of the FIDO Metadata Service: what kind of
authenticator it is, and the root its attestation certificates lead to.
"""

from base64 import b64encode
from typing import Any
from uuid import UUID

from mfalab.devices.ctap.attestation import batch_key_identifier, root_of_batch
from mfalab.devices.ctap.commands import Transport
from mfalab.devices.ctap.core import Core
from mfalab.devices.ctap.cose import Algorithm
from mfalab.devices.ctap.info import get_info
from mfalab.devices.ctap.model import AttestationKind, Model

_ALGORITHMS = {
    Algorithm.ES256: "secp256r1_ecdsa_sha256_raw",
    Algorithm.EDDSA: "ed25519_eddsa_sha512_raw",
    Algorithm.ESP256: "secp256r1_ecdsa_sha256_raw",
    Algorithm.ES384: "secp384r1_ecdsa_sha384_raw",
    Algorithm.ES512: "secp521r1_ecdsa_sha512_raw",
    Algorithm.ES256K: "secp256k1_ecdsa_sha256_raw",
    Algorithm.PS256: "rsassa_pss_sha256_raw",
    Algorithm.RS256: "rsassa_pkcsv15_sha256_raw",
}
_VERSION_NUMBERS = {"U2F_V2": (1, 2), "FIDO_2_0": (1, 0), "FIDO_2_1": (1, 1), "FIDO_2_3": (1, 3)}
_LEGAL = (
    "This statement describes simulated authenticators. It is for tests and vouches for nothing."
)


def metadata_statement(core: Core) -> dict[str, Any]:
    """The statement, ready for JSON; getInfo in it is that of the authenticator now."""
    model = core.model
    u2f_only = not model.ctap2
    statement: dict[str, Any] = {
        "legalHeader": _LEGAL,
        "description": f"{model.manufacturer} {model.product or model.name}",
        "authenticatorVersion": model.firmware_version or 1,
        "protocolFamily": "u2f" if u2f_only else "fido2",
        "schema": 3,
        "upv": [
            {"major": _VERSION_NUMBERS[version][0], "minor": _VERSION_NUMBERS[version][1]}
            for version in model.versions
            if version in _VERSION_NUMBERS and (u2f_only or version != "U2F_V2")
        ],
        "authenticationAlgorithms": [
            _ALGORITHMS[algorithm] for algorithm in model.algorithms if algorithm in _ALGORITHMS
        ],
        "publicKeyAlgAndEncodings": ["ecc_x962_raw"] if u2f_only else ["cose"],
        "attestationTypes": [_attestation_type(model)],
        "userVerificationDetails": _verification(model),
        "keyProtection": ["software"],
        "isKeyRestricted": True,
        "isFreshUserVerificationRequired": True,
        "matcherProtection": ["software"],
        "attachmentHint": _attachment(model),
        "tcDisplay": [],
        "attestationRootCertificates": _roots(core),
    }
    if u2f_only:
        statement["attestationCertificateKeyIdentifiers"] = [batch_key_identifier(core).hex()]
    else:
        statement["aaguid"] = str(UUID(bytes=model.aaguid))
        statement["authenticatorGetInfo"] = _info_for_json(core)
    return statement


def _attestation_type(model: Model) -> str:
    match model.attestation:
        case AttestationKind.NONE:
            return "none"
        case AttestationKind.PACKED_SELF:
            return "basic_surrogate"
        case _:
            return "basic_full"


def _roots(core: Core) -> list[str]:
    if _attestation_type(core.model) != "basic_full":
        return []
    return [b64encode(root_of_batch(core)).decode()]


def _verification(model: Model) -> list[list[dict[str, Any]]]:
    presence: dict[str, Any] = {"userVerificationMethod": "presence_internal"}
    ways = [[presence]]
    if model.client_pin:
        pin = {
            "userVerificationMethod": "passcode_external",
            "caDesc": {"base": 64, "minLength": model.min_pin_length, "maxRetries": 8},
        }
        ways.append([pin, presence])
    if model.built_in_uv:
        finger = {
            "userVerificationMethod": "fingerprint_internal",
            "baDesc": {"maxTemplates": model.fingers, "maxRetries": model.uv_retries},
        }
        ways.append([finger])
    return ways


def _attachment(model: Model) -> list[str]:
    hints = ["external"]
    hints += ["wired"] if Transport.USB in model.transports else []
    return hints + (["wireless", "nfc"] if Transport.NFC in model.transports else [])


def _info_for_json(core: Core) -> dict[str, Any]:
    names = {
        0x01: "versions",
        0x02: "extensions",
        0x03: "aaguid",
        0x04: "options",
        0x05: "maxMsgSize",
        0x06: "pinUvAuthProtocols",
        0x07: "maxCredentialCountInList",
        0x08: "maxCredentialIdLength",
        0x09: "transports",
        0x0A: "algorithms",
        0x0B: "maxSerializedLargeBlobArray",
        0x0D: "minPINLength",
        0x0E: "firmwareVersion",
        0x0F: "maxCredBlobLength",
        0x10: "maxRPIDsForSetMinPINLength",
    }
    info = get_info(core)
    named = {name: info[key] for key, name in names.items() if key in info}
    return {**named, "aaguid": core.model.aaguid.hex()}
