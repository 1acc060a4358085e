"""A recording stands for the key: the same client has the same answers, another is told so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fido2.attestation import PackedAttestation
from fido2.ctap import CtapError
from fido2.ctap1 import ApduError, Ctap1
from fido2.ctap2 import ClientPin, Ctap2

from mfalab.devices.ctap.ctaphid import packets
from mfalab.devices.ctap.user import Asked, Reaction, absent, touching
from mfalab.simulator.abilities import Ability
from mfalab.simulator.keys.fixture import CannotDo, Fixture
from mfalab.simulator.keys.simulated import SimulatedFixture
from mfalab.simulator.traces.likeness import Strictness
from mfalab.simulator.traces.replay import Departed
from mfalab.simulator.traces.replay_fixture import ReplayFixture

Record = Callable[..., Path]
NS_PER_S = 10**9
INIT, PING, CBOR, CANCEL, ERROR = 0x06, 0x01, 0x10, 0x11, 0x3F
BROADCAST = 0xFFFFFFFF


def replayed(path: Path, strictness: Strictness = Strictness.SHAPE) -> ReplayFixture:
    return ReplayFixture(f"replay:{path}", strictness=strictness)


class TestTheSameClient:
    def test_has_the_answers_of_the_recording(self, record: Record, session: Any) -> None:
        seen = []
        path = record(lambda fixture: seen.append(session(fixture)))
        with replayed(path) as fixture:
            registered, signed_in = session(fixture)
            assert fixture.player.finished
        before, after = seen[0]
        assert registered.raw_id == before.raw_id
        assert registered.response.attestation_object.fmt == "packed"
        attestation = registered.response.attestation_object
        PackedAttestation().verify(
            attestation.att_stmt, attestation.auth_data, before.response.client_data.hash
        )
        assert signed_in.response.signature == after.response.signature

    def test_hears_them_after_the_recorded_time(
        self, record: Record, session: Any, key: SimulatedFixture
    ) -> None:
        key.wait(1_700_000_000 * NS_PER_S)
        began_ns = key.now_ns()
        path = record(session)
        with replayed(path) as fixture:
            assert fixture.now_ns() == began_ns
            session(fixture)
            assert fixture.now_ns() == key.now_ns()

    def test_is_asked_for_touches_where_the_key_asked(self, record: Record, session: Any) -> None:
        path = record(session)
        asked: list[Asked] = []

        def person(each: Asked) -> Reaction | None:
            asked.append(each)
            return None

        with replayed(path) as fixture:
            fixture.user = person
            session(fixture)
        assert len(asked) == 2

    def test_may_ask_for_info_more_often_and_less_often(self, record: Record) -> None:
        def thrice(fixture: Fixture) -> None:
            device = fixture.connect()
            for _ in range(3):
                info = Ctap2(device).info
            assert ClientPin(Ctap2(device)).get_pin_retries()[0] == 8
            assert info.options["rk"]

        def once(fixture: Fixture) -> None:
            ClientPin(Ctap2(fixture.connect())).get_pin_retries()

        path = record(thrice)
        with replayed(path) as fixture:
            once(fixture)
            assert fixture.player.finished
        path = record(once)
        with replayed(path) as fixture:
            thrice(fixture)

    def test_may_open_more_channels(self, record: Record) -> None:
        path = record(lambda fixture: ClientPin(Ctap2(fixture.connect())).get_pin_retries())
        with replayed(path) as fixture:
            channels = {fixture.connect()._channel_id for _ in range(3)}
            assert len(channels) == 3
            assert ClientPin(Ctap2(fixture.connect())).get_pin_retries()[0] == 8

    def test_has_errors_and_power_cycles_again(self, record: Record) -> None:
        def wrong_pins(fixture: Fixture) -> list[int]:
            codes = []
            ClientPin(Ctap2(fixture.connect())).set_pin("123456")
            for _ in range(2):
                client_pin = ClientPin(Ctap2(fixture.connect()))
                for _ in range(4):
                    with pytest.raises(CtapError) as caught:
                        client_pin.get_pin_token("654321")
                    codes.append(int(caught.value.code))
                fixture.power_cycle()
            return codes

        seen: list[Any] = []
        path = record(lambda fixture: seen.append(wrong_pins(fixture)))
        assert seen == [[0x31, 0x31, 0x34, 0x34, 0x31, 0x31, 0x34, 0x34]]
        with replayed(path) as fixture:
            assert Ability.POWER in fixture.can
            assert wrong_pins(fixture) == seen[0]
            assert fixture.player.finished

    def test_speaks_u2f_again(self, record: Record, key: SimulatedFixture) -> None:
        key.user = touching()

        def u2f(fixture: Fixture) -> tuple[str, bytes]:
            ctap = Ctap1(fixture.connect())
            version = ctap.get_version()
            with pytest.raises(ApduError) as refused:
                ctap.register(b"c" * 32, b"a" * 32)
            assert refused.value.code == 0x6985
            data = ctap.register(b"c" * 32, b"a" * 32)
            data.verify(b"a" * 32, b"c" * 32)
            return version, bytes(data)

        seen: list[Any] = []
        path = record(lambda fixture: seen.append(u2f(fixture)))
        with replayed(path) as fixture:
            assert u2f(fixture) == seen[0]


class TestRawReports:
    def exchange(self, fixture: Fixture) -> list[bytes]:
        """Wrong and interrupted messages, and what the key says to them."""
        heard: list[bytes] = []
        reports = fixture.reports()

        def listen(*sent: bytes, within_ns: int = NS_PER_S) -> None:
            for report in sent:
                reports.write(report)
            while (report := reports.read(within_ns)) is not None:
                heard.append(report)

        listen(*packets(BROADCAST, INIT, b"nonce-01"))
        channel = int.from_bytes(heard[0][15:19])
        long = packets(channel, PING, b"p" * 200)
        listen(*long[:2])  # never goes on: MSG_TIMEOUT
        listen(long[3])  # out of nowhere: silence
        listen(long[0], long[2])  # wrong sequence
        listen(long[0], *packets(channel, INIT, b"nonce-02"))  # made quiet
        listen(*long)
        listen(*packets(channel + 1000, PING, b"x"))  # not a channel
        listen(*packets(BROADCAST, INIT, b"nonce-03"))
        other = int.from_bytes(heard[-1][15:19])
        listen(long[0], *packets(other, PING, b"busy"), *long[1:])
        reports.close()
        return heard

    def test_are_answered_as_recorded(self, record: Record) -> None:
        seen: list[list[bytes]] = []
        path = record(lambda fixture: seen.append(self.exchange(fixture)))
        with replayed(path) as fixture:
            assert self.exchange(fixture) == seen[0]
            assert fixture.player.finished
        errors = [report[7] for report in seen[0] if report[4] == 0x80 | ERROR]
        assert errors == [0x05, 0x04, 0x0B, 0x06]

    def test_cancel_ends_the_wait_for_a_touch_again(
        self, record: Record, key: SimulatedFixture
    ) -> None:
        key.user = absent

        def cancelled(fixture: Fixture, times: int = 1) -> list[bytes]:
            reports = fixture.reports()
            reports.write(packets(BROADCAST, INIT, b"nonce-01")[0])
            opened = reports.read(NS_PER_S)
            assert opened is not None
            channel = int.from_bytes(opened[15:19])
            reports.write(packets(channel, CBOR, b"\x0b")[0])
            heard = []
            while (report := reports.read(NS_PER_S)) is not None:
                heard.append(report[4:])
                if len(heard) == 3:
                    for _ in range(times):
                        reports.write(packets(channel, CANCEL, b"")[0])
            return heard

        seen: list[Any] = []
        path = record(lambda fixture: seen.append(cancelled(fixture)))
        assert seen[0][-1][3] == 0x2D
        for times in (1, 3):
            with replayed(path) as fixture:
                assert cancelled(fixture, times) == seen[0]


class TestAnotherClient:
    def test_is_told_what_was_expected_and_what_came(self, record: Record) -> None:
        path = record(lambda fixture: ClientPin(Ctap2(fixture.connect())).get_pin_retries())
        with replayed(path) as fixture:
            ctap = Ctap2(fixture.connect())
            with pytest.raises(Departed) as caught:
                ctap.selection()
            text = str(caught.value)
            assert "at message 6" in text
            assert "CBOR selection instead of CBOR clientPIN getPinRetries" in text
            assert caught.value.expected.startswith("CBOR clientPIN getPinRetries {/pinUv")
            assert caught.value.got == "CBOR selection"
            # It stays departed, also for what was recorded.
            with pytest.raises(Departed):
                ClientPin(ctap).get_pin_retries()

    def test_is_told_which_member_differs(self, record: Record) -> None:
        def makes(fixture: Fixture, name: str, handle: bytes) -> None:
            Ctap2(fixture.connect()).make_credential(
                b"h" * 32,
                {"id": "example.com"},
                {"id": handle, "name": name},
                [{"type": "public-key", "alg": -7}],
            )

        path = record(lambda fixture: makes(fixture, "alice", b"1"))
        for name, handle, why in (
            ("bob", b"1", "member 'name' of member 3 of the parameters: 'bob' instead of 'alice'"),
            ("alice", b"12", "member 'id' of member 3 of the parameters: 2 bytes instead of 1"),
        ):
            with replayed(path) as fixture, pytest.raises(Departed) as caught:
                makes(fixture, name, handle)
            assert caught.value.why == why
        with replayed(path, Strictness.COMMANDS) as fixture:
            makes(fixture, "bob", b"12")
        with replayed(path) as fixture:
            makes(fixture, "alice", b"2")
        with replayed(path, Strictness.BYTES) as fixture, pytest.raises(Departed, match="bytes"):
            makes(fixture, "alice", b"2")
        with replayed(path, Strictness.BYTES) as fixture:
            makes(fixture, "alice", b"1")

    def test_that_goes_on_is_told_that_the_recording_has_ended(self, record: Record) -> None:
        path = record(lambda fixture: fixture.connect())
        with replayed(path) as fixture, pytest.raises(Departed, match="nothing more"):
            fixture.connect().ping(b"1")

    def test_waits_for_no_answer_that_was_cut_off(self, record: Record) -> None:
        path = record(lambda fixture: fixture.connect().ping(b"1"))
        raw = path.read_bytes()
        path.write_bytes(raw[:-8])
        with replayed(path) as fixture:
            with pytest.raises(Departed, match="the recording ends before the answer"):
                fixture.connect().ping(b"1")
            assert fixture.cut


class Tapped(SimulatedFixture):
    """A simulated key on a reader."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self.can = self.can - {Ability.REPORTS}
        self.key.unplug()

    def connect(self) -> Any:
        from fido2.pcsc import CtapPcscDevice

        self.key.lift()
        return CtapPcscDevice(self.key.card(), self.name)


