"""The browser of the scenarios: how it asks a key by the AppID when the other name fails."""

from collections.abc import Callable
from typing import Any

import pytest

from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case

S = 1_000_000_000

TWO_KEYS = """\
scenario: A key of the U2F API and a newer one on the same page
people: {alice: {}}
devices:
  old: {kind: security_key, owner: alice, model: fido-2.0}
  new: {kind: security_key, owner: alice}
  strange: {kind: security_key, owner: alice}
steps:
  - {do: register_u2f, who: alice, device: old}
  - {do: sign_in, who: alice, with: old}
  - {do: enable, who: alice, device: new, using: console}
"""

SignIns = list[tuple[str, float, list[str]]]


@pytest.fixture
def sign_ins(cases: Callable[[str], list[Case]]) -> Callable[..., SignIns]:
    """Outcome, seconds and browser's errors of the steps that follow the registrations."""

    def run(*steps: str) -> SignIns:
        (case,) = cases(TWO_KEYS + "".join(f"  - {{{step}}}\n" for step in steps))
        events = run_case(case)
        assert events[-1]["verdict"] == "passed", events[-1]["why"]
        seen: SignIns = []
        began_ns = 0
        causes: list[str] = []
        for event in events:
            detail: Any = event.get("detail")
            if event["kind"] == "step_started":
                began_ns, causes = event["ts_ns"], []
            elif event["kind"] == "note" and event["what"] == "sees the browser's error":
                causes.append(detail["cause"])
            elif event["kind"] == "step_finished":
                seconds = (event["ts_ns"] - began_ns) / S
                seen.append((str(event["outcome"]), seconds, causes))
        return seen[3:]

    return run


def sign_in(with_: str, use: str = "", *, do: str = "sign_in", refused: bool = False) -> str:
    step = f"do: {do}, who: alice, with: {with_}, key: {{{use}}}"
    return f"{step}, expect: {{refused: InvalidAssertion}}" if refused else step


def test_key_that_nobody_touched_is_asked_once(sign_ins: Callable[..., SignIns]) -> None:
    """A key that gave up after its 30 s was asked again by the AppID, and blinked another 30 s.

    Only a key that knows none of the credentials may know the AppID.
    """
    for name in ("old", "new"):
        assert sign_ins(sign_in(name, "touch: never", refused=True)) == [
            ("InvalidAssertion", 30, ["USER_ACTION_TIMEOUT"])
        ]


def test_key_whose_owner_declines_is_asked_once(sign_ins: Callable[..., SignIns]) -> None:
    (outcome,) = sign_ins(sign_in("new", "touch: declined", refused=True))
    assert outcome == ("InvalidAssertion", 1, ["OPERATION_DENIED"])


def test_key_of_the_appid_is_asked_by_both_names(sign_ins: Callable[..., SignIns]) -> None:
    assert sign_ins(sign_in("old", "touch: 4 s")) == [("accepted", 8, [])]
    assert sign_ins(sign_in("new", "touch: 4 s")) == [("accepted", 4, [])]


def test_page_sees_one_error_of_a_key_that_knows_neither_name(
    sign_ins: Callable[..., SignIns],
) -> None:
    assert sign_ins(sign_in("strange", "touch: 4 s", refused=True)) == [
        ("InvalidAssertion", 8, ["NO_CREDENTIALS"])
    ]


@pytest.mark.parametrize(
    ("name", "after_s"), [("new", 2), ("old", 2), ("old", 6)], ids=["one name", "first", "second"]
)
def test_key_is_pulled_out_once_in_a_step(
    sign_ins: Callable[..., SignIns], name: str, after_s: int
) -> None:
    """Each name that a key was asked by had it pulled out, the second time in a later step.

    A key that was plugged in again at once went dark under its owner's hands.
    """
    pulled, _, again = sign_ins(
        sign_in(name, f"touch: 4 s, pulled_out_after: {after_s} s", refused=True),
        f'do: key_power, device: {name}, to: "on"',
        sign_in(name, "touch: 4 s", do="try_again"),
    )
    assert pulled[:2] == ("InvalidAssertion", after_s)
    assert again == ("accepted", 4 if name == "new" else 8, [])
