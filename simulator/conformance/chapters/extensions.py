"""Extensions of makeCredential and getAssertion. CTAP 2.1 section 12 and CTAP 2.2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from mfalab.devices.ctap.commands import Command
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.conformance.ceremonies import ONE, RP_ID, AuthData, Made, descriptor
from mfalab.simulator.conformance.chapters.u2f import u2f_handle_is_known
from mfalab.simulator.conformance.facts import (
    CTAP2,
    NOT_ALWAYS_UV,
    SINCE_2_1,
    STORES,
    U2F,
    has_extension,
    option_is,
    speaks_protocol,
)
from mfalab.simulator.conformance.pin_protocols import Shared
from mfalab.simulator.conformance.pins import Pin
from mfalab.simulator.conformance.refusals import LENGTH
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import Failure, differ, expect

CHAPTER = Chapter("Extensions", "CTAP 2.1", when=[CTAP2])

_SALT: Final = 32
_SAME_SECRET: Final = "the same secret for the same salt", "another one"


def _output(auth: AuthData, name: str, kind: type) -> Any:
    found = auth.extensions.get(name)
    fits = isinstance(found, kind) and not (kind is int and isinstance(found, bool))
    expected = f"extension output {name} as {kind.__name__}, as the key announces it"
    expect(fits, expected, "nothing" if found is None else f"{found!r:.60}")
    return found


# credProtect.

_PROTECTS = CHAPTER.given(when=[has_extension("credProtect")])


def _protect(level: int, subject: Subject) -> None:
    made = subject.ceremonies.make(extensions={"credProtect": level})
    output = _output(made.auth, "credProtect", int)
    expect(output == level, f"credProtect {level}", output)


for _level in (1, 2, 3):
    _PROTECTS.add(
        f"cred-protect-{_level}",
        "12.1",
        f"A credential is made with credProtect {_level}, and the output says so.",
        "The output of credProtect is the level that the credential has.",
        partial(_protect, _level),
        ready=True,
        touches=1,
    )


@_PROTECTS.test("12.1", "credProtect is 1, 2 or 3.", ready=True, touches=1)
def unknown_level_of_protection(subject: Subject) -> None:
    """CredProtect 4 is an error."""
    request = subject.ceremonies.make_request(extensions={"credProtect": 4})
    subject.call(Command.MAKE_CREDENTIAL, request).must(
        CtapStatus.INVALID_OPTION, CtapStatus.INVALID_PARAMETER, CtapStatus.CBOR_UNEXPECTED_TYPE
    )


def _unverified(level: int, found: bool, rk: bool, subject: Subject) -> None:
    protect = {"credProtect": level}
    rp_id = subject.ceremonies.another_rp() if rk else RP_ID
    made = subject.ceremonies.make(rk=rk, rp_id=rp_id, extensions=protect)
    request = subject.ceremonies.sign_request(rp_id=rp_id, allow=[made.id], authorised=False)
    reply = subject.call(Command.GET_ASSERTION, request)
    reply.must(CtapStatus.SUCCESS if found else CtapStatus.NO_CREDENTIALS)
    subject.ceremonies.sign(made)


for _level, _found, _rk in (
    (1, True, False),
    (2, True, False),
    (3, False, False),
    (2, True, True),
    (3, False, True),
):
    _PROTECTS.add(
        f"{'discoverable-' if _rk else ''}cred-protect-{_level}-in-an-allow-list",
        "12.1",
        f"A {'discoverable ' if _rk else ''}credential with credProtect {_level} that an allow "
        "list names "
        f"{'signs' if _found else 'is NO_CREDENTIALS'} without verification, and signs with it.",
        "Level 3 needs user verification always, level 2 unless the credential ID is known.",
        partial(_unverified, _level, _found, _rk),
        when=[NOT_ALWAYS_UV, *([STORES] if _rk else [])],
        pin=Pin.SET,
        touches=3,
        changes=ONE if _rk else "",
    )


def _undiscovered(level: int, subject: Subject) -> None:
    made = subject.ceremonies.make_discoverable({"credProtect": level})
    request = subject.ceremonies.sign_request(rp_id=made.rp_id, authorised=False)
    subject.call(Command.GET_ASSERTION, request).must(CtapStatus.NO_CREDENTIALS)
    subject.ceremonies.authenticate(subject.ceremonies.sign_request(rp_id=made.rp_id), made)


for _level, _name in (
    (2, "protected-credential-is-not-discovered"),
    (3, "cred-protect-3-is-not-discovered"),
):
    _PROTECTS.add(
        _name,
        "12.1",
        f"A discoverable credential with credProtect {_level} is found by verified users only.",
        "Levels 2 and 3 need user verification when no allow list names the credential.",
        partial(_undiscovered, _level),
        when=[STORES, NOT_ALWAYS_UV],
        pin=Pin.SET,
        touches=3,
        changes=ONE,
    )


@_PROTECTS.test(
    "6.1.2 step 12",
    "A credential with credProtect 3 excludes for verified users only.",
    when=[option_is("makeCredUvNotRqd", value=True)],
    pin=Pin.SET,
    touches=3,
)
def protected_credential_does_not_exclude(subject: Subject) -> None:
    """A credential with credProtect 3 excludes with a token, and without one it does not show."""
    made = subject.ceremonies.make(extensions={"credProtect": 3})
    listed = {0x05: [descriptor(made.id)]}
    request = subject.ceremonies.make_request() | listed
    subject.call(Command.MAKE_CREDENTIAL, request).must(CtapStatus.CREDENTIAL_EXCLUDED)
    subject.ceremonies.register(subject.ceremonies.make_request(authorised=False) | listed)


@_PROTECTS.test(
    "12.1",
    "U2F verifies no user, so credentials with credProtect 3 are not for it.",
    when=[U2F, NOT_ALWAYS_UV],
    ready=True,
    touches=1,
)
def protected_credential_is_not_for_u2f(subject: Subject) -> None:
    """U2F does not know a credential with credProtect 3."""
    made = subject.ceremonies.make(extensions={"credProtect": 3})
    known = u2f_handle_is_known(subject, made.id)
    expect(not known, "6A80 WRONG_DATA for the credential ID", "the key knows it")


# hmac-secret.

_HMAC = CHAPTER.given(when=[has_extension("hmac-secret")])
_READY = _HMAC.given(ready=True)


@dataclass(frozen=True, slots=True)
class _Salts:
    """An hmac-secret input and what opens its output."""

    shared: Shared
    salts: bytes

    def input(self, *, spoil: bool = False) -> dict[int, Any]:
        sealed = self.shared.encrypt(self.salts)
        auth = self.shared.authenticate(sealed)
        if spoil:
            auth = auth[:-1] + bytes([auth[-1] ^ 1])
        members: dict[int, Any] = {1: dict(self.shared.public), 2: sealed, 3: auth}
        if self.shared.protocol != 1:
            members[4] = self.shared.protocol
        return members

    def opened(self, auth: AuthData, name: str = "hmac-secret") -> bytes:
        sealed = _output(auth, name, bytes)
        try:
            found = self.shared.decrypt(sealed)
        except ValueError as error:
            raise Failure("an encrypted output", str(error)) from error
        fits = len(found) == len(self.salts)
        expect(fits, f"{len(self.salts)} bytes of output", f"{len(found)} bytes")
        return found


def _salted(subject: Subject, salts: bytes, protocol: int | None = None) -> _Salts:
    return _Salts(subject.pins.agree(protocol), salts)


def _secret(
    subject: Subject,
    made: Made,
    salts: bytes,
    protocol: int | None = None,
    *,
    verified: bool = True,
) -> bytes:
    """What a credential makes of salts."""
    subject.presence()
    asked = _salted(subject, salts, protocol)
    signed = subject.ceremonies.sign(
        made, authorised=verified, extensions={"hmac-secret": asked.input()}
    )
    return asked.opened(signed.auth)


def _with_hmac(subject: Subject) -> Made:
    made = subject.ceremonies.make(extensions={"hmac-secret": True})
    expect(_output(made.auth, "hmac-secret", bool), "hmac-secret true", "false")
    return made


def _hmac_secret(protocol: int, subject: Subject) -> None:
    made = _with_hmac(subject)
    one, two = subject.random_bytes(_SALT), subject.random_bytes(_SALT)
    single = _secret(subject, made, one, protocol)
    double = _secret(subject, made, one + two, protocol)
    expect(double[:_SALT] == single, *_SAME_SECRET)
    expect(double[_SALT:] != single, "another secret for another salt", "the same one")


for _protocol in (1, 2):
    _READY.add(
        f"hmac-secret-by-protocol-{_protocol}",
        "12.5",
        f"A credential makes the same secret of the same salt, by protocol {_protocol}.",
        "The output is an HMAC of each salt under a secret of the credential, encrypted under the "
        "shared secret.",
        partial(_hmac_secret, _protocol),
        when=[speaks_protocol(_protocol)],
        touches=3,
    )


@_READY.test("12.5", "Each credential has its own secret.", touches=4)
def secrets_of_credentials_differ(subject: Subject) -> None:
    """Two credentials make different secrets of one salt."""
    one, other, salt = _with_hmac(subject), _with_hmac(subject), subject.random_bytes(_SALT)
    differ("secrets", _secret(subject, one, salt), _secret(subject, other, salt))


@_HMAC.test(
    "12.5",
    "A credential has two secrets, with and without user verification.",
    when=[SINCE_2_1, NOT_ALWAYS_UV],
    pin=Pin.SET,
    touches=3,
)
def secret_depends_on_verification(subject: Subject) -> None:
    """A credential makes another secret of a salt when the user was verified."""
    made, salt = _with_hmac(subject), subject.random_bytes(_SALT)
    verified = _secret(subject, made, salt)
    differ("secrets", verified, _secret(subject, made, salt, verified=False))


def _sign_salted(
    subject: Subject, size: int, *, up: bool | None = None, spoil: bool = False
) -> Reply:
    """Sign in with a new credential and a random salt."""
    made = _with_hmac(subject)
    if up is not False:
        subject.presence()
    salts = _salted(subject, subject.random_bytes(size)).input(spoil=spoil)
    request = subject.ceremonies.sign_request(
        allow=[made.id], up=up, extensions={"hmac-secret": salts}
    )
    return subject.call(Command.GET_ASSERTION, request)


@_READY.test("12.5", "saltAuth that does not fit is an error.", touches=2)
def wrong_salt_auth_is_refused(subject: Subject) -> None:
    """A saltAuth with one bit changed is an error, PIN_AUTH_INVALID since CTAP 2.1."""
    reply = _sign_salted(subject, _SALT, spoil=True).refused()
    if subject.facts.since_2_1:
        reply.must(CtapStatus.PIN_AUTH_INVALID)


@_READY.test("12.5", "There are one or two salts of 32 bytes.", touches=2)
def salt_of_sixteen_bytes_is_refused(subject: Subject) -> None:
    """A salt of 16 bytes is INVALID_LENGTH."""
    _sign_salted(subject, 16).must(*LENGTH)


@_READY.test("12.5", "hmac-secret takes user presence.", when=[SINCE_2_1], touches=1)
def secret_takes_a_touch(subject: Subject) -> None:
    """The extension hmac-secret with up false is UNSUPPORTED_OPTION."""
    reply = _sign_salted(subject, _SALT, up=False)
    reply.must(CtapStatus.UNSUPPORTED_OPTION, CtapStatus.INVALID_OPTION)


_HMAC_MC = CHAPTER.given(when=[has_extension("hmac-secret-mc")], ready=True)


@_HMAC_MC.test(
    "CTAP 2.2 §12, hmac-secret-mc",
    "The secret that makeCredential gives is that of getAssertion.",
    touches=2,
)
def secret_at_registration(subject: Subject) -> None:
    """The extension hmac-secret-mc gives at registration the secret that signing in gives later."""
    subject.presence()
    asked = _salted(subject, subject.random_bytes(_SALT))
    made = subject.ceremonies.make(
        extensions={"hmac-secret": True, "hmac-secret-mc": asked.input()}
    )
    at_once = asked.opened(made.auth, "hmac-secret-mc")
    expect(_secret(subject, made, asked.salts) == at_once, *_SAME_SECRET)


@_HMAC_MC.test(
    "CTAP 2.2 §12, hmac-secret-mc", "hmac-secret-mc needs hmac-secret true beside it.", touches=1
)
def secret_at_registration_needs_hmac_secret(subject: Subject) -> None:
    """The extension hmac-secret-mc alone is an error."""
    subject.presence()
    asked = _salted(subject, subject.random_bytes(_SALT))
    request = subject.ceremonies.make_request(extensions={"hmac-secret-mc": asked.input()})
    subject.call(Command.MAKE_CREDENTIAL, request).refused()


# credBlob.

_BLOB = CHAPTER.given(when=[has_extension("credBlob"), STORES], pin=Pin.SET, touches=2, changes=ONE)


@_BLOB.test("12.2", "A credBlob is stored with a credential and given back.")
def blob_comes_back(subject: Subject) -> None:
    """A credBlob of 32 bytes is stored and comes back when signing in."""
    blob = subject.random_bytes(32)
    made = subject.ceremonies.make_discoverable({"credBlob": blob})
    expect(_output(made.auth, "credBlob", bool), "credBlob true", "false")
    signed = subject.ceremonies.sign(made, extensions={"credBlob": True})
    stored = _output(signed.auth, "credBlob", bytes)
    expect(stored == blob, "the blob that was stored", "another one")


@_BLOB.test("12.2", "A credBlob longer than maxCredBlobLength is not stored: the output is false.")
def blob_that_is_too_long(subject: Subject) -> None:
    """A credBlob of one byte too many is not stored, and the credential is made."""
    blob = bytes(subject.facts.number(0x0F, 32) + 1)
    made = subject.ceremonies.make_discoverable({"credBlob": blob})
    expect(not _output(made.auth, "credBlob", bool), "credBlob false", "true")


# largeBlobKey.

_BLOB_KEY = CHAPTER.given(when=[has_extension("largeBlobKey")])


@_BLOB_KEY.test(
    "12.3",
    "A credential with a largeBlobKey gives the same 32 bytes at registration and later.",
    when=[STORES],
    pin=Pin.SET,
    touches=2,
    changes=ONE,
)
def large_blob_key_is_the_same(subject: Subject) -> None:
    """A largeBlobKey has 32 bytes, and signing in gives the same as registration."""
    made = subject.ceremonies.make_discoverable({"largeBlobKey": True})
    key = made.reply.member(0x05, bytes)
    expect(len(key) == 32, "a largeBlobKey of 32 bytes", f"{len(key)} bytes")
    signed = subject.ceremonies.sign(made, extensions={"largeBlobKey": True})
    same = signed.reply.member(0x07, bytes) == key
    expect(same, "the largeBlobKey of registration", "another one")


def _refuse_key(subject: Subject, *, value: bool, rk: bool) -> None:
    request = subject.ceremonies.make_request(rk=rk, extensions={"largeBlobKey": value})
    subject.call(Command.MAKE_CREDENTIAL, request).must(CtapStatus.INVALID_OPTION)


@_BLOB_KEY.test(
    "12.3",
    "Each credential has its own largeBlobKey.",
    when=[STORES],
    pin=Pin.SET,
    touches=2,
    changes="makes two discoverable credentials and deletes them",
)
def large_blob_keys_differ(subject: Subject) -> None:
    """Two credentials have different largeBlobKeys."""
    makes = [subject.ceremonies.make_discoverable({"largeBlobKey": True}) for _ in range(2)]
    differ("largeBlobKeys", *(made.reply.member(0x05, bytes) for made in makes))


@_BLOB_KEY.test("12.3", "largeBlobKey is true or absent.", when=[STORES], pin=Pin.SET, touches=1)
def large_blob_key_false(subject: Subject) -> None:
    """The extension largeBlobKey with false is INVALID_OPTION."""
    _refuse_key(subject, value=False, rk=True)


@_BLOB_KEY.test("12.3", "largeBlobKey is for discoverable credentials.", ready=True, touches=1)
def large_blob_key_not_discoverable(subject: Subject) -> None:
    """The extension largeBlobKey without option rk is INVALID_OPTION."""
    _refuse_key(subject, value=True, rk=False)


# thirdPartyPayment.


@CHAPTER.test(
    "CTAP 2.2 §12, thirdPartyPayment",
    "The output says whether the credential is for payments.",
    when=[has_extension("thirdPartyPayment"), STORES],
    pin=Pin.SET,
    touches=2,
    changes=ONE,
)
def payment_credential_says_so(subject: Subject) -> None:
    """A credential that was made for payments says so when signing in."""
    made = subject.ceremonies.make_discoverable({"thirdPartyPayment": True})
    signed = subject.ceremonies.sign(made, extensions={"thirdPartyPayment": True})
    told = _output(signed.auth, "thirdPartyPayment", bool)
    expect(told, "thirdPartyPayment true", "false")


# minPinLength: who may read it is set by authenticatorConfig.


@CHAPTER.test(
    "12.4",
    "An RP that is not on the list is not told the minimum PIN length.",
    when=[has_extension("minPinLength")],
    ready=True,
    touches=1,
)
def stranger_is_not_told_the_pin_length(subject: Subject) -> None:
    """A relying party that was not set for it gets no minPinLength."""
    made = subject.ceremonies.make(rp_id=f"nobody.{RP_ID}", extensions={"minPinLength": True})
    told = made.auth.extensions.get("minPinLength")
    expect("minPinLength" not in made.auth.extensions, "no minPinLength", told)
