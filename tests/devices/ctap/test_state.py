"""What an authenticator remembers, and what it writes."""

from contextlib import suppress
from dataclasses import astuple, replace
from hashlib import sha256

import pytest
from fido2.ctap import CtapError
from fido2.ctap2 import Ctap2

from mfalab.devices.ctap import cbor
from mfalab.devices.ctap.model import load_model
from mfalab.devices.ctap.state import (
    EMPTY_LARGE_BLOBS,
    Counter,
    Credential,
    Finger,
    LargeBlobs,
    Pin,
    Retries,
    State,
)
from mfalab.devices.ctap.storage import MemoryStorage, StateFileInvalid, StoreWornOut
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.entropy import Entropy

MODEL = load_model("ctap-2.1-pin")
CREDENTIAL = Credential(
    b"id", bytes(32), -7, b"seed", serial=0, rp=(("id", "a.example"),), user=(("id", b"u"),)
)
DIGEST = bytes(16)
ARRAY = b"array" + sha256(b"array").digest()[:16]
FINGER = Finger(b"finger", b"template", "thumb")


@pytest.fixture
def storage():
    return MemoryStorage()


@pytest.fixture
def state(storage):
    return State(storage, MODEL, Entropy(1).random_bytes("key"))


def again(storage):
    return State(storage, MODEL, Entropy(2).random_bytes("key"))


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (Pin(DIGEST, 4), "pin"),
        (Retries(3, 2, 1), "retries"),
        (LargeBlobs(ARRAY), "large_blobs"),
        (Counter(41), "counter"),
        (Counter(7, "count/00"), "counters"),
        (CREDENTIAL, "credentials"),
        (FINGER, "fingers"),
    ],
)
def test_a_record_is_remembered_and_read_again(storage, state, record, name):
    before = getattr(state, name)
    before = before.copy() if isinstance(before, dict) else before
    state.change(record)
    assert getattr(state, name) != before
    assert getattr(again(storage), name) == getattr(state, name)


def test_many_records_are_one_write(storage, state):
    writes = storage.writes
    state.change(CREDENTIAL, replace(state.settings, next_serial=1), Counter(2))
    assert storage.writes == writes + 1


def test_no_record_is_no_write(storage, state):
    writes = storage.writes
    state.change()
    assert storage.writes == writes


@pytest.mark.parametrize("record", [CREDENTIAL, FINGER])
def test_a_deleted_record_is_gone_from_memory_and_storage(storage, state, record):
    state.change(record)
    state.change(delete=[record])
    assert (state.credentials, state.fingers) == ({}, {})
    assert record.record_name not in storage.read()


def test_only_changes_of_credentials_move_the_state_of_the_store(state):
    before = state.secrets.store_state
    state.change(Counter(2), FINGER)
    assert state.secrets.store_state == before
    state.change(CREDENTIAL)
    put = state.secrets.store_state
    state.change(delete=[CREDENTIAL])
    assert len({before, put, state.secrets.store_state}) == 3


def test_a_write_that_fails_changes_nothing_in_memory(storage):
    class Worn:
        writes = 0
        read = storage.read

        def write(self, changes):
            raise StoreWornOut(2)

    again(storage)
    state = State(Worn(), MODEL, Entropy(1).random_bytes("key"))
    with pytest.raises(StoreWornOut):
        state.change(Counter(41), CREDENTIAL)
    assert (state.counter, state.credentials) == (MODEL.counter_start, {})


def test_a_reset_makes_all_new_but_the_counter_and_the_serial_number(storage, state):
    state.change(CREDENTIAL, FINGER, Pin(DIGEST, 4), LargeBlobs(ARRAY), Counter(41))
    secrets, serial_number = state.secrets, state.serial_number
    state.reset()
    assert (state.counter, state.serial_number) == (41, serial_number)
    assert (state.credentials, state.fingers, state.pin) == ({}, {}, None)
    assert state.large_blobs == EMPTY_LARGE_BLOBS
    assert not set(vars_of(state.secrets)) & set(vars_of(secrets))
    assert "pin" not in storage.read()


def vars_of(secrets):
    return secrets.master, secrets.persistent_token, secrets.identifier, secrets.store_state


