"""The numbers of CTAP that are neither status nor algorithm. Source: CTAP 2.1 and 2.2."""

from enum import Enum, IntEnum, IntFlag, unique


@unique
class Command(IntEnum):
    """The first byte of a CTAP2 request."""

    MAKE_CREDENTIAL = 0x01
    GET_ASSERTION = 0x02
    GET_INFO = 0x04
    CLIENT_PIN = 0x06
    RESET = 0x07
    GET_NEXT_ASSERTION = 0x08
    BIO_ENROLLMENT = 0x09
    CREDENTIAL_MANAGEMENT = 0x0A
    SELECTION = 0x0B
    LARGE_BLOBS = 0x0C
    CONFIG = 0x0D
    BIO_ENROLLMENT_PREVIEW = 0x40
    CREDENTIAL_MANAGEMENT_PREVIEW = 0x41


@unique
class PinSubcommand(IntEnum):
    """What authenticatorClientPIN is asked for."""

    GET_PIN_RETRIES = 0x01
    GET_KEY_AGREEMENT = 0x02
    SET_PIN = 0x03
    CHANGE_PIN = 0x04
    GET_PIN_TOKEN = 0x05
    GET_TOKEN_USING_UV = 0x06
    GET_UV_RETRIES = 0x07
    GET_TOKEN_USING_PIN = 0x09


@unique
class CredentialManagementSubcommand(IntEnum):
    """What authenticatorCredentialManagement is asked for."""

    GET_CREDS_METADATA = 0x01
    ENUMERATE_RPS_BEGIN = 0x02
    ENUMERATE_RPS_NEXT = 0x03
    ENUMERATE_CREDENTIALS_BEGIN = 0x04
    ENUMERATE_CREDENTIALS_NEXT = 0x05
    DELETE_CREDENTIAL = 0x06
    UPDATE_USER_INFORMATION = 0x07


@unique
class BioSubcommand(IntEnum):
    """What authenticatorBioEnrollment is asked for."""

    ENROLL_BEGIN = 0x01
    ENROLL_CAPTURE_NEXT = 0x02
    CANCEL = 0x03
    ENUMERATE = 0x04
    SET_FRIENDLY_NAME = 0x05
    REMOVE = 0x06
    GET_SENSOR_INFO = 0x07


@unique
class SampleStatus(IntEnum):
    """How the sensor liked the last sample."""

    GOOD = 0x00
    TOO_HIGH = 0x01
    TOO_LOW = 0x02
    TOO_LEFT = 0x03
    TOO_RIGHT = 0x04
    TOO_FAST = 0x05
    TOO_SLOW = 0x06
    POOR_QUALITY = 0x07
    TOO_SKEWED = 0x08
    TOO_SHORT = 0x09
    MERGE_FAILURE = 0x0A
    EXISTS = 0x0B
    NO_USER_ACTIVITY = 0x0D
    NO_USER_PRESENCE_TRANSITION = 0x0E


@unique
class ConfigSubcommand(IntEnum):
    """What authenticatorConfig is asked for."""

    ENABLE_ENTERPRISE_ATTESTATION = 0x01
    TOGGLE_ALWAYS_UV = 0x02
    SET_MIN_PIN_LENGTH = 0x03
    ENABLE_LONG_TOUCH_FOR_RESET = 0x04
    VENDOR_PROTOTYPE = 0xFF


class Permission(IntFlag):
    """What a pinUvAuthToken may be used for."""

    MAKE_CREDENTIAL = 0x01
    GET_ASSERTION = 0x02
    CREDENTIAL_MANAGEMENT = 0x04
    BIO_ENROLLMENT = 0x08
    LARGE_BLOB_WRITE = 0x10
    AUTHENTICATOR_CONFIGURATION = 0x20
    PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY = 0x40


class AuthDataFlag(IntFlag):
    """The flags byte of authenticator data. Source: WebAuthn Level 3 section 6.1."""

    USER_PRESENT = 0x01
    USER_VERIFIED = 0x04
    BACKUP_ELIGIBLE = 0x08
    BACKUP_STATE = 0x10
    ATTESTED_CREDENTIAL_DATA = 0x40
    EXTENSION_DATA = 0x80


# Arithmetic on members of an IntFlag takes longer than authenticator data does without.
UP, UV, BE, BS, AT, ED = (int(flag) for flag in AuthDataFlag)


class Capability(IntFlag):
    """What CTAPHID_INIT says about an authenticator. CTAP 2.1 section 11.2.9.1.3."""

    WINK = 0x01
    LOCK = 0x02
    CBOR = 0x04
    NMSG = 0x08


@unique
class UnopenedChannels(Enum):
    """What is done on a CTAPHID channel that INIT did not give out, 0 and broadcast excepted."""

    REFUSED = "refused"
    INIT_SERVED = "init-served"
    SERVED = "served"


@unique
class KeepaliveStatus(IntEnum):
    """What CTAPHID_KEEPALIVE says of a request under way."""

    PROCESSING = 1
    UPNEEDED = 2


@unique
class Prompt(Enum):
    """What a person is asked for: a touch, or a finger on the sensor."""

    TOUCH = "touch"
    FINGER = "finger"


@unique
class Transport(Enum):
    """How a request reached the authenticator; the values are WebAuthn's names."""

    USB = "usb"
    NFC = "nfc"
    BLE = "ble"
    SMART_CARD = "smart-card"
    HYBRID = "hybrid"
