# ruff: noqa: N803 - parameters are named as boto3 names them
"""The IAM operations on MFA devices, with boto3's names, parameters and answers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from mfalab.verifier import (
    credential_report,
    device_rules,
    enrolment,
    names,
    parameter_rules,
    refusals,
)
from mfalab.verifier.authorization import Credentials, Door
from mfalab.verifier.calls import (
    Call,
    Service,
    on_device,
    on_everything,
    on_new_device,
    on_user,
    operation,
    target_user,
)
from mfalab.verifier.moments import moment
from mfalab.verifier.records import (
    AccessKey,
    Account,
    CredentialRecord,
    Device,
    DeviceKind,
    Identity,
    Role,
)

T = TypeVar("T")


class Iam:
    """IAM for one caller. Every method raises `ServiceError` as IAM refuses."""

    def __init__(self, service: Service, credentials: Credentials) -> None:
        self._service = service
        self._credentials = credentials

    @operation("CreateVirtualMFADevice", Door.IAM, parameter_rules.IAM, on_new_device)
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

    @operation("EnableMFADevice", Door.IAM, parameter_rules.IAM, on_user)
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

    @operation("ResyncMFADevice", Door.IAM, parameter_rules.IAM, on_user)
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

    @operation("DeactivateMFADevice", Door.IAM, parameter_rules.IAM, on_user)
    def deactivate_mfa_device(
        self, call: Call, *, SerialNumber: str, UserName: str | None = None
    ) -> dict[str, Any]:
        """Take a device from a user, by default the caller; not from root, for which no API is."""
        target = target_user(call, UserName)
        if target.root:
            raise refusals.not_authorized(
                call.caller.arn, "iam:DeactivateMFADevice", call.caller.arn
            )
        enrolment.deactivate(call, target, SerialNumber)
        return {}

    @operation("DeleteVirtualMFADevice", Door.IAM, parameter_rules.IAM, on_device)
    def delete_virtual_mfa_device(self, call: Call, *, SerialNumber: str) -> dict[str, Any]:
        """Delete an unassigned virtual or SMS device."""
        enrolment.delete_virtual(call, SerialNumber)
        return {}

    @operation("ListMFADevices", Door.IAM, parameter_rules.IAM, on_user)
    def list_mfa_devices(
        self,
        call: Call,
        *,
        UserName: str | None = None,
        Marker: str | None = None,
        MaxItems: int | None = None,
    ) -> dict[str, Any]:
        """A user's devices of every kind, by serial number."""
        target = target_user(call, UserName)
        owned = device_rules.devices_of(call.tx, target.id)
        devices, rest = _page(owned, lambda device: device.serial, Marker, MaxItems)
        return {"MFADevices": [enrolment.listing(target, device) for device in devices], **rest}

    @operation("ListVirtualMFADevices", Door.IAM, parameter_rules.IAM, on_everything)
    def list_virtual_mfa_devices(
        self,
        call: Call,
        *,
        AssignmentStatus: str | None = None,
        Marker: str | None = None,
        MaxItems: int | None = None,
    ) -> dict[str, Any]:
        """The account's virtual devices, by serial number, without seeds and tags."""
        wanted = [
            device
            for device in enrolment.virtual_devices(call)
            if AssignmentStatus in (None, "Any")
            or (device.owner_id is not None) == (AssignmentStatus == "Assigned")
        ]
        devices, rest = _page(wanted, lambda device: device.serial, Marker, MaxItems)
        return {"VirtualMFADevices": [_virtual(call, device) for device in devices], **rest}

    @operation("GetMFADevice", Door.IAM, parameter_rules.IAM, on_user)
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
        certifications = dict(credential.certifications) if credential is not None else {}
        return {**enrolment.listing(target, device), "Certifications": certifications}

    @operation("TagMFADevice", Door.IAM, parameter_rules.IAM, on_device)
    def tag_mfa_device(
        self, call: Call, *, SerialNumber: str, Tags: Sequence[Mapping[str, str]]
    ) -> dict[str, Any]:
        """Add tags to a virtual device; a tag of the same key, whatever its case, is replaced."""
        device = _tagged(call, SerialNumber)
        added = enrolment.tag_pairs(Tags)
        replaced = {key.lower() for key, _ in added}
        kept = tuple(tag for tag in device.tags if tag[0].lower() not in replaced)
        limit = call.profile.tags_per_device
        if len(kept) + len(added) > limit:
            raise refusals.quota_exceeded("TagsPerMFADevice", limit)
        call.tx.update(replace(device, tags=kept + added))
        return {}

    @operation("UntagMFADevice", Door.IAM, parameter_rules.IAM, on_device)
    def untag_mfa_device(
        self, call: Call, *, SerialNumber: str, TagKeys: Sequence[str]
    ) -> dict[str, Any]:
        """Remove tags from a virtual device."""
        device = _tagged(call, SerialNumber)
        gone = {key.lower() for key in TagKeys}
        kept = tuple(tag for tag in device.tags if tag[0].lower() not in gone)
        call.tx.update(replace(device, tags=kept))
        return {}

    @operation("ListMFADeviceTags", Door.IAM, parameter_rules.IAM, on_device)
    def list_mfa_device_tags(
        self,
        call: Call,
        *,
        SerialNumber: str,
        Marker: str | None = None,
        MaxItems: int | None = None,
    ) -> dict[str, Any]:
        """A virtual device's tags, by key."""
        device = _tagged(call, SerialNumber)
        tags, rest = _page(sorted(device.tags), lambda tag: tag[0], Marker, MaxItems)
        return {"Tags": enrolment.tag_dicts(tags), **rest}

    @operation("GetAccountSummary", Door.IAM, parameter_rules.IAM, on_everything)
    def get_account_summary(self, call: Call) -> dict[str, Any]:
        """Counts of the account's entities; a device counts from its creation on."""
        tx, account = call.tx, call.caller.account
        identities = tx.find(Identity, account_id=account.id)
        devices = [
            device for device in tx.find(Device, account_id=account.id) if device.deleted_ns is None
        ]
        in_use = [device for device in devices if device.owner_id is not None]
        return {
            "SummaryMap": {
                "Users": sum(not identity.root for identity in identities),
                "Roles": len(tx.find(Role, account_id=account.id)),
                "MFADevices": len(devices if call.profile.summary_counts_unassigned else in_use),
                "MFADevicesInUse": len(in_use),
                "AccountMFAEnabled": int(any(device.owner_id == account.id for device in in_use)),
                "AccountAccessKeysPresent": int(bool(tx.find(AccessKey, identity_id=account.id))),
            }
        }

    @operation("GenerateCredentialReport", Door.IAM, parameter_rules.IAM, on_everything)
    def generate_credential_report(self, call: Call) -> dict[str, Any]:
        """Begin a credential report, unless the last one is young enough."""
        return credential_report.generate(call)

    @operation("GetCredentialReport", Door.IAM, parameter_rules.IAM, on_everything)
    def get_credential_report(self, call: Call) -> dict[str, Any]:
        """The last credential report, as CSV."""
        return credential_report.get(call)

    @operation("DeleteUser", Door.IAM, parameter_rules.IAM, on_user)
    def delete_user(self, call: Call, *, UserName: str) -> dict[str, Any]:
        """Delete a user without devices; password and access keys go with it."""
        target = target_user(call, UserName)
        if device_rules.devices_of(call.tx, target.id):
            raise refusals.user_has_devices()
        enrolment.delete_user(call, target)
        return {}

    @operation("GetUser", Door.IAM, parameter_rules.IAM, on_user)
    def get_user(self, call: Call, *, UserName: str | None = None) -> dict[str, Any]:
        """A user, by default the caller."""
        return {"User": _user(call.caller.account, target_user(call, UserName))}

    @operation("ListUsers", Door.IAM, parameter_rules.IAM, on_everything)
    def list_users(
        self, call: Call, *, Marker: str | None = None, MaxItems: int | None = None
    ) -> dict[str, Any]:
        """The account's IAM users, by name without case."""
        account = call.caller.account
        users = [user for user in call.tx.find(Identity, account_id=account.id) if not user.root]
        users.sort(key=lambda user: user.name_key)
        shown, rest = _page(users, lambda user: user.name_key, Marker, MaxItems)
        return {"Users": [_user(account, user) for user in shown], **rest}


