"""A lab in which steps are tried one by one; nobody takes time to type."""

from collections.abc import Callable
from typing import Any

import pytest

from mfalab import Lab

DEVICES: dict[str, dict[str, Any]] = {
    "fob": {"kind": "hardware_totp", "owner": "alice", "drift": "0 ppm"},
    "hotp": {"kind": "hardware_hotp", "owner": "alice"},
    "app": {"kind": "totp_app", "owner": "alice"},
    "spare": {"kind": "totp_app", "owner": "alice"},
    "sms": {"kind": "sms_phone", "owner": "alice"},
    "key": {"kind": "security_key", "owner": "alice"},
    "other": {"kind": "security_key", "owner": "alice"},
}


@pytest.fixture
def lab_with() -> Callable[..., Lab]:
    """Makes a lab of alice, bob, ada (administrator) and some of the devices above, alice's."""

    def make(*devices: str, **changes: Any) -> Lab:
        roles = {"alice": "user", "bob": "user", "ada": "administrator"}
        setting: dict[str, Any] = {
            "people": {name: {"role": role, "typing": "instant"} for name, role in roles.items()},
            "devices": {name: DEVICES[name] for name in devices},
        }
        return Lab.of(**setting | changes)

    return make
