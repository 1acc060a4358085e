"""What a key is, by what it tells itself: read tolerantly, and with what is wrong about it.

python-fido2 refuses a getInfo that is not canonical CBOR, as if the key spoke U2F only. Such keys
are sold, so they are read, and `Announced.problems` says what is wrong with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from errno import EPROTO

from fido2.ctap import CtapDevice, CtapError
from fido2.ctap1 import ApduError, Ctap1
from fido2.ctap2.base import Ctap2, Info
from fido2.hid import CAPABILITY, CTAPHID

from mfalab.simulator.keys.canonical import read
from mfalab.simulator.keys.channel import UNREADABLE

_GET_INFO = b"\x04"


@dataclass(frozen=True, slots=True)
class Announced:
    """What a key announces.

    Attributes:
        info: its getInfo; None for a key that speaks U2F only.
        problems: why its getInfo is not CTAP2 canonical CBOR; empty when it is.
    """

    info: Info | None
    problems: tuple[str, ...] = ()

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions of CTAP and U2F that it speaks."""
        return ("U2F_V2",) if self.info is None else tuple(self.info.versions)


def ask_key(device: CtapDevice) -> Announced:
    """Ask a key what it is; nothing on it is changed.

    Raises:
        OSError: it does not answer, or what it answers is neither CTAP2 nor U2F.
    """
    refused = ""
    if device.capabilities & CAPABILITY.CBOR:
        try:
            answer = device.call(CTAPHID.CBOR, _GET_INFO)
            if answer[:1] == b"\0":
                return _read_info(device, answer[1:])
            refused = f"getInfo is answered with status 0x{answer[:1].hex() or '(nothing)'}, and "
        except CtapError as error:
            # A YubiKey 4 announces CBOR and has none.
            refused = f"getInfo is refused ({error}), and "
    try:
        version = Ctap1(device).get_version()
    except ApduError as error:
        raise OSError(
            EPROTO, f"{refused}U2F's version request is answered with {error.code:04X}: no FIDO key"
        ) from None
    except (CtapError, UnicodeDecodeError) as error:
        raise OSError(EPROTO, f"{refused}U2F's version request fails ({error})") from None
    if version != "U2F_V2":
        raise OSError(EPROTO, f"{refused}U2F's version is told as {version!r}: no FIDO key")
    return Announced(None)


def _read_info(device: CtapDevice, answer: bytes) -> Announced:
    reading = read(answer)
    try:
        return Announced(Ctap2(device, strict_cbor=False).info, reading.problems)
    except UNREADABLE as error:
        why = reading.problems[0] if reading.problems else str(error)
        raise OSError(EPROTO, f"its getInfo cannot be read: {why}") from None
