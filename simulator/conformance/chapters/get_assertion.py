"""authenticatorGetAssertion and GetNextAssertion. CTAP 2.1 sections 6.2.2 and 6.3."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, Final

from mfalab.devices.ctap.commands import AuthDataFlag, Command, Permission
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.ceremonies import RP_ID, Made, Signed, descriptor
from mfalab.simulator.conformance.facts import (
    CTAP2,
    SINCE_2_1,
    has_member,
    lacks_option,
    option_is,
)
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter, Condition, Pin
from mfalab.simulator.conformance.verdicts import Failure

__all__ = ["CHAPTER"]

CHAPTER = Chapter("getAssertion", "CTAP 2.1", when=[CTAP2])

_NEXT_WITHIN_S: Final = 30
Request = dict[int, Any]


def _with(key: int, value: Any) -> Callable[[Request], Request]:
    return lambda request: request | {key: value}


def _without(key: int) -> Callable[[Request], Request]:
    return lambda request: {other: value for other, value in request.items() if other != key}


_ABSENT: Final = (CtapStatus.MISSING_PARAMETER,)
_TYPE: Final = (CtapStatus.CBOR_UNEXPECTED_TYPE,)

_ERRORS: Final[
    tuple[
        tuple[
            str,
            str,
            str,
            Callable[[Request], Request],
            tuple[CtapStatus, ...],
            tuple[Condition, ...],
        ],
        ...,
    ]
] = (
    ("no-rp-id", "6.2.1", "rpId is absent", _without(0x01), _ABSENT, ()),
    ("no-client-data-hash", "6.2.1", "clientDataHash is absent", _without(0x02), _ABSENT, ()),
    ("rp-id-is-bytes", "6.2.1", "rpId is bytes", _with(0x01, b"x"), _TYPE, ()),
    (
        "client-data-hash-is-text",
        "6.2.1",
        "clientDataHash is a text",
        _with(0x02, "x" * 32),
        _TYPE,
        (),
    ),
    ("allow-list-is-map", "6.2.1", "allowList is a map", _with(0x03, {"id": b"x"}), _TYPE, ()),
    (
        "allow-entry-is-bytes",
        "6.2.1",
        "an entry of allowList is bytes",
        _with(0x03, [b"x"]),
        _TYPE,
        (),
    ),
    (
        "allow-entry-without-id",
        "6.2.1",
        "an entry of allowList has no id",
        _with(0x03, [{"type": "public-key"}]),
        _ABSENT,
        (),
    ),
    ("extensions-are-array", "6.2.1", "extensions is an array", _with(0x04, ["x"]), _TYPE, ()),
    ("options-are-text", "6.2.1", "options is a text", _with(0x05, "up"), _TYPE, ()),
    ("option-is-number", "6.2.1", "an option is a number", _with(0x05, {"up": 1}), _TYPE, ()),
    (
        "short-client-data-hash",
        "6.2.1",
        "clientDataHash has 31 bytes",
        _with(0x02, bytes(31)),
        (CtapStatus.INVALID_LENGTH, CtapStatus.INVALID_PARAMETER),
        (),
    ),
    (
        "rk-is-no-option-here",
        "6.2.2 step 4",
        "option rk is given",
        _with(0x05, {"rk": True}),
        (CtapStatus.UNSUPPORTED_OPTION, CtapStatus.INVALID_OPTION),
        (),
    ),
    (
        "uv-without-verification",
        "6.2.2 step 4",
        "option uv is true and the key verifies nobody by itself",
        lambda request: _without(0x06)(_without(0x07)(request | {0x05: {"uv": True}})),
        (CtapStatus.INVALID_OPTION, CtapStatus.UNSUPPORTED_OPTION),
        (lacks_option("uv"),),
    ),
    (
        "param-without-protocol",
        "6.2.2 step 2",
        "pinUvAuthParam comes without a protocol",
        lambda request: _without(0x07)(request | {0x06: bytes(32)}),
        _ABSENT,
        (SINCE_2_1, has_member(0x06)),
    ),
    (
        "unknown-protocol",
        "6.2.2 step 2",
        "pinUvAuthProtocol is unknown",
        lambda request: request | {0x06: bytes(32), 0x07: 99},
        (CtapStatus.INVALID_PARAMETER,),
        (SINCE_2_1, has_member(0x06)),
    ),
)


def _error(
    change: Callable[[Request], Request], statuses: tuple[CtapStatus, ...], subject: Subject
) -> None:
    request = subject.ceremonies.sign_request(allow=[subject.random_bytes(32)])
    subject.call(Command.GET_ASSERTION, change(request)).must(*statuses)


for _name, _section, _what, _change, _statuses, _when in _ERRORS:
    _codes = " or ".join(status.name for status in _statuses)
    CHAPTER.add(
        _name,
        _section,
        f"When {_what}, that is {_statuses[0].name}.",
        f"The step's code is {_codes}.",
        partial(_error, _change, _statuses),
        when=_when,
        ready=True,
    )


# Success.


@CHAPTER.test(
    "6.2.2 step 13",
    "The signature is over authData and clientDataHash; authData have the SHA-256 of the RP ID, "
    "UP, no AT, no reserved flag.",
    ready=True,
    touches=2,
)
def assertion_verifies(subject: Subject) -> None:
    """An assertion verifies, is for this RP, and says that the user was present."""
    signed = subject.ceremonies.sign(subject.ceremonies.make())
    if not signed.auth.has(AuthDataFlag.USER_PRESENT):
        raise Failure("flag UP set", f"0x{signed.auth.flags:02X}")
    if signed.auth.has(AuthDataFlag.ATTESTED_CREDENTIAL_DATA) or len(signed.auth.raw) != 37:
        raise Failure("authenticator data of 37 bytes", f"{len(signed.auth.raw)} bytes")


@CHAPTER.test(
    "6.2.2 step 13",
    "user and numberOfCredentials are for discoverable credentials.",
    ready=True,
    touches=2,
)
def assertion_names_no_user(subject: Subject) -> None:
    """An assertion by a credential that an allow list names has no user and no number."""
    members = subject.ceremonies.sign(subject.ceremonies.make()).reply.members()
    for key, name in ((0x04, "user"), (0x05, "numberOfCredentials")):
        if key in members:
            raise Failure(f"no {name}", f"{members[key]!r:.60}")


@CHAPTER.test(
    "6.2.2 step 13",
    "The signature counter grows with each signature, or is always 0.",
    ready=True,
    touches=4,
)
def counter_grows(subject: Subject) -> None:
    """The counter of three assertions in a row grows, or is always 0."""
    made = subject.ceremonies.make()
    counters = [made.auth.counter, *(subject.ceremonies.sign(made).auth.counter for _ in range(3))]
    if any(counters) and not all(before < after for before, after in pairwise(counters)):
        raise Failure("counters that grow", ", ".join(map(str, counters)))


@CHAPTER.test(
    "6.2.2 step 9",
    "With option up false nobody is asked for, and flag UP is clear.",
    ready=True,
    touches=1,
)
def silent_assertion_takes_no_touch(subject: Subject) -> None:
    """An assertion with up false takes no touch, verifies, and claims no presence."""
    made = subject.ceremonies.make()
    subject.user.stay_away()
    signed = subject.ceremonies.sign(made, up=False, authorised=False)
    if signed.auth.has(AuthDataFlag.USER_PRESENT):
        raise Failure("flag UP clear", f"0x{signed.auth.flags:02X}")


@CHAPTER.test(
    "6.2.2 step 7",
    "Without a credential of this RP that is CTAP2_ERR_NO_CREDENTIALS.",
    ready=True,
    touches=1,
)
def relying_party_without_credentials(subject: Subject) -> None:
    """An RP that has no credential gets NO_CREDENTIALS."""
    request = subject.ceremonies.sign_request(rp_id=f"nobody.{RP_ID}")
    subject.call(Command.GET_ASSERTION, request).must(CtapStatus.NO_CREDENTIALS)


def _strange(choose: Callable[[Subject, Made], bytes], rp_id: str, subject: Subject) -> None:
    made = subject.ceremonies.make()
    request = subject.ceremonies.sign_request(rp_id=rp_id, allow=[choose(subject, made)])
    subject.call(Command.GET_ASSERTION, request).must(
        CtapStatus.NO_CREDENTIALS, CtapStatus.INVALID_CREDENTIAL
    )


for _name, _what, _choose, _rp_id in (
    (
        "random-id",
        "A credential ID of random bytes",
        lambda subject, made: subject.random_bytes(64),
        RP_ID,
    ),
    (
        "changed-id",
        "A credential ID with one bit changed",
        lambda subject, made: made.id[:-1] + bytes([made.id[-1] ^ 1]),
        RP_ID,
    ),
    (
        "shortened-id",
        "A credential ID without its last byte",
        lambda subject, made: made.id[:-1],
        RP_ID,
    ),
    (
        "id-of-another-rp",
        "A credential of another RP",
        lambda subject, made: made.id,
        f"other.{RP_ID}",
    ),
):
    CHAPTER.add(
        f"{_name}-does-not-sign",
        "6.2.2 step 7",
        f"{_what} is NO_CREDENTIALS.",
        "Only credentials that this key made for this RP sign.",
        partial(_strange, _choose, _rp_id),
        ready=True,
        touches=2,
    )


@CHAPTER.test(
    "6.2.2 step 7",
    "Entries of an allow list that are not here are passed over.",
    ready=True,
    touches=2,
)
def known_one_of_a_list_signs(subject: Subject) -> None:
    """Of an allow list the credential signs that is here, and is named."""
    made = subject.ceremonies.make()
    request = subject.ceremonies.sign_request(allow=[subject.random_bytes(48), made.id])
    subject.ceremonies.authenticate(request, made)


@CHAPTER.test(
    "6.4",
    "A list has at most maxCredentialCountInList entries.",
    when=[SINCE_2_1, has_member(0x07)],
    ready=True,
)
def too_long_an_allow_list_is_refused(subject: Subject) -> None:
    """An allow list of one entry more than maxCredentialCountInList is an error."""
    count = subject.facts.number(0x07, 8) + 1
    request = subject.ceremonies.sign_request()
    listed = request | {0x03: [descriptor(subject.random_bytes(16)) for _ in range(count)]}
    subject.call(Command.GET_ASSERTION, listed).must(
        CtapStatus.LIMIT_EXCEEDED, CtapStatus.INVALID_LENGTH, CtapStatus.REQUEST_TOO_LARGE
    )


@CHAPTER.test(
    "6.2.2 step 9",
    "Without user presence nothing is signed: CTAP2_ERR_USER_ACTION_TIMEOUT.",
    needs=[Ability.REPORTS],
    ready=True,
    touches=1,
    lasts_s=40,
)
def nobody_there_signs_nothing(subject: Subject) -> None:
    """When nobody touches the key for long enough, the request ends with USER_ACTION_TIMEOUT."""
    made = subject.ceremonies.make()
    request = subject.ceremonies.sign_request(allow=[made.id])
    subject.user.stay_away()
    subject.call(Command.GET_ASSERTION, request).must(
        CtapStatus.USER_ACTION_TIMEOUT, CtapStatus.ACTION_TIMEOUT, CtapStatus.OPERATION_DENIED
    )


@CHAPTER.test(
    "6.2.2 step 9",
    "A user who declines gets CTAP2_ERR_OPERATION_DENIED.",
    needs=[Ability.DECLINE],
    ready=True,
    touches=1,
)
def declining_signs_nothing(subject: Subject) -> None:
    """When the user says no, the request is OPERATION_DENIED."""
    made = subject.ceremonies.make()
    request = subject.ceremonies.sign_request(allow=[made.id])
    subject.user.decline()
    subject.call(Command.GET_ASSERTION, request).must(CtapStatus.OPERATION_DENIED)


@CHAPTER.test("6.3", "getNextAssertion without getAssertion before is CTAP2_ERR_NOT_ALLOWED.")
def next_assertion_out_of_nowhere(subject: Subject) -> None:
    """GetNextAssertion without a getAssertion is NOT_ALLOWED."""
    subject.call(Command.GET_INFO)
    subject.call(Command.GET_NEXT_ASSERTION).must(CtapStatus.NOT_ALLOWED)


# Discoverable credentials.

_STORES: Final = option_is("rk", value=True)


@CHAPTER.test(
    "6.2.2 step 12",
    "Without an allow list discoverable credentials sign; the answer names the user.",
    when=[_STORES],
    pin=Pin.SET,
    touches=2,
    changes="makes a discoverable credential and deletes it",
)
def discoverable_credential_signs(subject: Subject) -> None:
    """A discoverable credential signs without an allow list, and names its user handle."""
    rp_id = subject.ceremonies.another_rp()
    made = subject.ceremonies.make(rk=True, rp_id=rp_id)
    request = subject.ceremonies.sign_request(rp_id=rp_id)
    signed = subject.ceremonies.authenticate(request, made)
    user = signed.reply.member(0x04, dict)
    if user.get("id") != made.user_id:
        raise Failure(f"user handle {made.user_id!r}", repr(user.get("id")))
    if 0x05 in signed.reply.members():
        raise Failure("no numberOfCredentials for one credential", str(signed.reply.value[5]))


@CHAPTER.test(
    "6.1.2 step 17",
    "A second credential for the same RP and user replaces the first.",
    when=[_STORES],
    pin=Pin.SET,
    touches=4,
    changes="makes a discoverable credential and deletes it",
)
def same_account_is_overwritten(subject: Subject) -> None:
    """A second discoverable credential of the same user at the same RP replaces the first."""
    ceremonies = subject.ceremonies
    rp_id = ceremonies.another_rp()
    first, second = (ceremonies.make(rk=True, rp_id=rp_id) for _ in range(2))
    signed = ceremonies.authenticate(ceremonies.sign_request(rp_id=rp_id), first, second)
    if 0x05 in signed.reply.members():
        raise Failure("one credential", f"{signed.reply.value[5]} credentials")
    request = ceremonies.sign_request(rp_id=rp_id, allow=[first.id])
    subject.call(Command.GET_ASSERTION, request).must(
        CtapStatus.NO_CREDENTIALS, CtapStatus.INVALID_CREDENTIAL
    )


def _two_accounts(subject: Subject) -> tuple[list[Made], Request, Signed]:
    """Two accounts at one RP, and the first of their two assertions."""
    ceremonies = subject.ceremonies
    rp_id = ceremonies.another_rp()
    makes = [ceremonies.make(rk=True, rp_id=rp_id, user_id=name) for name in (b"first", b"second")]
    request = ceremonies.sign_request(rp_id=rp_id)
    signed = ceremonies.authenticate(request, *makes)
    count = signed.reply.member(0x05, int)
    if count != 2:
        raise Failure("numberOfCredentials 2", str(count))
    return makes, request, signed


_TWO: Final = "makes two discoverable credentials and deletes them"


@CHAPTER.test(
    "6.3",
    "The newest credential comes first; getNextAssertion gives the others, then is "
    "CTAP2_ERR_NOT_ALLOWED.",
    when=[_STORES],
    pin=Pin.SET,
    touches=3,
    changes=_TWO,
)
def accounts_come_one_by_one(subject: Subject) -> None:
    """Two accounts sign one after the other, newest first, and then there are no more."""
    makes, request, signed = _two_accounts(subject)
    reply = subject.call(Command.GET_NEXT_ASSERTION)
    following = subject.ceremonies.verified(reply, request, *makes)
    order = [each.reply.member(0x04, dict).get("id") for each in (signed, following)]
    if order != [b"second", b"first"]:
        raise Failure("second, first", ", ".join(map(repr, order)))
    if 0x05 in following.reply.members():
        raise Failure("numberOfCredentials in the first answer only", "again")
    subject.call(Command.GET_NEXT_ASSERTION).must(CtapStatus.NOT_ALLOWED)


@CHAPTER.test(
    "6.3",
    "Any other command ends what getNextAssertion could fetch.",
    when=[_STORES, SINCE_2_1],
    pin=Pin.SET,
    touches=3,
    changes=_TWO,
)
def other_command_ends_the_walk(subject: Subject) -> None:
    """GetNextAssertion after another command is NOT_ALLOWED."""
    _two_accounts(subject)
    subject.call(Command.GET_INFO)
    subject.call(Command.GET_NEXT_ASSERTION).must(CtapStatus.NOT_ALLOWED)


@CHAPTER.test(
    "6.3",
    "What getNextAssertion fetches belongs to the channel that began.",
    when=[_STORES],
    needs=[Ability.REPORTS],
    pin=Pin.SET,
    touches=3,
    changes=_TWO,
)
def walk_belongs_to_its_channel(subject: Subject) -> None:
    """GetNextAssertion on another channel is NOT_ALLOWED."""
    other = subject.other_channel()
    _two_accounts(subject)
    answer = subject.hid.transact(other, 0x10, bytes([Command.GET_NEXT_ASSERTION]))
    subject.reply(Command.GET_NEXT_ASSERTION, answer).must(CtapStatus.NOT_ALLOWED)


@CHAPTER.test(
    "6.3",
    "After 30 s getNextAssertion is CTAP2_ERR_NOT_ALLOWED.",
    when=[_STORES],
    pin=Pin.SET,
    touches=3,
    changes=_TWO,
    lasts_s=_NEXT_WITHIN_S + 1,
)
def walk_ends_after_thirty_seconds(subject: Subject) -> None:
    """GetNextAssertion 31 s after getAssertion is NOT_ALLOWED."""
    _two_accounts(subject)
    subject.fixture.wait((_NEXT_WITHIN_S + 1) * 1_000_000_000)
    subject.call(Command.GET_NEXT_ASSERTION).must(CtapStatus.NOT_ALLOWED)


# With a token.


@CHAPTER.test("6.2.2 step 6", "With a valid pinUvAuthParam flag UV is set.", pin=Pin.SET, touches=2)
def token_verifies_the_user(subject: Subject) -> None:
    """With a token both makeCredential and getAssertion set flag UV."""
    made = subject.ceremonies.make()
    signed = subject.ceremonies.sign(made)
    for auth in (made.auth, signed.auth):
        if not auth.has(AuthDataFlag.USER_VERIFIED):
            raise Failure("flag UV set", f"0x{auth.flags:02X}")


def _refused_token(
    command: int, permission: Permission, rp_id: str, spoil: bool, subject: Subject
) -> None:
    ceremonies = subject.ceremonies
    build = (
        ceremonies.make_request if command == Command.MAKE_CREDENTIAL else ceremonies.sign_request
    )
    request = build(authorised=False)
    token = subject.pins.token(permission, rp_id)
    client_data_hash = request[0x01 if command == Command.MAKE_CREDENTIAL else 0x02]
    param = token.sign(client_data_hash + (b"!" if spoil else b""))
    key = 0x08 if command == Command.MAKE_CREDENTIAL else 0x06
    subject.call(command, request | {key: param, key + 1: token.protocol}).must(
        CtapStatus.PIN_AUTH_INVALID
    )


_BOTH: Final = Permission.MAKE_CREDENTIAL | Permission.GET_ASSERTION
_HAS_TOKENS: Final = option_is("pinUvAuthToken", value=True)

for _command, _called, _step, _own, _others in (
    (
        Command.MAKE_CREDENTIAL,
        "makeCredential",
        "6.1.2 step 11",
        Permission.MAKE_CREDENTIAL,
        Permission.GET_ASSERTION,
    ),
    (
        Command.GET_ASSERTION,
        "getAssertion",
        "6.2.2 step 6",
        Permission.GET_ASSERTION,
        Permission.MAKE_CREDENTIAL,
    ),
):
    for _name, _what, _permission, _rp_id, _spoil, _when in (
        ("wrong-param", "A pinUvAuthParam that is wrong", _own, RP_ID, True, ()),
        (
            "token-without-permission",
            "A token without the permission",
            _others,
            RP_ID,
            False,
            (_HAS_TOKENS,),
        ),
        (
            "token-of-another-rp",
            "A token of another RP",
            _own,
            f"other.{RP_ID}",
            False,
            (_HAS_TOKENS,),
        ),
    ):
        CHAPTER.add(
            f"{_called.lower()}-with-{_name}",
            _step,
            f"{_what} is PIN_AUTH_INVALID in {_called}.",
            "pinUvAuthParam must be made with the token in use, which must have the permission and "
            "the RP ID: CTAP2_ERR_PIN_AUTH_INVALID otherwise.",
            partial(_refused_token, _command, _permission, _rp_id, _spoil),
            when=_when,
            pin=Pin.SET,
        )
