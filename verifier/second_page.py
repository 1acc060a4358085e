"""The console's second page, which asks for MFA: its prompts and the answers to them.

The kind of device is chosen when there are several; then any device of that kind may supply the
code. The page is valid for one sign-in and for some minutes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from mfalab.verifier import (
    console_login,
    device_rules,
    names,
    propagation,
    refusals,
    security_keys,
    sms,
)
from mfalab.verifier.calls import Call, Refused
from mfalab.verifier.code_rules import verify_code, verify_pair
from mfalab.verifier.console_login import SecondPage, SignedIn
from mfalab.verifier.decision import Decision, Outcome
from mfalab.verifier.records import Demand, Device, DeviceKind, Identity, SignIn, UsedCode
from mfalab.verifier.sessions import MfaProof
from mfalab.verifier.store.protocol import Transaction
from mfalab.verifier.trail import MFA_TYPES
from mfalab.verifier.webauthn.outcomes import CeremonyOutcome

R = TypeVar("R")


def open_page(call: Call, identity: Identity) -> SecondPage:
    """Open the page after the password; a single kind of device is prompted for at once."""
    sign_in = console_login.new_page(call, identity, Demand.MFA)
    devices = device_rules.sign_in_devices(call.tx, identity, call.profile)
    mfa_type = MFA_TYPES[devices[0].kind] if len(devices) == 1 else "Multiple MFA Devices"
    console_login.record(call, "CheckMfa", identity, {"MfaType": mfa_type})
    kinds = _kinds(devices)
    if len(kinds) == 1:
        return _choose(call, sign_in, identity, kinds[0], devices)
    return _show(call, sign_in, identity, devices)


def find(call: Call, page_id: str) -> tuple[SignIn, Identity]:
    """An open page that asks for MFA, and its identity."""
    return console_login.find(call, page_id, Demand.MFA)


def look(call: Call, page_id: str) -> SecondPage:
    """The page as it is now, without a request to security keys."""
    sign_in, identity = find(call, page_id)
    offered = device_rules.sign_in_devices(call.tx, identity, call.profile)
    return _show(call, sign_in, identity, offered)


def choose(call: Call, page_id: str, kind: DeviceKind) -> SecondPage:
    """Show the prompt for a kind of device; SMS codes leave at once, keys get a new challenge."""
    sign_in, identity = find(call, page_id)
    devices = device_rules.sign_in_devices(call.tx, identity, call.profile)
    return _choose(call, sign_in, identity, kind, devices)


def submit_code(call: Call, page_id: str, code: str) -> SignedIn | SecondPage:
    """Sign in with a code; every device of the chosen kind is tried until one accepts."""
    sign_in, identity = find(call, page_id)
    devices = _prompted(call, sign_in, identity)
    if sign_in.chosen is DeviceKind.SMS:
        decisions = [sms.verify(call, devices[0], code)]
    else:
        decisions = _try_code(call, devices, code)
    if decisions[-1].accepted:
        proof = MfaProof(call.now_ns, decisions[-1].serial)
        return console_login.finish(call, identity, proof, sign_in)
    throttled = all(decision.outcome is Outcome.THROTTLED for decision in decisions)
    if sign_in.chosen is not DeviceKind.SMS and throttled:
        console_login.record_failure(call, identity, mfa_used=True)
        raise Refused(refusals.rate_exceeded())
    raise console_login.fail(call, sign_in, identity, refusals.invalid_authentication_code())


def submit_assertion(
    call: Call, page_id: str, response: security_keys.Response
) -> SignedIn | SecondPage:
    """Sign in with a security key; an error that the client raised is not counted as a failure."""
    sign_in, identity = find(call, page_id)
    _prompted(call, sign_in, identity)
    if sign_in.chosen is not DeviceKind.FIDO:
        raise refusals.kind_not_offered(DeviceKind.FIDO)
    decision = security_keys.verify(call, identity, sign_in.id, response)
    if decision.accepted:
        proof = MfaProof(call.now_ns, decision.serial)
        return console_login.finish(call, identity, proof, sign_in)
    if decision.outcome is CeremonyOutcome.CLIENT_ERROR:
        raise Refused(refusals.assertion_refused())
    raise console_login.fail(call, sign_in, identity, refusals.assertion_refused())


def resend_code(call: Call, page_id: str) -> None:
    """Have another SMS code sent."""
    sign_in, identity = find(call, page_id)
    devices = _prompted(call, sign_in, identity)
    if sign_in.chosen is not DeviceKind.SMS:
        raise refusals.kind_not_offered(DeviceKind.SMS)
    sms.resend_code(call, devices[0])


def resync(call: Call, page_id: str, code1: str, code2: str) -> SecondPage:
    """Resynchronise the device of the chosen kind whose codes these are."""
    sign_in, identity = find(call, page_id)
    if not _resync_offered(call, sign_in, identity):
        raise refusals.resync_not_offered()
    devices = _prompted(call, sign_in, identity)
    if sign_in.chosen is None or not names.has_codes(sign_in.chosen):
        raise refusals.kind_has_no_codes(str(sign_in.chosen))
    for device in devices:
        decision = call.decide(verify_pair, device, code1, code2)
        if decision.accepted:
            propagation.tell_sts_of_resync(call, device, decision)
            sign_in = replace(sign_in, failures=0)
            call.tx.update(sign_in)
            offered = device_rules.sign_in_devices(call.tx, identity, call.profile)
            return _show(call, sign_in, identity, offered)
    raise Refused(refusals.invalid_authentication_code())


class _OwnCodes:
    """A transaction in which the console's used codes are apart: step n is kept as -n - 1."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, record_type: type[R], *key: Any) -> R | None:
        if record_type is UsedCode:
            device_id, step = key
            return self._tx.get(record_type, device_id, ~step)
        return self._tx.get(record_type, *key)

    def find(self, record_type: type[R], **equal: object) -> list[R]:
        return self._tx.find(record_type, **equal)

    def count(self, record_type: type, **equal: object) -> int:
        return self._tx.count(record_type, **equal)

    def insert(self, record: object) -> None:
        if isinstance(record, UsedCode):
            record = UsedCode(record.device_id, ~record.step)
        self._tx.insert(record)

    def update(self, record: object) -> None:
        self._tx.update(record)

    def delete(self, record: object) -> None:
        self._tx.delete(record)


