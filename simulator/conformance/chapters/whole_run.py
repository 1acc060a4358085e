"""What only the whole run shows: canonical answers, counters, how long things take.

The standard sets no limit for signing. The one here is U2FHID's message time-out of 3 s (U2F HID
Protocol, U2FHID_TRANS_TIMEOUT), after which clients of that time gave a key up.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from mfalab.devices.ctap.commands import Command
from mfalab.simulator.clocks.durations import NS_PER_MS, NS_PER_S
from mfalab.simulator.conformance.facts import CTAP2
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import Failure, expect

CHAPTER = Chapter("Whole run", "CTAP 2.1")

_SIGNS = CHAPTER.given(when=[CTAP2], ready=True, touches=1)
_SIGNING_NS: Final = 3 * NS_PER_S
_REPEATED: Final = 10


def _expect_in_time(what: str, took_ns: int) -> None:
    expect(took_ns <= _SIGNING_NS, f"{what} within 3000 ms", f"one after {took_ns // NS_PER_MS} ms")


@_SIGNS.test(
    "U2F HID §U2FHID_TRANS_TIMEOUT",
    "From the touch to the answer a registration takes at most 3 s; the limit is U2FHID's.",
)
def registration_is_in_time(subject: Subject) -> None:
    """From the touch to the answer of makeCredential less than 3 s pass."""
    answer = subject.ceremonies.make().reply.answer
    waited = [at_ns for at_ns, status in answer.keepalives if status == 2]
    took_ns = answer.done_ns - (waited[-1] if waited else answer.sent_ns)
    _expect_in_time("an answer", took_ns)


@_SIGNS.test(
    "U2F HID §U2FHID_TRANS_TIMEOUT", "A signature takes at most 3 s; the limit is U2FHID's."
)
def signing_is_in_time(subject: Subject) -> None:
    """Ten assertions without a touch take less than 3 s each; their spread is measured."""
    made = subject.ceremonies.make()
    for _ in range(_REPEATED):
        answer = subject.ceremonies.sign(made, up=False, authorised=False).reply.answer
        subject.times.add("signing", answer.done_ns - answer.sent_ns)
    _expect_in_time("signatures", max(subject.times.durations_ns("signing")))


@CHAPTER.test("6.4", "getInfo is answered at once.", when=[CTAP2])
def get_info_is_in_time(subject: Subject) -> None:
    """Ten getInfos take less than 3 s each; their spread is measured."""
    for _ in range(_REPEATED):
        answer = subject.call(Command.GET_INFO).answer
        _expect_in_time("an answer", answer.done_ns - answer.sent_ns)


@CHAPTER.test("8", "Every answer is in CTAP2 canonical CBOR.", when=[CTAP2], last=True)
def every_answer_was_canonical(subject: Subject) -> None:
    """All answers of this run were canonical CBOR."""
    found = subject.not_canonical
    mistakes = f"{len(found)} mistakes, first {''.join(found[:1])}"
    expect(not found, "canonical CBOR in all answers", mistakes)


@CHAPTER.test(
    "WebAuthn Level 3 §6.1.1",
    "A signature counter is always 0, or grows with every signature.",
    last=True,
)
def counters_never_fell(subject: Subject) -> None:
    """The counter of each credential of this run grew with every signature, or was always 0."""
    steps = [step for counters in subject.counters.values() for step in pairwise(counters)]
    falls = [step for step in steps if step[1] < step[0]]
    if any(any(counters) for counters in subject.counters.values()):
        falls += [step for step in steps if step[1] == step[0]]
    for before, after in falls:
        raise Failure(f"a counter above {before}", f"{after} in the next signature")
