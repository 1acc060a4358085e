"""Extensions of makeCredential and getAssertion. CTAP 2.1 section 12 and CTAP 2.2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from mfalab.devices.ctap.commands import Command
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.conformance.ceremonies import RP_ID, AuthData, Made
from mfalab.simulator.conformance.facts import CTAP2, SINCE_2_1, Facts, has_extension, option_is
from mfalab.simulator.conformance.pin_protocols import Shared
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter, Condition, Pin
from mfalab.simulator.conformance.verdicts import Failure

__all__ = ["CHAPTER"]

CHAPTER = Chapter("Extensions", "CTAP 2.1", when=[CTAP2])

_STORES: Final = option_is("rk", value=True)
_ONE: Final = "makes a discoverable credential and deletes it"
_SALT: Final = 32


def _output(auth: AuthData, name: str, kind: type) -> Any:
    found = auth.extensions.get(name)
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        expected = f"extension output {name} as {kind.__name__}, as the key announces it"
        raise Failure(expected, "nothing" if found is None else f"{found!r:.60}")
    return found


# credProtect.

_PROTECTS: Final = has_extension("credProtect")


def _protect(level: int, subject: Subject) -> None:
    made = subject.ceremonies.make(extensions={"credProtect": level})
    output = _output(made.auth, "credProtect", int)
    if output != level:
        raise Failure(f"credProtect {level}", str(output))


for _level in (1, 2, 3):
    CHAPTER.add(
        f"cred-protect-{_level}",
        "12.1",
        f"A credential is made with credProtect {_level}, and the output says so.",
        "The output of credProtect is the level that the credential has.",
        partial(_protect, _level),
        when=[_PROTECTS],
        ready=True,
        touches=1,
    )


@CHAPTER.test("12.1", "credProtect is 1, 2 or 3.", when=[_PROTECTS], ready=True, touches=1)
def unknown_level_of_protection(subject: Subject) -> None:
    """CredProtect 4 is an error."""
    request = subject.ceremonies.make_request(extensions={"credProtect": 4})
    subject.call(Command.MAKE_CREDENTIAL, request).must(
        CtapStatus.INVALID_OPTION, CtapStatus.INVALID_PARAMETER, CtapStatus.CBOR_UNEXPECTED_TYPE
    )


def _needs_no_verification(facts: Facts) -> str | None:
    return "alwaysUv is on" if facts.options.get("alwaysUv") else None


def _unverified(level: int, found: bool, subject: Subject) -> None:
    made = subject.ceremonies.make(extensions={"credProtect": level})
    request = subject.ceremonies.sign_request(allow=[made.id], authorised=False)
    reply = subject.call(Command.GET_ASSERTION, request)
    reply.must(CtapStatus.SUCCESS if found else CtapStatus.NO_CREDENTIALS)
    subject.ceremonies.sign(made)


for _level, _found in ((1, True), (2, True), (3, False)):
    CHAPTER.add(
        f"cred-protect-{_level}-in-an-allow-list",
        "12.1",
        f"A credential with credProtect {_level} that an allow list names "
        f"{'signs' if _found else 'is NO_CREDENTIALS'} without verification, and signs with it.",
        "Level 3 needs user verification always, level 2 unless the credential ID is known.",
        partial(_unverified, _level, _found),
        when=[_PROTECTS, _needs_no_verification],
        pin=Pin.SET,
        touches=3,
    )


@CHAPTER.test(
    "12.1",
    "Level 2 needs user verification when no allow list names the credential.",
    when=[_PROTECTS, _STORES, _needs_no_verification],
    pin=Pin.SET,
    touches=3,
    changes=_ONE,
)
def protected_credential_is_not_discovered(subject: Subject) -> None:
    """A discoverable credential with credProtect 2 is found by verified users only."""
    rp_id = subject.ceremonies.another_rp()
    made = subject.ceremonies.make(rk=True, rp_id=rp_id, extensions={"credProtect": 2})
    request = subject.ceremonies.sign_request(rp_id=rp_id, authorised=False)
    subject.call(Command.GET_ASSERTION, request).must(CtapStatus.NO_CREDENTIALS)
    subject.ceremonies.authenticate(subject.ceremonies.sign_request(rp_id=rp_id), made)


# hmac-secret.

_HMAC: Final = has_extension("hmac-secret")


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
        if len(found) != len(self.salts):
            raise Failure(f"{len(self.salts)} bytes of output", f"{len(found)} bytes")
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
    if _output(made.auth, "hmac-secret", bool) is not True:
        raise Failure("hmac-secret true", "false")
    return made


def _speaks(protocol: int) -> Condition:
    def why_not(facts: Facts) -> str | None:
        if protocol in facts.protocols:
            return None
        return f"the key does not speak PIN/UV auth protocol {protocol}"

    return why_not


def _hmac_secret(protocol: int, subject: Subject) -> None:
    made = _with_hmac(subject)
    one, two = subject.random_bytes(_SALT), subject.random_bytes(_SALT)
    single = _secret(subject, made, one, protocol)
    double = _secret(subject, made, one + two, protocol)
    if double[:_SALT] != single:
        raise Failure("the same secret for the same salt", "another one")
    if double[_SALT:] == single:
        raise Failure("another secret for another salt", "the same one")


for _protocol in (1, 2):
    CHAPTER.add(
        f"hmac-secret-by-protocol-{_protocol}",
        "12.5",
        f"A credential makes the same secret of the same salt, by protocol {_protocol}.",
        "The output is an HMAC of each salt under a secret of the credential, encrypted under the "
        "shared secret.",
        partial(_hmac_secret, _protocol),
        when=[_HMAC, _speaks(_protocol)],
        ready=True,
        touches=3,
    )


@CHAPTER.test("12.5", "Each credential has its own secret.", when=[_HMAC], ready=True, touches=4)
def secrets_of_credentials_differ(subject: Subject) -> None:
    """Two credentials make different secrets of one salt."""
    one, other, salt = _with_hmac(subject), _with_hmac(subject), subject.random_bytes(_SALT)
    if _secret(subject, one, salt) == _secret(subject, other, salt):
        raise Failure("two secrets", "the same one twice")


@CHAPTER.test(
    "12.5",
    "A credential has two secrets, with and without user verification.",
    when=[_HMAC, SINCE_2_1, _needs_no_verification],
    pin=Pin.SET,
    touches=3,
)
def secret_depends_on_verification(subject: Subject) -> None:
    """A credential makes another secret of a salt when the user was verified."""
    made, salt = _with_hmac(subject), subject.random_bytes(_SALT)
    if _secret(subject, made, salt) == _secret(subject, made, salt, verified=False):
        raise Failure("two secrets", "the same one twice")


@CHAPTER.test(
    "12.5", "saltAuth that does not fit is an error.", when=[_HMAC], ready=True, touches=2
)
def wrong_salt_auth_is_refused(subject: Subject) -> None:
    """A saltAuth with one bit changed is an error, PIN_AUTH_INVALID since CTAP 2.1."""
    made = _with_hmac(subject)
    subject.presence()
    spoiled = _salted(subject, subject.random_bytes(_SALT)).input(spoil=True)
    request = subject.ceremonies.sign_request(allow=[made.id], extensions={"hmac-secret": spoiled})
    reply = subject.call(Command.GET_ASSERTION, request).refused()
    if subject.facts.since_2_1:
        reply.must(CtapStatus.PIN_AUTH_INVALID)


@CHAPTER.test(
    "12.5", "There are one or two salts of 32 bytes.", when=[_HMAC], ready=True, touches=2
)
def salt_of_sixteen_bytes_is_refused(subject: Subject) -> None:
    """A salt of 16 bytes is INVALID_LENGTH."""
    made = _with_hmac(subject)
    subject.presence()
    short = _salted(subject, subject.random_bytes(16)).input()
    request = subject.ceremonies.sign_request(allow=[made.id], extensions={"hmac-secret": short})
    subject.call(Command.GET_ASSERTION, request).must(
        CtapStatus.INVALID_LENGTH, CtapStatus.INVALID_PARAMETER
    )


@CHAPTER.test(
    "12.5", "hmac-secret takes user presence.", when=[_HMAC, SINCE_2_1], ready=True, touches=1
)
def secret_takes_a_touch(subject: Subject) -> None:
    """The extension hmac-secret with up false is UNSUPPORTED_OPTION."""
    made = _with_hmac(subject)
    asked = _salted(subject, subject.random_bytes(_SALT)).input()
    request = subject.ceremonies.sign_request(
        allow=[made.id], up=False, extensions={"hmac-secret": asked}
    )
    subject.call(Command.GET_ASSERTION, request).must(
        CtapStatus.UNSUPPORTED_OPTION, CtapStatus.INVALID_OPTION
    )


_HMAC_MC: Final = has_extension("hmac-secret-mc")


@CHAPTER.test(
    "CTAP 2.2 §12, hmac-secret-mc",
    "The secret that makeCredential gives is that of getAssertion.",
    when=[_HMAC_MC],
    ready=True,
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
    if _secret(subject, made, asked.salts) != at_once:
        raise Failure("the same secret for the same salt", "another one")


@CHAPTER.test(
    "CTAP 2.2 §12, hmac-secret-mc",
    "hmac-secret-mc needs hmac-secret true beside it.",
    when=[_HMAC_MC],
    ready=True,
    touches=1,
)
def secret_at_registration_needs_hmac_secret(subject: Subject) -> None:
    """The extension hmac-secret-mc alone is an error."""
    subject.presence()
    asked = _salted(subject, subject.random_bytes(_SALT))
    request = subject.ceremonies.make_request(extensions={"hmac-secret-mc": asked.input()})
    subject.call(Command.MAKE_CREDENTIAL, request).refused()


# credBlob.

_BLOB: Final = has_extension("credBlob")


@CHAPTER.test(
    "12.2",
    "A credBlob is stored with a credential and given back.",
    when=[_BLOB, _STORES],
    pin=Pin.SET,
    touches=2,
    changes=_ONE,
)
def blob_comes_back(subject: Subject) -> None:
    """A credBlob of 32 bytes is stored and comes back when signing in."""
    blob, rp_id = subject.random_bytes(32), subject.ceremonies.another_rp()
    made = subject.ceremonies.make(rk=True, rp_id=rp_id, extensions={"credBlob": blob})
    if _output(made.auth, "credBlob", bool) is not True:
        raise Failure("credBlob true", "false")
    signed = subject.ceremonies.sign(made, extensions={"credBlob": True})
    if _output(signed.auth, "credBlob", bytes) != blob:
        raise Failure("the blob that was stored", "another one")


@CHAPTER.test(
    "12.2",
    "A credBlob longer than maxCredBlobLength is not stored: the output is false.",
    when=[_BLOB, _STORES],
    pin=Pin.SET,
    touches=2,
    changes=_ONE,
)
def blob_that_is_too_long(subject: Subject) -> None:
    """A credBlob of one byte too many is not stored, and the credential is made."""
    blob = bytes(subject.facts.number(0x0F, 32) + 1)
    rp_id = subject.ceremonies.another_rp()
    made = subject.ceremonies.make(rk=True, rp_id=rp_id, extensions={"credBlob": blob})
    if _output(made.auth, "credBlob", bool) is not False:
        raise Failure("credBlob false", "true")


# largeBlobKey.

_BLOB_KEY: Final = has_extension("largeBlobKey")


@CHAPTER.test(
    "12.3",
    "A credential with a largeBlobKey gives the same 32 bytes at registration and later.",
    when=[_BLOB_KEY, _STORES],
    pin=Pin.SET,
    touches=2,
    changes=_ONE,
)
def large_blob_key_is_the_same(subject: Subject) -> None:
    """A largeBlobKey has 32 bytes, and signing in gives the same as registration."""
    rp_id = subject.ceremonies.another_rp()
    made = subject.ceremonies.make(rk=True, rp_id=rp_id, extensions={"largeBlobKey": True})
    key = made.reply.member(0x05, bytes)
    if len(key) != 32:
        raise Failure("a largeBlobKey of 32 bytes", f"{len(key)} bytes")
    signed = subject.ceremonies.sign(made, extensions={"largeBlobKey": True})
    if signed.reply.member(0x07, bytes) != key:
        raise Failure("the largeBlobKey of registration", "another one")


def _refused_key(value: bool, rk: bool, subject: Subject) -> None:
    request = subject.ceremonies.make_request(rk=rk, extensions={"largeBlobKey": value})
    subject.call(Command.MAKE_CREDENTIAL, request).must(CtapStatus.INVALID_OPTION)


CHAPTER.add(
    "large-blob-key-false",
    "12.3",
    "The extension largeBlobKey with false is INVALID_OPTION.",
    "largeBlobKey is true or absent.",
    partial(_refused_key, False, True),
    when=[_BLOB_KEY, _STORES],
    pin=Pin.SET,
    touches=1,
)
CHAPTER.add(
    "large-blob-key-not-discoverable",
    "12.3",
    "The extension largeBlobKey without option rk is INVALID_OPTION.",
    "largeBlobKey is for discoverable credentials.",
    partial(_refused_key, True, False),
    when=[_BLOB_KEY],
    ready=True,
    touches=1,
)


# thirdPartyPayment.


@CHAPTER.test(
    "CTAP 2.2 §12, thirdPartyPayment",
    "The output says whether the credential is for payments.",
    when=[has_extension("thirdPartyPayment"), _STORES],
    pin=Pin.SET,
    touches=2,
    changes=_ONE,
)
def payment_credential_says_so(subject: Subject) -> None:
    """A credential that was made for payments says so when signing in."""
    rp_id = subject.ceremonies.another_rp()
    made = subject.ceremonies.make(rk=True, rp_id=rp_id, extensions={"thirdPartyPayment": True})
    signed = subject.ceremonies.sign(made, extensions={"thirdPartyPayment": True})
    if _output(signed.auth, "thirdPartyPayment", bool) is not True:
        raise Failure("thirdPartyPayment true", "false")


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
    if "minPinLength" in made.auth.extensions:
        raise Failure("no minPinLength", str(made.auth.extensions["minPinLength"]))
