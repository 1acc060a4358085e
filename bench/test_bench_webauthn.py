"""One decision on an assertion, against python-fido2's server, py_webauthn and the bare signature.

All get the client's JSON form and say yes. `test_decision` does what the two libraries do, and also
looks at counter, backup flags and frames; the last one spends the challenge and writes the counter
in a store.
"""

import base64
import hashlib
import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from fido2 import cbor
from fido2.cose import ES256, RS256, EdDSA
from fido2.server import Fido2Server
from fido2.webauthn import (
    Aaguid,
    AttestedCredentialData,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
)
from webauthn import verify_authentication_response, verify_registration_response

from mfalab import Browser, Entropy, SecurityKey
from mfalab.verifier import (
    AWS_IMMEDIATE,
    CHEAP,
    MemoryStore,
    SecondPage,
    SignedIn,
    Silence,
    Verifier,
)
from mfalab.verifier.profile import AttestationConveyance
from mfalab.verifier.records import CredentialRecord
from mfalab.verifier.webauthn import ceremonies, cose, messages

ORIGIN, RP_ID = "https://signin.aws.amazon.com", "aws.amazon.com"
CHALLENGE = bytes(range(32))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """Signs for any challenge."""

    def __init__(self, name: str) -> None:
        kind: Any
        if name == "ES256":
            self.private: Any = ec.generate_private_key(ec.SECP256R1())
            self.how, kind = (ec.ECDSA(hashes.SHA256()),), ES256
        elif name == "EdDSA":
            self.private, self.how, kind = ed25519.Ed25519PrivateKey.generate(), (), EdDSA
        else:
            self.private = rsa.generate_private_key(65537, 2048)
            self.how, kind = (PKCS1v15(), hashes.SHA256()), RS256
        self.cose = kind.from_cryptography_key(self.private.public_key())
        self.id = hashlib.sha256(name.encode()).digest()
        self.record = CredentialRecord(
            device_id="d",
            credential_id=self.id,
            public_key=cbor.encode(dict(self.cose)),
            sign_count=1,
            aaguid=bytes(16),
            transports=(),
            backup_eligible=False,
            backed_up=False,
            user_verified=False,
            attestation_format="none",
        )

    def assertion(self, challenge: bytes, count: int) -> dict[str, Any]:
        members = {
            "type": "webauthn.get",
            "challenge": b64(challenge),
            "origin": ORIGIN,
            "crossOrigin": False,
        }
        client_data = json.dumps(members).encode()
        data = hashlib.sha256(RP_ID.encode()).digest() + b"\x01" + count.to_bytes(4, "big")
        self.message = data + hashlib.sha256(client_data).digest()
        self.signature = self.private.sign(self.message, *self.how)
        return {
            "id": b64(self.id),
            "rawId": b64(self.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": b64(client_data),
                "authenticatorData": b64(data),
                "signature": b64(self.signature),
            },
        }


@pytest.fixture(params=["ES256", "EdDSA", "RS256"])
def key(request: pytest.FixtureRequest, benchmark: Any) -> Key:
    benchmark.group = f"assertion, {request.param}"
    return Key(request.param)


def test_python_fido2(benchmark: Any, key: Key) -> None:
    benchmark.extra_info["role"] = "peer"
    server = Fido2Server(
        PublicKeyCredentialRpEntity(id=RP_ID, name="x"),
        verify_origin=lambda origin: origin == ORIGIN,
    )
    state = {"challenge": b64(CHALLENGE), "user_verification": None}
    known = [AttestedCredentialData.create(Aaguid.NONE, key.id, key.cose)]
    response = key.assertion(CHALLENGE, 2)
    assert benchmark(lambda: server.authenticate_complete(state, known, response)) is known[0]


def test_py_webauthn(benchmark: Any, key: Key) -> None:
    benchmark.extra_info["role"] = "peer"
    response = key.assertion(CHALLENGE, 2)
    verified = benchmark(
        lambda: verify_authentication_response(
            credential=response,
            expected_challenge=CHALLENGE,
            expected_rp_id=RP_ID,
            expected_origin=ORIGIN,
            credential_public_key=key.record.public_key,
            credential_current_sign_count=1,
        )
    )
    assert verified.new_sign_count == 2


def test_decision(benchmark: Any, key: Key) -> None:
    response, expected = key.assertion(CHALLENGE, 2), b64(CHALLENGE)

    def decide() -> bool:
        assertion = messages.assertion(response)
        assert assertion.client_data.challenge == expected
        ceremonies.judge_assertion(assertion, key.record, AWS_IMMEDIATE)
        count = assertion.authenticator_data.sign_count
        return ceremonies.counter_grew(key.record.sign_count, count)

    assert benchmark(decide)


