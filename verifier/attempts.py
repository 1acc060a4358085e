"""Codes that are typed in an operation: the decision on them, which the observer sees."""

from __future__ import annotations

from mfalab.verifier.calls import Call
from mfalab.verifier.decision import Decision
from mfalab.verifier.records import Device
from mfalab.verifier.store.protocol import Transaction
from mfalab.verifier.verification import verify_code, verify_pair


def try_code(call: Call, device: Device, code: str, tx: Transaction | None = None) -> Decision:
    """Decide on one code; `tx` replaces the call's transaction where used codes are kept apart."""
    decision = verify_code(
        call.tx if tx is None else tx,
        device,
        code,
        now_ns=call.now_ns,
        profile=call.profile,
        operation=call.operation,
    )
    call.observe(decision)
    return decision


def try_pair(call: Call, device: Device, code1: str, code2: str) -> Decision:
    """Decide on two consecutive codes."""
    decision = verify_pair(
        call.tx,
        device,
        code1,
        code2,
        now_ns=call.now_ns,
        profile=call.profile,
        operation=call.operation,
    )
    call.observe(decision)
    return decision
