"""Sessions of python-fido2's client with keys, to be recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fido2.client import DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.ctap2 import ClientPin, Ctap2
from fido2.ctap2.extensions import HmacSecretExtension, LargeBlobExtension

from mfalab.devices.ctap.user import touching
from mfalab.simulator.keys.fixture import Fixture
from mfalab.simulator.keys.simulated import SimulatedFixture
from mfalab.simulator.traces.recorder import Recording, open_tape

PIN = "135792468"
RP_ID = "example.com"
NS_PER_MS = 10**6

Session = Callable[[Fixture], Any]


class Person(UserInteraction):
    def prompt_up(self) -> None: ...

    def request_pin(self, permissions: Any, rp_id: Any) -> str:
        return PIN


def registration_and_sign_in(fixture: Fixture) -> tuple[Any, Any]:
    """Set a PIN, register with extensions, sign in; returns both answers of the client."""
    device = fixture.connect()
    client_pin = ClientPin(Ctap2(device))
    client_pin.set_pin(PIN)
    client = Fido2Client(
        device,
        DefaultClientDataCollector(f"https://{RP_ID}"),
        user_interaction=Person(),
        extensions=[HmacSecretExtension(allow_hmac_secret=True), LargeBlobExtension()],
    )
    registered = client.make_credential(
        {
            "rp": {"id": RP_ID, "name": "Example"},
            "user": {"id": b"alice", "name": "alice"},
            "challenge": b"challenge of registration",
            "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
            "authenticatorSelection": {
                "residentKey": "required",
                "userVerification": "required",
            },
            "extensions": {"hmacCreateSecret": True, "largeBlob": {"support": "preferred"}},
        }
    )
    data = registered.response.attestation_object.auth_data.credential_data
    assert data is not None
    signed_in = client.get_assertion(
        {
            "rpId": RP_ID,
            "challenge": b"challenge of sign-in",
            "allowCredentials": [{"type": "public-key", "id": data.credential_id}],
            "userVerification": "required",
            "extensions": {"hmacGetSecret": {"salt1": b"s" * 32}},
        }
    ).get_response(0)
    device.close()
    return registered, signed_in


@pytest.fixture
def session() -> Session:
    return registration_and_sign_in


@pytest.fixture
def key() -> Iterator[SimulatedFixture]:
    with SimulatedFixture("ctap-2.1-pin") as fixture:
        fixture.user = touching(250 * NS_PER_MS)
        yield fixture


@pytest.fixture
def record(tmp_path: Path, key: SimulatedFixture) -> Callable[..., Path]:
    """Records a session with a key; returns the file."""

    def recorded(session: Session, fixture: Fixture | None = None, *, reveal: bool = False) -> Path:
        path = tmp_path / "recorded.pcapng"
        if fixture is None:
            key.power(True)
        tape, file = open_tape(path, name="sim:key", reveal=reveal)
        with file, Recording(fixture or key, tape) as recording:
            session(recording)
        return path

    return recorded
