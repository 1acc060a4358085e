"""A set of exchanges that show what a key is like, for comparing two of them.

Each passage begins on a new channel and does not depend on another's success, so a key that cannot
do one thing is still asked for the next. What is put on the key, a PIN, credentials, and what could
be lost, by a reset, is in passages that are destructive.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from fido2 import cbor
from fido2.ctap import CtapDevice, CtapError
from fido2.ctap2.base import Ctap2
from fido2.ctap2.pin import ClientPin, PinProtocol
from fido2.hid import ConnectionFailure

from mfalab.devices.ctap.commands import Capability, Command, Permission
from mfalab.devices.ctap.ctaphid import HidCommand
from mfalab.simulator.abilities import Ability
from mfalab.simulator.keys.fixture import Fixture
from mfalab.simulator.traces.compare import Passage
from mfalab.simulator.traces.dissect import Message
from mfalab.simulator.traces.recorder import Recording, Tape

_RP_ID: Final = "basics.example"
_HASH: Final = sha256(b"challenge").digest()
_PIN, _WRONG_PIN = "135792468", "246813579"
_ES256, _EDDSA, _ES384 = -7, -8, -35
_MAKE, _ASSERT = Command.MAKE_CREDENTIAL, Command.GET_ASSERTION
_REGISTER, _AUTHENTICATE, _VERSION = 1, 2, 3
_POLL_NS: Final = 250_000_000
_MOST_POLLS: Final = 120
_CHECK, _ENFORCE = 0x07, 0x03
_APPLICATION: Final = sha256(_RP_ID.encode()).digest()


@dataclass(slots=True)
class Asking:
    """A client that asks a key and takes what comes.

    Attributes:
        fixture: the key and what is around it.
        device: the way to it.
    """

    fixture: Fixture
    device: CtapDevice

    @property
    def speaks_ctap2(self) -> bool:
        """Whether the key says that it does."""
        return bool(self.device.capabilities & Capability.CBOR)

    def call(self, command: int, data: bytes = b"") -> bytes:
        """Send something; the answer, or nothing when it was refused."""
        try:
            return self.device.call(command, data)
        except CtapError:
            return b""

    def ctap2(self, command: int, members: dict[Any, Any] | None = None) -> dict[Any, Any]:
        """Send a CTAP2 request; the members of the answer, none when it was refused."""
        body = b"" if members is None else cbor.encode(members)
        answer = self.call(HidCommand.CBOR, bytes((command,)) + body)
        if len(answer) < 2 or answer[0]:
            return {}
        with suppress(ValueError, KeyError, IndexError):
            found = cbor.decode(answer[1:])
            return dict(found) if isinstance(found, dict) else {}
        return {}

    def u2f(self, ins: int, p1: int, data: bytes) -> bytes:
        """Send a U2F request."""
        apdu = bytes((0, ins, p1, 0, 0)) + len(data).to_bytes(2) + data + b"\0\0"
        return self.call(HidCommand.MSG, apdu)

    def token(self, pin: str, permissions: int) -> tuple[bytes, PinProtocol] | None:
        """A token for a PIN; None when there is none."""
        try:
            client = ClientPin(Ctap2(self.device))
            rp_id = None if permissions == Permission.CREDENTIAL_MANAGEMENT else _RP_ID
            token = client.get_pin_token(pin, ClientPin.PERMISSION(permissions), rp_id)
        except (CtapError, ValueError):
            return None
        return token, client.protocol

    def verified(self, request: dict[Any, Any], permissions: int, param: int) -> dict[Any, Any]:
        """A request with the proof of a PIN, if one is known and the key has one."""
        if self.fixture.pin is None or (found := self.token(self.fixture.pin, permissions)) is None:
            return request
        token, protocol = found
        proof = protocol.authenticate(token, _HASH)
        return {**request, param: proof, param + 1: protocol.VERSION}

    def make(self, **changes: Any) -> bytes:
        """Make a credential; its ID, or nothing. `changes` are members by name."""
        answer = self.ctap2(_MAKE, self.verified(registration(**changes), 1, 8))
        data = answer.get(2, b"")
        size = int.from_bytes(data[53:55])
        return bytes(data[55 : 55 + size])

    def sign(self, credential: bytes | None, **changes: Any) -> dict[Any, Any]:
        """Ask for an assertion with one credential, or with any that the key has."""
        listed = [{"type": "public-key", "id": credential}]
        request = {1: _RP_ID, 2: _HASH, **({} if credential is None else {3: listed})}
        names = {"rp_id": 1, "extensions": 4, "options": 5}
        request |= {names[name]: value for name, value in changes.items()}
        return self.ctap2(_ASSERT, self.verified(request, 2, 6))


def registration(**changes: Any) -> dict[int, Any]:
    """The members of a makeCredential request, with some changed or, if None, left out."""
    members = ("hash", "rp", "user", "algorithms", "exclude", "extensions", "options")
    names = {name: number for number, name in enumerate(members, start=1)}
    request: dict[int, Any] = {
        1: _HASH,
        2: {"id": _RP_ID, "name": "Basics"},
        3: {"id": b"alice", "name": "alice", "displayName": "Alice"},
        4: [{"type": "public-key", "alg": _ES256}],
    }
    for name, value in changes.items():
        if value is None:
            del request[names[name]]
        else:
            request[names[name]] = value
    return request


@dataclass(frozen=True, slots=True)
class Basic:
    """One passage.

    Attributes:
        name: what it shows.
        run: does it.
        destructive: whether it changes the key for good.
        needs: what the fixture must be able to do.
        ctap2: whether the key has to speak CTAP2.
    """

    name: str
    run: Callable[[Asking], object]
    destructive: bool = False
    needs: frozenset[Ability] = frozenset()
    ctap2: bool = True


def _ctaphid(asking: Asking) -> None:
    for size in (0, 1, 57, 58, 1024):
        asking.call(HidCommand.PING, b"p" * size)
    asking.call(HidCommand.WINK)
    asking.call(HidCommand.LOCK, b"\x01")
    asking.call(HidCommand.LOCK, b"\x00")
    asking.call(0x22)
    asking.call(HidCommand.CBOR)


def _errors(asking: Asking) -> None:
    for request in (b"\x03", b"\x01", b"\x01\xa1", b"\x01\xbf\xff", b"\x01\x80"):
        asking.call(HidCommand.CBOR, request)
    for member in ("hash", "rp", "user", "algorithms"):
        asking.ctap2(_MAKE, registration(**{member: None}))
        asking.ctap2(_MAKE, registration(**{member: 7}))
    asking.ctap2(_MAKE, registration(algorithms=[{"type": "public-key", "alg": -9999}]))
    asking.ctap2(_MAKE, registration(options={"up": False}))
    for more in ({8: b"", 9: 99}, {8: bytes(16), 9: 99}, {8: bytes(16)}, {10: 3}):
        asking.ctap2(_MAKE, registration() | more)
    asking.ctap2(_ASSERT, {2: _HASH})
    asking.ctap2(_ASSERT, {1: _RP_ID, 2: _HASH, 5: {"rk": True}})
    asking.ctap2(Command.GET_NEXT_ASSERTION)


def _client_pin(asking: Asking) -> None:
    for protocol in (1, 2, 3):
        asking.ctap2(Command.CLIENT_PIN, {1: protocol, 2: 1})
        asking.ctap2(Command.CLIENT_PIN, {1: protocol, 2: 2})
    asking.ctap2(Command.CLIENT_PIN, {1: 1, 2: 7})
    asking.ctap2(Command.CLIENT_PIN, {1: 1, 2: 99})
    asking.ctap2(Command.CLIENT_PIN, {1: 1})


def _registration(asking: Asking) -> None:
    made = asking.make()
    asking.make(algorithms=[{"type": "public-key", "alg": _EDDSA}])
    asking.make(algorithms=[{"type": "public-key", "alg": _ES384}])
    asking.make(extensions={"hmac-secret": True, "credProtect": 2})
    asking.make(extensions={"minPinLength": True, "credBlob": b"blob"})
    if made:
        asking.make(exclude=[{"type": "public-key", "id": made}])


def _authentication(asking: Asking) -> None:
    credential = asking.make(extensions={"hmac-secret": True})
    if credential:
        asking.sign(credential)
        asking.sign(credential, options={"up": False})
        asking.sign(credential, rp_id="other.example")
    asking.sign(b"not a credential")


def _u2f(asking: Asking) -> None:
    asking.u2f(_VERSION, 0, b"")
    asking.u2f(9, 0, b"")
    asking.u2f(_REGISTER, 0, b"short")
    answer = _touched(asking, _REGISTER, _HASH + _APPLICATION)
    handle = answer[67 : 67 + answer[66]] if len(answer) > 67 else b""
    for application in (_APPLICATION, _HASH):
        named = _HASH + application + bytes((len(handle),)) + handle
        asking.u2f(_AUTHENTICATE, _CHECK, named)
    _touched(asking, _AUTHENTICATE, _HASH + _APPLICATION + bytes((len(handle),)) + handle)


def _touched(asking: Asking, ins: int, data: bytes) -> bytes:
    """Ask again and again until the key is touched."""
    answer = b""
    for _ in range(_MOST_POLLS):
        answer = asking.u2f(ins, _ENFORCE if ins == _AUTHENTICATE else 0, data)
        if answer[-2:] != b"\x69\x85":
            break
        asking.fixture.wait(_POLL_NS)
    return answer


def _reset(asking: Asking) -> None:
    asking.fixture.pin = None
    asking.ctap2(Command.RESET)


def _pins(asking: Asking) -> None:
    client = ClientPin(Ctap2(asking.device))
    with suppress(CtapError, ValueError):
        client.set_pin("1")
    with suppress(CtapError, ValueError):
        client.set_pin(_PIN)
        asking.fixture.pin = _PIN
    with suppress(CtapError, ValueError):
        client.set_pin(_PIN)
    for pin in (_WRONG_PIN, _WRONG_PIN, _PIN, _WRONG_PIN, _WRONG_PIN, _WRONG_PIN, _PIN):
        with suppress(CtapError, ValueError):
            client.get_pin_token(pin, ClientPin.PERMISSION(3), _RP_ID)
        asking.ctap2(Command.CLIENT_PIN, {1: 1, 2: 1})


def _discoverable(asking: Asking) -> None:
    for handle in (b"alice", b"bob"):
        asking.make(user={"id": handle, "name": handle.decode()}, options={"rk": True})
    asking.sign(None)
    asking.ctap2(Command.GET_NEXT_ASSERTION)
    asking.ctap2(Command.GET_NEXT_ASSERTION)
    asking.ctap2(Command.GET_INFO)


def _management(asking: Asking) -> None:
    pin = asking.fixture.pin
    found = pin and asking.token(pin, Permission.CREDENTIAL_MANAGEMENT)
    if not found:
        return
    token, protocol = found
    for subcommand in (1, 2):
        proof = protocol.authenticate(token, bytes((subcommand,)))
        request = {1: subcommand, 3: protocol.VERSION, 4: proof}
        asking.ctap2(Command.CREDENTIAL_MANAGEMENT, request)
    asking.ctap2(Command.CREDENTIAL_MANAGEMENT, {1: 1})


def _large_blobs(asking: Asking) -> None:
    asking.ctap2(Command.LARGE_BLOBS, {1: 64, 3: 0})
    asking.ctap2(Command.LARGE_BLOBS, {1: 64, 3: 1000})


def _outcome(basic: Basic, asking: Asking) -> str:
    try:
        basic.run(asking)
    except TimeoutError:
        return "the key fell silent"
    except _CLIENT_GIVES_UP as error:
        return f"the client gave up: {type(error).__name__}"
    return "done"


_CLIENT_GIVES_UP: Final = (
    CtapError,
    ConnectionFailure,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
)
"""What python-fido2 raises when an answer makes no sense to it."""

_TOUCH: Final = frozenset({Ability.TOUCH})
_POWER: Final = frozenset({Ability.TOUCH, Ability.POWER})

BASICS: Final = (
    Basic("CTAPHID", _ctaphid, needs=frozenset({Ability.REPORTS}), ctap2=False),
    Basic("getInfo", lambda asking: asking.ctap2(Command.GET_INFO)),
    Basic("errors", _errors, needs=_TOUCH),
    Basic("clientPIN", _client_pin),
    Basic("selection", lambda asking: asking.ctap2(Command.SELECTION), needs=_TOUCH),
    Basic("registration", _registration, needs=_TOUCH),
    Basic("authentication", _authentication, needs=_TOUCH),
    Basic("U2F", _u2f, needs=_TOUCH, ctap2=False),
    Basic("largeBlobs", _large_blobs),
    Basic("reset", _reset, destructive=True, needs=_POWER),
    Basic("PIN retries", _pins, destructive=True, needs=_POWER),
    Basic("with a PIN", _discoverable, destructive=True, needs=_POWER),
    Basic("credentialManagement", _management, destructive=True, needs=_POWER),
    Basic("authentication with a PIN", _authentication, destructive=True, needs=_POWER),
    Basic("reset at the end", _reset, destructive=True, needs=_POWER),
)
"""All passages, in their order."""


def perform(
    fixture: Fixture,
    *,
    destructive: bool = False,
    abilities: frozenset[Ability] | None = None,
) -> list[Passage]:
    """Ask a key for the basics.

    Args:
        fixture: the key; it is left open.
        destructive: ask for what changes it for good.
        abilities: what is used of what the fixture can do; None for all.

    Raises:
        OSError: it is not there, or went away.
        DeviceError: it cannot be asked, or a recording departs.
    """
    heard: list[Message] = []
    # Nothing is written to a file, and what is masked cannot be verified.
    tape = Tape(heard=heard.append, reveal=True)
    recording = Recording(fixture, tape)
    can = fixture.can if abilities is None else fixture.can & abilities
    found = []
    for basic in BASICS:
        if (basic.destructive and not destructive) or not basic.needs <= can:
            continue
        heard.clear()
        if basic.destructive:
            recording.power_cycle()
        with recording.connect() as device:
            asking = Asking(recording, device)
            if basic.ctap2 and not asking.speaks_ctap2:
                continue
            outcome = _outcome(basic, asking)
        tape.flush()
        found.append(Passage(basic.name, tuple(heard), outcome))
    return found
