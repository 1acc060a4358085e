"""Attestation: trust, metadata and certifications."""

import base64
import json
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import SubjectKeyIdentifier

from mfalab.verifier import AttestationPolicy, CeremonyOutcome
from mfalab.verifier.webauthn import metadata

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
            "FIDO-FIPS-140-2": "L2",
            "FIDO-FIPS-140-3": "L1",
        }
        people.company.set(fips_certification_prefix="")
        shown = people.company.iam("ada").get_mfa_device(UserName="alice", SerialNumber=serial)
        assert set(shown["Certifications"]) == {"FIDO", "FIPS-140-2", "FIPS-140-3"}

    def test_none_for_a_key_that_only_says_so(self, people: Any, new_key: Any, root: Any) -> None:
        people.company.set(metadata_statements=(entry(root, *self.REPORTS),))
        people.register(new_key(form="none"))
        assert people.credential().certifications == ()
