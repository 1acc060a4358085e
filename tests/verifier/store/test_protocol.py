"""What every store promises."""

import threading
from dataclasses import fields, replace
from typing import Any

import pytest

from mfalab.verifier.records import (
    RECORD_TYPES,
    Budget,
    Device,
    DeviceKind,
    Identity,
    UsedCode,
)
from mfalab.verifier.store.protocol import Conflict, Store, StoreUnusable, TransactionError


def key_of(record: Any) -> tuple[object, ...]:
    return tuple(getattr(record, name) for name in record.KEY)


def test_list_of_records_here_has_one_of_each(one_of_each: list[Any]) -> None:
    assert [type(record) for record in one_of_each] == RECORD_TYPES


def test_record_comes_back_as_it_went_in(filled: Store, record: Any) -> None:
    with filled.transaction() as tx:
        found = tx.get(type(record), *key_of(record))
        assert found == record
        for field in fields(record):
            assert type(getattr(found, field.name)) is type(getattr(record, field.name))
        assert tx.find(type(record)) == [record]
        everything = {field.name: getattr(record, field.name) for field in fields(record)}
        assert tx.find(type(record), **everything) == [record]


@pytest.mark.parametrize("text", ["\0", "\x1a", "\x1az\x1as\0", "a\0b", "é\U0001f511\n'\"%s\\"])
def test_text_may_have_any_character(filled: Store, text: str) -> None:
    with filled.transaction() as tx:
        (alice,) = tx.find(Identity)
        named = replace(alice, id=f"AIDA{text}", name=text, name_key=text, tags=((text, text),))
        tx.insert(named)
    with filled.transaction() as tx:
        assert tx.get(Identity, f"AIDA{text}") == named
        assert tx.find(Identity, account_id="1", name_key=text) == [named]
        assert tx.count(Identity, name="\x1as") == (text == "\x1as")
        tx.update(replace(named, path=text))
        assert tx.find(Identity, path=text) == [replace(named, path=text)]


def test_second_record_with_a_key_is_a_conflict(filled: Store, record: Any) -> None:
    with filled.transaction() as tx:
        with pytest.raises(Conflict) as caught:
            tx.insert(record)
        assert caught.value.args == (type(record).__name__, key_of(record))
        tx.update(record)
        assert tx.find(type(record)) == [record]


def test_update_writes_over_or_adds_and_delete_removes_or_does_nothing(store: Store) -> None:
    with store.transaction() as tx:
        tx.update(Budget("s", 1))
        tx.update(Budget("s", 2))
        assert tx.get(Budget, "s") == Budget("s", 2)
        tx.delete(Budget("s"))
        tx.delete(Budget("s"))
        assert tx.get(Budget, "s") is None


def test_find_compares_none_and_enumerations_and_orders_by_key(
    filled: Store, device: Device
) -> None:
    others = [replace(device, id=f"d{n}", serial=f"s{n}") for n in (30, 2, 10)]
    free = replace(device, id="d0", serial="s0", owner_id=None, enabled_ns=None)
    with filled.transaction() as tx:
        for each in (*others, free):
            tx.insert(each)
        owned = tx.find(Device, owner_id="AIDA1", kind=DeviceKind.HARDWARE)
        assert [each.id for each in owned] == ["d1", "d10", "d2", "d30"]
        assert tx.find(Device, owner_id=None) == [free]
        assert tx.find(Device, kind=DeviceKind.FIDO) == []


def test_count_is_how_many_find_returns(filled: Store, device: Device) -> None:
    with filled.transaction() as tx:
        tx.insert(
            replace(device, id="d2", serial="s2", deleted_ns=5, owner_id=None, enabled_ns=None)
        )
        for equal in (
            {},
            {"kind": DeviceKind.HARDWARE},
            {"account_id": "1", "kind": DeviceKind.HARDWARE, "deleted_ns": None},
            {"account_id": "1", "kind": DeviceKind.HARDWARE, "deleted_ns": 5},
            {"owner_id": None},
            {"account_id": "other"},
        ):
            assert tx.count(Device, **equal) == len(tx.find(Device, **equal)), equal
        assert tx.count(Device, owner_id="AIDA1") == 1
        with pytest.raises(AttributeError, match="owner"):
            tx.count(Device, owner="AIDA1")


