"""People: what they can look at, what they type, and how long that takes."""

from collections.abc import Callable
from statistics import median
from typing import Any

import pytest

from mfalab import Lab, ScenarioError
from mfalab.simulator.environment.outcome import Prevented

Labs = Callable[..., Lab]
S = 10**9


def typing(lab_with: Labs, how: str) -> list[int]:
    alice = lab_with(people={"alice": {"typing": how}}).person("alice")
    return [alice.typing_ns() for _ in range(200)]


def test_typing_takes_a_person_some_seconds_and_never_a_minute(lab_with: Labs) -> None:
    spans = typing(lab_with, "natural")
    assert median(spans) == pytest.approx(9 * S, rel=0.15)
    assert max(spans) <= 45 * S
    assert len(set(spans)) > 100


@pytest.mark.parametrize(("how", "span_ns"), [("instant", 0), ("5 s", 5 * S)])
def test_typing_takes_what_the_scenario_says(lab_with: Labs, how: str, span_ns: int) -> None:
    assert set(typing(lab_with, how)) == {span_ns}


def test_time_passes_between_reading_and_typing(lab_with: Labs) -> None:
    lab = lab_with("fob", people={"alice": {"typing": "40 s"}})
    alice, fob = lab.person("alice"), lab.code_device("fob")
    shown, began_ns = fob.code(), lab.timeline.now_ns()
    assert alice.read_and_type(fob) == shown
    assert lab.timeline.now_ns() - began_ns == 40 * S
    assert shown != fob.code()
    assert fob.typed == [shown]


def test_code_is_chosen_by_a_word_a_step_or_its_digits(lab_with: Labs) -> None:
    lab = lab_with("fob")
    alice, fob = lab.person("alice"), lab.code_device("fob")
    assert alice.read(fob, "current") == fob.code()
    assert alice.read(fob, "-2 steps") == fob.code_at(-2)
    assert alice.read(fob, "000000") == "000000"
    assert sorted(alice.read(fob, "mistyped")) == sorted(fob.code())
    assert alice.read(fob, "mistyped") != fob.code()
    assert alice.read(fob, "wrong") not in {fob.code_at(step) for step in range(-12, 13)}
    with pytest.raises(ScenarioError, match="no code of fob was typed yet"):
        alice.read(fob, "last")
    typed = alice.type(fob, "123456", "with a space")
    assert (typed, alice.read(fob, "last")) == ("123 456", "123456")


def test_codes_are_masked_in_the_log(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.person("alice").read_and_type(lab.device("fob"))
    details = [event["detail"]["code"] for event in lab.journal.log.events[-2:]]
    assert [repr(code) for code in details] == ["******", "******"]


@pytest.mark.parametrize(
    ("choice", "steps"),
    [("consecutive", (0, 1)), ("equal", (0, 0)), ("reversed", (1, 0)), ("gapped", (0, 2))],
)
def test_pair_is_chosen_by_a_word(lab_with: Labs, choice: str, steps: tuple[int, int]) -> None:
    lab = lab_with("fob", start="2026-03-02T09:00:15Z")
    alice, fob = lab.person("alice"), lab.code_device("fob")
    expected = tuple(fob.code_at(step) for step in steps)
    assert alice.type_pair(fob, choice) == expected
    assert alice.type_pair(fob, "last") == expected


def test_pair_is_written_out_or_wrong(lab_with: Labs) -> None:
    lab = lab_with("fob")
    alice, fob = lab.person("alice"), lab.code_device("fob")
    with pytest.raises(ScenarioError, match="no pair of fob was typed yet"):
        alice.type_pair(fob, "last")
    assert alice.type_pair(fob, ("111111", "current")) == ("111111", fob.code())
    near = {fob.code_at(step) for step in range(-12, 13)}
    assert not near & set(alice.type_pair(fob, "wrong"))


def test_device_in_other_hands_cannot_be_looked_at(lab_with: Labs) -> None:
    lab = lab_with("fob")
    with pytest.raises(Prevented, match="bob does not have fob: alice has it"):
        lab.person("bob").read(lab.device("fob"), "current")


def test_text_is_waited_for_two_minutes(lab_with: Labs) -> None:
    lab = lab_with("sms", carrier={"delay": "30 s"})
    alice, phone = lab.person("alice"), lab.sms_phone("sms")
    lab.messaging.send_sms(str(phone.thing.number), "123456 is your code")
    alice.await_text(phone, 0)
    assert phone.codes_received == 1
    began_ns = lab.timeline.now_ns()
    with pytest.raises(Prevented, match="no code reached sms in two minutes"):
        alice.await_text(phone, 1)
    assert lab.timeline.now_ns() - began_ns == 120 * S


def test_credentials_are_named(lab_with: Labs) -> None:
    people: dict[str, Any] = {"alice": {}, "root": {"role": "root"}, "eve": {"role": "stranger"}}
    lab = lab_with(people=people)
    alice = lab.person("alice")
    assert alice.credentials(None) == alice.credentials("keys") == alice.keys
    for name, using, why in (
        ("eve", None, "eve has no access keys"),
        ("root", None, "root is not signed in"),
        ("alice", "console", "alice is not signed in"),
        ("alice", "mine", 'there is no session "mine"'),
    ):
        with pytest.raises(ScenarioError, match=why):
            lab.person(name).credentials(using)
    lab.sign_in(who="root")
    root = lab.person("root")
    assert root.console is not None
    assert root.credentials(None) == root.console.credentials
