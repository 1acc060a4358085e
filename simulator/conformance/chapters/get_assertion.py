"""authenticatorGetAssertion and GetNextAssertion. CTAP 2.1 sections 6.2.2 and 6.3."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Final

from mfalab.devices.ctap.commands import AuthDataFlag, Command, Permission
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.conformance.ceremonies import ONE, RP_ID, Made, Signed
from mfalab.simulator.conformance.facts import (
    CTAP2,
    HAS_TOKENS,
    NOT_ALWAYS_UV,
    SINCE_2_1,
    STORES,
    has_member,
    lacks_option,
)
from mfalab.simulator.conformance.pins import Pin
from mfalab.simulator.conformance.refusals import (
    LENGTH,
    LISTED_TOO_MANY,
    MISSING,
    NOT_HERE,
    TYPE,
    UNTOUCHED,
    Refusal,
    Request,
    add_refusals,
    replace,
    unproved,
    without,
)
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import expect

CHAPTER = Chapter("getAssertion", "CTAP 2.1", when=[CTAP2])

_READY = CHAPTER.given(ready=True)
_STORED = CHAPTER.given(when=[STORES], pin=Pin.SET)
_TWO = _STORED.given(touches=3, changes="makes two discoverable credentials and deletes them")
_NEXT_WITHIN_S: Final = 30
_UNSUPPORTED: Final = (CtapStatus.UNSUPPORTED_OPTION, CtapStatus.INVALID_OPTION)

_ERRORS: Final = {
    "6.2.1": (
        Refusal("no-rp-id", "rpId is absent", without(1), MISSING),
        Refusal("no-client-data-hash", "clientDataHash is absent", without(2), MISSING),
        Refusal("rp-id-is-bytes", "rpId is bytes", replace(1, b"x"), TYPE),
        Refusal("client-data-hash-is-text", "clientDataHash is a text", replace(2, "x" * 32), TYPE),
        Refusal("allow-list-is-map", "allowList is a map", replace(3, {"id": b"x"}), TYPE),
        Refusal("allow-entry-is-bytes", "an entry of allowList is bytes", replace(3, [b"x"]), TYPE),
        Refusal(
            "allow-entry-without-id",
            "an entry of allowList has no id",
            replace(3, [{"type": "public-key"}]),
            MISSING,
        ),
        Refusal("extensions-are-array", "extensions is an array", replace(4, ["x"]), TYPE),
        Refusal("options-are-text", "options is a text", replace(5, "up"), TYPE),
        Refusal("option-is-number", "an option is a number", replace(5, {"up": 1}), TYPE),
        Refusal(
            "short-client-data-hash", "clientDataHash has 31 bytes", replace(2, bytes(31)), LENGTH
        ),
    ),
    "6.2.2 step 4": (
        Refusal(
            "rk-is-no-option-here", "option rk is given", replace(5, {"rk": True}), _UNSUPPORTED
        ),
        Refusal(
            "uv-without-verification",
            "option uv is true and the key does not verify users by itself",
            lambda request: without(6, 7)(request) | {5: {"uv": True}},
            _UNSUPPORTED[::-1],
            (lacks_option("uv"),),
        ),
    ),
    "6.2.2 step 2": unproved(6),
}


def _changed(subject: Subject, change: Callable[[Request], Request]) -> Reply:
    request = subject.ceremonies.sign_request(allow=[subject.random_bytes(32)])
    return subject.call(Command.GET_ASSERTION, change(request))


add_refusals(_READY, _changed, _ERRORS, rule="The step's code is")


# Success.


@_READY.test(
    "6.2.2 step 13",
    "The signature is over authData and clientDataHash; authData have the SHA-256 of the RP ID, "
    "UP, no AT, no reserved flag.",
    touches=2,
)
def assertion_verifies(subject: Subject) -> None:
    """An assertion verifies, is for this RP, and says that the user was present."""
    auth = subject.ceremonies.sign(subject.ceremonies.make()).auth
    auth.expect(AuthDataFlag.USER_PRESENT)
    plain = len(auth.raw) == 37 and not auth.has(AuthDataFlag.ATTESTED_CREDENTIAL_DATA)
    expect(plain, "authenticator data of 37 bytes", f"{len(auth.raw)} bytes")


@_READY.test(
    "6.2.2 step 13", "user and numberOfCredentials are for discoverable credentials.", touches=2
)
def assertion_names_no_user(subject: Subject) -> None:
    """An assertion by a credential that an allow list names has no user and no number."""
    members = subject.ceremonies.sign(subject.ceremonies.make()).reply.members()
    for key, name in ((0x04, "user"), (0x05, "numberOfCredentials")):
        expect(key not in members, f"no {name}", f"{members.get(key)!r:.60}")


@_READY.test(
    "6.2.2 step 13", "The signature counter grows with each signature, or is always 0.", touches=4
)
def counter_grows(subject: Subject) -> None:
    """The counter of three assertions in a row grows, or is always 0."""
    made = subject.ceremonies.make()
    counters = [made.auth.counter, *(subject.ceremonies.sign(made).auth.counter for _ in range(3))]
    grows = all(before < after for before, after in pairwise(counters))
    expect(grows or not any(counters), "counters that grow", ", ".join(map(str, counters)))


@_READY.test(
    "6.2.2 step 9", "With option up false no user is asked for, and flag UP is clear.", touches=1
)
def silent_assertion_takes_no_touch(subject: Subject) -> None:
    """An assertion with up false takes no touch, verifies, and claims no presence."""
    made = subject.ceremonies.make()
    subject.user.stay_away()
    signed = subject.ceremonies.sign(made, up=False, authorised=False)
    signed.auth.expect(AuthDataFlag.USER_PRESENT, on=False)


@_READY.test(
    "6.2.2 step 7", "Without a credential of this RP that is CTAP2_ERR_NO_CREDENTIALS.", touches=1
)
def relying_party_without_credentials(subject: Subject) -> None:
    """An RP that has no credential gets NO_CREDENTIALS."""
    request = subject.ceremonies.sign_request(rp_id=f"nobody.{RP_ID}")
    subject.call(Command.GET_ASSERTION, request).must(CtapStatus.NO_CREDENTIALS)


def _strange(choose: Callable[[Subject, bytes], bytes], rp_id: str, subject: Subject) -> None:
    made = subject.ceremonies.make()
    request = subject.ceremonies.sign_request(rp_id=rp_id, allow=[choose(subject, made.id)])
    subject.call(Command.GET_ASSERTION, request).must(*NOT_HERE)


def _one_bit(subject: Subject, there: bytes) -> bytes:
    return there[:-1] + bytes([there[-1] ^ 1])


for _name, _what, _choose, _rp_id in (
    ("random-id", "ID of random bytes", lambda subject, there: subject.random_bytes(64), RP_ID),
    ("changed-id", "ID with one bit changed", _one_bit, RP_ID),
    ("shortened-id", "ID without its last byte", lambda subject, there: there[:-1], RP_ID),
    ("id-of-another-rp", "of another RP", lambda subject, there: there, f"other.{RP_ID}"),
):
    _READY.add(
        f"{_name}-does-not-sign",
        "6.2.2 step 7",
        f"A credential {_what} is NO_CREDENTIALS.",
        "Only credentials that this key made for this RP sign.",
        partial(_strange, _choose, _rp_id),
        touches=2,
    )


@_READY.test(
    "6.2.2 step 7", "Entries of an allow list that are not here are passed over.", touches=2
)
def known_one_of_a_list_signs(subject: Subject) -> None:
    """Of an allow list the credential signs that is here, and is named."""
    made = subject.ceremonies.make()
    request = subject.ceremonies.sign_request(allow=[subject.random_bytes(48), made.id])
    subject.ceremonies.authenticate(request, made)


@_READY.test(
    "6.4",
    "A list has at most maxCredentialCountInList entries.",
    when=[SINCE_2_1, has_member(0x07)],
)
def too_long_an_allow_list_is_refused(subject: Subject) -> None:
    """An allow list of one entry more than maxCredentialCountInList is an error."""
    request = subject.ceremonies.sign_request()
    listed = request | {0x03: subject.ceremonies.too_many_credentials()}
    subject.call(Command.GET_ASSERTION, listed).must(*LISTED_TOO_MANY)


@_READY.test(
    "6.2.2 step 9",
    "Without user presence nothing is signed: CTAP2_ERR_USER_ACTION_TIMEOUT.",
    needs=[Ability.REPORTS],
    touches=1,
    lasts_s=40,
)
def nobody_there_signs_nothing(subject: Subject) -> None:
    """When the key is not touched for long enough, the request ends with USER_ACTION_TIMEOUT."""
    request = subject.ceremonies.sign_request(allow=[subject.ceremonies.make().id])
    subject.user.stay_away()
    subject.call(Command.GET_ASSERTION, request).must(*UNTOUCHED)


@_READY.test(
    "6.2.2 step 9",
    "A user who declines gets CTAP2_ERR_OPERATION_DENIED.",
    needs=[Ability.DECLINE],
    touches=1,
)
def declining_signs_nothing(subject: Subject) -> None:
    """When the user says no, the request is OPERATION_DENIED."""
    request = subject.ceremonies.sign_request(allow=[subject.ceremonies.make().id])
    subject.user.decline()
    subject.call(Command.GET_ASSERTION, request).must(CtapStatus.OPERATION_DENIED)


def _no_next(subject: Subject) -> None:
    subject.call(Command.GET_NEXT_ASSERTION).must(CtapStatus.NOT_ALLOWED)


@CHAPTER.test("6.3", "getNextAssertion without getAssertion before is CTAP2_ERR_NOT_ALLOWED.")
def next_assertion_out_of_nowhere(subject: Subject) -> None:
    """GetNextAssertion without a getAssertion is NOT_ALLOWED."""
    subject.call(Command.GET_INFO)
    _no_next(subject)


# Discoverable credentials.


@_STORED.test(
    "6.2.2 step 12",
    "Without an allow list discoverable credentials sign; the answer names the user.",
    touches=2,
    changes=ONE,
)
def discoverable_credential_signs(subject: Subject) -> None:
    """A discoverable credential signs without an allow list, and names its user handle."""
    made = subject.ceremonies.make_discoverable()
    request = subject.ceremonies.sign_request(rp_id=made.rp_id)
    signed = subject.ceremonies.authenticate(request, made)
    handle = signed.reply.member(0x04, dict).get("id")
    expect(handle == made.user_id, f"user handle {made.user_id!r}", repr(handle))
    count = signed.reply.members().get(0x05)
    expect(count is None, "no numberOfCredentials for one credential", count)


@_STORED.test(
    "6.1.2 step 17",
    "A second credential for the same RP and user replaces the first.",
    touches=4,
    changes=ONE,
)
def same_account_is_overwritten(subject: Subject) -> None:
    """A second discoverable credential of the same user at the same RP replaces the first."""
    ceremonies = subject.ceremonies
    rp_id = ceremonies.another_rp()
    first, second = (ceremonies.make(rk=True, rp_id=rp_id) for _ in range(2))
    signed = ceremonies.authenticate(ceremonies.sign_request(rp_id=rp_id), first, second)
    count = signed.reply.members().get(0x05)
    expect(count is None, "one credential", f"{count} credentials")
    request = ceremonies.sign_request(rp_id=rp_id, allow=[first.id])
    subject.call(Command.GET_ASSERTION, request).must(*NOT_HERE)


def _two_accounts(subject: Subject) -> tuple[list[Made], Request, Signed]:
    """Two accounts at one RP, and the first of their two assertions."""
    ceremonies = subject.ceremonies
    rp_id = ceremonies.another_rp()
    makes = [ceremonies.make(rk=True, rp_id=rp_id, user_id=name) for name in (b"first", b"second")]
    request = ceremonies.sign_request(rp_id=rp_id)
    signed = ceremonies.authenticate(request, *makes)
    count = signed.reply.member(0x05, int)
    expect(count == 2, "numberOfCredentials 2", count)
    return makes, request, signed


@_TWO.test(
    "6.3",
    "The newest credential comes first; getNextAssertion gives the others, then is "
    "CTAP2_ERR_NOT_ALLOWED.",
)
def accounts_come_one_by_one(subject: Subject) -> None:
    """Two accounts sign one after the other, newest first, and then there are no more."""
    makes, request, signed = _two_accounts(subject)
    reply = subject.call(Command.GET_NEXT_ASSERTION)
    following = subject.ceremonies.verified(reply, request, *makes)
    order = [each.reply.member(0x04, dict).get("id") for each in (signed, following)]
    expect(order == [b"second", b"first"], "second, first", ", ".join(map(repr, order)))
    once = 0x05 not in following.reply.members()
    expect(once, "numberOfCredentials in the first answer only", "again")
    _no_next(subject)


@_TWO.test("6.3", "Any other command ends what getNextAssertion could fetch.", when=[SINCE_2_1])
def other_command_ends_the_walk(subject: Subject) -> None:
    """GetNextAssertion after another command is NOT_ALLOWED."""
    _two_accounts(subject)
    subject.call(Command.GET_INFO)
    _no_next(subject)


@_TWO.test(
    "6.3",
    "What getNextAssertion fetches belongs to the channel that began.",
    needs=[Ability.REPORTS],
)
def walk_belongs_to_its_channel(subject: Subject) -> None:
    """GetNextAssertion on another channel is NOT_ALLOWED."""
    other = subject.other_channel()
    _two_accounts(subject)
    subject.call_on(other, Command.GET_NEXT_ASSERTION).must(CtapStatus.NOT_ALLOWED)


@_TWO.test(
    "6.3", "After 30 s getNextAssertion is CTAP2_ERR_NOT_ALLOWED.", lasts_s=_NEXT_WITHIN_S + 1
)
def walk_ends_after_thirty_seconds(subject: Subject) -> None:
    """GetNextAssertion 31 s after getAssertion is NOT_ALLOWED."""
    _two_accounts(subject)
    subject.fixture.wait((_NEXT_WITHIN_S + 1) * NS_PER_S)
    _no_next(subject)


@_STORED.test(
    "6.3",
    "The 30 s of getNextAssertion begin again with each account.",
    when=[SINCE_2_1],
    touches=4,
    changes="makes three discoverable credentials and deletes them",
    lasts_s=50,
)
def each_account_has_its_own_time(subject: Subject) -> None:
    """Of three accounts each can be fetched 25 s after the one before."""
    ceremonies = subject.ceremonies
    rp_id = ceremonies.another_rp()
    makes = [ceremonies.make(rk=True, rp_id=rp_id, user_id=each) for each in (b"a", b"b", b"c")]
    request = ceremonies.sign_request(rp_id=rp_id)
    ceremonies.authenticate(request, *makes)
    for _ in range(2):
        subject.fixture.wait(25 * NS_PER_S)
        ceremonies.verified(subject.call(Command.GET_NEXT_ASSERTION), request, *makes)


@_TWO.test("6.2.2 step 12", "Of several accounts a verified user is told the names.")
def accounts_have_names(subject: Subject) -> None:
    """With a token each of two accounts comes with its user's name."""
    makes, request, signed = _two_accounts(subject)
    reply = subject.call(Command.GET_NEXT_ASSERTION)
    for each in (signed, subject.ceremonies.verified(reply, request, *makes)):
        name = each.reply.member(0x04, dict).get("name")
        expect(name == "conformance", "user name conformance", repr(name))