def test_credentials_are_read_in_the_order_of_their_creation(storage, state):
    for serial in (2, 0, 1):
        state.change(replace(CREDENTIAL, id=bytes([serial]), serial=serial))
    assert [each.serial for each in again(storage).credentials.values()] == [0, 1, 2]


def full(storage):
    """A storage with a record of each kind."""
    made = again(storage)
    made.change(CREDENTIAL, FINGER, Pin(DIGEST, 4), LargeBlobs(ARRAY), Counter(7, "count/00"))
    return storage.read()


@pytest.mark.parametrize("name", ["secrets", "settings", "retries", "serial-number", "counter"])
def test_a_missing_record_is_told_by_its_name(storage, name):
    """Without its secrets a key silently became a new one, and its credentials were gone."""
    records = full(storage)
    del records[name]
    with pytest.raises(StateFileInvalid, match=f'record "{name}": it is missing'):
        again(MemoryStorage(records))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secrets", [bytes(32), bytes(32), bytes(16)]),
        ("secrets", [bytes(32), bytes(31), bytes(16), bytes(16)]),
        ("pin", [bytes(15), 4]),
        ("pin", {}),
        ("retries", [8, True, 0]),
        ("retries", [-1, 3, 0]),
        ("settings", [4, [1], False, False, False, False, False, 0]),
        ("settings", [4, [], False, False, False, False, False, 2**64 - 1]),
        ("counter", -1),
        ("counter", [1]),
        ("count/00", "1"),
        ("cred/00000000", 3),
        ("cred/00000001", list(astuple(CREDENTIAL))),
        ("cred/00000000", list(astuple(replace(CREDENTIAL, algorithm=-6)))),
        ("cred/00000000", list(astuple(replace(CREDENTIAL, cred_protect=0)))),
        ("cred/00000000", list(astuple(replace(CREDENTIAL, rp=())))),
        ("cred/00000000", list(astuple(replace(CREDENTIAL, user=(("id", "u"),))))),
        ("cred/00000000", list(astuple(replace(CREDENTIAL, rp=(("id",),))))),
        ("finger/00", list(astuple(FINGER))),
    ],
)
def test_a_record_of_something_else_is_told_by_its_name(storage, name, value):
    records = full(storage) | {name: cbor.encode(value)}
    with pytest.raises(StateFileInvalid, match=f'what the memory holds.*record "{name}": '):
        again(MemoryStorage(records))


@pytest.mark.parametrize(
    ("name", "value"),
    [("serial-number", b"short"), ("large-blobs", b""), ("large-blobs", ARRAY[1:])],
)
def test_so_is_one_that_is_no_cbor(storage, name, value):
    with pytest.raises(StateFileInvalid, match=f'record "{name}": '):
        again(MemoryStorage(full(storage) | {name: value}))


def test_a_damaged_storage_is_told_at_power_up_or_does_no_harm(storage):
    """Each record removed, cut short at each byte, and with each byte changed; seeded."""
    records, stream = full(storage), Entropy(7).stream("damage")
    told = 0
    for name, value in records.items():
        short = [value[:end] for end in range(len(value))]
        other = [value[:end] + stream.randbytes(1) + value[end + 1 :] for end in range(len(value))]
        for each in (None, *short, *other):
            damaged = MemoryStorage(records)
            damaged.write({name: each})
            try:
                key = SecurityKey(MODEL, random_bytes=Entropy(3).random_bytes("key"), state=damaged)
            except StateFileInvalid as error:
                told += f'record "{name}"' in str(error)
                continue
            key.plug()
            ctap = Ctap2(key.device())
            with suppress(CtapError):
                ctap.get_assertions("a.example", bytes(32))
            with suppress(CtapError):
                ctap.make_credential(
                    bytes(32),
                    {"id": "b.example"},
                    {"id": b"v"},
                    [{"type": "public-key", "alg": -7}],
                    options={"rk": True},
                )
            with suppress(CtapError):
                ctap.client_pin(2, 1)
            state = key.authenticator.state
            for put in (*state.credentials.values(), *state.fingers.values()):
                state.change(delete=[put])
            key.unplug()
            key.plug()
            Ctap2(key.device()).reset()
    assert told > sum(map(len, records.values()))  # whatever is cut short
