"""What a kind of authenticator is and can do: one frozen value, read from a description file.

Everything an authenticator announces and every rule that differs between versions of the standard
or between products is a field here, so the code knows no product. `load_model("fido-2.1-pin")`
reads a file of `models/`; any path to a TOML file of the same form will do as well.
"""

import re
import reprlib
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, unique
from functools import cache
from pathlib import Path
from typing import Any, final, get_args, get_origin, get_type_hints

from mfalab.devices.ctap.commands import Transport, UnopenedChannels
from mfalab.devices.ctap.cose import Algorithm
from mfalab.devices.ctap.given_attestation import read_attestation
from mfalab.devices.ctap.status import CtapStatus
from mfalab.devices.ctap.typed import described, fits
from mfalab.devices.errors import Problem

_FOLDER = Path(__file__).with_name("models")


@final
class ModelInvalid(Exception):
    """A description file does not describe an authenticator.

    Args:
        problems: All that is wrong with it, each with its place: file, line and column.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@unique
class CounterKind(Enum):
    """What the signature counter counts."""

    GLOBAL = "global"
    PER_CREDENTIAL = "per-credential"
    ZERO = "zero"


@unique
class AttestationKind(Enum):
    """The attestation a model gives when the client has no preference."""

    NONE = "none"
    PACKED_SELF = "packed-self"
    PACKED_X5C = "packed-x5c"
    FIDO_U2F = "fido-u2f"


@unique
class AlwaysUv(Enum):
    """Whether user verification is always asked for: the option is absent, off or on."""

    ABSENT = "absent"
    OFF = "off"
    ON = "on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A kind of authenticator.

    Attributes:
        name: What people call it.
        manufacturer: Who made it, as USB tells it.
        product: What it calls itself over USB; empty for its name.
        usb_vendor_id, usb_product_id: 16 bits each; the default is the pid.codes number for tests
            within one's own walls.
        aaguid: 16 bytes, all zero for U2F.
        firmware_version: A number, or None when getInfo does not tell.
        versions: As getInfo tells them; `U2F_V2` switches U2F on, any `FIDO_2` CTAP2.
        algorithms: COSE numbers in the order of getInfo.
        transports: How a client may reach it.
        max_msg_size: Bytes of a CTAP2 request.
        max_credentials_in_list: Entries a client may put in one allow or exclude list.
        max_credential_id_length: Bytes.
        slots: Room for discoverable credentials; 0 is an authenticator without `rk`.
        client_pin: It can have a PIN.
        pin_uv_protocols: PIN/UV protocol numbers, preferred first.
        pin_uv_auth_token: Tokens have permissions (CTAP 2.1).
        min_pin_length: Code points of a PIN at first.
        max_pin_length: Bytes of a PIN, at most 63.
        pin_retries: Wrong PINs until it is blocked.
        pin_tries_per_power_up: Wrong PINs in a row until it wants a power cycle.
        pin_complexity_policy: PINs of one repeated or of consecutive characters are refused.
            None for a model that has no such policy.
        pin_complexity_policy_url: Where the policy is explained, empty for nowhere.
        max_rp_ids_for_min_pin_length: How many RPs may be told the minimum PIN length.
        fingers: Room for fingerprint templates; 0 is no built-in user verification.
        finger_samples: Good samples an enrolment takes.
        max_friendly_name: Bytes of a template's name.
        uv_retries: Wrong fingers until built-in user verification is blocked.
        uv_attempts: Fingers one request asks for before it fails.
        bio_enroll: `bioEnroll` is offered.
        bio_enroll_preview: Its preview command is offered.
        cred_mgmt: `credMgmt` is offered.
        cred_mgmt_preview: Its preview command is offered.
        cred_mgmt_read_only: `perCredMgmtRO` and the encrypted members of getInfo are offered.
        authnr_cfg: `authnrCfg` is offered.
        set_min_pin_length: `setMinPINLength` is offered.
        always_uv: `alwaysUv` at first.
        always_uv_can_be_off: toggleAlwaysUv may switch it off.
        make_cred_uv_not_required: `makeCredUvNotRqd`.
        no_mc_ga_permissions_with_client_pin: A PIN does not give tokens to register or sign in.
        selection: authenticatorSelection is offered.
        large_blob_bytes: Room for large blobs; 0 is none.
        cred_blob_bytes: Room for a credBlob; 0 is none.
        extensions: As getInfo tells them.
        counter: What the signature counter counts.
        counter_start: Its value before the first signature.
        counter_step: How much it grows at each.
        backup_eligible: The BE flag.
        backup_state: The BS flag.
        attestation: What it gives unless asked otherwise.
        attestation_key: The private key that attests, of P-256 and in PEM; empty for one of our
            test CA.
        attestation_chain: Its certificates in PEM, its own first; empty for one of our test CA.
        attestation_formats: getInfo 0x16, None for a model that does not tell.
        enterprise_attestation: It has an enterprise certificate.
        enterprise_rp_ids: RPs that vendor-facilitated enterprise attestation knows.
        enterprise_platform_managed: It also serves platform-managed enterprise attestation.
        certifications: getInfo 0x13.
        transports_for_reset: getInfo 0x1A, empty for all.
        long_touch_for_reset: getInfo 0x18, None for a model that does not have it.
        reset_window_s: Seconds after power-up in which reset is allowed.
        user_action_timeout_s: Seconds a prompt waits.
        touch_timeout_status: What a touch that does not come answers.
        touch_before_no_credentials: NO_CREDENTIALS asks for a touch first.
        token_serves_one_operation: A token is spent by a registration or sign-in with presence.
        permissions_need_rp_id: A token to register or sign in is asked for with an RP ID.
        up_true_refused: `up: true` in makeCredential is INVALID_OPTION, as before CTAP 2.1.
        missing_protocol_status: A pinUvAuthParam beside no known protocol, as before CTAP 2.1;
            None for the two codes of CTAP 2.1.
        param_without_pin_status: A pinUvAuthParam when there is no PIN; None to ignore it, as
            CTAP 2.1 does.
        retries_need_protocol: getPINRetries names a PIN/UV protocol, as before CTAP 2.1.
        retries_without_pin_status: What getPINRetries answers when there is no PIN; None for the
            number of tries, as the standard has it.
        keeps_icon: The `icon` of users and relying parties is stored, as before CTAP 2.1.
        hmac_secret_bad_mac_status: What a wrong saltAuth answers.
        second_set_pin_status: What setPIN answers when there is a PIN.
        message_timeout_ms: How long CTAPHID waits for the next packet of a message. The standard
            names no number; u2f_hid.h has 3000 for a whole message.
        unopened_channels: What is done on a channel that INIT did not give out: nothing, INIT
            (which opens it), or everything, as the first U2F keys do.
        wink: CTAPHID_WINK works.
        lock: CTAPHID_LOCK works.
    """

    name: str
    manufacturer: str = "mfalab"
    product: str = ""
    usb_vendor_id: int = 0x1209
    usb_product_id: int = 0x0001
    aaguid: bytes = bytes(16)
    firmware_version: int | None = None
    versions: tuple[str, ...]
    algorithms: tuple[Algorithm, ...] = (Algorithm.ES256,)
    transports: tuple[Transport, ...] = (Transport.USB,)
    max_msg_size: int = 1200
    max_credentials_in_list: int = 8
    max_credential_id_length: int = 160
    slots: int = 0
    client_pin: bool = False
    pin_uv_protocols: tuple[int, ...] = ()
    pin_uv_auth_token: bool = False
    min_pin_length: int = 4
    max_pin_length: int = 63
    pin_retries: int = 8
    pin_tries_per_power_up: int = 3
    pin_complexity_policy: bool | None = None
    pin_complexity_policy_url: str = ""
    max_rp_ids_for_min_pin_length: int = 0
    fingers: int = 0
    finger_samples: int = 3
    max_friendly_name: int = 15
    uv_retries: int = 3
    uv_attempts: int = 1
    bio_enroll: bool = False
    bio_enroll_preview: bool = False
    cred_mgmt: bool = False
    cred_mgmt_preview: bool = False
    cred_mgmt_read_only: bool = False
    authnr_cfg: bool = False
    set_min_pin_length: bool = False
    always_uv: AlwaysUv = AlwaysUv.ABSENT
    always_uv_can_be_off: bool = True
    make_cred_uv_not_required: bool = False
    no_mc_ga_permissions_with_client_pin: bool = False
    selection: bool = False
    large_blob_bytes: int = 0
    cred_blob_bytes: int = 0
    extensions: tuple[str, ...] = ()
    counter: CounterKind = CounterKind.GLOBAL
    counter_start: int = 0
    counter_step: int = 1
    backup_eligible: bool = False
    backup_state: bool = False
    attestation: AttestationKind = AttestationKind.PACKED_X5C
    attestation_key: str = ""
    attestation_chain: str = ""
    attestation_formats: tuple[str, ...] | None = None
    enterprise_attestation: bool = False
    enterprise_rp_ids: tuple[str, ...] = ()
    enterprise_platform_managed: bool = True
    certifications: tuple[tuple[str, int], ...] = ()
    transports_for_reset: tuple[Transport, ...] = ()
    long_touch_for_reset: bool | None = None
    reset_window_s: int = 10
    user_action_timeout_s: int = 30
    touch_timeout_status: CtapStatus = CtapStatus.USER_ACTION_TIMEOUT
    touch_before_no_credentials: bool = True
    token_serves_one_operation: bool = True
    permissions_need_rp_id: bool = True
    up_true_refused: bool = False
    missing_protocol_status: CtapStatus | None = None
    param_without_pin_status: CtapStatus | None = None
    retries_need_protocol: bool = False
    retries_without_pin_status: CtapStatus | None = None
    keeps_icon: bool = False
    hmac_secret_bad_mac_status: CtapStatus = CtapStatus.PIN_AUTH_INVALID
    second_set_pin_status: CtapStatus = CtapStatus.PIN_AUTH_INVALID
    message_timeout_ms: int = 500
    unopened_channels: UnopenedChannels = UnopenedChannels.REFUSED
    wink: bool = True
    lock: bool = True

    @property
    def u2f(self) -> bool:
        """It speaks CTAP1."""
        return "U2F_V2" in self.versions

    @property
    def ctap2(self) -> bool:
        """It speaks CTAP2."""
        return _speaks(self.versions)[0]

    @property
    def since_2_1(self) -> bool:
        """It speaks CTAP 2.1 or later."""
        return _speaks(self.versions)[1]

    @property
    def built_in_uv(self) -> bool:
        """It can verify its user by itself."""
        return self.fingers > 0


