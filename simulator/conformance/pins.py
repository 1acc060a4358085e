"""The PIN and tokens of the key under test, from the platform's side. CTAP 2.1 section 6.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mfalab.devices.ctap.commands import Command, Permission, PinSubcommand
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.conformance.pin_protocols import (
    Shared,
    authenticate,
    pad_pin,
    pin_hash,
    share,
)
from mfalab.simulator.conformance.suite import Pin
from mfalab.simulator.conformance.verdicts import Failure, NotTested
from mfalab.simulator.workbench.fixture import Ability

if TYPE_CHECKING:
    from mfalab.simulator.conformance.subject import Reply, Subject

__all__ = ["Pins", "Token"]

_PIN: Final = "Kq7-vz2-Bt9-hw4-Lm6-xd3-Rp8-jc5-Ny1-gf7-Tk2-sb9-Wd4-mz6-Hv3-q8"
"""No digit or letter twice in a row, mixed kinds: it fits every policy that is sane."""


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


class Pins:
    """The PIN of the key under test.

    Attributes:
        known: the PIN, if it has one and we know it.
        ours: whether this run has set it.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.known: str | None = subject.fixture.pin
        self.ours = False

    @property
    def offered(self) -> bool:
        """Whether the key can have a PIN."""
        return "clientPin" in self._subject.facts.options

    @property
    def is_set(self) -> bool:
        """Whether the key has one."""
        return self._subject.facts.options.get("clientPin", False)

    @property
    def protocol(self) -> int:
        """The protocol that the key likes best.

        Raises:
            NotTested: it has none.
        """
        protocols = self._subject.facts.protocols
        if not protocols:
            raise NotTested("the key announces no PIN/UV auth protocol")
        return protocols[0]

    def a_pin(self, salt: str = "") -> str:
        """A PIN that the key takes, made up by us."""
        length = max(8, self._subject.facts.number(0x0D, 4))
        return (salt + _PIN)[:length]

    # Requests.

    def call(self, subcommand: int, members: dict[int, Any] | None = None) -> Reply:
        """Send authenticatorClientPIN with the protocol of this key unless the members say so."""
        request = {0x01: self.protocol, 0x02: subcommand} | (members or {})
        return self._subject.call(Command.CLIENT_PIN, request)

    def agree(self, protocol: int | None = None) -> Shared:
        """Agree on a secret.

        Raises:
            Failure: the key gives no key agreement key.
        """
        number = protocol or self.protocol
        reply = self.call(PinSubcommand.GET_KEY_AGREEMENT, {0x01: number})
        try:
            return share(number, reply.member(0x01, dict), self._subject.random_bytes)
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

    def change(self, old: str, new: str, protocol: int | None = None) -> Reply:
        """Ask the key to take another PIN."""
        shared = self.agree(protocol)
        sealed = shared.encrypt(pad_pin(new))
        before = shared.encrypt(pin_hash(old))
        members = {
            0x01: shared.protocol,
            0x03: dict(shared.public),
            0x04: shared.authenticate(sealed + before),
            0x05: sealed,
            0x06: before,
        }
        return self.call(PinSubcommand.CHANGE_PIN, members)

    def ask_token(
        self,
        pin: str,
        permissions: int | None = None,
        rp_id: str | None = None,
        *,
        protocol: int | None = None,
    ) -> tuple[Reply, Shared]:
        """Ask for a token; without permissions as before CTAP 2.1. Also gives what opens it."""
        shared = self.agree(protocol)
        members: dict[int, Any] = {
            0x01: shared.protocol,
            0x03: dict(shared.public),
            0x06: shared.encrypt(pin_hash(pin)),
        }
        subcommand = PinSubcommand.GET_PIN_TOKEN
        if permissions is not None:
            subcommand = PinSubcommand.GET_TOKEN_USING_PIN
            members[0x09] = permissions
        if rp_id is not None:
            members[0x0A] = rp_id
        return self.call(subcommand, members), shared

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
        self,
        permissions: Permission,
        rp_id: str | None = None,
        *,
        protocol: int | None = None,
    ) -> Token:
        """A token for these permissions, with the PIN that is known.

        Raises:
            NotTested: no PIN is set, or nobody knows it.
            Failure: the key does not give one.
        """
        if not self.is_set or self.known is None:
            raise NotTested("it takes a PIN, and none is set that is known")
        wanted: int | None = int(permissions)
        if not self._subject.facts.options.get("pinUvAuthToken"):
            wanted = rp_id = None
        return self.opened(*self.ask_token(self.known, wanted, rp_id, protocol=protocol))

    def retries(self) -> int:
        """How many tries are left."""
        found: int = self.call(PinSubcommand.GET_PIN_RETRIES).member(0x03, int)
        return found

    # States.

    def prepare(self, need: Pin, *, ready: bool) -> None:
        """Bring the PIN into the state that a test needs, if this run may.

        Raises:
            NotTested: it may not, or the key cannot.
        """
        options = self._subject.facts.options
        if need is Pin.SET:
            self._have()
        elif need is Pin.ABSENT:
            self._have_none()
        elif ready and options.get("alwaysUv") and not options.get("uv"):
            self._have()
        elif ready and self.is_set and self.known is None and not options.get("makeCredUvNotRqd"):
            raise NotTested("the key has a PIN that nobody told; say it with --pin")

    def _have(self) -> None:
        subject = self._subject
        if not self.offered:
            raise NotTested("the key has no PIN")
        if self.is_set:
            if self.known is None:
                raise NotTested("the key has a PIN that nobody told; say it with --pin")
            return
        if not subject.destructive:
            raise NotTested("the key has no PIN, and setting one takes --destructive")
        if not {Ability.POWER, Ability.TOUCH} <= subject.abilities:
            raise NotTested(
                "a PIN that was set could not be removed: that takes power cut and a touch"
            )
        pin = self.a_pin()
        self.set(pin).must(CtapStatus.SUCCESS)
        self.known, self.ours = pin, True
        subject.dirty.add("the PIN")
        subject.refresh()

    def _have_none(self) -> None:
        subject = self._subject
        if not self.is_set:
            return
        if not subject.destructive:
            raise NotTested("the key has a PIN, and removing it takes --destructive")
        subject.ceremonies.reset()
