"""Steps that manage a security key: power, PIN, fingers, reset, what is stored on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from threading import Event
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from fido2.ctap import CtapDevice, CtapError
from fido2.ctap1 import APDU, ApduError, Ctap1
from fido2.ctap2.base import Ctap2
from fido2.ctap2.bio import CaptureError
from fido2.ctap2.pin import ClientPin
from pydantic import Field

from mfalab.devices.ctap.faults import Faults, Lapse
from mfalab.devices.transports.wire import WireFaults
from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.environment.browser import at_key, typed_pin
from mfalab.simulator.environment.devices import HeldKey
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.key_access import enrol_finger
from mfalab.simulator.environment.outcome import ExpectationFailed, Prevented, ScenarioError
from mfalab.simulator.keys.webauthn_client import NO_ANSWER
from mfalab.simulator.language.key_use import KeyUse
from mfalab.simulator.language.units import Duration, Share
from mfalab.simulator.language.words import DeviceName, Name, PersonName, Pin
from mfalab.simulator.steps.base import Step
from mfalab.simulator.steps.refusals import SIGNING

T = TypeVar("T")

_U2F_POLL_S = 0.25
"""How often a client of the U2F API asks."""


class AtKey(Step):
    """A step in which a person works on a security key with a client program."""

    who: PersonName
    device: DeviceName
    touched: ClassVar[bool] = True
    """Whether the key asks for its user."""
    key: KeyUse = KeyUse()
    """How the key is used: touch, pin, finger, pulled_out_after."""

    def needs(self) -> Iterator[Need]:
        """See `Step.needs`."""
        yield from super().needs()
        yield from self.key.needs(self.device)

    def on_key(self, env: Environment, work: Callable[[Ctap2], T]) -> T:
        """Let a client program work on the key.

        Raises:
            Prevented: with CTAP's name of the error, such as PIN_INVALID.
        """
        key, person = env.security_key(self.device), env.person(self.who)
        person.holding(key)
        try:
            return at_key(
                person,
                key,
                self.key,
                lambda device: work(Ctap2(device)),
                touched=self.touched,
            )
        except CtapError as error:
            name = str(getattr(error.code, "name", error.code))
            raise Prevented(name, f"{key.name} answers {name}") from None
        except CaptureError as error:
            name = str(getattr(error.code, "name", error.code))
            raise Prevented("FingerNotRead", f"{key.name} did not read it: {name}") from None
        except OSError as error:
            raise Prevented("KeyUnplugged", str(error)) from None
        except NO_ANSWER as error:
            raise Prevented("NoAnswer", f"{key.name}: {error}") from None
        except ValueError as error:
            raise Prevented("NotOffered", f"{key.name}: {error}") from None


class SetPin(AtKey):
    """Set a security key's PIN, or change it (CTAP 2.1 section 6.5.5)."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.PIN,)
    touched: ClassVar[bool] = False
    meets: ClassVar[frozenset[str]] = SIGNING
    do: Literal["set_pin"] = "set_pin"
    pin: Pin
    """The new PIN; the old one is typed as `key.pin` says."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        key = env.security_key(self.device)

        env.advance(env.person(self.who).typing_ns())

        def work(ctap: Ctap2) -> None:
            client = ClientPin(ctap)
            if key.pin is None:
                client.set_pin(self.pin)
            else:
                client.change_pin(typed_pin(key, self.key.pin), self.pin)

        self.on_key(env, work)
        key.pin = self.pin
        return None


class TypePin(AtKey):
    """Type a security key's PIN for nothing but a token; `key.pin` says whether it is right."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.PIN,)
    touched: ClassVar[bool] = False
    meets: ClassVar[frozenset[str]] = SIGNING
    do: Literal["type_pin"] = "type_pin"
    tries: Annotated[int, Field(ge=1, le=20)] = 1
    """How often it is typed; the last answer is the outcome."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        key = env.security_key(self.device)
        for _ in range(self.tries - 1):
            try:
                self._once(env, key)
            except Prevented as hindrance:
                env.note(key.name, "answers", code=hindrance.code)
        return self._once(env, key)

    def _once(self, env: Environment, key: HeldKey) -> object:
        pin = typed_pin(key, self.key.pin)
        env.advance(env.person(self.who).typing_ns())
        return self.on_key(
            env,
            lambda ctap: ClientPin(ctap).get_pin_token(
                pin, ClientPin.PERMISSION.GET_ASSERTION, "example.com"
            ),
        )


class ResetKey(AtKey):
    """Reset a security key: all credentials and the PIN are gone (CTAP 2.1 section 6.6)."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.RESET,)
    meets: ClassVar[frozenset[str]] = SIGNING
    do: Literal["reset_key"] = "reset_key"

    def needs(self) -> Iterator[Need]:
        """See `Step.needs`."""
        yield from super().needs()
        if self.expect.refused == "NOT_ALLOWED":
            yield Need(Ability.LATE_RESET, self.device)

    def perform(self, env: Environment) -> object:
        """See the class."""
        key = env.security_key(self.device)
        self.on_key(env, lambda ctap: ctap.reset())
        key.pin, key.fingers = None, []
        return None


