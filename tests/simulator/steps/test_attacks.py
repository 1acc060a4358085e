"""Steps of an attacker."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mfalab import ExpectationFailed, Lab, ScenarioError
from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.steps.attacks import Guess, Race

Labs = Callable[..., Lab]
BOB_AS_ALICE = {"who": "bob", "as_": "alice"}


def decisions(lab: Lab) -> list[str]:
    return [event["outcome"] for event in lab.journal.log.events if event["kind"] == "decision"]


@dataclass
class Lucky:
    """Chance that makes one number."""

    number: int

    def randrange(self, _below: int) -> int:
        return self.number


def test_guesses_are_all_decided_and_the_last_refusal_is_the_outcome(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.enable(who="alice", device="fob")
    lab.guess(**BOB_AS_ALICE, device="fob", tries=3, expect={"refused": "AccessDenied"})
    assert decisions(lab)[-3:] == ["wrong"] * 3


def test_guessing_ends_at_the_first_code_that_is_accepted(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.enable(who="alice", device="fob")
    lab.wait(until_next="code", of="fob")
    lab.wait(until_next="code", of="fob")
    bob: Any = lab.person("bob")
    bob.chance = Lucky(int(lab.code_device("fob").code()))
    lab.guess(**BOB_AS_ALICE, device="fob", tries=3)
    assert decisions(lab)[-1] == "accepted"
    assert len(decisions(lab)) == 2  # with that of the enrolment


def test_time_passes_between_guesses(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.enable(who="alice", device="fob")
    began_ns = lab.timeline.now_ns()
    lab.guess(**BOB_AS_ALICE, device="fob", tries=3, pause="1 min", expect={"refused": "any"})
    assert lab.timeline.now_ns() - began_ns == 120 * 10**9


def test_guess_at_the_console_needs_a_second_page(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.guess(**BOB_AS_ALICE, device="fob", at="console", expect={"refused": "NoSecondPage"})


@pytest.mark.parametrize("typed", ["as shown", "with a space", "with a newline"])
def test_replayed_code_is_refused_however_it_is_decorated(lab_with: Labs, typed: str) -> None:
    lab = lab_with("fob")
    lab.enable(who="alice", device="fob")
    lab.wait(for_="90 s")
    lab.get_session(who="alice", with_="fob")
    lab.replay(**BOB_AS_ALICE, device="fob", typed=typed, expect={"refused": "any"})


def test_signature_is_replayed_on_a_page_of_the_attackers(lab_with: Labs) -> None:
    lab = lab_with("key")
    with pytest.raises(ScenarioError, match="key has signed nothing yet"):
        lab.replay(**BOB_AS_ALICE, device="key")
    lab.sign_in(who="alice")
    lab.enable(who="alice", device="key", using="console")
    lab.sign_in(who="alice", with_="key")
    lab.replay(**BOB_AS_ALICE, device="key", expect={"refused": "InvalidAssertion"})


def test_one_request_of_a_race_is_accepted(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.enable(who="alice", device="fob")
    lab.wait(for_="90 s")
    assert lab.race(**BOB_AS_ALICE, device="fob", requests=4).data == 1
    assert decisions(lab) == ["accepted"]  # that of the enrolment: a race is not in order
    with pytest.raises(ExpectationFailed, match="expected 1 accepted of 2, got 0"):
        lab.race(**BOB_AS_ALICE, device="fob", requests=2)


def test_attack_needs_the_door_at_which_it_is_made() -> None:
    words = {"who": "bob", "as": "alice", "device": "fob"}
    assert list(Guess.model_validate(words).needs()) == [Need(Ability.API)]
    at_console = Race.model_validate({**words, "at": "console"})
    assert set(at_console.needs()) == {
        Need(Ability.CONSOLE),
        Need(Ability.RACE),
        Need(Ability.READ, "fob"),
    }
