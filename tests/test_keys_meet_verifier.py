"""Every model of security key meets the verifier, with python-fido2's client between them.

Nothing is shared by the two sides but the bytes. All of it happens in virtual time: whoever holds
the key needs two seconds to touch it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import fido2.ctap2.pin
import fido2.hid
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from fido2.client import (
    ClientError,
    DefaultClientDataCollector,
    Fido2Client,
    UserInteraction,
)
from fido2.ctap2.base import Ctap2
from fido2.ctap2.bio import FPBioEnrollment
from fido2.ctap2.pin import ClientPin
from fido2.hid import CtapHidDevice
from fido2.hid.base import CtapHidConnection
from fido2.webauthn import (
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialRequestOptions,
)

from mfalab.devices.ctap import load_model, model_names
from mfalab.devices.ctap.ca import root_certificate
from mfalab.devices.ctap.model import AttestationKind, CounterKind
from mfalab.devices.ctap.user import presenting, touching
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.hid_device import HidDevice
from mfalab.devices.transports.python_fido2 import HidConnection, descriptor
from mfalab.simulator.clocks.blocking import BlockingClients
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy
from mfalab.verifier import (
    AWS_IMMEDIATE,
    CHEAP,
    CeremonyDecision,
    MemoryStore,
    SecondPage,
    ServiceError,
    SignedIn,
    Silence,
    Verifier,
)
from mfalab.verifier.profile import AttestationPolicy, Profile, UserVerification
from mfalab.verifier.webauthn.outcomes import CeremonyOutcome

S = 1_000_000_000
START_NS = 1_772_442_000 * S
ACCOUNT = "123456789012"
PIN = "903817"
MODELS = model_names()
FINGERS = [name for name in MODELS if load_model(name).built_in_uv]
ROOT = x509.load_der_x509_certificate(root_certificate()).public_bytes(Encoding.PEM).decode()
CERTIFIED = [
    name
    for name in MODELS
    if load_model(name).attestation in {AttestationKind.PACKED_X5C, AttestationKind.FIDO_U2F}
]
UNCERTIFIED = [name for name in MODELS if name not in CERTIFIED]
ANY = AWS_IMMEDIATE

Report = tuple[int, str, bytes]


class Keyboard(UserInteraction):
    """Types the PIN when asked, and agrees to put a finger on the sensor."""

    def request_pin(self, permissions: ClientPin.PERMISSION, rp_id: str | None) -> str:
        return PIN


class Recorder(CtapHidConnection):
    """A connection that writes down each report with the time at which it passes."""

    def __init__(self, inner: HidConnection, timeline: Timeline, log: list[Report]) -> None:
        self.inner, self.timeline, self.log = inner, timeline, log

    def read_packet(self) -> bytes:
        report = self.inner.read_packet()
        self.log.append((self.timeline.now_ns(), "from the key", report))
        return report

    def write_packet(self, data: bytes) -> None:
        self.log.append((self.timeline.now_ns(), "to the key", data))
        self.inner.write_packet(data)

    def close(self) -> None:
        self.inner.close()


@dataclass
class Desk:
    """Root of an account at a browser, one security key, and the verifier at the other end."""

    model: str
    profile: Profile = ANY
    seed: int = 1

    def __post_init__(self) -> None:
        chance = Entropy(self.seed)
        self.timeline = Timeline(START_NS)
        self.clients = BlockingClients(self.timeline)
        self.key = SecurityKey(
            self.model,
            random_bytes=chance.random_bytes("key"),
            scheduler=self.clients,
            user=touching(2 * S),
        )
        self.key.plug()
        self.log: list[Report] = []
        self.decisions: list[CeremonyDecision] = []
        self.verifier = Verifier(
            store=MemoryStore(),
            clock=self.timeline,
            random_bytes=chance.random_bytes("verifier"),
            profile=self.profile,
            password_cost=CHEAP,
            outbox=Silence(),
            observer=self.observe,
        )
        self.verifier.create_account(ACCOUNT, root_email="r@example.com", root_password="pw")

    def observe(self, seen: object) -> None:
        if isinstance(seen, CeremonyDecision):
            self.decisions.append(seen)

    def device(self) -> CtapHidDevice:
        recorder = Recorder(self.key.connection(), self.timeline, self.log)
        return CtapHidDevice(descriptor("key", HidDevice(self.model, "", "")), recorder)

    def browser(self, number: int) -> Fido2Client:
        collector = DefaultClientDataCollector(self.profile.origins[number])
        return Fido2Client(self.device(), collector, user_interaction=Keyboard())

    def set_pin(self) -> None:
        """Give the key a PIN, if it can have one."""
        if self.key.model.client_pin:
            self.clients.call(lambda: ClientPin(Ctap2(self.device())).set_pin(PIN))

    def enrol_finger(self) -> None:
        """Have the key know a finger, which from now on does every touch."""

        def enrol() -> None:
            ctap = Ctap2(self.device())
            pin = ClientPin(ctap)
            token = pin.get_pin_token(PIN, ClientPin.PERMISSION.BIO_ENROLL)
            enrolment = FPBioEnrollment(ctap, pin.protocol, token).enroll()
            while enrolment.capture() is None:
                pass

        self.key.user = presenting("thumb", 2 * S)
        self.clients.call(enrol)

    def session(self) -> SignedIn | SecondPage:
        return self.verifier.console.sign_in_root("r@example.com", "pw")

    def register(self) -> str:
        signed_in = self.session()
        assert isinstance(signed_in, SignedIn)
        by = signed_in.credentials
        console = self.verifier.console
        options = console.begin_security_key(by, name="key")
        wanted = PublicKeyCredentialCreationOptions.from_dict(options)
        response = self.clients.call(lambda: self.browser(0).make_credential(wanted))
        return console.finish_security_key(by, response=dict(response))

    def sign_in(self) -> SignedIn:
        page = self.session()
        assert isinstance(page, SecondPage)
        assert page.assertion_options is not None
        wanted = PublicKeyCredentialRequestOptions.from_dict(page.assertion_options)
        response = self.clients.call(lambda: self.browser(1).get_assertion(wanted).get_response(0))
        return self.verifier.console.submit_assertion(page.id, dict(response))


def own_statement(name: str) -> str:
    """The metadata statement that a key of the model has of itself."""
    key = SecurityKey(name, random_bytes=Entropy(0).random_bytes("statement"))
    return json.dumps(key.authenticator.metadata_statement())


STATEMENTS = {name: own_statement(name) for name in MODELS}
KNOWN = replace(
    ANY,
    attestation_policy=AttestationPolicy.METADATA,
    metadata_statements=tuple(STATEMENTS.values()),
)
ROOTED = replace(ANY, attestation_policy=AttestationPolicy.ROOTS, attestation_roots=(ROOT,))


def meets(desk: Desk) -> None:
    """Registers the key and signs in with it twice."""
    serial = desk.register()
    assert serial.startswith(f"arn:aws:iam::{ACCOUNT}:u2f/")
    assert desk.sign_in().mfa
    assert desk.sign_in().mfa
    assert [decision.outcome for decision in desk.decisions] == [CeremonyOutcome.ACCEPTED] * 3
    assert all(decision.user_present for decision in desk.decisions)
    assert not any(decision.cloned for decision in desk.decisions)
    counts = [decision.sign_count or 0 for decision in desk.decisions]
    always_zero = desk.key.model.counter is CounterKind.ZERO
    assert counts == ([0, 0, 0] if always_zero else sorted(set(counts)))


class TestMeeting:
    # A key that always verifies its user does nothing before it has a PIN.
    @pytest.mark.parametrize("name", [name for name in MODELS if name != "always-uv"])
    def test_new_key_registers_and_signs_in_with_a_touch(self, name: str) -> None:
        desk = Desk(name)
        meets(desk)
        assert desk.timeline.now_ns() - START_NS == 3 * 2 * S
        assert not any(decision.user_verified for decision in desk.decisions)

    @pytest.mark.parametrize("name", [name for name in MODELS if load_model(name).client_pin])
    def test_key_with_a_pin_verifies_its_user_where_that_is_required(self, name: str) -> None:
        desk = Desk(name, replace(ANY, user_verification=UserVerification.REQUIRED))
        desk.set_pin()
        meets(desk)
        assert all(decision.user_verified for decision in desk.decisions)

    @pytest.mark.parametrize("name", FINGERS)
    def test_finger_does_instead_of_the_pin(self, name: str) -> None:
        desk = Desk(name, replace(ANY, user_verification=UserVerification.REQUIRED))
        desk.set_pin()
        desk.enrol_finger()
        meets(desk)
        assert all(decision.user_verified for decision in desk.decisions)

    @pytest.mark.parametrize("name", MODELS)
    def test_key_that_is_registered_is_not_registered_again(self, name: str) -> None:
        desk = Desk(name)
        desk.set_pin()
        signed_in = desk.session()
        assert isinstance(signed_in, SignedIn)
        desk.register()
        options = desk.verifier.console.begin_security_key(signed_in.credentials, name="again")
        wanted = PublicKeyCredentialCreationOptions.from_dict(options)
        with pytest.raises(ClientError) as caught:
            desk.clients.call(lambda: desk.browser(0).make_credential(wanted))
        assert caught.value.code is ClientError.ERR.DEVICE_INELIGIBLE


class TestAttestation:
    @pytest.mark.parametrize("name", MODELS)
    def test_model_is_known_by_its_own_metadata_statement(self, name: str) -> None:
        desk = Desk(name, KNOWN)
        desk.set_pin()
        meets(desk)

    @pytest.mark.parametrize("name", MODELS)
    def test_model_is_unknown_by_the_statements_of_the_others(self, name: str) -> None:
        others = tuple(text for other, text in STATEMENTS.items() if other != name)
        desk = Desk(name, replace(KNOWN, metadata_statements=others))
        desk.set_pin()
        with pytest.raises(ServiceError):
            desk.register()
        assert desk.decisions[-1].outcome is CeremonyOutcome.UNTRUSTED_ATTESTATION

    @pytest.mark.parametrize("name", CERTIFIED)
    def test_certificate_leads_to_the_root_of_the_test_ca(self, name: str) -> None:
        desk = Desk(name, ROOTED)
        desk.set_pin()
        meets(desk)

    @pytest.mark.parametrize("name", UNCERTIFIED)
    def test_model_without_certificate_is_refused_where_roots_are_asked_for(
        self, name: str
    ) -> None:
        desk = Desk(name, ROOTED)
        desk.set_pin()
        with pytest.raises(ServiceError):
            desk.register()
        assert desk.decisions[-1].outcome is CeremonyOutcome.UNTRUSTED_ATTESTATION


@pytest.fixture
def client_chance(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Has python-fido2 draw its nonces, keys and IVs from a stream too, from its start on."""

    def seed(number: int) -> None:
        draw = Entropy(number).random_bytes("client")
        fake_os = SimpleNamespace(urandom=draw, name=os.name)

        def key(curve: ec.EllipticCurve, backend: object = None) -> ec.EllipticCurvePrivateKey:
            return ec.derive_private_key(int.from_bytes(draw(31)) + 1, curve)

        monkeypatch.setattr(fido2.hid, "os", fake_os)
        monkeypatch.setattr(fido2.ctap2.pin, "os", fake_os)
        fake_ec: Any = SimpleNamespace(**vars(ec))
        fake_ec.generate_private_key = key
        monkeypatch.setattr(fido2.ctap2.pin, "ec", fake_ec)

    return seed


class TestRepetition:
    @pytest.mark.parametrize("name", MODELS)
    def test_same_seed_gives_the_same_reports_and_another_one_none_of_them(
        self, client_chance: Callable[[int], None], name: str
    ) -> None:
        """From the first INIT over PIN, finger and registration to the second sign-in."""

        def course(seed: int) -> list[Report]:
            client_chance(1)
            desk = Desk(name, seed=seed)
            desk.set_pin()
            if name in FINGERS:
                desk.enrol_finger()
            meets(desk)
            return desk.log

        first = course(1)
        assert len(first) > 20
        assert all(len(report) == 64 for _, _, report in first)
        assert course(1) == first
        own, other = (
            {report for _, way, report in log if way == "from the key"}
            for log in (first, course(2))
        )
        assert own.isdisjoint(other)
