"""A security key and the client before it, made of `cryptography` and python-fido2's encoders."""

import copy
import datetime
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.x509.oid import NameOID
from fido2 import cbor
from fido2.cose import ES256, ES384, MLDSA44, RS256, EdDSA
from fido2.utils import websafe_decode, websafe_encode

ORIGIN = "https://signin.aws.amazon.com"
AAGUID = bytes(range(16))
UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80

Certificate = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def sha256(data: bytes | str) -> bytes:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).digest()


def certificate(
    unit: str,
    issuer: Certificate | None = None,
    *,
    ca: bool = False,
    aaguid: bytes | None = None,
    days: tuple[int, int] = (-1000, 20000),
    path_length: int | None = None,
    **changes: Any,
) -> Certificate:
    """A certificate of our own, self-signed or issued; `changes` spoil it."""
    key = changes.get("key") or ec.generate_private_key(ec.SECP256R1())
    names = {
        NameOID.COUNTRY_NAME: "AA",
        NameOID.ORGANIZATION_NAME: "Tests",
        NameOID.ORGANIZATIONAL_UNIT_NAME: unit,
        NameOID.COMMON_NAME: changes.get("common_name", f"{unit} {ca}"),
    }
    subject = x509.Name(
        [
            x509.NameAttribute(oid, value)
            for oid, value in names.items()
            if oid != changes.get("without")
        ]
    )
    start = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start + datetime.timedelta(days=days[0]))
        .not_valid_after(start + datetime.timedelta(days=days[1]))
    )
    if changes.get("basic_constraints", True):
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    if aaguid is not None:
        oid = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
        builder = builder.add_extension(
            x509.UnrecognizedExtension(oid, b"\x04\x10" + aaguid),
            critical=changes.get("critical", False),
        )
    if "extra" in changes:
        builder = builder.add_extension(changes["extra"], critical=True)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def der(made: Certificate) -> bytes:
    return made[0].public_bytes(serialization.Encoding.DER)


@dataclass
class Pair:
    """A credential's key pair."""

    algorithm: int = -7
    private: Any = None

    def __post_init__(self) -> None:
        self.private = {
            -7: lambda: ec.generate_private_key(ec.SECP256R1()),
            -8: ed25519.Ed25519PrivateKey.generate,
            -35: lambda: ec.generate_private_key(ec.SECP384R1()),
            -48: mldsa.MLDSA44PrivateKey.generate,
            -257: lambda: rsa.generate_private_key(65537, 2048),
        }[self.algorithm]()

    @property
    def cose(self) -> dict[int, Any]:
        kind: Any = {-7: ES256, -8: EdDSA, -35: ES384, -48: MLDSA44, -257: RS256}[self.algorithm]
        return dict(kind.from_cryptography_key(self.private.public_key()))

    def sign(self, message: bytes) -> bytes:
        match self.algorithm:
            case -7:
                signature = self.private.sign(message, ec.ECDSA(hashes.SHA256()))
            case -35:
                signature = self.private.sign(message, ec.ECDSA(hashes.SHA384()))
            case -257:
                signature = self.private.sign(message, padding.PKCS1v15(), hashes.SHA256())
            case _:
                signature = self.private.sign(message)
        assert isinstance(signature, bytes)
        return signature


