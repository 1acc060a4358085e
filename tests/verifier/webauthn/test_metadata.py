"""What the FIDO Metadata Service says of a model."""

import json
from typing import Any

import pytest

from mfalab.verifier.webauthn import metadata

AAGUID = bytes.fromhex("6d66616c616240008000000000000021")
STATEMENT = {
    "description": "Example Key",
    "aaguid": "6d66616c-6162-4000-8000-000000000021",
    "attestationTypes": ["basic_full"],
    "attestationRootCertificates": ["AQ\nID"],
}


def entry(*statuses: Any, **changes: Any) -> str:
    reports = [{"status": one} if isinstance(one, str) else one for one in statuses]
    return json.dumps({"metadataStatement": STATEMENT | changes, "statusReports": reports})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"description": "x"}', "{"])
def test_text_that_is_no_metadata(text: str) -> None:
    with pytest.raises(ValueError, match="MDS3"):
        metadata.parse(text)


def test_statement_alone_has_no_reports() -> None:
    known = metadata.parse(json.dumps(STATEMENT))
    assert (known.description, known.aaguid, known.roots) == ("Example Key", AAGUID, (b"\1\2\3",))
    assert (known.statuses, known.certifications, known.trusted) == (frozenset(), (), True)


@pytest.mark.parametrize("status", sorted(metadata.DISTRUSTED))
def test_model_with_a_bad_report_is_not_trusted(status: str) -> None:
    assert not metadata.parse(entry("FIDO_CERTIFIED_L1", status)).trusted
    assert metadata.parse(entry("FIDO_CERTIFIED_L1", "UPDATE_AVAILABLE")).trusted


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        (["FIDO_CERTIFIED"], (("FIDO", "L1"),)),
        (["FIDO_CERTIFIED_L2", "FIDO_CERTIFIED_L1"], (("FIDO", "L2"),)),
        (["FIDO_CERTIFIED_L2plus", "FIDO_CERTIFIED_L2"], (("FIDO", "L2plus"),)),
        (
            ["FIPS140_CERTIFIED_L2", {"status": "FIPS140_CERTIFIED_L1", "fipsRevision": 3}],
            (("FIPS-140-2", "L2"), ("FIPS-140-3", "L1")),
        ),
        (["UPDATE_AVAILABLE", "REVOKED"], ()),
    ],
)
def test_highest_level_of_each_scheme_is_its_certification(
    reports: list[Any], expected: tuple[tuple[str, str], ...]
) -> None:
    assert metadata.parse(entry(*reports)).certifications == expected


def test_model_is_found_by_its_aaguid() -> None:
    other = entry(description="Other", aaguid="00000000-0000-0000-0000-000000000001")
    found = metadata.find([other, entry()], AAGUID, [])
    assert found is not None
    assert found.description == "Example Key"
    assert metadata.find([other], AAGUID, []) is None


def test_model_without_an_aaguid_is_found_by_its_attestation_key() -> None:
    text = entry(aaguid=None, attestationCertificateKeyIdentifiers=["ABCD"])
    found = metadata.find([text], bytes(16), ["abcd"])
    assert found is not None
    assert found.aaguid is None
    assert metadata.find([text], bytes(16), ["ef01"]) is None
    assert metadata.find([text], AAGUID, ["abcd"]) is None
