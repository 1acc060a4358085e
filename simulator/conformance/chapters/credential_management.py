"""authenticatorCredentialManagement. CTAP 2.1 section 6.8."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import Any, Final

from mfalab.devices.ctap.commands import Command, Permission
from mfalab.devices.ctap.commands import CredentialManagementSubcommand as Sub
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.ceremonies import RP_ID, Made, descriptor
from mfalab.simulator.conformance.facts import CTAP2, Facts, has_option, option_is
from mfalab.simulator.conformance.replies import encoded
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter, Condition, Pin
from mfalab.simulator.conformance.verdicts import Failure, NotTested

__all__ = ["CHAPTER"]

CHAPTER = Chapter("credentialManagement", "CTAP 2.1", when=[CTAP2, has_option("credMgmt")])

_COMMAND: Final = Command.CREDENTIAL_MANAGEMENT
_STORES: Final = option_is("rk", value=True)
_ONE: Final = "makes a discoverable credential and deletes it"


# Requests that are refused.

_ERRORS: Final[tuple[tuple[str, str, dict[int, Any], tuple[CtapStatus, ...]], ...]] = (
    ("subcommand-absent", "subCommand is absent", {3: 1}, (CtapStatus.MISSING_PARAMETER,)),
    (
        "unknown-subcommand",
        "the subcommand is unknown",
        {1: 0x7E, 3: 1, 4: bytes(16)},
        (CtapStatus.INVALID_SUBCOMMAND, CtapStatus.INVALID_PARAMETER, CtapStatus.PIN_AUTH_INVALID),
    ),
    (
        "metadata-without-token",
        "getCredsMetadata comes without pinUvAuthParam",
        {1: 1},
        (CtapStatus.PUAT_REQUIRED, CtapStatus.MISSING_PARAMETER),
    ),
    (
        "rps-without-token",
        "enumerateRPsBegin comes without pinUvAuthParam",
        {1: 2},
        (CtapStatus.PUAT_REQUIRED, CtapStatus.MISSING_PARAMETER),
    ),
    (
        "next-rp-out-of-nowhere",
        "enumerateRPsGetNextRP comes when nothing was begun",
        {1: 3},
        (CtapStatus.NOT_ALLOWED,),
    ),
    (
        "next-credential-out-of-nowhere",
        "enumerateCredentialsGetNextCredential comes when nothing was begun",
        {1: 5},
        (CtapStatus.NOT_ALLOWED,),
    ),
    (
        "wrong-param",
        "pinUvAuthParam is wrong",
        {1: 1, 3: 0, 4: bytes(32)},
        (CtapStatus.PIN_AUTH_INVALID,),
    ),
)


def _error(members: dict[int, Any], statuses: tuple[CtapStatus, ...], subject: Subject) -> None:
    request = members | ({3: subject.pins.protocol} if 3 in members else {})
    subject.call(_COMMAND, request).must(*statuses)


for _name, _what, _members, _statuses in _ERRORS:
    CHAPTER.add(
        _name,
        "6.8",
        f"When {_what}, that is {_statuses[0].name}.",
        f"The code is {' or '.join(status.name for status in _statuses)}.",
        partial(_error, _members, _statuses),
    )


def _named(
    permission: Permission,
    rp_id: str | None,
    subcommand: int,
    params: Any,
    statuses: tuple[CtapStatus, ...],
    subject: Subject,
) -> None:
    token = subject.pins.token(permission, rp_id)
    message = bytes([subcommand]) + (b"" if params is None else encoded(params))
    members = {1: subcommand, 3: token.protocol, 4: token.sign(message)}
    if params is not None:
        members[2] = params
    subject.call(_COMMAND, members).must(*statuses)


_HAS_TOKENS: Final = option_is("pinUvAuthToken", value=True)
_CM: Final = Permission.CREDENTIAL_MANAGEMENT
_NO_AUTH: Final = (CtapStatus.PIN_AUTH_INVALID,)
_FOREIGN: Final = sha256(b"nobody.example").digest()

for _name, _section, _what, _arguments, _when in (
    (
        "token-without-cm",
        "6.8.2",
        "a token without permission cm asks for the metadata",
        (Permission.GET_ASSERTION, RP_ID, Sub.GET_CREDS_METADATA, None, _NO_AUTH),
        (_HAS_TOKENS,),
    ),
    (
        "rp-token-asks-for-totals",
        "6.8.2",
        "a token of one RP asks for the metadata",
        (_CM, RP_ID, Sub.GET_CREDS_METADATA, None, _NO_AUTH),
        (_HAS_TOKENS,),
    ),
    (
        "rp-token-lists-others",
        "6.8.4",
        "a token of one RP lists another's credentials",
        (_CM, RP_ID, Sub.ENUMERATE_CREDENTIALS_BEGIN, {1: _FOREIGN}, _NO_AUTH),
        (_HAS_TOKENS,),
    ),
    (
        "credentials-of-nobody",
        "6.8.4",
        "an RP without credentials is listed",
        (_CM, None, Sub.ENUMERATE_CREDENTIALS_BEGIN, {1: _FOREIGN}, (CtapStatus.NO_CREDENTIALS,)),
        (),
    ),
    (
        "delete-unknown",
        "6.8.5",
        "an unknown credential is deleted",
        (
            _CM,
            None,
            Sub.DELETE_CREDENTIAL,
            {2: descriptor(bytes(32))},
            (CtapStatus.NO_CREDENTIALS,),
        ),
        (),
    ),
    (
        "update-unknown",
        "6.8.6",
        "an unknown credential gets another user name",
        (
            _CM,
            None,
            Sub.UPDATE_USER_INFORMATION,
            {2: descriptor(bytes(32)), 3: {"id": b"x", "name": "x"}},
            (CtapStatus.NO_CREDENTIALS,),
        ),
        (),
    ),
):
    CHAPTER.add(
        _name,
        _section,
        f"When {_what}, that is {_arguments[4][0].name}.",
        "A token manages what its permission and its RP ID allow; unknown credentials are "
        "CTAP2_ERR_NO_CREDENTIALS.",
        partial(_named, *_arguments),
        when=_when,
        pin=Pin.SET,
    )


# What is there.


@CHAPTER.test(
    "6.8.2",
    "The metadata tell how many credentials there are and how many more fit.",
    when=[_STORES],
    pin=Pin.SET,
)
def metadata_leave_room(subject: Subject) -> None:
    """An empty store has room: existing and possible credentials together are not 0."""
    reply = subject.ceremonies.manage(Sub.GET_CREDS_METADATA)
    existing, possible = reply.member(0x01, int), reply.member(0x02, int)
    if existing < 0 or possible < 0 or existing + possible == 0:
        raise Failure("room for discoverable credentials, as rk is true", "0 existing, 0 possible")
    remaining = subject.refresh().info.get(0x14)
    if isinstance(remaining, int) and remaining > possible and possible == 0:
        raise Failure(f"{remaining} possible credentials, as getInfo says", "0")


def _metadata(subject: Subject) -> tuple[int, int]:
    reply = subject.ceremonies.manage(Sub.GET_CREDS_METADATA)
    return reply.member(0x01, int), reply.member(0x02, int)


@CHAPTER.test(
    "6.8.2",
    "The metadata change with each credential.",
    when=[_STORES],
    pin=Pin.SET,
    touches=1,
    changes=_ONE,
)
def metadata_count_credentials(subject: Subject) -> None:
    """A new discoverable credential counts, and takes room."""
    existing, possible = _metadata(subject)
    subject.ceremonies.make(rk=True, rp_id=subject.ceremonies.another_rp())
    now, left = _metadata(subject)
    if now != existing + 1 or left > possible:
        raise Failure(f"{existing + 1} existing, at most {possible} possible", f"{now}, {left}")


def _walk(
    subject: Subject, first: dict[Any, Any], total: int, following: int
) -> list[dict[Any, Any]]:
    """All answers of an enumeration, to its end."""
    count = first.get(total)
    if not isinstance(count, int) or count < 1:
        raise Failure(f"a total in member 0x{total:02X}", str(count))
    found = [first]
    for _ in range(count - 1):
        found.append(subject.call(_COMMAND, {1: following}).members())
        if total in found[-1]:
            raise Failure("the total in the first answer only", "again")
    subject.call(_COMMAND, {1: following}).must(CtapStatus.NOT_ALLOWED)
    return found


def _listed(subject: Subject, made: Made) -> dict[Any, Any]:
    """What enumerateCredentials says of a credential."""
    party = sha256(made.rp_id.encode()).digest()
    reply = subject.ceremonies.manage(Sub.ENUMERATE_CREDENTIALS_BEGIN, {1: party})
    for each in _walk(subject, reply.members(), 0x09, Sub.ENUMERATE_CREDENTIALS_NEXT):
        if isinstance(each.get(0x07), dict) and each[0x07].get("id") == made.id:
            return each
    raise Failure("the credential among those of its RP", "it is not there")


@CHAPTER.test(
    "6.8.3",
    "enumerateRPs lists every RP that has credentials once, with the SHA-256 of its ID.",
    when=[_STORES],
    pin=Pin.SET,
    touches=2,
    changes="makes two discoverable credentials and deletes them",
)
def relying_parties_are_listed(subject: Subject) -> None:
    """EnumerateRPs lists the RPs of two new credentials, each once and with its hash."""
    names = {subject.ceremonies.another_rp() for _ in range(2)}
    for name in names:
        subject.ceremonies.make(rk=True, rp_id=name)
    reply = subject.ceremonies.manage(Sub.ENUMERATE_RPS_BEGIN)
    found = _walk(subject, reply.members(), 0x05, Sub.ENUMERATE_RPS_NEXT)
    hashes = [each.get(0x04) for each in found]
    if len({bytes(each or b"") for each in hashes}) != len(hashes):
        raise Failure("each RP once", "one of them again")
    for name in names:
        if sha256(name.encode()).digest() not in hashes:
            raise Failure(f"{name} among the RPs", "it is not there")


@CHAPTER.test(
    "6.8.4",
    "enumerateCredentials gives user, credential ID and public key.",
    when=[_STORES],
    pin=Pin.SET,
    touches=1,
    changes=_ONE,
)
def credentials_are_listed(subject: Subject) -> None:
    """EnumerateCredentials gives the user, ID and public key that were made."""
    made = subject.ceremonies.make(rk=True, rp_id=subject.ceremonies.another_rp())
    listed = _listed(subject, made)
    if listed.get(0x06, {}).get("id") != made.user_id:
        raise Failure(f"user handle {made.user_id!r}", f"{listed.get(0x06)!r:.60}")
    if listed.get(0x08) != made.auth.public_key:
        raise Failure("the public key of registration", f"{listed.get(0x08)!r:.60}")


@CHAPTER.test(
    "6.8.5",
    "A deleted credential never signs again.",
    when=[_STORES],
    pin=Pin.SET,
    touches=2,
    changes=_ONE,
)
def deleted_credential_does_not_sign(subject: Subject) -> None:
    """A credential that was deleted is NO_CREDENTIALS, named or not."""
    rp_id = subject.ceremonies.another_rp()
    made = subject.ceremonies.make(rk=True, rp_id=rp_id)
    subject.ceremonies.delete(made)
    for allow in (None, [made.id]):
        request = subject.ceremonies.sign_request(rp_id=rp_id, allow=allow)
        subject.call(Command.GET_ASSERTION, request).must(
            CtapStatus.NO_CREDENTIALS, CtapStatus.INVALID_CREDENTIAL
        )


@CHAPTER.test(
    "6.8.6",
    "updateUserInformation replaces the user's names.",
    when=[_STORES],
    pin=Pin.SET,
    touches=1,
    changes=_ONE,
)
def user_gets_another_name(subject: Subject) -> None:
    """UpdateUserInformation gives a credential's user another name."""
    made = subject.ceremonies.make(rk=True, rp_id=subject.ceremonies.another_rp())
    params = {2: descriptor(made.id), 3: {"id": made.user_id, "name": "renamed"}}
    reply = subject.ceremonies.manage(Sub.UPDATE_USER_INFORMATION, params)
    if reply.status in (CtapStatus.INVALID_SUBCOMMAND, CtapStatus.INVALID_PARAMETER):
        raise NotTested("the key does not have updateUserInformation")
    reply.must(CtapStatus.SUCCESS)
    name = _listed(subject, made).get(0x06, {}).get("name")
    if name != "renamed":
        raise Failure("user name renamed", repr(name))


