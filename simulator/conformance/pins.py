"""The PIN and tokens of the key under test, from the platform's side. CTAP 2.1 section 6.5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique
from typing import Any, Final

from fido2 import cbor

from mfalab.devices.ctap.commands import Command, Permission, PinSubcommand
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.key_under_test import KeyUnderTest
from mfalab.simulator.conformance.pin_protocols import (
    Shared,
    authenticate,
    pad_pin,
    pin_hash,
    share,
)
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.verdicts import Failure, NotTested

_OTHERS: Final = {
    "credMgmt": Permission.CREDENTIAL_MANAGEMENT,
    "largeBlobs": Permission.LARGE_BLOB_WRITE,
    "authnrCfg": Permission.AUTHENTICATOR_CONFIGURATION,
    "bioEnroll": Permission.BIO_ENROLLMENT,
}
"""Permissions beside mc and ga, by the option that offers them."""

_PIN: Final = "Kq7-vz2-Bt9-hw4-Lm6-xd3-Rp8-jc5-Ny1-gf7-Tk2-sb9-Wd4-mz6-Hv3-q8"
"""No digit or letter twice in a row, mixed kinds: it fits every policy that is sane."""


@unique
class Pin(Enum):
    """What a test needs of the PIN."""

    ANY = "whatever is there"
    ABSENT = "no PIN"
    SET = "a PIN that is known"


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A pinUvAuthToken.

    Attributes:
        protocol: the PIN/UV auth protocol it was given under.
        value: its secret bytes.
    """

    protocol: int
    value: bytes

    def sign(self, message: bytes) -> bytes:
        """A pinUvAuthParam."""
        return authenticate(self.protocol, self.value, message)

    def subcommand(self, number: int, params: Any = None, *, prefix: bytes = b"") -> dict[int, Any]:
        """The members of a request that names a subcommand and proves this token.

        Args:
            number: the subcommand.
            params: its parameters; None for none.
            prefix: what stands before the subcommand in the message that is signed.
        """
        message = prefix + bytes([number]) + (b"" if params is None else cbor.encode(params))
        members: dict[int, Any] = {0x01: number, 0x03: self.protocol, 0x04: self.sign(message)}
        return members if params is None else members | {0x02: params}


