"""CTAP1/U2F over the same credentials. Source: FIDO U2F Raw Message Formats v1.2.

A request never waits: without presence it answers 6985 at once and the client asks again. Key
handles are wrapped credentials, so CTAP2 signs with them as well, and U2F with CTAP2's.
"""

from dataclasses import dataclass
from enum import IntEnum, unique

from mfalab.devices.ctap import attestation, credentials, crypto
from mfalab.devices.ctap.commands import UP, Transport
from mfalab.devices.ctap.core import Core
from mfalab.devices.ctap.cose import Algorithm
from mfalab.devices.ctap.faults import Lapse
from mfalab.devices.ctap.state import Credential
from mfalab.devices.durations import NS_PER_S

_TOUCH_COUNTS_NS = 10 * NS_PER_S
"""How long after a poll a touch is welcome, and how long it counts then: clients poll every 0.1 to
1 s, and people touch after the light, before the next poll."""


@unique
class StatusWord(IntEnum):
    """ISO 7816 status words that U2F uses."""

    NO_ERROR = 0x9000
    MEMORY_FAILURE = 0x6581
    WRONG_LENGTH = 0x6700
    CONDITIONS_NOT_SATISFIED = 0x6985
    COMMAND_NOT_ALLOWED = 0x6986
    WRONG_DATA = 0x6A80
    INS_NOT_SUPPORTED = 0x6D00
    CLA_NOT_SUPPORTED = 0x6E00


_REGISTER, _AUTHENTICATE, _VERSION = 1, 2, 3
_CHECK_ONLY, _ENFORCE_PRESENCE, _DO_NOT_ENFORCE = 0x07, 0x03, 0x08


class _Refused(Exception):
    def __init__(self, word: StatusWord) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True, slots=True)
class _Apdu:
    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes

    @classmethod
    def parse(cls, raw: bytes) -> "_Apdu":
        """Read a short or an extended APDU.

        Raises:
            _Refused: The lengths do not fit.
        """
        if len(raw) < 4:
            raise _Refused(StatusWord.WRONG_LENGTH)
        body = raw[4:]
        return cls(raw[0], raw[1], raw[2], raw[3], cls._data(body))

    @staticmethod
    def _data(body: bytes) -> bytes:
        if len(body) <= 1:
            return b""  # no data; perhaps a short Le
        if body[0]:
            size, start, longest_le = body[0], 1, 1
        elif len(body) == 3:
            return b""  # an extended Le
        elif len(body) > 3:
            # Clients send an extended Lc of zero for VERSION as well.
            size, start, longest_le = int.from_bytes(body[1:3], "big"), 3, 3
        else:
            raise _Refused(StatusWord.WRONG_LENGTH)
        if len(body) - start - size not in range(longest_le + 1):
            raise _Refused(StatusWord.WRONG_LENGTH)
        return body[start : start + size]


def handle(core: Core, raw: bytes, transport: Transport) -> bytes:
    """The answer to one APDU, with its status word.

    Raises:
        PowerCut, StoreWornOut: From the store.
    """
    try:
        apdu = _Apdu.parse(raw)
        if apdu.cla != 0:
            raise _Refused(StatusWord.CLA_NOT_SUPPORTED)
        if not core.model.u2f or not core.has("U2F_V2"):
            raise _Refused(StatusWord.INS_NOT_SUPPORTED)
        if core.state.settings.always_uv:
            raise _Refused(StatusWord.COMMAND_NOT_ALLOWED)
        match apdu.ins:
            case 1:
                body = _register(core, apdu, transport)
            case 2:
                body = _authenticate(core, apdu, transport)
            case 3:
                body = _version(apdu)
            case _:
                raise _Refused(StatusWord.INS_NOT_SUPPORTED)
    except _Refused as refused:
        return refused.word.to_bytes(2, "big")
    return body + StatusWord.NO_ERROR.to_bytes(2, "big")


def wants_touch(answer: bytes, apdu: bytes) -> bool:
    """Whether that answer means: touch me and ask again."""
    word = StatusWord.CONDITIONS_NOT_SATISFIED.to_bytes(2, "big")
    return answer == word and apdu[2:3] != bytes([_CHECK_ONLY])


def touched(core: Core) -> None:
    """A touch between two requests; it counts when U2F asked for it not long ago."""
    now = core.clock.now_ns()
    asked_until = core.session.u2f_asked_until_ns
    if asked_until is not None and now < asked_until:
        core.session.u2f_touched_until_ns = now + _TOUCH_COUNTS_NS


def _take_presence(core: Core, transport: Transport) -> bool:
    """Whether the user is present; it counts once."""
    session = core.session
    if transport is Transport.NFC:
        there, session.tap = session.tap, False
        return there
    now = core.clock.now_ns()
    until, session.u2f_touched_until_ns = session.u2f_touched_until_ns, None
    there = until is not None and now < until
    session.u2f_asked_until_ns = None if there else now + _TOUCH_COUNTS_NS
    return there


def _version(apdu: _Apdu) -> bytes:
    if apdu.data:
        raise _Refused(StatusWord.WRONG_LENGTH)
    return b"U2F_V2"


def _register(core: Core, apdu: _Apdu, transport: Transport) -> bytes:
    if len(apdu.data) != 64:
        raise _Refused(StatusWord.WRONG_LENGTH)
    if not _take_presence(core, transport):
        raise _Refused(StatusWord.CONDITIONS_NOT_SATISFIED)
    challenge, application = apdu.data[:32], apdu.data[32:]
    seed = crypto.new_seed(Algorithm.ES256, core.random_bytes)
    fresh = Credential(b"", application, Algorithm.ES256, seed)
    credential = credentials.wrap(fresh, core.state, core.random_bytes)
    signature = attestation.sign_with_batch_key(
        core, attestation.u2f_message(credential, challenge)
    )
    return (
        b"\x05"
        + attestation.public_point(credential)
        + bytes([len(credential.id)])
        + credential.id
        + attestation.batch_certificate(core)
        + signature
    )


def _authenticate(core: Core, apdu: _Apdu, transport: Transport) -> bytes:
    data = apdu.data
    if len(data) < 65 or len(data) != 65 + data[64]:
        raise _Refused(StatusWord.WRONG_LENGTH)
    challenge, application, key_handle = data[:32], data[32:64], data[65:]
    credential = credentials.find(key_handle, application, core.state)
    if (
        credential is None
        or credential.algorithm != Algorithm.ES256
        or (credential.cred_protect == 3 and not core.lapses(Lapse.U2F_USES_PROTECTED))
    ):
        raise _Refused(StatusWord.WRONG_DATA)
    if apdu.p1 == _CHECK_ONLY:
        raise _Refused(StatusWord.CONDITIONS_NOT_SATISFIED)
    if apdu.p1 not in (_ENFORCE_PRESENCE, _DO_NOT_ENFORCE):
        raise _Refused(StatusWord.WRONG_DATA)
    present = False
    if apdu.p1 == _ENFORCE_PRESENCE:
        present = _take_presence(core, transport)
        if not present:
            raise _Refused(StatusWord.CONDITIONS_NOT_SATISFIED)
    core.state.change(*core.count(credential.id))
    signed = bytes([UP if present else 0]) + core.counter(credential.id).to_bytes(4, "big")
    message = application + signed + challenge
    return signed + core.sign(Algorithm.ES256, credential.seed, message)
