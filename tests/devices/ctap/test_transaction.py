"""One command under way: what it waits for, and what ends it."""

import pytest

from mfalab.devices.ctap.commands import KeepaliveStatus, Prompt
from mfalab.devices.ctap.status import CtapError, CtapStatus
from mfalab.devices.ctap.storage import PowerCut, StoreWornOut
from mfalab.devices.ctap.transaction import Ask, EventKind, Transaction, Work
from mfalab.devices.schedule import OwnTime


@pytest.fixture
def time():
    return OwnTime()


def asking(prompt=Prompt.TOUCH):
    """A handler that asks once and answers with what came."""
    event = yield Ask(prompt, 30, "example.com", "sign in")
    return event.kind.value.encode() + event.template


def begin(time, steps, cut=lambda: None):
    return Transaction(time, steps, cut)


def test_a_prompt_tells_what_it_is_for(time):
    work = begin(time, asking())
    assert (work.wants, work.rp_id, work.info) == (Prompt.TOUCH, "example.com", "sign in")
    assert (work.deadline_ns, work.status) == (30, KeepaliveStatus.UPNEEDED)


@pytest.mark.parametrize(
    ("prompt", "act", "response"),
    [
        (Prompt.TOUCH, lambda work: work.touch(), b"touched"),
        (Prompt.TOUCH, lambda work: work.finger("thumb"), b"touched"),
        (Prompt.FINGER, lambda work: work.finger("thumb"), b"fingerthumb"),
        (Prompt.FINGER, lambda work: work.touch(), None),
        (Prompt.TOUCH, lambda work: work.decline(), b"declined"),
        (Prompt.TOUCH, lambda work: work.cancel(), bytes([CtapStatus.KEEPALIVE_CANCEL])),
        (Prompt.TOUCH, lambda work: work.abandon(), None),
    ],
)
def test_what_a_person_or_client_does_is_what_the_handler_gets(time, prompt, act, response):
    work = begin(time, asking(prompt))
    act(work)
    assert work.response == response


def test_a_prompt_times_out_at_its_deadline_and_not_before(time):
    work = begin(time, asking())
    time.advance(29)
    work.advance()
    assert work.under_way
    time.advance(1)
    work.advance()
    assert work.response == EventKind.TIMED_OUT.value.encode()


def test_work_takes_its_time_and_asks_nothing(time):
    def working():
        event = yield Work(10)
        return event.kind.value.encode()

    work = begin(time, working())
    assert (work.wants, work.status) == (None, KeepaliveStatus.PROCESSING)
    work.touch()
    time.advance(10)
    work.advance()
    assert work.response == b"worked"


@pytest.mark.parametrize(
    ("error", "response", "cuts"),
    [
        (CtapError(CtapStatus.PIN_INVALID), bytes([CtapStatus.PIN_INVALID]), 0),
        (StoreWornOut(2), bytes([CtapStatus.OTHER]), 0),
        (PowerCut(2, False), None, 1),
    ],
)
def test_an_error_in_the_handler_ends_it(time, error, response, cuts):
    def failing():
        yield Work(1)
        raise error

    cut = []
    work = begin(time, failing(), lambda: cut.append(1))
    time.advance(1)
    work.advance()
    assert (work.under_way, work.response, len(cut)) == (False, response, cuts)
