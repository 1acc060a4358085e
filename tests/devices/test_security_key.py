"""The security key as scenarios and clients hold it: power, time, people, faults, wires."""

from __future__ import annotations

import pickle
import threading
import tracemalloc
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from fido2.client import DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.ctap import CtapError
from fido2.ctap1 import ApduError, Ctap1
from fido2.ctap2 import ClientPin, Ctap2
from fido2.webauthn import (
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialParameters,
    PublicKeyCredentialRequestOptions,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    UserVerificationRequirement,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from mfalab.devices.ctap.ctaphid import BROADCAST, HidCommand, HidError, packets
from mfalab.devices.ctap.faults import Faults
from mfalab.devices.ctap.model import load_model
from mfalab.devices.ctap.storage import (
    FileStorage,
    MemoryStorage,
    StateFileInvalid,
    StateInUse,
)
from mfalab.devices.ctap.user import (
    Asked,
    absent,
    touching,
)
from mfalab.devices.errors import DeviceUnusable, NotOffered
from mfalab.devices.schedule import OwnTime, WallTime
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.memory import KeyUnplugged
from mfalab.simulator.clocks import WallClock
from mfalab.simulator.entropy import Entropy
from support.keys import HASH, MS, RP, S, ask, error, make, new, opened, plugged, refusal

ERR = CtapError.ERR


class TestPower:
    def test_a_new_key_has_no_power_and_no_way_to_it(self) -> None:
        key = new()
        assert (key.plugged, key.in_field, key.state.powered) == (False, False, False)
        with pytest.raises(KeyUnplugged, match="Plug it in"):
            key.connection()
        with pytest.raises(OSError, match="not plugged in"):
            key.device()

    def test_plugging_twice_and_unplugging_twice_do_no_harm(self) -> None:
        key = plugged()
        device = key.device()
        key.plug()
        assert device.ping(b"still") == b"still"
        key.unplug()
        key.unplug()
        assert not key.plugged

    def test_a_connection_ends_with_the_plug_and_does_not_come_back(self) -> None:
        key = plugged()
        connection = key.connection()
        key.power_cycle()
        for use in (connection.read_packet, lambda: connection.write_packet(bytes(64))):
            with pytest.raises(KeyUnplugged) as caught:
                use()
        assert caught.value.errno is not None
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
        assert key.device().ping(b"new") == b"new"

    def test_channels_are_others_after_a_power_cycle(self) -> None:
        key = plugged()

        def channel() -> bytes:
            connection = key.connect()
            connection.write(packets(BROADCAST, HidCommand.INIT, b"12345678")[0])
            return connection.read()[15:19]

        before = channel()
        key.power_cycle()
        assert channel() != before

    def test_pulled_out_during_a_registration_nothing_is_half_made(self) -> None:
        time = OwnTime()
        key = plugged(user=absent, scheduler=time)
        writes = key.state.writes
        time.after(3 * S, key.unplug)
        with pytest.raises(KeyUnplugged):
            make(key)
        assert time.now_ns() == 3 * S
        key.plug()
        assert (key.state.credentials, key.state.writes) == ((), writes)
        key.user = touching()
        make(key)
        assert len(key.state.credentials) == 1

    @pytest.mark.parametrize("model", ["ctap-2.1-pin", "u2f-2016"])
    def test_a_user_assigned_while_it_blinks_acts(self, model: str) -> None:
        time = OwnTime()
        key = plugged(model, user=absent, scheduler=time)
        time.after(3 * S, lambda: setattr(key, "user", touching()))
        if model == "u2f-2016":
            device = key.device()
            with pytest.raises(ApduError):
                Ctap1(device).register(HASH, HASH)
            key.user = touching()
            Ctap1(device).register(HASH, HASH)
        else:
            make(key)
            assert time.now_ns() == 3 * S

    def test_a_reset_is_allowed_for_ten_seconds_after_power_and_not_later(self) -> None:
        key = plugged()
        make(key)
        key.advance(10 * S + 1)
        assert refusal(Ctap2(key.device()).reset) == ERR.NOT_ALLOWED
        assert len(key.state.credentials) == 1
        key.power_cycle()
        key.advance(10 * S)
        Ctap2(key.device()).reset()
        assert key.state.credentials == ()

    def test_a_broken_key_stays_dark(self) -> None:
        key = plugged()
        key.break_()
        assert not key.plugged
        with pytest.raises(DeviceUnusable, match="is broken"):
            key.plug()

    def test_wipe_makes_it_as_new_whatever_was_on_it(self) -> None:
        key = plugged()
        make(key)
        ClientPin(Ctap2(key.device())).set_pin("1234")
        key.wipe()
        assert (key.plugged, key.state.credentials, key.state.pin_is_set) == (True, (), False)
        assert refusal(lambda: Ctap2(key.device()).get_assertion("example.com", HASH)) == (
            ERR.NO_CREDENTIALS
        )

    def test_power_cut_at_a_write_takes_the_key_off_its_port(self) -> None:
        key = plugged()
        key.faults = Faults(power_cut_at_write=1)
        with pytest.raises(KeyUnplugged):
            make(key)
        assert not key.plugged
        key.faults = Faults()
        key.plug()
        assert key.state.credentials == ()
        make(key)

    def test_power_cut_in_a_u2f_request_is_no_answer_either(self) -> None:
        key = plugged("u2f-2016")
        ctap = Ctap1(key.device())
        key.user = touching()
        with pytest.raises(ApduError):
            ctap.register(HASH, HASH)
        registered = ctap.register(HASH, HASH)
        with pytest.raises(ApduError):
            ctap.authenticate(HASH, HASH, registered.key_handle)
        key.faults = Faults(power_cut_at_write=1)
        with pytest.raises(KeyUnplugged):
            ctap.authenticate(HASH, HASH, registered.key_handle)

    def test_its_state_lives_in_its_file(self, tmp_path: Path) -> None:
        first = plugged(state=tmp_path / "key")
        made = make(first)
        with pytest.raises(StateInUse, match="close that key, first"):
            plugged(state=tmp_path / "key", seed=2)
        first.close()
        first.close()
        again = plugged(state=tmp_path / "key", seed=2)
        assertion = Ctap2(again.device()).get_assertion("example.com", HASH)
        assertion.verify(HASH, made.auth_data.credential_data.public_key)

    def test_a_key_that_could_not_be_made_keeps_no_file(self, tmp_path: Path) -> None:
        with closing(FileStorage(tmp_path / "key")) as storage:
            storage.write({"pin": b"no pin"})
        for _ in range(2):
            with pytest.raises(StateFileInvalid, match=r'key is not the state.*record "secrets"'):
                new(state=tmp_path / "key")

    def test_records_of_others_outlive_a_reset(self) -> None:
        """A reset through the Python API made a file of `mfalab key new` one that is no key."""
        storage = MemoryStorage({"key/model": b"ctap-2.1-pin"})
        key = plugged(state=storage)
        Ctap2(key.device()).reset()
        key.wipe()
        assert storage.read()["key/model"] == b"ctap-2.1-pin"

    def test_a_clone_signs_as_the_original_and_their_counters_part(self) -> None:
        key = plugged()
        made = make(key)
        clone = key.clone(random_bytes=Entropy(2).random_bytes("clone"))
        clone.plug()
        assertions = [
            Ctap2(each.device()).get_assertion("example.com", HASH) for each in (key, clone)
        ]
        for assertion in assertions:
            assertion.verify(HASH, made.auth_data.credential_data.public_key)
        assert len({assertion.auth_data.counter for assertion in assertions}) == 1
        make(clone, b"bob")
        assert (len(key.state.credentials), len(clone.state.credentials)) == (1, 2)
        assert clone.name == "clone of security key"

    def test_wink_is_seen(self) -> None:
        key = plugged()
        key.device().wink()
        assert key.state.winks == 1


class TestTime:
    def test_its_own_time_leaps_while_a_client_waits(self) -> None:
        key = plugged(user=touching(7 * S), scheduler=(time := OwnTime()))
        make(key)
        assert time.now_ns() == 7 * S

    def test_no_touch_is_thirty_seconds_by_its_own_clock(self) -> None:
        """A key whose clock runs one part in a hundred slow gives up that much later."""
        time = OwnTime()

        class Slow:
            def now_ns(self) -> int:
                return time.now_ns() * 99 // 100

        key = plugged(user=absent, scheduler=time, clock=Slow())
        assert refusal(lambda: make(key)) == ERR.USER_ACTION_TIMEOUT
        assert 30 * S <= time.now_ns() * 99 // 100 < 30 * S + 10

    def test_a_schedulers_time_cannot_be_advanced_by_the_key(self) -> None:
        key = new(scheduler=WallTime(WallClock()))
        with pytest.raises(NotOffered, match="time of its own"):
            key.advance(S)

    @pytest.mark.parametrize(
        ("wait_ns", "status"), [(19 * S, None), (30 * S + MS, ERR.PIN_AUTH_INVALID)]
    )
    def test_a_token_is_first_used_within_thirty_seconds(
        self, wait_ns: int, status: int | None
    ) -> None:
        key = plugged()
        client_pin = ClientPin(Ctap2(key.device()))
        client_pin.set_pin("1234")
        token = client_pin.get_pin_token("1234", ClientPin.PERMISSION.MAKE_CREDENTIAL, RP["id"])
        key.advance(wait_ns)
        outcome = token_outcome(key, client_pin, token)
        assert outcome == status

    def test_a_token_lives_ten_minutes_at_most(self) -> None:
        for wait_ns, ends in ((590 * S, False), (601 * S, True)):
            key = plugged()
            ctap = Ctap2(key.device())
            client_pin = ClientPin(ctap)
            client_pin.set_pin("1234")
            token = client_pin.get_pin_token("1234", ClientPin.PERMISSION.CREDENTIAL_MGMT)
            metadata = (ctap, client_pin.protocol, token)
            from fido2.ctap2 import CredentialManagement

            CredentialManagement(*metadata).get_metadata()
            waited = 0
            while waited < wait_ns:
                key.advance(10 * S)
                waited += 10 * S
                if waited < 580 * S:
                    CredentialManagement(*metadata).get_metadata()
            if ends:
                assert refusal(CredentialManagement(*metadata).get_metadata) == (
                    ERR.PIN_AUTH_INVALID
                )
            else:
                CredentialManagement(*metadata).get_metadata()

    @pytest.mark.parametrize("patience_ms", [500, 3000])
    def test_a_message_that_stops_is_given_up_after_as_long_as_the_model_says(
        self, patience_ms: int
    ) -> None:
        time = OwnTime()
        model = replace(load_model("ctap-2.1-pin"), message_timeout_ms=patience_ms)
        key = plugged(model, scheduler=time)
        connection, channel = opened(key)
        connection.write(packets(channel, HidCommand.PING, bytes(100))[0])
        assert connection.read()[4:8] == error(HidError.MSG_TIMEOUT)
        assert time.now_ns() == patience_ms * MS

    def test_a_lock_ends_by_itself(self) -> None:
        key = plugged()
        mine, other = opened(key), opened(key)
        ask(*mine, HidCommand.LOCK, b"\x0a")
        key.advance(10 * S - 1)
        assert ask(*other, HidCommand.PING)[4:8] == error(HidError.CHANNEL_BUSY)
        key.advance(1)
        assert ask(*other, HidCommand.PING)[4] == 0x80 | HidCommand.PING

    def test_time_does_not_go_back(self) -> None:
        with pytest.raises(ValueError, match="cannot go back by 1 ns"):
            plugged().advance(-1)


def token_outcome(key: SecurityKey, client_pin: ClientPin, token: bytes) -> int | None:
    parameter = client_pin.protocol.authenticate(token, HASH)
    try:
        make(
            key,
            pin_uv_param=parameter,
            pin_uv_protocol=client_pin.protocol.VERSION,
        )
    except CtapError as refused:
        return refused.code
    return None


class Pin(UserInteraction):
    """A person at a browser who types a PIN."""

    def __init__(self, pin: str) -> None:
        self.pin = pin

    def request_pin(self, permissions: object, rp_id: str | None) -> str:
        return self.pin


class TestPythonFido2:
    def test_the_client_registers_and_signs_in_with_a_pin(self) -> None:
        key = plugged(user=touching(2 * S))
        pin = ClientPin(Ctap2(key.device()))
        pin.set_pin("12345678")
        pin.change_pin("12345678", "äöü€")
        client = Fido2Client(
            key.device(), DefaultClientDataCollector("https://example.com"), Pin("äöü€")
        )
        made = client.make_credential(
            PublicKeyCredentialCreationOptions(
                rp=PublicKeyCredentialRpEntity(id="example.com", name="Example"),
                user=PublicKeyCredentialUserEntity(id=b"alice", name="alice"),
                challenge=b"challenge",
                pub_key_cred_params=[
                    PublicKeyCredentialParameters(type=PublicKeyCredentialType.PUBLIC_KEY, alg=-7)
                ],
            )
        )
        data = made.response.attestation_object.auth_data
        assert data.is_user_verified()
        selection = client.get_assertion(
            PublicKeyCredentialRequestOptions(
                challenge=b"another",
                rp_id="example.com",
                allow_credentials=[
                    PublicKeyCredentialDescriptor(
                        type=PublicKeyCredentialType.PUBLIC_KEY,
                        id=data.credential_data.credential_id,
                    )
                ],
                user_verification=UserVerificationRequirement.REQUIRED,
            )
        )
        answer = selection.get_response(0).response
        assert answer.authenticator_data.counter > data.counter

    def test_three_wrong_pins_want_a_power_cycle_and_then_the_right_one_works(self) -> None:
        key = plugged()
        ClientPin(Ctap2(key.device())).set_pin("1234")

        def outcome(pin: str) -> int:
            return refusal(lambda: ClientPin(Ctap2(key.device())).get_pin_token(pin, 1, "x.com"))

        assert [outcome("0000") for _ in range(3)] == [
            ERR.PIN_INVALID,
            ERR.PIN_INVALID,
            ERR.PIN_AUTH_BLOCKED,
        ]
        assert outcome("1234") == ERR.PIN_AUTH_BLOCKED
        assert key.state.pin_retries == 5
        key.power_cycle()
        ClientPin(Ctap2(key.device())).get_pin_token("1234", 1, "x.com")
        assert key.state.pin_retries == 8

    def test_same_seed_same_bytes_on_the_wire(self) -> None:
        def transcript() -> list[bytes]:
            key = plugged(user=touching(150 * MS), seed=9)
            connection, channel = opened(key)
            heard = []
            for data in (b"\x04", b"\x0b", b"\x06\xa2\x01\x02\x02\x02"):
                for report in packets(channel, HidCommand.CBOR, data):
                    connection.write(report)
                key.advance(S)
                while (report := connection.read_now()) is not None:
                    heard.append(report)
            return heard

        assert transcript() == transcript()


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from([*HidCommand, 0x02, 0x7F]),
            st.integers(0, 0x0E).map(lambda command: bytes((command,))) | st.just(b""),
            st.binary(max_size=90)
            | st.sampled_from([b"\xa0", b"\xa1\x01\x01", b"\xa2\x01\x02\x02\x01", b"\xbf\xff"]),
            st.integers(1, 3),
        ),
        max_size=25,
    )
)
@settings(max_examples=80)
def test_whatever_hosts_send_there_is_one_answer_each_and_the_store_is_untouched(
    requests: list[tuple[int, int, bytes, bytes, int]],
) -> None:
    """CANCEL has none, and of a message that is cut the silence is answered."""
    storage = MemoryStorage()
    key = plugged(user=absent, state=storage)
    before = storage.read()
    ends = [opened(key) for _ in range(3)]
    for which, command, head, rest, sent in requests:
        connection, channel = ends[which]
        whole = packets(channel, command, head + rest)
        for report in whole[:sent]:
            connection.write(report)
        key.advance(31 * S)
        answers = []
        while (report := connection.read_now()) is not None:
            if report[4] & 0x80 and report[4] != 0x80 | HidCommand.KEEPALIVE:
                answers.append(report[4] & 0x7F)
        assert len(answers) == (command != HidCommand.CANCEL)
        assert set(answers) <= {command, HidCommand.ERROR}
    assert storage.read() == before
    assert key.device().ping(b"alive") == b"alive"


