"""authenticatorCredentialManagement. CTAP 2.1 section 6.8, CTAP 2.2 for the read-only token.

Enumerations are worked out when they begin and fetched call by call. A token bound to a relying
party manages that party's credentials only, and learns nothing about others: a foreign and an
unknown ID get the same answer.
"""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from mfalab.devices.ctap import cbor, credentials, crypto
from mfalab.devices.ctap.commands import (
    Command,
    CredentialManagementSubcommand,
    Permission,
)
from mfalab.devices.ctap.core import Call, Core, Walk
from mfalab.devices.ctap.cose import cose_key
from mfalab.devices.ctap.extensions import large_blob_key
from mfalab.devices.ctap.faults import Lapse
from mfalab.devices.ctap.fields import Members
from mfalab.devices.ctap.info import remaining_slots
from mfalab.devices.ctap.make_credential import read_user
from mfalab.devices.ctap.state import Credential
from mfalab.devices.ctap.status import CtapError, CtapStatus
from mfalab.devices.ctap.transaction import Steps

_Sub = CredentialManagementSubcommand
_READ_ONLY = (
    _Sub.GET_CREDS_METADATA,
    _Sub.ENUMERATE_RPS_BEGIN,
    _Sub.ENUMERATE_CREDENTIALS_BEGIN,
)


def credential_management(core: Core, call: Call) -> Steps[dict[int, Any]]:
    """Serve the subcommand."""
    yield from ()
    members = call.members
    number = members.required(0x01, int)
    preview = call.command == Command.CREDENTIAL_MANAGEMENT_PREVIEW
    match number:
        case _Sub.ENUMERATE_RPS_NEXT | _Sub.ENUMERATE_CREDENTIALS_NEXT:
            return _next(core, call, number)
        case _Sub.GET_CREDS_METADATA:
            _authorise(core, members, number, scoped=False)
            return {0x01: len(core.state.credentials), 0x02: remaining_slots(core)}
        case _Sub.ENUMERATE_RPS_BEGIN:
            _authorise(core, members, number, scoped=False)
            return _begin(core, call, _Sub.ENUMERATE_RPS_NEXT, _rps(core), 0x05)
        case _Sub.ENUMERATE_CREDENTIALS_BEGIN:
            params = _params(members)
            party = params.required(0x01, bytes)
            rp_id = _authorise(core, members, number, scoped=True)
            if rp_id is not None and sha256(rp_id.encode()).digest() != party:
                raise _foreign()
            found = [_described(core, c) for c in credentials.for_rp(party, core.state)]
            return _begin(core, call, _Sub.ENUMERATE_CREDENTIALS_NEXT, found, 0x09)
        case _Sub.DELETE_CREDENTIAL:
            credential = _named(core, members, number)
            core.state.change(delete=[credential])
            return {}
        case _Sub.UPDATE_USER_INFORMATION if not preview:
            return _update(core, members)
    raise CtapError(CtapStatus.INVALID_SUBCOMMAND, f"credentialManagement subcommand {number}")


def _params(members: Members) -> Members:
    return Members(members.required(0x02, dict), "subCommandParams")


def _foreign() -> CtapError:
    return CtapError(CtapStatus.PIN_AUTH_INVALID, "the token is for another relying party")


def _authorise(core: Core, members: Members, number: int, *, scoped: bool) -> str | None:
    """The relying party that the token is bound to, if it may do this.

    Raises:
        CtapError: PUAT_REQUIRED, MISSING_PARAMETER, INVALID_PARAMETER, PIN_AUTH_INVALID.
    """
    param = members.optional(0x04, bytes)
    if param is None:
        raise CtapError(CtapStatus.PUAT_REQUIRED, "a pinUvAuthParam is needed")
    protocol = core.protocol_of(members, 0x03)
    message = bytes([number])
    if number not in (_Sub.GET_CREDS_METADATA, _Sub.ENUMERATE_RPS_BEGIN):
        # Requests are canonical, so encoding them again gives the bytes that were signed.
        message += cbor.encode(members.raw()[0x02])
    if core.model.cred_mgmt_read_only and number in _READ_ONLY:
        persistent = core.state.secrets.persistent_token
        if core.state.pin is not None and protocol.verify(persistent, message, param):
            return None
    permission = Permission.CREDENTIAL_MANAGEMENT
    token = core.check_token(protocol, message, param, permission)
    if token.rp_id is not None and not scoped:
        raise _foreign()
    return token.rp_id


def _begin(
    core: Core, call: Call, following: int, answers: list[dict[int, Any]], total_key: int
) -> dict[int, Any]:
    if not answers:
        raise CtapError(CtapStatus.NO_CREDENTIALS, "there are none")
    first, *rest = answers
    core.session.walk = Walk(following, call.channel, rest) if rest else None
    return {**first, total_key: len(answers)}


def _next(core: Core, call: Call, number: int) -> dict[int, Any]:
    walk = core.session.walk
    if walk is None or walk.kind != number or walk.channel != call.channel:
        raise CtapError(CtapStatus.NOT_ALLOWED, "nothing was begun here")
    answer: dict[int, Any] = walk.answers.pop(0)
    if not walk.answers:
        core.session.walk = None
    return answer


def _rps(core: Core) -> list[dict[int, Any]]:
    """The relying parties with credentials, each once, in order of their first credential."""
    stored: Iterable[Credential] = core.state.credentials.values()
    parties = {credential.rp_id_hash: dict(credential.rp) for credential in stored}
    return [{0x03: rp, 0x04: party} for party, rp in parties.items()]


def _described(core: Core, credential: Credential) -> dict[int, Any]:
    key = crypto.public_key(credential.algorithm, credential.seed)
    answer: dict[int, Any] = {
        0x06: dict(credential.user),
        0x07: {"id": credential.id, "type": "public-key"},
        0x08: cose_key(key, credential.algorithm),
    }
    if core.has_extension("credProtect"):
        answer[0x0A] = credential.cred_protect
    if credential.large_blob_key:
        answer[0x0B] = large_blob_key(core, credential)
    if core.has_extension("thirdPartyPayment"):
        answer[0x0C] = credential.third_party_payment
    return answer


def _named(core: Core, members: Members, number: int) -> Credential:
    """The credential that a request names, if the token may manage it.

    Raises:
        CtapError: NO_CREDENTIALS, or PIN_AUTH_INVALID for a token bound to a relying party.
    """
    descriptor = Members(_params(members).required(0x02, dict), "credentialId")
    credential_id = descriptor.required("id", bytes)
    rp_id = _authorise(core, members, number, scoped=True)
    credential = core.state.credentials.get(credential_id)
    foreign = credential is None or credential.rp_id != rp_id
    if rp_id is not None and foreign and not core.lapses(Lapse.SCOPED_TOKEN_DELETES_OTHERS):
        raise _foreign()
    if credential is None:
        raise CtapError(CtapStatus.NO_CREDENTIALS, "there is no such credential")
    return credential


def _update(core: Core, members: Members) -> dict[int, Any]:
    given = Members(_params(members).required(0x03, dict), "user")
    if not given.required("id", bytes):
        raise CtapError(CtapStatus.INVALID_PARAMETER, "user.id is empty")
    user = read_user(core, given)
    credential = _named(core, members, _Sub.UPDATE_USER_INFORMATION)
    if user["id"] != credential.user_id:
        raise CtapError(CtapStatus.INVALID_PARAMETER, "a user's ID does not change")
    core.state.change(replace(credential, user=tuple(user.items())))
    return {}