@cache
def _speaks(versions: tuple[str, ...]) -> tuple[bool, bool]:
    """Whether versions are those of CTAP2, and of CTAP 2.1 or later: each request asks it."""
    of_ctap2 = [version for version in versions if version.startswith("FIDO_2_")]
    return bool(of_ctap2), any(each not in ("FIDO_2_0", "FIDO_2_1_PRE") for each in of_ctap2)


def model_names() -> tuple[str, ...]:
    """The names of the models that come along."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_model(source: str | Path) -> Model:
    """The model of a description file.

    Args:
        source: The name of a model that comes along, or the path of a `.toml` file.

    Raises:
        ModelInvalid: There is no such model, or a key is unknown, missing or of a wrong kind.
    """
    path = Path(source)
    return _read(path) if path.suffix == ".toml" else _shipped(str(source))


@cache
def _shipped(name: str) -> Model:
    if name not in model_names():
        why = f"there is no such model; there are {', '.join(model_names())}."
        raise ModelInvalid((Problem(f'"{name}"', why),))
    return _read(_FOLDER / f"{name}.toml")


def _read(path: Path) -> Model:
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        told = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error))
        what, *place = told.groups() if told else (str(error), str(text.count("\n") + 1), "1")
        raise ModelInvalid((Problem(":".join((str(path), *place)), f"{what}."),)) from error
    except (OSError, ValueError, RecursionError) as error:
        why = f"it cannot be read: {getattr(error, 'strerror', None) or error}."
        raise ModelInvalid((Problem(str(path), why),)) from error
    return _from_document(document, path, text)


def _from_document(document: dict[str, Any], path: Path, text: str) -> Model:
    values: dict[str, Any] = {}
    problems = []
    for name, value in document.items():
        if name not in _TYPES:
            problems.append(Problem(_place(path, text, name), f"unknown key {name}."))
            continue
        with suppress(KeyError, ValueError, TypeError, AttributeError):
            values[name] = _value(name, value)
        if name not in values or not fits(values[name], _TYPES[name]):
            what = f"{name} takes {_taken(name)}, not {reprlib.repr(value)}."
            problems.append(Problem(_place(path, text, name), what))
        elif outside := [each for each in _numbers(values[name]) if not 0 <= each <= _MOST]:
            what = f"{name} takes 0 to {_MOST}, not {outside[0]}."
            problems.append(Problem(_place(path, text, name), what))
    problems.extend(
        Problem(f"{path}:1:1", f"{name} is missing; it takes {_taken(name)}.")
        for name in ("name", "versions")
        if name not in document
    )
    if not problems:
        model = Model(**values)
        for why in _contradictions(model):
            about = next((word for word in why.split() if word in document), "")
            problems.append(Problem(_place(path, text, about), f"{why}."))
    if problems:
        raise ModelInvalid(tuple(problems))
    return model


def _place(path: Path, text: str, name: str) -> str:
    """Where a key stands: keys are at the beginning of a line, a table's in brackets."""
    found = re.search(rf"""^[ \t]*\[?[ \t]*(["']?{re.escape(name)}\b)""", text, re.MULTILINE)
    at = found.start(1) if found and name else 0
    return f"{path}:{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