class TestThreads:
    def test_a_thread_blocks_until_another_one_touches(self) -> None:
        asked = threading.Event()

        def user(prompt: Asked) -> None:
            asked.set()

        key = plugged(user=user, scheduler=WallTime(WallClock()))
        made: list[object] = []
        thread = threading.Thread(target=lambda: made.append(make(key)))
        thread.start()
        assert asked.wait(10)
        key.touch()
        thread.join(10)
        assert len(made) == 1

    def test_a_thread_that_reads_is_freed_when_the_key_is_pulled_out(self) -> None:
        key = plugged(scheduler=WallTime(WallClock()))
        connection = key.connection()
        errors: list[Exception] = []
        reading = threading.Event()

        def read() -> None:
            reading.set()
            try:
                connection.read_packet()
            except KeyUnplugged as error:
                errors.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        assert reading.wait(10)
        key.unplug()
        thread.join(10)
        assert len(errors) == 1

    @pytest.mark.slow
    def test_several_threads_share_a_key_in_real_time(self) -> None:
        key = plugged(user=touching(20 * MS), scheduler=WallTime(WallClock()))
        made: list[object] = []
        threads = [
            threading.Thread(target=lambda n=n: made.append(make(key, bytes((n,)))))
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(made) == 4
        assert len(key.state.credentials) == 4


@pytest.mark.slow
def test_a_thousand_keys_live_in_one_process() -> None:
    time = OwnTime()
    entropy = Entropy(1)

    def key(number: int) -> SecurityKey:
        made = SecurityKey(
            "ctap-2.1-pin", random_bytes=entropy.random_bytes(f"key {number}"), scheduler=time
        )
        made.plug()
        return made

    key(-1)
    tracemalloc.start()
    try:
        keys = [key(number) for number in range(1000)]
        each_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert each_bytes / 1000 < 16_384
    for each in keys[::100]:
        make(each)
    assert sum(len(each.state.credentials) for each in keys) == 10


def test_a_store_handed_over_is_used_as_it_is() -> None:
    storage = MemoryStorage()
    make(plugged(state=storage))
    assert len(plugged(state=storage).state.credentials) == 1
