"""My security credentials, and those of a user as an administrator sees them.

The query `user` names the user; without it a page is about one's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mfalab.verifier import refusals
from mfalab.verifier.web.exchange import Exchange, Page, Pages, SignInNeeded
from mfalab.verifier.web.sign_in import twice
from mfalab.verifier.web.visits import Notice
from mfalab.verifier.wire.messages import Response

CREDENTIALS = "/credentials"
DEVICE = "/device"


def _show(x: Exchange) -> Response:
    devices, devices_refused = x.attempt(lambda: x.console.devices(x.credentials, x.user))
    keys, keys_refused = x.attempt(lambda: x.iam.list_access_keys(UserName=x.user))
    profile, no_profile = None, ""
    if x.user:
        profile, no_profile = x.attempt(lambda: x.iam.get_login_profile(UserName=x.user))
    return x.page(
        "credentials",
        devices=devices,
        devices_refused=devices_refused,
        keys=keys and keys["AccessKeyMetadata"],
        keys_refused=keys_refused,
        profile=profile and profile["LoginProfile"],
        no_profile=no_profile,
        limit=x.verifier.profile.devices_per_identity,
    )


# Devices


def _device(x: Exchange) -> Mapping[str, Any]:
    """The device that the page is about."""
    serial = x.query.get("serial", "")
    for device in x.console.devices(x.credentials, x.user):
        if device["SerialNumber"] == serial:
            return device
    raise refusals.no_such_device(serial)


def _show_device(x: Exchange) -> Response:
    device = _device(x)
    tags, tags_refused = None, ""
    if device["Type"] == "Virtual":
        serial = device["SerialNumber"]
        tags, tags_refused = x.attempt(lambda: x.iam.list_mfa_device_tags(SerialNumber=serial))
    return x.page(
        "device",
        device=device,
        has_codes=device["Type"] in ("Virtual", "Hardware"),
        tags=tags and tags["Tags"],
        tags_refused=tags_refused,
    )


def _resync(x: Exchange) -> Response:
    x.console.resync_device(
        x.credentials,
        serial=x.query.get("serial", ""),
        code1=x.field("code1").strip(),
        code2=x.field("code2").strip(),
        user_name=x.user,
    )
    return _to_device(x, "The device was resynchronized.")


def _remove(x: Exchange) -> Response:
    serial = x.query.get("serial", "")
    x.console.deactivate_device(x.credentials, serial=serial, user_name=x.user)
    text = "The MFA device was removed."
    if ":mfa/" in serial or ":sms-mfa/" in serial:
        # Its entity goes with it; a policy may let people remove a device and not delete one.
        _, refused = x.attempt(
            lambda: x.console.delete_virtual_device(x.credentials, serial=serial)
        )
        if refused:
            text += f" It stays in the account, unassigned: {refused}"
    return _to_credentials(x, text)


def _tag(x: Exchange) -> Response:
    tag = {"Key": x.field("key"), "Value": x.field("value")}
    x.iam.tag_mfa_device(SerialNumber=x.query.get("serial", ""), Tags=[tag])
    return _to_device(x, "The tag was saved.")


def _untag(x: Exchange) -> Response:
    x.iam.untag_mfa_device(SerialNumber=x.query.get("serial", ""), TagKeys=[x.field("key")])
    return _to_device(x, "The tag was removed.")


def _to_device(x: Exchange, text: str) -> Response:
    return x.go(DEVICE, Notice(text), {**x.about, "serial": x.query.get("serial", "")})


def _to_credentials(x: Exchange, text: str, **values: str) -> Response:
    return x.go(CREDENTIALS, Notice(text, values=values), x.about)


# Access keys and passwords


def _create_key(x: Exchange) -> Response:
    made = x.iam.create_access_key(UserName=x.user)["AccessKey"]
    text = "The access key was created. Its secret is shown this once."
    return _to_credentials(x, text, id=made["AccessKeyId"], secret=made["SecretAccessKey"])


def _switch_key(x: Exchange) -> Response:
    status = x.field("status")
    x.iam.update_access_key(AccessKeyId=x.field("id"), Status=status, UserName=x.user)
    return _to_credentials(x, f"The access key is {status.lower()} now.")


def _delete_key(x: Exchange) -> Response:
    x.iam.delete_access_key(AccessKeyId=x.field("id"), UserName=x.user)
    return _to_credentials(x, "The access key was deleted.")


def _show_password(x: Exchange) -> Response:
    if x.visit.credentials is None:
        raise SignInNeeded
    return x.page("password")


def _change_password(x: Exchange) -> Response:
    new = twice(x)
    x.console.change_password(x.credentials, old_password=x.field("old"), new_password=new)
    return _to_credentials(x, "The password was changed.")


def _set_password(x: Exchange) -> Response:
    """Set another's password, its first or the next."""
    user, new, reset = x.user or "", twice(x), bool(x.field("reset"))
    if x.field("first"):
        x.iam.create_login_profile(UserName=user, Password=new, PasswordResetRequired=reset)
    else:
        x.iam.update_login_profile(UserName=user, Password=new, PasswordResetRequired=reset)
    return _to_credentials(x, "The password was set.")


PAGES: Pages = {
    CREDENTIALS: Page(_show),
    DEVICE: Page(_show_device),
    "/device/resync": Page(None, _resync, DEVICE),
    "/device/remove": Page(None, _remove, DEVICE),
    "/device/tag": Page(None, _tag, DEVICE),
    "/device/untag": Page(None, _untag, DEVICE),
    "/keys/create": Page(None, _create_key, CREDENTIALS),
    "/keys/switch": Page(None, _switch_key, CREDENTIALS),
    "/keys/delete": Page(None, _delete_key, CREDENTIALS),
    "/password": Page(_show_password, _change_password),
    "/password/set": Page(None, _set_password, CREDENTIALS),
}
"""Pages for people who are signed in."""
