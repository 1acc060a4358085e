"""What a key is: told by canonical keys, by those that are not, and by things that are no keys."""

from collections.abc import Callable
from errno import EBUSY, EPROTO, ETIMEDOUT
from typing import Any

import pytest
from fido2 import cbor
from fido2.ctap import CtapDevice, CtapError
from fido2.hid import CAPABILITY, CTAPHID

from mfalab.devices.transports.hid_device import HidDevice
from mfalab.devices.transports.python_fido2 import descriptor
from mfalab.simulator.keys.asking import ask_key
from mfalab.simulator.keys.channel import open_channel
from mfalab.simulator.keys.hid import ReportConnection

INFO = cbor.encode({1: ["FIDO_2_0", "U2F_V2"], 3: bytes(16), 4: {"rk": True, "clientPin": False}})
OUT_OF_ORDER = bytes.fromhex("a2 03 50") + bytes(16) + bytes.fromhex("01 81 68") + b"FIDO_2_0"
NO_MAP = bytes.fromhex("81 01")
VERSION = b"U2F_V2\x90\x00"


class Answering(CtapDevice):
    """A key that answers as it is told."""

    def __init__(self, capabilities: int, info: bytes | int, version: bytes | int) -> None:
        self._capabilities = capabilities
        self._answers = {CTAPHID.CBOR: info, CTAPHID.MSG: version}

    @property
    def capabilities(self) -> int:
        return self._capabilities

    def call(self, cmd: int, *_: Any, **__: Any) -> bytes:
        answer = self._answers[CTAPHID(cmd)]
        if isinstance(answer, int):
            raise CtapError(answer)
        return answer

    def close(self) -> None: ...

    @classmethod
    def list_devices(cls) -> Any: ...


def test_getinfo_is_read_and_praised_when_it_is_canonical() -> None:
    told = ask_key(Answering(CAPABILITY.CBOR, b"\0" + INFO, VERSION))
    assert told.versions == ("FIDO_2_0", "U2F_V2")
    assert told.problems == ()


def test_getinfo_out_of_order_is_read_with_what_is_wrong() -> None:
    """Sold cards sort their getInfo otherwise; they were called keys of U2F."""
    told = ask_key(Answering(CAPABILITY.CBOR, b"\0" + OUT_OF_ORDER, VERSION))
    assert told.versions == ("FIDO_2_0",)
    assert "out of order" in told.problems[0]


@pytest.mark.parametrize("refusal", [0x01, 0x03, b"\x01", b""])
def test_key_that_announces_cbor_and_refuses_getinfo_is_asked_for_u2f(refusal: bytes | int) -> None:
    """A YubiKey 4 announces CBOR and has none."""
    told = ask_key(Answering(CAPABILITY.CBOR, refusal, VERSION))
    assert told.versions == ("U2F_V2",)
    assert told.info is None


@pytest.mark.parametrize(
    ("info", "version", "why"),
    [
        (0x01, b"\x69\x85", "version request is answered with 6985: no FIDO key"),
        (0x01, b"U2F_V3\x90\x00", "version is told as 'U2F_V3': no FIDO key"),
        (0x01, 0x0B, "version request fails"),
        (0x01, b"\xff\xfe\x90\x00", "version request fails"),
        (b"\0" + NO_MAP, VERSION, "its getInfo cannot be read"),
        (b"\0" + INFO[:-3], VERSION, "its getInfo cannot be read"),
        (b"\0" + cbor.encode({1: 7}), VERSION, "its getInfo cannot be read"),
    ],
)
def test_what_is_no_key_says_what_it_answered(info: bytes | int, version: Any, why: str) -> None:
    with pytest.raises(OSError, match=why) as caught:
        ask_key(Answering(CAPABILITY.CBOR, info, version))
    assert caught.value.errno == EPROTO


class Scripted:
    """Reports of a key that answers each request with what the script makes of it."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self._report: bytes | None = None
        self.closed = False

    def write(self, report: bytes) -> None:
        self._report = self._answer(report)

    def read(self, within_ns: int) -> bytes | None:
        return None if self._report is None else self._report.ljust(64, b"\0")

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("answer", "errno", "why"),
    [
        (lambda sent: sent[:5] + b"\0\x08" + sent[7:15], EPROTO, "CTAPHID_INIT cannot be read"),
        (lambda sent: sent[:5] + b"\0\x11" + bytes(17), EPROTO, "Wrong nonce"),
        (lambda sent: sent[:4] + b"\xbf\0\x01\x0b", EPROTO, "CTAPHID_INIT cannot be read"),
        (lambda sent: b"\x01\x02\x03\x04" + sent[4:], EPROTO, "Wrong channel"),
        (lambda sent: None, ETIMEDOUT, "said nothing for 2 s"),
    ],
    ids=["short", "nonce", "error", "channel", "silent"],
)
def test_odd_answer_to_init_is_told_and_the_way_is_closed(
    answer: Callable[[bytes], bytes | None], errno: int, why: str
) -> None:
    reports = Scripted(answer)
    with pytest.raises(OSError, match=why) as caught:
        open_channel(
            descriptor("/dev/hidraw7", HidDevice("Key", "", "")),
            ReportConnection(reports, 2 * 10**9),
        )
    assert caught.value.errno == errno
    assert reports.closed


def test_busy_key_is_not_asked_for_ever() -> None:
    """python-fido2 asks again every 0.1 s, without an end."""
    connection = ReportConnection(Scripted(lambda sent: sent[:4] + b"\xbf\0\x01\x06"))
    for _ in range(49):
        connection.write_packet(bytes(64))
        connection.read_packet()
    connection.write_packet(bytes(64))
    with pytest.raises(OSError, match="another program uses the key") as caught:
        connection.read_packet()
    assert caught.value.errno == EBUSY
