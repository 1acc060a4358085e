"""authenticatorClientPIN: setting and changing the PIN, retries, and tokens. CTAP 2.1 section 6.5.

A try is written down before the PIN is compared, so that cutting the power wins none. After
`pin_tries_per_power_up` wrong PINs in a row nothing is compared until power has been cycled; after
`pin_retries` nothing but a reset helps.
"""

from dataclasses import replace
from hashlib import sha256
from hmac import compare_digest
from itertools import pairwise
from typing import Any

from mfalab.devices.ctap.commands import Permission, PinSubcommand
from mfalab.devices.ctap.core import Call, Core
from mfalab.devices.ctap.faults import Lapse
from mfalab.devices.ctap.fields import Members
from mfalab.devices.ctap.pin_protocols import PinUvProtocol
from mfalab.devices.ctap.state import Pin, Record, Retries
from mfalab.devices.ctap.status import CtapError, CtapStatus
from mfalab.devices.ctap.token import PinUvAuthToken
from mfalab.devices.ctap.transaction import Steps

_PADDED_PIN_BYTES = 64
_PIN_DIGEST_BYTES = 16
_OLD_TOKEN_PERMISSIONS = Permission.MAKE_CREDENTIAL | Permission.GET_ASSERTION
_PERSISTENT = Permission.PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY
_ALL_PERMISSIONS = Permission(0x7F)


def client_pin(core: Core, call: Call) -> Steps[dict[int, Any]]:
    """Serve the subcommand."""
    number = call.members.required(0x02, int)
    model = core.model
    match number:
        case PinSubcommand.GET_PIN_RETRIES if model.client_pin:
            return _pin_retries(core, call.members)
        case PinSubcommand.GET_KEY_AGREEMENT:
            return {0x01: _protocol(core, call.members).key_agreement()}
        case PinSubcommand.SET_PIN if model.client_pin:
            return _set_pin(core, call.members)
        case PinSubcommand.CHANGE_PIN if model.client_pin:
            return _change_pin(core, call.members)
        case PinSubcommand.GET_PIN_TOKEN if model.client_pin:
            return _get_pin_token(core, call)
        case PinSubcommand.GET_TOKEN_USING_PIN if model.client_pin and model.pin_uv_auth_token:
            return _get_token_using_pin(core, call)
        case PinSubcommand.GET_TOKEN_USING_UV if model.built_in_uv and model.pin_uv_auth_token:
            return (yield from _get_token_using_uv(core, call))
        case PinSubcommand.GET_UV_RETRIES if model.built_in_uv:
            return {0x05: core.state.retries.uv}
    raise CtapError(CtapStatus.INVALID_SUBCOMMAND, f"clientPIN subcommand {number}")


def _pin_retries(core: Core, members: Members) -> dict[int, Any]:
    if core.model.retries_need_protocol:
        _protocol(core, members)
    status = core.model.retries_without_pin_status
    if status is not None and core.state.pin is None:
        raise CtapError(status, "there is no PIN to try")
    answer: dict[int, Any] = {0x03: core.state.retries.pin}
    if core.model.pin_uv_auth_token:
        answer[0x04] = _wants_power_cycle(core)
    return answer


def _wants_power_cycle(core: Core) -> bool:
    return core.session.pin_mismatches >= core.model.pin_tries_per_power_up


def _protocol(core: Core, members: Members) -> PinUvProtocol:
    number = members.unsigned(0x01)
    if number is None:
        raise CtapError(CtapStatus.MISSING_PARAMETER, "no PIN/UV protocol is named")
    return core.protocol(number)


def _set_pin(core: Core, members: Members) -> dict[int, Any]:
    peer, new_pin_enc = members.required(0x03, dict), members.required(0x05, bytes)
    param = members.required(0x04, bytes)
    protocol = _protocol(core, members)
    if core.state.pin is not None:
        raise CtapError(core.model.second_set_pin_status, "there is a PIN, change it")
    shared = protocol.decapsulate(peer)
    if not protocol.verify(shared, new_pin_enc, param):
        raise CtapError(CtapStatus.PIN_AUTH_INVALID, "pinUvAuthParam is wrong")
    pin = _new_pin(core, protocol.decrypt(shared, new_pin_enc))
    _store_pin(core, pin)
    return {}


def _change_pin(core: Core, members: Members) -> dict[int, Any]:
    peer, new_pin_enc = members.required(0x03, dict), members.required(0x05, bytes)
    param, pin_hash_enc = members.required(0x04, bytes), members.required(0x06, bytes)
    protocol = _protocol(core, members)
    _check_tries(core)
    shared = protocol.decapsulate(peer)
    proved = protocol.verify(shared, new_pin_enc + pin_hash_enc, param)
    if not proved and not core.lapses(Lapse.CHANGE_IS_NOT_PROVED):
        raise CtapError(CtapStatus.PIN_AUTH_INVALID, "pinUvAuthParam is wrong")
    old = _try_pin(core, protocol, shared, pin_hash_enc)
    pin = _new_pin(core, protocol.decrypt(shared, new_pin_enc))
    if core.state.settings.force_pin_change and pin.digest == old.digest:
        raise CtapError(CtapStatus.PIN_POLICY_VIOLATION, "the PIN must change")
    _store_pin(core, pin)
    return {}