def _user(account: Account, identity: Identity) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "UserId": identity.id,
        "Arn": names.identity_arn(account, identity),
        "CreateDate": moment(identity.created_ns),
    }
    if not identity.root:
        shown |= {"Path": identity.path, "UserName": identity.name}
    if identity.password_last_used_ns is not None:
        shown["PasswordLastUsed"] = moment(identity.password_last_used_ns)
    return shown


def _virtual(call: Call, device: Device) -> dict[str, Any]:
    shown: dict[str, Any] = {"SerialNumber": device.serial}
    if device.owner_id is not None and device.enabled_ns is not None:
        owner = call.tx.get(Identity, device.owner_id)
        assert owner is not None
        user = _user(call.caller.account, owner)
        user.pop("PasswordLastUsed", None)
        shown |= {"User": user, "EnableDate": moment(device.enabled_ns)}
    return shown


def _tagged(call: Call, serial: str) -> Device:
    device = device_rules.device_of_serial(call.tx, serial)
    if device is None or device.kind is not DeviceKind.VIRTUAL:
        raise refusals.no_such_device(serial)
    return device


def _page(
    items: list[T], key: Callable[[T], str], marker: str | None, max_items: int | None
) -> tuple[list[T], dict[str, Any]]:
    """One page of items that are sorted by a key, and the answer's fields about the rest.

    A marker names the last item that was shown, so a page is right although items came or went.
    """
    last = None if marker is None else _unwrap(marker)
    rest = [item for item in items if last is None or key(item) > last]
    size = parameter_rules.whole_number("maxItems", 100 if max_items is None else max_items)
    shown = rest[:size]
    answer: dict[str, Any] = {"IsTruncated": len(rest) > size}
    if len(rest) > size:
        answer["Marker"] = base64.urlsafe_b64encode(b"after:" + key(shown[-1]).encode()).decode()
    return shown, answer


def _unwrap(marker: str) -> str:
    try:
        text = base64.b64decode(marker, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise refusals.invalid_marker() from None
    if not text.startswith("after:"):
        raise refusals.invalid_marker()
    return text.removeprefix("after:")