def _choose(
    call: Call, sign_in: SignIn, identity: Identity, kind: DeviceKind, offered: list[Device]
) -> SecondPage:
    devices = [device for device in offered if device.kind is kind]
    if not devices:
        raise refusals.kind_not_offered(kind)
    sign_in = replace(sign_in, chosen=kind)
    call.tx.update(sign_in)
    if kind is DeviceKind.SMS:
        sms.send_code(call, devices[0])
    page = _show(call, sign_in, identity, offered)
    if kind is DeviceKind.FIDO:
        options = security_keys.begin_authentication(call, identity, sign_in.id)
        page = replace(page, assertion_options=options)
    return page


def _show(call: Call, sign_in: SignIn, identity: Identity, offered: list[Device]) -> SecondPage:
    """The page as it is now."""
    return SecondPage(
        sign_in.id,
        _kinds(offered),
        sign_in.chosen,
        _resync_offered(call, sign_in, identity),
        sign_in.failures,
    )


def _prompted(call: Call, sign_in: SignIn, identity: Identity) -> list[Device]:
    """The devices whose prompt is shown; there is none before the kind is chosen."""
    if sign_in.chosen is None:
        raise refusals.choose_kind_first()
    devices = _of_kind(call, identity, sign_in.chosen)
    if not devices:
        raise refusals.page_gone()
    return devices


def _try_code(call: Call, devices: list[Device], code: str) -> list[Decision]:
    """Try a code on device after device until one accepts; each try counts on its budget."""
    decisions: list[Decision] = []
    if not call.profile.sign_in_tries_every_device:
        devices = [max(devices, key=lambda device: device.enabled_ns or 0)]
    for device in devices:
        if not names.has_codes(device.kind):
            raise refusals.kind_has_no_codes(device.kind)
        tx = call.tx if call.profile.console_shares_used_codes else _OwnCodes(call.tx)
        decisions.append(call.decide(verify_code, device, code, tx=tx))
        if decisions[-1].accepted:
            break
    return decisions


def _resync_offered(call: Call, sign_in: SignIn, identity: Identity) -> bool:
    """Root finds it under "Troubleshoot MFA" at any time, users after repeated refusals."""
    return identity.root or sign_in.failures >= call.profile.console_resync_offered_after


def _of_kind(call: Call, identity: Identity, kind: DeviceKind) -> list[Device]:
    devices = device_rules.sign_in_devices(call.tx, identity, call.profile)
    return [device for device in devices if device.kind is kind]


def _kinds(devices: list[Device]) -> tuple[DeviceKind, ...]:
    present = {device.kind for device in devices}
    return tuple(kind for kind in DeviceKind if kind in present)
