"""authenticatorMakeCredential. CTAP 2.1 section 6.1.2, in the order of its steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from mfalab.devices.ctap.commands import AuthDataFlag, Command
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_MS
from mfalab.simulator.conformance.ceremonies import ES256, ONE, RP_ID, descriptor
from mfalab.simulator.conformance.facts import (
    CTAP2,
    SINCE_2_1,
    STORES,
    has_member,
    has_option,
    is_enterprise,
    lacks_option,
    option_is,
    supports_algorithm,
    unless,
)
from mfalab.simulator.conformance.pins import Pin
from mfalab.simulator.conformance.refusals import (
    INVALID,
    LENGTH,
    LISTED_TOO_MANY,
    MISSING,
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
from mfalab.simulator.conformance.verdicts import NotTested, differ, expect

CHAPTER = Chapter("makeCredential", "CTAP 2.1", when=[CTAP2])

_READY = CHAPTER.given(ready=True)
_MADE = _READY.given(touches=1)
_UNASSIGNED: Final = -65_000
"""A COSE number that no algorithm has."""
_LATE_NS: Final = 500 * NS_PER_MS
"""A touch this late leaves time for keepalives."""


# Parameters.


def _params(*entries: Any) -> Callable[[Request], Request]:
    return replace(0x04, list(entries))


def _options(**options: Any) -> Callable[[Request], Request]:
    return lambda request: request | {0x07: request.get(0x07, {}) | options}


_ES: Final = {"alg": ES256, "type": "public-key"}
_ALGORITHM: Final = (CtapStatus.UNSUPPORTED_ALGORITHM,)

_ERRORS: Final = {
    "6.1.1": (
        Refusal("no-client-data-hash", "clientDataHash is absent", without(1), MISSING),
        Refusal("no-rp", "rp is absent", without(2), MISSING),
        Refusal("no-user", "user is absent", without(3), MISSING),
        Refusal("no-params", "pubKeyCredParams is absent", without(4), MISSING),
        Refusal("no-rp-id", "rp has no id", replace(2, {"name": "x"}), MISSING),
        Refusal("no-user-id", "user has no id", replace(3, {"name": "x"}), MISSING),
        Refusal("client-data-hash-is-text", "clientDataHash is a text", replace(1, "x" * 32), TYPE),
        Refusal("rp-is-text", "rp is a text", replace(2, RP_ID), TYPE),
        Refusal("rp-id-is-bytes", "rp.id is bytes", replace(2, {"id": b"x"}), TYPE),
        Refusal("user-is-array", "user is an array", replace(3, [b"x"]), TYPE),
        Refusal("user-id-is-text", "user.id is a text", replace(3, {"id": "x"}), TYPE),
        Refusal("params-are-map", "pubKeyCredParams is a map", replace(4, dict(_ES)), TYPE),
        Refusal("exclude-list-is-map", "excludeList is a map", replace(5, {"id": b"x"}), TYPE),
        Refusal(
            "exclude-entry-is-text", "an entry of excludeList is a text", replace(5, ["x"]), TYPE
        ),
        Refusal(
            "exclude-entry-without-id",
            "an entry of excludeList has no id",
            replace(5, [{"type": "public-key"}]),
            MISSING,
        ),
        Refusal("extensions-are-array", "extensions is an array", replace(6, ["x"]), TYPE),
        Refusal("options-are-array", "options is an array", replace(7, ["rk"]), TYPE),
        Refusal("option-is-number", "an option is a number", _options(rk=1), TYPE),
        Refusal(
            "short-client-data-hash", "clientDataHash has 31 bytes", replace(1, bytes(31)), LENGTH
        ),
        Refusal("long-user-id", "user.id has 65 bytes", replace(3, {"id": bytes(65)}), LENGTH),
    ),
    "6.1.2 step 3": (
        Refusal(
            "no-supported-algorithm",
            "pubKeyCredParams has no supported algorithm",
            _params({"alg": _UNASSIGNED, "type": "public-key"}),
            _ALGORITHM,
        ),
        Refusal(
            "no-algorithms",
            "pubKeyCredParams is empty",
            _params(),
            (*_ALGORITHM, *MISSING, *INVALID),
        ),
        Refusal(
            "algorithm-for-unknown-type",
            "the only supported algorithm is for an unknown credential type",
            _params({"alg": ES256, "type": "unknown"}),
            _ALGORITHM,
        ),
        Refusal(
            "later-entry-without-alg",
            "an entry behind a supported one has no alg",
            _params(_ES, {"type": "public-key"}),
            (*MISSING, *TYPE, CtapStatus.INVALID_CBOR),
        ),
        Refusal(
            "later-entry-with-text",
            "an entry behind a supported one has a text as alg",
            _params(_ES, {"alg": "ES256", "type": "public-key"}),
            (*TYPE, CtapStatus.INVALID_CBOR),
        ),
    ),
    "6.1.2 step 5": (
        Refusal(
            "up-is-false", "option up is false", _options(up=False), (CtapStatus.INVALID_OPTION,)
        ),
        Refusal(
            "uv-without-verification",
            "option uv is true and the key does not verify users by itself",
            lambda request: without(8, 9)(_options(uv=True)(request)),
            (CtapStatus.INVALID_OPTION, CtapStatus.UNSUPPORTED_OPTION),
            (lacks_option("uv"),),
        ),
        Refusal(
            "rk-without-store",
            "option rk is true and the key stores no credentials",
            _options(rk=True),
            (CtapStatus.UNSUPPORTED_OPTION,),
            (unless(lambda facts: not facts.options.get("rk"), "the key announces rk"),),
        ),
    ),
    "6.1.2 step 2": unproved(8),
    "6.1.2 step 9": (
        Refusal(
            "enterprise-that-is-not-there",
            "enterpriseAttestation is asked for and the key has none",
            replace(10, 1),
            INVALID,
            (SINCE_2_1, lacks_option("ep")),
        ),
    ),
}


def _changed(subject: Subject, change: Callable[[Request], Request]) -> Reply:
    return subject.call(Command.MAKE_CREDENTIAL, change(subject.ceremonies.make_request()))


add_refusals(_READY, _changed, _ERRORS, rule="The step's code is")


@CHAPTER.test(
    "6.1.2 step 1",
    "An empty pinUvAuthParam waits for a touch and then tells whether there is a PIN.",
    when=[has_option("clientPin")],
    touches=1,
)
def empty_param_tells_whether_there_is_a_pin(subject: Subject) -> None:
    """An empty pinUvAuthParam is PIN_INVALID where there is a PIN and PIN_NOT_SET where not."""
    request = subject.ceremonies.make_request(authorised=False)
    empty = request | {0x08: b"", 0x09: subject.pins.protocol}
    reply = subject.call(Command.MAKE_CREDENTIAL, empty)
    reply.must(CtapStatus.PIN_INVALID if subject.pins.is_set else CtapStatus.PIN_NOT_SET)


@CHAPTER.test(
    "6.1.2 step 1",
    "An empty pinUvAuthParam waits for a touch: without one a client learns nothing of the PIN.",
    when=[has_option("clientPin")],
    needs=[Ability.REPORTS],
    touches=1,
)
def empty_param_takes_a_touch(subject: Subject) -> None:
    """The key waits for a touch before it says whether there is a PIN."""
    request = subject.ceremonies.make_request(authorised=False)
    subject.user.touch(after_ns=_LATE_NS)
    reply = subject.call(
        Command.MAKE_CREDENTIAL, request | {0x08: b"", 0x09: subject.pins.protocol}
    )
    reply.must(CtapStatus.PIN_INVALID, CtapStatus.PIN_NOT_SET)
    expect(reply.answer.wanted_touch, "keepalives that say UPNEEDED", "none")


# Success.


@_MADE.test(
    "6.1.2 step 19",
    "The answer has fmt, authData and attStmt; authData have the SHA-256 of the RP ID, UP, AT and "
    "no reserved flag, UV if and only if the user was verified, ED only with extensions.",
)
def credential_is_made(subject: Subject) -> None:
    """A credential is made: its authenticator data are for this RP and their flags are right."""
    request = subject.ceremonies.make_request()
    auth = subject.ceremonies.register(request).auth
    subject.ceremonies.check_auth_data(auth, RP_ID)
    wanted = AuthDataFlag.USER_PRESENT | AuthDataFlag.ATTESTED_CREDENTIAL_DATA
    expect(auth.flags & wanted == wanted, "flags UP and AT", f"0x{auth.flags:02X}")
    if not subject.facts.options.get("alwaysUv"):
        auth.expect(AuthDataFlag.USER_VERIFIED, on=0x08 in request)
    extended = auth.has(AuthDataFlag.EXTENSION_DATA)
    expect(not extended, "no extension outputs, as none were asked for", repr(auth.extensions))


@_MADE.test("6.1.2 step 19", "The AAGUID in attested credential data is that of getInfo.")
def aaguid_is_that_of_get_info(subject: Subject) -> None:
    """The AAGUID of a new credential is that of getInfo, or zero in a fido-u2f statement."""
    made = subject.ceremonies.make()
    form, _ = made.statement
    expected = bytes(16) if form == "fido-u2f" else subject.facts.aaguid
    expect(made.auth.aaguid == expected, expected.hex(), made.auth.aaguid.hex())


@_MADE.test("WebAuthn Level 3 §8", "The attestation statement verifies by the rules of its format.")
def attestation_verifies(subject: Subject) -> None:
    """The attestation statement of a new credential verifies, certificate included."""
    subject.ceremonies.verify_attestation(subject.ceremonies.make())


@_MADE.test(
    "6.4", "Credential IDs are not longer than maxCredentialIdLength.", when=[has_member(0x08)]
)
def credential_id_is_short_enough(subject: Subject) -> None:
    """A credential ID is at least 16 bytes and not longer than getInfo says."""
    most, length = subject.facts.number(0x08, 1023), len(subject.ceremonies.make().id)
    expect(16 <= length <= most, f"16 to {most} bytes", f"{length} bytes")


@_READY.test("6.1.2 step 16", "Each registration makes a new key pair.", touches=2)
def credentials_differ(subject: Subject) -> None:
    """Two credentials of one user have different IDs and keys."""
    one, other = subject.ceremonies.make(), subject.ceremonies.make()
    differ("credential IDs", one.id, other.id)
    differ("public keys", one.auth.public_key, other.auth.public_key)


_ALGORITHMS: Final = {
    -7: "ES256",
    -8: "EdDSA",
    -35: "ES384",
    -36: "ES512",
    -47: "ES256K",
    -257: "RS256",
    -48: "ML-DSA-44",
    -49: "ML-DSA-65",
    -50: "ML-DSA-87",
}


def _algorithm(number: int, subject: Subject) -> None:
    made = subject.ceremonies.make(algorithms=[number])
    used = made.auth.public_key.get(3)
    expect(used == number, f"a public key with alg {number}", f"alg {used}")
    subject.ceremonies.verify_attestation(made)
    subject.ceremonies.sign(made)


for _number, _called in _ALGORITHMS.items():
    _READY.add(
        f"algorithm-{_called.lower()}",
        "6.1.2 step 16",
        f"A credential with {_called} is made, attested, and signs in.",
        "An algorithm that getInfo announces can be used.",
        partial(_algorithm, _number),
        when=[supports_algorithm(_number, _called)],
        touches=2,
    )


@_READY.test(
    "6.1.2 step 3",
    "The first supported algorithm of the list is used; unknown ones are passed over.",
    touches=2,
)
def first_supported_algorithm_is_used(subject: Subject) -> None:
    """Of a list the first supported algorithm is used, whatever the key likes best."""
    supported = [each for each in subject.facts.algorithms if each in _ALGORITHMS][::-1]
    made = subject.ceremonies.make(algorithms=[_UNASSIGNED, *supported])
    used = made.auth.public_key.get(3)
    expect(used == supported[0], f"alg {supported[0]}", f"alg {used}")


@_MADE.test("6.1.2 step 5", "Options that the authenticator does not know are ignored.")
def unknown_option_is_ignored(subject: Subject) -> None:
    """An unknown option does not disturb."""
    subject.ceremonies.register(_options(unknown=True)(subject.ceremonies.make_request()))


@_MADE.test("6.1.2 step 5", "Option up may be true since CTAP 2.1.", when=[SINCE_2_1])
def up_may_be_true(subject: Subject) -> None:
    """Option up may be true."""
    subject.ceremonies.register(_options(up=True)(subject.ceremonies.make_request()))


@_MADE.test("6.1.2 step 15", "Extensions that the authenticator does not know are ignored.")
def unknown_extension_is_ignored(subject: Subject) -> None:
    """An unknown extension has no output and does not disturb."""
    outputs = subject.ceremonies.make(extensions={"unknown": True}).auth.extensions
    expect(not outputs, "no extension outputs", repr(outputs))


@_READY.test(
    "6.1.2 step 12",
    "A credential of the exclude list that is here is CTAP2_ERR_CREDENTIAL_EXCLUDED.",
    touches=2,
)
def excluded_credential_is_refused(subject: Subject) -> None:
    """An exclude list with a credential of this key is CREDENTIAL_EXCLUDED."""
    made = subject.ceremonies.make()
    request = subject.ceremonies.make_request()
    excluded = request | {0x05: [descriptor(subject.random_bytes(32)), descriptor(made.id)]}
    subject.call(Command.MAKE_CREDENTIAL, excluded).must(CtapStatus.CREDENTIAL_EXCLUDED)


@_READY.test(
    "6.1.2 step 12",
    "Exclusion is by relying party: others' credentials are not excluded.",
    touches=3,
)
def foreign_credentials_do_not_exclude(subject: Subject) -> None:
    """Credentials of other keys, other relying parties and unknown types do not exclude."""
    elsewhere = subject.ceremonies.make(rp_id=f"other.{RP_ID}")
    made = subject.ceremonies.make()
    request = subject.ceremonies.make_request()
    listed = [
        descriptor(subject.random_bytes(64)),
        descriptor(elsewhere.id),
        {"id": made.id, "type": "unknown"},
    ]
    subject.ceremonies.register(request | {0x05: listed})


@_READY.test(
    "6.1.2 step 12",
    "Exclusion is told after a touch only: without one a client does not learn what is here.",
    needs=[Ability.REPORTS],
    touches=2,
)
def exclusion_takes_a_touch(subject: Subject) -> None:
    """The key waits for a touch before it says CREDENTIAL_EXCLUDED."""
    made = subject.ceremonies.make()
    excluded = subject.ceremonies.make_request() | {0x05: [descriptor(made.id)]}
    subject.user.touch(after_ns=_LATE_NS)
    reply = subject.call(Command.MAKE_CREDENTIAL, excluded).must(CtapStatus.CREDENTIAL_EXCLUDED)
    expect(reply.answer.wanted_touch, "keepalives that say UPNEEDED", "none")


@CHAPTER.test(
    "6.1.2 step 12",
    "A discoverable credential excludes at its own relying party, and at no other.",
    when=[STORES],
    pin=Pin.SET,
    touches=3,
    changes=ONE,
)
def discoverable_credential_excludes(subject: Subject) -> None:
    """A discoverable credential excludes for its own RP and not for another."""
    made = subject.ceremonies.make_discoverable()
    listed = {0x05: [descriptor(made.id)]}
    request = subject.ceremonies.make_request(rp_id=made.rp_id) | listed
    subject.call(Command.MAKE_CREDENTIAL, request).must(CtapStatus.CREDENTIAL_EXCLUDED)
    subject.ceremonies.register(subject.ceremonies.make_request() | listed)


@_READY.test(
    "6.4",
    "A list has at most maxCredentialCountInList entries.",
    when=[SINCE_2_1, has_member(0x07)],
)
def too_long_an_exclude_list_is_refused(subject: Subject) -> None:
    """An exclude list of one entry more than maxCredentialCountInList is an error."""
    request = subject.ceremonies.make_request()
    listed = request | {0x05: subject.ceremonies.too_many_credentials()}
    subject.call(Command.MAKE_CREDENTIAL, listed).must(*LISTED_TOO_MANY)


# People.


@_READY.test(
    "6.1.2 step 14",
    "Without user presence nothing is made: CTAP2_ERR_USER_ACTION_TIMEOUT.",
    needs=[Ability.REPORTS],
    lasts_s=40,
)
def nobody_there_makes_no_credential(subject: Subject) -> None:
    """When the key is not touched for long enough, the request ends with USER_ACTION_TIMEOUT."""
    request = subject.ceremonies.make_request()
    subject.user.stay_away()
    answer = subject.call(Command.MAKE_CREDENTIAL, request).must(*UNTOUCHED).answer
    expect(answer.wanted_touch, "keepalives that say UPNEEDED", "none")
    subject.times.add("patience for a touch", answer.first_ns - answer.sent_ns)


@_READY.test(
    "6.1.2 step 14", "A user who declines gets CTAP2_ERR_OPERATION_DENIED.", needs=[Ability.DECLINE]
)
def declining_makes_no_credential(subject: Subject) -> None:
    """When the user says no, the request is OPERATION_DENIED."""
    request = subject.ceremonies.make_request()
    subject.user.decline()
    subject.call(Command.MAKE_CREDENTIAL, request).must(CtapStatus.OPERATION_DENIED)


@_MADE.test("6.1.2 step 14", "User presence is asked for.", needs=[Ability.REPORTS])
def touch_is_asked_for(subject: Subject) -> None:
    """While it waits for its user, keepalives say UPNEEDED."""
    subject.user.touch(after_ns=_LATE_NS)
    asked = subject.ceremonies.make().reply.answer.wanted_touch
    expect(asked, "a keepalive that says UPNEEDED", "none")


# Enterprise attestation.


@_READY.test(
    "6.1.2 step 9",
    "Enterprise attestation that is not enabled is CTAP1_ERR_INVALID_PARAMETER.",
    when=[is_enterprise(enabled=False)],
)
def enterprise_that_is_off_is_refused(subject: Subject) -> None:
    """EnterpriseAttestation is INVALID_PARAMETER as long as it is not enabled."""
    request = subject.ceremonies.make_request() | {0x0A: 1}
    subject.call(Command.MAKE_CREDENTIAL, request).must(CtapStatus.INVALID_PARAMETER)


@_MADE.test(
    "CTAP 2.2 §6.1.2",
    "attestationFormatsPreference none alone gives no attestation.",
    when=[has_member(0x16)],
)
def no_attestation_on_request(subject: Subject) -> None:
    """A platform that prefers format none gets it, with an empty statement."""
    if "none" not in subject.facts.texts(0x16):
        raise NotTested("the key does not announce attestation format none")
    request = subject.ceremonies.make_request() | {0x0B: ["none"]}
    made = subject.ceremonies.register(request)
    plain = made.statement == ("none", {})
    expect(plain, "fmt none and an empty attStmt", made.statement[0])


@_MADE.test(
    "6.1.2 step 7",
    "With makeCredUvNotRqd a credential that is not discoverable takes no verification.",
    when=[option_is("makeCredUvNotRqd", value=True)],
)
def verification_is_not_required(subject: Subject) -> None:
    """With makeCredUvNotRqd a non-discoverable credential is made without a token."""
    request = subject.ceremonies.make_request(authorised=False)
    made = subject.ceremonies.register(request)
    made.auth.expect(AuthDataFlag.USER_VERIFIED, on=False)
