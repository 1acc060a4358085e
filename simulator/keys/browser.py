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
from typing import Any, Literal, TypeVar
from unicodedata import normalize
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fido2.client import ClientError, DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.cose import ES256, CoseKey, EdDSA
from fido2.ctap import CtapError
from fido2.ctap2.base import Info
from fido2.hid import ConnectionFailure
from fido2.rpid import verify_rp_id
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialRequestOptions,
)

from mfalab.devices.schedule import NothingWillHappen
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.clocks.blocking import WaitedTooLong

T = TypeVar("T")

NO_ANSWER = (OSError, CtapError, ConnectionFailure, WaitedTooLong, NothingWillHappen)
"""What a client meets when the key or the wire fails it; an unplugged key is an OSError."""
_TIMEOUT_MS = 300_000
"""How long a browser waits where the page does not say: the default of section 5.1.3."""
_BASE64URL = re.compile("[A-Za-z0-9_-]*")
_DEFAULT_ALGORITHMS = [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}]


class DOMException(Exception):
    """What a page gets in place of a credential.

    Attributes:
        name: `NotAllowedError`, `InvalidStateError`, `SecurityError`, `NotSupportedError`,
            `EncodingError` or `AbortError`.
        message: why; a real browser tells pages less.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name, message)
        self.name = name
        self.message = message

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


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
        pin: what the user types when asked; None for a user who knows none and gives up. A user
            who is told that it is wrong gives up, too.
    """

    key: SecurityKey
    origin: str | None = None
    pin: str | None = None

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
        wish = selection.get("userVerification", "preferred")

        def ask(client: Fido2Client) -> tuple[Info, Any]:
            selection["userVerification"] = preferring(wish, client.info)
            wanted = {
                "timeout": _TIMEOUT_MS,
                **given,
                "rp": {**given["rp"], "id": rp_id},
                "pubKeyCredParams": known,
                "authenticatorSelection": selection,
            }
            parsed = PublicKeyCredentialCreationOptions.from_dict(wanted)
            return client.info, client.make_credential(parsed)

        info, made = self._ceremony(origin, ask, registering=True)
        response: dict[str, Any] = json.loads(json.dumps(dict(made)))
        if given.get("attestation", "none") == "none":
            response = anonymised(response)
        _tell_registration(response, info)
        return response

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
        wish = given.get("userVerification", "preferred")
        listed = {each["id"] for each in given.get("allowCredentials") or ()}
        conditional = mediation == "conditional"

        def ask(client: Fido2Client) -> Any:
            wanted = {"timeout": _TIMEOUT_MS, **given, "rpId": rp_id}
            wanted["userVerification"] = preferring(wish, client.info)
            if conditional:
                # What a page lists only narrows what is offered: discoverable credentials.
                wanted.pop("allowCredentials", None)
            found = client.get_assertion(PublicKeyCredentialRequestOptions.from_dict(wanted))
            for number, each in enumerate(found.get_assertions()):
                names = (each.user or {}).get("name"), (each.user or {}).get("displayName")
                if account is not None and account not in names:
                    continue
                if not conditional or not listed or websafe_encode(each.credential["id"]) in listed:
                    return found.get_response(number)
            raise DOMException("NotAllowedError", "the user finds no such account on the key")

        try:
            signed = self._ceremony(origin, ask, registering=False)
        except DOMException as error:
            if conditional and error.name == "NotAllowedError":
                raise DOMException("AbortError", error.message) from error
            raise
        response: dict[str, Any] = json.loads(json.dumps(dict(signed)))
        return response

    def _place(self, rp_id: str | None) -> tuple[str, str]:
        """The page's origin, and the RP ID that it may use there."""
        if self.origin is None and rp_id is None:
            raise TypeError("neither the options nor the browser say where: set browser.origin")
        origin = self.origin or f"https://{rp_id}"
        parts = urlsplit(origin)
        host = parts.hostname or ""
        if _is_address(host):
            message = f"{origin} has an address and no domain; take http://localhost"
            raise DOMException("SecurityError", message)
        if f"{parts.scheme}://{parts.netloc}" != origin:
            raise ValueError(f"{origin!r} is no origin; it is such as https://example.com:8443")
        asked = host if rp_id is None else rp_id
        if not verify_rp_id(asked, origin):
            raise DOMException("SecurityError", f"{origin} may not ask for {asked}")
        return origin, asked

    def _ceremony(self, origin: str, ask: Callable[[Fido2Client], T], *, registering: bool) -> T:
        def client() -> T:
            collector = DefaultClientDataCollector(origin)
            return ask(Fido2Client(self.key.device(), collector, _User(self.pin)))

        try:
            return self.key.call(client)
        except ClientError as error:
            name = dom_exception(error, registering=registering)
            raise DOMException(name, _why(error)) from error
        except NO_ANSWER as error:
            raise DOMException("NotAllowedError", str(error)) from error


