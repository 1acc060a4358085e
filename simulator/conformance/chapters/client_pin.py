"""authenticatorClientPIN: key agreement, setting and changing, and tokens. CTAP 2.1 section 6.5."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from mfalab.devices.ctap.commands import Command, Permission, PinSubcommand
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.ceremonies import RP_ID
from mfalab.simulator.conformance.chapters.tokens import proved
from mfalab.simulator.conformance.facts import (
    CTAP2,
    HAS_TOKENS,
    MC_GA_BY_PIN,
    has_option,
    lacks_option,
    speaks_protocol,
)
from mfalab.simulator.conformance.pins import Pin
from mfalab.simulator.conformance.refusals import (
    INVALID,
    MISSING,
    TYPE,
    Refusal,
    Request,
    add_refusals,
    without,
)
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import differ, expect

CHAPTER = Chapter("clientPIN", "CTAP 2.1", when=[CTAP2, has_option("clientPin")])

_ABSENT = CHAPTER.given(pin=Pin.ABSENT)
_SET = CHAPTER.given(pin=Pin.SET)
_CHANGING = _SET.given(destructive=True, changes="nothing on a conforming key")
_TOKENS = _SET.given(when=[HAS_TOKENS])


# What needs no PIN.


@CHAPTER.test("6.5.5.2", "getPINRetries tells how many tries are left; it takes no PIN.")
def retries_are_told(subject: Subject) -> None:
    """GetPINRetries tells 0 to 8 tries, and whether power has to be cycled."""
    reply = subject.pins.call(PinSubcommand.GET_PIN_RETRIES)
    # The standard does not tell what a key without a PIN answers; sold keys differ.
    if reply.status == CtapStatus.PIN_NOT_SET and not subject.facts.options.get("clientPin"):
        return
    left = reply.member(0x03, int)
    expect(0 <= left <= 8, "0 to 8 tries", left)
    if 0x04 in reply.members():
        reply.member(0x04, bool)


def _key_agreement(protocol: int, subject: Subject) -> None:
    key = subject.pins.call(PinSubcommand.GET_KEY_AGREEMENT, {1: protocol}).member(0x01, dict)
    fits = set(key) == {1, 3, -1, -2, -3} and (key[1], key[3], key[-1]) == (2, -25, 1)
    expect(fits, "a COSE_Key with kty 2, alg -25, crv 1, x and y", sorted(map(str, key)))
    subject.pins.agree(protocol)


for _protocol in (1, 2):
    CHAPTER.add(
        f"key-agreement-by-protocol-{_protocol}",
        "6.5.5.3",
        f"getKeyAgreement gives a key on P-256 for protocol {_protocol}.",
        "The key agreement key is a COSE_Key with kty 2, alg -25, crv 1, x, y and nothing else.",
        partial(_key_agreement, _protocol),
        when=[speaks_protocol(_protocol)],
    )


def _send(subject: Subject, members: Request) -> Reply:
    request = members | ({1: subject.pins.protocol} if members.get(1) == 1 else {})
    return subject.call(Command.CLIENT_PIN, request)


_UNKNOWN: Final = (
    CtapStatus.INVALID_SUBCOMMAND,
    CtapStatus.INVALID_PARAMETER,
    CtapStatus.INVALID_COMMAND,
)

add_refusals(
    CHAPTER,
    _send,
    {
        "6.5.5": (
            Refusal("subcommand-absent", "subCommand is absent", {1: 1}, MISSING),
            Refusal("subcommand-is-text", "subCommand is a text", {1: 1, 2: "1"}, TYPE),
            Refusal("unknown-subcommand", "the subcommand is unknown", {1: 1, 2: 0x7E}, _UNKNOWN),
            Refusal(
                "key-agreement-without-protocol",
                "getKeyAgreement comes without a protocol",
                {2: 2},
                MISSING,
            ),
            Refusal(
                "key-agreement-with-unknown-protocol",
                "getKeyAgreement names an unknown protocol",
                {1: 99, 2: 2},
                INVALID,
            ),
            Refusal(
                "token-without-key-agreement",
                "getPinToken comes without a key agreement key",
                {1: 1, 2: 5, 6: bytes(32)},
                MISSING,
            ),
        )
    },
)


@_ABSENT.test("6.5.5.7", "Without a PIN there is no token: CTAP2_ERR_PIN_NOT_SET.")
def token_without_a_pin(subject: Subject) -> None:
    """GetPinToken is PIN_NOT_SET as long as there is no PIN."""
    subject.pins.try_pin("12345678").must(CtapStatus.PIN_NOT_SET)


@_ABSENT.test("6.5.5.6", "Without a PIN there is none to change.")
def change_without_a_pin(subject: Subject) -> None:
    """ChangePIN is PIN_NOT_SET as long as there is no PIN."""
    subject.pins.change("12345678", "87654321").must(CtapStatus.PIN_NOT_SET)


# Setting it.


def _refused_pin(
    pin: Callable[[Subject], str | bytes],
    spoil: Callable[[Request], Request],
    codes: tuple[CtapStatus, ...],
    subject: Subject,
) -> None:
    request = spoil(subject.pins.set_request(pin(subject)))
    reply = subject.pins.call(PinSubcommand.SET_PIN, request)
    if reply.status == CtapStatus.SUCCESS:
        subject.dirty.add("the PIN")
    reply.must(*codes)
    expect(not subject.refresh().options.get("clientPin"), "no PIN set", "option clientPin is true")


def _good(subject: Subject) -> str:
    return subject.pins.a_pin()


def _short(subject: Subject) -> str:
    # As many bytes as the minimum has code points, and a code point less.
    least = subject.facts.number(0x0D, 4)
    return "\u00e9" + "Kq7vz2Bt9hw4Lm6xd3Rp8jc5Ny1gf7Tk2sb9Wd4mz6"[: least - 2]


def _long(subject: Subject) -> bytes:
    return (subject.pins.a_pin() * 8)[:64].encode()


def _padded(subject: Subject) -> bytes:
    return subject.pins.a_pin().encode().ljust(48, b"\0")


def _wrong_param(request: Request) -> Request:
    return request | {4: bytes(len(request[4]))}


def _off_curve(request: Request) -> Request:
    return request | {3: request[3] | {-3: bytes(31) + b"\x05"}}


_AUTH: Final = (CtapStatus.PIN_AUTH_INVALID,)
_POLICY: Final = (CtapStatus.PIN_POLICY_VIOLATION,)
_PADDED: Final = (*INVALID, *_POLICY, CtapStatus.INVALID_LENGTH)
_AS_IT_IS: Final = without()

for _name, _what, _pin, _spoil, _codes in (
    ("short-pin", "A PIN of fewer code points than minPINLength", _short, _AS_IT_IS, _POLICY),
    ("pin-of-64-bytes", "A PIN of 64 bytes", _long, _AS_IT_IS, (*_POLICY, *INVALID)),
    ("pin-padded-to-48-bytes", "A PIN that is padded to 48 bytes", _padded, _AS_IT_IS, _PADDED),
    ("wrong-param", "A PIN with a wrong pinUvAuthParam", _good, _wrong_param, _AUTH),
    (
        "point-off-the-curve",
        "A platform key that is no point of P-256",
        _good,
        _off_curve,
        (*INVALID, *_AUTH),
    ),
    ("no-new-pin", "setPIN without newPinEnc", _good, without(5), MISSING),
):
    _ABSENT.add(
        f"set-{_name}-is-refused",
        "6.5.6" if _spoil is _off_curve else "6.5.5.5",
        f"{_what} is {_codes[0].name}, and no PIN is set.",
        "setPIN checks parameters, pinUvAuthParam and the PIN's length in code points, 4 at least, "
        "and bytes, 63 at most.",
        partial(_refused_pin, _pin, _spoil, _codes),
        destructive=True,
        changes="nothing on a conforming key; a broken one may take a PIN",
    )


def _set(protocol: int, subject: Subject) -> None:
    pin = subject.pins.a_pin("\u00e9")
    subject.dirty.add("the PIN")
    subject.pins.set(pin, protocol).must(CtapStatus.SUCCESS)
    subject.pins.known, subject.pins.ours = pin, True
    expect(subject.refresh().options.get("clientPin"), "option clientPin true", "false")
    left = subject.pins.retries()
    expect(left == 8, "8 tries", left)
    subject.pins.prove(protocol)


for _protocol in (1, 2):
    _ABSENT.add(
        f"pin-is-set-by-protocol-{_protocol}",
        "6.5.5.5",
        f"A PIN is set by protocol {_protocol}, letters beyond ASCII included, and gives a token.",
        "setPIN stores the PIN and sets 8 tries; clientPin becomes true.",
        partial(_set, _protocol),
        when=[speaks_protocol(_protocol)],
        needs=[Ability.POWER],
        touches=1,
        destructive=True,
        changes="sets a PIN, which a reset removes in the end",
    )


@_CHANGING.test("6.5.5.5", "A PIN that is there is changed, not set: CTAP2_ERR_PIN_AUTH_INVALID.")
def second_set_is_refused(subject: Subject) -> None:
    """SetPIN when there is a PIN is PIN_AUTH_INVALID, or NOT_ALLOWED as some keys have it."""
    reply = subject.pins.set("Other-" + subject.pins.a_pin())
    reply.must(CtapStatus.PIN_AUTH_INVALID, CtapStatus.NOT_ALLOWED)


def _change(protocol: int, subject: Subject) -> None:
    pins = subject.pins
    old, new = pins.known or "", pins.a_pin("X")
    pins.replace(old, new, protocol)
    subject.after(lambda: pins.replace(new, old))
    taken = pins.try_pin(old).status == CtapStatus.SUCCESS
    expect(not taken, "the old PIN to be wrong", "a token")
    pins.prove(protocol)


for _protocol in (1, 2):
    _SET.add(
        f"pin-is-changed-by-protocol-{_protocol}",
        "6.5.5.6",
        f"A PIN is changed by protocol {_protocol}: the new one counts, the old one no longer.",
        "changePIN takes the old PIN's hash and the new PIN.",
        partial(_change, _protocol),
        when=[speaks_protocol(_protocol)],
        destructive=True,
        changes="changes the PIN, and changes it back",
    )


@_CHANGING.test("6.5.5.6", "The new PIN keeps the policy.")
def change_to_a_short_pin(subject: Subject) -> None:
    """ChangePIN to a PIN that is too short is PIN_POLICY_VIOLATION, and the old one counts."""
    subject.pins.change(subject.pins.known or "", "Kq7").must(CtapStatus.PIN_POLICY_VIOLATION)
    subject.pins.prove()


@_SET.test(
    "6.5.5.6",
    "A PIN has up to 63 bytes, or as many as maxPINLength says, and all of them count.",
    destructive=True,
    changes="changes the PIN, and changes it back",
)
def longest_pin_is_taken(subject: Subject) -> None:
    """A PIN of all bytes that fit is taken, and the same without its last one is wrong."""
    pins = subject.pins
    old, longest = pins.known or "", pins.a_pin("L", subject.facts.number(0x1D, 63))
    pins.replace(old, longest)
    subject.after(lambda: pins.replace(longest, old))
    pins.try_pin(longest[:-1]).must(CtapStatus.PIN_INVALID)
    pins.prove()


@_CHANGING.test("6.5.5.6", "changePIN is proved by a pinUvAuthParam over both ciphertexts.")
def change_with_wrong_param_is_refused(subject: Subject) -> None:
    """ChangePIN with a wrong pinUvAuthParam is PIN_AUTH_INVALID, and the old PIN counts."""
    pins = subject.pins
    old, new = pins.known or "", pins.a_pin("Y")
    reply = pins.call(PinSubcommand.CHANGE_PIN, _wrong_param(pins.change_request(old, new)))
    if reply.status == CtapStatus.SUCCESS:
        pins.known = new
        subject.after(lambda: pins.replace(new, old))
    reply.must(CtapStatus.PIN_AUTH_INVALID)
    pins.prove()


# Tokens.


@_SET.test(
    "6.5.5.7.1",
    "getPinToken, as before CTAP 2.1, gives a token for mc and ga.",
    when=[MC_GA_BY_PIN],
    touches=1,
)
def old_token_registers(subject: Subject) -> None:
    """A token of getPinToken makes a credential."""
    request = subject.ceremonies.make_request(authorised=False)
    token = subject.pins.opened(*subject.pins.ask_token(subject.pins.known or ""))
    subject.ceremonies.register(proved(request, token))


def _permissions(
    permissions: int, rp_id: str | None, codes: tuple[CtapStatus, ...], subject: Subject
) -> None:
    reply, _ = subject.pins.ask_token(subject.pins.known or "", permissions, rp_id)
    reply.must(*codes)


_FORBIDDEN: Final = (CtapStatus.UNAUTHORIZED_PERMISSION,)

for _name, _what, _asked, _rp_id, _codes, _lacking in (
    ("no-permissions", "Permissions 0", 0, RP_ID, INVALID, ()),
    ("mc-without-rp-id", "Permission mc without an RP ID", 1, None, MISSING, ()),
    ("ga-without-rp-id", "Permission ga without an RP ID", 2, None, MISSING, ()),
    *(
        (
            f"{name}-not-offered",
            f"Permission {name} on a key without {lacking[0]}",
            number,
            None,
            _FORBIDDEN,
            lacking,
        )
        for name, number, lacking in (
            ("be", 8, ("bioEnroll", "uvBioEnroll")),
            ("lbw", 16, ("largeBlobs",)),
            ("acfg", 32, ("authnrCfg",)),
        )
    ),
):
    _TOKENS.add(
        f"token-{_name}",
        "6.5.5.7.2",
        f"{_what} is {_codes[0].name}.",
        "getPinUvAuthTokenUsingPinWithPermissions gives the permissions that are offered; mc and "
        "ga take an RP ID.",
        partial(_permissions, _asked, _rp_id, _codes),
        when=[lacks_option(*_lacking)] if _lacking else [],
    )


def _given(permission: Permission, subject: Subject) -> None:
    subject.pins.token(permission)


for _option, _permission in (
    ("credMgmt", Permission.CREDENTIAL_MANAGEMENT),
    ("bioEnroll", Permission.BIO_ENROLLMENT),
    ("largeBlobs", Permission.LARGE_BLOB_WRITE),
    ("authnrCfg", Permission.AUTHENTICATOR_CONFIGURATION),
    ("perCredMgmtRO", Permission.PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY),
):
    _TOKENS.add(
        f"token-for-{_option.lower()}",
        "6.5.5.7.2" if _option != "perCredMgmtRO" else "CTAP 2.2 §6.5.5.7.2",
        f"Option {_option} is announced, and a token for it is given.",
        "A permission whose feature getInfo announces is given for the PIN.",
        partial(_given, _permission),
        when=[has_option(_option)],
    )


@_SET.test(
    "6.5.6",
    "In protocol two an answer has a new vector each time.",
    when=[speaks_protocol(2), MC_GA_BY_PIN],
)
def tokens_are_encrypted_anew(subject: Subject) -> None:
    """Two encrypted tokens by protocol two begin with different vectors."""
    asked = (subject.pins.ask_token(subject.pins.known or "", protocol=2)[0] for _ in range(2))
    differ("vectors", *(reply.member(0x02, bytes)[:16] for reply in asked))
