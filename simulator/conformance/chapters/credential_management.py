"""authenticatorCredentialManagement. CTAP 2.1 section 6.8."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Final

from mfalab.devices.ctap.commands import Command, Permission
from mfalab.devices.ctap.commands import CredentialManagementSubcommand as Sub
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.ceremonies import ONE, RP_ID, Made, descriptor
from mfalab.simulator.conformance.facts import (
    CTAP2,
    HAS_TOKENS,
    STORES,
    has_extension,
    has_option,
    unless,
)
from mfalab.simulator.conformance.pins import Pin
from mfalab.simulator.conformance.refusals import (
    MISSING,
    NOT_HERE,
    UNAUTHORISED,
    Refusal,
    Request,
    add_refusals,
)
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import Failure, NotTested, expect

CHAPTER = Chapter("credentialManagement", "CTAP 2.1", when=[CTAP2, has_option("credMgmt")])

_STORED = CHAPTER.given(when=[STORES], pin=Pin.SET)
_ONE = _STORED.given(changes=ONE)
_TWO = _STORED.given(touches=2, changes="makes two discoverable credentials and deletes them")
_COMMAND: Final = Command.CREDENTIAL_MANAGEMENT


# Requests that are refused.


def _send(subject: Subject, members: Request) -> Reply:
    request = members | ({3: subject.pins.protocol} if 3 in members else {})
    return subject.call(_COMMAND, request)


_AUTH: Final = (CtapStatus.PIN_AUTH_INVALID,)
_NOT_BEGUN: Final = (CtapStatus.NOT_ALLOWED,)
_UNKNOWN: Final = (CtapStatus.INVALID_SUBCOMMAND, CtapStatus.INVALID_PARAMETER, *_AUTH)

add_refusals(
    CHAPTER,
    _send,
    {
        "6.8": (
            Refusal("subcommand-absent", "subCommand is absent", {3: 1}, MISSING),
            Refusal(
                "unknown-subcommand",
                "the subcommand is unknown",
                {1: 0x7E, 3: 1, 4: bytes(16)},
                _UNKNOWN,
            ),
            Refusal(
                "metadata-without-token",
                "getCredsMetadata comes without pinUvAuthParam",
                {1: 1},
                UNAUTHORISED,
            ),
            Refusal(
                "rps-without-token",
                "enumerateRPsBegin comes without pinUvAuthParam",
                {1: 2},
                UNAUTHORISED,
            ),
            Refusal(
                "next-rp-out-of-nowhere",
                "enumerateRPsGetNextRP comes when nothing was begun",
                {1: 3},
                _NOT_BEGUN,
            ),
            Refusal(
                "next-credential-out-of-nowhere",
                "enumerateCredentialsGetNextCredential comes when nothing was begun",
                {1: 5},
                _NOT_BEGUN,
            ),
            Refusal("wrong-param", "pinUvAuthParam is wrong", {1: 1, 3: 0, 4: bytes(32)}, _AUTH),
        )
    },
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A subcommand with a token."""

    subcommand: Sub
    params: Any = None
    rp_id: str | None = None
    permission: Permission = Permission.CREDENTIAL_MANAGEMENT

    @property
    def codes(self) -> tuple[CtapStatus, ...]:
        """How it is refused: for its token, if that is of an RP, or for what is not there."""
        return _AUTH if self.rp_id else (CtapStatus.NO_CREDENTIALS,)

    def refuse(self, subject: Subject) -> None:
        """See that it is refused."""
        token = subject.pins.token(self.permission, self.rp_id)
        reply = subject.call(_COMMAND, token.subcommand(self.subcommand, self.params))
        reply.must(*self.codes)


