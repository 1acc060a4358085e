"""What a web page asks of a browser: `navigator.credentials`, in WebAuthn JSON, with one key.

Source: WebAuthn Level 3 sections 5.1.3 (create), 5.1.4 (get), 5.1.8 to 5.1.10 (JSON). python-fido2
speaks to the key; the rules of a browser that it leaves to its caller are here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from threading import Event
from typing import Any, Literal
from urllib.parse import urlsplit

from fido2.client import AssertionSelection, DefaultClientDataCollector
from fido2.rpid import verify_rp_id
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AuthenticationResponse

from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.keys.webauthn_client import (
    NO_ANSWER,
    TIMEOUT_MS,
    Ceremony,
    DOMException,
    Pins,
    Typist,
)

_BASE64URL = re.compile("[A-Za-z0-9_-]*")
_DEFAULT_ALGORITHMS = [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}]


@dataclass(slots=True)
class Browser:
    """A browser, the key in its port, and what its user knows.

    Who touches the key is `key.user`; time is the key's. Options are WebAuthn JSON, as a mapping or
    as text, with or without `publicKey` around them; answers are `RegistrationResponseJSON` and
    `AuthenticationResponseJSON`.

    Attributes:
        key: a plugged security key; may be changed at any time.
        origin: of the page, such as `https://example.com`; None for `https://` and the RP ID that
            the page asks for.
        pin: what the user types when asked; None for a user who knows none and gives up. One who
            is told that it is wrong gives up, too; `["1111", "2468"]` is one who then tries
            another, and a function answers each `PinAsked`.
    """

    key: SecurityKey
    origin: str | None = None
    pin: Pins = None

    def create(
        self,
        options: str | Mapping[str, Any],
        *,
        mediation: Literal["optional", "conditional", "required"] = "optional",
    ) -> dict[str, Any]:
        """`navigator.credentials.create`: register the key.

        Args:
            options: `PublicKeyCredentialCreationOptionsJSON`.
            mediation: `conditional` is for password managers; with a security key it is refused.

        Raises:
            TypeError: the options lack a member, or the user ID has not 1 to 64 bytes.
            DOMException: there is no credential.
        """
        given = _options(options, "challenge", "rp", "user", "pubKeyCredParams")
        _check_binary(given, ("challenge",), "excludeCredentials")
        user_id = _decoded(_member(given["user"], "id", "user"), "user.id")
        if not 1 <= len(user_id) <= 64:
            raise TypeError(f"user.id has {len(user_id)} bytes; it has 1 to 64")
        if mediation == "conditional":
            raise DOMException("NotAllowedError", "no password manager has just signed in")
        origin, rp_id = self._place(given["rp"].get("id"))
        listed = given["pubKeyCredParams"] or _DEFAULT_ALGORITHMS
        known = [each for each in listed if each.get("type") == "public-key"]
        if not known:
            raise DOMException("NotSupportedError", "pubKeyCredParams has no public-key")
        selection = dict(given.get("authenticatorSelection") or {})
        if selection.get("authenticatorAttachment") == "platform":
            raise DOMException("NotAllowedError", "a security key is no platform authenticator")
        wanted = {
            "timeout": TIMEOUT_MS,
            **given,
            "rp": {**given["rp"], "id": rp_id},
            "pubKeyCredParams": known,
        }
        return self._ceremony(origin, lambda ceremony: ceremony.create(wanted))

    def get(
        self,
        options: str | Mapping[str, Any],
        *,
        mediation: Literal["optional", "conditional", "required"] = "optional",
        account: str | None = None,
    ) -> dict[str, Any]:
        """`navigator.credentials.get`: sign in with the key.

        Args:
            options: `PublicKeyCredentialRequestOptionsJSON`.
            mediation: with `conditional` a page waits until its user picks a credential; where none
                can be picked, it waits until it calls that off: `AbortError`.
            account: the user name that is picked of several; the newest when left out.

        Raises:
            TypeError: the options lack a member.
            DOMException: there is no assertion.
        """
        given = _options(options, "challenge")
        _check_binary(given, ("challenge",), "allowCredentials")
        origin, rp_id = self._place(given.get("rpId"))
        listed = {each["id"] for each in given.get("allowCredentials") or ()}
        conditional = mediation == "conditional"
        wanted = {"timeout": TIMEOUT_MS, **given, "rpId": rp_id}
        if conditional:
            # What a page lists only narrows what is offered: discoverable credentials.
            wanted.pop("allowCredentials", None)

        def pick(found: AssertionSelection) -> AuthenticationResponse:
            for number, each in enumerate(found.get_assertions()):
                names = (each.user or {}).get("name"), (each.user or {}).get("displayName")
                if account is not None and account not in names:
                    continue
                if not conditional or not listed or websafe_encode(each.credential["id"]) in listed:
                    return found.get_response(number)
            raise DOMException("NotAllowedError", "the user finds no such account on the key")

        try:
            return self._ceremony(origin, lambda ceremony: ceremony.get(wanted, pick))
        except DOMException as error:
            if conditional and error.name == "NotAllowedError":
                raise DOMException("AbortError", error.message) from error
            raise

    def _place(self, rp_id: str | None) -> tuple[str, str]:
        """The page's origin, and the RP ID that it may use there."""
        if self.origin is None and rp_id is None:
            raise TypeError("neither the options nor the browser say where: set browser.origin")
        origin = self.origin or f"https://{rp_id}"
        parts = urlsplit(origin)
        host = parts.hostname or ""
        if is_address(host):
            message = f"{origin} has an address and no domain; take http://localhost"
            raise DOMException("SecurityError", message)
        if f"{parts.scheme}://{parts.netloc}" != origin:
            raise ValueError(f"{origin!r} is no origin; it is such as https://example.com:8443")
        asked = host if rp_id is None else rp_id
        if not verify_rp_id(asked, origin):
            raise DOMException("SecurityError", f"{origin} may not ask for {asked}")
        return origin, asked

    def _ceremony(self, origin: str, hold: Callable[[Ceremony], dict[str, Any]]) -> dict[str, Any]:
        def client() -> dict[str, Any]:
            collector = DefaultClientDataCollector(origin)
            return hold(Ceremony(self.key.device(), collector, Typist(self.pin), Event()))

        try:
            return self.key.call(client)
        except NO_ANSWER as error:
            raise DOMException("NotAllowedError", str(error)) from error