class AddFinger(AtKey):
    """Enrol a finger on a security key's sensor (CTAP 2.1 section 6.7)."""

    requires: ClassVar[tuple[Ability, ...]] = (
        Ability.PIN,
        Ability.FINGER,
    )
    meets: ClassVar[frozenset[str]] = SIGNING
    do: Literal["add_finger"] = "add_finger"
    finger: Name
    """What to call it; `key.finger` names it later."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        key = env.security_key(self.device)
        pin = typed_pin(key, self.key.pin)
        self.on_key(env, lambda ctap: enrol_finger(ctap, pin))
        key.fingers.append(self.finger)
        return None


class RegisterU2f(AtKey):
    """Register a security key for oneself as before WebAuthn, by the U2F API for an AppID.

    The verifier takes the registration over; such a key signs in by the extension `appid`.
    """

    requires: ClassVar[tuple[Ability, ...]] = (Ability.U2F, Ability.U2F_KEYS)
    meets: ClassVar[frozenset[str]] = SIGNING
    do: Literal["register_u2f"] = "register_u2f"

    def perform(self, env: Environment) -> object:
        """See the class."""
        key, person = env.security_key(self.device), env.person(self.who)
        app_id = env.target.profile.app_id
        if app_id is None or person.identity_id is None:
            raise ScenarioError(f"there is no AppID, or no identity for {person.name}")
        challenge = env.entropy.random_bytes(f"{key.name}.u2f")(32)
        application = sha256(app_id.encode()).digest()
        person.holding(key)

        def work(device: CtapDevice) -> bytes:
            ctap, waiting = Ctap1(device), Event()
            while True:
                try:
                    return bytes(ctap.register(challenge, application))
                except ApduError as error:
                    if error.code != APDU.USE_NOT_SATISFIED:
                        raise
                waiting.wait(_U2F_POLL_S)

        data = at_key(person, key, self.key, work)
        serial = env.target.register_u2f_key(person.identity_id, key.name, data, challenge)
        key.register(person.name, serial)
        return serial


class StorePasskeys(AtKey):
    """Store discoverable credentials for other sites on a security key."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.PIN,)
    meets: ClassVar[frozenset[str]] = SIGNING
    do: Literal["store_passkeys"] = "store_passkeys"
    count: Annotated[int, Field(ge=1, le=500)] = 1
    """How many, each for another site."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        key = env.security_key(self.device)
        for number in range(self.count):
            self.on_key(env, partial(self._store, key, number))
        return None

    def _store(self, key: HeldKey, number: int, ctap: Ctap2) -> Any:
        site = f"site-{number}.example"
        given: dict[str, Any] = {}
        if key.pin is not None:
            client = ClientPin(ctap)
            token = client.get_pin_token(
                typed_pin(key, self.key.pin), ClientPin.PERMISSION.MAKE_CREDENTIAL, site
            )
            given["pin_uv_param"] = client.protocol.authenticate(token, bytes(32))
            given["pin_uv_protocol"] = client.protocol.VERSION
        return ctap.make_credential(
            bytes(32),
            {"id": site, "name": site},
            {"id": number.to_bytes(4, "big"), "name": f"user {number}"},
            [{"type": "public-key", "alg": -7}],
            options={"rk": True},
            **given,
        )


class KeyPower(Step):
    """Plug a security key in, pull it out, or both."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.POWER,)
    meets: ClassVar[frozenset[str]] = SIGNING
    do: Literal["key_power"] = "key_power"
    device: DeviceName
    to: Literal["on", "off", "cycle"]
    """on is plugged in, off is pulled out, cycle is both."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        env.security_key(self.device).access.power(self.to)
        env.note(self.device, "power", to=self.to)
        return None


class KeyFault(Step):
    """Make a security key faulty, or good again: what is not named is off."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.FAULTS,)
    meets: ClassVar[frozenset[str]] = SIGNING
    do: Literal["key_fault"] = "key_fault"
    device: DeviceName
    bad_signatures: bool = False
    """Every signature has one bit wrong."""
    wrong_aaguid: bool = False
    """Credentials name another model than the key does."""
    malformed_cbor: bool = False
    """Answers are no canonical CBOR."""
    counter_still: bool = False
    """The signature counter does not move."""
    counter_back: Annotated[int, Field(ge=0)] = 0
    """How far the counter in each signature lies behind the stored one."""
    full_store: bool = False
    """There is no room for another discoverable credential."""
    worn_out_store: bool = False
    """Every write fails and changes nothing."""
    slow_crypto: Duration = 0
    """How long each signature or key takes."""
    power_cut_at_write: Annotated[int, Field(ge=1)] | None = None
    """Power fails at this write to its store, counted from now."""
    power_cut_done: bool = False
    """The write at which power fails is still finished."""
    missing: list[str] = Field(default_factory=list)
    """Options, extensions or commands that are announced and not there, such as credMgmt."""
    lapses: list[Lapse] = Field(default_factory=list)
    """Rules of the standard that it does not keep, such as token-survives-reset."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        thing = env.security_key(self.device).access.simulated
        switches = self.model_dump(
            exclude={*Step.model_fields, "device", "slow_crypto", "missing", "lapses"},
            exclude_none=True,
        )
        thing.faults = Faults(
            seed=env.entropy.stream(f"{self.device}.faults").getrandbits(64),
            slow_crypto_ns=self.slow_crypto,
            missing=frozenset(self.missing),
            lapses=frozenset(self.lapses),
            **switches,
        )
        set_here = {key: value for key, value in switches.items() if value}
        if self.lapses:
            set_here["lapses"] = sorted(self.lapses)
        env.note(self.device, "faults", **set_here)
        return None


class WireFault(Step):
    """Spoil the wire between a security key and its clients; what is not named is good."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.BAD_WIRE,)
    meets: ClassVar[frozenset[str]] = SIGNING
    do: Literal["wire_fault"] = "wire_fault"
    device: DeviceName
    lost: Share = 0.0
    """How many reports never arrive."""
    duplicated: Share = 0.0
    """How many arrive twice."""
    reordered: Share = 0.0
    """How many arrive after the next one."""
    corrupted: Share = 0.0
    """How many have a wrong bit."""
    stalled: bool = False
    """The endpoint holds all reports until the wire is good again."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        switches = self.model_dump(exclude={*Step.model_fields, "device"})
        env.security_key(self.device).access.simulated.wire = WireFaults(**switches)
        env.note(self.device, "wire", **{key: value for key, value in switches.items() if value})
        return None


class CheckKey(Step):
    """Look at a security key's state from the outside of all protocols."""

    meets: ClassVar[frozenset[str]] = SIGNING
    do: Literal["check_key"] = "check_key"
    device: DeviceName
    pin_retries: int | None = None
    """Tries left until the PIN is blocked."""
    uv_retries: int | None = None
    """Fingers left until built-in user verification is blocked."""
    pin_is_set: bool | None = None
    """Whether it has a PIN."""
    discoverable: int | None = None
    """How many discoverable credentials it holds."""
    powered: bool | None = None
    """Whether it is plugged in."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        key = env.security_key(self.device)
        seen = asdict(key.access.facts(key.pin, counting=self.discoverable is not None))
        for name, got in seen.items():
            expected = getattr(self, name)
            if expected is None or expected == got:
                continue
            if got is None:
                env.note(self.device, f"does not tell {name}")
            else:
                raise ExpectationFailed(f"{name} {expected}", str(got))
        return seen
