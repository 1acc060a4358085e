"""Records in the shape of CloudTrail: who did what, and whether MFA was used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mfalab.verifier.records import DeviceKind

MFA_TYPES: Mapping[DeviceKind, str] = {
    DeviceKind.VIRTUAL: "Virtual MFA",
    DeviceKind.HARDWARE: "Hardware MFA",
    DeviceKind.FIDO: "U2F MFA",
    DeviceKind.SMS: "SMS MFA",
}
"""`MfaType` of a `CheckMfa` record; several devices are `Multiple MFA Devices`."""


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """One record of the trail.

    `fields` has CloudTrail's names: `eventSource`, `eventType`, `userIdentity`,
    `requestParameters` (never codes, passwords or seeds), `responseElements`,
    `additionalEventData`, `errorCode`, `errorMessage`.
    """

    name: str
    now_ns: int
    fields: Mapping[str, Any]
