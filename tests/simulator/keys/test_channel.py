"""A CTAPHID channel for python-fido2's clients."""

from errno import ENODEV, EPROTO

import pytest
from fido2.hid.base import CtapHidConnection, HidDescriptor

from mfalab.devices.ctap.ctaphid import BROADCAST, REPORT_SIZE, HidCommand, packets
from mfalab.simulator.keys.channel import open_channel

ABOUT = HidDescriptor("sim", 0, 0, REPORT_SIZE, REPORT_SIZE, "a key", None)


class Answering(CtapHidConnection):
    """A connection that answers CTAPHID_INIT with some bytes behind the nonce, or fails."""

    def __init__(self, rest: bytes | OSError) -> None:
        self.rest = rest
        self.nonce = b""
        self.closed = False

    def write_packet(self, data: bytes) -> None:
        self.nonce = data[7:15]

    def read_packet(self) -> bytes:
        if isinstance(self.rest, OSError):
            raise self.rest
        return packets(BROADCAST, HidCommand.INIT, self.nonce + self.rest)[0]

    def close(self) -> None:
        self.closed = True


def test_channel_is_opened_with_what_the_key_announces() -> None:
    connection = Answering(bytes((0, 0, 0, 9, 2, 5, 1, 0, 4)))
    device = open_channel(ABOUT, connection)
    assert (device.version, device.device_version, device.capabilities) == (2, (5, 1, 0), 4)
    assert not connection.closed


def test_answer_that_is_too_short_is_told_and_the_connection_closed() -> None:
    connection = Answering(b"\x00")
    with pytest.raises(
        OSError, match="its answer to CTAPHID_INIT cannot be read: it is too sh"
    ) as (caught):
        open_channel(ABOUT, connection)
    assert (caught.value.errno, connection.closed) == (EPROTO, True)


def test_key_that_is_gone_is_told_as_it_is_and_the_connection_closed() -> None:
    connection = Answering(OSError(ENODEV, "the key is gone"))
    with pytest.raises(OSError, match="the key is gone") as caught:
        open_channel(ABOUT, connection)
    assert (caught.value.errno, connection.closed) == (ENODEV, True)
