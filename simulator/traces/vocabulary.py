"""What the numbers in CTAP messages are called. CTAP 2.1 section 6 and CTAP 2.2."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from mfalab.devices.ctap.commands import (
    AuthDataFlag,
    BioSubcommand,
    Command,
    ConfigSubcommand,
    CredentialManagementSubcommand,
    PinSubcommand,
)
from mfalab.devices.ctap.iso7816 import StatusWord
from mfalab.devices.ctap.status import CtapStatus

_PREVIEWS: Final = {
    Command.BIO_ENROLLMENT_PREVIEW: Command.BIO_ENROLLMENT,
    Command.CREDENTIAL_MANAGEMENT_PREVIEW: Command.CREDENTIAL_MANAGEMENT,
}
_ASSERTION: Final = {
    1: "credential",
    2: "authData",
    3: "signature",
    4: "user",
    5: "numberOfCredentials",
    6: "userSelected",
    7: "largeBlobKey",
    8: "unsignedExtensionOutputs",
}
_MANAGING: Final = {
    1: "subCommand",
    2: "subCommandParams",
    3: "pinUvAuthProtocol",
    4: "pinUvAuthParam",
}

REQUESTS: Final[Mapping[int, Mapping[int, str]]] = {
    Command.MAKE_CREDENTIAL: {
        1: "clientDataHash",
        2: "rp",
        3: "user",
        4: "pubKeyCredParams",
        5: "excludeList",
        6: "extensions",
        7: "options",
        8: "pinUvAuthParam",
        9: "pinUvAuthProtocol",
        10: "enterpriseAttestation",
        11: "attestationFormatsPreference",
    },
    Command.GET_ASSERTION: {
        1: "rpId",
        2: "clientDataHash",
        3: "allowList",
        4: "extensions",
        5: "options",
        6: "pinUvAuthParam",
        7: "pinUvAuthProtocol",
    },
    Command.CLIENT_PIN: {
        1: "pinUvAuthProtocol",
        2: "subCommand",
        3: "keyAgreement",
        4: "pinUvAuthParam",
        5: "newPinEnc",
        6: "pinHashEnc",
        9: "permissions",
        10: "rpId",
    },
    Command.BIO_ENROLLMENT: {
        1: "modality",
        2: "subCommand",
        3: "subCommandParams",
        4: "pinUvAuthProtocol",
        5: "pinUvAuthParam",
        6: "getModality",
    },
    Command.CREDENTIAL_MANAGEMENT: _MANAGING,
    Command.LARGE_BLOBS: {
        1: "get",
        2: "set",
        3: "offset",
        4: "length",
        5: "pinUvAuthParam",
        6: "pinUvAuthProtocol",
    },
    Command.CONFIG: _MANAGING,
}
RESPONSES: Final[Mapping[int, Mapping[int, str]]] = {
    Command.MAKE_CREDENTIAL: {
        1: "fmt",
        2: "authData",
        3: "attStmt",
        4: "epAtt",
        5: "largeBlobKey",
        6: "unsignedExtensionOutputs",
    },
    Command.GET_ASSERTION: _ASSERTION,
    Command.GET_NEXT_ASSERTION: _ASSERTION,
    Command.GET_INFO: {
        0x01: "versions",
        0x02: "extensions",
        0x03: "aaguid",
        0x04: "options",
        0x05: "maxMsgSize",
        0x06: "pinUvAuthProtocols",
        0x07: "maxCredentialCountInList",
        0x08: "maxCredentialIdLength",
        0x09: "transports",
        0x0A: "algorithms",
        0x0B: "maxSerializedLargeBlobArray",
        0x0C: "forcePINChange",
        0x0D: "minPINLength",
        0x0E: "firmwareVersion",
        0x0F: "maxCredBlobLength",
        0x10: "maxRPIDsForSetMinPINLength",
        0x11: "preferredPlatformUvAttempts",
        0x12: "uvModality",
        0x13: "certifications",
        0x14: "remainingDiscoverableCredentials",
        0x15: "vendorPrototypeConfigCommands",
        0x16: "attestationFormats",
        0x17: "uvCountSinceLastPinEntry",
        0x18: "longTouchForReset",
        0x19: "encIdentifier",
        0x1A: "transportsForReset",
        0x1B: "pinComplexityPolicy",
        0x1C: "pinComplexityPolicyURL",
        0x1D: "maxPINLength",
        0x1E: "encCredStoreState",
        0x1F: "authenticatorConfigCommands",
    },
    Command.CLIENT_PIN: {
        1: "keyAgreement",
        2: "pinUvAuthToken",
        3: "pinRetries",
        4: "powerCycleState",
        5: "uvRetries",
    },
    Command.BIO_ENROLLMENT: {
        1: "modality",
        2: "fingerprintKind",
        3: "maxCaptureSamplesRequiredForEnroll",
        4: "templateId",
        5: "lastEnrollSampleStatus",
        6: "remainingSamples",
        7: "templateInfos",
        8: "maxTemplateFriendlyName",
    },
    Command.CREDENTIAL_MANAGEMENT: {
        1: "existingResidentCredentialsCount",
        2: "maxPossibleRemainingResidentCredentialsCount",
        3: "rp",
        4: "rpIDHash",
        5: "totalRPs",
        6: "user",
        7: "credentialID",
        8: "publicKey",
        9: "totalCredentials",
        10: "credProtect",
        11: "largeBlobKey",
        12: "thirdPartyPayment",
    },
    Command.LARGE_BLOBS: {1: "config"},
}
_SUBCOMMANDS: Final[Mapping[int, tuple[int, type[IntEnum]]]] = {
    Command.CLIENT_PIN: (2, PinSubcommand),
    Command.BIO_ENROLLMENT: (2, BioSubcommand),
    Command.CREDENTIAL_MANAGEMENT: (1, CredentialManagementSubcommand),
    Command.CONFIG: (1, ConfigSubcommand),
}
U2F: Final = {1: "REGISTER", 2: "AUTHENTICATE", 3: "VERSION"}
FLAGS: Final = {
    AuthDataFlag.USER_PRESENT: "UP",
    AuthDataFlag.USER_VERIFIED: "UV",
    AuthDataFlag.BACKUP_ELIGIBLE: "BE",
    AuthDataFlag.BACKUP_STATE: "BS",
    AuthDataFlag.ATTESTED_CREDENTIAL_DATA: "AT",
    AuthDataFlag.EXTENSION_DATA: "ED",
}


def shown_as(command: int) -> int:
    """The command whose members a command has: a preview has those of what it became."""
    return next((int(new) for old, new in _PREVIEWS.items() if old == command), command)


def _camel(name: str) -> str:
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def command_name(command: int) -> str:
    """A CTAP2 command as the standard writes it, without "authenticator": `makeCredential`."""
    if command == Command.CLIENT_PIN:
        return "clientPIN"
    known = {int(each): _camel(each.name) for each in Command}
    return known.get(command, f"command 0x{command:02x}")


def is_known(command: int) -> bool:
    """Whether the standard has that CTAP2 command."""
    return command in {int(each) for each in Command}


def subcommand_name(command: int, number: int) -> str:
    """A subcommand, such as `getPinRetries`; a number without a name stays one."""
    _, kind = _SUBCOMMANDS[shown_as(command)]
    names = {int(each): _camel(each.name) for each in kind}
    return names.get(number, f"subcommand {number}")


def subcommand_member(command: int) -> int | None:
    """Which member of a request is the subcommand; None when the command has none."""
    return _SUBCOMMANDS[shown_as(command)][0] if shown_as(command) in _SUBCOMMANDS else None


def status_name(status: int) -> str:
    """A CTAP2 status: `PIN_INVALID`."""
    known = {int(each): each.name for each in CtapStatus}
    return known.get(status, f"status 0x{status:02x}")


def status_word_name(word: int) -> str:
    """A status word with what it says: `6985 CONDITIONS_NOT_SATISFIED`."""
    known = {int(each): each.name for each in StatusWord}
    name = "MORE" if word >> 8 == 0x61 else known.get(word, "")
    return f"{word:04X} {name}".rstrip()


def flags_text(flags: int) -> str:
    """The flags of authenticator data: `UP UV AT`."""
    return " ".join(name for flag, name in FLAGS.items() if flags & flag) or "no flags"
