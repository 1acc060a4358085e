"""Ten pairs of a registration without attestation and an assertion, beside soft-webauthn's."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.client import DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.webauthn import PublicKeyCredentialCreationOptions, PublicKeyCredentialRequestOptions

from mfalab.devices.ctap import cbor, load_model
from mfalab.devices.ctap.model import AttestationKind
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.entropy import Entropy

pytestmark = pytest.mark.benchmark(group="create + get, ten pairs without attestation")

PAIRS = 10
ROUNDS = {"rounds": 40, "warmup_rounds": 2}
PYTHON = Path(__file__).parents[1] / ".venv" / "peers" / "bin" / "python"
SCRIPT = Path(__file__).parent / "peers" / "soft_webauthn.py"
ORIGIN, CHALLENGE = "https://example.com", "A" * 43
CREATION = {
    "rp": {"id": "example.com", "name": "Example"},
    "user": {"id": "YWxpY2U", "name": "alice", "displayName": "Alice"},
    "challenge": CHALLENGE,
    "pubKeyCredParams": [{"alg": -7, "type": "public-key"}],
    "attestation": "none",
    "authenticatorSelection": {"userVerification": "discouraged"},
}


def measure(benchmark: Any, pair: Callable[[], object]) -> None:
    def pairs() -> None:
        for _ in range(PAIRS):
            pair()

    benchmark.pedantic(pairs, **ROUNDS)


@pytest.fixture
def key() -> SecurityKey:
    model = replace(load_model("ctap-2.1-pin"), attestation=AttestationKind.NONE)
    key = SecurityKey(model, random_bytes=Entropy(1).random_bytes("key"))
    key.plug()
    return key


@pytest.mark.skipif(not PYTHON.exists(), reason="make .venv/peers/installed brings soft-webauthn")
def test_soft_webauthn(benchmark: Any) -> None:
    benchmark.extra_info["role"] = "peer"
    with subprocess.Popen(
        [PYTHON, "-I", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ask, answers = process.stdin, process.stdout

        def pairs() -> str:
            ask.write(f"{PAIRS}\n")
            ask.flush()
            return answers.readline()

        assert benchmark.pedantic(pairs, **ROUNDS) == "done\n"


def test_bare_cryptography(benchmark: Any) -> None:
    """A key pair and one signature: without attestation there is no second."""
    benchmark.extra_info["role"] = "limit"
    algorithm, message = ec.ECDSA(hashes.SHA256()), bytes(200)
    measure(benchmark, lambda: ec.generate_private_key(ec.SECP256R1()).sign(message, algorithm))


def test_authenticator(benchmark: Any, key: SecurityKey) -> None:
    """From the hash of the client data to the answer of CTAP."""

    def client_data_hash(kind: str) -> bytes:
        members = {"type": kind, "challenge": CHALLENGE, "origin": ORIGIN}
        return sha256(json.dumps(members).encode()).digest()

    def answer(command: int, members: dict[int, Any]) -> Any:
        transaction = key.authenticator.begin_cbor(1, bytes([command]) + cbor.encode(members))
        transaction.touch()
        assert transaction.response is not None
        assert transaction.response[0] == 0
        return cbor.decode(transaction.response[1:])

    created = {2: CREATION["rp"], 3: {**dict(CREATION["user"]), "id": b"alice"}}  # type: ignore[call-overload]

    def pair() -> None:
        asked = {1: client_data_hash("webauthn.create"), **created, 4: CREATION["pubKeyCredParams"]}
        data = answer(1, asked)[2]
        allowed = [{"id": data[55 : 55 + data[54]], "type": "public-key"}]
        assert answer(2, {1: "example.com", 2: client_data_hash("webauthn.get"), 3: allowed})[3]

    measure(benchmark, pair)


def test_ctaphid_and_fido2_client(benchmark: Any, key: SecurityKey) -> None:
    """From the page's options to its response, by python-fido2's client, in 64-byte reports."""
    collector = DefaultClientDataCollector(ORIGIN)
    client = Fido2Client(key.device(), collector, user_interaction=UserInteraction())

    def pair() -> None:
        made = dict(client.make_credential(PublicKeyCredentialCreationOptions.from_dict(CREATION)))
        request = {
            "rpId": "example.com",
            "challenge": CHALLENGE,
            "userVerification": "discouraged",
            "allowCredentials": [{"id": made["rawId"], "type": "public-key"}],
        }
        wanted = PublicKeyCredentialRequestOptions.from_dict(request)
        assert dict(client.get_assertion(wanted).get_response(0))["response"]["signature"]

    measure(benchmark, pair)