def _get_pin_token(core: Core, call: Call) -> dict[int, Any]:
    """A token as before CTAP 2.1: it may register and sign in, and nothing else."""
    members = call.members
    peer, pin_hash_enc = members.required(0x03, dict), members.required(0x06, bytes)
    protocol = _protocol(core, members)
    if 0x09 in members or 0x0A in members:
        raise CtapError(CtapStatus.INVALID_PARAMETER, "this subcommand takes no permissions")
    if core.model.no_mc_ga_permissions_with_client_pin:
        raise CtapError(CtapStatus.UNAUTHORIZED_PERMISSION, "a PIN does not give mc and ga")
    _check_tries(core)
    shared = protocol.decapsulate(peer)
    _try_pin(core, protocol, shared, pin_hash_enc)
    if core.state.settings.force_pin_change:
        raise CtapError(CtapStatus.PIN_INVALID, "the PIN must be changed first")
    if core.model.pin_uv_auth_token:
        value = _issue(core, call, protocol, _OLD_TOKEN_PERMISSIONS, None)
    elif core.session.token.in_use and core.session.token.protocol == protocol.number:
        value = core.session.token.value
    else:
        value = _issue(core, call, protocol, _ALL_PERMISSIONS, None)
    return {0x02: protocol.encrypt(shared, value)}


def _get_token_using_pin(core: Core, call: Call) -> dict[int, Any]:
    members = call.members
    peer, pin_hash_enc = members.required(0x03, dict), members.required(0x06, bytes)
    protocol = _protocol(core, members)
    permissions, rp_id = _permissions(core, members)
    granted = permissions & _OLD_TOKEN_PERMISSIONS
    if granted and core.model.no_mc_ga_permissions_with_client_pin:
        raise CtapError(CtapStatus.UNAUTHORIZED_PERMISSION, "a PIN does not give mc and ga")
    _check_tries(core)
    shared = protocol.decapsulate(peer)
    _try_pin(core, protocol, shared, pin_hash_enc)
    if core.state.settings.force_pin_change:
        raise CtapError(CtapStatus.PIN_POLICY_VIOLATION, "the PIN must be changed first")
    if permissions == _PERSISTENT:
        value = core.state.secrets.persistent_token
    else:
        value = _issue(core, call, protocol, permissions, rp_id)
    return {0x02: protocol.encrypt(shared, value)}


def _get_token_using_uv(core: Core, call: Call) -> Steps[dict[int, Any]]:
    members = call.members
    peer = members.required(0x03, dict)
    protocol = _protocol(core, members)
    permissions, rp_id = _permissions(core, members)
    if not core.fingers_enrolled:
        raise CtapError(CtapStatus.NOT_ALLOWED, "no finger is enrolled")
    shared = protocol.decapsulate(peer)
    if core.state.retries.uv == 0:
        raise CtapError(CtapStatus.UV_BLOCKED, "too many wrong fingers")
    yield from core.verify_user(rp_id, "unlock", attempts=1)
    if permissions == _PERSISTENT:
        value = core.state.secrets.persistent_token
    else:
        value = _issue(core, call, protocol, permissions, rp_id, user_present=True)
    return {0x02: protocol.encrypt(shared, value)}


def _permissions(core: Core, members: Members) -> tuple[Permission, str | None]:
    """The permissions asked for, all of them offered, and their relying party.

    Raises:
        CtapError: MISSING_PARAMETER, INVALID_PARAMETER, UNAUTHORIZED_PERMISSION.
    """
    number = members.unsigned(0x09)
    rp_id = members.optional(0x0A, str)
    if number is None:
        raise CtapError(CtapStatus.MISSING_PARAMETER, "permissions are missing")
    permissions = Permission(number & _ALL_PERMISSIONS)
    if not permissions:
        raise CtapError(CtapStatus.INVALID_PARAMETER, f"permissions {number} allow nothing")
    model = core.model
    offered = {
        Permission.CREDENTIAL_MANAGEMENT: model.cred_mgmt and core.has("credMgmt"),
        Permission.BIO_ENROLLMENT: model.bio_enroll and core.has("bioEnroll"),
        Permission.LARGE_BLOB_WRITE: model.large_blob_bytes > 0 and core.has("largeBlobs"),
        Permission.AUTHENTICATOR_CONFIGURATION: model.authnr_cfg and core.has("authnrCfg"),
        _PERSISTENT: model.cred_mgmt_read_only and core.has("perCredMgmtRO"),
    }
    for permission, there in offered.items():
        if permission in permissions and not there:
            raise CtapError(CtapStatus.UNAUTHORIZED_PERMISSION, f"{permission.name}")
    if _PERSISTENT in permissions and permissions != _PERSISTENT:
        # The persistent token is another secret, so no other permission can come with it.
        raise CtapError(CtapStatus.UNAUTHORIZED_PERMISSION, "pcmr comes alone")
    if permissions & _OLD_TOKEN_PERMISSIONS and rp_id is None and model.permissions_need_rp_id:
        raise CtapError(CtapStatus.MISSING_PARAMETER, "mc and ga need an RP ID")
    return permissions, rp_id


