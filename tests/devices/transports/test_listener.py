"""A port of the loopback interface, and messages behind their lengths."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.transports.listener import LOOPBACK, Listener, Messages, Peer


class Echo(Peer):
    """Sends back what has come, until it is told to stop."""

    def __init__(self, stream: socket.socket) -> None:
        super().__init__(stream)
        self.full = False

    def _take(self, part: bytes) -> bool:
        self._unsent += part
        return part != b"stop"

    def _collect(self) -> bool:
        return not self.full


@pytest.fixture
def listener() -> Iterator[Listener[Echo]]:
    made = Listener(0, Echo)
    yield made
    made.close()


@pytest.fixture
def client(listener: Listener[Echo]) -> Iterator[socket.socket]:
    with socket.create_connection((LOOPBACK, listener.port), 5) as made:
        turn(listener)
        yield made


def turn(listener: Listener[Echo]) -> None:
    """What a loop does when the file of the listener is readable."""
    assert select.select([listener], [], [], 5)[0]
    listener.receive()


class TestListener:
    def test_what_has_come_is_answered(
        self, listener: Listener[Echo], client: socket.socket
    ) -> None:
        client.sendall(b"hello")
        turn(listener)
        assert client.recv(100) == b"hello"

    def test_each_connection_hears_its_own_answers(
        self, listener: Listener[Echo], client: socket.socket
    ) -> None:
        with socket.create_connection((LOOPBACK, listener.port), 5) as other:
            turn(listener)
            other.sendall(b"two")
            turn(listener)
            client.sendall(b"one")
            turn(listener)
            assert (client.recv(100), other.recv(100)) == (b"one", b"two")

    def test_a_peer_that_is_done_is_closed(
        self, listener: Listener[Echo], client: socket.socket
    ) -> None:
        client.sendall(b"stop")
        turn(listener)
        assert client.recv(100) == b""

    def test_a_peer_with_nothing_more_to_say_sends_the_rest_and_is_closed(
        self, listener: Listener[Echo], client: socket.socket
    ) -> None:
        listener._peers[0]._unsent += b"rest"
        listener._peers[0].full = True
        listener.send()
        assert (client.recv(100), client.recv(100)) == (b"rest", b"")

    def test_a_peer_whose_other_side_has_ended_is_forgotten(
        self, listener: Listener[Echo], client: socket.socket
    ) -> None:
        client.close()
        turn(listener)
        assert listener._peers == []

    def test_a_connection_that_is_refused_is_closed(self) -> None:
        refusing: Listener[Echo] = Listener(0, lambda stream: None)
        with socket.create_connection((LOOPBACK, refusing.port), 5) as client:
            turn(refusing)
            assert client.recv(100) == b""
        refusing.close()

    def test_closing_ends_every_connection(
        self, listener: Listener[Echo], client: socket.socket
    ) -> None:
        listener.close()
        assert client.recv(100) == b""

    def test_a_port_that_is_taken_is_an_error(self, listener: Listener[Echo]) -> None:
        with pytest.raises(OSError, match="in use"):
            Listener(listener.port, Echo)


class TestMessages:
    @given(st.lists(st.binary(max_size=300)), st.integers(1, 50))
    def test_messages_come_out_whole_however_the_stream_is_cut(
        self, messages: list[bytes], size: int
    ) -> None:
        stream = b"".join(map(Messages.frame, messages))
        reader = Messages()
        found = [
            message
            for start in range(0, len(stream), size)
            for message in reader.feed(stream[start : start + size])
        ]
        assert found == messages

    def test_a_message_longer_than_its_length_can_say_is_refused(self) -> None:
        with pytest.raises(OverflowError):
            Messages.frame(bytes(65536))
