"""A CTAPHID channel for python-fido2's clients; what the library trips over becomes an OSError."""

from __future__ import annotations

import struct
from errno import EPROTO

from fido2.ctap import CtapError
from fido2.hid import ConnectionFailure, CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor

UNREADABLE = (ValueError, TypeError, KeyError, IndexError, struct.error)
"""What python-fido2 raises when an answer is not what it expects."""


def open_channel(about: HidDescriptor, connection: CtapHidConnection) -> CtapHidDevice:
    """Open a channel; the connection is closed when that fails.

    Raises:
        OSError: the key is gone, silent or busy, or its answer to CTAPHID_INIT cannot be read.
    """
    try:
        return CtapHidDevice(about, connection)
    except (*UNREADABLE, CtapError, ConnectionFailure) as error:
        connection.close()
        why = "it is too short" if isinstance(error, struct.error) else str(error)
        raise OSError(EPROTO, f"its answer to CTAPHID_INIT cannot be read: {why}") from None
    except BaseException:
        connection.close()
        raise
