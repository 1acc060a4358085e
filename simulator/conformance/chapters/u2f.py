"""CTAP1/U2F: version, registration and authentication. FIDO U2F Raw Message Formats 1.2.

Without presence a U2F request is refused at once and the client asks again, so `polled` here does
what clients do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_der_x509_certificate

from mfalab.simulator.clocks.durations import NS_PER_MS
from mfalab.simulator.conformance.ceremonies import RP_ID
from mfalab.simulator.conformance.facts import CTAP2, NOT_ALWAYS_UV, U2F
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import Failure, differ, expect
from mfalab.simulator.traces.vocabulary import status_word_name

CHAPTER = Chapter("U2F", "U2F Raw Messages 1.2", when=[U2F])

_REGISTER, _AUTHENTICATE, _VERSION = 1, 2, 3
_CHECK_ONLY, _ENFORCE, _DO_NOT_ENFORCE = 0x07, 0x03, 0x08
_NO_ERROR: Final = 0x9000
_CONDITIONS: Final = 0x6985
_WRONG_DATA: Final = 0x6A80
_WRONG_LENGTH: Final = 0x6700
_POLL_NS: Final = 200 * NS_PER_MS
_FORGOTTEN_NS: Final = 2000 * NS_PER_MS
"""How long a key goes on blinking for a U2F request that is not repeated."""
_PATIENCE_NS: Final = 30_000 * NS_PER_MS
_APPLICATION: Final = sha256(RP_ID.encode()).digest()


@dataclass(frozen=True, slots=True)
class Registered:
    """A U2F registration.

    Attributes:
        key_handle: the key handle.
        public_key: the public key, verified to be on its curve.
        challenge: what was signed.
        certificate: the attestation certificate, DER.
        signature: over all of it.
    """

    key_handle: bytes
    public_key: ec.EllipticCurvePublicKey
    challenge: bytes
    certificate: bytes
    signature: bytes


def _expect_word(word: int, *expected: int) -> None:
    wanted = " or ".join(status_word_name(each) for each in expected)
    expect(word in expected, wanted, status_word_name(word))


def _expect_error(word: int) -> None:
    expect(word != _NO_ERROR, "an error", status_word_name(word))


def polled(subject: Subject, ins: int, p1: int, data: bytes) -> bytes:
    """Ask until the touch has come; returns the data of the answer.

    Raises:
        Failure: it does not succeed.
    """
    subject.presence()
    until_ns = subject.now_ns + _PATIENCE_NS
    while True:
        word, answer = subject.u2f(ins, p1, data)
        if word != _CONDITIONS or subject.now_ns > until_ns:
            _expect_word(word, _NO_ERROR)
            return answer
        subject.announcer.blink(max(0, until_ns - subject.now_ns))
        subject.fixture.wait(_POLL_NS)


def u2f_register(subject: Subject, application: bytes = _APPLICATION) -> Registered:
    """Register, and take the answer apart.

    Raises:
        Failure: the answer has another form.
    """
    challenge = subject.random_bytes(32)
    raw = polled(subject, _REGISTER, _ENFORCE, challenge + application)
    expect(raw[:1] == b"\x05", "the reserved byte 0x05", f"0x{raw[:1].hex()}")
    point, rest = raw[1:66], raw[66:]
    whole = 1 < 1 + rest[0] <= len(rest) if rest else False
    expect(whole, "a key handle of the length that is told", f"{len(rest)} bytes")
    key_handle, rest = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
    size = _der_size(rest)
    try:
        public_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise Failure("a public key that is a point of P-256", str(error)) from error
    registered = Registered(key_handle, public_key, challenge, rest[:size], rest[size:])
    if subject.witness is None and application == _APPLICATION:
        subject.witness = lambda: _authenticated(subject, registered, _DO_NOT_ENFORCE)
    return registered


def _der_size(der: bytes) -> int:
    """How long the DER sequence is with which some bytes begin."""
    is_sequence = len(der) >= 4 and der[0] == 0x30
    expect(is_sequence, "an X.509 certificate in DER", f"0x{der[:1].hex()}")
    if der[1] < 0x80:
        return 2 + der[1]
    count = der[1] & 0x7F
    return 2 + count + int.from_bytes(der[2 : 2 + count])


def _verify(key: object, signature: bytes, message: bytes) -> None:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Failure("an elliptic curve key in the certificate", type(key).__name__)
    try:
        key.verify(signature, message, ec.ECDSA(SHA256()))
    except InvalidSignature as error:
        raise Failure("a signature that verifies", "one that does not") from error


def _stay_away(subject: Subject) -> None:
    """Leave the key untouched; what it still waits for is over before the next test begins."""

    def forgotten() -> None:
        subject.fixture.wait(_FORGOTTEN_NS)
        if subject.has_reports:
            subject.hid.ping(subject.channel)

    subject.user.stay_away()
    subject.after(forgotten)


def _request(subject: Subject, key_handle: bytes, application: bytes = _APPLICATION) -> bytes:
    return subject.random_bytes(32) + application + bytes([len(key_handle)]) + key_handle


def _authenticated(
    subject: Subject, registered: Registered, control: int = _ENFORCE
) -> tuple[int, int]:
    """Sign in, and verify the signature; returns user presence byte and counter."""
    data = _request(subject, registered.key_handle)
    if control == _ENFORCE:
        answer = polled(subject, _AUTHENTICATE, control, data)
    else:
        word, answer = subject.u2f(_AUTHENTICATE, control, data)
        _expect_word(word, _NO_ERROR)
    expect(len(answer) >= 6, "user presence, counter and signature", f"{len(answer)} bytes")
    _verify(registered.public_key, answer[5:], _APPLICATION + answer[:5] + data[:32])
    counter = int.from_bytes(answer[1:5])
    subject.count(registered.key_handle, counter)
    return answer[0], counter


def u2f_handle_is_known(subject: Subject, key_handle: bytes) -> bool:
    """Whether a key says that a key handle is its own."""
    data = _request(subject, key_handle)
    return subject.u2f(_AUTHENTICATE, _CHECK_ONLY, data)[0] == _CONDITIONS


# Version, and requests that are none.


@CHAPTER.test("6", "GetVersion answers the text U2F_V2 without a trailing zero.")
def version_is_u2f_v2(subject: Subject) -> None:
    """VERSION answers U2F_V2."""
    word, data = subject.u2f(_VERSION)
    _expect_word(word, _NO_ERROR)
    expect(data == b"U2F_V2", "U2F_V2", repr(data))


@CHAPTER.test("3.1", "An APDU whose lengths contradict each other is 6700.")
def version_with_data_is_refused(subject: Subject) -> None:
    """VERSION with data is WRONG_LENGTH."""
    _expect_word(subject.u2f(_VERSION, data=b"data")[0], _WRONG_LENGTH)


@CHAPTER.test("3.3", "An instruction that is not supported is 6D00.")
def unknown_instruction_is_refused(subject: Subject) -> None:
    """An unknown instruction is INS_NOT_SUPPORTED."""
    _expect_word(subject.u2f(0x3F)[0], 0x6D00)


@CHAPTER.test("3.3", "A class byte that is not supported is 6E00.")
def unknown_class_is_refused(subject: Subject) -> None:
    """A class byte other than 0 is CLA_NOT_SUPPORTED."""
    if not subject.has_reports:
        # On a card other classes are those of NFCCTAP.
        _expect_word(subject.u2f(_VERSION, cla=0x70)[0], 0x6E00, 0x6D00)
        return
    _expect_word(subject.u2f(_VERSION, cla=0x70)[0], 0x6E00)


def _bad_apdu(apdu: bytes, subject: Subject) -> None:
    _expect_error(subject.u2f_raw(apdu)[0])


for _name, _what, _apdu in (
    ("apdu-of-two-bytes", "An APDU of two bytes", b"\0\3"),
    ("apdu-cut-short", "An APDU with less data than it says", bytes((0, 1, 3, 0, 0, 0, 64)) + b"x"),
    (
        "apdu-too-long",
        "An APDU with more data than it says",
        bytes((0, 2, 3, 0, 0, 0, 1)) + b"xxxxx",
    ),
):
    CHAPTER.add(
        _name,
        "3.1",
        f"{_what} is an error, never silence.",
        "Lengths that contradict each other are an error.",
        partial(_bad_apdu, _apdu),
        when=[lambda facts: None if facts.init else "python-fido2 sends no such APDU to a card"],
    )


# Registration.


@CHAPTER.test("4.1", "A registration request has 64 bytes.")
def registration_of_wrong_length_is_refused(subject: Subject) -> None:
    """REGISTER with 63 or 65 bytes is WRONG_LENGTH."""
    for length in (63, 65):
        _expect_word(subject.u2f(_REGISTER, _ENFORCE, bytes(length))[0], _WRONG_LENGTH)


@CHAPTER.test(
    "4.2", "Without user presence a registration is 6985 at once, and the client asks again."
)
def registration_without_touch_is_refused(subject: Subject) -> None:
    """REGISTER without a touch is CONDITIONS_NOT_SATISFIED at once."""
    if not subject.has_reports:
        polled(subject, _REGISTER, _ENFORCE, bytes(64))  # this uses up the tap
    _stay_away(subject)
    before_ns = subject.now_ns
    word, _ = subject.u2f(_REGISTER, _ENFORCE, bytes(64))
    _expect_word(word, _CONDITIONS)
    lasted_ns = subject.now_ns - before_ns
    at_once = lasted_ns <= 10 * _POLL_NS
    expect(at_once, "an answer at once", f"one after {lasted_ns // NS_PER_MS} ms")


@CHAPTER.test(
    "4.3",
    "A registration answers 0x05, the public key, the key handle, a certificate, and a signature "
    "by the certificate's key over 0x00, application, challenge, key handle and public key.",
    touches=1,
)
def registration_verifies(subject: Subject) -> None:
    """REGISTER with a touch gives a key, a handle and an attestation that verifies."""
    registered = u2f_register(subject)
    try:
        key = load_der_x509_certificate(registered.certificate).public_key()
    except ValueError as error:
        raise Failure("an X.509 certificate", str(error)) from error
    numbers = registered.public_key.public_numbers()
    point = b"\x04" + numbers.x.to_bytes(32) + numbers.y.to_bytes(32)
    signed = b"\0" + _APPLICATION + registered.challenge + registered.key_handle + point
    _verify(key, registered.signature, signed)


@CHAPTER.test("4.3", "Each registration makes a new key pair.", touches=2)
def registrations_differ(subject: Subject) -> None:
    """Two registrations have different keys and handles."""
    one, other = u2f_register(subject), u2f_register(subject)
    differ("key handles", one.key_handle, other.key_handle)
    differ("public keys", one.public_key.public_numbers(), other.public_key.public_numbers())


# Authentication.


@CHAPTER.test(
    "5.4",
    "An authentication answers the user presence byte, the counter, and a signature over "
    "application, both and the challenge.",
    touches=2,
)
def authentication_verifies(subject: Subject) -> None:
    """AUTHENTICATE with a touch gives a signature that verifies, and user presence."""
    presence, _ = _authenticated(subject, u2f_register(subject))
    expect(presence == 1, "user presence byte 0x01", f"0x{presence:02X}")


@CHAPTER.test("5.4", "The counter is counted up at every authentication.", touches=3)
def counter_grows(subject: Subject) -> None:
    """The counter of two authentications in a row grows, or is always 0."""
    registered = u2f_register(subject)
    (_, first), (_, second) = (_authenticated(subject, registered) for _ in range(2))
    grows = second > first or (first, second) == (0, 0)
    expect(grows, f"a counter above {first}", second)


@CHAPTER.test(
    "5.1", "Without user presence an authentication with control byte 0x03 is 6985.", touches=1
)
def authentication_without_touch_is_refused(subject: Subject) -> None:
    """AUTHENTICATE without a touch is CONDITIONS_NOT_SATISFIED."""
    registered = u2f_register(subject)
    _stay_away(subject)
    word, _ = subject.u2f(_AUTHENTICATE, _ENFORCE, _request(subject, registered.key_handle))
    _expect_word(word, _CONDITIONS)


@CHAPTER.test(
    "5.1",
    "Control byte 0x07 only asks whether the key handle is ours: 6985 says that it is.",
    touches=1,
)
def check_only_knows_its_handle(subject: Subject) -> None:
    """AUTHENTICATE with 0x07 and a handle of this key is CONDITIONS_NOT_SATISFIED."""
    registered = u2f_register(subject)
    word, _ = subject.u2f(_AUTHENTICATE, _CHECK_ONLY, _request(subject, registered.key_handle))
    _expect_word(word, _CONDITIONS)


@CHAPTER.test("5.1", "Control byte 0x08 signs without user presence, and says so.", touches=1)
def do_not_enforce_signs_without_touch(subject: Subject) -> None:
    """AUTHENTICATE with 0x08 signs without a touch and does not claim one."""
    registered = u2f_register(subject)
    _stay_away(subject)
    presence, _ = _authenticated(subject, registered, _DO_NOT_ENFORCE)
    expect(presence == 0, "user presence byte 0x00", f"0x{presence:02X}")


@CHAPTER.test("5.1", "There are three control bytes.", touches=1)
def unknown_control_byte_is_refused(subject: Subject) -> None:
    """AUTHENTICATE with another control byte is an error, touched or not."""
    registered = u2f_register(subject)
    for control in (0x00, 0xFF):
        word, _ = subject.u2f(_AUTHENTICATE, control, _request(subject, registered.key_handle))
        _expect_error(word)


def _strange_handle(spoil: Callable[[Subject, bytes], bytes], subject: Subject) -> None:
    handle = u2f_register(subject).key_handle
    for control in (_CHECK_ONLY, _ENFORCE):
        word, _ = subject.u2f(_AUTHENTICATE, control, spoil(subject, handle))
        _expect_word(word, _WRONG_DATA)


def _one_bit(subject: Subject, handle: bytes) -> bytes:
    return _request(subject, handle[:-1] + bytes([handle[-1] ^ 1]))


def _random(subject: Subject, handle: bytes) -> bytes:
    return _request(subject, subject.random_bytes(len(handle)))


def _of_another(subject: Subject, handle: bytes) -> bytes:
    return _request(subject, handle, subject.random_bytes(32))


def _none(subject: Subject, handle: bytes) -> bytes:
    return _request(subject, b"")


for _name, _what, _spoil in (
    ("changed-handle", "A key handle with one bit changed", _one_bit),
    ("random-handle", "A key handle of random bytes", _random),
    ("handle-of-another-application", "A key handle of another application", _of_another),
    ("empty-handle", "An empty key handle", _none),
):
    CHAPTER.add(
        f"{_name}-is-refused",
        "5.1",
        f"{_what} is WRONG_DATA, asked or signed.",
        "A key handle that this key did not make for this application is 6A80.",
        partial(_strange_handle, _spoil),
        touches=1,
    )


@CHAPTER.test("5.1", "A request has as many bytes as its key handle's length says.", touches=1)
def authentication_of_wrong_length_is_refused(subject: Subject) -> None:
    """AUTHENTICATE with a byte too few or too many is WRONG_LENGTH."""
    data = _request(subject, u2f_register(subject).key_handle)
    for wrong in (data[:64], data[:-1], data + b"\0"):
        _expect_word(subject.u2f(_AUTHENTICATE, _ENFORCE, wrong)[0], _WRONG_LENGTH)


# Beside CTAP2.


@CHAPTER.test(
    "CTAP 2.1 §10.3",
    "A U2F registration signs in by CTAP2: the key handle is its credential ID, the application is "
    "the SHA-256 of the RP ID.",
    when=[CTAP2, NOT_ALWAYS_UV],
    touches=2,
)
def u2f_registration_signs_in_ctap2(subject: Subject) -> None:
    """A credential that was registered by U2F signs in by getAssertion."""
    registered = u2f_register(subject)
    request = subject.ceremonies.sign_request(allow=[registered.key_handle], authorised=False)
    reply = subject.call(2, request)
    raw, signature = reply.member(0x02, bytes), reply.member(0x03, bytes)
    _verify(registered.public_key, signature, raw + request[0x02])
    subject.count(registered.key_handle, int.from_bytes(raw[33:37]))


@CHAPTER.test(
    "CTAP 2.1 §10.2",
    "A credential of CTAP2 on P-256 without further protection signs in by U2F.",
    when=[CTAP2, NOT_ALWAYS_UV],
    ready=True,
    touches=2,
)
def ctap2_credential_signs_in_u2f(subject: Subject) -> None:
    """A credential that was made by makeCredential signs in by U2F."""
    made = subject.ceremonies.make()
    numbers = made.auth.public_key
    point = ec.EllipticCurvePublicNumbers(
        int.from_bytes(numbers[-2]), int.from_bytes(numbers[-3]), ec.SECP256R1()
    )
    _authenticated(subject, Registered(made.id, point.public_key(), b"", b"", b""))