def test_find_by_an_unknown_field_is_an_error(store: Store) -> None:
    with store.transaction() as tx, pytest.raises(AttributeError, match="owner"):
        tx.find(Device, owner="AIDA1")


def test_two_live_devices_with_one_serial_are_a_conflict(filled: Store, device: Device) -> None:
    second = replace(device, id="d2", owner_id=None, enabled_ns=None)
    with filled.transaction() as tx:
        with pytest.raises(Conflict):
            tx.insert(second)
        with pytest.raises(Conflict):
            tx.update(second)
        assert tx.get(Device, "d2") is None
        tx.update(replace(device, owner_id=None, enabled_ns=None, deleted_ns=50))
        tx.insert(second)
        third = replace(second, id="d3")
        tx.insert(replace(third, deleted_ns=60))
        with pytest.raises(Conflict):
            tx.update(third)
        found = tx.find(Device, serial="serial-1")
    assert [(each.id, each.deleted_ns) for each in found] == [
        ("d1", 50),
        ("d2", None),
        ("d3", 60),
    ]


def test_two_users_or_roles_of_one_name_are_a_conflict(filled: Store) -> None:
    with filled.transaction() as tx:
        (alice,) = tx.find(Identity)
        with pytest.raises(Conflict):
            tx.insert(replace(alice, id="AIDA2"))
        tx.insert(replace(alice, id="AIDA3", name_key="other"))


def test_failed_transaction_leaves_nothing(filled: Store, device: Device) -> None:
    def fail() -> None:
        with filled.transaction() as tx:
            tx.update(Budget("serial-1", 99))
            tx.update(Budget("serial-1", 100))
            tx.delete(UsedCode("d1", 2**40))
            tx.insert(UsedCode("d1", 7))
            tx.insert(Budget("another"))
            raise KeyError("half way")

    with pytest.raises(KeyError):
        fail()
    with filled.transaction() as tx:
        assert tx.find(UsedCode) == [UsedCode("d1", 2**40)]
        assert tx.find(Budget) == [Budget("serial-1", 4, 9, 2, 2**62)]
        assert tx.find(Device, serial="serial-1") == [device]


def test_caught_conflict_keeps_what_was_written_before(filled: Store) -> None:
    with filled.transaction() as tx:
        tx.insert(UsedCode("d1", 1))
        with pytest.raises(Conflict):
            tx.insert(UsedCode("d1", 1))
        tx.insert(UsedCode("d1", 2))
    with filled.transaction() as tx:
        assert len(tx.find(UsedCode)) == 3


def test_transaction_inside_a_transaction_is_an_error_and_no_deadlock(store: Store) -> None:
    def nest() -> None:
        with store.transaction() as tx:
            tx.insert(Budget("s"))
            with store.transaction():
                pass

    with pytest.raises(TransactionError, match="inside another"):
        nest()
    with store.transaction() as tx:
        assert tx.find(Budget) == []


def test_transaction_is_not_usable_after_its_end(store: Store) -> None:
    with store.transaction() as tx:
        tx.insert(Budget("s"))
    with pytest.raises(TransactionError, match="after its end"):
        tx.insert(Budget("t"))
    with pytest.raises(TransactionError, match="after its end"):
        tx.get(Budget, "s")


