"""Stores: all or nothing, numbered, and one contract for memory and file."""

import json
import pickle

import pytest

from mfalab.devices.ctap.faults import Faults, FaultyStorage
from mfalab.devices.ctap.model import ModelInvalid
from mfalab.devices.ctap.storage import (
    FileStorage,
    MemoryStorage,
    PowerCut,
    StateFileInvalid,
    StoreWornOut,
)


@pytest.fixture(params=["memory", "file"])
def storage(request, tmp_path):
    return MemoryStorage() if request.param == "memory" else FileStorage(tmp_path / "key.json")


def test_write_sets_and_removes_at_once_and_is_numbered(storage):
    storage.write({"a": b"1", "b": b"2"})
    storage.write({"a": None, "c": b"3"})
    assert storage.read() == {"b": b"2", "c": b"3"}
    assert storage.writes == 2


def test_what_is_read_is_a_copy(storage):
    storage.write({"a": b"1"})
    storage.read()["a"] = b"other"
    assert storage.read() == {"a": b"1"}


def test_file_is_read_again_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "key.json"
    first = FileStorage(path)
    first.write({"a": b"\x00\xff"})
    again = FileStorage(path)
    assert again.read() == {"a": b"\x00\xff"}
    assert again.writes == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["key.json"]


def test_file_is_its_owners_alone_and_stays_so(tmp_path):
    """It holds private keys; each write made it readable for all, also after chmod 600."""
    path = tmp_path / "my.key"
    beside = tmp_path / "my.key.new"
    beside.write_text("left by a crash, and readable")
    storage = FileStorage(path)
    for value in (b"1", b"2"):
        storage.write({"name": value})
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o644)


def test_crash_before_the_rename_leaves_the_old_file(tmp_path):
    path = tmp_path / "key.json"
    FileStorage(path).write({"a": b"1"})
    (tmp_path / "key.json.new").write_text('{"format": "mfalab secur')
    survivor = FileStorage(path)
    assert survivor.read() == {"a": b"1"}
    survivor.write({"a": b"2"})
    assert FileStorage(path).read() == {"a": b"2"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps({"format": "mfalab security key state", "version": 9})]
)
def test_file_of_something_else_is_refused(tmp_path, text):
    path = tmp_path / "key.json"
    path.write_text(text)
    with pytest.raises(StateFileInvalid, match=r"key\.json is not the state of a security key"):
        FileStorage(path)


def test_worn_out_store_keeps_its_content(storage):
    storage.write({"a": b"1"})
    faulty = FaultyStorage(storage, lambda: Faults(worn_out_store=True))
    with pytest.raises(StoreWornOut):
        faulty.write({"a": b"2"})
    assert faulty.read() == {"a": b"1"}


@pytest.mark.parametrize("done", [False, True])
def test_power_cut_counts_from_the_setting_of_the_fault(done):
    faults = Faults()
    faulty = FaultyStorage(MemoryStorage(), lambda: faults)
    faulty.write({"a": b"0"})
    faults = Faults(power_cut_at_write=2, power_cut_done=done)
    faulty.write({"a": b"1"})
    with pytest.raises(PowerCut):
        faulty.write({"a": b"2"})
    assert faulty.read() == {"a": b"2" if done else b"1"}
    faulty.write({"a": b"3"})
    assert faulty.read() == {"a": b"3"}


@pytest.mark.parametrize(
    "error",
    [PowerCut(3, True), StoreWornOut(4), StateFileInvalid("p", "w"), ModelInvalid("s", "w")],
)
def test_errors_survive_pickling_and_are_sentences(error):
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == str(type(error)(*error.args))
    assert str(error).endswith(".")
