"""How devices come to identities and leave them."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from mfalab.verifier import Delay, ServiceError, SmsMode

BAD_CODE = ("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)


def test_old_pair_is_refused_after_deactivation_and_a_newer_accepted(
    company: Any, refused: Any
) -> None:
    token = company.enrol()
    company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
    with refused(*BAD_CODE):
        company.enable(token, "bob")
    company.enable(token, "bob", second=2)


def test_made_again_the_name_has_a_new_seed_and_no_history(company: Any) -> None:
    old = company.enrol()
    company.mfa_session(old)
    company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=old.serial)
    company.iam("ada").delete_virtual_mfa_device(SerialNumber=old.serial)
    new = company.enrol()
    assert new.serial == old.serial
    assert new.seed != old.seed
    company.mfa_session(new)


def test_hardware_tokens_are_not_deleted(company: Any, refused: Any) -> None:
    token = company.ship()
    with refused(
        "NoSuchEntity", f"MFA Device with serial number {token.serial} does not exist.", 404
    ):
        company.iam("ada").delete_virtual_mfa_device(SerialNumber=token.serial)


def test_console_removes_devices_with_the_user(company: Any) -> None:
    company.enrol()
    company.insert_key()
    fob = company.ship()
    company.enable(fob)
    ada = company.signed_in("ada").credentials
    company.console.delete_user(ada, user_name="alice")
    assert company.iam("ada").list_virtual_mfa_devices()["VirtualMFADevices"] == []
    company.enable(fob, "bob", second=2)


def test_hardware_token_that_is_removed_belongs_to_no_account(company: Any) -> None:
    token = company.ship()
    company.enable(token)
    (device,) = company.everything()["Device"]
    assert device.account_id == "123456789012"
    company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
    (device,) = company.everything()["Device"]
    assert (device.account_id, device.owner_id, device.deleted_ns) == (None, None, None)


def test_sts_binding_ends_the_propagation_delay_after_the_removal(company: Any, clock: Any) -> None:
    company.set(propagation_enable_s=Delay(8, 8), propagation_disable_s=Delay(5, 5))
    token = company.enrol()
    company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
    (binding,) = company.everything()["Binding"]
    assert (binding.from_ns - clock.ns, binding.until_ns - clock.ns) == (8 * 10**9, 5 * 10**9)


def test_deleted_user_takes_the_unconfirmed_telephone_along(company: Any) -> None:
    company.set(sms=SmsMode.PREVIEW)
    ada = company.signed_in("ada").credentials
    company.console.register_sms(ada, phone="+15550123", user_name="alice")
    company.delete_user()
    (device,) = company.everything()["Device"]
    assert device.deleted_ns is not None
    assert company.everything()["SmsChallenge"] == []


def test_security_key_cannot_be_deleted_as_a_virtual_device(company: Any) -> None:
    serial = company.insert_key()
    with pytest.raises(ServiceError) as caught:
        company.iam("ada").delete_virtual_mfa_device(SerialNumber=serial)
    assert caught.value.code == "NoSuchEntity"


def test_creating_a_device_costs_the_same_however_many_there_are(
    company: Any,
    calls_of: Callable[[Callable[[], object]], int],
) -> None:
    """Each new name was compared with every device of the account: 2,500 took 20 s."""
    iam, names = company.iam("ada"), itertools.count()

    def create(devices: int) -> int:
        def work() -> None:
            for _ in range(devices):
                iam.create_virtual_mfa_device(VirtualMFADeviceName=f"d{next(names)}")

        return calls_of(work)

    create(1)
    first = create(20)
    create(60)
    assert create(20) == pytest.approx(first, rel=0.02)


def test_making_a_name_again_costs_the_same_however_often_it_was_deleted(
    company: Any, calls_of: Callable[[Callable[[], object]], int]
) -> None:
    iam = company.iam("ada")

    def make_and_delete(times: int) -> int:
        def work() -> None:
            for _ in range(times):
                made = iam.create_virtual_mfa_device(VirtualMFADeviceName="d")
                serial = made["VirtualMFADevice"]["SerialNumber"]
                iam.delete_virtual_mfa_device(SerialNumber=serial)

        return calls_of(work)

    make_and_delete(1)
    first = make_and_delete(20)
    make_and_delete(60)
    assert make_and_delete(20) == pytest.approx(first, rel=0.02)


def test_tags_are_limited_at_creation_too(company: Any, refused: Any) -> None:
    """The limit was looked at when tags were added, and not when the device was made with them."""
    company.set(tags_per_device=1)
    make = company.iam("ada").create_virtual_mfa_device
    make(VirtualMFADeviceName="one", Tags=[{"Key": "a", "Value": ""}])
    with refused("LimitExceeded", "Cannot exceed quota for TagsPerMFADevice: 1", 409):
        make(
            VirtualMFADeviceName="two", Tags=[{"Key": "a", "Value": ""}, {"Key": "b", "Value": ""}]
        )