def _taken(name: str) -> str:
    match name:
        case "aaguid":
            return "16 bytes as hexadecimal text"
        case "certifications":
            return "numbers by name"
    kind = _TYPES[name]
    members = get_args(kind)[0] if get_origin(kind) is tuple else kind
    if isinstance(members, type) and issubclass(members, Enum) and not issubclass(members, int):
        several = "a list, each " if members is not kind else ""
        return f"{several}one of {', '.join(each.value for each in members)}"
    return described(kind)


def _numbers(value: Any) -> Iterator[int]:
    if isinstance(value, tuple):
        for each in value:
            yield from _numbers(each)
    elif type(value) is int:
        yield value


def _value(name: str, value: Any) -> Any:
    match name:
        case "aaguid":
            return bytes.fromhex(value.replace("-", ""))
        case "algorithms":
            return tuple(Algorithm[item] for item in value)
        case "transports" | "transports_for_reset":
            return tuple(Transport(item) for item in value)
        case "counter":
            return CounterKind(value)
        case "attestation":
            return AttestationKind(value)
        case "unopened_channels":
            return UnopenedChannels(value)
        case "always_uv":
            return AlwaysUv(value)
        case "certifications":
            return tuple(sorted(value.items()))
        case _ if name.endswith("_status"):
            return CtapStatus[value]
    return tuple(value) if isinstance(value, list) else value


