# ruff: noqa: N803 - parameters are named as boto3 names them
"""The operations on MFA devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

from mfalab.verifier import (
    authorization,
    device_rules,
    enrolment,
    names,
    refusals,
    tags,
    users,
)
from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import (
    Call,
    Paging,
    on_all,
    on_device,
    on_new_device,
    on_user,
    operation,
    target_user,
)
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.iam.paging import page, page_of_tags
from mfalab.verifier.moments import moment
from mfalab.verifier.records import (
    CredentialRecord,
    Device,
    DeviceKind,
    Identity,
)


class MfaDevices(ForCaller):
    """Virtual devices, hardware tokens and security keys of users."""

    @operation("CreateVirtualMFADevice", Door.IAM, on_new_device)
    def create_virtual_mfa_device(
        self,
        call: Call,
        *,
        VirtualMFADeviceName: str,
        Path: str | None = "/",
        Tags: Sequence[Mapping[str, str]] | None = (),
    ) -> dict[str, Any]:
        """Make a virtual device; the only answer that has its seed and QR image."""
        made = enrolment.create_virtual(call, VirtualMFADeviceName, Path or "/", Tags or ())
        return {"VirtualMFADevice": made}

    @operation("EnableMFADevice", Door.IAM, on_user)
    def enable_mfa_device(
        self,
        call: Call,
        *,
        UserName: str,
        SerialNumber: str,
        AuthenticationCode1: str,
        AuthenticationCode2: str,
    ) -> dict[str, Any]:
        """Assign a virtual device or a hardware token to a user."""
        target = target_user(call, UserName)
        enrolment.enable(
            call, target, UserName, SerialNumber, AuthenticationCode1, AuthenticationCode2
        )
        return {}

    @operation("ResyncMFADevice", Door.IAM, on_user)
    def resync_mfa_device(
        self,
        call: Call,
        *,
        UserName: str,
        SerialNumber: str,
        AuthenticationCode1: str,
        AuthenticationCode2: str,
    ) -> dict[str, Any]:
        """Resynchronise a user's device."""
        target = target_user(call, UserName)
        enrolment.resync(call, target, SerialNumber, AuthenticationCode1, AuthenticationCode2)
        return {}

    @operation("DeactivateMFADevice", Door.IAM, on_user)
    def deactivate_mfa_device(
        self, call: Call, *, SerialNumber: str, UserName: str | None = None
    ) -> dict[str, Any]:
        """Take a device from a user, by default the caller.

        From root only by AssumeRoot: for root itself there is no API.
        """
        target = target_user(call, UserName)
        authorization.check_root_task(call.caller, target, "iam:DeactivateMFADevice")
        enrolment.deactivate(call, target, SerialNumber)
        return {}

    @operation("DeleteVirtualMFADevice", Door.IAM, on_device)
    def delete_virtual_mfa_device(self, call: Call, *, SerialNumber: str) -> dict[str, Any]:
        """Delete an unassigned virtual or SMS device."""
        enrolment.delete_virtual(call, SerialNumber)
        return {}

    @operation("ListMFADevices", Door.IAM, on_user)
    def list_mfa_devices(
        self, call: Call, *, UserName: str | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """A user's devices of every kind, by serial number."""
        target = target_user(call, UserName)
        owned = device_rules.devices_of(call.tx, target.id)
        devices, rest = page(owned, lambda device: device.serial, paging)
        return {"MFADevices": [enrolment.listing(target, device) for device in devices], **rest}

    @operation("ListVirtualMFADevices", Door.IAM, on_all("mfa"))
    def list_virtual_mfa_devices(
        self, call: Call, *, AssignmentStatus: str | None = None, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """The account's virtual devices, by serial number, without seeds and tags."""
        wanted = [
            device
            for device in enrolment.virtual_devices(call)
            if AssignmentStatus in (None, "Any")
            or (device.owner_id is not None) == (AssignmentStatus == "Assigned")
        ]
        devices, rest = page(wanted, lambda device: device.serial, paging)
        return {"VirtualMFADevices": [_virtual(call, device) for device in devices], **rest}

    @operation("GetMFADevice", Door.IAM, on_user)
    def get_mfa_device(
        self, call: Call, *, SerialNumber: str, UserName: str | None = None
    ) -> dict[str, Any]:
        """One security key; other kinds are refused."""
        target = target_user(call, UserName)
        if not names.is_security_key_serial(SerialNumber):
            raise refusals.only_security_keys()
        device = device_rules.device_of_serial(call.tx, SerialNumber)
        if device is None:
            raise refusals.no_such_device(SerialNumber)
        device_rules.check_owner(device, target)
        credential = call.tx.get(CredentialRecord, device.id)
        prefix = call.profile.fips_certification_prefix
        certifications = {
            prefix + scheme if scheme.startswith("FIPS") else scheme: level
            for scheme, level in (credential.certifications if credential is not None else ())
        }
        return {**enrolment.listing(target, device), "Certifications": certifications}

    @operation("TagMFADevice", Door.IAM, on_device)
    def tag_mfa_device(
        self, call: Call, *, SerialNumber: str, Tags: Sequence[Mapping[str, str]]
    ) -> dict[str, Any]:
        """Add tags to a virtual device; a tag of the same key, whatever its case, is replaced."""
        device = _tagged(call, SerialNumber)
        kept = tags.added(device.tags, Tags, call.profile.tags_per_device, "TagsPerMFADevice")
        call.tx.update(replace(device, tags=kept))
        return {}

    @operation("UntagMFADevice", Door.IAM, on_device)
    def untag_mfa_device(
        self, call: Call, *, SerialNumber: str, TagKeys: Sequence[str]
    ) -> dict[str, Any]:
        """Remove tags from a virtual device."""
        device = _tagged(call, SerialNumber)
        call.tx.update(replace(device, tags=tags.without(device.tags, TagKeys)))
        return {}

    @operation("ListMFADeviceTags", Door.IAM, on_device)
    def list_mfa_device_tags(
        self, call: Call, *, SerialNumber: str, **paging: Unpack[Paging]
    ) -> dict[str, Any]:
        """A virtual device's tags, by key."""
        return page_of_tags(_tagged(call, SerialNumber).tags, paging)


def _virtual(call: Call, device: Device) -> dict[str, Any]:
    shown: dict[str, Any] = {"SerialNumber": device.serial}
    if device.owner_id is not None and device.enabled_ns is not None:
        owner = call.tx.get(Identity, device.owner_id)
        assert owner is not None
        user = users.entry(call.caller.account, owner)
        user.pop("PasswordLastUsed", None)
        shown |= {"User": user, "EnableDate": moment(device.enabled_ns)}
    return shown


def _tagged(call: Call, serial: str) -> Device:
    device = device_rules.device_of_serial(call.tx, serial)
    if device is None or device.kind is not DeviceKind.VIRTUAL:
        raise refusals.no_such_device(serial)
    return device