@dataclass(slots=True)
class _User(UserInteraction):
    """What python-fido2 asks the user."""

    pin: str | None

    def prompt_up(self) -> None:
        """The key wants a touch; `key.user` sees that by itself."""

    def request_pin(self, permissions: Any, rp_id: str | None) -> str | None:
        """The PIN, if the user knows one; in Normalization Form C (CTAP 2.1 section 6.5.1)."""
        return None if self.pin is None else normalize("NFC", self.pin)

    def request_uv(self, permissions: Any, rp_id: str | None) -> bool:
        """A finger is put on the sensor."""
        return True


def preferring(wish: str, info: Info) -> str:
    """The user verification to ask a key for: `preferred` is what it can do (section 5.8.6).

    python-fido2 refuses a key that could have a PIN and has none.
    """
    able = any(info.options.get(way) for way in ("uv", "clientPin", "bioEnroll"))
    return "discouraged" if wish not in ("required", "discouraged") and not able else wish


def anonymised(response: dict[str, Any]) -> dict[str, Any]:
    """A registration without its attestation, as for pages that want none (WebAuthn 5.1.3)."""
    inner = response["response"]
    made = AttestationObject(websafe_decode(inner["attestationObject"]))
    data, credential = made.auth_data, made.auth_data.credential_data
    assert credential is not None
    if not any(credential.aaguid) and made.fmt == "packed" and "x5c" not in made.att_stmt:
        return response
    plain = AttestedCredentialData.create(
        Aaguid.NONE, credential.credential_id, credential.public_key
    )
    bare = AuthenticatorData.create(
        data.rp_id_hash, data.flags, data.counter, plain, data.extensions
    )
    told = {
        "attestationObject": websafe_encode(AttestationObject.create("none", bare, {})),
        "authenticatorData": websafe_encode(bare),
    }
    known = {name: value for name, value in told.items() if name in inner}
    return {**response, "response": {**inner, **known}}


def dom_exception(error: ClientError, *, registering: bool) -> str:
    """The `DOMException` that a page gets for an error of the client (WebAuthn section 5.1)."""
    if registering and error.code is ClientError.ERR.DEVICE_INELIGIBLE:
        return "InvalidStateError"
    return "NotAllowedError"


def _why(error: ClientError) -> str:
    """The authenticator's error behind a client's, or the client's own."""
    if isinstance(error.cause, CtapError):
        return str(getattr(error.cause.code, "name", error.cause.code))
    return str(error.cause or error.code.name)


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


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _tell_registration(response: dict[str, Any], info: Info) -> None:
    """What pages read without a decoder (section 5.2.1): transports, public key, algorithm."""
    inner = response["response"]
    data = AttestationObject(websafe_decode(inner["attestationObject"])).auth_data
    assert data.credential_data is not None
    key = data.credential_data.public_key
    inner["authenticatorData"] = websafe_encode(data)
    inner["transports"] = sorted({"usb", *(info.transports or ())})
    inner["publicKeyAlgorithm"] = key[3]
    public = _public_key(key)
    if public is not None:
        spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        inner["publicKey"] = websafe_encode(spki)


def _public_key(key: CoseKey) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | None:
    """A key of the algorithms for which pages are given one (section 5.2.1.1); else None."""
    if key[3] == ES256.ALGORITHM:
        x, y = int.from_bytes(key[-2]), int.from_bytes(key[-3])
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    if key[3] == EdDSA.ALGORITHM:
        return ed25519.Ed25519PublicKey.from_public_bytes(key[-2])
    return None
