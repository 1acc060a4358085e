"""Connections to a key in this process."""

from __future__ import annotations

import pytest

from mfalab.devices.ctap.ctaphid import BROADCAST, HidCommand, packets
from mfalab.devices.ctap.user import (
    touching,
)
from mfalab.devices.transports.memory import KeyUnplugged
from support.keys import S, ask, opened, plugged


class TestConnections:
    def test_clients_hear_their_own_channels_only(self) -> None:
        key = plugged()
        devices = [key.device() for _ in range(3)]
        for device in devices * 2:
            assert device.ping(bytes(200)) == bytes(200)

    def test_one_that_hears_everything_is_a_hidraw_node(self) -> None:
        key = plugged()
        ear, _ = opened(key, everything=True)
        mine, channel = opened(key)
        ear.read()
        ask(mine, channel, HidCommand.PING, b"secret")
        assert ear.read()[7:13] == b"secret"
        assert ear.read_now() is None

    def test_two_inits_at_once_are_answered_to_the_client_that_asked(self) -> None:
        key = plugged()
        one, two = key.connect(), key.connect()
        one.write(packets(BROADCAST, HidCommand.INIT, b"nonce  1")[0])
        two.write(packets(BROADCAST, HidCommand.INIT, b"nonce  2")[0])
        assert (one.read()[7:15], two.read()[7:15]) == (b"nonce  1", b"nonce  2")

    def test_a_client_on_a_foreign_channel_does_not_take_its_answers_away(self) -> None:
        key = plugged(user=touching(S))
        mine, channel = opened(key)
        mine.write(packets(channel, HidCommand.CBOR, b"\x0b")[0])
        stranger = key.connect()
        stranger.write(packets(channel, HidCommand.PING, b"x")[0])
        key.advance(S)
        heard = []
        while (report := mine.read_now()) is not None:
            heard.append(report)
        assert heard[-1][4] == 0x80 | HidCommand.CBOR

    def test_a_closed_connection_is_an_error_and_leaves_the_others_alone(self) -> None:
        key = plugged()
        one, two = key.device(), key.device()
        one.close()
        one.close()
        with pytest.raises(KeyUnplugged):
            one.ping()
        assert two.ping(b"x") == b"x"