def _issue(
    core: Core,
    call: Call,
    protocol: PinUvProtocol,
    permissions: Permission,
    rp_id: str | None,
    *,
    user_present: bool = False,
) -> bytes:
    return core.session.token.issue(
        protocol.number,
        permissions,
        rp_id,
        now_ns=core.clock.now_ns(),
        transport=call.transport,
        user_present=user_present,
        expires=core.model.pin_uv_auth_token,
    )


def _check_tries(core: Core) -> None:
    """Refuse before anything is compared.

    Raises:
        CtapError: PIN_NOT_SET, PIN_BLOCKED, PIN_AUTH_BLOCKED.
    """
    if core.state.pin is None:
        raise CtapError(CtapStatus.PIN_NOT_SET, "there is no PIN")
    if core.state.retries.pin == 0:
        raise CtapError(CtapStatus.PIN_BLOCKED, "no tries are left, reset it")
    if _wants_power_cycle(core):
        raise CtapError(CtapStatus.PIN_AUTH_BLOCKED, "cycle its power first")


def _try_pin(core: Core, protocol: PinUvProtocol, shared: bytes, pin_hash_enc: bytes) -> Pin:
    """The PIN that was proven.

    Raises:
        CtapError: PIN_INVALID, PIN_AUTH_BLOCKED, PIN_BLOCKED; INVALID_PARAMETER for a ciphertext
            of an impossible length, which costs no try.
    """
    state = core.state
    pin = state.pin
    assert pin is not None
    given = protocol.decrypt(shared, pin_hash_enc)
    state.change(replace(state.retries, pin=state.retries.pin - 1))
    if not compare_digest(given, pin.digest):
        core.session.pin_mismatches += 1
        protocol.regenerate()
        if state.retries.pin == 0:
            raise CtapError(CtapStatus.PIN_BLOCKED, "no tries are left")
        if _wants_power_cycle(core):
            raise CtapError(CtapStatus.PIN_AUTH_BLOCKED, "cycle its power first")
        raise CtapError(CtapStatus.PIN_INVALID, f"{state.retries.pin} tries are left")
    model = core.model
    state.change(Retries(model.pin_retries, model.uv_retries))
    core.session.pin_mismatches = 0
    return pin


def _new_pin(core: Core, padded: bytes) -> Pin:
    """The PIN in a padded block.

    Raises:
        CtapError: INVALID_PARAMETER for a block of another size, PIN_POLICY_VIOLATION.
    """
    if len(padded) != _PADDED_PIN_BYTES:
        raise CtapError(CtapStatus.INVALID_PARAMETER, f"a padded PIN has {len(padded)} bytes")
    raw = padded.rstrip(b"\x00")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise CtapError(CtapStatus.PIN_POLICY_VIOLATION, "the PIN is not UTF-8") from error
    settings = core.state.settings
    # Lengths are in code points at the lower end and in bytes at the upper.
    if len(text) < settings.min_pin_length or len(raw) > core.model.max_pin_length:
        raise CtapError(CtapStatus.PIN_POLICY_VIOLATION, f"the PIN has {len(text)} characters")
    complexity = core.model.pin_complexity_policy or settings.pin_complexity_policy
    if complexity and _is_simple(text):
        raise CtapError(CtapStatus.PIN_POLICY_VIOLATION, "the PIN is too simple")
    return Pin(sha256(raw).digest()[:_PIN_DIGEST_BYTES], len(text))


def _is_simple(pin: str) -> bool:
    """One character again and again, or characters that count up or down."""
    steps = {ord(after) - ord(before) for before, after in pairwise(pin)}
    return len(steps) == 1 and steps <= {-1, 0, 1}


def _store_pin(core: Core, pin: Pin) -> None:
    state, model = core.state, core.model
    records: list[Record] = [
        pin,
        Retries(model.pin_retries, model.uv_retries),
        replace(state.settings, force_pin_change=False),
    ]
    if model.cred_mgmt_read_only:
        records.append(replace(state.secrets, persistent_token=core.random_bytes(32)))
    state.change(*records)
    core.session.pin_mismatches = 0
    if not core.lapses(Lapse.TOKEN_SURVIVES_PIN_CHANGE):
        core.session.token = PinUvAuthToken(core.random_bytes)