@_TWO.test("6.2.2 step 11", "Of an allow list one credential signs.", when=[SINCE_2_1])
def list_of_two_signs_once(subject: Subject) -> None:
    """An allow list of two accounts gives one assertion, and there is no other to fetch."""
    makes, _, _ = _two_accounts(subject)
    request = subject.ceremonies.sign_request(
        rp_id=makes[0].rp_id, allow=[made.id for made in makes]
    )
    signed = subject.ceremonies.authenticate(request, *makes)
    count = signed.reply.members().get(0x05)
    expect(count is None, "no numberOfCredentials", count)
    _no_next(subject)


@_STORED.test(
    "6.1.2 step 17",
    "An account is a whole user handle: none is taken for another that it begins with.",
    touches=4,
    changes="makes three discoverable credentials and deletes them",
)
def longer_handle_is_another_account(subject: Subject) -> None:
    """User handles of which one begins with another are different accounts, in either order."""
    ceremonies = subject.ceremonies
    rp_id = ceremonies.another_rp()
    handles = b"handle", b"handle-and-more", b"hand"
    makes = [ceremonies.make(rk=True, rp_id=rp_id, user_id=each) for each in handles]
    signed = ceremonies.authenticate(ceremonies.sign_request(rp_id=rp_id), *makes)
    count = signed.reply.members().get(0x05)
    expect(count == len(handles), f"{len(handles)} credentials", count or 1)


