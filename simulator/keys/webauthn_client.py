"""A browser's part in one ceremony with one key, above python-fido2 and below every page of ours.

python-fido2 speaks to the key; the rules of WebAuthn Level 3 that it leaves to a browser, or that
it keeps otherwise than browsers do, are here: for the page that is only imagined
(`mfalab.simulator.keys.browser`), for the people of a lab, and for Chromium.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, TypeVar
from unicodedata import normalize

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fido2 import cbor
from fido2.client import (
    AssertionSelection,
    ClientDataCollector,
    ClientError,
    Fido2Client,
    PinRequiredError,
    UserInteraction,
)
from fido2.ctap import CtapDevice, CtapError
from fido2.ctap2.base import Info
from fido2.hid import ConnectionFailure
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    AuthenticatorTransport,
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialRequestOptions,
    RegistrationResponse,
)

from mfalab.devices.schedule import NothingWillHappen
from mfalab.simulator.clocks.blocking import WaitedTooLong
from mfalab.verifier.webauthn import cose

T = TypeVar("T")

NO_ANSWER = (OSError, CtapError, ConnectionFailure, WaitedTooLong, NothingWillHappen)
"""What a client meets when the key or the wire fails it; an unplugged key is an OSError."""
TIMEOUT_MS = 300_000
"""How long a browser waits where the page does not say: the default of section 5.1.3."""
_TRANSPORTS = frozenset(each.value for each in AuthenticatorTransport)


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


@dataclass(frozen=True, slots=True)
class PinAsked:
    """What a browser shows when it asks for a PIN.

    Attributes:
        rp_id: the relying party that it is for.
        times: how often this ceremony has asked, this time included; more than once after a PIN
            that was wrong.
    """

    rp_id: str | None
    times: int


Pins = str | Sequence[str] | Callable[[PinAsked], str | None] | None
"""What a user types when asked for the PIN: one and no other; one after the other while they are
wrong; what a function says; or nothing. A user who has no more to type gives up."""


class Typist(UserInteraction):
    """What python-fido2 asks the user in one ceremony.

    Args:
        pins: what they type.
    """

    def __init__(self, pins: Pins) -> None:
        self._pins = pins
        self._listed: Iterator[str] = iter(
            [pins] if isinstance(pins, str) else () if pins is None or callable(pins) else pins
        )
        self.typed = 0
        """How many PINs they have typed."""

    def prompt_up(self) -> None:
        """The key wants a touch; `key.user` sees that by itself."""

    def request_pin(self, permissions: Any, rp_id: str | None) -> str | None:
        """The next PIN, in Normalization Form C (CTAP 2.1 section 6.5.1); None to give up."""
        if callable(self._pins):
            pin = self._pins(PinAsked(rp_id, self.typed + 1))
        else:
            pin = next(self._listed, None)
        if pin is None:
            return None
        self.typed += 1
        return normalize("NFC", pin)

    def request_uv(self, permissions: Any, rp_id: str | None) -> bool:
        """A finger is put on the sensor."""
        return True


@dataclass(slots=True)
class Ceremony:
    """One ceremony: what a browser does between the page's call and its answer.

    Options are complete: they name the RP ID, and a timeout if there is one.

    Attributes:
        device: a way to the key.
        collector: tells what the key signs of the page.
        typist: who is asked for the PIN; each ceremony has its own.
        cancel: set to call it off; python-fido2 waits with it, too.
    """

    device: CtapDevice
    collector: ClientDataCollector
    typist: Typist
    cancel: Event

    def create(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Register the key: `RegistrationResponseJSON`.

        Raises:
            DOMException: there is no credential.
        """
        client = self._client()
        wanted = PublicKeyCredentialCreationOptions.from_dict(prepared(options, client.info))

        def ask() -> RegistrationResponse:
            return client.make_credential(wanted, self.cancel)

        response = _plain(self._until_pin_is_right(ask, registering=True))
        if options.get("attestation", "none") == "none":
            response = anonymised(response)
        _tell_registration(response, client.info)
        _tell_properties(response, options)
        return response

    def get(
        self,
        options: Mapping[str, Any],
        pick: Callable[[AssertionSelection], AuthenticationResponse],
    ) -> dict[str, Any]:
        """Sign in with the key: `AuthenticationResponseJSON`.

        Args:
            options: see above.
            pick: chooses one of the credentials that the key offers.

        Raises:
            DOMException: there is no assertion.
        """
        client = self._client()
        wanted = PublicKeyCredentialRequestOptions.from_dict(prepared(options, client.info))

        def ask() -> AuthenticationResponse:
            return pick(client.get_assertion(wanted, self.cancel))

        return _plain(self._until_pin_is_right(ask, registering=False))

    def _client(self) -> Fido2Client:
        try:
            return Fido2Client(self.device, self.collector, self.typist)
        except NO_ANSWER as error:
            raise DOMException("NotAllowedError", str(error)) from error

    def _until_pin_is_right(self, ask: Callable[[], T], *, registering: bool) -> T:
        """Ask again while the PIN was wrong and the user types another; python-fido2 asks once."""
        wrong: ClientError | None = None
        while True:
            try:
                return ask()
            except PinRequiredError as error:
                raise _as_exception(wrong or error, registering=registering) from error
            except ClientError as error:
                if not _pin_was_wrong(error):
                    raise _as_exception(error, registering=registering) from error
                wrong = error
            except NO_ANSWER as error:
                raise DOMException("NotAllowedError", str(error)) from error


