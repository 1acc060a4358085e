"""What a key shows its user, without a key."""

from types import SimpleNamespace

import pytest

from mfalab.devices.ctap.commands import Prompt
from mfalab.devices.ctap.prompting import Prompting
from mfalab.devices.ctap.user import (
    Asked,
    Gesture,
    Reaction,
    absent,
    declining,
    presenting,
    touching,
)


class Request(SimpleNamespace):
    """A request that wants its user, and what the user did."""

    def __init__(self, wants=Prompt.TOUCH, response=None):
        super().__init__(wants=wants, response=response, rp_id="example.com", info="", done=[])

    def touch(self):
        self.done.append("touch")

    def finger(self, template, sample):
        self.done.append(template)

    def decline(self):
        self.done.append("decline")


class Bench:
    def __init__(self, user):
        self.requests, self.planned, self.late, self.asked = [], [], [], []

        def remember(asked):
            self.asked.append(asked)
            return user(asked)

        self.prompting = Prompting(
            remember,
            lambda: self.requests,
            lambda after_ns, action: self.planned.append((after_ns, action)),
            self.late.append,
        )


def test_a_key_without_requests_is_dark():
    bench = Bench(touching())
    bench.requests = [None]
    assert bench.prompting.asked is None
    assert not bench.prompting.ask()
    assert not bench.prompting.act(Reaction(Gesture.TOUCH))


@pytest.mark.parametrize(
    ("user", "done"),
    [(touching(), ["touch"]), (presenting(b"thumb"), [b"thumb"]), (declining(), ["decline"])],
)
def test_a_user_who_reacts_at_once_does_it(user, done):
    bench = Bench(user)
    bench.requests = [Request()]
    assert bench.prompting.ask()
    assert bench.requests[0].done == done
    assert bench.asked == [Asked(Prompt.TOUCH, "example.com")]


def test_a_user_is_asked_once_for_each_prompt():
    bench = Bench(absent)
    bench.requests = [Request()]
    assert [bench.prompting.ask(), bench.prompting.ask(), len(bench.asked)] == [False, False, 1]


def test_a_request_that_asks_again_after_an_act_is_another_prompt():
    bench = Bench(touching())
    bench.requests = [Request()]
    bench.prompting.ask()
    bench.prompting.ask()
    assert [each.times for each in bench.asked] == [1, 2]


def test_a_late_reaction_is_done_to_its_own_prompt_only():
    bench = Bench(touching(5))
    bench.requests = [Request()]
    assert not bench.prompting.ask()
    ((after_ns, action),) = bench.planned
    assert after_ns == 5
    action()
    bench.requests = [Request()]
    action()
    assert bench.late == [Reaction(Gesture.TOUCH, 5)]


def test_a_hand_on_its_way_acts_regardless():
    bench = Bench(touching(5, regardless=True))
    bench.requests = [Request()]
    bench.prompting.ask()
    bench.requests = [Request()]
    bench.planned[0][1]()
    assert len(bench.late) == 1


def test_polls_of_a_u2f_client_are_one_prompt_to_its_user():
    bench = Bench(absent)
    for _ in range(3):
        bench.requests = [Request(response=b"\x69\x85")]
        bench.prompting.ask()
    assert len(bench.asked) == 1


def test_a_new_user_is_asked_again_by_the_next_poll():
    bench = Bench(absent)
    bench.requests = [Request(response=b"\x69\x85")]
    bench.prompting.ask()
    told = []
    bench.prompting.user = told.append
    bench.requests = [Request(response=b"\x69\x85")]
    bench.prompting.ask()
    assert len(told) == 1


def test_a_new_user_is_told_of_a_prompt_that_blinks_already():
    bench = Bench(touching(5))
    bench.requests = [Request()]
    bench.prompting.ask()
    bench.prompting.user = touching()
    assert bench.prompting.ask()
    assert bench.requests[0].done == ["touch"]
    bench.planned[0][1]()
    assert bench.late == []


def test_a_key_without_power_begins_again():
    bench = Bench(absent)
    bench.requests = [Request()]
    bench.prompting.ask()
    bench.prompting.forget()
    bench.prompting.ask()
    assert [each.times for each in bench.asked] == [1, 1]
