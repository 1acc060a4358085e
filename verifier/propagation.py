"""What STS does not know yet of a device's last pair.

IAM and the console know the result of a pair at once. STS goes on with the old offset for a moment,
takes the new one some seconds later, and takes the pair's second code later still. In between it
takes no code of the device. Bindings, the other thing that STS learns late, are in `enrolment`.
"""

from __future__ import annotations

from mfalab.verifier.calls import Call
from mfalab.verifier.code_rules import StsView
from mfalab.verifier.decision import Decision
from mfalab.verifier.records import Device, MovingFactor, PairAtSts
from mfalab.verifier.store.protocol import Transaction


def tell_sts_of_resync(call: Call, before: Device, decision: Decision) -> None:
    """Let STS learn of a resynchronisation; `before` is the device as it was."""
    old_until_ns = call.now_ns + call.delay_ns("propagation_resync_old_s", before.serial)
    from_ns = call.now_ns + call.delay_ns("propagation_resync_s", before.serial)
    _tell(call, before, decision, old_until_ns, from_ns)


def tell_sts_of_enabling(call: Call, before: Device, decision: Decision, from_ns: int) -> None:
    """Let STS learn of the pair with which a device was enabled: it comes with the binding."""
    _tell(call, before, decision, from_ns, from_ns)


def view_of(tx: Transaction, device: Device, now_ns: int) -> StsView | None:
    """How STS sees a device, if it differs from what IAM knows."""
    news = tx.get(PairAtSts, device.id)
    if news is None or now_ns >= max(news.offset_from_ns, news.second_step_from_ns):
        return None
    if now_ns >= news.offset_from_ns:
        return StsView(device.offset_steps, news.second_step)
    if now_ns < news.old_until_ns:
        return StsView(news.old_offset_steps, news.second_step)
    return StsView(device.offset_steps, news.second_step, takes_none=True)


def _tell(
    call: Call, before: Device, decision: Decision, old_until_ns: int, offset_from_ns: int
) -> None:
    if before.moving_factor is MovingFactor.EVENT:
        # A counter that STS held on to would take codes below the new one.
        return
    second_step = decision.matched_step
    assert second_step is not None
    second_from_ns = call.now_ns + call.delay_ns("propagation_pair_code_s", before.serial)
    view = view_of(call.tx, before, call.now_ns)
    if view is not None and view.takes_none:
        old_until_ns = call.now_ns
    old_offset_steps = before.offset_steps if view is None else view.offset_steps
    news = PairAtSts(
        before.id, old_offset_steps, old_until_ns, offset_from_ns, second_step, second_from_ns
    )
    if max(offset_from_ns, second_from_ns) > call.now_ns:
        call.tx.update(news)
    elif call.tx.get(PairAtSts, before.id) is not None:
        call.tx.delete(news)
