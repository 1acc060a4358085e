"""authenticatorGetAssertion and authenticatorGetNextAssertion. CTAP 2.1 sections 6.2 and 6.3.

A request without an allow list may find several accounts. The first answer tells how many; the
rest is a walk that only the same channel may go on with, within 30 s of each step.
"""

from dataclasses import dataclass
from typing import Any

from mfalab.devices.ctap import cbor, credentials
from mfalab.devices.ctap.commands import ED, UP, UV, Command, Permission
from mfalab.devices.ctap.core import Call, Core, Walk, rp_id_hash
from mfalab.devices.ctap.extensions import AssertionExtensions, large_blob_key
from mfalab.devices.ctap.faults import Lapse
from mfalab.devices.ctap.fields import Members, public_key_descriptors
from mfalab.devices.ctap.make_credential import read_pin_uv_auth_param
from mfalab.devices.ctap.state import Credential
from mfalab.devices.ctap.status import CtapError, CtapStatus
from mfalab.devices.ctap.transaction import Steps
from mfalab.devices.durations import NS_PER_S

_WALK_NS = 30 * NS_PER_S


@dataclass(slots=True)  # not frozen: it would take three times as long to make
class _Assertion:
    """What all assertions of one request share."""

    client_data_hash: bytes
    extensions: AssertionExtensions
    present: bool
    verified: bool
    several: bool


def get_assertion(core: Core, call: Call) -> Steps[dict[int, Any]]:
    """Sign with a credential of the relying party."""
    members = call.members
    rp_id = members.required(0x01, str)
    client_data_hash = members.required(0x02, bytes)
    allow = public_key_descriptors(members, 0x03, core.model.max_credentials_in_list)
    listed = bool(members.optional(0x03, list))
    inputs = Members(members.optional(0x04, dict) or {}, "extensions")
    options = Members(members.optional(0x05, dict) or {}, "options")
    if len(client_data_hash) != 32:
        why = f"clientDataHash has {len(client_data_hash)} bytes"
        raise CtapError(CtapStatus.INVALID_LENGTH, why)

    param = yield from read_pin_uv_auth_param(core, call, 0x06, rp_id, "choose")
    protocol = core.protocol_of(members, 0x07) if param is not None else None
    up, uv = _read_options(core, options, param is not None)
    if up and core.state.settings.always_uv:
        if not core.protected or (param is None and not core.fingers_enrolled):
            raise core.uv_missing()
        uv = param is None

    verified = present = False
    if protocol is not None and param is not None:
        permission = Permission.GET_ASSERTION
        token = core.check_ceremony(protocol, client_data_hash, param, permission, rp_id)
        verified, present = token is not None, token is not None and token.user_present
    elif uv:
        yield from core.verify_user_inside(rp_id, "sign in")
        verified = present = True

    found = _located(core, rp_id, allow if listed else None, verified)
    if not found:
        if up and not present and core.model.touch_before_no_credentials:
            yield from core.presence(call, rp_id, "sign in")
        raise CtapError(CtapStatus.NO_CREDENTIALS, f"no credential for {rp_id}")
    if up and not present:
        yield from core.presence(call, rp_id, "sign in")
    if up or core.lapses(Lapse.SILENT_ASSERTION_SPENDS):
        core.spend_token(Permission.GET_ASSERTION)

    extensions = AssertionExtensions.read(core, inputs, up=up)
    shared = _Assertion(client_data_hash, extensions, up, verified, not listed and len(found) > 1)
    answer = yield from _signed(core, shared, found[0])
    if shared.several:
        answer[0x05] = len(found)
        rest = [(shared, credential) for credential in found[1:]]
        expires_ns = core.clock.now_ns() + _WALK_NS
        core.session.walk = Walk(Command.GET_NEXT_ASSERTION, call.channel, rest, expires_ns)
    return answer


def get_next_assertion(core: Core, call: Call) -> Steps[dict[int, Any]]:
    """Sign with the next account of the last getAssertion."""
    walk = core.session.walk
    if walk is None or walk.kind != Command.GET_NEXT_ASSERTION or walk.channel != call.channel:
        raise CtapError(CtapStatus.NOT_ALLOWED, "no assertion is waiting here")
    now = core.clock.now_ns()
    if walk.expires_ns is not None and now >= walk.expires_ns:
        core.session.walk = None
        raise CtapError(CtapStatus.NOT_ALLOWED, "the assertions waited for more than 30 s")
    shared, credential = walk.answers.pop(0)
    walk.expires_ns = now + _WALK_NS
    if not walk.answers:
        core.session.walk = None
    return (yield from _signed(core, shared, credential))


def _read_options(core: Core, options: Members, has_param: bool) -> tuple[bool, bool]:
    """Whether presence and built-in verification are asked for."""
    uv = bool(options.optional("uv", bool)) and not has_param
    if uv and not core.fingers_enrolled:
        raise CtapError(CtapStatus.INVALID_OPTION, "there is no built-in user verification")
    if "rk" in options:
        raise CtapError(CtapStatus.UNSUPPORTED_OPTION, "rk is not for assertions")
    return options.optional("up", bool) is not False, uv


def _located(core: Core, rp_id: str, allow: list[bytes] | None, verified: bool) -> list[Credential]:
    """The credentials that may sign, newest first, those of an allow list in its order."""
    party = rp_id_hash(rp_id)
    if allow is None:
        candidates = credentials.for_rp(party, core.state)
    else:
        ours = (credentials.find(credential_id, party, core.state) for credential_id in allow)
        candidates = [credential for credential in ours if credential is not None]
    listed = allow is not None
    return [c for c in candidates if core.usable(c, uv=verified, listed=listed)]


def _signed(core: Core, shared: _Assertion, credential: Credential) -> Steps[dict[int, Any]]:
    yield from core.crypto_time()
    flags = UP if shared.present else 0
    if shared.verified or core.lapses(Lapse.ASSERTION_IS_ALWAYS_VERIFIED):
        flags |= UV
    rest = b""
    if outputs := shared.extensions.outputs(credential, shared.verified):
        flags |= ED
        rest = cbor.encode(outputs)
    core.state.change(*core.count(credential.id))
    auth_data = core.auth_data(credential.rp_id_hash, flags, core.counter(credential.id), rest)
    message = auth_data + shared.client_data_hash
    answer: dict[int, Any] = {
        0x01: {"id": credential.id, "type": "public-key"},
        0x02: auth_data,
        0x03: core.sign(credential.algorithm, credential.seed, message),
    }
    if credential.discoverable:
        everyone = core.lapses(Lapse.NAMES_FOR_EVERYONE)
        names = (shared.several and shared.verified) or everyone
        answer[0x04] = dict(credential.user) if names else {"id": credential.user_id}
    if shared.extensions.large_blob_key and credential.large_blob_key:
        answer[0x07] = large_blob_key(core, credential)
    return answer
