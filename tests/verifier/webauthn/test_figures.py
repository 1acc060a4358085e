"""Each figure of security keys is turned once; the others are in `test_profile.py`."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import serialization

from mfalab.verifier import (
    AttestationConveyance,
    AttestationPolicy,
    CeremonyOutcome,
    CounterRule,
    MemoryStore,
    Profile,
    ServiceError,
    UserVerification,
)
from mfalab.verifier.webauthn import ceremonies
from mfalab.verifier.webauthn.messages import ClientData

NAMES = [figure.name for figure in fields(Profile)]
OF_KEYS = NAMES[NAMES.index("rp_id") : NAMES.index("metadata_statements") + 1]
TOP = "https://portal.example"


class Look:
    """What tests look at: a company of its own, and what makes keys."""

    def __init__(self, people: Any, new_key: Any, make_certificate: Any) -> None:
        self.people, self.new_key, self.make_certificate = people, new_key, make_certificate
        self.profile = people.company.verifier.profile

    def options(self) -> Any:
        return self.people.console.begin_security_key(self.people.session(), name="k")

    def place(self, **where: Any) -> CeremonyOutcome | None:
        data = {"origin": self.profile.origins[0], "cross_origin": False, "top_origin": None}
        try:
            ceremonies.check_client_data(
                ClientData(type="webauthn.get", challenge="", hash=b"", **data | where),
                self.profile,
            )
        except ceremonies.CeremonyFailed as failure:
            return failure.outcome
        return None

    def registered(self, key: Any) -> CeremonyOutcome:
        with suppress(ServiceError):
            self.people.register(key)
        outcome: CeremonyOutcome = self.people.last().outcome
        return outcome

    def after(self, seconds: int) -> CeremonyOutcome:
        key = self.new_key()
        self.people.register(key)
        page = self.people.page()
        answer = key.get(page.assertion_options)
        self.people.company.clock.advance(seconds)
        with suppress(ServiceError):
            self.people.console.submit_assertion(page.id, answer)
        outcome: CeremonyOutcome = self.people.last().outcome
        return outcome

    def regressed(self) -> CeremonyOutcome:
        key = self.new_key()
        self.people.register(key)
        self.people.sign_in(key)
        with suppress(ServiceError):
            self.people.sign_in(key, count=1)
        outcome: CeremonyOutcome = self.people.last().outcome
        return outcome

    def unsigned_user(self) -> CeremonyOutcome:
        return self.registered(self.new_key(flags=0x01))


def makers_root(look: Look) -> tuple[Any, str]:
    root = look.make_certificate("Maker", ca=True)
    return root, root[0].public_bytes(serialization.Encoding.PEM).decode()


def statement(pem: str) -> dict[str, Any]:
    return {
        "description": "Test key",
        "aaguid": str(UUID(bytes=bytes(range(16)))),
        "attestationTypes": ["basic_full"],
        "attestationRootCertificates": ["".join(pem.splitlines()[1:-1])],
    }


REPORTS = [{"status": "FIPS140_CERTIFIED_L2"}]
FIGURES: dict[str, tuple[dict[str, Any], Any, Callable[[Look], object]]] = {
    "rp_id": ({}, "signin.aws.amazon.com", lambda look: look.options()["rp"]["id"]),
    "rp_name": ({}, "Somewhere", lambda look: look.options()["rp"]["name"]),
    "origins": (
        {},
        ("https://aws.amazon.com",),
        lambda look: look.place(origin="https://signin.aws.amazon.com"),
    ),
    "cross_origin": ({}, True, lambda look: look.place(cross_origin=True)),
    "top_origins": (
        {"cross_origin": True},
        (TOP,),
        lambda look: look.place(cross_origin=True, top_origin=TOP),
    ),
    "app_id": ({}, None, lambda look: look.options().get("extensions")),
    "user_verification": ({}, UserVerification.REQUIRED, Look.unsigned_user),
    "challenge_lifetime_s": ({}, 60, lambda look: look.after(61)),
    "counter_rule": ({}, CounterRule.IGNORE, Look.regressed),
    "algorithms": ({}, (-8,), lambda look: look.registered(look.new_key())),
    "passkeys": ({}, True, lambda look: look.options()["authenticatorSelection"]),
    "attestation": ({}, AttestationConveyance.NONE, lambda look: look.options()["attestation"]),
    "attestation_policy": (
        {},
        AttestationPolicy.SELF,
        lambda look: look.registered(look.new_key(form="none")),
    ),
}


@pytest.fixture
def look_at(
    new_company: Any, people_of: Any, new_key: Any, make_certificate: Any
) -> Callable[..., Look]:
    def make(**changes: Any) -> Look:
        company = new_company(MemoryStore())
        company.set(**changes)
        return Look(people_of(company), new_key, make_certificate)

    return make


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_makes_a_difference(look_at: Callable[..., Look], figure: str) -> None:
    base, turned, look = FIGURES[figure]
    assert look(look_at(**base)) != look(look_at(**base | {figure: turned}))


@pytest.mark.parametrize("figure", ["attestation_roots", "metadata_statements"])
def test_what_is_trusted_makes_a_difference(look_at: Callable[..., Look], figure: str) -> None:
    root, pem = makers_root(look_at())
    leaf = look_at().make_certificate("Authenticator Attestation", root)
    roots = figure == "attestation_roots"
    policy = AttestationPolicy.ROOTS if roots else AttestationPolicy.METADATA
    trusted = (pem if roots else json.dumps(statement(pem)),)
    seen = []
    for changes in ({}, {figure: trusted}):
        look = look_at(attestation_policy=policy, **changes)
        seen.append(look.registered(look.new_key(form="packed", chain=[leaf])))
    assert seen == [CeremonyOutcome.UNTRUSTED_ATTESTATION, CeremonyOutcome.ACCEPTED]


def test_prefix_of_certifications_makes_a_difference(look_at: Callable[..., Look]) -> None:
    root, pem = makers_root(look_at())
    leaf = look_at().make_certificate("Authenticator Attestation", root)
    entry = {"metadataStatement": statement(pem), "statusReports": REPORTS}
    seen = []
    for changes in ({}, {"fips_certification_prefix": ""}):
        look = look_at(metadata_statements=(json.dumps(entry),), **changes)
        serial = look.people.register(look.new_key(form="packed", chain=[leaf]))
        iam = look.people.company.iam("ada")
        seen.append(iam.get_mfa_device(UserName="alice", SerialNumber=serial)["Certifications"])
    assert seen == [{"FIDO-FIPS-140-2": "L2"}, {"FIPS-140-2": "L2"}]


def test_every_figure_of_keys_is_turned() -> None:
    assert {*FIGURES, "attestation_roots", "metadata_statements"} == set(OF_KEYS)
