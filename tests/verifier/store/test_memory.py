"""What the store in memory promises beyond the contract of stores."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mfalab.verifier.records import Budget, Device
from mfalab.verifier.store.memory import MemoryStore
from mfalab.verifier.store.protocol import Conflict


def test_each_store_has_records_of_its_own() -> None:
    with MemoryStore().transaction() as tx:
        tx.insert(Budget("s"))
    with MemoryStore().transaction() as tx:
        assert tx.find(Budget) == []


def test_record_is_found_by_its_new_values_only(device: Device) -> None:
    with MemoryStore().transaction() as tx:
        tx.insert(device)
        moved = replace(device, owner_id="AIDA2", serial="serial-2")
        tx.update(moved)
        assert tx.find(Device, owner_id="AIDA1") == []
        assert tx.find(Device, owner_id="AIDA2", serial="serial-2") == [moved]
        tx.delete(moved)
        assert tx.find(Device, serial="serial-2") == []


def test_index_is_as_before_after_a_transaction_that_failed(device: Device) -> None:
    store = MemoryStore()
    with store.transaction() as tx:
        tx.insert(device)

    def fail() -> None:
        with store.transaction() as tx:
            tx.update(replace(device, serial="serial-2"))
            tx.delete(device)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with store.transaction() as tx:
        assert tx.find(Device, serial="serial-1") == [device]
        assert tx.find(Device, serial="serial-2") == []
        with pytest.raises(Conflict):
            tx.insert(replace(device, id="d2"))


def test_caught_conflict_leaves_the_index_alone(device: Device) -> None:
    with MemoryStore().transaction() as tx:
        tx.insert(device)
        with pytest.raises(Conflict):
            tx.insert(replace(device, id="d2"))
        assert tx.find(Device, serial="serial-1") == [device]


def test_write_that_changes_nothing_looked_for_touches_no_index(
    device: Device, calls_of: Callable[[Callable[[], object]], int]
) -> None:
    """A device has seven of them, a budget none."""
    budget = Budget("s")
    with MemoryStore().transaction() as tx:
        tx.insert(device)
        tx.insert(budget)
        used = replace(device, offset_steps=3, high_water_step=40_000_000)
        tried = replace(budget, attempts=1)
        assert calls_of(lambda: tx.update(used)) <= calls_of(lambda: tx.update(tried))
        assert tx.find(Device, serial=device.serial) == [used]
        assert calls_of(lambda: tx.update(replace(used, owner_id="AIDA2"))) > 20
