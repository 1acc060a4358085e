"""Stores: all or nothing, numbered, and one contract for memory and file."""

import errno
import json
import os
import pickle
import signal
import sys
from contextlib import closing
from functools import partial
from subprocess import PIPE, Popen, run

import pytest

from mfalab.devices.ctap.faults import Faults, FaultyStorage
from mfalab.devices.ctap.model import ModelInvalid
from mfalab.devices.ctap.storage import (
    FileStorage,
    MemoryStorage,
    PowerCut,
    StateFileInvalid,
    StateInUse,
    StoreWornOut,
    read_state_file,
)
from mfalab.devices.errors import Problem


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


class CountedName(str):
    """A name of a record that counts how often it is looked up."""

    lookups = 0

    def __hash__(self):
        CountedName.lookups += 1
        return super().__hash__()


def test_a_write_to_memory_costs_as_much_as_its_changes():
    """A ceremony writes its counter, whatever else the key keeps."""

    def lookups(records):
        storage = MemoryStorage({CountedName(f"cred/{n:08}"): b"" for n in range(records)})
        CountedName.lookups = 0
        storage.write({"counter": b"1", "cred/00000000": None})
        return CountedName.lookups

    assert lookups(1) == lookups(10) == lookups(100)


def test_file_is_read_again_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "key.json"
    first = FileStorage(path)
    first.write({"a": b"\x00\xff"})
    first.close()
    again = FileStorage(path)
    assert again.read() == {"a": b"\x00\xff"}
    assert again.writes == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["key.json"]


def test_file_is_its_owners_alone_and_stays_so(tmp_path):
    """It holds private keys; each write made it readable for all, also after chmod 600."""
    path = tmp_path / "my.key"
    storage = FileStorage(path)
    for value in (b"1", b"2"):
        storage.write({"name": value})
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o644)


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (20, 20)])
def test_a_crash_at_any_byte_of_a_write_leaves_the_old_or_the_new_records(
    tmp_path, monkeypatch, before, after
):
    """The file is written over, so that all its names stay names of one key."""
    path = tmp_path / "my.key"
    old = {f"old{n}": bytes(9) for n in range(before)}
    new = dict.fromkeys(old) | {f"new{n}": b"something else" for n in range(after)}
    really, left = os.pwrite, 0

    def dies(file, data, at):
        nonlocal left
        wrote = really(file, data[:left], at)
        left -= wrote
        if wrote < len(data):
            raise KeyboardInterrupt
        return wrote

    seen, length = set(), 1
    while True:
        path.unlink(missing_ok=True)
        with closing(FileStorage(path)) as storage:
            storage.write(old)
            with monkeypatch.context() as patch:
                patch.setattr(os, "pwrite", dies)
                left = length
                try:
                    storage.write(new)
                except KeyboardInterrupt:
                    pass
                else:
                    break
        with closing(FileStorage(path)) as survivor:
            found = set(survivor.read())
            assert found in ({*old}, {*new} - {*old})
            seen.add(frozenset(found))
            survivor.write({"later": b"1"})
        with closing(FileStorage(path)) as survivor:
            assert set(survivor.read()) == {*found, "later"}
        assert json.loads(path.read_text())["records"]
        length += 7
    assert len(seen) == 2


def test_a_write_after_a_failed_one_is_whole(tmp_path, monkeypatch):
    """A full disk costs the change that did not fit, and nothing of what was or comes."""
    path = tmp_path / "my.key"
    with closing(FileStorage(path)) as storage:
        storage.write({"a": b"1"})
        really = os.pwrite

        def full(file, data, at):
            if at:
                really(file, data[: len(data) // 2], at)
                raise OSError(errno.ENOSPC, "No space left on device")
            return really(file, data, at)

        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", full)
            with pytest.raises(OSError, match="No space left"):
                storage.write({"a": b"2"})
        assert storage.read() == {"a": b"1"}
        storage.write({"b": b"3"})
        assert storage.writes == 2
    assert FileStorage(path).read() == {"a": b"1", "b": b"3"}


def test_each_write_costs_as_much_as_the_records(tmp_path, monkeypatch):
    """Bytes of a write at three sizes: three times the document at most, and it does not grow."""
    written = []
    really = os.pwrite

    def counted(file, data, at):
        written.append(len(data))
        return really(file, data, at)

    monkeypatch.setattr(os, "pwrite", counted)
    path = tmp_path / "my.key"
    with closing(FileStorage(path)) as storage:
        for size in (10, 100, 1000):
            storage.write({f"r{n}": bytes(20) for n in range(size)})
            for _ in range(3):
                written.clear()
                storage.write({"r0": b"x" * 20})
                assert sum(written) <= 2 * path.stat().st_size + 1


EMPTY = {"format": "mfalab security key state", "version": 1, "writes": 0, "records": {}}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (" ", "Expecting value"),
        ("[]", 'it has no "format"'),
        ("{}", 'it has no "format"'),
        ("[" * 100_000, "recursion"),
        ("\0", "Expecting value"),
        ("\udcff", "can't decode"),
        (json.dumps(EMPTY)[:-9], "Unterminated string"),
        (json.dumps(EMPTY | {"version": 9}), "its version is 9"),
        (json.dumps(EMPTY | {"writes": "3"}), '"writes" is a number'),
        (json.dumps(EMPTY | {"writes": -1}), '"writes" is a number'),
        (json.dumps(EMPTY | {"records": []}), '"records" are'),
        (json.dumps(EMPTY | {"records": {"pin": "0"}}), 'record "pin" is not hexadecimal'),
        (json.dumps(EMPTY | {"records": {"pin": None}}), 'record "pin" is not hexadecimal'),
    ],
)
def test_file_of_something_else_is_refused(tmp_path, text, why):
    path = tmp_path / "key.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    for read in (FileStorage, read_state_file, FileStorage):
        with pytest.raises(StateFileInvalid, match=rf"key\.json is not the state.*{why}"):
            read(path)
    assert path.read_bytes() == text.encode(errors="surrogateescape")


