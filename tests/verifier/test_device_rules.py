"""Who may have and use which device."""

from dataclasses import replace
from typing import Any

import pytest

from mfalab.verifier import AWS_IMMEDIATE, MemoryStore, ServiceError, SmsMode, device_rules
from mfalab.verifier.records import (
    Account,
    Binding,
    Device,
    DeviceKind,
    Identity,
    Recovery,
    RecoveryState,
)

ACCOUNT = Account("1", "aws", None, "root@example.com", None, True, 0)
ROOT = Identity("1", "1", "", "", "/", True, None, 0)
ALICE = Identity("AIDA1", "1", "Alice", "alice", "/", False, None, 0)
PHONE = Device("d1", DeviceKind.VIRTUAL, "phone", "1", "phone", "/", 0, secret=b"s")


def refusal(rule: Any, *args: Any) -> str:
    """The code by which a rule refuses, or nothing."""
    try:
        rule(*args)
    except ServiceError as error:
        return error.code
    return ""


def owned(device: Device, owner: Identity = ALICE, **changes: Any) -> Device:
    return replace(device, owner_id=owner.id, enabled_ns=0, **changes)


def test_deleted_device_gives_its_serial_number_free() -> None:
    with MemoryStore().transaction() as tx:
        tx.insert(replace(PHONE, deleted_ns=5))
        assert device_rules.device_of_serial(tx, "phone") is None
        tx.insert(replace(PHONE, id="d2"))
        found = device_rules.device_of_serial(tx, "phone")
        assert found is not None
        assert found.id == "d2"


def test_device_serves_one_identity() -> None:
    assert refusal(device_rules.check_association, PHONE, ALICE, "alice") == ""
    assert (
        refusal(device_rules.check_association, owned(PHONE), ALICE, "alice")
        == "EntityAlreadyExists"
    )
    assert (
        refusal(device_rules.check_association, owned(PHONE), ROOT, "root") == "EntityAlreadyExists"
    )
    assert refusal(device_rules.check_owner, owned(PHONE), ALICE) == ""
    assert refusal(device_rules.check_owner, owned(PHONE), ROOT) != ""
    assert refusal(device_rules.check_owner, PHONE, ALICE) != ""


def test_limit_counts_the_devices_of_one_identity() -> None:
    profile = replace(AWS_IMMEDIATE, devices_per_identity=2)
    with MemoryStore().transaction() as tx:
        tx.insert(owned(PHONE))
        tx.insert(owned(PHONE, ROOT, id="d2", serial="other"))
        assert refusal(device_rules.check_device_limit, tx, ALICE, profile) == ""
        tx.insert(owned(PHONE, id="d3", serial="third"))
        assert refusal(device_rules.check_device_limit, tx, ALICE, profile) == "LimitExceeded"


@pytest.mark.parametrize(("now_ns", "known"), [(9, False), (10, True), (19, True), (20, False)])
def test_sts_knows_a_device_from_the_start_of_its_binding_until_its_end(
    now_ns: int, known: bool
) -> None:
    with MemoryStore().transaction() as tx:
        tx.insert(PHONE)
        tx.insert(Binding("d1", 10, "phone", "AIDA1", 20))
        assert (device_rules.bound_device(tx, ALICE, "phone", now_ns) is not None) == known
        assert device_rules.bound_device(tx, ROOT, "phone", now_ns) is None


def test_newest_binding_of_a_serial_number_wins() -> None:
    with MemoryStore().transaction() as tx:
        tx.insert(replace(PHONE, deleted_ns=5))
        tx.insert(replace(PHONE, id="d2"))
        tx.insert(Binding("d1", 1, "phone", "AIDA1", 20))
        tx.insert(Binding("d2", 2, "phone", "AIDA1", None))
        found = device_rules.bound_device(tx, ALICE, "phone", 10)
        assert found is not None
        assert found.id == "d2"


def test_device_without_codes_is_unknown_to_sts() -> None:
    with MemoryStore().transaction() as tx:
        tx.insert(replace(PHONE, kind=DeviceKind.FIDO))
        tx.insert(Binding("d1", 0, "phone", "AIDA1", None))
        assert device_rules.bound_device(tx, ALICE, "phone", 10) is None


@pytest.mark.parametrize(
    ("mode", "target", "code"),
    [
        (SmsMode.PREVIEW, ALICE, ""),
        (SmsMode.PREVIEW, ROOT, "InvalidInput"),
        (SmsMode.ENDED, ALICE, "InvalidInput"),
    ],
)
def test_sms_is_for_users_while_it_is_offered(mode: SmsMode, target: Identity, code: str) -> None:
    assert (
        refusal(device_rules.check_sms_enrolment, target, replace(AWS_IMMEDIATE, sms=mode)) == code
    )


def test_sms_device_is_of_no_use_after_the_end_of_sms() -> None:
    with MemoryStore().transaction() as tx:
        tx.insert(owned(PHONE, kind=DeviceKind.SMS))
        for mode, count in ((SmsMode.PREVIEW, 1), (SmsMode.ENDED, 0)):
            profile = replace(AWS_IMMEDIATE, sms=mode)
            assert len(device_rules.sign_in_devices(tx, ALICE, profile)) == count


def test_alternative_factors_are_for_root_where_they_are_enabled() -> None:
    assert refusal(device_rules.check_recovery_start, ACCOUNT, ROOT) == ""
    assert refusal(device_rules.check_recovery_start, ACCOUNT, ALICE) != ""
    disabled = replace(ACCOUNT, alternative_factors=False)
    assert refusal(device_rules.check_recovery_start, disabled, ROOT) != ""


@pytest.mark.parametrize("state", RecoveryState)
def test_recovery_ends_in_a_sign_in_only_after_the_call(state: RecoveryState) -> None:
    allowed = refusal(device_rules.check_recovery_confirmed, Recovery("r", "1", state)) == ""
    assert allowed == (state is RecoveryState.CALL_CONFIRMED)