_TYPES = get_type_hints(Model)
_MOST = 0xFFFFFFFF


def _contradictions(model: Model) -> list[str]:
    """What is wrong with the whole, in sentences that name the keys."""
    tokens = model.pin_uv_auth_token
    checks = {
        "aaguid has 16 bytes": len(model.aaguid) == 16,
        "versions has neither U2F_V2 nor FIDO_2": model.u2f or model.ctap2,
        "client_pin needs pin_uv_protocols": bool(model.pin_uv_protocols) or not model.client_pin,
        "usb_vendor_id and usb_product_id have 16 bits": all(
            number <= 0xFFFF for number in (model.usb_vendor_id, model.usb_product_id)
        ),
        "pin_uv_protocols are 1 and 2": set(model.pin_uv_protocols) <= {1, 2},
        "bio_enroll needs fingers": bool(model.fingers) or not model.bio_enroll,
        "cred_mgmt_read_only needs pin_uv_auth_token": tokens or not model.cred_mgmt_read_only,
        "max_msg_size is 1024 to 7609 bytes": 1024 <= model.max_msg_size <= 7609,
        "message_timeout_ms is 1 at least": model.message_timeout_ms > 0,
        "min_pin_length is 4 at least, and max_pin_length that to 63": 4
        <= model.min_pin_length
        <= model.max_pin_length
        <= 63,
        "extensions have largeBlobKey, which needs 1024 large_blob_bytes": "largeBlobKey"
        not in model.extensions
        or model.large_blob_bytes >= 1024,
        "extensions have hmac-secret, which needs pin_uv_protocols": bool(model.pin_uv_protocols)
        or "hmac-secret" not in model.extensions,
        "extensions have credBlob, which needs 32 cred_blob_bytes": "credBlob"
        not in model.extensions
        or model.cred_blob_bytes >= 32,
    }
    wrong = [text for text, fine in checks.items() if not fine]
    if model.attestation_key or model.attestation_chain:
        try:
            read_attestation(model.attestation_key, model.attestation_chain)
        except ValueError as error:
            wrong.append(str(error))
    return wrong
