"""authenticatorMakeCredential, in the order of CTAP 2.1 section 6.1.2.

That order decides which code a request with two faults gets, and what a stranger may learn without
a touch, so the steps here keep it: zero-length pinUvAuthParam, protocol, algorithms, options,
alwaysUv, enterprise attestation, verification, exclude list, presence, extensions, store.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mfalab.devices.ctap import attestation, cbor, credentials, crypto
from mfalab.devices.ctap.commands import AT, ED, UP, UV, Permission
from mfalab.devices.ctap.core import Call, Core, rp_id_hash
from mfalab.devices.ctap.cose import Algorithm, cose_key
from mfalab.devices.ctap.extensions import RegistrationExtensions, large_blob_key
from mfalab.devices.ctap.faults import Lapse
from mfalab.devices.ctap.fields import Members, public_key_descriptors
from mfalab.devices.ctap.info import remaining_slots
from mfalab.devices.ctap.model import AttestationKind
from mfalab.devices.ctap.state import Credential
from mfalab.devices.ctap.status import CtapError, CtapStatus
from mfalab.devices.ctap.transaction import Steps


@dataclass(slots=True)  # not frozen: it would take three times as long to make
class _Request:
    """The members of a makeCredential request, of the right types."""

    client_data_hash: bytes
    rp: dict[str, str]
    user: dict[str, bytes | str]
    params: list[Any]
    exclude: list[bytes]
    extensions: Members
    options: Members
    pin_uv_auth_param: bytes | None
    enterprise: int | None
    formats: Sequence[str] | None

    @classmethod
    def read(cls, core: Core, members: Members) -> "_Request":
        client_data_hash = members.required(0x01, bytes)
        rp = Members(members.required(0x02, dict), "rp")
        user = read_user(core, Members(members.required(0x03, dict), "user"))
        entity = {"id": rp.required("id", str)}
        for key in _kept(core, "name"):
            if text := rp.optional(key, str):
                entity[key] = text
        params = members.required(0x04, list)
        limit = core.model.max_credentials_in_list
        if len(client_data_hash) != 32:
            why = f"clientDataHash has {len(client_data_hash)} bytes"
            raise CtapError(CtapStatus.INVALID_LENGTH, why)
        return cls(
            client_data_hash,
            entity,
            user,
            params,
            public_key_descriptors(members, 0x05, limit),
            Members(members.optional(0x06, dict) or {}, "extensions"),
            Members(members.optional(0x07, dict) or {}, "options"),
            members.optional(0x08, bytes),
            members.unsigned(0x0A),
            members.optional(0x0B, list),
        )


def _kept(core: Core, *names: str) -> tuple[str, ...]:
    """The texts of an entity that are stored."""
    return (*names, "icon") if core.model.keeps_icon else names


def read_user(core: Core, members: Members) -> dict[str, bytes | str]:
    """A user entity: `id` of 1 to 64 bytes and what names there are.

    Raises:
        CtapError: MISSING_PARAMETER, CBOR_UNEXPECTED_TYPE, INVALID_LENGTH.
    """
    user_id = members.required("id", bytes)
    if not 1 <= len(user_id) <= 64:
        why = f"user.id has {len(user_id)} bytes, 1 to 64 are taken"
        raise CtapError(CtapStatus.INVALID_LENGTH, why)
    user: dict[str, bytes | str] = {"id": user_id}
    for key in _kept(core, "name", "displayName"):
        if value := members.optional(key, str):
            user[key] = value
    return user


def read_pin_uv_auth_param(
    core: Core, call: Call, key: int, rp_id: str, info: str
) -> Steps[bytes | None]:
    """The pinUvAuthParam; an empty one asks for a touch and whether there is a PIN.

    Raises:
        CtapError: PIN_NOT_SET or PIN_INVALID for an empty one after its touch.
    """
    param = call.members.optional(key, bytes)
    if param == b"" and (core.model.client_pin or core.model.pin_uv_auth_token):
        yield from core.presence(call, rp_id, info)
        if core.protected:
            raise CtapError(CtapStatus.PIN_INVALID, "there is a PIN, send a pinUvAuthParam")
        raise CtapError(CtapStatus.PIN_NOT_SET, "there is no PIN")
    return param


def make_credential(core: Core, call: Call) -> Steps[dict[int, Any]]:
    """Make a credential and attest it."""
    request = _Request.read(core, call.members)
    rp_id = request.rp["id"]
    param = yield from read_pin_uv_auth_param(core, call, 0x08, rp_id, "choose")
    protocol = core.protocol_of(call.members, 0x09) if param is not None else None
    algorithm = _first_supported(core, request.params)
    rk, uv = _read_options(core, request)
    uv = uv or _verification_needed(core, param is not None, uv, rk)
    enterprise = _enterprise(core, request)

    verified = present = False
    if protocol is not None and param is not None:
        permission = Permission.MAKE_CREDENTIAL
        token = core.check_ceremony(protocol, request.client_data_hash, param, permission, rp_id)
        verified, present = token is not None, token is not None and token.user_present
    elif uv:
        yield from core.verify_user_inside(rp_id, "register")
        verified = present = True

    yield from _refuse_excluded(core, call, request, verified, present)
    if not present:
        yield from core.presence(call, rp_id, "register")
    core.spend_token(Permission.MAKE_CREDENTIAL)

    inputs = RegistrationExtensions.read(core, request.extensions, rk=rk)
    credential = yield from _create(core, request, algorithm, rk, inputs)
    return (yield from _answer(core, request, credential, inputs, verified, enterprise))


def _first_supported(core: Core, params: Sequence[Any]) -> Algorithm:
    """The first supported algorithm of the list, which is read to its end."""
    chosen = None
    for param in params:
        members = Members(param, "a pubKeyCredParams entry")
        number, kind = members.required("alg", int), members.required("type", str)
        if chosen is None and kind == "public-key" and number in core.model.algorithms:
            chosen = Algorithm(number)
    if chosen is None:
        raise CtapError(CtapStatus.UNSUPPORTED_ALGORITHM, "no algorithm of the list")
    return chosen


def _read_options(core: Core, request: _Request) -> tuple[bool, bool]:
    """Whether the credential is discoverable, and whether built-in verification is asked for."""
    options = request.options
    uv = bool(options.optional("uv", bool)) and request.pin_uv_auth_param is None
    if uv and not core.fingers_enrolled:
        raise CtapError(CtapStatus.INVALID_OPTION, "there is no built-in user verification")
    rk = bool(options.optional("rk", bool))
    if rk and not core.model.slots:
        raise CtapError(CtapStatus.UNSUPPORTED_OPTION, "there are no discoverable credentials")
    up = options.optional("up", bool)
    if up is False or (up and core.model.up_true_refused):
        raise CtapError(CtapStatus.INVALID_OPTION, f"up is {up}")
    return rk, uv


def _verification_needed(core: Core, has_param: bool, uv: bool, rk: bool) -> bool:
    """Whether alwaysUv turns to the fingers; raises when verification is needed and absent."""
    if core.state.settings.always_uv:
        if not core.protected:
            raise core.uv_missing()
        if has_param or uv:
            return False
        if core.fingers_enrolled:
            return True
        raise core.uv_missing()
    if core.protected and not uv and not has_param and (rk or not core.uv_not_required):
        raise core.uv_missing()
    return False


def _enterprise(core: Core, request: _Request) -> bool:
    """Whether the attestation is an enterprise one."""
    model = core.model
    if request.enterprise is None:
        return False
    if not model.enterprise_attestation or not core.state.settings.enterprise_attestation:
        raise CtapError(CtapStatus.INVALID_PARAMETER, "enterprise attestation is not enabled")
    if request.enterprise not in (1, 2):
        raise CtapError(CtapStatus.INVALID_OPTION, f"enterpriseAttestation {request.enterprise}")
    if request.enterprise == 2 and model.enterprise_platform_managed:
        return True
    return request.rp["id"] in model.enterprise_rp_ids


def _refuse_excluded(
    core: Core, call: Call, request: _Request, verified: bool, present: bool
) -> Steps[None]:
    """Refuse when a listed credential is here, after a touch or a missed one."""
    party = rp_id_hash(request.rp["id"])
    for credential_id in request.exclude:
        known = credentials.find(credential_id, party, core.state)
        hidden = known is not None and known.cred_protect == 3 and not verified
        if known is None or (hidden and not core.lapses(Lapse.EXCLUDES_PROTECTED)):
            continue
        if not present and not core.lapses(Lapse.EXCLUDES_WITHOUT_TOUCH):
            try:
                yield from core.presence(call, request.rp["id"], "register")
            except CtapError as error:
                # A missed touch tells the client as much as a touch; a cancelled request nothing.
                if error.status is CtapStatus.KEEPALIVE_CANCEL:
                    raise
        raise CtapError(CtapStatus.CREDENTIAL_EXCLUDED, "a listed credential is here")


def _create(
    core: Core,
    request: _Request,
    algorithm: Algorithm,
    rk: bool,
    inputs: RegistrationExtensions,
) -> Steps[Credential]:
    """The new credential, stored if it is discoverable; the counter is written with it."""
    party = rp_id_hash(request.rp["id"])
    state = core.state
    replaced = None
    if rk:
        user_id = request.user["id"]
        assert isinstance(user_id, bytes)
        replaced = credentials.by_user(party, user_id, state)
        if core.lapses(Lapse.USER_ID_BY_PREFIX):
            others = credentials.for_rp(party, state)
            replaced = next((c for c in others if user_id.startswith(c.user_id)), None)
        if replaced is None and remaining_slots(core) <= 0:
            raise CtapError(CtapStatus.KEY_STORE_FULL, f"all {core.model.slots} places are taken")
    yield from core.crypto_time()
    seed = crypto.new_seed(algorithm, core.random_bytes)
    fresh = Credential(b"", party, algorithm, seed)
    if not rk:
        credential = credentials.wrap(inputs.apply(core, fresh), state, core.random_bytes)
        state.change(*core.count(credential.id))
        return credential
    credential = replace(
        fresh,
        id=core.random_bytes(32),
        serial=state.settings.next_serial,
        rp=tuple(request.rp.items()),
        user=tuple(request.user.items()),
    )
    credential = inputs.apply(core, credential)
    settings = replace(state.settings, next_serial=state.settings.next_serial + 1)
    delete = [replaced] if replaced else []
    state.change(credential, settings, *core.count(credential.id), delete=delete)
    return credential


def _answer(
    core: Core,
    request: _Request,
    credential: Credential,
    inputs: RegistrationExtensions,
    verified: bool,
    enterprise: bool,
) -> Steps[dict[int, Any]]:
    kind = attestation.chosen_kind(core, request.formats, credential.algorithm, enterprise)
    flags = UP | AT | (UV if verified else 0)
    # A fido-u2f statement signs no AAGUID, so there is none to tell.
    aaguid = bytes(16) if kind is AttestationKind.FIDO_U2F else core.model.aaguid
    public = crypto.public_key(credential.algorithm, credential.seed)
    rest = (
        core.faults.spoil_aaguid(aaguid)
        + len(credential.id).to_bytes(2, "big")
        + credential.id
        + cbor.encode(cose_key(public, credential.algorithm))
    )
    if outputs := inputs.outputs(core, credential, request.rp["id"], verified):
        flags |= ED
        rest += cbor.encode(outputs)
    auth_data = core.auth_data(credential.rp_id_hash, flags, core.counter(credential.id), rest)
    if kind is not AttestationKind.NONE:
        yield from core.crypto_time()
    stated = attestation.state_it(
        core, kind, credential, auth_data, request.client_data_hash, enterprise=enterprise
    )
    answer: dict[int, Any] = {0x01: stated.fmt, 0x02: auth_data, 0x03: stated.statement}
    if enterprise:
        answer[0x04] = True
    if credential.large_blob_key:
        answer[0x05] = large_blob_key(core, credential)
    return answer
