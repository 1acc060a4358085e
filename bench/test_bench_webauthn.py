"""One decision on an assertion, against python-fido2's server, py_webauthn and the bare signature.

All get the client's JSON form and say yes. `test_decision` does what the two libraries do, and also
looks at counter, backup flags and frames; the last one spends the challenge and writes the counter
in a store.
"""

import base64
import hashlib
import itertools
import json
from typing import Any

import pytest
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
from webauthn import verify_authentication_response

from mfalab.verifier import (
    AWS_IMMEDIATE,
    CHEAP,
    MemoryStore,
    SecondPage,
    SignedIn,
    Silence,
    Verifier,
)
from mfalab.verifier.records import CredentialRecord
from mfalab.verifier.webauthn import ceremonies, messages

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
    response = key.assertion(CHALLENGE, 2)

    def decide() -> bool:
        assertion = messages.assertion(response)
        assert assertion.client_data.challenge == b64(CHALLENGE)
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