@CHAPTER.test(
    "6.8.6", "A user handle does not change.", when=[_STORES], pin=Pin.SET, touches=1, changes=_ONE
)
def user_handle_does_not_change(subject: Subject) -> None:
    """UpdateUserInformation with another user handle is INVALID_PARAMETER."""
    made = subject.ceremonies.make(rk=True, rp_id=subject.ceremonies.another_rp())
    params = {2: descriptor(made.id), 3: {"id": b"somebody else", "name": "renamed"}}
    subject.ceremonies.manage(Sub.UPDATE_USER_INFORMATION, params).must(
        CtapStatus.INVALID_PARAMETER, CtapStatus.INVALID_SUBCOMMAND
    )


@CHAPTER.test(
    "6.8",
    "A token of one RP manages that RP's credentials.",
    when=[_STORES, _HAS_TOKENS],
    pin=Pin.SET,
    touches=1,
    changes=_ONE,
)
def rp_token_manages_its_own(subject: Subject) -> None:
    """A token of one RP lists that RP's credentials and deletes one of them."""
    made = subject.ceremonies.make(rk=True, rp_id=subject.ceremonies.another_rp())
    party = sha256(made.rp_id.encode()).digest()
    manage = partial(subject.ceremonies.manage, rp_id=made.rp_id)
    manage(Sub.ENUMERATE_CREDENTIALS_BEGIN, {1: party}).must(CtapStatus.SUCCESS)
    manage(Sub.DELETE_CREDENTIAL, {2: descriptor(made.id)}).must(CtapStatus.SUCCESS)


