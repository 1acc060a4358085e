"""How devices come to identities and leave them: the same for the API and the console.

Each function is the body of an operation; it keeps the order in which AWS looks at things after
the caller's permission: self-management gate, device, association, device limit, codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mfalab.verifier import device_rules, names, propagation, refusals, tags
from mfalab.verifier.calls import Call, Refused
from mfalab.verifier.code_rules import verify_pair
from mfalab.verifier.decision import Decision
from mfalab.verifier.moments import moment
from mfalab.verifier.records import (
    Account,
    Binding,
    CredentialRecord,
    Device,
    DeviceKind,
    Identity,
    MovingFactor,
    SmsChallenge,
)


def create_virtual(
    call: Call, name: str, path: str, given_tags: Iterable[Mapping[str, str]]
) -> dict[str, Any]:
    """Make a virtual device, unassigned; its seed and QR image are handed out here only."""
    account = call.caller.account
    pairs = tags.added((), given_tags, call.profile.tags_per_device, "TagsPerMFADevice")
    if len(name) > names.LONGEST_DEVICE_NAME:
        raise refusals.device_name_too_long(names.LONGEST_DEVICE_NAME)
    _check_name_is_free(call, account, path, name)
    device = Device(
        id=names.unique_id("MFA", call.random_bytes),
        kind=DeviceKind.VIRTUAL,
        serial=names.virtual_serial(account, path, name),
        account_id=account.id,
        name=name,
        path=path,
        created_ns=call.now_ns,
        secret=call.random_bytes(names.SEED_BYTES),
        tags=pairs,
        name_key=name.lower(),
    )
    call.tx.insert(device)
    answer: dict[str, Any] = {
        "SerialNumber": device.serial,
        "Base32StringSeed": names.base32_seed(device).encode(),
        "QRCodePNG": names.qr_png(names.otpauth_uri(account, device)),
    }
    if pairs:
        answer["Tags"] = tags.shown(pairs)
    return answer


def enable(
    call: Call, target: Identity, target_name: str, serial: str, code1: str, code2: str
) -> None:
    """Assign a device that proves itself with two consecutive codes."""
    tx = call.tx
    device_rules.check_self_management(tx, call.caller, target, call.profile)
    device = device_rules.device_of_serial(tx, serial)
    if device is None or not _may_be_enabled(call, device):
        raise refusals.no_such_device(serial)
    device_rules.check_association(device, target, target_name)
    device_rules.check_device_limit(tx, target, call.profile)
    decision = _require_pair(call, device, code1, code2)
    from_ns = bind(call, device.id, target)
    propagation.tell_sts_of_enabling(call, device, decision, from_ns)


def resync(call: Call, target: Identity, serial: str, code1: str, code2: str) -> None:
    """Find a device's clock again by two consecutive codes. The gate does not apply."""
    device = _device_in_account(call, serial)
    device_rules.check_owner(device, target)
    if not names.has_codes(device.kind):
        raise refusals.device_invalid_for_user()
    decision = _require_pair(call, device, code1, code2)
    propagation.tell_sts_of_resync(call, device, decision)


def deactivate(call: Call, target: Identity, serial: str) -> None:
    """Take a device from its owner. A virtual or SMS device stays until it is deleted."""
    device_rules.check_self_management(call.tx, call.caller, target, call.profile)
    device = _device_in_account(call, serial)
    device_rules.check_owner(device, target)
    unbind(call, device)
    if target.root:
        address = call.caller.account.root_email
        text = f"The MFA device {serial} was removed from the root user of your account."
        call.send(lambda outbox: outbox.send_mail(address, "MFA device removed", text, ""))


def delete_virtual(call: Call, serial: str) -> None:
    """Delete an unassigned virtual or SMS device."""
    device = _device_in_account(call, serial)
    if device.kind not in (DeviceKind.VIRTUAL, DeviceKind.SMS):
        raise refusals.no_such_device(serial)
    if device.owner_id is not None:
        raise refusals.virtual_device_in_use()
    remove(call, device)


