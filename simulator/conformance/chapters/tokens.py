"""pinUvAuthTokens: what they are good for, what spends them and what ends them.

CTAP 2.1 section 6.5.2.1. They belong to authenticatorClientPIN, which gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace as changed
from functools import partial
from hashlib import sha256
from typing import Final

from mfalab.devices.ctap.commands import (
    BioSubcommand,
    Command,
    ConfigSubcommand,
    CredentialManagementSubcommand,
    Permission,
)
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.conformance.ceremonies import RP_ID, Made
from mfalab.simulator.conformance.chapters.large_blobs import stored_array, write_fragment
from mfalab.simulator.conformance.facts import (
    CTAP2,
    HAS_TOKENS,
    MC_GA_BY_PIN,
    SINCE_2_1,
    has_option,
    option_is,
    speaks_protocol,
)
from mfalab.simulator.conformance.pins import Pin, Token
from mfalab.simulator.conformance.refusals import Request
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import NotTested, differ, expect

CHAPTER = Chapter(
    "clientPIN",
    "CTAP 2.1",
    when=[CTAP2, has_option("clientPin"), SINCE_2_1, HAS_TOKENS],
    pin=Pin.SET,
)

_SPENT = CHAPTER.given(needs=[Ability.REPORTS], when=[MC_GA_BY_PIN])
_BLOBS = _SPENT.given(
    when=[option_is("largeBlobs", value=True)],
    destructive=True,
    changes="writes the large-blob array as it is",
)
_DEAD: Final = (CtapStatus.PIN_AUTH_INVALID, CtapStatus.PIN_TOKEN_EXPIRED)
_MC, _GA, _LBW = (
    Permission.MAKE_CREDENTIAL,
    Permission.GET_ASSERTION,
    Permission.LARGE_BLOB_WRITE,
)


def proved(request: Request, token: Token) -> Request:
    """A makeCredential request with the proof of a token."""
    return request | {0x08: token.sign(request[0x01]), 0x09: token.protocol}


def _proved_assertion(request: Request, token: Token) -> Request:
    return request | {0x06: token.sign(request[0x02]), 0x07: token.protocol}


def _request_and_token(subject: Subject, permissions: Permission = _MC) -> tuple[Request, Token]:
    request = subject.ceremonies.make_request(authorised=False)
    return request, subject.pins.token(permissions, RP_ID)


def expect_dead(reply: Reply, what: str = "the token") -> None:
    """See that a key refuses a token.

    Raises:
        Failure: it does not.
    """
    refused = reply.status in _DEAD
    expect(refused, f"PIN_AUTH_INVALID for {what}", f"status 0x{reply.status:02X}")


# What spends a token. Each use here changes nothing, and waits for no touch.


def _register(subject: Subject, token: Token, made: Made) -> Reply:
    request = subject.ceremonies.make_request(authorised=False)
    return subject.call(Command.MAKE_CREDENTIAL, proved(request, token))


def _sign_silently(subject: Subject, token: Token, made: Made) -> Reply:
    request = subject.ceremonies.sign_request(
        rp_id=made.rp_id, allow=[made.id], up=False, authorised=False
    )
    return subject.call(Command.GET_ASSERTION, _proved_assertion(request, token))


def _list_credentials(subject: Subject, token: Token, made: Made) -> Reply:
    params = {1: sha256(made.rp_id.encode()).digest()}
    begin = CredentialManagementSubcommand.ENUMERATE_CREDENTIALS_BEGIN
    return subject.call(Command.CREDENTIAL_MANAGEMENT, token.subcommand(begin, params))


def _list_fingers(subject: Subject, token: Token, made: Made) -> Reply:
    asked = token.subcommand(BioSubcommand.ENUMERATE, prefix=b"\x01")
    members = {1: 1} | {key + 1: value for key, value in asked.items()}
    return subject.call(Command.BIO_ENROLLMENT, members)


def _configure(subject: Subject, token: Token, made: Made) -> Reply:
    least = subject.facts.number(0x0D, 4)  # it stays what it is
    asked = token.subcommand(
        ConfigSubcommand.SET_MIN_PIN_LENGTH, {1: least}, prefix=b"\xff" * 32 + b"\x0d"
    )
    return subject.call(Command.CONFIG, asked)


_Use = Callable[[Subject, Token, Made], Reply]
_Uses = dict[Permission, _Use]
_USES: Final[dict[Permission, tuple[str, _Use]]] = {
    _GA: ("", _sign_silently),
    Permission.CREDENTIAL_MANAGEMENT: ("credMgmt", _list_credentials),
    Permission.BIO_ENROLLMENT: ("bioEnroll", _list_fingers),
    Permission.AUTHENTICATOR_CONFIGURATION: ("setMinPINLength", _configure),
}
"""Uses of a permission that can be tried before and after, with the option that offers it."""


def _offered(subject: Subject) -> _Uses:
    options = subject.facts.options
    uses = {each: use for each, (name, use) in _USES.items() if not name or name in options}
    if not subject.destructive:
        uses.pop(Permission.AUTHENTICATOR_CONFIGURATION, None)
    return uses


def _all_of(permissions: Iterable[Permission]) -> Permission:
    together = Permission(0)
    for each in permissions:
        together |= each
    return together


def _spend(subject: Subject, operate: Callable[[Token, Made], object], uses: _Uses) -> None:
    """See that a token is good for everything, operate with it, and see that it is for nothing."""
    made = subject.ceremonies.make()
    offered = _offered(subject)
    token = subject.pins.token(_MC | _all_of(offered), RP_ID)
    for permission, use in offered.items():
        status = use(subject, token, made).status
        expect(status not in _DEAD, f"a token that is good for {permission.name}", hex(status))
    operate(token, made)
    for permission, use in (offered | uses).items():
        expect_dead(use(subject, token, made), f"{permission.name}, which is spent")


@CHAPTER.test(
    "6.1.2 step 14",
    "An operation with user presence takes away the token's permissions but for lbw.",
    needs=[Ability.REPORTS],
    touches=1,
)
def token_serves_once(subject: Subject) -> None:
    """A token that made a credential does not make another."""
    members = proved(*_request_and_token(subject))
    subject.ceremonies.register(members)
    expect_dead(subject.call(Command.MAKE_CREDENTIAL, members))


@_SPENT.test(
    "6.1.2 step 14",
    "A registration takes away all permissions but lbw, whichever it used.",
    touches=2,
)
def registration_spends_the_token(subject: Subject) -> None:
    """A token of all permissions is good for nothing more after makeCredential."""

    def operate(token: Token, made: Made) -> None:
        request = subject.ceremonies.make_request(authorised=False)
        subject.ceremonies.register(proved(request, token))

    _spend(subject, operate, {})


@_SPENT.test(
    "6.2.2 step 9",
    "An assertion with user presence takes away all permissions but lbw, whichever it used.",
    touches=2,
)
def assertion_spends_the_token(subject: Subject) -> None:
    """A token of all permissions is good for nothing more after getAssertion."""

    def operate(token: Token, made: Made) -> None:
        request = subject.ceremonies.sign_request(allow=[made.id], authorised=False)
        subject.ceremonies.authenticate(_proved_assertion(request, token), made)

    _spend(subject, operate, {_MC: _register})


@_SPENT.test(
    "6.2.2 step 9", "Without user presence an assertion takes no permission away.", touches=2
)
def silent_assertions_spend_nothing(subject: Subject) -> None:
    """A token that signed twice with up false signs with a touch as well."""
    made = subject.ceremonies.make()
    token = subject.pins.token(_GA, RP_ID)
    for up in (False, False, None):
        request = subject.ceremonies.sign_request(allow=[made.id], up=up, authorised=False)
        subject.ceremonies.authenticate(_proved_assertion(request, token), made)


def _rewrite(subject: Subject, token: Token, array: bytes) -> Reply:
    """Begin to write the array that is there; what is begun and not ended changes nothing."""
    fragment = array[: subject.facts.max_msg_size - 64]
    return write_fragment(subject, fragment, 0, len(array), token)


@_BLOBS.test("6.1.2 step 14", "An operation with user presence leaves permission lbw.", touches=1)
def registration_leaves_lbw(subject: Subject) -> None:
    """A token with mc and lbw writes large blobs after it has made a credential."""
    array = stored_array(subject)
    request, token = _request_and_token(subject, _MC | _LBW)
    subject.ceremonies.register(proved(request, token))
    _rewrite(subject, token, array).must(CtapStatus.SUCCESS)


@_BLOBS.test("6.1.2 step 14", "An operation with user presence gives no permission.", touches=1)
def registration_gives_no_lbw(subject: Subject) -> None:
    """A token with mc alone does not write large blobs after it has made a credential."""
    array = stored_array(subject)
    request, token = _request_and_token(subject)
    subject.ceremonies.register(proved(request, token))
    expect_dead(_rewrite(subject, token, array), "LARGE_BLOB_WRITE, which was not given")


# What a token is good for.


@_SPENT.test(
    "6.2.2 step 6",
    "A token without an RP ID is bound to the first RP that it is used for.",
    touches=1,
)
def token_is_bound_to_the_first_rp(subject: Subject) -> None:
    """A token of getPinToken that signed for one relying party does not sign for another."""
    made = subject.ceremonies.make()
    token = subject.pins.opened(*subject.pins.ask_token(subject.pins.known or ""))
    _sign_silently(subject, token, made).must(CtapStatus.SUCCESS)
    elsewhere = changed(made, rp_id=f"other.{RP_ID}")
    expect_dead(_sign_silently(subject, token, elsewhere), "another RP")


@CHAPTER.test("6.5.5.7", "Each token is made anew.", when=[MC_GA_BY_PIN])
def tokens_differ(subject: Subject) -> None:
    """Two tokens that are given one after the other are different secrets."""
    differ("tokens", *(subject.pins.token(_GA, RP_ID).value for _ in range(2)))


@_SPENT.test(
    "6.5.4",
    "A token belongs to the PIN/UV auth protocol that it was given by.",
    when=[speaks_protocol(1), speaks_protocol(2)],
    touches=1,
)
def token_keeps_its_protocol(subject: Subject) -> None:
    """A token of one PIN/UV auth protocol is refused under the other."""
    made = subject.ceremonies.make()
    token = subject.pins.token(_GA, RP_ID, protocol=1)
    if len(token.value) != 32:
        raise NotTested("the key's tokens of protocol one are too short for protocol two")
    expect_dead(_sign_silently(subject, changed(token, protocol=2), made), "protocol two")


# What ends a token.


def _outlive(end: Callable[[Subject], object], subject: Subject) -> None:
    """Use a token after something that ends it."""
    request, token = _request_and_token(subject)
    end(subject)
    expect_dead(subject.call(Command.MAKE_CREDENTIAL, proved(request, token)))


def _ask_another(subject: Subject) -> None:
    subject.pins.token(_GA, RP_ID)


def _change_pin(subject: Subject) -> None:
    pins = subject.pins
    old, new = pins.known or "", pins.a_pin("T")
    subject.after(lambda: pins.replace(new, old))
    pins.replace(old, new)


@CHAPTER.test(
    "CTAP 2.2 §6.5.5.6",
    "A new PIN ends the persistent token.",
    when=[option_is("perCredMgmtRO", value=True)],
    destructive=True,
    changes="changes the PIN, and changes it back",
)
def persistent_token_dies_of_pin_change(subject: Subject) -> None:
    """A persistent token lists no credentials after the PIN was changed."""
    token = subject.pins.token(Permission.PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY)
    reading = token.subcommand(CredentialManagementSubcommand.GET_CREDS_METADATA)
    subject.call(Command.CREDENTIAL_MANAGEMENT, reading).must(CtapStatus.SUCCESS)
    _change_pin(subject)
    expect_dead(subject.call(Command.CREDENTIAL_MANAGEMENT, reading), "the persistent token")


def _wait(seconds: int) -> Callable[[Subject], None]:
    return lambda subject: subject.fixture.wait(seconds * NS_PER_S)


for _name, _section, _when_it_dies, _end, _given in (
    ("new-token", "6.5.5.7", "when another is given", _ask_another, CHAPTER),
    (
        "power-cycle",
        "6.5.2.1",
        "with the power",
        Subject.power_cycle,
        CHAPTER.given(needs=[Ability.POWER]),
    ),
    (
        "pin-change",
        "6.5.5.6",
        "when the PIN is changed",
        _change_pin,
        CHAPTER.given(destructive=True, changes="changes the PIN, and changes it back"),
    ),
    (
        "thirty-seconds",
        "6.5.2.1",
        "when it is not used for 30 s",
        _wait(31),
        CHAPTER.given(lasts_s=31),
    ),
    ("ten-minutes", "6.5.2.1", "after ten minutes", _wait(601), CHAPTER.given(lasts_s=601)),
):
    _given.add(
        f"token-dies-of-{_name}",
        _section,
        f"A token dies {_when_it_dies}.",
        "One token is in use at a time; it ends with the power, with the PIN, when it is not used "
        "for 30 s, and after 10 min.",
        partial(_outlive, _end),
    )