@CHAPTER.test(
    "6.8",
    "An enumeration belongs to the channel that began it.",
    when=[_STORES],
    needs=[Ability.REPORTS],
    pin=Pin.SET,
    touches=2,
    changes="makes two discoverable credentials and deletes them",
)
def enumeration_belongs_to_its_channel(subject: Subject) -> None:
    """EnumerateRPsGetNextRP on another channel is NOT_ALLOWED."""
    other = subject.other_channel()
    for _ in range(2):
        subject.ceremonies.make(rk=True, rp_id=subject.ceremonies.another_rp())
    subject.ceremonies.manage(Sub.ENUMERATE_RPS_BEGIN).must(CtapStatus.SUCCESS)
    request = bytes([_COMMAND]) + encoded({1: int(Sub.ENUMERATE_RPS_NEXT)})
    answer = subject.hid.transact(other, 0x10, request)
    subject.reply(_COMMAND, answer).must(CtapStatus.NOT_ALLOWED)


# The read-only token of CTAP 2.2.


def _read_only(facts: Facts) -> str | None:
    if facts.options.get("perCredMgmtRO"):
        return None
    return "the key does not announce option perCredMgmtRO"


_READ_ONLY: Final[Condition] = _read_only


@CHAPTER.test(
    "CTAP 2.2 §6.8",
    "A persistent token reads, and changes nothing.",
    when=[_READ_ONLY, _STORES],
    pin=Pin.SET,
    touches=1,
    changes=_ONE,
)
def persistent_token_only_reads(subject: Subject) -> None:
    """A token with pcmr reads the metadata and deletes nothing."""
    made = subject.ceremonies.make(rk=True, rp_id=subject.ceremonies.another_rp())
    token = subject.pins.token(Permission.PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY)

    def signed(subcommand: int, params: Any = None) -> dict[int, Any]:
        message = bytes([subcommand]) + (b"" if params is None else encoded(params))
        members: dict[int, Any] = {1: subcommand, 3: token.protocol, 4: token.sign(message)}
        return members if params is None else members | {2: params}

    subject.call(_COMMAND, signed(Sub.GET_CREDS_METADATA)).must(CtapStatus.SUCCESS)
    deleting = signed(Sub.DELETE_CREDENTIAL, {2: descriptor(made.id)})
    subject.call(_COMMAND, deleting).must(CtapStatus.PIN_AUTH_INVALID)
