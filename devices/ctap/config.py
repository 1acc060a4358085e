"""authenticatorConfig: alwaysUv, PIN policy, enterprise attestation. CTAP 2.1 section 6.11."""

from dataclasses import replace
from typing import Any

from mfalab.devices.ctap import cbor
from mfalab.devices.ctap.commands import Command, ConfigSubcommand, Permission
from mfalab.devices.ctap.core import Call, Core
from mfalab.devices.ctap.faults import Lapse
from mfalab.devices.ctap.fields import Members
from mfalab.devices.ctap.info import config_subcommands
from mfalab.devices.ctap.state import Settings
from mfalab.devices.ctap.status import CtapError, CtapStatus
from mfalab.devices.ctap.token import PinUvAuthToken
from mfalab.devices.ctap.transaction import Steps


def config(core: Core, call: Call) -> Steps[dict[int, Any]]:
    """Serve the subcommand."""
    yield from ()
    members = call.members
    number = members.required(0x01, int)
    if number not in config_subcommands(core):
        raise CtapError(CtapStatus.INVALID_PARAMETER, f"config subcommand {number}")
    params = Members(members.optional(0x02, dict) or {}, "subCommandParams")
    _authorise(core, members, number)
    settings = core.state.settings
    match number:
        case ConfigSubcommand.ENABLE_ENTERPRISE_ATTESTATION:
            settings = replace(settings, enterprise_attestation=True)
        case ConfigSubcommand.TOGGLE_ALWAYS_UV:
            if settings.always_uv and not core.model.always_uv_can_be_off:
                raise CtapError(CtapStatus.OPERATION_DENIED, "alwaysUv stays on")
            settings = replace(settings, always_uv=not settings.always_uv)
        case ConfigSubcommand.ENABLE_LONG_TOUCH_FOR_RESET:
            settings = replace(settings, long_touch_for_reset=True)
        case _:
            settings = _set_min_pin_length(core, params)
    core.state.change(settings)
    if settings.force_pin_change:
        core.session.token = PinUvAuthToken(core.random_bytes)
    return {}


def _authorise(core: Core, members: Members, number: int) -> None:
    always_uv = core.state.settings.always_uv
    if not core.protected and (not always_uv or number == ConfigSubcommand.TOGGLE_ALWAYS_UV):
        return
    param = members.optional(0x04, bytes)
    if param is None:
        raise CtapError(CtapStatus.PUAT_REQUIRED, "a pinUvAuthParam is needed")
    protocol = core.protocol_of(members, 0x03)
    message = b"\xff" * 32 + bytes([Command.CONFIG, number])
    if 0x02 in members:
        message += cbor.encode(members.raw()[0x02])
    core.check_token(protocol, message, param, Permission.AUTHENTICATOR_CONFIGURATION)


def _set_min_pin_length(core: Core, params: Members) -> Settings:
    settings, pin, model = core.state.settings, core.state.pin, core.model
    length = params.unsigned(0x01)
    rp_ids = params.optional(0x02, list)
    force = bool(params.optional(0x03, bool))
    complexity = bool(params.optional(0x04, bool))
    if complexity and model.pin_complexity_policy is None:
        raise CtapError(CtapStatus.INVALID_PARAMETER, "there is no complexity policy")
    if length is not None and not settings.min_pin_length <= length <= model.max_pin_length:
        why = f"the minimum of {settings.min_pin_length} does not become {length}"
        raise CtapError(CtapStatus.PIN_POLICY_VIOLATION, why)
    if force and pin is None:
        raise CtapError(CtapStatus.PIN_NOT_SET, "there is no PIN to change")
    if rp_ids is not None:
        if not all(isinstance(rp_id, str) for rp_id in rp_ids):
            raise CtapError(CtapStatus.CBOR_UNEXPECTED_TYPE, "an RP ID is not a text")
        if len(rp_ids) > model.max_rp_ids_for_min_pin_length:
            why = f"{len(rp_ids)} RP IDs, {model.max_rp_ids_for_min_pin_length} are taken"
            raise CtapError(CtapStatus.KEY_STORE_FULL, why)
        settings = replace(settings, min_pin_length_rp_ids=tuple(rp_ids))
    if length is not None:
        settings = replace(settings, min_pin_length=length)
    too_short = pin is not None and pin.length < settings.min_pin_length
    too_short = too_short and not core.lapses(Lapse.SHORT_PIN_IS_KEPT)
    new_policy = complexity and pin is not None and not settings.pin_complexity_policy
    if force or too_short or new_policy:
        settings = replace(settings, force_pin_change=True)
    if complexity:
        settings = replace(settings, pin_complexity_policy=True)
    return settings