_FOREIGN: Final = {1: sha256(b"nobody.example").digest()}
_UNKNOWN_ID: Final = {2: descriptor(bytes(32))}
_TOTALS: Final = _Asked(Sub.GET_CREDS_METADATA, None, RP_ID)
_OTHERS: Final = _Asked(Sub.ENUMERATE_CREDENTIALS_BEGIN, _FOREIGN, RP_ID)
_NO_CM: Final = _Asked(Sub.GET_CREDS_METADATA, None, RP_ID, Permission.GET_ASSERTION)
_NOBODYS: Final = _Asked(Sub.ENUMERATE_CREDENTIALS_BEGIN, _FOREIGN)
_DELETED: Final = _Asked(Sub.DELETE_CREDENTIAL, _UNKNOWN_ID)
_RENAMED: Final = _Asked(Sub.UPDATE_USER_INFORMATION, _UNKNOWN_ID | {3: {"id": b"x", "name": "x"}})

for _name, _section, _what, _asked in (
    (
        "token-without-cm",
        "6.8.2",
        "a token without permission cm asks for the metadata",
        _NO_CM,
    ),
    ("rp-token-asks-for-totals", "6.8.2", "a token of one RP asks for the metadata", _TOTALS),
    ("rp-token-lists-others", "6.8.4", "a token of one RP lists another's credentials", _OTHERS),
    ("credentials-of-nobody", "6.8.4", "an RP without credentials is listed", _NOBODYS),
    ("delete-unknown", "6.8.5", "an unknown credential is deleted", _DELETED),
    ("update-unknown", "6.8.6", "an unknown credential gets another user name", _RENAMED),
):
    CHAPTER.add(
        _name,
        _section,
        f"When {_what}, that is {_asked.codes[0].name}.",
        "A token manages what its permission and its RP ID allow; unknown credentials are "
        "CTAP2_ERR_NO_CREDENTIALS.",
        _asked.refuse,
        when=[HAS_TOKENS] if _asked.rp_id else [],
        pin=Pin.SET,
    )


# What is there.


def _metadata(subject: Subject) -> tuple[int, int]:
    """How many credentials exist, and how many more are possible."""
    reply = subject.ceremonies.manage(Sub.GET_CREDS_METADATA)
    return reply.member(0x01, int), reply.member(0x02, int)


@_STORED.test("6.8.2", "The metadata tell how many credentials there are and how many more fit.")
def metadata_leave_room(subject: Subject) -> None:
    """An empty store has room: existing and possible credentials together are not 0."""
    existing, possible = _metadata(subject)
    room = existing >= 0 <= possible and existing + possible > 0
    expect(room, "room for discoverable credentials, as rk is true", "0 existing, 0 possible")
    remaining = subject.refresh().number(0x14, 0)
    told = possible > 0 or remaining <= possible
    expect(told, f"{remaining} possible credentials, as getInfo says", "0")


@_ONE.test("6.8.2", "The metadata change with each credential.", touches=1)
def metadata_count_credentials(subject: Subject) -> None:
    """A new discoverable credential counts, and takes room."""
    existing, possible = _metadata(subject)
    subject.ceremonies.make_discoverable()
    now, left = _metadata(subject)
    counted = now == existing + 1 and left <= possible
    expect(counted, f"{existing + 1} existing, at most {possible} possible", f"{now}, {left}")


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
        expect(total not in found[-1], "the total in the first answer only", "again")
    subject.call(_COMMAND, {1: following}).must(CtapStatus.NOT_ALLOWED)
    return found


def _party(rp_id: str) -> bytes:
    return sha256(rp_id.encode()).digest()


def _listed(subject: Subject, made: Made) -> dict[Any, Any]:
    """What enumerateCredentials says of a credential."""
    asked = {1: _party(made.rp_id)}
    reply = subject.ceremonies.manage(Sub.ENUMERATE_CREDENTIALS_BEGIN, asked)
    for each in _walk(subject, reply.members(), 0x09, Sub.ENUMERATE_CREDENTIALS_NEXT):
        if isinstance(each.get(0x07), dict) and each[0x07].get("id") == made.id:
            return each
    raise Failure("the credential among those of its RP", "it is not there")