# Without verification.


@_READY.test(
    "6.2.2 step 6",
    "Flag UV is for users that were verified.",
    when=[NOT_ALWAYS_UV],
    touches=2,
)
def unverified_assertion_says_so(subject: Subject) -> None:
    """An assertion with a touch and without a token has flag UV clear."""
    signed = subject.ceremonies.sign(subject.ceremonies.make(), authorised=False)
    signed.auth.expect(AuthDataFlag.USER_VERIFIED, on=False)


@_STORED.test(
    "6.2.2 step 12",
    "Without user verification an answer has no name, displayName or icon of the user.",
    when=[NOT_ALWAYS_UV],
    touches=2,
    changes=ONE,
)
def unverified_assertion_tells_no_names(subject: Subject) -> None:
    """An assertion without a token tells no more of the user than the handle."""
    made = subject.ceremonies.make_discoverable()
    user = subject.ceremonies.sign(made, authorised=False).reply.members().get(0x04, {})
    told = ", ".join(sorted(set(user) - {"id"}))
    expect(not told, "user with id alone", told)


# With a token.


@CHAPTER.test("6.2.2 step 6", "With a valid pinUvAuthParam flag UV is set.", pin=Pin.SET, touches=2)
def token_verifies_the_user(subject: Subject) -> None:
    """With a token both makeCredential and getAssertion set flag UV."""
    made = subject.ceremonies.make()
    signed = subject.ceremonies.sign(made)
    for auth in (made.auth, signed.auth):
        auth.expect(AuthDataFlag.USER_VERIFIED)