def bind(call: Call, device_id: str, target: Identity) -> int:
    """Make an identity the owner of a device; returns when STS learns it."""
    device = call.tx.get(Device, device_id)
    assert device is not None
    call.tx.update(
        replace(device, owner_id=target.id, account_id=target.account_id, enabled_ns=call.now_ns)
    )
    from_ns = call.now_ns + call.delay_ns("propagation_enable_s", device.serial)
    call.tx.update(Binding(device.id, from_ns, device.serial, target.id))
    return from_ns


def unbind(call: Call, device: Device) -> None:
    """Take a device from its owner; STS learns it after the propagation delay.

    A hardware token goes back to no account. A security key's registration ends: its key pair was
    made for it.
    """
    kept = device.kind is not DeviceKind.HARDWARE
    ended = device.kind is DeviceKind.FIDO
    call.tx.update(
        replace(
            device,
            owner_id=None,
            enabled_ns=None,
            account_id=device.account_id if kept else None,
            deleted_ns=call.now_ns if ended else None,
        )
    )
    credential = call.tx.get(CredentialRecord, device.id)
    if credential is not None:
        call.tx.delete(credential)
    until_ns = call.now_ns + call.delay_ns("propagation_disable_s", device.serial)
    for binding in call.tx.find(Binding, device_id=device.id):
        if binding.until_ns is None:
            call.tx.update(replace(binding, until_ns=until_ns))


def remove(call: Call, device: Device) -> None:
    """Delete a device's entity; its row stays, so that its used codes stay used."""
    call.tx.update(replace(device, deleted_ns=call.now_ns))
    challenge = call.tx.get(SmsChallenge, device.id)
    if challenge is not None:
        call.tx.delete(challenge)


def listing(identity: Identity, device: Device) -> dict[str, Any]:
    """A device as ListMFADevices shows it."""
    assert device.enabled_ns is not None
    return {
        "UserName": identity.name or "root",
        "SerialNumber": device.serial,
        "EnableDate": moment(device.enabled_ns),
    }


def virtual_devices(call: Call) -> list[Device]:
    """The account's virtual devices, assigned or not, by serial number."""
    found = call.tx.find(
        Device, account_id=call.caller.account.id, kind=DeviceKind.VIRTUAL, deleted_ns=None
    )
    return sorted(found, key=lambda device: device.serial)


def _check_name_is_free(call: Call, account: Account, path: str, name: str) -> None:
    live = {"account_id": account.id, "kind": DeviceKind.VIRTUAL, "deleted_ns": None}
    alike = call.tx.find(Device, **live, name_key=name.lower(), path=path)
    if any(call.profile.device_names_ignore_case or device.name == name for device in alike):
        raise refusals.device_exists()
    quota = call.profile.virtual_devices_per_account
    if call.tx.count(Device, **live) >= quota:
        raise refusals.quota_exceeded("VirtualMFADevicesPerAccount", quota)


def _device_in_account(call: Call, serial: str) -> Device:
    device = device_rules.device_of_serial(call.tx, serial)
    if device is None or device.account_id not in (None, call.caller.account.id):
        raise refusals.no_such_device(serial)
    return device


def _may_be_enabled(call: Call, device: Device) -> bool:
    """Whether a serial number means anything to Enable: then the association is looked at."""
    if device.owner_id is not None:
        foreign = device.account_id != call.caller.account.id
        return not foreign or device.kind is DeviceKind.HARDWARE
    if not names.has_codes(device.kind):
        return False
    if device.moving_factor is MovingFactor.EVENT and not call.profile.hotp_tokens:
        return False
    return device.account_id in (None, call.caller.account.id)


def _require_pair(call: Call, device: Device, code1: str, code2: str) -> Decision:
    decision = call.decide(verify_pair, device, code1, code2)
    if not decision.accepted:
        raise Refused(refusals.invalid_authentication_code())
    return decision