def prepared(options: Mapping[str, Any], info: Info) -> dict[str, Any]:
    """Options that python-fido2 takes as a browser would.

    Args:
        options: of a registration or a sign-in, complete.
        info: of the key that is to be asked.

    Raises:
        DOMException: the key cannot do what is required.
    """
    wanted = dict(options)
    registering = "rp" in wanted
    listed = "excludeCredentials" if registering else "allowCredentials"
    if wanted.get(listed):
        wanted[listed] = [_with_known_transports(each) for each in wanted[listed]]
    if registering:
        selection = dict(wanted.get("authenticatorSelection") or {})
        wish = selection.get("userVerification", "preferred")
        selection["userVerification"] = preferring(wish, info)
        wanted["authenticatorSelection"] = selection
    else:
        wanted["userVerification"] = preferring(wanted.get("userVerification", "preferred"), info)
    extensions = dict(wanted.get("extensions") or {})
    if extensions.get("largeBlob") and not _keeps_large_blobs(info):
        if registering and extensions["largeBlob"].get("support") == "required":
            raise DOMException("NotAllowedError", "the key keeps no large blobs")
        del extensions["largeBlob"]  # python-fido2 raises a ValueError where it could be ignored
        wanted["extensions"] = extensions
    return wanted


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


def _tell_registration(response: dict[str, Any], info: Info) -> None:
    """What pages read without a decoder (section 5.2.1): transports, public key, algorithm."""
    inner = response["response"]
    data = AttestationObject(websafe_decode(inner["attestationObject"])).auth_data
    assert data.credential_data is not None
    key = data.credential_data.public_key
    inner["authenticatorData"] = websafe_encode(data)
    inner["transports"] = sorted({"usb", *(info.transports or ())})
    inner["publicKeyAlgorithm"] = key[3]
    try:
        public = cose.public_key(cbor.encode(key)).key
    except cose.InvalidKey:
        return  # a page is given null for a key that its browser does not know
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    inner["publicKey"] = websafe_encode(spki)


def _tell_properties(response: dict[str, Any], options: Mapping[str, Any]) -> None:
    """The extension `credProps` (section 10.1.3), which python-fido2 leaves out for U2F."""
    if (options.get("extensions") or {}).get("credProps"):
        told = response["clientExtensionResults"]
        told["credProps"] = {"rk": bool(told.get("credProps", {}).get("rk"))}


def _plain(response: Mapping[str, Any]) -> dict[str, Any]:
    """A response of python-fido2 as JSON."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(response)))
    secrets = plain["clientExtensionResults"].get("prf", {}).get("results", {})
    if not secrets.get("second", True):
        del secrets["second"]  # python-fido2 gives an empty one where one was asked for
    return plain


def _with_known_transports(descriptor: Mapping[str, Any]) -> dict[str, Any]:
    """A credential without the transports that python-fido2 does not know, such as smart-card.

    A browser ignores what it does not know (section 5.8.4); Chromium itself fills in all that it
    knows, where a page names none.
    """
    known = [each for each in descriptor.get("transports") or () if each in _TRANSPORTS]
    return {**descriptor, "transports": known or None}


def _keeps_large_blobs(info: Info) -> bool:
    return "largeBlobKey" in info.extensions and bool(info.options.get("largeBlobs"))


def _pin_was_wrong(error: ClientError) -> bool:
    cause = error.cause
    return isinstance(cause, CtapError) and cause.code == CtapError.ERR.PIN_INVALID


def _as_exception(error: ClientError, *, registering: bool) -> DOMException:
    return DOMException(dom_exception(error, registering=registering), _why(error))
