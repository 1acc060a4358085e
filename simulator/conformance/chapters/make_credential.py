"""authenticatorMakeCredential. CTAP 2.1 section 6.1.2, in the order of its steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from mfalab.devices.ctap.commands import AuthDataFlag, Command
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.ceremonies import ES256, RP_ID, descriptor
from mfalab.simulator.conformance.facts import (
    CTAP2,
    SINCE_2_1,
    Facts,
    has_member,
    has_option,
    lacks_option,
    option_is,
    supports_algorithm,
)
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter, Condition
from mfalab.simulator.conformance.verdicts import Failure, NotTested

__all__ = ["CHAPTER"]

CHAPTER = Chapter("makeCredential", "CTAP 2.1", when=[CTAP2])

_NOBODY: Final = -65_000
"""A COSE number that no algorithm has."""
Request = dict[int, Any]


# Parameters.


def _with(key: int, value: Any) -> Callable[[Request], Request]:
    return lambda request: request | {key: value}


def _without(key: int) -> Callable[[Request], Request]:
    return lambda request: {other: value for other, value in request.items() if other != key}


def _params(*entries: Any) -> Callable[[Request], Request]:
    return _with(0x04, list(entries))


def _options(**options: Any) -> Callable[[Request], Request]:
    return lambda request: request | {0x07: request.get(0x07, {}) | options}


_ABSENT: Final = (CtapStatus.MISSING_PARAMETER,)
_TYPE: Final = (CtapStatus.CBOR_UNEXPECTED_TYPE,)
_LENGTH: Final = (CtapStatus.INVALID_LENGTH, CtapStatus.INVALID_PARAMETER)
_ES: Final = {"alg": ES256, "type": "public-key"}

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
    ("no-client-data-hash", "6.1.1", "clientDataHash is absent", _without(0x01), _ABSENT, ()),
    ("no-rp", "6.1.1", "rp is absent", _without(0x02), _ABSENT, ()),
    ("no-user", "6.1.1", "user is absent", _without(0x03), _ABSENT, ()),
    ("no-params", "6.1.1", "pubKeyCredParams is absent", _without(0x04), _ABSENT, ()),
    ("no-rp-id", "6.1.1", "rp has no id", _with(0x02, {"name": "x"}), _ABSENT, ()),
    ("no-user-id", "6.1.1", "user has no id", _with(0x03, {"name": "x"}), _ABSENT, ()),
    (
        "client-data-hash-is-text",
        "6.1.1",
        "clientDataHash is a text",
        _with(0x01, "x" * 32),
        _TYPE,
        (),
    ),
    ("rp-is-text", "6.1.1", "rp is a text", _with(0x02, RP_ID), _TYPE, ()),
    ("rp-id-is-bytes", "6.1.1", "rp.id is bytes", _with(0x02, {"id": b"x"}), _TYPE, ()),
    ("user-is-array", "6.1.1", "user is an array", _with(0x03, [b"x"]), _TYPE, ()),
    ("user-id-is-text", "6.1.1", "user.id is a text", _with(0x03, {"id": "x"}), _TYPE, ()),
    ("params-are-map", "6.1.1", "pubKeyCredParams is a map", _with(0x04, dict(_ES)), _TYPE, ()),
    ("exclude-list-is-map", "6.1.1", "excludeList is a map", _with(0x05, {"id": b"x"}), _TYPE, ()),
    (
        "exclude-entry-is-text",
        "6.1.1",
        "an entry of excludeList is a text",
        _with(0x05, ["x"]),
        _TYPE,
        (),
    ),
    (
        "exclude-entry-without-id",
        "6.1.1",
        "an entry of excludeList has no id",
        _with(0x05, [{"type": "public-key"}]),
        _ABSENT,
        (),
    ),
    ("extensions-are-array", "6.1.1", "extensions is an array", _with(0x06, ["x"]), _TYPE, ()),
    ("options-are-array", "6.1.1", "options is an array", _with(0x07, ["rk"]), _TYPE, ()),
    ("option-is-number", "6.1.1", "an option is a number", _options(rk=1), _TYPE, ()),
    (
        "short-client-data-hash",
        "6.1.1",
        "clientDataHash has 31 bytes",
        _with(0x01, bytes(31)),
        _LENGTH,
        (),
    ),
    ("long-user-id", "6.1.1", "user.id has 65 bytes", _with(0x03, {"id": bytes(65)}), _LENGTH, ()),
    (
        "no-supported-algorithm",
        "6.1.2 step 3",
        "pubKeyCredParams has no supported algorithm",
        _params({"alg": _NOBODY, "type": "public-key"}),
        (CtapStatus.UNSUPPORTED_ALGORITHM,),
        (),
    ),
    (
        "no-algorithms",
        "6.1.2 step 3",
        "pubKeyCredParams is empty",
        _params(),
        (CtapStatus.UNSUPPORTED_ALGORITHM, *_ABSENT, CtapStatus.INVALID_PARAMETER),
        (),
    ),
    (
        "algorithm-for-unknown-type",
        "6.1.2 step 3",
        "the only supported algorithm is for an unknown credential type",
        _params({"alg": ES256, "type": "unknown"}),
        (CtapStatus.UNSUPPORTED_ALGORITHM,),
        (),
    ),
    (
        "later-entry-without-alg",
        "6.1.2 step 3",
        "an entry behind a supported one has no alg",
        _params(_ES, {"type": "public-key"}),
        (*_ABSENT, *_TYPE, CtapStatus.INVALID_CBOR),
        (),
    ),
    (
        "later-entry-with-text",
        "6.1.2 step 3",
        "an entry behind a supported one has a text as alg",
        _params(_ES, {"alg": "ES256", "type": "public-key"}),
        (*_TYPE, CtapStatus.INVALID_CBOR),
        (),
    ),
    (
        "up-is-false",
        "6.1.2 step 5",
        "option up is false",
        _options(up=False),
        (CtapStatus.INVALID_OPTION,),
        (),
    ),
    (
        "uv-without-verification",
        "6.1.2 step 5",
        "option uv is true and the key verifies nobody by itself",
        lambda request: _without(0x08)(_without(0x09)(_options(uv=True)(request))),
        (CtapStatus.INVALID_OPTION, CtapStatus.UNSUPPORTED_OPTION),
        (lacks_option("uv"),),
    ),
    (
        "rk-without-store",
        "6.1.2 step 5",
        "option rk is true and the key stores no credentials",
        _options(rk=True),
        (CtapStatus.UNSUPPORTED_OPTION,),
        (lambda facts: "the key announces rk" if facts.options.get("rk") else None,),
    ),
    (
        "param-without-protocol",
        "6.1.2 step 2",
        "pinUvAuthParam comes without a protocol",
        lambda request: _without(0x09)(request | {0x08: bytes(32)}),
        _ABSENT,
        (SINCE_2_1, has_member(0x06)),
    ),
    (
        "unknown-protocol",
        "6.1.2 step 2",
        "pinUvAuthProtocol is unknown",
        lambda request: request | {0x08: bytes(32), 0x09: 99},
        (CtapStatus.INVALID_PARAMETER,),
        (SINCE_2_1, has_member(0x06)),
    ),
    (
        "enterprise-that-is-not-there",
        "6.1.2 step 9",
        "enterpriseAttestation is asked for and the key has none",
        _with(0x0A, 1),
        (CtapStatus.INVALID_PARAMETER,),
        (SINCE_2_1, lacks_option("ep")),
    ),
)


def _error(
    change: Callable[[Request], Request], statuses: tuple[CtapStatus, ...], subject: Subject
) -> None:
    request = subject.ceremonies.make_request()
    subject.call(Command.MAKE_CREDENTIAL, change(request)).must(*statuses)


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


@CHAPTER.test(
    "6.1.2 step 1",
    "An empty pinUvAuthParam waits for a touch and then tells whether there is a PIN.",
    when=[has_option("clientPin")],
    touches=1,
)
def empty_param_tells_whether_there_is_a_pin(subject: Subject) -> None:
    """An empty pinUvAuthParam is PIN_INVALID where there is a PIN and PIN_NOT_SET where not."""
    request = subject.ceremonies.make_request(authorised=False)
    reply = subject.call(
        Command.MAKE_CREDENTIAL, request | {0x08: b"", 0x09: subject.pins.protocol}
    )
    reply.must(CtapStatus.PIN_INVALID if subject.pins.is_set else CtapStatus.PIN_NOT_SET)


# Success.


@CHAPTER.test(
    "6.1.2 step 19",
    "The answer has fmt, authData and attStmt; authData have the SHA-256 of the RP ID, UP, AT and "
    "no reserved flag, UV if and only if the user was verified, ED only with extensions.",
    ready=True,
    touches=1,
)
def credential_is_made(subject: Subject) -> None:
    """A credential is made: its authenticator data are for this RP and their flags are right."""
    ceremonies = subject.ceremonies
    request = ceremonies.make_request()
    made = ceremonies.register(request)
    ceremonies.check_auth_data(made.auth, RP_ID)
    wanted = AuthDataFlag.USER_PRESENT | AuthDataFlag.ATTESTED_CREDENTIAL_DATA
    verified = made.auth.has(AuthDataFlag.USER_VERIFIED)
    if made.auth.flags & wanted != wanted:
        raise Failure("flags UP and AT", f"0x{made.auth.flags:02X}")
    if verified != (0x08 in request) and not subject.facts.options.get("alwaysUv"):
        raise Failure(
            f"flag UV {'set' if 0x08 in request else 'clear'}", f"0x{made.auth.flags:02X}"
        )
    if made.auth.has(AuthDataFlag.EXTENSION_DATA):
        raise Failure("no extension outputs, as none were asked for", f"{made.auth.extensions!r}")


@CHAPTER.test(
    "6.1.2 step 19",
    "The AAGUID in attested credential data is that of getInfo.",
    ready=True,
    touches=1,
)
def aaguid_is_that_of_get_info(subject: Subject) -> None:
    """The AAGUID of a new credential is that of getInfo, or zero in a fido-u2f statement."""
    made = subject.ceremonies.make()
    form, _ = made.statement
    expected = bytes(16) if form == "fido-u2f" else subject.facts.aaguid
    if made.auth.aaguid != expected:
        raise Failure(expected.hex(), made.auth.aaguid.hex())


@CHAPTER.test(
    "WebAuthn Level 3 §8",
    "The attestation statement verifies by the rules of its format.",
    ready=True,
    touches=1,
)
def attestation_verifies(subject: Subject) -> None:
    """The attestation statement of a new credential verifies, certificate included."""
    subject.ceremonies.verify_attestation(subject.ceremonies.make())


@CHAPTER.test(
    "6.4",
    "Credential IDs are not longer than maxCredentialIdLength.",
    when=[has_member(0x08)],
    ready=True,
    touches=1,
)
def credential_id_is_short_enough(subject: Subject) -> None:
    """A credential ID is at least 16 bytes and not longer than getInfo says."""
    most, length = subject.facts.number(0x08, 1023), len(subject.ceremonies.make().id)
    if not 16 <= length <= most:
        raise Failure(f"16 to {most} bytes", f"{length} bytes")


@CHAPTER.test("6.1.2 step 16", "Each registration makes a new key pair.", ready=True, touches=2)
def credentials_differ(subject: Subject) -> None:
    """Two credentials of one user have different IDs and keys."""
    one, other = subject.ceremonies.make(), subject.ceremonies.make()
    if one.id == other.id:
        raise Failure("two credential IDs", "the same one twice")
    if one.auth.public_key == other.auth.public_key:
        raise Failure("two public keys", "the same one twice")


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
    if made.auth.public_key.get(3) != number:
        raise Failure(f"a public key with alg {number}", f"alg {made.auth.public_key.get(3)}")
    subject.ceremonies.verify_attestation(made)
    subject.ceremonies.sign(made)


for _number, _called in _ALGORITHMS.items():
    CHAPTER.add(
        f"algorithm-{_called.lower()}",
        "6.1.2 step 16",
        f"A credential with {_called} is made, attested, and signs in.",
        "An algorithm that getInfo announces can be used.",
        partial(_algorithm, _number),
        when=[supports_algorithm(_number, _called)],
        ready=True,
        touches=2,
    )


@CHAPTER.test(
    "6.1.2 step 3",
    "The first supported algorithm of the list is used; unknown ones are passed over.",
    ready=True,
    touches=2,
)
def first_supported_algorithm_is_used(subject: Subject) -> None:
    """Of a list the first supported algorithm is used, whatever the key likes best."""
    supported = [each for each in subject.facts.algorithms if each in _ALGORITHMS][::-1]
    made = subject.ceremonies.make(algorithms=[_NOBODY, *supported])
    if made.auth.public_key.get(3) != supported[0]:
        raise Failure(f"alg {supported[0]}", f"alg {made.auth.public_key.get(3)}")


@CHAPTER.test(
    "6.1.2 step 5",
    "Options that the authenticator does not know are ignored.",
    ready=True,
    touches=1,
)
def unknown_option_is_ignored(subject: Subject) -> None:
    """An unknown option does not disturb."""
    request = subject.ceremonies.make_request()
    subject.ceremonies.register(_options(unknown=True)(request))


@CHAPTER.test(
    "6.1.2 step 5", "Option up may be true since CTAP 2.1.", when=[SINCE_2_1], ready=True, touches=1
)
def up_may_be_true(subject: Subject) -> None:
    """Option up may be true."""
    subject.ceremonies.register(_options(up=True)(subject.ceremonies.make_request()))


@CHAPTER.test(
    "6.1.2 step 15",
    "Extensions that the authenticator does not know are ignored.",
    ready=True,
    touches=1,
)
def unknown_extension_is_ignored(subject: Subject) -> None:
    """An unknown extension has no output and does not disturb."""
    made = subject.ceremonies.make(extensions={"unknown": True})
    if made.auth.extensions:
        raise Failure("no extension outputs", f"{made.auth.extensions!r}")


@CHAPTER.test(
    "6.1.2 step 12",
    "A credential of the exclude list that is here is CTAP2_ERR_CREDENTIAL_EXCLUDED.",
    ready=True,
    touches=2,
)
def excluded_credential_is_refused(subject: Subject) -> None:
    """An exclude list with a credential of this key is CREDENTIAL_EXCLUDED."""
    made = subject.ceremonies.make()
    request = subject.ceremonies.make_request()
    excluded = request | {0x05: [descriptor(subject.random_bytes(32)), descriptor(made.id)]}
    subject.call(Command.MAKE_CREDENTIAL, excluded).must(CtapStatus.CREDENTIAL_EXCLUDED)


@CHAPTER.test(
    "6.1.2 step 12",
    "Exclusion is by relying party: others' credentials are not excluded.",
    ready=True,
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


@CHAPTER.test(
    "6.4",
    "A list has at most maxCredentialCountInList entries.",
    when=[SINCE_2_1, has_member(0x07)],
    ready=True,
)
def too_long_an_exclude_list_is_refused(subject: Subject) -> None:
    """An exclude list of one entry more than maxCredentialCountInList is an error."""
    count = subject.facts.number(0x07, 8) + 1
    request = subject.ceremonies.make_request()
    listed = request | {0x05: [descriptor(subject.random_bytes(16)) for _ in range(count)]}
    subject.call(Command.MAKE_CREDENTIAL, listed).must(
        CtapStatus.LIMIT_EXCEEDED, CtapStatus.INVALID_LENGTH, CtapStatus.REQUEST_TOO_LARGE
    )


# People.


@CHAPTER.test(
    "6.1.2 step 14",
    "Without user presence nothing is made: CTAP2_ERR_USER_ACTION_TIMEOUT.",
    needs=[Ability.REPORTS],
    ready=True,
    lasts_s=40,
)
def nobody_there_makes_no_credential(subject: Subject) -> None:
    """When nobody touches the key for long enough, the request ends with USER_ACTION_TIMEOUT."""
    request = subject.ceremonies.make_request()
    subject.user.stay_away()
    reply = subject.call(Command.MAKE_CREDENTIAL, request)
    reply.must(
        CtapStatus.USER_ACTION_TIMEOUT, CtapStatus.ACTION_TIMEOUT, CtapStatus.OPERATION_DENIED
    )
    if not reply.answer.wanted_touch:
        raise Failure("keepalives that say UPNEEDED", "none")
    subject.times.add("patience for a touch", reply.answer.first_ns - reply.answer.sent_ns)


@CHAPTER.test(
    "6.1.2 step 14",
    "A user who declines gets CTAP2_ERR_OPERATION_DENIED.",
    needs=[Ability.DECLINE],
    ready=True,
)
def declining_makes_no_credential(subject: Subject) -> None:
    """When the user says no, the request is OPERATION_DENIED."""
    request = subject.ceremonies.make_request()
    subject.user.decline()
    subject.call(Command.MAKE_CREDENTIAL, request).must(CtapStatus.OPERATION_DENIED)


@CHAPTER.test(
    "6.1.2 step 14", "User presence is asked for.", needs=[Ability.REPORTS], ready=True, touches=1
)
def touch_is_asked_for(subject: Subject) -> None:
    """While it waits for its user, keepalives say UPNEEDED."""
    subject.user.touch(after_ns=500_000_000)
    if not subject.ceremonies.make().reply.answer.wanted_touch:
        raise Failure("a keepalive that says UPNEEDED", "none")


# Enterprise attestation.


def _ep_is_off(facts: Facts) -> str | None:
    if "ep" not in facts.options:
        return "the key does not announce option ep"
    return "enterprise attestation is enabled" if facts.options["ep"] else None


@CHAPTER.test(
    "6.1.2 step 9",
    "Enterprise attestation that is not enabled is CTAP1_ERR_INVALID_PARAMETER.",
    when=[_ep_is_off],
    ready=True,
)
def enterprise_that_is_off_is_refused(subject: Subject) -> None:
    """EnterpriseAttestation is INVALID_PARAMETER as long as it is not enabled."""
    request = subject.ceremonies.make_request() | {0x0A: 1}
    subject.call(Command.MAKE_CREDENTIAL, request).must(CtapStatus.INVALID_PARAMETER)


@CHAPTER.test(
    "CTAP 2.2 §6.1.2",
    "attestationFormatsPreference none alone gives no attestation.",
    when=[has_member(0x16)],
    ready=True,
    touches=1,
)
def no_attestation_on_request(subject: Subject) -> None:
    """A platform that prefers format none gets it, with an empty statement."""
    if "none" not in subject.facts.texts(0x16):
        raise NotTested("the key does not announce attestation format none")
    request = subject.ceremonies.make_request() | {0x0B: ["none"]}
    made = subject.ceremonies.register(request)
    if made.statement != ("none", {}):
        raise Failure("fmt none and an empty attStmt", made.statement[0])


@CHAPTER.test(
    "6.1.2 step 7",
    "With makeCredUvNotRqd a credential that is not discoverable takes no verification.",
    when=[option_is("makeCredUvNotRqd", value=True)],
    ready=True,
    touches=1,
)
def verification_is_not_required(subject: Subject) -> None:
    """With makeCredUvNotRqd a non-discoverable credential is made without a token."""
    request = subject.ceremonies.make_request(authorised=False)
    made = subject.ceremonies.register(request)
    if made.auth.has(AuthDataFlag.USER_VERIFIED):
        raise Failure("flag UV clear", f"0x{made.auth.flags:02X}")
