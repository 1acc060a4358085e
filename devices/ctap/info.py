"""authenticatorGetInfo: every member true to the model and to the state. CTAP 2.1 section 6.4."""

from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mfalab.devices.ctap.commands import ConfigSubcommand
from mfalab.devices.ctap.core import Core
from mfalab.devices.ctap.crypto import hkdf
from mfalab.devices.ctap.model import AlwaysUv

_FINGERPRINT_INTERNAL = 0x02
"""User verification by fingerprint, of the FIDO registry."""


def options(core: Core) -> dict[str, bool]:
    """The options member; an absent key is an absent feature."""
    model, state = core.model, core.state
    settings, enrolled = state.settings, core.fingers_enrolled
    cfg, enroll = model.authnr_cfg, model.bio_enroll
    # Name, whether it is a feature of the model, and whether it is on now.
    rows: list[tuple[str, object, bool]] = [
        ("rk", True, model.slots > 0),
        ("up", True, True),
        ("plat", True, False),
        ("clientPin", model.client_pin, state.pin is not None),
        ("uv", model.built_in_uv, enrolled),
        ("pinUvAuthToken", model.pin_uv_auth_token, True),
        ("noMcGaPermissionsWithClientPin", model.no_mc_ga_permissions_with_client_pin, True),
        ("largeBlobs", model.large_blob_bytes, True),
        ("ep", model.enterprise_attestation, settings.enterprise_attestation),
        ("bioEnroll", enroll, enrolled),
        ("uvBioEnroll", enroll and model.pin_uv_auth_token, True),
        ("userVerificationMgmtPreview", model.bio_enroll_preview, enrolled),
        ("authnrCfg", cfg, True),
        ("uvAcfg", cfg and model.built_in_uv, True),
        ("credMgmt", model.cred_mgmt, True),
        ("perCredMgmtRO", model.cred_mgmt_read_only, True),
        ("credentialMgmtPreview", model.cred_mgmt_preview, True),
        ("setMinPINLength", model.set_min_pin_length, True),
        ("makeCredUvNotRqd", model.make_cred_uv_not_required, core.uv_not_required),
        ("alwaysUv", model.always_uv is not AlwaysUv.ABSENT, settings.always_uv),
    ]
    return {name: on for name, offered, on in rows if offered}


def config_subcommands(core: Core) -> list[int]:
    """The subcommands of authenticatorConfig that the model has."""
    model = core.model
    if not model.authnr_cfg:
        return []
    offered = {
        ConfigSubcommand.ENABLE_ENTERPRISE_ATTESTATION: model.enterprise_attestation,
        ConfigSubcommand.TOGGLE_ALWAYS_UV: model.always_uv is not AlwaysUv.ABSENT,
        ConfigSubcommand.SET_MIN_PIN_LENGTH: model.set_min_pin_length,
        ConfigSubcommand.ENABLE_LONG_TOUCH_FOR_RESET: model.long_touch_for_reset is not None,
    }
    return [int(number) for number, there in offered.items() if there]


def versions(core: Core) -> list[str]:
    """The versions spoken now: alwaysUv switches U2F off."""
    always_uv = core.state.settings.always_uv
    return [v for v in core.model.versions if not (always_uv and v == "U2F_V2")]


def get_info(core: Core) -> dict[int, Any]:
    """The answer of authenticatorGetInfo."""
    model, state = core.model, core.state
    settings = state.settings
    older = not model.pin_uv_auth_token
    info: dict[int, Any] = {
        0x01: versions(core),
        0x03: model.aaguid,
        0x04: options(core),
        0x05: model.max_msg_size,
    }
    if model.extensions:
        info[0x02] = list(model.extensions)
    if model.pin_uv_protocols:
        info[0x06] = list(model.pin_uv_protocols)
    if older and not model.selection:
        return info
    info[0x07] = model.max_credentials_in_list
    info[0x08] = model.max_credential_id_length
    info[0x09] = [transport.value for transport in model.transports]
    info[0x0A] = [{"alg": int(alg), "type": "public-key"} for alg in model.algorithms]
    if model.large_blob_bytes:
        info[0x0B] = model.large_blob_bytes
    if model.client_pin:
        if model.authnr_cfg:
            info[0x0C] = settings.force_pin_change
        info[0x0D] = settings.min_pin_length
    if model.firmware_version is not None:
        info[0x0E] = model.firmware_version
    if model.cred_blob_bytes:
        info[0x0F] = model.cred_blob_bytes
    if model.set_min_pin_length:
        info[0x10] = model.max_rp_ids_for_min_pin_length
    if model.built_in_uv:
        info[0x11] = model.uv_retries
        info[0x12] = _FINGERPRINT_INTERNAL
    if model.certifications:
        info[0x13] = dict(model.certifications)
    if model.slots and (model.cred_mgmt or model.cred_mgmt_preview):
        info[0x14] = remaining_slots(core)
    info |= _newer_members(core)
    return info


def remaining_slots(core: Core) -> int:
    """Room for further discoverable credentials."""
    if core.faults.full_store:
        return 0
    return core.model.slots - len(core.state.credentials)


def _newer_members(core: Core) -> dict[int, Any]:
    """The members that CTAP 2.2 and 2.3 added, where the model has them."""
    model, settings = core.model, core.state.settings
    members: dict[int, Any] = {}
    if model.attestation_formats is not None:
        members[0x16] = list(model.attestation_formats)
    if model.built_in_uv and model.attestation_formats is not None:
        members[0x17] = core.state.retries.uv_since_pin
    if model.long_touch_for_reset is not None:
        members[0x18] = model.long_touch_for_reset or settings.long_touch_for_reset
    if model.cred_mgmt_read_only:
        members[0x19] = _sealed(core, core.state.secrets.identifier, b"encIdentifier")
        members[0x1E] = _sealed(core, core.state.secrets.store_state, b"encCredStoreState")
    if model.transports_for_reset:
        members[0x1A] = [transport.value for transport in model.transports_for_reset]
    if model.pin_complexity_policy is not None:
        members[0x1B] = model.pin_complexity_policy or settings.pin_complexity_policy
        if model.pin_complexity_policy_url:
            members[0x1C] = model.pin_complexity_policy_url.encode()
    if model.max_pin_length != 63:
        members[0x1D] = model.max_pin_length
    if model.attestation_formats is not None and model.authnr_cfg:
        members[0x1F] = config_subcommands(core)
    return members


def _sealed(core: Core, content: bytes, name: bytes) -> bytes:
    """A vector and 16 bytes of AES-128-CBC that only the persistent token opens."""
    key = hkdf(core.state.secrets.persistent_token, name, length=16, salt=bytes(32))
    iv = core.random_bytes(16)
    encryptor = Cipher(algorithms.AES128(key), modes.CBC(iv)).encryptor()
    return iv + encryptor.update(content) + encryptor.finalize()
