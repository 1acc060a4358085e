"""Command x condition x code: one row, one case; docs/authenticator.md has the same rows."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from mfalab.devices.ctap import CtapStatus, Faults, Transport, cbor

DOCS = Path(__file__).parents[3] / "docs" / "authenticator.md"
CDH = sha256(b"client data").digest()
PARTY = sha256(b"example.com").digest()
ES256 = [{"alg": -7, "type": "public-key"}]


@dataclass(frozen=True)
class Row:
    command: str
    condition: str
    code: str
    build: Any
    model: str = "ctap-2.1-pin"

    @property
    def id(self) -> str:
        return f"{self.command}: {self.condition}".replace(" ", "-").replace("/", "-")


ROWS: list[Row] = []


def row(command, condition, code, model="ctap-2.1-pin"):
    """Add a row whose function makes the situation and gives command byte and members."""

    def add(build):
        ROWS.append(Row(command, condition, code, build, model))
        return build

    return add


def rows(command, number, base, table, model="ctap-2.1-pin"):
    """Add rows that differ from a good request in some members; None leaves one out."""
    for condition, code, changes in table:

        def build(key, changes=changes):
            given = base(key) | changes
            members = {k: v for k, v in given.items() if v is not None}
            return number, members

        ROWS.append(Row(command, condition, code, build, model))


def owned(key):
    """A key with the PIN 1234 and one discoverable credential."""
    key.set_pin()
    return key.register(rk=True, pin="1234")


# Any command


@row("any", "unknown command", "INVALID_COMMAND")
def _(key):
    return 0x55, {}


@row("any", "empty request", "INVALID_LENGTH")
def _(key):
    return b""


@row("any", "CBOR cut short", "INVALID_CBOR")
def _(key):
    return b"\x01" + cbor.encode(key.make())[:-1]


@row("any", "CBOR not canonical", "INVALID_CBOR")
def _(key):
    return b"\x01\xa1\x18\x01\x40"


@row("any", "parameters are no map", "CBOR_UNEXPECTED_TYPE")
def _(key):
    return b"\x01\x80"


@row("any", "longer than maxMsgSize", "REQUEST_TOO_LARGE")
def _(key):
    return 1, key.make() | {99: bytes(1200)}


@row("any", "another command is under way", "CHANNEL_BUSY")
def _(key):
    key.begin(0x0B)
    return 4, None


@row("any", "cancelled while it waits", "KEEPALIVE_CANCEL")
def _(key):
    transaction = key.begin(0x0B)
    transaction.cancel()
    return transaction


@row("any", "store worn out", "OTHER")
def _(key):
    key.authenticator.faults = Faults(worn_out_store=True)
    return 1, key.make()


@row("any", "touch over NFC after the tap was spent", "UP_REQUIRED")
def _(key):
    key.transport = Transport.NFC
    key.register()
    return 1, key.make()


# makeCredential

rows(
    "makeCredential",
    1,
    lambda key: key.make(),
    [
        ("clientDataHash absent", "MISSING_PARAMETER", {1: None}),
        ("rp absent", "MISSING_PARAMETER", {2: None}),
        ("user absent", "MISSING_PARAMETER", {3: None}),
        ("pubKeyCredParams absent", "MISSING_PARAMETER", {4: None}),
        ("rp.id absent", "MISSING_PARAMETER", {2: {"name": "x"}}),
        ("user.id absent", "MISSING_PARAMETER", {3: {"name": "x"}}),
        ("clientDataHash is a text", "CBOR_UNEXPECTED_TYPE", {1: "x"}),
        ("rp is a text", "CBOR_UNEXPECTED_TYPE", {2: "x"}),
        ("user.id is a text", "CBOR_UNEXPECTED_TYPE", {3: {"id": "x"}}),
        ("pubKeyCredParams is a map", "CBOR_UNEXPECTED_TYPE", {4: {}}),
        ("options is an array", "CBOR_UNEXPECTED_TYPE", {7: []}),
        ("an option is a number", "CBOR_UNEXPECTED_TYPE", {7: {"rk": 1}}),
        ("user.icon is a number", "CBOR_UNEXPECTED_TYPE", {3: {"id": b"a", "icon": 1}}),
        ("extensions is an array", "CBOR_UNEXPECTED_TYPE", {6: []}),
        ("excludeList entry is no map", "CBOR_UNEXPECTED_TYPE", {5: [b"x"]}),
        ("excludeList entry without id", "MISSING_PARAMETER", {5: [{"type": "public-key"}]}),
        (
            "excludeList longer than maxCredentialCountInList",
            "LIMIT_EXCEEDED",
            {5: [{"id": bytes([i]), "type": "public-key"} for i in range(9)]},
        ),
        ("clientDataHash of 31 bytes", "INVALID_LENGTH", {1: bytes(31)}),
        ("user.id of 65 bytes", "INVALID_LENGTH", {3: {"id": bytes(65)}}),
        ("user.id empty", "INVALID_LENGTH", {3: {"id": b""}}),
        ("no supported algorithm", "UNSUPPORTED_ALGORITHM", {4: [{**ES256[0], "alg": -1}]}),
        ("pubKeyCredParams empty", "UNSUPPORTED_ALGORITHM", {4: []}),
        (
            "algorithm for an unknown type only",
            "UNSUPPORTED_ALGORITHM",
            {4: [{"alg": -7, "type": "x"}]},
        ),
        ("a later algorithm entry lacks alg", "MISSING_PARAMETER", {4: [*ES256, {"type": "x"}]}),
        (
            "a later algorithm entry has a text alg",
            "CBOR_UNEXPECTED_TYPE",
            {4: [*ES256, {"alg": "x", "type": "public-key"}]},
        ),
        ("up is false", "INVALID_OPTION", {7: {"up": False}}),
        ("uv without built-in verification", "INVALID_OPTION", {7: {"uv": True}}),
        ("pinUvAuthParam without protocol", "MISSING_PARAMETER", {8: bytes(16)}),
        ("unknown protocol", "INVALID_PARAMETER", {8: bytes(16), 9: 3}),
        ("enterprise attestation not supported", "INVALID_PARAMETER", {10: 1}),
        ("credProtect 4", "INVALID_OPTION", {6: {"credProtect": 4}}),
        ("largeBlobKey false", "INVALID_OPTION", {6: {"largeBlobKey": False}, 7: {"rk": True}}),
        ("largeBlobKey not discoverable", "INVALID_OPTION", {6: {"largeBlobKey": True}}),
        ("empty pinUvAuthParam and no PIN", "PIN_NOT_SET", {8: b""}),
    ],
)
rows(
    "makeCredential",
    1,
    lambda key: key.make(),
    [
        ("rk not supported", "UNSUPPORTED_OPTION", {7: {"rk": True}}),
        ("up is true, CTAP 2.0", "INVALID_OPTION", {7: {"up": True}}),
        ("pinUvAuthParam without protocol, CTAP 2.0", "PIN_AUTH_INVALID", {8: bytes(16)}),
    ],
    "no-rk-2.0",
)
for model, kind in (("fido-2.0", "CTAP 2.0"), ("yubikey-like", "widely sold key")):
    given = [(f"pinUvAuthParam and no PIN, {kind}", "PIN_NOT_SET", {})]
    rows("makeCredential", 1, lambda key: key.make(param=bytes(16), protocol=1), given, model)
    rows("getAssertion", 2, lambda key: key.get(param=bytes(16), protocol=1), given, model)
rows(
    "makeCredential",
    1,
    lambda key: key.make(),
    [("enterprise attestation not enabled", "INVALID_PARAMETER", {10: 1})],
    "enterprise",
)
rows(
    "makeCredential",
    1,
    lambda key: key.make(extensions={"hmac-secret-mc": {}}),
    [("hmac-secret-mc without hmac-secret", "MISSING_PARAMETER", {})],
    "ctap-2.3",
)


@row("makeCredential", "enterpriseAttestation 3", "INVALID_OPTION", "enterprise")
def _(key):
    assert key.configure(1) == 0
    return 1, key.make(enterprise=3)


@row("makeCredential", "the user declines", "OPERATION_DENIED")
def _(key):
    transaction = key.begin(1, key.make())
    transaction.decline()
    return transaction


@row("makeCredential", "nobody touches for 30 s", "USER_ACTION_TIMEOUT")
def _(key):
    key.touches = False
    return 1, key.make()


@row("makeCredential", "empty pinUvAuthParam and a PIN", "PIN_INVALID")
def _(key):
    key.set_pin()
    return 1, key.make(param=b"")


@row("makeCredential", "PIN set, rk, no pinUvAuthParam", "PUAT_REQUIRED")
def _(key):
    key.set_pin()
    return 1, key.make(rk=True)


@row("makeCredential", "PIN set, no pinUvAuthParam, UV required", "PUAT_REQUIRED", "enterprise")
def _(key):
    key.set_pin("837261")
    return 1, key.make()


@row("makeCredential", "alwaysUv and no PIN", "PUAT_REQUIRED", "always-uv")
def _(key):
    return 1, key.make()


@row("makeCredential", "wrong pinUvAuthParam", "PIN_AUTH_INVALID")
def _(key):
    key.set_pin()
    key.token(permissions=1, rp_id="example.com")
    return 1, key.make(param=bytes(32), protocol=2)


@row("makeCredential", "token of the other protocol", "PIN_AUTH_INVALID")
def _(key):
    key.set_pin()
    token = key.token(permissions=1, rp_id="example.com", number=1)
    return 1, key.make(**key.signed(None, CDH, token=token))


@row("makeCredential", "token without mc", "PIN_AUTH_INVALID")
def _(key):
    key.set_pin()
    return 1, key.make(**key.signed("1234", CDH, 2, "example.com"))


@row("makeCredential", "token of another RP", "PIN_AUTH_INVALID")
def _(key):
    key.set_pin()
    return 1, key.make(**key.signed("1234", CDH, 1, "other.example"))


@row("makeCredential", "excluded credential, touched", "CREDENTIAL_EXCLUDED")
def _(key):
    return 1, key.make(exclude=[key.register()])


@row("makeCredential", "excluded credential, nobody touches", "CREDENTIAL_EXCLUDED")
def _(key):
    credential = key.register()
    key.touches = False
    return 1, key.make(exclude=[credential])


@row("makeCredential", "store full", "KEY_STORE_FULL", "slots-25")
def _(key):
    for number in range(25):
        key.register(user=bytes([number]), rk=True)
    return 1, key.make(user=b"one more", rk=True)


@row("makeCredential", "three wrong fingers and a PIN", "PUAT_REQUIRED", "ctap-2.1-bio")
def _(key):
    key.set_pin()
    key.enrol()
    key.finger = "toe"
    return 1, key.make(options={"uv": True})


@row("makeCredential", "no finger for 30 s", "USER_ACTION_TIMEOUT", "ctap-2.1-bio")
def _(key):
    key.set_pin()
    key.enrol()
    key.touches = False
    return 1, key.make(options={"uv": True})


def refused_finger(key):
    key.set_pin()
    key.enrol()
    key.finger = "toe"


@row("makeCredential", "three wrong fingers, a PIN does not do", "OPERATION_DENIED", "no-mc-ga")
def _(key):
    refused_finger(key)
    return 1, key.make(options={"uv": True})


@row("getAssertion", "three wrong fingers, a PIN does not do", "OPERATION_DENIED", "no-mc-ga")
def _(key):
    refused_finger(key)
    return 2, key.get(options={"uv": True})


@row("getAssertion", "three wrong fingers and a PIN", "PUAT_REQUIRED", "ctap-2.1-bio")
def _(key):
    refused_finger(key)
    return 2, key.get(options={"uv": True})


# getAssertion

rows(
    "getAssertion",
    2,
    lambda key: key.get(),
    [
        ("rpId absent", "MISSING_PARAMETER", {1: None}),
        ("clientDataHash absent", "MISSING_PARAMETER", {2: None}),
        ("rpId is bytes", "CBOR_UNEXPECTED_TYPE", {1: b"x"}),
        ("clientDataHash of 33 bytes", "INVALID_LENGTH", {2: bytes(33)}),
        ("allowList entry without type", "MISSING_PARAMETER", {3: [{"id": b"x"}]}),
        ("rk present", "UNSUPPORTED_OPTION", {5: {"rk": False}}),
        ("uv without built-in verification", "INVALID_OPTION", {5: {"uv": True}}),
        ("no credential, after a touch", "NO_CREDENTIALS", {}),
        ("no credential, silent", "NO_CREDENTIALS", {5: {"up": False}}),
        ("pinUvAuthParam without protocol", "MISSING_PARAMETER", {6: bytes(16)}),
        ("unknown protocol", "INVALID_PARAMETER", {6: bytes(16), 7: 9}),
        ("empty pinUvAuthParam and no PIN", "PIN_NOT_SET", {6: b""}),
    ],
)


@row("getAssertion", "nobody touches for 30 s", "USER_ACTION_TIMEOUT")
def _(key):
    key.register(rk=True)
    key.touches = False
    return 2, key.get()


@row("getAssertion", "the user declines", "OPERATION_DENIED")
def _(key):
    key.register(rk=True)
    transaction = key.begin(2, key.get())
    transaction.decline()
    return transaction


@row("getAssertion", "alwaysUv and no pinUvAuthParam", "PUAT_REQUIRED", "always-uv")
def _(key):
    owned(key)
    return 2, key.get()


@row("getAssertion", "token without ga", "PIN_AUTH_INVALID")
def _(key):
    owned(key)
    return 2, key.get(**key.signed("1234", CDH, 1, "example.com"))


@row("getAssertion", "token of another RP", "PIN_AUTH_INVALID")
def _(key):
    owned(key)
    return 2, key.get(**key.signed("1234", CDH, 2, "other.example"))


@row("getAssertion", "credential of another RP in the allow list", "NO_CREDENTIALS")
def _(key):
    return 2, key.get(rp="other.example", allow=[key.register()])


@row("getAssertion", "credProtect 3 without verification", "NO_CREDENTIALS")
def _(key):
    return 2, key.get(allow=[key.register(extensions={"credProtect": 3})])


@row("getAssertion", "credProtect 2 without verification or list", "NO_CREDENTIALS")
def _(key):
    key.register(rk=True, extensions={"credProtect": 2})
    return 2, key.get()


def hmac_input(key, salt=bytes(32), *, mac=None, peer=None):
    protocol = key.protocol()
    public, shared = key.agree(protocol)
    salt_enc = protocol.encrypt(shared, salt)
    auth = protocol.authenticate(shared, salt_enc) if mac is None else mac
    return {1: peer or public, 2: salt_enc, 3: auth, 4: protocol.VERSION}


def hmac_request(key, **changes):
    options = {"options": {"up": False}} if changes.pop("silent", False) else {}
    key.register(rk=True, extensions={"hmac-secret": True})
    return 2, key.get(extensions={"hmac-secret": hmac_input(key, **changes)}, **options)


@row("getAssertion", "hmac-secret with a wrong saltAuth", "PIN_AUTH_INVALID")
def _(key):
    return hmac_request(key, mac=bytes(32))


@row("getAssertion", "hmac-secret with a wrong saltAuth, CTAP 2.0", "EXTENSION_FIRST", "fido-2.0")
def _(key):
    return hmac_request(key, mac=bytes(16))


@row("getAssertion", "hmac-secret with 48 bytes of salt", "INVALID_LENGTH")
def _(key):
    return hmac_request(key, salt=bytes(48))


@row("getAssertion", "hmac-secret and up false", "UNSUPPORTED_OPTION")
def _(key):
    return hmac_request(key, silent=True)


@row("getAssertion", "hmac-secret with a point off the curve", "INVALID_PARAMETER")
def _(key):
    return hmac_request(key, peer={1: 2, 3: -25, -1: 1, -2: bytes(32), -3: bytes(32)})


# getNextAssertion


@row("getNextAssertion", "nothing is pending", "NOT_ALLOWED")
def _(key):
    return 8, None


def two_accounts(key):
    key.register(user=b"alice", rk=True)
    key.register(user=b"bob", rk=True)
    key.good(2, key.get())


@row("getNextAssertion", "all were fetched", "NOT_ALLOWED")
def _(key):
    two_accounts(key)
    key.good(8)
    return 8, None


@row("getNextAssertion", "30 s later", "NOT_ALLOWED")
def _(key):
    two_accounts(key)
    key.clock.advance(30)
    return 8, None


@row("getNextAssertion", "after another command", "NOT_ALLOWED")
def _(key):
    two_accounts(key)
    key.info()
    return 8, None


@row("getNextAssertion", "from another channel", "NOT_ALLOWED")
def _(key):
    two_accounts(key)
    key.channel = 2
    return 8, None


@row("getNextAssertion", "after power was cycled", "NOT_ALLOWED")
def _(key):
    two_accounts(key)
    key.power_cycle()
    return 8, None


# reset, selection


@row("reset", "10 s after power-up are over", "NOT_ALLOWED")
def _(key):
    key.clock.advance(10.001)
    return 7, None


@row("reset", "over a transport that it does not take", "NOT_ALLOWED", "ctap-2.3")
def _(key):
    key.transport = Transport.NFC
    return 7, None


@row("reset", "nobody touches for 30 s", "USER_ACTION_TIMEOUT")
def _(key):
    key.touches = False
    return 7, None


@row("reset", "the user declines", "OPERATION_DENIED")
def _(key):
    transaction = key.begin(7)
    transaction.decline()
    return transaction


@row("selection", "nobody touches for 30 s", "USER_ACTION_TIMEOUT")
def _(key):
    key.touches = False
    return 11, None


@row("selection", "the user declines", "OPERATION_DENIED")
def _(key):
    transaction = key.begin(11)
    transaction.decline()
    return transaction


@row("selection", "CTAP 2.0", "INVALID_COMMAND", "fido-2.0")
def _(key):
    return 11, None


# clientPIN

rows(
    "clientPIN",
    6,
    lambda key: {1: 2, 2: 2},
    [
        ("subCommand absent", "MISSING_PARAMETER", {2: None}),
        ("subCommand is a text", "CBOR_UNEXPECTED_TYPE", {2: "x"}),
        ("getPINRetries and keyAgreement is a text", "CBOR_UNEXPECTED_TYPE", {2: 1, 3: "x"}),
        ("unknown subCommand", "INVALID_SUBCOMMAND", {2: 0x0B}),
        ("getUVRetries without a sensor", "INVALID_SUBCOMMAND", {2: 7}),
        ("getKeyAgreement without protocol", "MISSING_PARAMETER", {1: None}),
        ("getKeyAgreement with an unknown protocol", "INVALID_PARAMETER", {1: 3}),
        ("getPinUvAuthToken without key agreement", "MISSING_PARAMETER", {2: 9}),
    ],
)
rows(
    "clientPIN",
    6,
    lambda key: {2: 1},
    [("getPINRetries without a PIN, widely sold key", "PIN_NOT_SET", {})],
    "yubikey-like",
)
rows(
    "clientPIN",
    6,
    lambda key: {1: 1, 2: 1},
    [("getPINRetries without protocol, CTAP 2.0", "MISSING_PARAMETER", {1: None})],
    "fido-2.0",
)
rows(
    "clientPIN",
    6,
    lambda key: key.set_pin_members("1234"),
    [
        ("setPIN without keyAgreement", "MISSING_PARAMETER", {3: None}),
        ("setPIN without newPinEnc", "MISSING_PARAMETER", {5: None}),
        ("setPIN without pinUvAuthParam", "MISSING_PARAMETER", {4: None}),
        ("setPIN with a wrong pinUvAuthParam", "PIN_AUTH_INVALID", {4: bytes(32)}),
        ("setPIN with an unknown protocol", "INVALID_PARAMETER", {1: 3}),
        (
            "setPIN with a point off the curve",
            "INVALID_PARAMETER",
            {3: {1: 2, 3: -25, -1: 1, -2: bytes(32), -3: bytes(32)}},
        ),
        ("setPIN with a key that lacks y", "MISSING_PARAMETER", {3: {1: 2, -1: 1, -2: bytes(32)}}),
    ],
)


def pin_row(condition, code, raw, model="ctap-2.1-pin"):
    ROWS.append(Row("clientPIN", condition, code, lambda key: (6, key.set_pin_members(raw)), model))


pin_row("setPIN with 3 code points in 6 bytes", "PIN_POLICY_VIOLATION", "äöü")
pin_row("setPIN with 64 bytes", "PIN_POLICY_VIOLATION", b"1" * 64)
pin_row("setPIN that is not UTF-8", "PIN_POLICY_VIOLATION", b"\xff" * 8 + bytes(56))
pin_row("setPIN padded to 48 bytes", "INVALID_PARAMETER", b"1234".ljust(48, b"\0"))
pin_row("setPIN 111111 under a complexity policy", "PIN_POLICY_VIOLATION", "111111", "enterprise")
pin_row("setPIN 654321 under a complexity policy", "PIN_POLICY_VIOLATION", "654321", "enterprise")


@row("clientPIN", "setPIN when there is one", "PIN_AUTH_INVALID")
def _(key):
    key.set_pin()
    return 6, key.set_pin_members("5678")


@row("clientPIN", "setPIN when there is one, widely sold key", "NOT_ALLOWED", "yubikey-like")
def _(key):
    key.set_pin()
    return 6, key.set_pin_members("5678")


def token_row(condition, code, permissions=None, rp_id=None, pin="1234", model="ctap-2.1-pin"):
    def build(key):
        key.set_pin()
        return 6, key.token_members(pin, permissions, rp_id)[0]

    ROWS.append(Row("clientPIN", condition, code, build, model))


token_row("getPinToken with a wrong PIN", "PIN_INVALID", pin="0000")
token_row("token with a wrong PIN", "PIN_INVALID", 2, "example.com", pin="0000")
token_row("permissions 0", "INVALID_PARAMETER", 0)
token_row("permissions nobody knows", "INVALID_PARAMETER", 0x80)
token_row("mc without RP ID", "MISSING_PARAMETER", 1)
token_row("ga without RP ID", "MISSING_PARAMETER", 2)
token_row("be without a sensor", "UNAUTHORIZED_PERMISSION", 8)
token_row("pcmr not offered", "UNAUTHORIZED_PERMISSION", 0x40)
token_row("acfg not offered", "UNAUTHORIZED_PERMISSION", 32, model="slots-25")
token_row("lbw not offered", "UNAUTHORIZED_PERMISSION", 16, model="slots-25")
token_row("pcmr with another permission", "UNAUTHORIZED_PERMISSION", 0x44, model="ctap-2.3")
token_row("mc where a PIN does not give it", "UNAUTHORIZED_PERMISSION", 1, "a", model="no-mc-ga")
token_row("getPinToken where a PIN gives no mc", "UNAUTHORIZED_PERMISSION", model="no-mc-ga")
token_row("by UV, no finger enrolled", "NOT_ALLOWED", 2, "example.com", None, "ctap-2.1-bio")
token_row("by UV without a sensor", "INVALID_SUBCOMMAND", 2, "example.com", None)


@row("clientPIN", "getPinToken with permissions", "INVALID_PARAMETER")
def _(key):
    key.set_pin()
    return 6, key.token_members("1234")[0] | {9: 1}


@row("clientPIN", "getPinToken without a PIN", "PIN_NOT_SET")
def _(key):
    return 6, key.token_members("1234")[0]


@row("clientPIN", "third wrong PIN in a row", "PIN_AUTH_BLOCKED")
def _(key):
    key.set_pin()
    for _ in range(2):
        assert key.token_status("0000") == CtapStatus.PIN_INVALID
    return 6, key.token_members("0000")[0]


@row("clientPIN", "right PIN after three wrong ones", "PIN_AUTH_BLOCKED")
def _(key):
    key.set_pin()
    for _ in range(3):
        key.token_status("0000")
    return 6, key.token_members("1234")[0]


@row("clientPIN", "right PIN when no tries are left", "PIN_BLOCKED")
def _(key):
    key.set_pin()
    for number in range(8):
        key.token_status("0000")
        if number % 3 == 2:
            key.power_cycle()
    key.power_cycle()
    return 6, key.token_members("1234")[0]


def forced(key):
    key.set_pin()
    assert key.configure(3, {3: True}, pin="1234") == 0


@row("clientPIN", "getPinToken when the PIN must change", "PIN_INVALID")
def _(key):
    forced(key)
    return 6, key.token_members("1234")[0]


@row("clientPIN", "token with permissions when the PIN must change", "PIN_POLICY_VIOLATION")
def _(key):
    forced(key)
    return 6, key.token_members("1234", 4)[0]


@row("clientPIN", "changePIN to the same when it must change", "PIN_POLICY_VIOLATION")
def _(key):
    forced(key)
    return key.change_pin("1234", "1234")


@row("clientPIN", "changePIN with a wrong PIN", "PIN_INVALID")
def _(key):
    key.set_pin()
    return key.change_pin("0000", "5678")


@row("clientPIN", "changePIN without a PIN", "PIN_NOT_SET")
def _(key):
    return key.change_pin("0000", "5678")


@row("clientPIN", "changePIN to a short one", "PIN_POLICY_VIOLATION")
def _(key):
    key.set_pin()
    return key.change_pin("1234", "567")


@row("clientPIN", "by UV, wrong finger", "UV_INVALID", "ctap-2.1-bio")
def _(key):
    key.set_pin()
    key.enrol()
    key.finger = "toe"
    return 6, key.token_members(None, 2, "example.com")[0]


@row("clientPIN", "by UV, third wrong finger", "UV_BLOCKED", "ctap-2.1-bio")
def _(key):
    key.set_pin()
    key.enrol()
    key.finger = "toe"
    for _ in range(2):
        assert key.token_status(None, 2, "example.com") == CtapStatus.UV_INVALID
    return 6, key.token_members(None, 2, "example.com")[0]


@row("clientPIN", "by UV, nobody there", "USER_ACTION_TIMEOUT", "ctap-2.1-bio")
def _(key):
    key.set_pin()
    key.enrol()
    key.touches = False
    return 6, key.token_members(None, 2, "example.com")[0]


# credentialManagement


def managed(number, params=None, token=None, rp_id=None, command=10):
    def build(key):
        owned(key)
        given = params(key) if callable(params) else params
        value = token(key) if token else None
        return key.manage(number, given, token=value, rp_id=rp_id, command=command)[0]

    return build


def named(key, credential_id=None):
    stored = next(iter(key.state.credentials))
    return {2: {"id": credential_id or stored, "type": "public-key"}}


for condition, code, build in [
    ("no pinUvAuthParam", "PUAT_REQUIRED", lambda key: (10, {1: 1})),
    ("pinUvAuthParam without protocol", "MISSING_PARAMETER", lambda key: (10, {1: 1, 4: b"x"})),
    ("unknown protocol", "INVALID_PARAMETER", lambda key: (10, {1: 1, 3: 5, 4: b"x"})),
    ("subCommand absent", "MISSING_PARAMETER", lambda key: (10, {})),
    ("unknown subCommand", "INVALID_SUBCOMMAND", lambda key: (10, {1: 99})),
    ("next RP when nothing was begun", "NOT_ALLOWED", lambda key: (10, {1: 3})),
    ("next credential when nothing was begun", "NOT_ALLOWED", lambda key: (10, {1: 5})),
    ("params absent", "MISSING_PARAMETER", lambda key: (10, {1: 4})),
    ("wrong pinUvAuthParam", "PIN_AUTH_INVALID", managed(1, token=lambda key: bytes(32))),
    (
        "token without cm",
        "PIN_AUTH_INVALID",
        managed(1, token=lambda key: key.token(permissions=32)),
    ),
    ("token of an RP asks for totals", "PIN_AUTH_INVALID", managed(1, rp_id="example.com")),
    ("token of an RP lists RPs", "PIN_AUTH_INVALID", managed(2, rp_id="example.com")),
    (
        "token of another RP lists credentials",
        "PIN_AUTH_INVALID",
        managed(4, {1: PARTY}, rp_id="other.example"),
    ),
    ("no credential of that RP", "NO_CREDENTIALS", managed(4, {1: bytes(32)})),
    ("delete an unknown one", "NO_CREDENTIALS", managed(6, lambda key: named(key, b"x" * 32))),
    (
        "token of an RP deletes an unknown one",
        "PIN_AUTH_INVALID",
        managed(6, lambda key: named(key, b"x" * 32), rp_id="example.com"),
    ),
    (
        "token of an RP deletes a foreign one",
        "PIN_AUTH_INVALID",
        managed(6, named, rp_id="other.example"),
    ),
    (
        "update changes the user ID",
        "INVALID_PARAMETER",
        managed(7, lambda key: named(key) | {3: {"id": b"mallory"}}),
    ),
    (
        "update with an empty user ID",
        "INVALID_PARAMETER",
        managed(7, lambda key: named(key) | {3: {"id": b""}}),
    ),
    (
        "update of an unknown one",
        "NO_CREDENTIALS",
        managed(7, lambda key: named(key, b"x" * 32) | {3: {"id": b"alice"}}),
    ),
]:
    ROWS.append(Row("credentialManagement", condition, code, build))


@row("credentialManagement", "no credentials at all", "NO_CREDENTIALS")
def _(key):
    key.set_pin()
    return key.manage(2)[0]


@row("credentialManagement", "preview updates", "INVALID_SUBCOMMAND", "yubikey-like")
def _(key):
    return 0x41, {1: 7}


# largeBlobs

rows(
    "largeBlobs",
    12,
    lambda key: {1: 100, 3: 0},
    [
        ("offset absent", "INVALID_PARAMETER", {3: None}),
        ("neither get nor set", "INVALID_PARAMETER", {1: None}),
        ("get and set", "INVALID_PARAMETER", {2: b"x"}),
        ("get with length", "INVALID_PARAMETER", {4: 17}),
        ("get with pinUvAuthParam", "INVALID_PARAMETER", {5: bytes(32), 6: 2}),
        ("get more than maxMsgSize - 64", "INVALID_LENGTH", {1: 1137}),
        ("get behind the end", "INVALID_PARAMETER", {3: 18}),
        ("get is a text", "CBOR_UNEXPECTED_TYPE", {1: "x"}),
    ],
)
BLOB = b"\x80" + sha256(b"\x80").digest()[:16]
rows(
    "largeBlobs",
    12,
    lambda key: key.write_blob_members(BLOB, 0, len(BLOB)),
    [
        ("set without length", "INVALID_PARAMETER", {4: None}),
        ("set of 16 bytes", "INVALID_PARAMETER", {2: bytes(16), 4: 16}),
        ("set larger than the store", "LARGE_BLOB_STORAGE_FULL", {4: 4097}),
        ("set longer than announced", "INVALID_PARAMETER", {2: bytes(18)}),
        ("set fragment larger than maxMsgSize - 64", "INVALID_LENGTH", {2: bytes(1137), 4: 2000}),
        ("set at a wrong offset", "INVALID_SEQ", {3: 5, 4: None}),
        ("set a length at a later offset", "INVALID_PARAMETER", {3: 5}),
        ("set with a wrong hash", "INTEGRITY_FAILURE", {2: bytes(17)}),
    ],
)


@row("largeBlobs", "set without a token when there is a PIN", "PUAT_REQUIRED")
def _(key):
    key.set_pin()
    return 12, key.write_blob_members(BLOB, 0, 17)


@row("largeBlobs", "set without lbw", "PIN_AUTH_INVALID")
def _(key):
    key.set_pin()
    return 12, key.write_blob_members(BLOB, 0, 17, token=key.token(permissions=4))


# config


def configured(number, params=None, *, pin=True, token=None):
    def build(key):
        if pin:
            key.set_pin("837261")
        value = token(key) if token else None
        return key.configure(number, params, pin="837261" if pin else None, token=value)

    return build


for condition, code, build, model in [
    ("subCommand absent", "MISSING_PARAMETER", lambda key: (13, {}), "ctap-2.1-pin"),
    ("unknown subCommand", "INVALID_PARAMETER", configured(9), "ctap-2.1-pin"),
    ("enterprise attestation not supported", "INVALID_PARAMETER", configured(1), "ctap-2.1-pin"),
    ("vendor subCommand not offered", "INVALID_PARAMETER", configured(0xFF), "ctap-2.1-pin"),
    ("minimum length goes down", "PIN_POLICY_VIOLATION", configured(3, {1: 3}), "ctap-2.1-pin"),
    ("minimum length above 63", "PIN_POLICY_VIOLATION", configured(3, {1: 64}), "ctap-2.1-pin"),
    (
        "more RP IDs than advertised",
        "KEY_STORE_FULL",
        configured(3, {2: ["a", "b", "c", "d", "e"]}),
        "ctap-2.1-pin",
    ),
    ("an RP ID is bytes", "CBOR_UNEXPECTED_TYPE", configured(3, {2: [b"a"]}), "ctap-2.1-pin"),
    (
        "force a change without a PIN",
        "PIN_NOT_SET",
        configured(3, {3: True}, pin=False),
        "ctap-2.1-pin",
    ),
    ("no complexity policy", "INVALID_PARAMETER", configured(3, {4: True}), "ctap-2.1-pin"),
    (
        "token without acfg",
        "PIN_AUTH_INVALID",
        configured(2, token=lambda key: key.token("837261", 4)),
        "ctap-2.1-pin",
    ),
    ("alwaysUv and no PIN", "PUAT_REQUIRED", lambda key: (13, {1: 3, 2: {1: 5}}), "always-uv"),
]:
    ROWS.append(Row("config", condition, code, build, model))


@row("config", "no pinUvAuthParam when there is a PIN", "PUAT_REQUIRED")
def _(key):
    key.set_pin()
    return 13, {1: 2}


@row("config", "alwaysUv cannot be off", "OPERATION_DENIED", "always-uv-for-ever")
def _(key):
    return 13, {1: 2}


# bioEnrollment


def with_sensor(number, params=None, permissions=8):
    def build(key):
        key.set_pin()
        token = key.token(permissions=permissions)
        return 9, key.enrol_members(number, params, token=token)

    return build


for condition, code, build in [
    ("no pinUvAuthParam", "PUAT_REQUIRED", lambda key: (9, {1: 1, 2: 1})),
    ("subCommand absent", "MISSING_PARAMETER", lambda key: (9, {1: 1})),
    ("modality absent", "MISSING_PARAMETER", lambda key: (9, {2: 1})),
    ("another modality", "INVALID_PARAMETER", lambda key: (9, {1: 2, 2: 7})),
    ("unknown subCommand", "INVALID_SUBCOMMAND", lambda key: (9, {1: 1, 2: 8})),
    ("token without be", "PIN_AUTH_INVALID", with_sensor(4, permissions=4)),
    ("enumerate none", "INVALID_OPTION", with_sensor(4)),
    ("next sample of nothing", "INVALID_PARAMETER", with_sensor(2, {1: b"x"})),
    ("next sample without template ID", "MISSING_PARAMETER", with_sensor(2)),
    ("rename an unknown one", "INVALID_OPTION", with_sensor(5, {1: b"x", 2: "n"})),
    ("name of 16 bytes", "INVALID_LENGTH", with_sensor(5, {1: b"x", 2: "n" * 16})),
    ("remove an unknown one", "INVALID_OPTION", with_sensor(6, {1: b"x"})),
]:
    ROWS.append(Row("bioEnrollment", condition, code, build, "ctap-2.1-bio"))


@row("bioEnrollment", "all places are taken", "FP_DATABASE_FULL", "ctap-2.1-bio")
def _(key):
    key.set_pin()
    for finger in range(5):
        key.enrol(f"finger {finger}")
    return 9, key.enrol_members(1, token=key.token(permissions=8))


MODELS = {
    "no-rk-2.0": ("fido-2.0", {"slots": 0}),
    "no-mc-ga": ("ctap-2.1-bio", {"no_mc_ga_permissions_with_client_pin": True}),
    "always-uv-for-ever": ("always-uv", {"always_uv_can_be_off": False}),
}


@pytest.mark.parametrize("given", ROWS, ids=[given.id for given in ROWS])
def test_error_code(make_key, given):
    name, changes = MODELS.get(given.model, (given.model, {}))
    key = make_key(name, **changes)
    request = given.build(key)
    before = key.storage.read()
    if isinstance(request, CtapStatus):
        status = request
    elif isinstance(request, bytes):
        status = CtapStatus(key.raw(request)[0])
    elif isinstance(request, tuple):
        status = key.status(*request)
    else:
        status = CtapStatus(request.response[0])
    assert status.name == given.code
    # A refused command changes nothing but the counts of wrong PINs and fingers.
    after = key.storage.read()
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert changed <= {"retries"}


def test_rows_have_names_of_their_own():
    assert len({given.id for given in ROWS}) == len(ROWS)


def test_docs_have_the_same_rows():
    told = {
        tuple(cell.strip() for cell in line.strip("|\n").split("|")[:3])
        for line in DOCS.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and "| 0x" in line
    }
    table = {
        (given.command, given.condition, f"0x{CtapStatus[given.code]:02X} {given.code}")
        for given in ROWS
    }
    assert told == table
