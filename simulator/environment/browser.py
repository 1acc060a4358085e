"""A person's browser at a security key: python-fido2's client, unchanged, in virtual time.

It posts what a page would post: the response in WebAuthn's JSON form, or the name of the
`DOMException` that the page got instead. What a browser refuses before any page may know of it (a
site that asks for another relying party) stops the person right there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fido2.client import (
    ClientError,
    DefaultClientDataCollector,
    Fido2Client,
    UserInteraction,
)
from fido2.ctap import CtapDevice, CtapError
from fido2.ctap2.base import Ctap2
from fido2.rpid import verify_rp_id
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    CollectedClientData,
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialRequestOptions,
)

from mfalab.devices.ctap.user import (
    Asked,
    Gesture,
    Reaction,
    User,
    absent,
    declining,
    presenting,
    touching,
)
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.devices import HeldKey
from mfalab.simulator.environment.outcome import Prevented
from mfalab.simulator.environment.people import Person
from mfalab.simulator.keys.webauthn_client import (
    NO_ANSWER,
    DOMException,
    anonymised,
    dom_exception,
    prepared,
)
from mfalab.simulator.language.key_use import NEARBY, SUBDOMAIN, KeyUse

T = TypeVar("T")

_TOUCH_MEDIAN_S = 2.5
_TOUCH_SIGMA = 0.5
_TOUCH_LIMIT_S = 12.0
_LATE_S = 40
"""Later than any authenticator waits."""


_DONE = {
    Gesture.TOUCH: "touches the key",
    Gesture.FINGER: "puts a finger on the key",
    Gesture.DECLINE: "declines",
}


@dataclass(slots=True)
class _AtTheKeyboard(UserInteraction):
    """What python-fido2's client asks the person."""

    person: Person
    key: HeldKey
    use: KeyUse

    def prompt_up(self) -> None:
        """The browser says that the key wants a touch."""

    def request_pin(self, permissions: Any, rp_id: str | None) -> str | None:
        """The PIN, after the time that typing it takes; None for a person who gives up."""
        if self.use.pin == "none":
            return None
        self.key.access.pause(self.person.typing_ns())
        self.person.note("types a PIN", device=self.key.name, choice=self.use.pin)
        return typed_pin(self.key, self.use.pin)

    def request_uv(self, permissions: Any, rp_id: str | None) -> bool:
        """Whether the person agrees to put a finger on the sensor."""
        return True


def typed_pin(key: HeldKey, choice: str) -> str:
    """The key's PIN, one that differs in its last character, or what the choice itself says."""
    if choice not in ("right", "wrong"):
        return choice
    pin = key.known_pin()
    if choice == "right":
        return pin
    return pin[:-1] + ("0" if pin[-1] != "0" else "1")


def hand(person: Person, key: HeldKey, use: KeyUse) -> User:
    """What a person does when the key asks for them."""
    if use.touch in ("never", "not asked for"):
        return absent
    if use.touch == "declined":
        return declining(NS_PER_S)
    after_ns = _touch_ns(person, key, use)
    finger = use.finger or (key.fingers[0] if key.fingers else None)
    return touching(after_ns) if finger is None else presenting(finger, after_ns)


def _watched(person: Person, key: HeldKey, user: User) -> User:
    """The same person, with what key and person do written down."""
    around = person.surroundings

    def react(asked: Asked) -> Reaction | None:
        around.note(key.name, f"asks for a {asked.prompt.name.lower()}", site=asked.rp_id or "")
        reaction = user(asked)
        if reaction is not None:
            done = _DONE[reaction.gesture]
            around.timeline.after(reaction.after_ns, lambda: person.note(done, device=key.name))
        return reaction

    return react


def _touch_ns(person: Person, key: HeldKey, use: KeyUse) -> int:
    unhurried = use.touch == "natural" and person.spec.typing != "instant"
    if use.touch == "at once" or (use.touch == "natural" and (key.access.label or not unhurried)):
        return 0  # a real touch takes the time it takes
    if use.touch == "late":
        return _LATE_S * NS_PER_S
    if use.touch == "natural":
        seconds = person.chance.lognormvariate(log(_TOUCH_MEDIAN_S), _TOUCH_SIGMA)
        return round(min(seconds, _TOUCH_LIMIT_S) * NS_PER_S)
    assert isinstance(use.touch, int)
    return use.touch


def register(person: Person, key: HeldKey, options: dict[str, Any], use: KeyUse) -> dict[str, Any]:
    """`navigator.credentials.create`: what the page posts.

    Raises:
        Prevented: the person does not hold the key, or the browser refuses the site.
    """
    if use.verification == "left out":
        selection = {**options["authenticatorSelection"], "userVerification": "discouraged"}
        options = {**options, "authenticatorSelection": selection}
    asked_for = options["authenticatorSelection"].get("authenticatorAttachment")
    if key.built_in and asked_for == "cross-platform" and use.client != "careless":
        person.note("sees the browser's error", error="NotAllowedError", cause="no security key")
        return {"error": {"name": "NotAllowedError"}}

    def ask(_: CtapDevice, client: Fido2Client) -> Any:
        wanted = prepared(options, client.info)
        return client.make_credential(PublicKeyCredentialCreationOptions.from_dict(wanted))

    response = _ceremony(person, key, use, 0, ask, options)
    if key.built_in and "error" not in response:
        # python-fido2's client takes every authenticator for one that is plugged in.
        response["authenticatorAttachment"] = "platform"
        response["response"] = {**response["response"], "transports": ["internal"]}
    if "error" in response or options["attestation"] != "none":
        return response
    return anonymised(response)


