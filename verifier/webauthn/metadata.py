"""What the FIDO Metadata Service says of a model (MDS3): roots, certifications, reports."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

DISTRUSTED = frozenset(
    {
        "ATTESTATION_KEY_COMPROMISE",
        "REVOKED",
        "USER_KEY_PHYSICAL_COMPROMISE",
        "USER_KEY_REMOTE_COMPROMISE",
        "USER_VERIFICATION_BYPASS",
    }
)
"""Status reports after which a model is not trusted (MDS3 section 3.1.4)."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """One model's metadata statement, with the status reports of its entry if there are any."""

    description: str
    aaguid: bytes | None
    key_identifiers: frozenset[str]
    """SHA-1 of attestation keys, in hexadecimal: how U2F models are known, which have no AAGUID."""
    attestation_types: frozenset[str]
    """Such as `basic_full` and `basic_surrogate`."""
    roots: tuple[bytes, ...]
    """Certificates in DER."""
    statuses: frozenset[str]
    certifications: tuple[tuple[str, str], ...]
    """As GetMFADevice names them: `FIDO` is `L1`, `L2plus`; `FIPS-140-2` is `L2`."""

    @property
    def trusted(self) -> bool:
        """Whether nothing is reported against the model."""
        return not self.statuses & DISTRUSTED


def find(texts: Iterable[str], aaguid: bytes, key_identifiers: Iterable[str]) -> Metadata | None:
    """The metadata of the model with this AAGUID or, where it is zero, one of these keys.

    Raises:
        ValueError: a text is no metadata statement.
    """
    identifiers = frozenset(key_identifiers)
    for text in texts:
        known = parse(text)
        if any(aaguid):
            if known.aaguid == aaguid:
                return known
        elif known.key_identifiers & identifiers:
            return known
    return None


@lru_cache(maxsize=1024)
def parse(text: str) -> Metadata:
    """Read a metadata statement, or an entry of the service's BLOB around one, from its JSON.

    Raises:
        ValueError: it is none.
    """
    try:
        entry = json.loads(text)
        statement = entry.get("metadataStatement", entry)
        reports = entry.get("statusReports", ()) if statement is not entry else ()
        aaguid = statement.get("aaguid") or entry.get("aaguid")
        identifiers = statement.get("attestationCertificateKeyIdentifiers") or ()
        return Metadata(
            description=str(statement["description"]),
            aaguid=UUID(aaguid).bytes if aaguid else None,
            key_identifiers=frozenset(identifier.lower() for identifier in identifiers),
            attestation_types=frozenset(statement["attestationTypes"]),
            roots=tuple(
                base64.b64decode("".join(root.split()), validate=True)
                for root in statement["attestationRootCertificates"]
            ),
            statuses=frozenset(report["status"] for report in reports),
            certifications=_certifications(reports),
        )
    except (AttributeError, KeyError, TypeError, ValueError, binascii.Error) as error:
        raise ValueError(
            f"a metadata statement is not what MDS3 asks for: {error!r}. Give the JSON of a "
            "metadata statement or of a BLOB entry."
        ) from error


def _certifications(reports: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """The highest level of each scheme; a report without a level is of the time before levels."""
    best: dict[str, str] = {}
    for report in reports:
        status = report["status"]
        if status == "FIDO_CERTIFIED":
            scheme, level = "FIDO", "L1"
        elif status.startswith("FIDO_CERTIFIED_"):
            scheme, level = "FIDO", status.removeprefix("FIDO_CERTIFIED_")
        elif status.startswith("FIPS140_CERTIFIED_"):
            scheme = f"FIPS-140-{report.get('fipsRevision', 2)}"
            level = status.removeprefix("FIPS140_CERTIFIED_")
        else:
            continue
        best[scheme] = max(level, best.get(scheme, ""))
    return tuple(sorted(best.items()))
