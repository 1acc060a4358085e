"""What an authenticator remembers, and what it writes."""

from dataclasses import replace

import pytest

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
from mfalab.devices.ctap.storage import MemoryStorage, StoreWornOut
from mfalab.simulator.entropy import Entropy

MODEL = load_model("ctap-2.1-pin")
CREDENTIAL = Credential(
    b"id", bytes(32), -7, b"seed", serial=0, rp=(("id", "a.example"),), user=(("id", b"u"),)
)
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
        (Pin(b"digest", 4), "pin"),
        (Retries(3, 2, 1), "retries"),
        (LargeBlobs(b"array"), "large_blobs"),
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
    state.change(CREDENTIAL, FINGER, Pin(b"digest", 4), LargeBlobs(b"array"), Counter(41))
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