class TestCards:
    def test_the_same_client_has_the_answers_of_the_recording(self, record: Record) -> None:
        def session(fixture: Fixture) -> tuple[Any, Any]:
            device = fixture.connect()
            ctap = Ctap2(device)
            client_pin = ClientPin(ctap)
            client_pin.set_pin("123456")
            token = client_pin.get_pin_token("123456", ClientPin.PERMISSION(1), "example.com")
            made = ctap.make_credential(
                b"h" * 32,
                {"id": "example.com"},
                {"id": b"1", "name": "x" * 300},
                [{"type": "public-key", "alg": -7}],
                pin_uv_param=client_pin.protocol.authenticate(token, b"h" * 32),
                pin_uv_protocol=client_pin.protocol.VERSION,
            )
            return bytes(made.auth_data), ctap.info.versions

        seen: list[Any] = []
        path = record(lambda fixture: seen.append(session(fixture)), Tapped("ctap-2.1-pin"))
        with replayed(path) as fixture:
            assert session(fixture) == seen[0]
            assert fixture.can == frozenset()
            with pytest.raises(CannotDo, match="APDUs were recorded"):
                fixture.reports()
        with replayed(path) as fixture:
            ctap = Ctap2(fixture.connect())
            with pytest.raises(Departed, match="selection instead of NFCCTAP_MSG clientPIN"):
                ctap.selection()