def test_a_pipe_is_no_state_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for read in (FileStorage, read_state_file):
        with pytest.raises(StateFileInvalid, match="a device or a pipe"):
            read(tmp_path / "pipe")


def test_an_empty_file_has_no_records_yet(tmp_path):
    """A process may have died between making it and its first write."""
    path = tmp_path / "my.key"
    path.touch()
    with closing(FileStorage(path)) as storage:
        assert storage.read() == {}
        storage.write({"a": b"1"})
    assert read_state_file(path).read() == {"a": b"1"}


class TestOneOwner:
    """Two processes on one file each undid what the other had written; a credential was lost."""

    @pytest.fixture
    def path(self, tmp_path):
        return tmp_path / "my.key"

    @pytest.fixture
    def names(self, path):
        """The file, by all the names that it can have."""
        with closing(FileStorage(path)) as storage:
            storage.write({"a": b"1"})
        (path.parent / "folder").mkdir()
        symbolic, hard = path.with_name("symbolic"), path.parent / "folder" / "hard"
        symbolic.symlink_to(path)
        hard.hardlink_to(path)
        through = path.parent / "through"
        through.symlink_to(path.parent / "folder")
        return [path, symbolic, hard, through / "hard"]

    def test_a_second_owner_is_refused_by_every_name(self, names):
        for owned in names:
            with closing(FileStorage(owned)) as owner:
                for _ in range(2):
                    for other in names:
                        with pytest.raises(StateInUse, match=rf"{other} is in use.*close that key"):
                            FileStorage(other)
                    owner.write({"a": b"2"})

    def test_what_one_name_was_given_the_others_have(self, names):
        """A write made another file of one name, and left the other with the old state."""
        for number, name in enumerate(names):
            with closing(FileStorage(name)) as storage:
                storage.write({str(number): b"1"})
        assert len(FileStorage(names[-1]).read()) == 1 + len(names)
        assert names[1].is_symlink()

    def test_one_may_look_while_another_owns_it(self, path):
        with closing(FileStorage(path)) as owner:
            owner.write({"a": b"1"})
            looking = read_state_file(path)
            looking.write({"a": b"2"})
            assert (looking.writes, read_state_file(path).read()) == (2, {"a": b"1"})

    def test_a_forgotten_storage_is_let_go(self, path):
        storage = FileStorage(path)
        del storage
        FileStorage(path)

    def test_a_closed_storage_writes_no_more(self, path):
        storage = FileStorage(path)
        storage.close()
        storage.close()
        with pytest.raises(OSError, match="it was closed"):
            storage.write({"a": b"1"})

    @pytest.mark.parametrize("replaced", [False, True])
    def test_a_file_that_was_taken_away_is_told(self, path, replaced):
        """What is written to a file without a name is lost."""
        storage = FileStorage(path)
        path.unlink()
        if replaced:
            path.write_text("a backup that was played back")
        with pytest.raises(OSError, match="removed while a key used it"):
            storage.write({"a": b"1"})

    @pytest.mark.slow
    def test_two_processes_never_own_it_and_a_killed_one_lets_go(self, names):
        """With real processes, by every pair of names."""
        owner = "import sys; from mfalab import SecurityKey; from mfalab.simulator.entropy import "
        owner += "Entropy; key = SecurityKey('ctap-2.1-pin', state=sys.argv[1], random_bytes="
        owner += "Entropy(1).random_bytes('key')); print('ready', flush=True); sys.stdin.read()"
        names[0].unlink()
        for name in names[2:]:
            name.unlink(missing_ok=True)
        FileStorage(names[0]).close()
        names[2].hardlink_to(names[0])
        command = [sys.executable, "-c", owner]
        for first, second in zip(names, names[1:] + names[:1], strict=True):
            late = partial(run, [*command, second], input="", capture_output=True, text=True)
            with Popen([*command, first], stdin=PIPE, stdout=PIPE, text=True) as process:
                assert process.stdout.readline() == "ready\n"
                refused = late(check=False)
                assert refused.returncode == 1
                assert f"{second} is in use by another process" in refused.stderr
                process.send_signal(signal.SIGKILL)
                assert process.wait() == -signal.SIGKILL
            assert late(check=True).stdout == "ready\n"


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
    [
        PowerCut(3, True),
        StoreWornOut(4),
        StateFileInvalid("p", "w"),
        StateInUse("p"),
        ModelInvalid((Problem("s", "w."),)),
    ],
)
def test_errors_survive_pickling_and_are_sentences(error):
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == str(type(error)(*error.args))
    assert str(error).endswith(".")