@_TWO.test(
    "6.8.3", "enumerateRPs lists every RP that has credentials once, with the SHA-256 of its ID."
)
def relying_parties_are_listed(subject: Subject) -> None:
    """EnumerateRPs lists the RPs of two new credentials, each once and with its hash."""
    names = {subject.ceremonies.another_rp() for _ in range(2)}
    for name in names:
        subject.ceremonies.make(rk=True, rp_id=name)
    reply = subject.ceremonies.manage(Sub.ENUMERATE_RPS_BEGIN)
    found = _walk(subject, reply.members(), 0x05, Sub.ENUMERATE_RPS_NEXT)
    hashes = [bytes(each.get(0x04) or b"") for each in found]
    expect(len(set(hashes)) == len(hashes), "each RP once", "one of them again")
    for name in names:
        expect(_party(name) in hashes, f"{name} among the RPs", "it is not there")


@_ONE.test("6.8.4", "enumerateCredentials gives user, credential ID and public key.", touches=1)
def credentials_are_listed(subject: Subject) -> None:
    """EnumerateCredentials gives the user, ID and public key that were made."""
    made = subject.ceremonies.make_discoverable()
    listed = _listed(subject, made)
    same_user = listed.get(0x06, {}).get("id") == made.user_id
    expect(same_user, f"user handle {made.user_id!r}", f"{listed.get(0x06)!r:.60}")
    same_key = listed.get(0x08) == made.auth.public_key
    expect(same_key, "the public key of registration", f"{listed.get(0x08)!r:.60}")


@_ONE.test("6.8.5", "A deleted credential never signs again.", touches=2)
def deleted_credential_does_not_sign(subject: Subject) -> None:
    """A credential that was deleted is NO_CREDENTIALS, named or not."""
    made = subject.ceremonies.make_discoverable()
    subject.ceremonies.delete(made)
    for allow in (None, [made.id]):
        request = subject.ceremonies.sign_request(rp_id=made.rp_id, allow=allow)
        subject.call(Command.GET_ASSERTION, request).must(*NOT_HERE)


def _rename(subject: Subject, made: Made, handle: bytes) -> Reply:
    params = {2: descriptor(made.id), 3: {"id": handle, "name": "renamed"}}
    return subject.ceremonies.manage(Sub.UPDATE_USER_INFORMATION, params)


@_ONE.test("6.8.6", "updateUserInformation replaces the user's names.", touches=1)
def user_gets_another_name(subject: Subject) -> None:
    """UpdateUserInformation gives a credential's user another name."""
    made = subject.ceremonies.make_discoverable()
    reply = _rename(subject, made, made.user_id)
    if reply.status in (CtapStatus.INVALID_SUBCOMMAND, CtapStatus.INVALID_PARAMETER):
        raise NotTested("the key does not have updateUserInformation")
    reply.must(CtapStatus.SUCCESS)
    name = _listed(subject, made).get(0x06, {}).get("name")
    expect(name == "renamed", "user name renamed", repr(name))


@_ONE.test("6.8.6", "A user handle does not change.", touches=1)
def user_handle_does_not_change(subject: Subject) -> None:
    """UpdateUserInformation with another user handle is INVALID_PARAMETER."""
    reply = _rename(subject, subject.ceremonies.make_discoverable(), b"somebody else")
    reply.must(CtapStatus.INVALID_PARAMETER, CtapStatus.INVALID_SUBCOMMAND)


@_ONE.test("6.8", "A token of one RP manages that RP's credentials.", when=[HAS_TOKENS], touches=1)
def rp_token_manages_its_own(subject: Subject) -> None:
    """A token of one RP lists that RP's credentials and deletes one of them."""
    made = subject.ceremonies.make_discoverable()
    manage = partial(subject.ceremonies.manage, rp_id=made.rp_id)
    listing = manage(Sub.ENUMERATE_CREDENTIALS_BEGIN, {1: _party(made.rp_id)})
    listing.must(CtapStatus.SUCCESS)
    manage(Sub.DELETE_CREDENTIAL, {2: descriptor(made.id)}).must(CtapStatus.SUCCESS)


