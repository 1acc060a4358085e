"""A key on vsmartcard's virtual reader: messages, and pcscd as the stranger on the other side."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fido2 import cbor

from mfalab.devices.ctap.faults import NO_FAULTS
from mfalab.devices.errors import NotOffered
from mfalab.devices.schedule import WallTime
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.listener import Messages
from mfalab.devices.transports.vpcd import (
    CONTACTLESS_ATR,
    Reader,
    ReaderMissing,
    VpcdCard,
)

SELECT = bytes.fromhex("00A4040008A0000006472F000100")
GET_INFO = bytes.fromhex("80100000010400")
MAKE_KEY = Callable[..., SecurityKey]
Served = Callable[[Any], None]


class FakeReader:
    """The other end of vpcd: what its driver inside pcscd does."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(10)
        self.port = self.listener.getsockname()[1]
        self.stream: socket.socket
        self.messages = Messages()

    def accept(self) -> None:
        if hasattr(self, "stream"):
            self.stream.close()
        self.stream, _ = self.listener.accept()
        self.stream.settimeout(10)
        self.messages = Messages()

    def say(self, message: bytes) -> None:
        self.stream.sendall(Messages.frame(message))

    def hear(self) -> bytes:
        found: list[bytes] = []
        while not found:
            part = self.stream.recv(4096)
            assert part, "the card has left the field"
            found = self.messages.feed(part)
        assert len(found) == 1
        return found[0]

    def close(self) -> None:
        self.listener.close()
        if hasattr(self, "stream"):
            self.stream.close()


@pytest.fixture
def reader() -> Iterator[FakeReader]:
    reader = FakeReader()
    yield reader
    reader.close()


@pytest.fixture
def card(new_key: MAKE_KEY, reader: FakeReader) -> Iterator[VpcdCard]:
    """A key that has just been laid on the reader."""
    card = VpcdCard(new_key(), reader.port)
    card.tap()
    reader.accept()
    yield card
    card.close()


@pytest.fixture
def ask(card: VpcdCard, reader: FakeReader, served: Served) -> Callable[[bytes], bytes]:
    def ask(message: bytes) -> bytes:
        reader.say(message)
        served(card)
        return reader.hear()

    return ask


Ask = Callable[[bytes], bytes]


class TestCard:
    def test_the_answer_to_reset_is_a_contactless_cards(self, ask: Ask) -> None:
        answer = ask(bytes((Reader.ATR,)))
        assert answer == CONTACTLESS_ATR
        # TCK makes all bytes after the first cancel out. ISO/IEC 7816-3 section 8.2.5.
        check = 0
        for byte in answer[1:]:
            check ^= byte
        assert check == 0

    def test_commands_are_answered(self, ask: Ask) -> None:
        assert ask(SELECT) == b"U2F_V2\x90\x00"
        assert ask(GET_INFO)[0] == 0

    def test_reset_is_a_new_start_for_the_key(
        self, card: VpcdCard, reader: FakeReader, ask: Ask, served: Served
    ) -> None:
        ask(SELECT)
        reader.say(bytes((Reader.RESET,)))
        served(card)
        assert ask(GET_INFO) == b"\x69\x86"

    def test_a_field_that_is_off_leaves_the_card_there_and_dark(
        self, card: VpcdCard, reader: FakeReader, ask: Ask, served: Served
    ) -> None:
        reader.say(bytes((Reader.OFF,)))
        served(card)
        assert card.tapped
        assert ask(SELECT) == b"\x6f\x00"
        reader.say(bytes((Reader.ON,)))
        served(card)
        assert ask(SELECT) == b"U2F_V2\x90\x00"

    def test_lifting_ends_the_connection_and_tapping_makes_another(
        self, card: VpcdCard, reader: FakeReader, ask: Ask
    ) -> None:
        card.lift()
        assert not card.tapped
        assert reader.stream.recv(1) == b""
        card.tap()
        reader.accept()
        assert ask(SELECT) == b"U2F_V2\x90\x00"

    def test_messages_in_one_piece_or_in_crumbs_are_understood(
        self, card: VpcdCard, reader: FakeReader, served: Served
    ) -> None:
        for byte in Messages.frame(b"\x01") + Messages.frame(SELECT):
            reader.stream.sendall(bytes((byte,)))
            served(card)
        assert reader.hear() == b"U2F_V2\x90\x00"

    def test_a_late_answer_is_sent_when_it_is_there(
        self, new_key: MAKE_KEY, reader: FakeReader, served: Served, time: WallTime
    ) -> None:
        key = new_key(faults=replace(NO_FAULTS, slow_crypto_ns=20_000_000))
        card = VpcdCard(key, reader.port)
        card.tap()
        reader.accept()
        reader.say(SELECT)
        served(card)
        reader.hear()
        make = b"\x01" + cbor.encode(
            {
                1: bytes(32),
                2: {"id": "a.example"},
                3: {"id": b"a", "name": "a"},
                4: [{"alg": -7, "type": "public-key"}],
            }
        )
        reader.say(bytes.fromhex("80100000") + bytes((len(make),)) + make + b"\0")
        served(card)
        assert time.left_ns()
        time.wait_until(lambda: time.left_ns() is None, card)
        card.send()
        assert reader.hear()[0] in {0, 0x61}
        card.close()

    def test_a_reader_that_goes_away_is_noticed(
        self, new_key: MAKE_KEY, reader: FakeReader, served: Served
    ) -> None:
        lost: list[bool] = []
        key = new_key()
        card = VpcdCard(key, reader.port, lambda: lost.append(True))
        card.tap()
        reader.accept()
        reader.stream.close()
        served(card)
        assert (lost, card.tapped, key.in_field) == ([True], False, False)
        card.close()

    def test_without_a_reader_the_error_says_what_to_install(self, new_key: MAKE_KEY) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        key = new_key()
        with pytest.raises(ReaderMissing, match="vsmartcard-vpcd") as caught:
            VpcdCard(key, port).tap()
        assert str(port) in str(caught.value)
        assert not key.in_field

    def test_a_key_without_antenna_or_in_a_port_cannot_be_tapped(
        self, new_key: MAKE_KEY, key: SecurityKey, reader: FakeReader
    ) -> None:
        with pytest.raises(NotOffered, match="Unplug it first"):
            VpcdCard(key, reader.port).tap()
        with pytest.raises(NotOffered, match="NFC"):
            VpcdCard(new_key("u2f-2016"), reader.port).tap()