@dataclass
class SecurityKey:
    """One physical key with a client that is honest unless a test twists its answers.

    Twists: `type`, `challenge`, `origin`, `cross_origin`, `top_origin`, `rp_id`, `flags`, `count`,
    `extensions` (the authenticator's), `outputs` (the client's), `sign` (changes the signature),
    `user_handle`; `statement` (at registration) and `credential_id` (at authentication).
    """

    form: str = "self"
    algorithm: int = -7
    aaguid: bytes = AAGUID
    flags: int = UP
    count: int = 0
    step: int = 1
    chain: list[Certificate] = field(default_factory=list)
    credentials: dict[bytes, Pair] = field(default_factory=dict)

    def create(self, options: dict[str, Any], **twists: Any) -> dict[str, Any]:
        excluded = [websafe_decode(entry["id"]) for entry in options["excludeCredentials"]]
        if any(credential_id in self.credentials for credential_id in excluded):
            return {"error": {"name": "InvalidStateError"}}
        pair = Pair(self.algorithm)
        credential_id = sha256(repr((id(self), len(self.credentials), options["challenge"])))
        self.credentials[credential_id] = pair
        client_data = self._client_data("webauthn.create", options, twists)
        rp_id = twists.get("rp_id", options["rp"]["id"])
        cose = twists.get("cose", cbor.encode(pair.cose))
        attested = self.aaguid + len(credential_id).to_bytes(2, "big") + credential_id + cose
        data = self._authenticator_data(rp_id, AT, twists, attested)
        statement = self._statement(pair, data, client_data, credential_id)
        for change in [twists["statement"]] if "statement" in twists else []:
            statement = change(statement)
        attestation_object = cbor.encode(
            {
                "fmt": twists.get("fmt", "packed" if self.form == "self" else self.form),
                "attStmt": statement,
                "authData": data,
            }
        )
        return self._response(
            credential_id,
            twists,
            clientDataJSON=client_data,
            attestationObject=attestation_object,
            transports=["usb", "nfc"],
        )

    def get(self, options: dict[str, Any], **twists: Any) -> dict[str, Any]:
        allowed = [websafe_decode(entry["id"]) for entry in options["allowCredentials"]]
        known = [entry for entry in allowed if entry in self.credentials]
        if not known and "credential_id" not in twists:
            return {"error": {"name": "NotAllowedError"}}
        credential_id = twists.get("credential_id") or known[0]
        pair = twists.get("pair") or self.credentials.get(credential_id) or Pair()
        client_data = self._client_data("webauthn.get", options, twists)
        data = self._authenticator_data(twists.get("rp_id", options["rpId"]), 0, twists, b"")
        signature = pair.sign(data + sha256(client_data))
        extra = {"userHandle": twists["user_handle"]} if "user_handle" in twists else {}
        return self._response(
            credential_id,
            twists,
            clientDataJSON=client_data,
            authenticatorData=data,
            signature=twists.get("sign", lambda made: made)(signature),
            **extra,
        )

    def clone(self) -> "SecurityKey":
        """A second key with the same secrets, from now on with a counter of its own."""
        return copy.copy(self)

    def _client_data(self, kind: str, options: dict[str, Any], twists: dict[str, Any]) -> bytes:
        members: dict[str, Any] = {
            "type": twists.get("type", kind),
            "challenge": twists.get("challenge", options["challenge"]),
            "origin": twists.get("origin", ORIGIN),
            "crossOrigin": twists.get("cross_origin", False),
        }
        if "top_origin" in twists:
            members["topOrigin"] = twists["top_origin"]
        return json.dumps(members).encode()

    def _authenticator_data(
        self, rp_id: str, flags: int, twists: dict[str, Any], attested: bytes
    ) -> bytes:
        self.count += self.step
        extensions = twists.get("extensions")
        flags |= twists.get("flags", self.flags) | (ED if extensions is not None else 0)
        count = twists.get("count", self.count)
        tail = b"" if extensions is None else cbor.encode(extensions)
        return sha256(rp_id) + bytes([flags]) + count.to_bytes(4, "big") + attested + tail

    def _statement(
        self, pair: Pair, data: bytes, client_data: bytes, credential_id: bytes
    ) -> dict[str, Any]:
        digest = sha256(client_data)
        if self.form == "none":
            return {}
        if self.form == "self":
            return {"alg": self.algorithm, "sig": pair.sign(data + digest)}
        private = self.chain[0][1]
        x5c = [der(made) for made in self.chain]
        if self.form == "packed":
            signature = private.sign(data + digest, ec.ECDSA(hashes.SHA256()))
            return {"alg": -7, "sig": signature, "x5c": x5c}
        point = b"\x04" + pair.cose[-2] + pair.cose[-3]
        message = b"\x00" + data[:32] + digest + credential_id + point
        return {"sig": private.sign(message, ec.ECDSA(hashes.SHA256())), "x5c": x5c}

    def _response(
        self, credential_id: bytes, twists: dict[str, Any], **members: Any
    ) -> dict[str, Any]:
        return {
            "id": websafe_encode(credential_id),
            "rawId": websafe_encode(credential_id),
            "type": "public-key",
            "authenticatorAttachment": twists.get("attachment", "cross-platform"),
            "clientExtensionResults": twists.get("outputs", {}),
            "response": {
                name: websafe_encode(value) if isinstance(value, bytes) else value
                for name, value in members.items()
            },
        }


class People:
    """The company of the other tests, with security keys in its pockets."""

    def __init__(self, company: Any) -> None:
        self.company, self.console = company, company.console

    def session(self, who: str = "ada") -> Any:
        """A console session without MFA, begun before its holder has a device."""
        signed_in = self.company.signed_in_root if who == "root" else self.company.signed_in
        return (signed_in() if who == "root" else signed_in(who)).credentials

    def register(
        self,
        key: SecurityKey,
        user: str = "alice",
        *,
        by: Any = None,
        name: str = "key",
        **twists: Any,
    ) -> str:
        """Register a key for a user, by Ada unless a session is given; for root by root."""
        by = by or self.session("root" if user == "root" else "ada")
        target = {} if user == "root" else {"user_name": user}
        options = self.console.begin_security_key(by, name=name, **target)
        response = key.create(options, **twists)
        return str(self.console.finish_security_key(by, response=response, **target))

    def page(self, user: str = "alice") -> Any:
        page = self.company.root_page() if user == "root" else self.company.page(user)
        if page.assertion_options is None:
            from mfalab.verifier import DeviceKind

            page = self.console.choose(page.id, DeviceKind.FIDO)
        return page

    def sign_in(self, key: SecurityKey, user: str = "alice", **twists: Any) -> Any:
        page = self.page(user)
        return self.console.submit_assertion(page.id, key.get(page.assertion_options, **twists))

    def decisions(self) -> list[Any]:
        from mfalab.verifier import CeremonyDecision

        return [seen for seen in self.company.observed if isinstance(seen, CeremonyDecision)]

    def last(self) -> Any:
        return self.decisions()[-1]

    def credential(self, user: str = "alice") -> Any:
        from mfalab.verifier.records import CredentialRecord, Device

        with self.company.store.transaction() as tx:
            devices = tx.find(Device, owner_id=self.company.ids[user])
            found = [tx.get(CredentialRecord, device.id) for device in devices]
        (credential,) = [record for record in found if record is not None]
        return credential


@pytest.fixture
def people(company: Any) -> People:
    return People(company)


@pytest.fixture
def people_of() -> Callable[[Any], People]:
    return People


@pytest.fixture
def new_key() -> Callable[..., SecurityKey]:
    return SecurityKey


@pytest.fixture
def new_pair() -> Callable[..., Pair]:
    return Pair


@pytest.fixture
def make_certificate() -> Callable[..., Certificate]:
    return certificate
