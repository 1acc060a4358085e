"""The rules about who may have and use which device, one function each.

Callers reach them through this module (`rules.check_device_limit(...)`), so that a rule can be
replaced or broken in one place.
"""

from __future__ import annotations

from mfalab.verifier import refusals
from mfalab.verifier.authorization import Caller
from mfalab.verifier.names import has_codes
from mfalab.verifier.profile import Profile, SmsMode
from mfalab.verifier.records import (
    Account,
    Binding,
    Device,
    DeviceKind,
    Identity,
    Recovery,
    RecoveryState,
)
from mfalab.verifier.store.protocol import Transaction


def devices_of(tx: Transaction, identity_id: str) -> list[Device]:
    """An identity's devices of every kind, by serial number."""
    return sorted(tx.find(Device, owner_id=identity_id), key=lambda device: device.serial)


def device_of_serial(tx: Transaction, serial: str) -> Device | None:
    """The device that has a serial number now; deleted ones keep theirs and are passed over."""
    live = tx.find(Device, serial=serial, deleted_ns=None)
    return live[0] if live else None


def check_self_management(
    tx: Transaction, caller: Caller, target: Identity, profile: Profile
) -> None:
    """The gate of 2023-04-21 (AWS-2023-001).

    A user who has a device adds and removes own devices only in a session that was begun with MFA.
    The first device needs none; administrators' work on others and the root user pass.
    """
    if not profile.self_management_gate or target.root:
        return
    user = caller.user
    if user is None or user.id != target.id or caller.mfa:
        return
    if devices_of(tx, target.id):
        raise refusals.mfa_session_needed()


def check_association(device: Device, target: Identity, target_name: str) -> None:
    """A device serves at most one identity."""
    if device.owner_id == target.id:
        raise refusals.device_already_on_user(target_name)
    if device.owner_id is not None:
        raise refusals.device_in_use()


def check_owner(device: Device, target: Identity) -> None:
    """A device is resynchronised and removed for its owner only."""
    if device.owner_id != target.id:
        raise refusals.device_invalid_for_user()


def check_device_limit(tx: Transaction, target: Identity, profile: Profile) -> None:
    """An identity has at most so many devices, kinds mixed as it likes."""
    limit = profile.devices_per_identity
    if len(devices_of(tx, target.id)) >= limit:
        raise refusals.quota_exceeded("MFADevicesPerUser", limit)


def bound_device(tx: Transaction, identity: Identity, serial: str, now_ns: int) -> Device | None:
    """The device by which STS would know an identity: its own, with codes, and propagated.

    When a name was deleted and made again, the newer device wins.
    """
    bound = [
        binding
        for binding in tx.find(Binding, serial=serial)
        if binding.identity_id == identity.id
        and binding.from_ns <= now_ns
        and (binding.until_ns is None or now_ns < binding.until_ns)
    ]
    if not bound:
        return None
    newest = max(bound, key=lambda binding: binding.from_ns)
    device = tx.get(Device, newest.device_id)
    return device if device is not None and has_codes(device.kind) else None


def sign_in_devices(tx: Transaction, identity: Identity, profile: Profile) -> list[Device]:
    """The devices by any one of which an identity may sign in at the console."""
    return [
        device
        for device in devices_of(tx, identity.id)
        if device.kind is not DeviceKind.SMS or profile.sms is not SmsMode.ENDED
    ]


def check_sms_enrolment(target: Identity, profile: Profile) -> None:
    """SMS is never for a root user, and for others only while it is offered."""
    if target.root:
        raise refusals.sms_not_for_root()
    if profile.sms is not SmsMode.PREVIEW:
        raise refusals.sms_not_offered()


def check_recovery_start(account: Account, identity: Identity) -> None:
    """Alternative factors are the root user's, unless the account has them disabled."""
    if not identity.root:
        raise refusals.recovery_not_for_users()
    if not account.alternative_factors:
        raise refusals.recovery_disabled()


def check_recovery_confirmed(recovery: Recovery) -> None:
    """Alternative factors sign in only after mail and call are both confirmed."""
    if recovery.state is not RecoveryState.CALL_CONFIRMED:
        raise refusals.recovery_step_refused()