def authenticate(
    person: Person, key: HeldKey, options: dict[str, Any], use: KeyUse
) -> dict[str, Any]:
    """`navigator.credentials.get`: what the page posts.

    Raises:
        Prevented: the person does not hold the key, or the browser refuses the site.
    """
    if use.verification == "left out":
        options = {**options, "userVerification": "discouraged"}
    if use.credential_of is not None:
        own = {"type": "public-key", "id": key.known_credential(use.credential_of)}
        options = {**options, "allowCredentials": [own]}
    if use.rp_id is not None:
        options = {**options, "rpId": use.rp_id}

    app_id = options.get("extensions", {}).get("appid")

    def ask(device: CtapDevice, client: Fido2Client, options: dict[str, Any]) -> Any:
        if use.touch == "not asked for":
            return _asked_silently(device, options, _origin(person, use, 1))
        wanted = PublicKeyCredentialRequestOptions.from_dict(prepared(options, client.info))
        return client.get_assertion(wanted).get_response(0)

    def ask_by_either_name(device: CtapDevice, client: Fido2Client) -> Any:
        try:
            return ask(device, client, options)
        except (ClientError, CtapError) as error:
            if app_id is None or not _knows_no_credential(error):
                raise
        # The key may know one of the AppID's instead (WebAuthn section 10.1.1).
        response = ask(device, client, {**options, "rpId": app_id})
        return {**response, "clientExtensionResults": {"appid": True}}

    return _ceremony(person, key, use, 1, ask_by_either_name, options, app_id)


def _ceremony(
    person: Person,
    key: HeldKey,
    use: KeyUse,
    origin_number: int,
    ask: Callable[[CtapDevice, Fido2Client], Any],
    options: dict[str, Any],
    app_id: str | None = None,
) -> dict[str, Any]:
    person.holding(key)
    origin = _origin(person, use, origin_number)
    rp_id = str(options.get("rpId") or options["rp"]["id"])
    trusting = use.client == "careless"
    if not trusting and not verify_rp_id(rp_id, origin):
        raise Prevented("SecurityError", f"the browser does not let {origin} ask for {rp_id}")

    def may_ask(rp_id: str, origin: str) -> bool:
        return trusting or rp_id == app_id or verify_rp_id(rp_id, origin)

    def ceremony(device: CtapDevice) -> Any:
        collector = DefaultClientDataCollector(origin, verify=may_ask)
        interaction = _AtTheKeyboard(person, key, use)
        return ask(device, Fido2Client(device, collector, user_interaction=interaction))

    try:
        response = at_key(person, key, use, ceremony)
    except ClientError as error:
        name = dom_exception(error, registering="rp" in options)
        person.note("sees the browser's error", error=name, cause=_cause(error))
        return {"error": {"name": name}}
    except DOMException as error:
        person.note("sees the browser's error", error=error.name, cause=error.message)
        return {"error": {"name": error.name}}
    except NO_ANSWER as error:
        person.note("sees the browser's error", error="NotAllowedError", cause=str(error))
        return {"error": {"name": "NotAllowedError"}}
    except Exception as error:
        if key.access.answers_well:
            raise
        # python-fido2 trips over such answers in many ways; a browser tells its page of one.
        person.note("sees the browser's error", error="NotAllowedError", cause=type(error).__name__)
        return {"error": {"name": "NotAllowedError"}}
    key.last_response = dict(response)
    return key.last_response


def _origin(person: Person, use: KeyUse, number: int) -> str:
    """Where a ceremony takes place: at the relying party's own origin of this number, or not."""
    origins = person.surroundings.target.profile.origins
    own = origins[min(number, len(origins) - 1)]
    if use.origin not in NEARBY:
        return use.origin or own
    parts = urlsplit(own)
    if use.origin == SUBDOMAIN:
        return f"{parts.scheme}://login.{parts.netloc}"
    return f"{parts.scheme}://{parts.hostname}:{8443 if parts.port != 8443 else 9443}"


def _asked_silently(device: CtapDevice, options: dict[str, Any], origin: str) -> dict[str, Any]:
    """What a program posts that has no person touch the key."""
    collected = CollectedClientData.create(
        CollectedClientData.TYPE.GET, options["challenge"], origin
    )
    listed: list[Mapping[str, Any]] = [
        {"type": each["type"], "id": websafe_decode(each["id"])}
        for each in options["allowCredentials"]
    ]
    signed = Ctap2(device).get_assertion(
        options["rpId"], collected.hash, listed, options={"up": False}
    )
    credential = websafe_encode(signed.credential["id"])
    return {
        "id": credential,
        "rawId": credential,
        "type": "public-key",
        "response": {
            "clientDataJSON": websafe_encode(collected),
            "authenticatorData": websafe_encode(signed.auth_data),
            "signature": websafe_encode(signed.signature),
        },
        "clientExtensionResults": {},
    }


def at_key(
    person: Person,
    key: HeldKey,
    use: KeyUse,
    work: Callable[[CtapDevice], T],
    *,
    touched: bool = True,
) -> T:
    """Let a client work with a key while the person sits in front of it, to touch it or not."""
    user = _watched(person, key, hand(person, key, use))
    return key.access.work(work, user, pulled_out_after_ns=use.pulled_out_after, touched=touched)


def _knows_no_credential(error: ClientError | CtapError) -> bool:
    """Whether the key has none of the credentials; a key that was not touched says otherwise."""
    if isinstance(error, ClientError):
        return error.code is ClientError.ERR.DEVICE_INELIGIBLE
    return error.code == CtapError.ERR.NO_CREDENTIALS


def _cause(error: ClientError) -> str:
    """The authenticator's error behind a client's, or the client's own."""
    if isinstance(error.cause, CtapError):
        return str(getattr(error.cause.code, "name", error.cause.code))
    return str(error.code.name)
