"""Pairs of a registration and an assertion by soft-webauthn: as many as each line of input says."""

import sys

from soft_webauthn import SoftWebauthnDevice

CREATION = {
    "publicKey": {
        "rp": {"id": "example.com", "name": "Example"},
        "user": {"id": b"alice", "name": "alice", "displayName": "Alice"},
        "challenge": bytes(32),
        "pubKeyCredParams": [{"alg": -7, "type": "public-key"}],
        "attestation": "none",
    }
}
REQUEST = {"publicKey": {"rpId": "example.com", "challenge": bytes(32)}}


def pair() -> None:
    """One pair; the peer holds one credential, so each has a device of its own."""
    device = SoftWebauthnDevice()
    device.create(CREATION, "https://example.com")
    assert device.get(REQUEST, "https://example.com")["response"]["signature"]


for line in sys.stdin:
    for _ in range(int(line)):
        pair()
    sys.stdout.write("done\n")
    sys.stdout.flush()
