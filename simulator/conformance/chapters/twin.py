"""What only two keys show: that they do not share their secrets. Asked for with a second device.

Two keys with one state, a clone, sign for each other's registrations, and their counters collide. A
relying party learns of it by its counter; with both keys at hand it is seen at once.
"""

from __future__ import annotations

from typing import Final

from mfalab.devices.ctap.commands import Command
from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.conformance.chapters.u2f import u2f_handle_is_known, u2f_register
from mfalab.simulator.conformance.facts import CTAP2, U2F
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter
from mfalab.simulator.conformance.verdicts import Failure, NotTested

CHAPTER = Chapter("Twin", "CTAP 2.1")

_REQUIREMENT: Final = "A credential belongs to the authenticator that made it."


def _beside(subject: Subject) -> Subject:
    """The other key, with the same user."""
    if subject.twin is None:
        raise NotTested("there is no second key; name one with --twin")
    other = Subject(
        subject.twin,
        random_bytes=subject.random_bytes,
        announcer=subject.announcer,
        by_hand=subject.by_hand,
    )
    subject.after(other.let_go)
    other.refresh()
    other.user.touch()
    return other


@CHAPTER.test("6.2.2 step 7", _REQUIREMENT, when=[CTAP2], ready=True, touches=2)
def twin_does_not_sign(subject: Subject) -> None:
    """Another key does not know a credential of this one."""
    other = _beside(subject)
    if not other.facts.ctap2:
        raise NotTested("the second key does not speak CTAP2")
    made = subject.ceremonies.make()
    subject.ceremonies.sign(made)
    request = other.ceremonies.sign_request(allow=[made.id], authorised=False)
    reply = other.call(Command.GET_ASSERTION, request)
    if reply.status == CtapStatus.SUCCESS:
        counter = int.from_bytes(reply.member(0x02, bytes)[33:37])
        last = subject.counters[made.id][-1]
        got = f"an assertion with counter {counter}, after {last} on this key: one is a clone"
        raise Failure("0x2E NO_CREDENTIALS from the other key", got)
    reply.must(CtapStatus.NO_CREDENTIALS, CtapStatus.INVALID_CREDENTIAL)


@CHAPTER.test("U2F Raw Messages 1.2 §5.1", _REQUIREMENT, when=[U2F], touches=1)
def twin_does_not_know_u2f_handles(subject: Subject) -> None:
    """Another key does not know a U2F key handle of this one."""
    other = _beside(subject)
    if not other.facts.u2f:
        raise NotTested("the second key does not speak U2F")
    if u2f_handle_is_known(other, u2f_register(subject).key_handle):
        raise Failure("6A80 WRONG_DATA from the other key", "it knows the handle: one is a clone")
