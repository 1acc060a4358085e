"""A person's browser at a security key: python-fido2's client, unchanged, in virtual time.

It posts what a page would post: the response in WebAuthn's JSON form, or the name of the
`DOMException` that the page got instead. What a browser refuses before any page may know of it (a
site that asks for somebody else's relying party) hinders the person right there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from fido2.client import (
    ClientError,
    DefaultClientDataCollector,
    Fido2Client,
    UserInteraction,
)
from fido2.ctap import CtapError
from fido2.rpid import verify_rp_id
from fido2.webauthn import PublicKeyCredentialCreationOptions, PublicKeyCredentialRequestOptions
from mfalab.devices.ctap.user import User, absent, declining, presenting, touching
from mfalab.devices.transports.memory import KeyUnplugged
from mfalab.simulator.held_key import HeldKey
from mfalab.simulator.outcome import Hindered
from mfalab.simulator.timeline import NS_PER_S
from mfalab.simulator.units import Duration
from mfalab.simulator.words import Strict
from pydantic import Field

if TYPE_CHECKING:
    from mfalab.simulator.lab import Lab
    from mfalab.simulator.people import Person

T = TypeVar("T")

_TOUCH_MEDIAN_S = 2.5
_TOUCH_SIGMA = 0.5
_TOUCH_LIMIT_S = 12.0
_LATE_S = 40
"""Later than any authenticator waits."""


class KeyUse(Strict):
    """How a person uses a security key in one ceremony."""

    touch: Literal["natural", "at once", "late", "never", "declined"] | Duration = "natural"
    """When they touch it: natural is some seconds, late is after it gave up, or a duration."""
    pin: Literal["right", "wrong", "none"] = "right"
    """What they type when the browser asks for the PIN."""
    finger: str | None = None
    """Which finger they put on a sensor; the first that is enrolled when left out."""
    origin: str | None = None
    """The site they are at; the console's own when left out."""
    client: Literal["honest", "careless"] = "honest"
    """Whether the browser checks that a site may ask for a relying party, as all browsers do."""
    pulled_out_after: Duration | None = Field(default=None)
    """The key is pulled out so long after it begins to work."""


@dataclass(slots=True)
class _AtTheKeyboard(UserInteraction):
    """What python-fido2's client asks the person."""

    lab: Lab
    person: Person
    key: HeldKey
    use: KeyUse

    def prompt_up(self) -> None:
        """The browser says that the key wants a touch."""

    def request_pin(self, permissions: Any, rp_id: str | None) -> str | None:
        """The PIN, after the time that typing it takes; None for somebody who gives up."""
        if self.use.pin == "none":
            return None
        self.lab.clients.advance(self.person.typing_ns())
        self.person.note("types a PIN", device=self.key.name, choice=self.use.pin)
        return typed_pin(self.key, self.use.pin)

    def request_uv(self, permissions: Any, rp_id: str | None) -> bool:
        """Whether the person agrees to put a finger on the sensor."""
        return True


def typed_pin(key: HeldKey, choice: str) -> str:
    """The key's PIN, or one that differs in its last character."""
    pin = key.known_pin()
    if choice != "wrong":
        return pin
    return pin[:-1] + ("0" if pin[-1] != "0" else "1")


def hand(person: Person, key: HeldKey, use: KeyUse) -> User:
    """What a person does when the key asks for them."""
    if use.touch == "never":
        return absent
    if use.touch == "declined":
        return declining(NS_PER_S)
    after_ns = _touch_ns(person, use)
    finger = use.finger or (key.fingers[0] if key.fingers else None)
    return touching(after_ns) if finger is None else presenting(finger, after_ns)


def _touch_ns(person: Person, use: KeyUse) -> int:
    if use.touch == "at once" or person.spec.typing == "instant":
        return 0
    if use.touch == "late":
        return _LATE_S * NS_PER_S
    if use.touch == "natural":
        seconds = person.chance.lognormvariate(log(_TOUCH_MEDIAN_S), _TOUCH_SIGMA)
        return round(min(seconds, _TOUCH_LIMIT_S) * NS_PER_S)
    assert isinstance(use.touch, int)
    return use.touch


def register(
    lab: Lab, person: Person, key: HeldKey, options: dict[str, Any], use: KeyUse
) -> dict[str, Any]:
    """`navigator.credentials.create`: what the page posts.

    Raises:
        Hindered: the person does not hold the key, or the browser refuses the site.
    """
    wanted = PublicKeyCredentialCreationOptions.from_dict(options)
    return _ceremony(
        lab, person, key, use, 1, lambda client: client.make_credential(wanted), options
    )


def authenticate(
    lab: Lab, person: Person, key: HeldKey, options: dict[str, Any], use: KeyUse
) -> dict[str, Any]:
    """`navigator.credentials.get`: what the page posts.

    Raises:
        Hindered: the person does not hold the key, or the browser refuses the site.
    """
    wanted = PublicKeyCredentialRequestOptions.from_dict(options)
    return _ceremony(
        lab,
        person,
        key,
        use,
        0,
        lambda client: client.get_assertion(wanted).get_response(0),
        options,
    )


def _ceremony(
    lab: Lab,
    person: Person,
    key: HeldKey,
    use: KeyUse,
    origin_number: int,
    ask: Callable[[Fido2Client], Any],
    options: dict[str, Any],
) -> dict[str, Any]:
    person.holding(key)
    origins = lab.verifier.profile.origins
    origin = use.origin or origins[min(origin_number, len(origins) - 1)]
    rp_id = str(options.get("rpId") or options["rp"]["id"])
    trusting = use.client == "careless"
    if not trusting and not verify_rp_id(rp_id, origin):
        raise Hindered("SecurityError", f"the browser does not let {origin} ask for {rp_id}")

    def ceremony() -> Any:
        collector = DefaultClientDataCollector(
            origin, verify=(lambda rp_id, origin: True) if trusting else verify_rp_id
        )
        interaction = _AtTheKeyboard(lab, person, key, use)
        return ask(Fido2Client(key.thing.device(), collector, user_interaction=interaction))

    try:
        response = at_key(lab, person, key, use, ceremony)
    except ClientError as error:
        name = _dom_exception(error)
        person.note("sees the browser's error", error=name, cause=_cause(error))
        return {"error": {"name": name}}
    except (KeyUnplugged, OSError) as error:
        person.note("sees the browser's error", error="NotAllowedError", cause=str(error))
        return {"error": {"name": "NotAllowedError"}}
    key.last_response = dict(response)
    return key.last_response


def at_key(lab: Lab, person: Person, key: HeldKey, use: KeyUse, work: Callable[[], T]) -> T:
    """Let a client work with a key while the person sits in front of it; virtual time passes."""
    key.thing.user = hand(person, key, use)
    if use.pulled_out_after is not None:
        lab.timeline.after(use.pulled_out_after, key.thing.unplug)
    return lab.clients.call(work)


def _dom_exception(error: ClientError) -> str:
    """The `DOMException` that a page gets for an error of the client (WebAuthn section 5.1)."""
    if _cause(error) == "CREDENTIAL_EXCLUDED":
        return "InvalidStateError"
    return "NotAllowedError"


def _cause(error: ClientError) -> str:
    """The authenticator's error behind a client's, or the client's own."""
    if isinstance(error.cause, CtapError):
        return str(getattr(error.cause.code, "name", error.cause.code))
    return str(error.code.name)
