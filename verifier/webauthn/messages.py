"""What the client sends back: WebAuthn's JSON forms and what is inside them.

`RegistrationResponseJSON` and `AuthenticationResponseJSON` (WebAuthn Level 3 sections 5.1.8 and
5.1.10) become values here; everything that does not have their shape is `MALFORMED`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag
from typing import Any, TypeGuard

from mfalab.verifier.webauthn import cbor
from mfalab.verifier.webauthn.outcomes import CeremonyFailed, CeremonyOutcome

LONGEST_CREDENTIAL_ID = 1023
LONGEST_ATTESTATION_OBJECT = 65536
"""Bytes; those of TPMs, with the longest chains, have some 6,000."""
_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")
"""From base64url to base64; what only the latter has becomes a character that neither has."""
_FORMAT = re.compile(r"[!#-\[\]-~]{1,32}", re.ASCII)
"""An attestation statement format identifier (WebAuthn Level 3 section 8.1)."""
_ERROR_NAME = re.compile(r"[A-Za-z]\w{0,63}", re.ASCII)


class Flags(IntFlag):
    """The flags of authenticator data (WebAuthn Level 3 section 6.1)."""

    UP = 0x01
    UV = 0x04
    BE = 0x08
    BS = 0x10
    AT = 0x40
    ED = 0x80


# Arithmetic on members of an IntFlag takes longer than the checks themselves.
UP, UV, BE, BS, AT, ED = (int(flag) for flag in Flags)


# Those of an assertion are not frozen: it would take four times as long to make them.
@dataclass(slots=True)
class ClientData:
    """What the client says about the ceremony (`CollectedClientData`)."""

    type: str
    challenge: str
    """Base64url, as the client wrote it."""
    origin: str
    cross_origin: bool
    top_origin: str | None
    hash: bytes
    """SHA-256 of the serialised client data: what is signed."""


@dataclass(slots=True)
class AuthenticatorData:
    """What the authenticator says (WebAuthn Level 3 section 6.1)."""

    raw: bytes
    rp_id_hash: bytes
    flags: int
    sign_count: int
    aaguid: bytes = b""
    """Sixteen bytes; this and the next two are empty without attested credential data."""
    credential_id: bytes = b""
    public_key: bytes = b""
    """A COSE_Key."""
    cose_key: Any = None
    """The same, decoded."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration as the client sends it."""

    credential_id: bytes
    client_data: ClientData
    authenticator_data: AuthenticatorData
    format: str
    """The attestation statement's format."""
    statement: Mapping[str, Any]
    transports: tuple[str, ...]
    extensions: Mapping[str, Any]
    """The client's extension outputs."""
    attachment: str | None = None
    """How the authenticator was attached to the client, as far as the client says."""


@dataclass(slots=True)
class Assertion:
    """An authentication as the client sends it."""

    credential_id: bytes
    client_data: ClientData
    authenticator_data: AuthenticatorData
    signature: bytes
    user_handle: bytes | None
    """None where the authenticator stores none."""
    extensions: Mapping[str, Any]