def test_bare_signature(benchmark: Any, key: Key) -> None:
    benchmark.extra_info["role"] = "limit"
    key.assertion(CHALLENGE, 2)
    public = key.private.public_key()
    benchmark(lambda: public.verify(key.signature, key.message, *key.how))


def test_sign_in_in_a_memory_store(benchmark: Any, key: Key) -> None:
    """The second page's whole answer: challenge, decision, counter, session."""
    calls = itertools.count()
    verifier = Verifier(
        store=MemoryStore(),
        clock=StandingClock(),
        random_bytes=lambda count: hashlib.shake_128(b"%d" % next(calls)).digest(count),
        password_cost=CHEAP,
        outbox=Silence(),
    )
    verifier.create_account("123456789012", root_email="r@example.com", root_password="pw")
    session = verifier.console.sign_in_root("r@example.com", "pw")
    assert isinstance(session, SignedIn)
    options = verifier.console.begin_security_key(session.credentials, name="key")
    verifier.console.finish_security_key(session.credentials, response=created(key, options))
    counts = itertools.count(2)

    def prepare() -> tuple[tuple[str, dict[str, Any]], dict[str, Any]]:
        page = verifier.console.sign_in_root("r@example.com", "pw")
        assert isinstance(page, SecondPage)
        assert page.assertion_options is not None
        challenge = page.assertion_options["challenge"]
        return (page.id, key.assertion(base64.urlsafe_b64decode(challenge + "="), next(counts))), {}

    signed_in = benchmark.pedantic(verifier.console.submit_assertion, setup=prepare, rounds=300)
    assert signed_in.mfa


class StandingClock:
    def now_ns(self) -> int:
        return 1_772_442_000 * 10**9


def created(key: Key, options: dict[str, Any]) -> dict[str, Any]:
    response = key.assertion(base64.urlsafe_b64decode(options["challenge"] + "="), 1)
    client_data = base64.urlsafe_b64decode(response["response"]["clientDataJSON"] + "==")
    client_data = client_data.replace(b"webauthn.get", b"webauthn.create")
    data = AuthenticatorData.create(
        hashlib.sha256(RP_ID.encode()).digest(),
        AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.AT,
        1,
        AttestedCredentialData.create(Aaguid.NONE, key.id, key.cose),
    )
    attestation_object = cbor.encode({"fmt": "none", "attStmt": {}, "authData": bytes(data)})
    response["response"] = {
        "clientDataJSON": b64(client_data),
        "attestationObject": b64(attestation_object),
    }
    return response


class Registration:
    """One of our keys' registrations, with a packed statement and a certificate."""

    def __init__(self) -> None:
        clock = StandingClock()
        key = SecurityKey("ctap-2.1-pin", random_bytes=Entropy(1).random_bytes("key"))
        key.plug()
        options = ceremonies.creation_options(
            replace(AWS_IMMEDIATE, attestation=AttestationConveyance.DIRECT),
            challenge=b64(CHALLENGE),
            user_id=b"alice",
            user_name="alice",
            exclude=(),
        )
        self.response = Browser(key, ORIGIN).create(options)
        self.now_ns = clock.now_ns()
        read = messages.registration(self.response)
        assert read.format == "packed"
        self.signature, (self.certificate, *_) = read.statement["sig"], read.statement["x5c"]
        self.message = read.authenticator_data.raw + read.client_data.hash
        self.point = cbor.decode(read.authenticator_data.public_key)


@pytest.fixture(scope="module")
def registered() -> Registration:
    return Registration()


@pytest.mark.benchmark(group="registration, packed")
def test_registration(benchmark: Any, registered: Registration) -> None:
    def decide() -> ceremonies.Registered:
        cose.public_key.cache_clear()  # a new key is loaded once
        registration = messages.registration(registered.response)
        return ceremonies.judge_registration(registration, AWS_IMMEDIATE, registered.now_ns)

    assert benchmark(decide).attestation.certificates


@pytest.mark.benchmark(group="registration, packed")
def test_py_webauthn_registration(benchmark: Any, registered: Registration) -> None:
    benchmark.extra_info["role"] = "peer"
    verified = benchmark(
        lambda: verify_registration_response(
            credential=registered.response,
            expected_challenge=CHALLENGE,
            expected_rp_id=RP_ID,
            expected_origin=ORIGIN,
        )
    )
    assert verified.fmt == "packed"


@pytest.mark.benchmark(group="registration, packed")
def test_bare_verification(benchmark: Any, registered: Registration) -> None:
    """The certificate is read, its key verifies, and the credential's point is put on the curve."""
    benchmark.extra_info["role"] = "limit"
    x, y = registered.point[-2], registered.point[-3]

    def verify() -> Any:
        key: Any = x509.load_der_x509_certificate(registered.certificate).public_key()
        key.verify(registered.signature, registered.message, ec.ECDSA(hashes.SHA256()))
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)

    assert benchmark(verify)
