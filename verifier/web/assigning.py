"""The wizard that assigns an MFA device, to oneself or by an administrator to a user.

A virtual device exists from its second page on, unassigned; who leaves the wizard leaves it behind,
as at AWS.
"""

from __future__ import annotations

import json
from dataclasses import replace

from mfalab.verifier import refusals
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.profile import SmsMode
from mfalab.verifier.records import DeviceKind
from mfalab.verifier.web.credentials import CREDENTIALS
from mfalab.verifier.web.exchange import ROOT_SIGN_IN, Exchange, Page, Pages
from mfalab.verifier.web.sign_in import posted_json
from mfalab.verifier.web.visits import Notice, Wizard
from mfalab.verifier.wire.messages import Response

ASSIGN = "/assign"
PAGE_OF = {
    DeviceKind.VIRTUAL: "/assign/virtual",
    DeviceKind.HARDWARE: "/assign/hardware",
    DeviceKind.FIDO: "/assign/key",
    DeviceKind.SMS: "/assign/sms",
}


class WizardOver(Exception):
    """The wizard was finished, or is of another visit."""


def _show(x: Exchange) -> Response:
    enrolling = x.visit.credentials is None and x.credentials is not None
    offered = [DeviceKind.VIRTUAL, DeviceKind.FIDO, DeviceKind.HARDWARE]
    root = x.user is None and (enrolling or (x.visit.person is not None and x.visit.person.root))
    if x.verifier.profile.sms is SmsMode.PREVIEW and not root:
        offered.append(DeviceKind.SMS)
    return x.page("assign", offered=offered, enrolling=enrolling)


def _begin(x: Exchange) -> Response:
    name, kind = x.field("name").strip(), x.field("kind")
    if kind not in list(DeviceKind):
        raise refusals.validation_error("Choose the type of MFA device.")
    wizard = Wizard(x.user, name)
    match DeviceKind(kind):
        case DeviceKind.VIRTUAL:
            made = x.console.create_virtual_device(x.credentials, name)["VirtualMFADevice"]
            wizard = replace(
                wizard,
                serial=made["SerialNumber"],
                seed=made["Base32StringSeed"].decode(),
                qr_png=made["QRCodePNG"],
            )
        case DeviceKind.FIDO:
            options = x.console.begin_security_key(x.credentials, name=name, user_name=x.user)
            wizard = replace(wizard, options=options)
        case DeviceKind.HARDWARE | DeviceKind.SMS:
            pass
    key = x.token()
    x.visit.keep_wizard(key, wizard)
    return x.go(PAGE_OF[DeviceKind(kind)], query={**x.about, "wizard": key})


def _wizard(x: Exchange) -> Wizard:
    found = x.visit.wizards.get(x.query.get("wizard", ""))
    if found is None or found.user != x.user:
        raise WizardOver
    return found


def _finish(x: Exchange) -> Response:
    x.visit.wizards.pop(x.query.get("wizard", ""), None)
    if x.visit.credentials is None:  # root registered the device that it must have
        x.visit = x.visits.replace(x.visit)
        return x.go(ROOT_SIGN_IN, Notice("The MFA device was registered. Sign in with it."))
    return x.go(CREDENTIALS, Notice("The MFA device was assigned."), x.about)


def _show_virtual(x: Exchange) -> Response:
    return x.page("assign_virtual", wizard=_wizard(x))


def _qr(x: Exchange) -> Response:
    return x.renderer.file(_wizard(x).qr_png, "image/png")


def _enable(x: Exchange, serial: str) -> Response:
    x.console.enable_device(
        x.credentials,
        serial=serial,
        code1=x.field("code1").strip(),
        code2=x.field("code2").strip(),
        user_name=x.user,
    )
    return _finish(x)


def _virtual(x: Exchange) -> Response:
    return _enable(x, _wizard(x).serial)


def _show_hardware(x: Exchange) -> Response:
    return x.page("assign_hardware", wizard=_wizard(x))


def _hardware(x: Exchange) -> Response:
    wizard = _wizard(x)
    serial = x.field("serial").strip()
    x.visit.keep_wizard(x.query["wizard"], replace(wizard, serial=serial))
    return _enable(x, serial)


def _show_key(x: Exchange) -> Response:
    return x.page("assign_key", wizard=_wizard(x), options=json.dumps(_wizard(x).options))


def _key(x: Exchange) -> Response:
    wizard = _wizard(x)
    response = posted_json(x.field("response"))
    try:
        x.console.finish_security_key(x.credentials, response=response, user_name=x.user)
    except ServiceError:
        # The challenge is spent: the same page asks again with another one.
        options, refused = x.attempt(
            lambda: x.console.begin_security_key(x.credentials, name=wizard.name, user_name=x.user)
        )
        if not refused:
            x.visit.keep_wizard(x.query["wizard"], replace(wizard, options=options))
        raise
    return _finish(x)


def _show_sms(x: Exchange) -> Response:
    return x.page("assign_sms", wizard=_wizard(x))


def _sms(x: Exchange) -> Response:
    wizard = _wizard(x)
    if not wizard.serial or x.field("phone"):
        phone = x.field("phone").strip()
        serial = x.console.register_sms(x.credentials, phone=phone, user_name=x.user)
        x.visit.keep_wizard(x.query["wizard"], replace(wizard, serial=serial))
        return x.go(PAGE_OF[DeviceKind.SMS], query=x.query)
    code = x.field("code").strip()
    x.console.confirm_sms(x.credentials, serial=wizard.serial, code=code)
    return _finish(x)


PAGES: Pages = {
    ASSIGN: Page(_show, _begin),
    PAGE_OF[DeviceKind.VIRTUAL]: Page(_show_virtual, _virtual),
    "/assign/qr.png": Page(_qr),
    PAGE_OF[DeviceKind.HARDWARE]: Page(_show_hardware, _hardware),
    PAGE_OF[DeviceKind.FIDO]: Page(_show_key, _key),
    PAGE_OF[DeviceKind.SMS]: Page(_show_sms, _sms),
}
"""Pages for people who are signed in, and for root who must register a device."""
