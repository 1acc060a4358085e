"""Registration, authentication and reset as a platform does them, with everything verified.

Signatures and attestation are verified with python-fido2, which shares nothing with the simulated
key. CTAP 2.1 sections 6.1, 6.2 and 6.6; WebAuthn Level 3 section 6.1 for authenticator data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from fido2.attestation.base import Attestation
from fido2.cose import CoseKey
from fido2.webauthn import AuthenticatorData

from mfalab.devices.ctap.commands import (
    AuthDataFlag,
    Command,
    CredentialManagementSubcommand,
    Permission,
)
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.key_under_test import KeyUnderTest
from mfalab.simulator.conformance.pins import Pins
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.verdicts import Failure, NotTested, expect
from mfalab.simulator.keys.canonical import read_first
from mfalab.simulator.traces.vocabulary import flags_text

RP_ID: Final = "conformance.example"
"""The relying party of this program; what it has on a key is ours to delete."""
ES256: Final = -7
ONE: Final = "makes a discoverable credential and deletes it"
"""What most tests of discoverable credentials change."""
_RESERVED_FLAGS: Final = 0x22


@dataclass(frozen=True, slots=True)
class AuthData:
    """Authenticator data, taken apart.

    Attributes:
        raw: all of it.
        rp_id_hash: its first 32 bytes.
        flags: the flags byte.
        counter: the signature counter.
        aaguid: of attested credential data; empty without.
        credential_id: likewise.
        public_key: likewise, a COSE_Key.
        extensions: the extension outputs; empty without.
    """

    raw: bytes
    rp_id_hash: bytes
    flags: int
    counter: int
    aaguid: bytes
    credential_id: bytes
    public_key: Mapping[int, Any]
    extensions: Mapping[str, Any]

    @classmethod
    def parse(cls, raw: bytes) -> AuthData:
        """Take authenticator data apart.

        Raises:
            Failure: its parts do not fit together, or its CBOR is not canonical.
        """
        expect(len(raw) >= 37, "authenticator data of at least 37 bytes", f"{len(raw)} bytes")
        flags, rest = raw[32], raw[37:]
        aaguid = credential_id = b""
        public_key: Mapping[int, Any] = {}
        if flags & AuthDataFlag.ATTESTED_CREDENTIAL_DATA:
            size = int.from_bytes(rest[16:18])
            if len(rest) < 18 + size:
                raise Failure("attested credential data", f"{len(rest)} bytes")
            aaguid, credential_id = rest[:16], rest[18 : 18 + size]
            public_key, rest = _map("the public key", rest[18 + size :])
        extensions: Mapping[str, Any] = {}
        if flags & AuthDataFlag.EXTENSION_DATA:
            extensions, rest = _map("the extension outputs", rest)
        expect(not rest, "nothing behind the authenticator data", f"{len(rest)} bytes")
        counter = int.from_bytes(raw[33:37])
        return cls(raw, raw[:32], flags, counter, aaguid, credential_id, public_key, extensions)

    def has(self, flag: AuthDataFlag) -> bool:
        """Whether a flag is set."""
        return bool(self.flags & flag)

    def expect(self, flag: AuthDataFlag, *, on: bool = True) -> None:
        """See that a flag is set, or clear.

        Raises:
            Failure: it is not.
        """
        if self.has(flag) is not on:
            state = "set" if on else "clear"
            raise Failure(f"flag {flags_text(flag)} {state}", f"0x{self.flags:02X}")


def _map(what: str, data: bytes) -> tuple[Mapping[Any, Any], bytes]:
    reading, rest = read_first(data)
    if reading.problems or not isinstance(reading.value, dict):
        why = reading.problems[0] if reading.problems else type(reading.value).__name__
        raise Failure(f"{what} as a canonical CBOR map", why)
    return reading.value, rest


def descriptor(credential_id: bytes) -> dict[str, Any]:
    """A PublicKeyCredentialDescriptor."""
    return {"id": credential_id, "type": "public-key"}


@dataclass(frozen=True, slots=True)
class Made:
    """A credential that was made.

    Attributes:
        rp_id: its relying party.
        user_id: its user handle.
        client_data_hash: what was attested.
        reply: the whole answer.
        auth: its authenticator data.
    """

    rp_id: str
    user_id: bytes
    client_data_hash: bytes
    reply: Reply
    auth: AuthData

    @property
    def id(self) -> bytes:
        """Its credential ID."""
        return self.auth.credential_id

    @property
    def statement(self) -> tuple[str, dict[str, Any]]:
        """Attestation statement format and statement."""
        return self.reply.member(0x01, str), self.reply.member(0x03, dict)


@dataclass(frozen=True, slots=True)
class Signed:
    """An assertion whose signature was verified: the answer and its authenticator data."""

    reply: Reply
    auth: AuthData


class Ceremonies:
    """What a relying party and its platform do with the key under test."""

    def __init__(self, key: KeyUnderTest, pins: Pins) -> None:
        self._key = key
        self._pins = pins

    def another_rp(self) -> str:
        """A relying party that has nothing on the key yet."""
        return f"{self._key.random_bytes(4).hex()}.{RP_ID}"

    # Registration.

    def make_request(
        self,
        *,
        rp_id: str = RP_ID,
        user_id: bytes = b"conformance",
        rk: bool = False,
        algorithms: Sequence[int] = (ES256,),
        authorised: bool = True,
        extensions: Mapping[str, Any] | None = None,
    ) -> dict[int, Any]:
        """The members of a makeCredential request, with a token when there is a PIN.

        Raises:
            NotTested: a discoverable credential could not be deleted again, or the PIN that
                it takes is not known.
        """
        key = self._key
        key.presence()
        client_data_hash = key.random_bytes(32)
        members: dict[int, Any] = {
            0x01: client_data_hash,
            0x02: {"id": rp_id, "name": "Conformance"},
            0x03: {"id": user_id, "name": "conformance", "displayName": "Conformance test"},
            0x04: [{"alg": number, "type": "public-key"} for number in algorithms],
        }
        if extensions is not None:
            members[0x06] = dict(extensions)
        if rk:
            self._can_be_deleted()
            members[0x07] = {"rk": True}
        needless = not rk and key.facts.options.get("makeCredUvNotRqd")
        # Where the PIN is known, it may as well be verified without need.
        if authorised and self._pins.is_set and (self._pins.known is not None or not needless):
            token = self._pins.token(Permission.MAKE_CREDENTIAL, rp_id)
            members[0x08] = token.sign(client_data_hash)
            members[0x09] = token.protocol
        return members

    def _can_be_deleted(self) -> None:
        key = self._key
        options = key.facts.options
        if not options.get("rk"):
            raise NotTested("the key makes no discoverable credentials")
        managed = options.get("credMgmt") and self._pins.is_set and self._pins.known is not None
        if not managed and not key.destructive:
            raise NotTested(
                "a discoverable credential could not be deleted again: that takes credMgmt and "
                "a PIN, or --destructive"
            )

    def register(self, request: Mapping[int, Any]) -> Made:
        """Make a credential; a discoverable one is deleted when the test has ended.

        Raises:
            Failure: there is none.
        """
        key = self._key
        reply = key.call(Command.MAKE_CREDENTIAL, request)
        auth = AuthData.parse(reply.member(0x02, bytes))
        rp_id, user_id = request[0x02]["id"], request[0x03]["id"]
        made = Made(rp_id, user_id, request[0x01], reply, auth)
        if request.get(0x07, {}).get("rk"):
            if key.facts.options.get("credMgmt") and self._pins.is_set:
                key.after(lambda: self.delete(made))
            else:
                key.dirty.add("discoverable credentials")
        key.count(made.id, auth.counter)
        if key.witness is None and rp_id == RP_ID:
            key.witness = lambda: self.sign(made, up=False, authorised=False)
        return made

    def make(
        self,
        *,
        rp_id: str = RP_ID,
        user_id: bytes = b"conformance",
        rk: bool = False,
        algorithms: Sequence[int] = (ES256,),
        extensions: Mapping[str, Any] | None = None,
    ) -> Made:
        """Make a credential; see `make_request` and `register`."""
        request = self.make_request(
            rp_id=rp_id, user_id=user_id, rk=rk, algorithms=algorithms, extensions=extensions
        )
        return self.register(request)

    def make_discoverable(self, extensions: Mapping[str, Any] | None = None) -> Made:
        """Make a discoverable credential for a relying party that has none."""
        return self.make(rk=True, rp_id=self.another_rp(), extensions=extensions)

    def too_many_credentials(self) -> list[dict[str, Any]]:
        """A list of one descriptor more than the key says that it takes."""
        count = self._key.facts.number(0x07, 8) + 1
        return [descriptor(self._key.random_bytes(16)) for _ in range(count)]

    def delete(self, made: Made) -> None:
        """Delete a discoverable credential, if it is still there.

        Raises:
            Failure: the key does not delete it.
        """
        if not self._pins.is_set:
            return  # a reset came between
        reply = self.manage(
            CredentialManagementSubcommand.DELETE_CREDENTIAL, {0x02: descriptor(made.id)}
        )
        reply.must(CtapStatus.SUCCESS, CtapStatus.NO_CREDENTIALS)

    def manage(self, subcommand: int, params: Any = None, *, rp_id: str | None = None) -> Reply:
        """Send authenticatorCredentialManagement with a token."""
        token = self._pins.token(Permission.CREDENTIAL_MANAGEMENT, rp_id)
        members = token.subcommand(subcommand, params)
        return self._key.call(Command.CREDENTIAL_MANAGEMENT, members)

    def verify_attestation(self, made: Made) -> None:
        """Verify the attestation of a credential.

        Raises:
            Failure: it does not verify.
            NotTested: its format is unknown.
        """
        form, statement = made.statement
        if form == "none":
            if statement:
                raise Failure("an empty statement for format none", f"{len(statement)} members")
            return
        kind = Attestation.for_type(form)
        if kind.__name__ == "UnsupportedAttestation":
            raise NotTested(f"attestation statement format {form} cannot be verified here")
        try:
            kind().verify(statement, AuthenticatorData(made.auth.raw), made.client_data_hash)
        except Exception as error:
            # A strange certificate may raise anything inside of the parsers.
            why = str(error) or type(error).__name__
            raise Failure(f"an attestation of format {form} that verifies", why) from error

    # Authentication.

    def sign_request(
        self,
        *,
        rp_id: str = RP_ID,
        allow: Sequence[bytes] | None = None,
        up: bool | None = None,
        authorised: bool = True,
        extensions: Mapping[str, Any] | None = None,
    ) -> dict[int, Any]:
        """The members of a getAssertion request, with a token when there is a PIN we know."""
        key = self._key
        if up is not False:
            key.presence()
        client_data_hash = key.random_bytes(32)
        members: dict[int, Any] = {0x01: rp_id, 0x02: client_data_hash}
        if allow is not None:
            members[0x03] = [descriptor(each) for each in allow]
        if extensions is not None:
            members[0x04] = dict(extensions)
        if up is not None:
            members[0x05] = {"up": up}
        if authorised and self._pins.is_set and self._pins.known is not None:
            token = self._pins.token(Permission.GET_ASSERTION, rp_id)
            members[0x06] = token.sign(client_data_hash)
            members[0x07] = token.protocol
        return members

    def authenticate(self, request: Mapping[int, Any], *makes: Made) -> Signed:
        """Sign in with one of some credentials.

        Raises:
            Failure: there is no assertion, or it is wrong.
        """
        reply = self._key.call(Command.GET_ASSERTION, request)
        return self.verified(reply, request, *makes)

    def verified(self, reply: Reply, request: Mapping[int, Any], *makes: Made) -> Signed:
        """An assertion by one of some credentials, if it is right.

        Raises:
            Failure: there is none, or it is wrong.
        """
        auth = AuthData.parse(reply.member(0x02, bytes))
        signature = reply.member(0x03, bytes)
        allowed = request.get(0x03, ())
        if 0x01 in reply.members() or len(allowed) != 1:
            credential_id = reply.member(0x01, dict).get("id")
        else:
            credential_id = allowed[0]["id"]  # the only one need not be named
        found = [made for made in makes if made.id == credential_id]
        if not found:
            raise Failure("an assertion by one of the credentials asked for", "another one")
        self.check_auth_data(auth, request[0x01])
        check_signature(found[0].auth.public_key, auth.raw + request[0x02], signature)
        self._key.count(found[0].id, auth.counter)
        return Signed(reply, auth)

    def sign(
        self,
        made: Made,
        *,
        up: bool | None = None,
        authorised: bool = True,
        extensions: Mapping[str, Any] | None = None,
    ) -> Signed:
        """Sign in with a credential that an allow list names."""
        request = self.sign_request(
            rp_id=made.rp_id, allow=[made.id], up=up, authorised=authorised, extensions=extensions
        )
        return self.authenticate(request, made)

    def check_auth_data(self, auth: AuthData, rp_id: str) -> None:
        """See that authenticator data is for this relying party and uses no reserved flag.

        Raises:
            Failure: it is not.
        """
        ours = auth.rp_id_hash == sha256(rp_id.encode()).digest()
        expect(ours, f"rpIdHash of {rp_id}", auth.rp_id_hash.hex())
        reserved = auth.flags & _RESERVED_FLAGS
        expect(not reserved, "reserved flags that are 0", f"flags 0x{auth.flags:02X}")

    # Reset.

    def reset(self, between: Callable[[], object] = lambda: None) -> None:
        """Bring the key to its state from the factory: power cycle, then reset with a touch.

        Args:
            between: what to do while it has power and is not reset yet; 10 s are left for both.

        Raises:
            NotTested: its power cannot be cut, it cannot be touched, or it forbids it here.
            Failure: it does not reset.
        """
        key = self._key
        if not {Ability.POWER, Ability.TOUCH} <= key.abilities:
            raise NotTested("a reset takes a power cycle and a touch")
        allowed = key.facts.texts(0x1A)
        here = "usb" if key.has_reports else "nfc"
        if allowed and here not in allowed:
            raise NotTested(f"the key is reset over {', '.join(allowed)} only")
        key.power_cycle()
        key.user.touch()
        between()
        key.call(Command.RESET).must(CtapStatus.SUCCESS)
        key.dirty.clear()
        key.witness = None
        self._pins.known, self._pins.ours = None, False
        key.refresh()


def check_signature(public_key: Mapping[int, Any], message: bytes, signature: bytes) -> None:
    """Verify a signature.

    Raises:
        Failure: it is wrong, or the key is none.
        NotTested: its algorithm is unknown here.
    """
    key = CoseKey.parse(public_key)
    if type(key).__name__ == "UnsupportedKey":
        raise NotTested(f"signatures of COSE algorithm {public_key.get(3)} cannot be verified here")
    try:
        key.verify(message, signature)
    except InvalidSignature as error:
        raise Failure("a signature that verifies", "one that does not") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Failure("a public key that verifies the signature", str(error)) from error