@_ONE.test(
    "6.8", "A token of one RP leaves others' credentials alone.", when=[HAS_TOKENS], touches=1
)
def rp_token_leaves_others_alone(subject: Subject) -> None:
    """A token of one RP deletes and renames no credential of another."""
    made = subject.ceremonies.make_discoverable()
    manage = partial(subject.ceremonies.manage, rp_id=RP_ID)
    user = {"id": made.user_id, "name": "renamed"}
    for subcommand, params in (
        (Sub.DELETE_CREDENTIAL, {2: descriptor(made.id)}),
        (Sub.UPDATE_USER_INFORMATION, {2: descriptor(made.id), 3: user}),
    ):
        manage(subcommand, params).must(CtapStatus.PIN_AUTH_INVALID, CtapStatus.INVALID_SUBCOMMAND)


@_ONE.test("6.8", "Managing takes a token with permission cm.", when=[HAS_TOKENS], touches=1)
def managing_takes_permission(subject: Subject) -> None:
    """A token of no RP that lacks cm reads no metadata and deletes no credential."""
    made = subject.ceremonies.make_discoverable()
    token = subject.pins.unfit(Permission.CREDENTIAL_MANAGEMENT)
    asked: tuple[tuple[Sub, Any], ...] = (
        (Sub.GET_CREDS_METADATA, None),
        (Sub.DELETE_CREDENTIAL, {2: descriptor(made.id)}),
    )
    for subcommand, params in asked:
        reply = subject.call(_COMMAND, token.subcommand(subcommand, params))
        reply.must(CtapStatus.PIN_AUTH_INVALID)


@_ONE.test(
    "6.8.4",
    "enumerateCredentials tells the protection of a credential.",
    when=[has_extension("credProtect")],
    touches=1,
)
def protection_is_listed(subject: Subject) -> None:
    """A credential with credProtect 2 is listed with that level."""
    listed = _listed(subject, subject.ceremonies.make_discoverable({"credProtect": 2}))
    expect(listed.get(0x0A) == 2, "credProtect 2", listed.get(0x0A))


@_TWO.test("6.8", "An enumeration belongs to the channel that began it.", needs=[Ability.REPORTS])
def enumeration_belongs_to_its_channel(subject: Subject) -> None:
    """EnumerateRPsGetNextRP on another channel is NOT_ALLOWED."""
    other = subject.other_channel()
    for _ in range(2):
        subject.ceremonies.make_discoverable()
    subject.ceremonies.manage(Sub.ENUMERATE_RPS_BEGIN).must(CtapStatus.SUCCESS)
    reply = subject.call_on(other, _COMMAND, {1: int(Sub.ENUMERATE_RPS_NEXT)})
    reply.must(CtapStatus.NOT_ALLOWED)


# The read-only token of CTAP 2.2.

_READ_ONLY: Final = unless(
    lambda facts: bool(facts.options.get("perCredMgmtRO")),
    "the key does not announce option perCredMgmtRO",
)


@CHAPTER.test(
    "CTAP 2.2 §6.8",
    "A persistent token reads, and changes nothing.",
    when=[_READ_ONLY, STORES],
    pin=Pin.SET,
    touches=1,
    changes=ONE,
)
def persistent_token_only_reads(subject: Subject) -> None:
    """A token with pcmr reads the metadata and deletes nothing."""
    made = subject.ceremonies.make_discoverable()
    token = subject.pins.token(Permission.PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY)
    reading = token.subcommand(Sub.GET_CREDS_METADATA)
    subject.call(_COMMAND, reading).must(CtapStatus.SUCCESS)
    deleting = token.subcommand(Sub.DELETE_CREDENTIAL, {2: descriptor(made.id)})
    subject.call(_COMMAND, deleting).must(CtapStatus.PIN_AUTH_INVALID)
