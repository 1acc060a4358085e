"""Codes by short message, the kind of device that AWS has ended.

Only the newest code counts, for some minutes and a few tries.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import replace

from mfalab.verifier import device_rules, names, refusals
from mfalab.verifier.calls import Call, Refused
from mfalab.verifier.decision import Decision, Outcome
from mfalab.verifier.enrolment import bind
from mfalab.verifier.moments import SECOND_NS
from mfalab.verifier.records import Binding, Device, DeviceKind, Identity, SmsChallenge


def register(call: Call, target: Identity, phone: str) -> str:
    """Begin to enrol a telephone: send it a code, and return the device's serial number.

    A number that was never confirmed may be replaced; one that was confirmed is changed by deleting
    the device and creating it again.
    """
    tx = call.tx
    device_rules.check_sms_enrolment(target, call.profile)
    device_rules.check_self_management(tx, call.caller, target, call.profile)
    if not re.fullmatch(r"\+?[0-9][0-9 ()-]{2,24}", phone, re.ASCII):
        raise refusals.invalid_phone()
    serial = names.sms_serial(call.caller.account, target.name)
    existing = device_rules.device_of_serial(tx, serial)
    if existing is not None:
        device_rules.check_association(existing, target, target.name)
        if existing.phone != phone and tx.find(Binding, device_id=existing.id):
            raise refusals.device_exists()
    device_rules.check_device_limit(tx, target, call.profile)
    device = Device(
        id=existing.id if existing else names.unique_id("MFA", call.random_bytes),
        kind=DeviceKind.SMS,
        serial=serial,
        account_id=target.account_id,
        name=target.name,
        path="/",
        created_ns=existing.created_ns if existing else call.now_ns,
        phone=phone,
    )
    tx.update(device)
    send_code(call, device)
    return serial


def confirm(call: Call, target: Identity, serial: str, code: str) -> None:
    """Finish enrolment with the code that was sent."""
    device_rules.check_sms_enrolment(target, call.profile)
    device_rules.check_self_management(call.tx, call.caller, target, call.profile)
    device = device_rules.device_of_serial(call.tx, serial)
    if device is None or device.kind is not DeviceKind.SMS:
        raise refusals.no_such_device(serial)
    device_rules.check_association(device, target, target.name)
    device_rules.check_device_limit(call.tx, target, call.profile)
    if not verify(call, device, code).accepted:
        raise Refused(refusals.invalid_authentication_code())
    bind(call, device.id, target)


def send_code(call: Call, device: Device) -> None:
    """Send a new code; earlier codes are refused from now on."""
    assert device.phone is not None
    number = device.phone
    code = names.decimal_digits(6, call.random_bytes)
    call.tx.update(SmsChallenge(device.id, code, call.now_ns))
    text = f"Your Amazon Web Services authentication code is {code}"
    call.send(lambda outbox: outbox.send_sms(number, text))


def resend_code(call: Call, device: Device) -> None:
    """Send another code, if the last one has had time to arrive."""
    challenge = call.tx.get(SmsChallenge, device.id)
    pause_ns = call.profile.sms_resend_after_s * SECOND_NS
    if challenge is not None and call.now_ns - challenge.sent_ns < pause_ns:
        raise refusals.rate_exceeded()
    send_code(call, device)


def verify(call: Call, device: Device, code: str) -> Decision:
    """Decide on a typed code; every try counts. The steps of the decision have no meaning here."""
    challenge = call.tx.get(SmsChallenge, device.id)
    outcome = Outcome.WRONG
    if challenge is not None:
        outcome = _judge(call, challenge, code)
        used = challenge.used or outcome is Outcome.ACCEPTED
        call.tx.update(replace(challenge, tries=challenge.tries + 1, used=used))
    decision = Decision(outcome, device.serial, call.operation, call.now_ns, 0, 0, 0, 0)
    call.observe(decision)
    return decision


def _judge(call: Call, challenge: SmsChallenge, code: str) -> Outcome:
    if challenge.tries >= call.profile.sms_tries:
        return Outcome.THROTTLED
    if not hmac.compare_digest(challenge.code.encode(), code.encode()):
        return Outcome.WRONG
    if challenge.used:
        return Outcome.REPLAYED
    if call.now_ns - challenge.sent_ns > call.profile.sms_code_lifetime_s * SECOND_NS:
        return Outcome.EXPIRED
    return Outcome.ACCEPTED