@pytest.fixture
def daemon(pcscd: Any) -> tuple[int, dict[str, str]]:
    """A pcscd of the test's own: the port of its virtual reader, and what clients need."""
    return pcscd.ports[0], pcscd.environment


CLIENT = """
import sys, time
from fido2.ctap import CtapError
from fido2.ctap2 import Ctap2
from fido2.pcsc import CtapPcscDevice

def listed(many):
    until = time.monotonic() + 30
    while len(found := list(CtapPcscDevice.list_devices())) != many and time.monotonic() < until:
        time.sleep(0.05)
    return found

def make(device):
    return Ctap2(device).make_credential(
        bytes(32),
        {"id": "example.com", "name": "Example"},
        {"id": b"alice", "name": "alice"},
        [{"type": "public-key", "alg": -7}],
        options={"rk": True},
    )
"""


@pytest.fixture
def client(daemon: tuple[int, dict[str, str]]) -> Callable[[str], str]:
    """Runs a client in a process of its own, which is where the daemon's address is read."""

    def run(code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", CLIENT + code],
            env=daemon[1],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def laid_down(
    daemon: tuple[int, dict[str, str]], tmp_path: Path
) -> Iterator[subprocess.Popen[str]]:
    """`mfalab key plug --nfc`, once the card lies on the reader."""
    mfalab = Path(sys.executable).with_name("mfalab")
    file = str(tmp_path / "my.key")
    subprocess.run([mfalab, "key", "new", file, "--seed", "1"], check=True, capture_output=True)
    port, environment = daemon
    while True:  # until the daemon has loaded the reader's driver
        process = subprocess.Popen(
            [mfalab, "key", "plug", file, "--nfc", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "PYTHONUNBUFFERED": "1"},
        )
        assert process.stdout is not None
        said = [process.stdout.readline().strip(), process.stdout.readline().strip()]
        if said[1] == "on the reader":
            break
        assert process.wait(10) == 3
        process.communicate()
    assert said[0] == f"nfc 127.0.0.1:{port}"
    yield process
    process.terminate()
    process.communicate(timeout=10)


def tell(process: subprocess.Popen[str], line: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


@pytest.mark.slow
class TestPcscd:
    def test_python_fido2_finds_the_key_and_registers_by_the_tap(
        self, laid_down: subprocess.Popen[str], client: Callable[[str], str]
    ) -> None:
        said = client(
            "device, = listed(1)\n"
            "print(device.get_atr().hex(), Ctap2(device).info.transports)\n"
            "made = make(device)\n"
            "print(made.auth_data.flags & 1)\n"
            "try: make(device)\n"
            "except CtapError as error: print(error.code.name)\n"
        )
        assert said.splitlines() == [
            CONTACTLESS_ATR.hex() + " ['usb', 'nfc']",
            "1",
            "UP_REQUIRED",
        ]

    def test_a_card_that_is_lifted_is_gone_and_a_new_tap_counts_again(
        self, laid_down: subprocess.Popen[str], client: Callable[[str], str]
    ) -> None:
        client("make(listed(1)[0])")
        assert tell(laid_down, "lift") == "off the reader"
        assert client("print(listed(0))") == "[]\n"
        assert tell(laid_down, "tap") == "on the reader"
        client(
            "answer = Ctap2(listed(1)[0]).get_assertion('example.com', bytes(32))\n"
            "assert answer.auth_data.flags & 1\n"
        )