class Pins:
    """The PIN of the key under test.

    Attributes:
        known: the PIN, if it has one and we know it.
        ours: whether this run has set it.
    """

    def __init__(self, key: KeyUnderTest) -> None:
        self._key = key
        self.known: str | None = key.fixture.pin
        self.ours = False

    @property
    def offered(self) -> bool:
        """Whether the key can have a PIN."""
        return "clientPin" in self._key.facts.options

    @property
    def is_set(self) -> bool:
        """Whether the key has one."""
        return self._key.facts.options.get("clientPin", False)

    @property
    def protocol(self) -> int:
        """The protocol that the key likes best.

        Raises:
            NotTested: it has none.
        """
        protocols = self._key.facts.protocols
        if not protocols:
            raise NotTested("the key announces no PIN/UV auth protocol")
        return protocols[0]

    def a_pin(self, salt: str = "", length: int = 0) -> str:
        """A PIN that the key takes, made up by us; of that many bytes, if a length is given."""
        # Long enough to stay so when a test raises the minimum by one.
        length = length or max(8, self._key.facts.number(0x0D, 4) + 2)
        return (salt + _PIN)[:length]

    # Requests.

    def call(self, subcommand: int, members: dict[int, Any] | None = None) -> Reply:
        """Send authenticatorClientPIN with the protocol of this key unless the members say so."""
        request = {0x01: self.protocol, 0x02: subcommand} | (members or {})
        return self._key.call(Command.CLIENT_PIN, request)

    def agree(self, protocol: int | None = None) -> Shared:
        """Agree on a secret.

        Raises:
            Failure: the key gives no key agreement key.
        """
        number = protocol or self.protocol
        reply = self.call(PinSubcommand.GET_KEY_AGREEMENT, {0x01: number})
        try:
            return share(number, reply.member(0x01, dict), self._key.random_bytes)
        except ValueError as error:
            raise Failure("a key agreement key that is a point of P-256", str(error)) from error

    def set_request(self, pin: str | bytes, protocol: int | None = None) -> dict[int, Any]:
        """The members that set a PIN; bytes are taken as the padded block."""
        shared = self.agree(protocol)
        sealed = shared.encrypt(pin if isinstance(pin, bytes) else pad_pin(pin))
        return {
            0x01: shared.protocol,
            0x03: dict(shared.public),
            0x04: shared.authenticate(sealed),
            0x05: sealed,
        }

    def set(self, pin: str | bytes, protocol: int | None = None) -> Reply:
        """Ask the key to take a PIN."""
        return self.call(PinSubcommand.SET_PIN, self.set_request(pin, protocol))

    def change_request(self, old: str, new: str, protocol: int | None = None) -> dict[int, Any]:
        """The members that change a PIN."""
        shared = self.agree(protocol)
        sealed = shared.encrypt(pad_pin(new))
        before = shared.encrypt(pin_hash(old))
        return {
            0x01: shared.protocol,
            0x03: dict(shared.public),
            0x04: shared.authenticate(sealed + before),
            0x05: sealed,
            0x06: before,
        }

    def change(self, old: str, new: str, protocol: int | None = None) -> Reply:
        """Ask the key to take another PIN."""
        return self.call(PinSubcommand.CHANGE_PIN, self.change_request(old, new, protocol))

    def replace(self, old: str, new: str, protocol: int | None = None) -> None:
        """Change the PIN that is known.

        Raises:
            Failure: the key does not take it.
        """
        self.change(old, new, protocol).must(CtapStatus.SUCCESS)
        self.known = new

    def token_request(
        self,
        pin: str,
        permissions: int | None = None,
        rp_id: str | None = None,
        *,
        protocol: int | None = None,
    ) -> tuple[dict[int, Any], Shared]:
        """The members that ask for a token, and what opens it.

        Args:
            pin: the PIN.
            permissions: what the token is for; None for a token as before CTAP 2.1.
            rp_id: the relying party that it is for.
            protocol: the PIN/UV auth protocol; None for the key's favourite.
        """
        shared = self.agree(protocol)
        old = permissions is None
        members: dict[int, Any] = {
            0x01: shared.protocol,
            0x02: int(PinSubcommand.GET_PIN_TOKEN if old else PinSubcommand.GET_TOKEN_USING_PIN),
            0x03: dict(shared.public),
            0x06: shared.encrypt(pin_hash(pin)),
        }
        if permissions is not None:
            members[0x09] = permissions
        if rp_id is not None:
            members[0x0A] = rp_id
        return members, shared

    def ask_token(
        self,
        pin: str,
        permissions: int | None = None,
        rp_id: str | None = None,
        *,
        protocol: int | None = None,
    ) -> tuple[Reply, Shared]:
        """Ask for a token; see `token_request`. Also gives what opens it."""
        members, shared = self.token_request(pin, permissions, rp_id, protocol=protocol)
        return self._key.call(Command.CLIENT_PIN, members), shared

    def try_pin(self, pin: str, protocol: int | None = None) -> Reply:
        """Let the key compare a PIN, by asking for a token of the kind that a PIN gives here."""
        return self.ask_token(pin, self.harmless, protocol=protocol)[0]

    def prove(self, protocol: int | None = None) -> None:
        """Give the PIN that is known, which restores all tries.

        Raises:
            Failure: the key does not take it.
        """
        self.try_pin(self.known or "", protocol).must(CtapStatus.SUCCESS)

    @property
    def others(self) -> tuple[Permission, ...]:
        """The permissions beside mc and ga that the key offers."""
        options = self._key.facts.options
        return tuple(permission for name, permission in _OTHERS.items() if name in options)

    @property
    def harmless(self) -> int | None:
        """A permission for keys whose PIN gives none to register and sign in; None elsewhere."""
        options = self._key.facts.options
        if not options.get("noMcGaPermissionsWithClientPin"):
            return None
        found = next(iter(self.others), None)
        if found is None:
            raise NotTested("a PIN gives no permission here that could be asked for")
        return int(found)

    def opened(self, reply: Reply, shared: Shared) -> Token:
        """The token of an answer.

        Raises:
            Failure: there is none, or its length is wrong.
        """
        try:
            value = shared.decrypt(reply.member(0x02, bytes))
        except ValueError as error:
            raise Failure("an encrypted pinUvAuthToken", str(error)) from error
        lengths = (16, 32) if shared.protocol == 1 else (32,)
        if len(value) not in lengths:
            raise Failure(f"a token of {' or '.join(map(str, lengths))} bytes", str(len(value)))
        return Token(shared.protocol, value)

    def token(
        self, permissions: Permission, rp_id: str | None = None, *, protocol: int | None = None
    ) -> Token:
        """A token for these permissions, with the PIN that is known.

        Raises:
            NotTested: no PIN is set, or it is not known.
            Failure: the key does not give one.
        """
        if not self.is_set or self.known is None:
            raise NotTested("it takes a PIN, and none is set that is known")
        options = self._key.facts.options
        ceremony = permissions & (Permission.MAKE_CREDENTIAL | Permission.GET_ASSERTION)
        if ceremony and options.get("noMcGaPermissionsWithClientPin"):
            raise NotTested("a PIN gives no permission to register or sign in here")
        wanted: int | None = int(permissions)
        if not options.get("pinUvAuthToken"):
            wanted = rp_id = None
        return self.opened(*self.ask_token(self.known, wanted, rp_id, protocol=protocol))

    def unfit(self, permission: Permission) -> Token:
        """A token for anything but that permission, of no relying party.

        Raises:
            NotTested: as `token`, or there is no other.
        """
        found = next((each for each in self.others if each is not permission), None)
        if found is None:
            raise NotTested(f"the key gives no token but for {permission.name}")
        return self.token(found)

    def retries(self) -> int:
        """How many tries are left."""
        found: int = self.call(PinSubcommand.GET_PIN_RETRIES).member(0x03, int)
        return found

    # States.

    def prepare(self, need: Pin, *, ready: bool, reset: Callable[[], None]) -> None:
        """Bring the PIN into the state that a test needs, if this run may.

        Args:
            need: what the test needs of the PIN.
            ready: whether the test makes credentials.
            reset: brings the key to its state from the factory.

        Raises:
            NotTested: it may not, or the key cannot.
        """
        options = self._key.facts.options
        if need is Pin.SET:
            self._have()
        elif need is Pin.ABSENT:
            self._have_none(reset)
        elif ready and options.get("alwaysUv") and not options.get("uv"):
            self._have()
        elif ready and self.is_set and self.known is None and not options.get("makeCredUvNotRqd"):
            raise NotTested("the key has a PIN that is not known; say it with --pin")

    def _have(self) -> None:
        key = self._key
        if not self.offered:
            raise NotTested("the key has no PIN")
        if self.is_set:
            if self.known is None:
                raise NotTested("the key has a PIN that is not known; say it with --pin")
            if key.facts.info.get(0x0C) is True:
                self._changed(self.known)
            return
        if not key.destructive:
            raise NotTested("the key has no PIN, and setting one takes --destructive")
        if not {Ability.POWER, Ability.TOUCH} <= key.abilities:
            raise NotTested(
                "a PIN that was set could not be removed: that takes power cut and a touch"
            )
        pin = self.a_pin()
        self.set(pin).must(CtapStatus.SUCCESS)
        self.known, self.ours = pin, True
        key.dirty.add("the PIN")
        key.refresh()

    def _changed(self, old: str) -> None:
        """Change a PIN that the key wants changed."""
        if not self._key.destructive:
            raise NotTested("the key wants its PIN changed, which takes --destructive")
        new = self.a_pin(self._key.random_bytes(2).hex())
        self.change(old, new).must(CtapStatus.SUCCESS)
        self.known = new
        self._key.refresh()

    def _have_none(self, reset: Callable[[], None]) -> None:
        if not self.is_set:
            return
        if not self._key.destructive:
            raise NotTested("the key has a PIN, and removing it takes --destructive")
        reset()
