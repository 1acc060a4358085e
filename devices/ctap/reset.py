"""authenticatorReset and authenticatorSelection. CTAP 2.1 sections 6.6 and 6.9."""

from typing import Any

from mfalab.devices.ctap.core import Call, Core
from mfalab.devices.ctap.faults import Lapse
from mfalab.devices.ctap.state import LargeBlobs
from mfalab.devices.ctap.status import CtapError, CtapStatus
from mfalab.devices.ctap.token import PinUvAuthToken
from mfalab.devices.ctap.transaction import Steps
from mfalab.devices.durations import NS_PER_S


def reset(core: Core, call: Call) -> Steps[dict[int, Any]]:
    """End everything: credentials, PIN, fingers, blobs and settings."""
    allowed = core.model.transports_for_reset
    if allowed and call.transport not in allowed:
        raise CtapError(CtapStatus.NOT_ALLOWED, f"no reset over {call.transport.value}")
    age_ns = core.clock.now_ns() - core.session.powered_up_ns
    if age_ns > core.model.reset_window_s * NS_PER_S:
        why = f"power came more than {core.model.reset_window_s} s ago, plug it in again"
        raise CtapError(CtapStatus.NOT_ALLOWED, why)
    yield from core.presence(call, None, "reset", CtapStatus.USER_ACTION_TIMEOUT)
    settings, blobs = core.state.settings, core.state.large_blobs
    core.state.reset()
    if core.lapses(Lapse.SETTINGS_SURVIVE_RESET):
        core.state.change(settings)
    if core.lapses(Lapse.BLOBS_SURVIVE_RESET):
        core.state.change(LargeBlobs(blobs))
    session = core.session
    if not core.lapses(Lapse.TOKEN_SURVIVES_RESET):
        session.token = PinUvAuthToken(core.random_bytes)
    session.protocols.clear()
    session.pin_mismatches = 0
    session.walk = session.blob_write = session.enrolment = None
    return {}


def selection(core: Core, call: Call) -> Steps[dict[int, Any]]:
    """Ask for a touch, so that a person can choose among several authenticators."""
    yield from core.presence(call, None, "choose", CtapStatus.USER_ACTION_TIMEOUT)
    return {}
