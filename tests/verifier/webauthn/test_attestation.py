"""Attestation: statements, trust, metadata and certifications."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import SubjectKeyIdentifier
from cryptography.x509.oid import NameOID

from mfalab.verifier import AttestationPolicy, CeremonyOutcome
from mfalab.verifier.webauthn import metadata
from mfalab.verifier.webauthn.attestation import leads_to

FAILED = ("InvalidRegistration", "The security key could not be registered. Start again.", 400)
NOT_ACCEPTED = (
    "SecurityKeyNotAccepted",
    "Security keys of this model are not accepted.",
    400,
)
AAGUID = bytes(range(16))
LEAF = "Authenticator Attestation"


def der(made: Any) -> bytes:
    data = made[0].public_bytes(serialization.Encoding.DER)
    assert isinstance(data, bytes)
    return data


def pem(made: Any) -> str:
    text = made[0].public_bytes(serialization.Encoding.PEM)
    assert isinstance(text, bytes)
    return text.decode()


@pytest.fixture
def root(make_certificate: Any) -> Any:
    return make_certificate("CA", ca=True)


@pytest.fixture
def attested(make_certificate: Any, new_key: Any, root: Any) -> Any:
    """A key with a certificate of the test CA."""
    return new_key(form="packed", chain=[make_certificate(LEAF, root, aaguid=AAGUID)])


def statement(root: Any, **changes: Any) -> dict[str, Any]:
    """A metadata statement, as far as a relying party reads it."""
    return {
        "description": "Test key",
        "aaguid": str(UUID(bytes=AAGUID)),
        "attestationTypes": ["basic_full"],
        "attestationRootCertificates": [base64.b64encode(der(root)).decode()],
        **changes,
    }


def entry(root: Any, *statuses: Any, **changes: Any) -> str:
    """An entry of the metadata service, with status reports."""
    reports = [status if isinstance(status, dict) else {"status": status} for status in statuses]
    made = {"metadataStatement": statement(root, **changes), "statusReports": reports}
    return json.dumps(made)


class TestStatements:
    def test_certificate_without_the_aaguid_extension(
        self, people: Any, new_key: Any, make_certificate: Any, root: Any
    ) -> None:
        people.register(new_key(form="packed", chain=[make_certificate(LEAF, root)]))
        assert people.last().attestation == "packed"

    @pytest.mark.parametrize(
        ("unit", "changes"),
        [
            ("Something else", {}),
            (LEAF, {"ca": True}),
            (LEAF, {"aaguid": bytes(16)}),
            (LEAF, {"aaguid": AAGUID, "critical": True}),
            (LEAF, {"basic_constraints": False}),
            (LEAF, {"without": NameOID.COUNTRY_NAME}),
            (LEAF, {"without": NameOID.ORGANIZATION_NAME}),
            (LEAF, {"without": NameOID.COMMON_NAME}),
            (LEAF, {"key": ec.derive_private_key(7, ec.SECP384R1())}),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_packed_certificate_that_breaks_a_requirement(
        self,
        people: Any,
        new_key: Any,
        make_certificate: Any,
        root: Any,
        refused: Any,
        unit: str,
        changes: dict[str, Any],
    ) -> None:
        key = new_key(form="packed", chain=[make_certificate(unit, root, **changes)])
        with refused(*FAILED):
            people.register(key)
        assert people.last().outcome is CeremonyOutcome.INVALID_ATTESTATION

    @pytest.mark.parametrize(
        ("form", "change"),
        [
            ("none", lambda made: {"alg": -7}),
            ("self", lambda made: {**made, "alg": -257}),
            ("self", lambda made: {**made, "sig": made["sig"][:-1]}),
            ("self", lambda made: {"alg": -7}),
            ("self", lambda made: {**made, "ecdaaKeyId": b""}),
            ("self", lambda made: {**made, "x5c": []}),
            ("self", lambda made: {**made, "x5c": [b"no certificate"]}),
            ("packed", lambda made: {**made, "alg": -8}),
            ("packed", lambda made: {**made, "sig": b""}),
            ("fido-u2f", lambda made: {**made, "x5c": made["x5c"] * 2}),
            ("fido-u2f", lambda made: {**made, "sig": b""}),
            ("fido-u2f", lambda made: {"x5c": made["x5c"]}),
            ("fido-u2f", lambda made: {"sig": made["sig"]}),
        ],
    )
    def test_statement_that_does_not_verify(
        self,
        people: Any,
        new_key: Any,
        make_certificate: Any,
        root: Any,
        refused: Any,
        form: str,
        change: Any,
    ) -> None:
        key = new_key(form=form, chain=[make_certificate(LEAF, root)])
        with refused(*FAILED):
            people.register(key, statement=change)
        assert people.last().outcome is CeremonyOutcome.INVALID_ATTESTATION

    def test_fido_u2f_attests_es256_only(
        self, people: Any, new_key: Any, make_certificate: Any, root: Any, refused: Any
    ) -> None:
        people.company.set(algorithms=(-35, -7))
        key = new_key(form="fido-u2f", algorithm=-35, chain=[make_certificate(LEAF, root)])
        with refused(*FAILED):
            people.register(key)

    def test_u2f_key_signs_in(
        self, people: Any, new_key: Any, make_certificate: Any, root: Any
    ) -> None:
        key = new_key(form="fido-u2f", aaguid=bytes(16), chain=[make_certificate("U2F", root)])
        people.register(key)
        assert people.last().attestation == "fido-u2f"
        assert people.sign_in(key).mfa


class TestPolicy:
    @pytest.mark.parametrize(
        ("policy", "accepted"),
        [
            (AttestationPolicy.ANY, {"none", "self", "packed"}),
            (AttestationPolicy.SELF, {"self", "packed"}),
            (AttestationPolicy.ROOTS, {"packed"}),
            (AttestationPolicy.METADATA, {"packed"}),
        ],
    )
    @pytest.mark.parametrize("form", ["none", "self", "packed"])
    def test_who_is_let_in(
        self,
        people: Any,
        new_key: Any,
        attested: Any,
        root: Any,
        refused: Any,
        policy: AttestationPolicy,
        accepted: set[str],
        form: str,
    ) -> None:
        people.company.set(
            attestation_policy=policy,
            attestation_roots=(pem(root),),
            metadata_statements=(json.dumps(statement(root)),),
        )
        key = attested if form == "packed" else new_key(form=form)
        if form in accepted:
            people.register(key)
            return
        with refused(*NOT_ACCEPTED):
            people.register(key)
        assert people.last().outcome is CeremonyOutcome.UNTRUSTED_ATTESTATION

    @pytest.mark.parametrize("policy", [AttestationPolicy.ROOTS, AttestationPolicy.METADATA])
    def test_certificate_of_another_maker(
        self,
        people: Any,
        attested: Any,
        make_certificate: Any,
        refused: Any,
        policy: AttestationPolicy,
    ) -> None:
        other = make_certificate("CA", ca=True)
        people.company.set(
            attestation_policy=policy,
            attestation_roots=(pem(other),),
            metadata_statements=(json.dumps(statement(other)),),
        )
        with refused(*NOT_ACCEPTED):
            people.register(attested)

    def test_model_without_metadata(self, people: Any, attested: Any, refused: Any) -> None:
        people.company.set(attestation_policy=AttestationPolicy.METADATA)
        with refused(*NOT_ACCEPTED):
            people.register(attested)
        assert "no metadata for AAGUID 00010203" in people.last().reason

    @pytest.mark.parametrize("status", sorted(metadata.DISTRUSTED))
    def test_model_with_a_bad_report(
        self, people: Any, attested: Any, root: Any, refused: Any, status: str
    ) -> None:
        people.company.set(
            attestation_policy=AttestationPolicy.METADATA,
            metadata_statements=(entry(root, "FIDO_CERTIFIED_L1", status),),
        )
        with refused(*NOT_ACCEPTED):
            people.register(attested)
        assert people.last().reason == f"Test key is reported as {status}"

    def test_self_attestation_is_no_proof_of_a_model_with_certificates(
        self, people: Any, new_key: Any, root: Any, refused: Any
    ) -> None:
        """Any key can make a self attestation under any AAGUID."""
        people.company.set(
            attestation_policy=AttestationPolicy.METADATA,
            metadata_statements=(entry(root, attestationTypes=["basic_full", "basic_surrogate"]),),
        )
        with refused(*NOT_ACCEPTED):
            people.register(new_key(form="self"))

    def test_model_that_only_attests_by_itself(self, people: Any, new_key: Any, root: Any) -> None:
        people.company.set(
            attestation_policy=AttestationPolicy.METADATA,
            metadata_statements=(
                entry(root, attestationTypes=["basic_surrogate"], attestationRootCertificates=[]),
            ),
        )
        people.register(new_key(form="self"))

    def test_u2f_model_is_known_by_its_attestation_key(
        self, people: Any, new_key: Any, make_certificate: Any, root: Any, refused: Any
    ) -> None:
        made = make_certificate("U2F", root)
        identifier = SubjectKeyIdentifier.from_public_key(made[1].public_key()).digest.hex()
        people.company.set(
            attestation_policy=AttestationPolicy.METADATA,
            metadata_statements=(
                entry(
                    root,
                    "FIDO_CERTIFIED",
                    aaguid=None,
                    attestationCertificateKeyIdentifiers=[identifier.upper()],
                ),
            ),
        )
        people.register(new_key(form="fido-u2f", aaguid=bytes(16), chain=[made]))
        assert people.credential().certifications == (("FIDO", "L1"),)
        with refused(*NOT_ACCEPTED):
            other = make_certificate("U2F", root)
            people.register(new_key(form="fido-u2f", aaguid=bytes(16), chain=[other]))


class TestCertifications:
    REPORTS = (
        {"status": "FIDO_CERTIFIED_L1"},
        {"status": "FIDO_CERTIFIED_L2"},
        {"status": "FIPS140_CERTIFIED_L2"},
        {"status": "FIPS140_CERTIFIED_L1", "fipsRevision": 3},
        {"status": "UPDATE_AVAILABLE"},
    )

    def test_get_mfa_device_has_those_of_the_metadata(
        self, people: Any, attested: Any, root: Any
    ) -> None:
        people.company.set(metadata_statements=(entry(root, *self.REPORTS),))
        serial = people.register(attested)
        shown = people.company.iam("ada").get_mfa_device(UserName="alice", SerialNumber=serial)
        assert shown["Certifications"] == {
            "FIDO": "L2",
            "FIPS-140-2": "L2",
            "FIPS-140-3": "L1",
        }

    def test_none_for_a_key_that_only_says_so(self, people: Any, new_key: Any, root: Any) -> None:
        people.company.set(metadata_statements=(entry(root, *self.REPORTS),))
        people.register(new_key(form="none"))
        assert people.credential().certifications == ()


class TestChains:
    NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def path(self, *made: Any) -> tuple[Any, ...]:
        return tuple(certificate for certificate, _ in made)

    def test_direct_and_through_an_intermediate(self, make_certificate: Any, root: Any) -> None:
        between = make_certificate("Between", root, ca=True)
        leaf, deep = make_certificate(LEAF, root), make_certificate(LEAF, between)
        roots = self.path(root)
        assert leads_to(self.path(leaf), roots, self.NOW)
        assert leads_to(self.path(leaf, root), roots, self.NOW)
        assert leads_to(self.path(deep, between), roots, self.NOW)
        assert leads_to(self.path(deep, between, root), roots, self.NOW)
        assert leads_to(self.path(deep, between), self.path(between), self.NOW)
        assert leads_to(self.path(leaf), self.path(leaf), self.NOW)

    def test_not_out_of_order_nor_with_a_gap(self, make_certificate: Any, root: Any) -> None:
        between = make_certificate("Between", root, ca=True)
        deep = make_certificate(LEAF, between)
        roots = self.path(root)
        assert not leads_to(self.path(deep), roots, self.NOW)
        assert not leads_to(self.path(between, deep), (), self.NOW)
        assert not leads_to(self.path(deep, root), self.path(deep)[:0], self.NOW)
        assert not leads_to((), roots, self.NOW)
        assert not leads_to(self.path(deep, between), (), self.NOW)

    def test_only_a_ca_issues(self, make_certificate: Any, root: Any) -> None:
        plain = make_certificate("Plain", root)
        leaf = make_certificate(LEAF, plain)
        assert not leads_to(self.path(leaf, plain), self.path(root), self.NOW)
        assert not leads_to(self.path(leaf), self.path(plain), self.NOW)

    def test_path_length(self, make_certificate: Any) -> None:
        short = make_certificate("CA", ca=True, path_length=0)
        between = make_certificate("Between", short, ca=True)
        leaf, deep = make_certificate(LEAF, short), make_certificate(LEAF, between)
        assert leads_to(self.path(leaf), self.path(short), self.NOW)
        assert not leads_to(self.path(deep, between), self.path(short), self.NOW)

    def test_every_certificate_is_valid_now(self, make_certificate: Any, root: Any) -> None:
        old = make_certificate(LEAF, root, days=(-20, -10))
        coming = make_certificate(LEAF, root, days=(10, 20))
        over = make_certificate("Between", root, ca=True, days=(-20, -10))
        deep = make_certificate(LEAF, over)
        roots = self.path(root)
        assert not leads_to(self.path(old), roots, self.NOW)
        assert not leads_to(self.path(coming), roots, self.NOW)
        assert not leads_to(self.path(deep, over), roots, self.NOW)

    def test_name_of_the_issuer_with_another_key(self, make_certificate: Any) -> None:
        real = make_certificate("CA", ca=True)
        forged = make_certificate("CA", ca=True)
        assert real[0].subject == forged[0].subject
        leaf = make_certificate(LEAF, forged)
        assert not leads_to(self.path(leaf), self.path(real), self.NOW)
        assert not leads_to(self.path(leaf, real), self.path(real), self.NOW)
