"""authenticatorBioEnrollment with simulated fingers. CTAP 2.1 section 6.7.

A finger is whatever bytes a person puts on the sensor; the sensor recognises the same bytes again.
How well a finger lay comes with it, and a sample that was not good has to be repeated.
"""

from dataclasses import dataclass, replace
from typing import Any

from mfalab.devices.ctap import cbor
from mfalab.devices.ctap.commands import BioSubcommand, Command, Permission, Prompt, SampleStatus
from mfalab.devices.ctap.core import Call, Core
from mfalab.devices.ctap.fields import Members
from mfalab.devices.ctap.state import Finger
from mfalab.devices.ctap.status import CtapError, CtapStatus
from mfalab.devices.ctap.transaction import Ask, EventKind, Steps
from mfalab.devices.durations import NS_PER_MS

_FINGERPRINT = 1
_TOUCH_SENSOR = 1


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A template under way."""

    id: bytes
    template: bytes | None
    remaining: int


def bio_enrollment(core: Core, call: Call) -> Steps[dict[int, Any]]:
    """Serve the subcommand."""
    members = call.members
    if members.optional(0x06, bool):
        return {0x01: _FINGERPRINT}
    number = members.required(0x02, int)
    if members.required(0x01, int) != _FINGERPRINT:
        raise CtapError(CtapStatus.INVALID_PARAMETER, "the only modality is 1, fingerprint")
    params = Members(members.optional(0x03, dict) or {}, "subCommandParams")
    match number:
        case BioSubcommand.GET_SENSOR_INFO:
            return _sensor_info(core, call)
        case BioSubcommand.CANCEL:
            core.session.enrolment = None
            return {}
        case BioSubcommand.ENROLL_BEGIN:
            _authorise(core, members, number)
            if len(core.state.fingers) >= core.model.fingers:
                raise CtapError(CtapStatus.FP_DATABASE_FULL, f"{core.model.fingers} are enrolled")
            identity = core.random_bytes(16)
            core.session.enrolment = Enrolment(identity, None, core.model.finger_samples)
            answer = yield from _sample(core, params)
            return {0x04: identity, **answer}
        case BioSubcommand.ENROLL_CAPTURE_NEXT:
            wanted = params.required(0x01, bytes)
            _authorise(core, members, number)
            enrolment: Enrolment | None = core.session.enrolment
            if enrolment is None or enrolment.id != wanted:
                raise CtapError(CtapStatus.INVALID_PARAMETER, "that enrolment was not begun")
            return (yield from _sample(core, params))
        case BioSubcommand.ENUMERATE:
            _authorise(core, members, number)
            return _enumerate(core)
        case BioSubcommand.SET_FRIENDLY_NAME:
            wanted, name = params.required(0x01, bytes), params.required(0x02, str)
            _authorise(core, members, number)
            if len(name.encode()) > core.model.max_friendly_name:
                why = f"a name has at most {core.model.max_friendly_name} bytes"
                raise CtapError(CtapStatus.INVALID_LENGTH, why)
            core.state.change(replace(_named(core, wanted), name=name))
            return {}
        case BioSubcommand.REMOVE:
            wanted = params.required(0x01, bytes)
            _authorise(core, members, number)
            core.state.change(delete=[_named(core, wanted)])
            return {}
    raise CtapError(CtapStatus.INVALID_SUBCOMMAND, f"bioEnrollment subcommand {number}")


def _sensor_info(core: Core, call: Call) -> dict[int, Any]:
    info = {0x02: _TOUCH_SENSOR, 0x03: core.model.finger_samples}
    if call.command == Command.BIO_ENROLLMENT:
        info[0x08] = core.model.max_friendly_name
    return info


def _authorise(core: Core, members: Members, number: int) -> None:
    param = members.optional(0x05, bytes)
    if param is None:
        raise CtapError(CtapStatus.PUAT_REQUIRED, "a pinUvAuthParam is needed")
    protocol = core.protocol_of(members, 0x04)
    message = bytes([_FINGERPRINT, number])
    if 0x03 in members:
        message += cbor.encode(members.raw()[0x03])
    core.check_token(protocol, message, param, Permission.BIO_ENROLLMENT)


def _sample(core: Core, params: Members) -> Steps[dict[int, Any]]:
    """Take one sample; the last good one stores the template."""
    timeout_ms = params.unsigned(0x03)
    ask = core.ask(Prompt.FINGER, None, "enrol a finger")
    if timeout_ms is not None:
        ask = Ask(ask.prompt, timeout_ms * NS_PER_MS, None, ask.info)
    event = yield ask
    enrolment: Enrolment = core.session.enrolment
    if event.kind is EventKind.DECLINED:
        core.session.enrolment = None
        raise CtapError(CtapStatus.OPERATION_DENIED, "the user declined")
    status = _judged(core, enrolment, event.template, event.sample)
    if event.kind is EventKind.TIMED_OUT:
        status = SampleStatus.NO_USER_ACTIVITY
    if status is SampleStatus.GOOD:
        remaining = enrolment.remaining - 1
        enrolment = replace(enrolment, template=event.template, remaining=remaining)
        core.session.enrolment = enrolment
        if remaining == 0:
            core.session.enrolment = None
            core.state.change(Finger(enrolment.id, event.template))
    return {0x05: int(status), 0x06: enrolment.remaining}


def _judged(
    core: Core, enrolment: Enrolment, template: bytes, sample: SampleStatus
) -> SampleStatus:
    if sample is not SampleStatus.GOOD:
        return sample
    if any(finger.template == template for finger in core.state.fingers.values()):
        return SampleStatus.EXISTS
    if enrolment.template not in (None, template):
        return SampleStatus.MERGE_FAILURE
    return SampleStatus.GOOD


def _enumerate(core: Core) -> dict[int, Any]:
    if not core.state.fingers:
        raise CtapError(CtapStatus.INVALID_OPTION, "no finger is enrolled")
    infos = [{0x01: finger.id, 0x02: finger.name} for finger in core.state.fingers.values()]
    return {0x07: infos}


def _named(core: Core, template_id: bytes) -> Finger:
    finger = core.state.fingers.get(template_id)
    if finger is None:
        raise CtapError(CtapStatus.INVALID_OPTION, "no such finger is enrolled")
    return finger
