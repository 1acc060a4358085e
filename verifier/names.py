"""Names that IAM makes: ARNs, unique identifiers, serial numbers, and what an app scans."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from typing import Literal, get_args
from urllib.parse import quote

import segno

from mfalab.verifier.records import Account, Device, DeviceKind, Identity, Role

RandomBytes = Callable[[int], bytes]

Partition = Literal[
    "aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"
]
"""Those of botocore's endpoint data."""
PARTITIONS: tuple[str, ...] = get_args(Partition)
REGION = "us-east-1"
"""Where IAM, a global service, is said to be used."""
ISSUER = "Amazon Web Services"
ROOT_DEVICE_NAME = "root-account-mfa-device"
SEED_BYTES = 40
LONGEST_DEVICE_NAME = 226
"""Of a virtual device: `arn:aws:iam::123456789012:mfa/` and the name are a serial number of 256."""
"""64 base32 characters."""


def check_alias(alias: str) -> str:
    """An account's alias: a DNS label that is no account id (IAM User Guide, name requirements).

    Raises:
        ValueError: it is none.
    """
    label = re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", alias, re.ASCII)
    if not label or not 3 <= len(alias) <= 63 or re.fullmatch(r"\d{12}", alias):
        raise ValueError(
            "an account alias has 3 to 63 lower-case letters, digits and single hyphens between "
            "them, and is not 12 digits"
        )
    return alias


def unique_id(prefix: str, random_bytes: RandomBytes) -> str:
    """A unique identifier: AIDA (user), AGPA (group), AROA (role), ANPA (policy), and 17 more."""
    return prefix + base64.b32encode(random_bytes(11)).decode()[:17]


def access_key_id(prefix: str, random_bytes: RandomBytes) -> str:
    """The id of an access key: AKIA (long-term) or ASIA (temporary), and 16 characters."""
    return prefix + base64.b32encode(random_bytes(10)).decode()


def secret_access_key(random_bytes: RandomBytes) -> str:
    """A secret access key: 40 characters."""
    return base64.b64encode(random_bytes(30)).decode()


def session_token(random_bytes: RandomBytes, least: int = 0) -> str:
    """A session token: 96 characters, or as many more as it must at least have."""
    return base64.b64encode(random_bytes(max(72, -(-least // 4) * 3))).decode()


def decimal_digits(count: int, random_bytes: RandomBytes) -> str:
    """Evenly distributed decimal digits, leading zeros kept.

    Eight more bytes than needed make the bias of the remainder smaller than 2**-64.
    """
    number = int.from_bytes(random_bytes(8 + count)) % 10**count
    return f"{number:0{count}}"


def root_arn(account: Account) -> str:
    """The ARN of an account's root user, which trust policies use for the whole account."""
    return f"arn:{account.partition}:iam::{account.id}:root"


def identity_arn(account: Account, identity: Identity) -> str:
    """The ARN of a root user or an IAM user."""
    if identity.root:
        return root_arn(account)
    return user_arn(account, identity.path, identity.name)


def user_arn(account: Account, path: str, name: str) -> str:
    """The ARN of an IAM user."""
    return f"arn:{account.partition}:iam::{account.id}:user{path}{name}"


def role_arn(account: Account, role: Role) -> str:
    """The ARN of a role."""
    return f"arn:{account.partition}:iam::{account.id}:role{role.path}{role.name}"


def entity_arn(account: Account, kind: str, path: str, name: str) -> str:
    """The ARN of a `user`, `role`, `group` or customer managed `policy`."""
    return f"arn:{account.partition}:iam::{account.id}:{kind}{path}{name}"


def assumed_role_arn(account: Account, role: Role, session_name: str) -> str:
    """The ARN of a role session; it has no path."""
    return f"arn:{account.partition}:sts::{account.id}:assumed-role/{role.name}/{session_name}"


def federated_user_arn(account: Account, name: str) -> str:
    """The ARN of a federated user."""
    return f"arn:{account.partition}:sts::{account.id}:federated-user/{name}"


def virtual_serial(account: Account, path: str, name: str) -> str:
    """The serial number of a virtual device."""
    return f"arn:{account.partition}:iam::{account.id}:mfa{path}{name}"


def sms_serial(account: Account, user_name: str) -> str:
    """The serial number of a user's SMS device."""
    return f"arn:{account.partition}:iam::{account.id}:sms-mfa/{user_name}"


def fido_serial(account: Account, user_name: str, name: str, random_bytes: RandomBytes) -> str:
    """The serial number of a security key; the label stayed `u2f` when WebAuthn came.

    A root user's name is empty.
    """
    suffix = base64.b32encode(random_bytes(17)).decode()[:26]
    owner = f"user/{user_name}" if user_name else "root"
    return f"arn:{account.partition}:iam::{account.id}:u2f/{owner}/{name}-{suffix}"


def is_security_key_serial(serial: str) -> bool:
    """Whether a serial number has the form of a security key's, of either age."""
    return ":u2f/" in serial or serial.startswith("u2f/")


def has_codes(kind: DeviceKind) -> bool:
    """Whether devices of this kind make one-time codes: RFC 6238 or RFC 4226 tokens."""
    return kind in (DeviceKind.VIRTUAL, DeviceKind.HARDWARE)


def base32_seed(device: Device) -> str:
    """A device's seed as IAM hands it out: base32 without padding."""
    return base64.b32encode(device.secret).decode().rstrip("=")


def otpauth_uri(account: Account, device: Device) -> str:
    """What the QR image says: issuer, name at account, seed; no digits, period or algorithm."""
    issuer = quote(ISSUER, safe="")
    owner = account.alias or account.id
    return (
        f"otpauth://totp/{issuer}:{quote(device.name, safe='')}@{quote(owner, safe='')}"
        f"?secret={base32_seed(device)}&issuer={issuer}"
    )


def qr_png(uri: str) -> bytes:
    """A QR image of a URI, as PNG.

    The mask is fixed: trying all eight, as ISO/IEC 18004 section 7.8 wants, takes four times as
    long, and readers do not need it.
    """
    image = io.BytesIO()
    segno.make_qr(uri, mask=3).save(image, kind="png", scale=4)
    return image.getvalue()
