"""authenticatorLargeBlobs: one array for all relying parties. CTAP 2.1 section 6.10.

A write comes in fragments, in order, and replaces the array only when the last of them is there
and the hash at its end is right.
"""

from hashlib import sha256
from typing import Any

from mfalab.devices.ctap.commands import Command, Permission
from mfalab.devices.ctap.core import Call, Core
from mfalab.devices.ctap.state import EMPTY_LARGE_BLOBS, LargeBlobs
from mfalab.devices.ctap.status import CtapError, CtapStatus
from mfalab.devices.ctap.transaction import Steps

_HASH_BYTES = 16
_FRAME_BYTES = 64
"""What a fragment leaves of a message for everything else."""


def large_blobs(core: Core, call: Call) -> Steps[dict[int, Any]]:
    """Read or write a fragment."""
    yield from ()
    members = call.members
    get, given = members.unsigned(0x01), members.optional(0x02, bytes)
    offset = members.unsigned(0x03)
    if offset is None or (get is None) == (given is None):
        why = "an offset and either get or set are needed"
        raise CtapError(CtapStatus.INVALID_PARAMETER, why)
    if get is not None:
        return _read(core, call, get, offset)
    assert given is not None
    return _write(core, call, given, offset)


def _check_fragment(core: Core, size: int) -> None:
    most = core.model.max_msg_size - _FRAME_BYTES
    if size > most:
        raise CtapError(CtapStatus.INVALID_LENGTH, f"a fragment has at most {most} bytes")


def _read(core: Core, call: Call, size: int, offset: int) -> dict[int, Any]:
    if any(key in call.members for key in (0x04, 0x05, 0x06)):
        raise CtapError(CtapStatus.INVALID_PARAMETER, "reading takes an offset only")
    _check_fragment(core, size)
    stored = core.state.large_blobs
    if offset > len(stored):
        raise CtapError(CtapStatus.INVALID_PARAMETER, f"there are {len(stored)} bytes")
    return {0x01: stored[offset : offset + size]}


def _write(core: Core, call: Call, fragment: bytes, offset: int) -> dict[int, Any]:
    session = core.session
    length = call.members.unsigned(0x04)
    _check_fragment(core, len(fragment))
    if offset == 0:
        if length is None:
            raise CtapError(CtapStatus.INVALID_PARAMETER, "the first fragment needs a length")
        if length > core.model.large_blob_bytes:
            why = f"{length} bytes, there is room for {core.model.large_blob_bytes}"
            raise CtapError(CtapStatus.LARGE_BLOB_STORAGE_FULL, why)
        if length < len(EMPTY_LARGE_BLOBS):
            raise CtapError(CtapStatus.INVALID_PARAMETER, f"no array has {length} bytes")
        expected, so_far = length, b""
    else:
        if length is not None:
            raise CtapError(CtapStatus.INVALID_PARAMETER, "only the first fragment has a length")
        if session.blob_write is None or len(session.blob_write[1]) != offset:
            raise CtapError(CtapStatus.INVALID_SEQ, f"a fragment at {offset} is out of order")
        expected, so_far = session.blob_write
    _authorise(core, call, fragment, offset)
    so_far += fragment
    if len(so_far) > expected:
        raise CtapError(CtapStatus.INVALID_PARAMETER, f"more than the {expected} bytes announced")
    session.blob_write = (expected, so_far)
    if len(so_far) == expected:
        session.blob_write = None
        if sha256(so_far[:-_HASH_BYTES]).digest()[:_HASH_BYTES] != so_far[-_HASH_BYTES:]:
            raise CtapError(CtapStatus.INTEGRITY_FAILURE, "the hash at the end is wrong")
        core.state.change(LargeBlobs(so_far))
    return {}


def _authorise(core: Core, call: Call, fragment: bytes, offset: int) -> None:
    if not core.protected and not core.state.settings.always_uv:
        return
    param = call.members.optional(0x05, bytes)
    if param is None:
        raise CtapError(CtapStatus.PUAT_REQUIRED, "a pinUvAuthParam is needed")
    protocol = core.protocol_of(call.members, 0x06)
    message = (
        b"\xff" * 32
        + bytes([Command.LARGE_BLOBS, 0])
        + (offset & 0xFFFFFFFF).to_bytes(4, "little")
        + sha256(fragment).digest()
    )
    core.check_token(protocol, message, param, Permission.LARGE_BLOB_WRITE)
