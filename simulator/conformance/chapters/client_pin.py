"""authenticatorClientPIN: key agreement, setting and changing, and tokens. CTAP 2.1 section 6.5."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from mfalab.devices.ctap.commands import Command, Permission, PinSubcommand
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.ceremonies import RP_ID
from mfalab.simulator.conformance.facts import CTAP2, SINCE_2_1, Facts, has_option, option_is
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter, Condition, Pin
from mfalab.simulator.conformance.verdicts import Failure

__all__ = ["CHAPTER"]

CHAPTER = Chapter("clientPIN", "CTAP 2.1", when=[CTAP2, has_option("clientPin")])

_HAS_TOKENS: Final = option_is("pinUvAuthToken", value=True)
_SETS: Final = "sets a PIN, which a reset removes in the end"
_NS_PER_S: Final = 1_000_000_000


def _speaks(protocol: int) -> Condition:
    def why_not(facts: Facts) -> str | None:
        if protocol in facts.protocols:
            return None
        return f"the key does not speak PIN/UV auth protocol {protocol}"

    return why_not


def _gives_mc_ga(facts: Facts) -> str | None:
    if facts.options.get("noMcGaPermissionsWithClientPin"):
        return "a PIN gives no permission to register or sign in here"
    return None


# What needs no PIN.


@CHAPTER.test("6.5.5.2", "getPINRetries tells how many tries are left; it takes no PIN.")
def retries_are_told(subject: Subject) -> None:
    """GetPINRetries tells 0 to 8 tries, and whether power has to be cycled."""
    reply = subject.pins.call(PinSubcommand.GET_PIN_RETRIES)
    left = reply.member(0x03, int)
    if not 0 <= left <= 8:
        raise Failure("0 to 8 tries", str(left))
    if 0x04 in reply.members():
        reply.member(0x04, bool)


def _key_agreement(protocol: int, subject: Subject) -> None:
    key = subject.pins.call(PinSubcommand.GET_KEY_AGREEMENT, {1: protocol}).member(0x01, dict)
    if set(key) != {1, 3, -1, -2, -3} or (key[1], key[3], key[-1]) != (2, -25, 1):
        raise Failure("a COSE_Key with kty 2, alg -25, crv 1, x and y", f"{sorted(map(str, key))}")
    subject.pins.agree(protocol)


for _protocol in (1, 2):
    CHAPTER.add(
        f"key-agreement-by-protocol-{_protocol}",
        "6.5.5.3",
        f"getKeyAgreement gives a key on P-256 for protocol {_protocol}.",
        "The key agreement key is a COSE_Key with kty 2, alg -25, crv 1, x, y and nothing else.",
        partial(_key_agreement, _protocol),
        when=[_speaks(_protocol)],
    )


_ERRORS: Final[
    tuple[tuple[str, str, dict[int, Any], tuple[CtapStatus, ...], tuple[Condition, ...]], ...]
] = (
    ("subcommand-absent", "subCommand is absent", {1: 1}, (CtapStatus.MISSING_PARAMETER,), ()),
    (
        "subcommand-is-text",
        "subCommand is a text",
        {1: 1, 2: "1"},
        (CtapStatus.CBOR_UNEXPECTED_TYPE,),
        (),
    ),
    (
        "unknown-subcommand",
        "the subcommand is unknown",
        {1: 1, 2: 0x7E},
        (CtapStatus.INVALID_SUBCOMMAND, CtapStatus.INVALID_PARAMETER, CtapStatus.INVALID_COMMAND),
        (),
    ),
    (
        "key-agreement-without-protocol",
        "getKeyAgreement comes without a protocol",
        {2: 2},
        (CtapStatus.MISSING_PARAMETER,),
        (),
    ),
    (
        "key-agreement-with-unknown-protocol",
        "getKeyAgreement names an unknown protocol",
        {1: 99, 2: 2},
        (CtapStatus.INVALID_PARAMETER,),
        (),
    ),
    (
        "token-without-key-agreement",
        "getPinToken comes without a key agreement key",
        {1: 1, 2: 5, 6: bytes(32)},
        (CtapStatus.MISSING_PARAMETER,),
        (),
    ),
)


def _error(members: dict[int, Any], statuses: tuple[CtapStatus, ...], subject: Subject) -> None:
    request = members | ({1: subject.pins.protocol} if members.get(1) == 1 else {})
    subject.call(Command.CLIENT_PIN, request).must(*statuses)


for _name, _what, _members, _statuses, _when in _ERRORS:
    CHAPTER.add(
        _name,
        "6.5.5",
        f"When {_what}, that is {_statuses[0].name}.",
        f"The code is {' or '.join(status.name for status in _statuses)}.",
        partial(_error, _members, _statuses),
        when=_when,
    )


@CHAPTER.test("6.5.5.7", "Without a PIN there is no token: CTAP2_ERR_PIN_NOT_SET.", pin=Pin.ABSENT)
def token_without_a_pin(subject: Subject) -> None:
    """GetPinToken is PIN_NOT_SET as long as there is no PIN."""
    subject.pins.try_pin("12345678").must(CtapStatus.PIN_NOT_SET)


@CHAPTER.test("6.5.5.6", "Without a PIN there is none to change.", pin=Pin.ABSENT)
def change_without_a_pin(subject: Subject) -> None:
    """ChangePIN is PIN_NOT_SET as long as there is no PIN."""
    subject.pins.change("12345678", "87654321").must(CtapStatus.PIN_NOT_SET)


# Setting it.


def _refused_pin(
    build: Callable[[Subject], dict[int, Any]], statuses: tuple[CtapStatus, ...], subject: Subject
) -> None:
    reply = subject.pins.call(PinSubcommand.SET_PIN, build(subject))
    if reply.status == CtapStatus.SUCCESS:
        subject.dirty.add("the PIN")
    reply.must(*statuses)
    if subject.refresh().options.get("clientPin"):
        raise Failure("no PIN set", "option clientPin is true")


def _short(subject: Subject) -> dict[int, Any]:
    # As many bytes as the minimum has code points, and a code point less.
    least = subject.facts.number(0x0D, 4)
    return subject.pins.set_request(
        "\u00e9" + "Kq7vz2Bt9hw4Lm6xd3Rp8jc5Ny1gf7Tk2sb9Wd4mz6"[: least - 2]
    )


def _wrong_param(subject: Subject) -> dict[int, Any]:
    request = subject.pins.set_request(subject.pins.a_pin())
    return request | {4: bytes(len(request[4]))}


def _off_curve(subject: Subject) -> dict[int, Any]:
    request = subject.pins.set_request(subject.pins.a_pin())
    return request | {3: request[3] | {-3: bytes(31) + b"\x05"}}


_POLICY: Final = (CtapStatus.PIN_POLICY_VIOLATION,)

for _name, _section, _what, _build, _statuses in (
    ("short-pin", "6.5.5.5", "A PIN of fewer code points than minPINLength", _short, _POLICY),
    (
        "pin-of-64-bytes",
        "6.5.5.5",
        "A PIN of 64 bytes",
        lambda subject: subject.pins.set_request((subject.pins.a_pin() * 8)[:64].encode()),
        (*_POLICY, CtapStatus.INVALID_PARAMETER),
    ),
    (
        "pin-padded-to-48-bytes",
        "6.5.5.5",
        "A PIN that is padded to 48 bytes",
        lambda subject: subject.pins.set_request(subject.pins.a_pin().encode().ljust(48, b"\0")),
        (CtapStatus.INVALID_PARAMETER, *_POLICY, CtapStatus.INVALID_LENGTH),
    ),
    (
        "wrong-param",
        "6.5.5.5",
        "A PIN with a wrong pinUvAuthParam",
        _wrong_param,
        (CtapStatus.PIN_AUTH_INVALID,),
    ),
    (
        "point-off-the-curve",
        "6.5.6",
        "A platform key that is no point of P-256",
        _off_curve,
        (CtapStatus.INVALID_PARAMETER, CtapStatus.PIN_AUTH_INVALID),
    ),
    (
        "no-new-pin",
        "6.5.5.5",
        "setPIN without newPinEnc",
        lambda subject: {
            key: value
            for key, value in subject.pins.set_request(subject.pins.a_pin()).items()
            if key != 5
        },
        (CtapStatus.MISSING_PARAMETER,),
    ),
):
    CHAPTER.add(
        f"set-{_name}-is-refused",
        _section,
        f"{_what} is {_statuses[0].name}, and no PIN is set.",
        "setPIN checks parameters, pinUvAuthParam and the PIN's length in code points, 4 at least, "
        "and bytes, 63 at most.",
        partial(_refused_pin, _build, _statuses),
        pin=Pin.ABSENT,
        destructive=True,
        changes="nothing on a conforming key; a broken one may take a PIN",
    )


def _set(protocol: int, subject: Subject) -> None:
    pin = subject.pins.a_pin("\u00e9")
    subject.dirty.add("the PIN")
    subject.pins.set(pin, protocol).must(CtapStatus.SUCCESS)
    subject.pins.known, subject.pins.ours = pin, True
    if not subject.refresh().options.get("clientPin"):
        raise Failure("option clientPin true", "false")
    if (left := subject.pins.retries()) != 8:
        raise Failure("8 tries", str(left))
    subject.pins.prove(protocol)


for _protocol in (1, 2):
    CHAPTER.add(
        f"pin-is-set-by-protocol-{_protocol}",
        "6.5.5.5",
        f"A PIN is set by protocol {_protocol}, letters beyond ASCII included, and gives a token.",
        "setPIN stores the PIN and sets 8 tries; clientPin becomes true.",
        partial(_set, _protocol),
        when=[_speaks(_protocol)],
        pin=Pin.ABSENT,
        needs=[Ability.POWER],
        touches=1,
        destructive=True,
        changes=_SETS,
    )


@CHAPTER.test(
    "6.5.5.5",
    "A PIN that is there is changed, not set: CTAP2_ERR_PIN_AUTH_INVALID.",
    pin=Pin.SET,
    destructive=True,
    changes="nothing on a conforming key",
)
def second_set_is_refused(subject: Subject) -> None:
    """SetPIN when there is a PIN is PIN_AUTH_INVALID, or NOT_ALLOWED as some keys have it."""
    subject.pins.set("Other-" + subject.pins.a_pin()).must(
        CtapStatus.PIN_AUTH_INVALID, CtapStatus.NOT_ALLOWED
    )


def _change(protocol: int, subject: Subject) -> None:
    pins = subject.pins
    old, new = pins.known or "", pins.a_pin("X")
    pins.change(old, new, protocol).must(CtapStatus.SUCCESS)
    pins.known = new
    subject.after(lambda: _change_back(subject, new, old))
    if pins.try_pin(old).status == CtapStatus.SUCCESS:
        raise Failure("the old PIN to be wrong", "a token")
    pins.prove(protocol)


def _change_back(subject: Subject, new: str, old: str) -> None:
    subject.pins.change(new, old).must(CtapStatus.SUCCESS)
    subject.pins.known = old


for _protocol in (1, 2):
    CHAPTER.add(
        f"pin-is-changed-by-protocol-{_protocol}",
        "6.5.5.6",
        f"A PIN is changed by protocol {_protocol}: the new one counts, the old one no longer.",
        "changePIN takes the old PIN's hash and the new PIN.",
        partial(_change, _protocol),
        when=[_speaks(_protocol)],
        pin=Pin.SET,
        destructive=True,
        changes="changes the PIN, and changes it back",
    )


@CHAPTER.test(
    "6.5.5.6",
    "The new PIN keeps the policy.",
    pin=Pin.SET,
    destructive=True,
    changes="nothing on a conforming key",
)
def change_to_a_short_pin(subject: Subject) -> None:
    """ChangePIN to a PIN that is too short is PIN_POLICY_VIOLATION, and the old one counts."""
    subject.pins.change(subject.pins.known or "", "Kq7").must(CtapStatus.PIN_POLICY_VIOLATION)
    subject.pins.prove()


# Tokens.


@CHAPTER.test(
    "6.5.5.7.1",
    "getPinToken, as before CTAP 2.1, gives a token for mc and ga.",
    when=[_gives_mc_ga],
    pin=Pin.SET,
    touches=1,
)
def old_token_registers(subject: Subject) -> None:
    """A token of getPinToken makes a credential."""
    pins = subject.pins
    request = subject.ceremonies.make_request(authorised=False)
    token = pins.opened(*pins.ask_token(pins.known or ""))
    param = token.sign(request[0x01])
    subject.ceremonies.register(request | {0x08: param, 0x09: token.protocol})


def _permissions(
    permissions: int, rp_id: str | None, statuses: tuple[CtapStatus, ...], subject: Subject
) -> None:
    reply, _ = subject.pins.ask_token(subject.pins.known or "", permissions, rp_id)
    reply.must(*statuses)


def _not_offered(*options: str) -> Condition:
    def why_not(facts: Facts) -> str | None:
        there = [option for option in options if option in facts.options]
        return f"the key announces option {there[0]}" if there else None

    return why_not


for _name, _what, _asked, _rp_id, _statuses, _when in (
    (
        "no-permissions",
        "Permissions 0",
        0,
        RP_ID,
        (CtapStatus.INVALID_PARAMETER,),
        (),
    ),
    (
        "mc-without-rp-id",
        "Permission mc without an RP ID",
        1,
        None,
        (CtapStatus.MISSING_PARAMETER,),
        (),
    ),
    (
        "ga-without-rp-id",
        "Permission ga without an RP ID",
        2,
        None,
        (CtapStatus.MISSING_PARAMETER,),
        (),
    ),
    (
        "be-not-offered",
        "Permission be on a key without bioEnroll",
        8,
        None,
        (CtapStatus.UNAUTHORIZED_PERMISSION,),
        (_not_offered("bioEnroll", "uvBioEnroll"),),
    ),
    (
        "lbw-not-offered",
        "Permission lbw on a key without largeBlobs",
        16,
        None,
        (CtapStatus.UNAUTHORIZED_PERMISSION,),
        (_not_offered("largeBlobs"),),
    ),
    (
        "acfg-not-offered",
        "Permission acfg on a key without authnrCfg",
        32,
        None,
        (CtapStatus.UNAUTHORIZED_PERMISSION,),
        (_not_offered("authnrCfg"),),
    ),
):
    CHAPTER.add(
        f"token-{_name}",
        "6.5.5.7.2",
        f"{_what} is {_statuses[0].name}.",
        "getPinUvAuthTokenUsingPinWithPermissions gives the permissions that are offered; mc and "
        "ga take an RP ID.",
        partial(_permissions, _asked, _rp_id, _statuses),
        when=[_HAS_TOKENS, *_when],
        pin=Pin.SET,
    )


_PERMISSIONS: Final = (
    ("credMgmt", Permission.CREDENTIAL_MANAGEMENT),
    ("bioEnroll", Permission.BIO_ENROLLMENT),
    ("largeBlobs", Permission.LARGE_BLOB_WRITE),
    ("authnrCfg", Permission.AUTHENTICATOR_CONFIGURATION),
    ("perCredMgmtRO", Permission.PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY),
)


def _given(permission: Permission, subject: Subject) -> None:
    subject.pins.token(permission)


for _option, _permission in _PERMISSIONS:
    CHAPTER.add(
        f"token-for-{_option.lower()}",
        "6.5.5.7.2" if _option != "perCredMgmtRO" else "CTAP 2.2 §6.5.5.7.2",
        f"Option {_option} is announced, and a token for it is given.",
        "A permission whose feature getInfo announces is given to whoever knows the PIN.",
        partial(_given, _permission),
        when=[_HAS_TOKENS, has_option(_option)],
        pin=Pin.SET,
    )


def _dead(end: Callable[[Subject], object], subject: Subject) -> None:
    """A token after something that ends it."""
    request = subject.ceremonies.make_request(authorised=False)
    token = subject.pins.token(Permission.MAKE_CREDENTIAL, RP_ID)
    end(subject)
    param = token.sign(request[0x01])
    reply = subject.call(Command.MAKE_CREDENTIAL, request | {0x08: param, 0x09: token.protocol})
    reply.must(CtapStatus.PIN_AUTH_INVALID, CtapStatus.PIN_TOKEN_EXPIRED)


def _use_it(subject: Subject) -> None:
    request = subject.ceremonies.make_request(authorised=False)
    token = subject.pins.token(Permission.MAKE_CREDENTIAL, RP_ID)
    members = request | {0x08: token.sign(request[0x01]), 0x09: token.protocol}
    subject.ceremonies.register(members)
    again = subject.call(Command.MAKE_CREDENTIAL, members)
    again.must(CtapStatus.PIN_AUTH_INVALID, CtapStatus.PIN_TOKEN_EXPIRED)


CHAPTER.add(
    "token-serves-once",
    "6.1.2 step 14",
    "A token that made a credential does not make another.",
    "An operation with user presence takes away the token's permissions but for lbw.",
    _use_it,
    when=[SINCE_2_1, _HAS_TOKENS],
    needs=[Ability.REPORTS],
    pin=Pin.SET,
    touches=1,
)

for _name, _what, _end, _section, _lasts_s, _abilities in (
    (
        "new-token",
        "when another is given",
        lambda subject: subject.pins.token(Permission.GET_ASSERTION, RP_ID),
        "6.5.5.7",
        0,
        [],
    ),
    (
        "power-cycle",
        "with the power",
        lambda subject: subject.power_cycle(),
        "6.5.2.1",
        0,
        [Ability.POWER],
    ),
    (
        "thirty-seconds",
        "when it is not used for 30 s",
        lambda subject: subject.fixture.wait(31 * _NS_PER_S),
        "6.5.2.1",
        31,
        [],
    ),
    (
        "ten-minutes",
        "after ten minutes",
        lambda subject: subject.fixture.wait(601 * _NS_PER_S),
        "6.5.2.1",
        601,
        [],
    ),
):
    CHAPTER.add(
        f"token-dies-of-{_name}",
        _section,
        f"A token dies {_what}.",
        "One token is in use at a time; it ends with the power, when it is not used for 30 s, and "
        "after 10 min.",
        partial(_dead, _end),
        when=[SINCE_2_1, _HAS_TOKENS],
        needs=_abilities,
        pin=Pin.SET,
        lasts_s=_lasts_s,
    )


@CHAPTER.test(
    "6.5.6",
    "In protocol two an answer has a new vector each time.",
    when=[_speaks(2), _gives_mc_ga],
    pin=Pin.SET,
)
def tokens_are_encrypted_anew(subject: Subject) -> None:
    """Two encrypted tokens by protocol two begin with different vectors."""
    pins = subject.pins
    sealed = [
        pins.ask_token(pins.known or "", protocol=2)[0].member(0x02, bytes)[:16] for _ in range(2)
    ]
    if sealed[0] == sealed[1]:
        raise Failure("two vectors", "the same one twice")