def _options(options: str | Mapping[str, Any], *members: str) -> dict[str, Any]:
    """Options as plain JSON."""
    if isinstance(options, Mapping):
        try:
            options = json.dumps(options, default=dict)
        except (TypeError, ValueError):
            raise TypeError(
                "options are WebAuthn JSON: binary values are base64url text there, as "
                "webauthn.options_to_json and dict() of python-fido2's options write them"
            ) from None
    if not isinstance(options, str):
        raise TypeError(
            f"options are WebAuthn JSON, not {type(options).__name__}; "
            "webauthn.options_to_json(options) and dict(options) write it"
        )
    given = json.loads(options)
    given = given.get("publicKey", given)
    for member in members:
        _member(given, member, "options")
    return dict(given)


def _member(given: Mapping[str, Any], member: str, what: str) -> Any:
    if given.get(member) is None:
        raise TypeError(f"{what} have no {member}" if what == "options" else f"no {what}.{member}")
    return given[member]


def _check_binary(given: Mapping[str, Any], members: Iterable[str], credentials: str) -> None:
    for member in members:
        _decoded(given[member], member)
    for number, each in enumerate(given.get(credentials) or ()):
        where = f"{credentials}[{number}]"
        _decoded(_member(each, "id", where), f"{where}.id")


def _decoded(text: Any, what: str) -> bytes:
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise DOMException("EncodingError", f"{what} is no base64url without padding")
    return websafe_decode(text)


def is_address(host: str) -> bool:
    """Whether a host is an IP address, where browsers have no WebAuthn."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