def encode(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def client_error(response: object) -> str | None:
    """The name of the `DOMException` that the page reports instead of a response, if it does.

    Raises:
        CeremonyFailed: what is reported is no error.
    """
    if not isinstance(response, Mapping) or "error" not in response:
        return None
    error = response["error"]
    name = error.get("name") if isinstance(error, Mapping) else error
    if not isinstance(name, str) or not _ERROR_NAME.fullmatch(name):
        raise _malformed("the reported error has no name")
    return name


def registration(response: object) -> Registration:
    """Read a `RegistrationResponseJSON`; whatever else it is may be of any type.

    Raises:
        CeremonyFailed: MALFORMED.
    """
    response, inner, credential_id = _parts(response)
    encoded = _bytes(inner, "attestationObject")
    if len(encoded) > LONGEST_ATTESTATION_OBJECT:
        # Its certificates are remembered once they are read.
        raise _malformed(f"the attestation object has {len(encoded)} bytes, too many")
    attestation_object = _cbor_map(encoded, "attestationObject")
    auth_data = attestation_object.get("authData")
    statement = attestation_object.get("attStmt")
    form = attestation_object.get("fmt")
    if not isinstance(auth_data, bytes):
        raise _malformed("the attestation object has no authData")
    if not isinstance(statement, dict):
        raise _malformed("the attestation object has no statement")
    if not isinstance(form, str) or not _FORMAT.fullmatch(form):
        raise _malformed("the attestation object has no format")
    data = authenticator_data(auth_data)
    if not data.flags & AT:
        raise _malformed("the authenticator data has no credential")
    if credential_id != data.credential_id:
        raise _malformed("rawId is not the credential's id")
    transports = inner.get("transports", ())
    if not isinstance(transports, (list, tuple)) or not all(map(_is_text, transports)):
        raise _malformed("transports is no list of texts")
    return Registration(
        credential_id,
        client_data(_bytes(inner, "clientDataJSON")),
        data,
        form,
        statement,
        tuple(sorted(set(transports))),
        _extensions(response),
        _attachment(response),
    )


def _attachment(response: Mapping[str, Any]) -> str | None:
    attachment = response.get("authenticatorAttachment")
    if attachment is None:
        return None
    if not isinstance(attachment, str) or not _is_text(attachment):
        raise _malformed("authenticatorAttachment is no text")
    return attachment


def assertion(response: object) -> Assertion:
    """Read an `AuthenticationResponseJSON`; whatever else it is may be of any type.

    Raises:
        CeremonyFailed: MALFORMED.
    """
    response, inner, credential_id = _parts(response)
    handle = inner.get("userHandle")
    return Assertion(
        credential_id,
        client_data(_bytes(inner, "clientDataJSON")),
        authenticator_data(_bytes(inner, "authenticatorData")),
        _bytes(inner, "signature"),
        # Safari sends an empty user handle where the key stores none; one has 1 byte at least.
        None if handle is None or handle == "" else _bytes(inner, "userHandle"),
        _extensions(response),
    )


def client_data(serialised: bytes) -> ClientData:
    """Read the client data (WebAuthn Level 3 section 5.8.1).

    Members that are not known are passed over, as the standard asks.

    Raises:
        CeremonyFailed: MALFORMED.
    """
    try:
        text = serialised.removeprefix(BOM_UTF8).decode().strip(_JSON_SPACE)
        members, end = _read_json(text)
    except (ValueError, RecursionError):
        raise _malformed("the client data is no JSON") from None
    if end != len(text):
        raise _malformed("something follows the JSON of the client data")
    if not isinstance(members, dict):
        raise _malformed("the client data is no object")
    kind, challenge = members.get("type"), members.get("challenge")
    origin, top_origin = members.get("origin"), members.get("topOrigin")
    cross_origin = members.get("crossOrigin", False)
    if not (_is_text(kind) and _is_text(challenge) and _is_text(origin)):
        raise _malformed("the client data lacks type, challenge or origin")
    if not isinstance(cross_origin, bool) or not (top_origin is None or _is_text(top_origin)):
        raise _malformed("crossOrigin or topOrigin in the client data is of another kind")
    digest = hashlib.sha256(serialised).digest()
    return ClientData(kind, challenge, origin, cross_origin, top_origin, digest)


def authenticator_data(raw: bytes) -> AuthenticatorData:
    """Read authenticator data to its last byte (WebAuthn Level 3 section 6.1).

    Raises:
        CeremonyFailed: MALFORMED.
    """
    if len(raw) < 37:
        raise _malformed(f"the authenticator data has {len(raw)} bytes, fewer than 37")
    flags, sign_count = raw[32], int.from_bytes(raw[33:37], "big")
    at, aaguid, credential_id, public_key, cose_key = 37, b"", b"", b"", None
    try:
        if flags & AT:
            length = int.from_bytes(raw[53:55], "big")
            end = 55 + length
            if length > LONGEST_CREDENTIAL_ID or end > len(raw):
                raise _malformed(f"a credential id cannot have {length} bytes here")
            aaguid, credential_id = raw[37:53], raw[55:end]
            cose_key, at = cbor.decode_at(raw, end)
            public_key = raw[end:at]
        if flags & ED:
            extensions, at = cbor.decode_at(raw, at)
            if not isinstance(extensions, dict):
                raise _malformed("the extension outputs are no map")
    except cbor.CborError as error:
        raise _malformed(f"the authenticator data is broken: {error}") from None
    if at != len(raw):
        raise _malformed(f"{len(raw) - at} bytes follow the authenticator data")
    return AuthenticatorData(
        raw, raw[:32], flags, sign_count, aaguid, credential_id, public_key, cose_key
    )


def _malformed(reason: str) -> CeremonyFailed:
    return CeremonyFailed(CeremonyOutcome.MALFORMED, reason)


def _parts(response: object) -> tuple[Mapping[str, Any], Mapping[str, Any], bytes]:
    """The response as an object, its member `response`, and the credential's id."""
    if not _is_object(response):
        raise _malformed(f"the response is no object but {type(response).__name__}")
    inner = response.get("response")
    if not _is_object(inner):
        raise _malformed("the response has no member response")
    if response.get("type") != "public-key":
        raise _malformed("the credential's type is not public-key")
    credential_id = _bytes(response, "rawId")
    if response.get("id") != response["rawId"]:
        raise _malformed("id and rawId differ")
    return response, inner, credential_id


def _extensions(response: Mapping[str, Any]) -> Mapping[str, Any]:
    outputs = response.get("clientExtensionResults", {})
    if not _is_object(outputs):
        raise _malformed("clientExtensionResults is no object")
    return outputs


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    # What JSON is read into first: to ask for the abstract class takes some five times as long.
    return type(value) is dict or isinstance(value, Mapping)


def _is_text(value: object) -> TypeGuard[str]:
    """Whether it is a text that can be encoded: JSON may have half of a surrogate pair."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_number(spelling: str) -> None:
    raise ValueError(f"{spelling} is no JSON")


_JSON_SPACE = " \t\n\r"
_read_json = json.JSONDecoder(parse_constant=_no_number).raw_decode


def _bytes(members: Mapping[str, Any], name: str) -> bytes:
    value = members.get(name)
    if not isinstance(value, str):
        raise _malformed(f"{name} is not base64url")
    try:
        standard = value.encode().translate(_STANDARD)
        return binascii.a2b_base64(standard + b"=" * (-len(standard) % 4), strict_mode=True)
    except ValueError:
        raise _malformed(f"{name} is not base64url") from None


def _cbor_map(data: bytes, name: str) -> dict[Any, Any]:
    try:
        entries = cbor.decode(data)
    except cbor.CborError as error:
        raise _malformed(f"{name} is no CBOR: {error}") from None
    if not isinstance(entries, dict):
        raise _malformed(f"{name} is no map")
    return entries
