"""The members of every CTAP2 request and their types, checked before anything else is looked at.

Authenticators read a whole request before they act on it, so a member of the wrong type is refused
also where this request would not have used it. Members that a table lacks are unknown and ignored.
Source: CTAP 2.1 section 6, the tables of input parameters; section 8 for the code.
"""

from typing import Any, final

from mfalab.devices.ctap.commands import Command
from mfalab.devices.ctap.fields import Members
from mfalab.devices.ctap.model import Model
from mfalab.devices.ctap.status import CtapError, CtapStatus


@final
class Unsigned:
    """The kind of a whole number from 0 up."""


# A kind is a type, Unsigned, a list of one kind, or a map of some members with their kinds.
_RP = {"id": str, "name": str, "icon": str}
_USER = {"id": bytes, "name": str, "displayName": str, "icon": str}
_DESCRIPTOR = {"id": bytes, "type": str, "transports": [str]}
_PARAMETERS = {"alg": int, "type": str}
_KEY = {1: int, 3: int, -1: int, -2: bytes, -3: bytes}
_OPTIONS = {"rk": bool, "up": bool, "uv": bool}
_FINGER = {0x01: bytes, 0x02: str, 0x03: Unsigned}
_CREDENTIAL = {0x01: bytes, 0x02: _DESCRIPTOR, 0x03: _USER}

_BIO_ENROLLMENT = {
    0x01: Unsigned, 0x02: Unsigned, 0x03: _FINGER, 0x04: Unsigned, 0x05: bytes, 0x06: bool,
}  # fmt: skip
_CREDENTIAL_MANAGEMENT = {0x01: Unsigned, 0x02: _CREDENTIAL, 0x03: Unsigned, 0x04: bytes}
_MEMBERS: dict[int, dict[int, Any]] = {
    Command.MAKE_CREDENTIAL: {
        0x01: bytes, 0x02: _RP, 0x03: _USER, 0x04: [_PARAMETERS], 0x05: [_DESCRIPTOR], 0x06: dict,
        0x07: _OPTIONS, 0x08: bytes, 0x09: Unsigned, 0x0A: Unsigned, 0x0B: [str],
    },
    Command.GET_ASSERTION: {
        0x01: str, 0x02: bytes, 0x03: [_DESCRIPTOR], 0x04: dict, 0x05: _OPTIONS, 0x06: bytes,
        0x07: Unsigned,
    },
    Command.CLIENT_PIN: {
        0x01: Unsigned, 0x02: Unsigned, 0x03: _KEY, 0x04: bytes, 0x05: bytes, 0x06: bytes,
        0x09: Unsigned, 0x0A: str,
    },
    Command.BIO_ENROLLMENT: _BIO_ENROLLMENT,
    Command.BIO_ENROLLMENT_PREVIEW: _BIO_ENROLLMENT,
    Command.CREDENTIAL_MANAGEMENT: _CREDENTIAL_MANAGEMENT,
    Command.CREDENTIAL_MANAGEMENT_PREVIEW: _CREDENTIAL_MANAGEMENT,
    Command.LARGE_BLOBS: {
        0x01: Unsigned, 0x02: bytes, 0x03: Unsigned, 0x04: Unsigned, 0x05: bytes, 0x06: Unsigned,
    },
    # The parameters depend on the subcommand.
    Command.CONFIG: {0x01: Unsigned, 0x02: dict, 0x03: Unsigned, 0x04: bytes},
}  # fmt: skip
_SINCE_2_1: dict[int, tuple[int, ...]] = {
    Command.MAKE_CREDENTIAL: (0x0A, 0x0B),
    Command.CLIENT_PIN: (0x09, 0x0A),
}
"""Members that an authenticator of CTAP 2.0 does not know."""


def read_request(command: int, content: Any, model: Model) -> Members:
    """The members of a request, those of the wrong version left out.

    Args:
        command: The command byte.
        content: The decoded CBOR after it.
        model: Says which version of the standard knows the members.

    Raises:
        CtapError: CBOR_UNEXPECTED_TYPE for no map, or for a known member of another type.
    """
    if isinstance(content, dict) and not model.since_2_1:
        unknown = _SINCE_2_1.get(command, ())
        content = {key: value for key, value in content.items() if key not in unknown}
    members = Members(content)
    _check(content, _MEMBERS.get(command, {}))
    return members


def _check(value: Any, kind: Any, *path: Any) -> None:
    # What CBOR is read into has exact types: True is no integer here.
    found = type(value)
    if found is kind:
        return
    if found is dict and type(kind) is dict:
        for key, item in value.items():
            if key in kind and type(item) is not kind[key]:
                _check(item, kind[key], *path, key)
    elif found is list and type(kind) is list:
        for item in value:
            _check(item, kind[0], *path, "an entry")
    elif found is not int or kind is not Unsigned or value < 0:
        wanted = kind if isinstance(kind, type) else type(kind)
        what = " of ".join([*(str(each) for each in reversed(path)), "the request"])
        why = f"{what} is {found.__name__}, not {wanted.__name__}"
        raise CtapError(CtapStatus.CBOR_UNEXPECTED_TYPE, why)
