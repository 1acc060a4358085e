"""A registration and an assertion by soft-webauthn 0.1.4 and by ours, in turn.

soft-webauthn wants an older python-fido2, so it gets an environment of its own in a temporary
folder. Both run as processes of their own that time themselves: A B A B, and the shortest count.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PEER = "soft-webauthn==0.1.4"

# The peer's and both of ours: `pair` does one registration and one assertion.
SOFT_WEBAUTHN = """
from soft_webauthn import SoftWebauthnDevice

creation = {"publicKey": {
    "rp": {"id": "example.com", "name": "Example"},
    "user": {"id": b"alice", "name": "alice", "displayName": "Alice"},
    "challenge": bytes(32),
    "pubKeyCredParams": [{"alg": -7, "type": "public-key"}],
    "attestation": "none",
}}
request = {"publicKey": {"rpId": "example.com", "challenge": bytes(32)}}

def pair():
    device = SoftWebauthnDevice()
    device.create(creation, "https://example.com")
    assert device.get(request, "https://example.com")["response"]["signature"]
"""
OURS = """
import json
from dataclasses import replace
from hashlib import sha256
from mfalab.devices.ctap import cbor, load_model
from mfalab.devices.ctap.model import AttestationKind
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.entropy import Entropy

model = replace(load_model("ctap-2.1-pin"), attestation=AttestationKind.NONE)
key = SecurityKey(model, random_bytes=Entropy(1).random_bytes("key"))
key.plug()
"""
OUR_AUTHENTICATOR = (
    OURS
    + """
def client_data_hash(kind):
    members = {"type": kind, "challenge": "A" * 43, "origin": "https://example.com"}
    return sha256(json.dumps(members).encode()).digest()

def answer(command, members):
    transaction = key.authenticator.begin_cbor(1, bytes([command]) + cbor.encode(members))
    transaction.touch()
    assert transaction.response[0] == 0
    return cbor.decode(transaction.response[1:])

def pair():
    data = answer(1, {
        1: client_data_hash("webauthn.create"),
        2: {"id": "example.com", "name": "Example"},
        3: {"id": b"alice", "name": "alice", "displayName": "Alice"},
        4: [{"alg": -7, "type": "public-key"}],
    })[2]
    allowed = [{"id": data[55:55 + data[54]], "type": "public-key"}]
    assert answer(2, {1: "example.com", 2: client_data_hash("webauthn.get"), 3: allowed})[3]
"""
)
OUR_WIRE = (
    OURS
    + """
from fido2.client import DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.webauthn import PublicKeyCredentialCreationOptions, PublicKeyCredentialRequestOptions

creation = {
    "rp": {"id": "example.com", "name": "Example"},
    "user": {"id": "YWxpY2U", "name": "alice", "displayName": "Alice"},
    "challenge": "A" * 43,
    "pubKeyCredParams": [{"alg": -7, "type": "public-key"}],
    "attestation": "none",
    "authenticatorSelection": {"userVerification": "discouraged"},
}
collector = DefaultClientDataCollector("https://example.com")
client = Fido2Client(key.device(), collector, user_interaction=UserInteraction())

def pair():
    wanted = PublicKeyCredentialCreationOptions.from_dict(creation)
    made = dict(client.make_credential(wanted))
    request = PublicKeyCredentialRequestOptions.from_dict({
        "rpId": "example.com",
        "challenge": "A" * 43,
        "userVerification": "discouraged",
        "allowCredentials": [{"id": made["rawId"], "type": "public-key"}],
    })
    assert dict(client.get_assertion(request).get_response(0))["response"]["signature"]
"""
)
TIMING = """
import sys, time

pairs, shortest = int(sys.argv[1]), float("inf")
for _ in range(20):
    pair()
for _ in range(pairs):
    began = time.perf_counter()
    pair()
    shortest = min(shortest, time.perf_counter() - began)
print(shortest * 1e6)
"""


def environment(folder: Path) -> Path:
    """An environment with the peer; returns its Python."""
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True)
    return python


def versions(python: Path) -> str:
    """What matters there, for the reader of the figures."""
    script = (
        "from importlib.metadata import version as v; import json;"
        "print(json.dumps({n: v(n) for n in ('fido2', 'cryptography')}))"
    )
    output = subprocess.run([python, "-c", script], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, str] = json.loads(output.stdout)
    return ", ".join(f"{name} {version}" for name, version in found.items())


def shortest_us(python: Path, script: str, pairs: int) -> float:
    """The shortest pair of one process, in microseconds."""
    command: list[str | Path] = [python, "-I", "-c", script + TIMING, str(pairs)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(output.stdout)


def main() -> None:
    """Run everybody in turn and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=500, help="pairs in each turn")
    parser.add_argument("--turns", type=int, default=5, help="turns of each")
    chosen = parser.parse_args()
    own = Path(sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        python = environment(Path(folder))
        runners = {
            PEER: (python, SOFT_WEBAUTHN),
            "ours, begin_cbor": (own, OUR_AUTHENTICATOR),
            "ours, CTAPHID and Fido2Client": (own, OUR_WIRE),
        }
        found: dict[str, list[float]] = {name: [] for name in runners}
        for _ in range(chosen.turns):
            for name, (runner, script) in runners.items():
                found[name].append(shortest_us(runner, script, chosen.pairs))
        lines = [f"peer: {versions(python)}", f"ours: {versions(own)}"]
    peer_us = min(found[PEER])
    for name, turns in found.items():
        each = " ".join(f"{us:.0f}" for us in turns)
        shortest = min(turns)
        lines.append(f"{name}: {shortest:.0f} us, {shortest / peer_us:.2f} x ({each})")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
