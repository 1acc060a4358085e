"""A USB wire that loses, doubles, delays and spoils packets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfalab.devices.ctap.ctaphid import HidCommand, HidError, packets
from mfalab.devices.ctap.user import (
    touching,
)
from mfalab.devices.schedule import NothingWillHappen
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.memory import Connection
from mfalab.devices.transports.wire import Direction, WireFaults
from support.keys import MS, S, ask, error, opened, plugged


class TestWire:
    def wired(self, **faults: object) -> tuple[SecurityKey, Connection, int]:
        key = plugged()
        connection, channel = opened(key)
        key.wire = WireFaults(**faults)
        return key, connection, channel

    def ask(self, faults: dict[str, object]) -> bytes:
        _, connection, channel = self.wired(**faults)
        return ask(connection, channel, HidCommand.PING, bytes(range(200)))

    def test_a_lost_packet_is_found_out_by_sequence_or_by_time(self) -> None:
        to_key = {"lost": 1.0, "direction": Direction.TO_KEY}
        assert self.ask({**to_key, "only": frozenset({1})})[4:8] == error(HidError.INVALID_SEQ)
        assert self.ask({**to_key, "only": frozenset({3})})[4:8] == error(HidError.MSG_TIMEOUT)

    def test_a_doubled_or_late_packet_is_a_wrong_sequence(self) -> None:
        for fault in ("duplicated", "reordered"):
            faults = {fault: 1.0, "only": frozenset({1})}
            assert self.ask(faults)[4:8] == error(HidError.INVALID_SEQ)

    def test_a_corrupted_packet_has_one_wrong_bit(self) -> None:
        key, connection, channel = self.wired(
            corrupted=1.0, direction=Direction.TO_HOST, only=frozenset({0})
        )
        good = packets(channel, HidCommand.PING, b"x" * 57)[0]
        ear = key.connect(everything=True)
        connection.write(good)
        bad = ear.read()
        differing = int.from_bytes(good) ^ int.from_bytes(bad)
        assert differing.bit_count() == 1

    def test_a_lost_answer_leaves_the_client_waiting(self) -> None:
        _, connection, channel = self.wired(lost=1.0, direction=Direction.TO_HOST)
        with pytest.raises(NothingWillHappen):
            ask(connection, channel, HidCommand.PING, b"x")

    def test_a_stalled_endpoint_lets_everything_through_when_it_is_free_again(self) -> None:
        for direction in (None, *Direction):
            key, connection, channel = self.wired(stalled=True, direction=direction)
            for report in packets(channel, HidCommand.PING, bytes(100)):
                connection.write(report)
            key.advance(10 * S)
            assert connection.read_now() is None
            key.wire = WireFaults()
            assert connection.read()[4] == 0x80 | HidCommand.PING

    def test_a_late_packet_arrives_at_last_when_the_wire_is_good_again(self) -> None:
        key, connection, channel = self.wired(reordered=1.0)
        connection.write(packets(channel, HidCommand.PING, b"late")[0])
        assert connection.read_now() is None
        key.wire = WireFaults()
        assert connection.read()[7:11] == b"late"

    def test_a_stall_ends_with_the_plug(self) -> None:
        key, connection, channel = self.wired(stalled=True)
        connection.write(packets(channel, HidCommand.PING, b"x")[0])
        key.power_cycle()
        key.wire = WireFaults()
        assert key.device().ping(b"y") == b"y"

    @pytest.mark.parametrize("chance", [-0.1, 1.1])
    def test_a_chance_is_from_none_to_certain(self, chance: float) -> None:
        with pytest.raises(ValueError, match="lost is a chance from 0 to 1"):
            WireFaults(lost=chance)

    @given(
        st.integers(0, 2**32),
        st.floats(0, 0.5),
        st.floats(0, 0.5),
        st.floats(0, 0.5),
        st.floats(0, 0.5),
    )
    @settings(max_examples=60)
    def test_on_any_bad_wire_nothing_breaks_and_the_same_seed_spoils_the_same(
        self, seed: int, lost: float, duplicated: float, reordered: float, corrupted: float
    ) -> None:
        def course() -> list[bytes]:
            key = plugged(user=touching(50 * MS), seed=seed)
            connection, channel = opened(key, everything=True)
            key.wire = WireFaults(
                lost=lost, duplicated=duplicated, reordered=reordered, corrupted=corrupted
            )
            heard = []
            for data in (b"\x04", b"\x0b", bytes(300), b"\x04"):
                for report in packets(channel, HidCommand.CBOR, data):
                    connection.write(report)
                key.advance(S)
                while (report := connection.read_now()) is not None:
                    heard.append(report)
            key.wire = WireFaults()
            key.advance(31 * S)
            while connection.read_now() is not None:
                pass
            assert key.device().ping(b"alive") == b"alive"
            return heard

        assert course() == course()