def test_increments_by_threads_are_not_lost(store: Store) -> None:
    def add() -> None:
        for _ in range(25):
            with store.transaction() as tx:
                budget = tx.get(Budget, "s") or Budget("s")
                tx.update(replace(budget, attempts=budget.attempts + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.transaction() as tx:
        assert tx.get(Budget, "s") == Budget("s", attempts=100)


def test_transactions_together_see_each_other_and_fail_alone(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as tx:
            tx.update(Budget("s", 2))
            tx.insert(Budget("t"))
            raise KeyError

    with store.together():
        with store.transaction() as tx:
            tx.insert(Budget("s", 1))
        with pytest.raises(KeyError):
            fail()
        with store.transaction() as tx:
            assert tx.find(Budget) == [Budget("s", 1)]
            tx.insert(Budget("u"))
    with store.transaction() as tx:
        assert tx.find(Budget) == [Budget("s", 1), Budget("u")]


def test_first_of_those_together_may_fail_and_none_may_come(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as tx:
            tx.insert(Budget("s"))
            raise KeyError

    with store.together():
        pass
    with store.together():
        with pytest.raises(KeyError):
            fail()
        with store.transaction() as tx:
            tx.insert(Budget("t"))
    with store.transaction() as tx:
        assert tx.find(Budget) == [Budget("t")]


def test_what_waits_for_durability_is_done_at_once_or_after_those_together(store: Store) -> None:
    done: list[str] = []
    with store.transaction() as tx:
        tx.insert(Budget("s"))
    store.when_durable(lambda: done.append("alone"))
    assert done == ["alone"]

    def two_and_a_mistake() -> None:
        with store.together():
            for name in ("t", "u"):
                with store.transaction() as tx:
                    tx.insert(Budget(name))
                store.when_durable(lambda name=name: done.append(name))
            raise KeyError("of the caller, after transactions that are whole")

    with pytest.raises(KeyError):
        two_and_a_mistake()
    assert done == ["alone", "t", "u"]
    with store.transaction() as tx:
        assert tx.count(Budget) == 3


def test_nesting_is_an_error_also_for_those_together(store: Store) -> None:
    def nest() -> None:
        with store.together(), store.transaction() as tx:
            tx.insert(Budget("s"))
            with store.transaction():
                pass

    with pytest.raises(TransactionError, match="inside another"):
        nest()
    with (
        store.transaction(),
        pytest.raises(TransactionError, match="inside another"),
        store.together(),
    ):
        pass
    with store.transaction() as tx:
        assert tx.find(Budget) == []


def test_record_is_what_was_written_last_however_it_is_read(filled: Store, device: Device) -> None:
    """A store may remember what it has read; a write, also one that fails, must not confuse it."""
    with filled.transaction() as tx:
        assert tx.get(Device, "d2") is None
        second = replace(device, id="d2", serial="serial-2")
        tx.insert(second)
        assert tx.get(Device, "d2") == second
        with pytest.raises(Conflict):
            tx.update(replace(second, serial="serial-1"))
        assert tx.get(Device, "d2") == second
        changed = replace(second, name="other", tags=(("a", "b"),), phone=None, offset_steps=2**40)
        tx.update(changed)
        tx.update(changed)
        assert tx.get(Device, "d2") == changed
        assert tx.find(Device, serial="serial-2") == [changed]
        tx.delete(changed)
        assert tx.get(Device, "d2") is None
        tx.update(second)
    with filled.transaction() as tx:
        assert tx.find(Device) == [device, second]


@pytest.mark.parametrize(
    "error",
    [
        Conflict("Device", ("d1",)),
        TransactionError("this was done", "do that"),
        StoreUnusable("a.db", "it is full", "Make room"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_can_be_made_again_from_their_arguments(error: Exception) -> None:
    again = type(error)(*error.args)
    assert str(again) == str(error)
    assert len(str(error)) > 15


def test_words_of_a_database_are_one_line() -> None:
    error = StoreUnusable("a.db", "*** in database main ***\nPage 2: error 11\n", "Restore it")
    assert str(error) == (
        "the verifier cannot keep its records in a.db:"
        " *** in database main *** Page 2: error 11. Restore it."
    )