def _refuse_token(
    command: Command, permission: Permission, rp_id: str, spoil: bytes, subject: Subject
) -> None:
    """See that a token of another kind, or a spoilt one, is refused."""
    ceremonies = subject.ceremonies
    registers = command is Command.MAKE_CREDENTIAL
    build = ceremonies.make_request if registers else ceremonies.sign_request
    hash_at, param_at = (0x01, 0x08) if registers else (0x02, 0x06)
    request = build(authorised=False)
    token = subject.pins.token(permission, rp_id)
    param = token.sign(request[hash_at] + spoil)
    proved = request | {param_at: param, param_at + 1: token.protocol}
    subject.call(command, proved).must(CtapStatus.PIN_AUTH_INVALID)


_MC, _GA = Permission.MAKE_CREDENTIAL, Permission.GET_ASSERTION

for _command, _called, _section, _own, _else in (
    (Command.MAKE_CREDENTIAL, "makeCredential", "6.1.2 step 11", _MC, _GA),
    (Command.GET_ASSERTION, "getAssertion", "6.2.2 step 6", _GA, _MC),
):
    for _name, _what, _permission, _rp_id, _spoil in (
        ("wrong-param", "A pinUvAuthParam that is wrong", _own, RP_ID, b"!"),
        ("token-without-permission", "A token without the permission", _else, RP_ID, b""),
        ("token-of-another-rp", "A token of another RP", _own, f"other.{RP_ID}", b""),
    ):
        CHAPTER.add(
            f"{_called.lower()}-with-{_name}",
            _section,
            f"{_what} is PIN_AUTH_INVALID in {_called}.",
            "pinUvAuthParam must be made with the token in use, which must have the permission and "
            "the RP ID: CTAP2_ERR_PIN_AUTH_INVALID otherwise.",
            partial(_refuse_token, _command, _permission, _rp_id, _spoil),
            when=[] if _spoil else [HAS_TOKENS],
            pin=Pin.SET,
        )
