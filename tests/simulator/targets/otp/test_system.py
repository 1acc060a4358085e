"""Other people's verifiers: right ones pass, each fault is found, errors are no refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from mfalab.simulator.eventlog import Event
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.targets.otp.system import OtpSystem
from mfalab.simulator.targets.otp.verifier import Verdict

Play = Callable[..., dict[str, Event]]


def verdicts(finished: dict[str, Event]) -> Counter[Any]:
    return Counter(event["verdict"] for event in finished.values())


def failed(finished: dict[str, Event]) -> set[str]:
    return {name.partition("[")[0] for name, end in finished.items() if end["verdict"] == "failed"}


def test_right_verifier_passes_all_that_it_can(play: Play, right: Any) -> None:
    finished = play(right)
    skipped = {name for name, end in finished.items() if end["verdict"] == "skipped"}
    assert skipped == {"resynchronise"}
    assert verdicts(finished) == {"passed": len(finished) - 1, "skipped": 1}


@pytest.mark.parametrize(
    ("back", "wrong"), [(0, {"-1 steps"}), (2, {"-2 steps"}), (5, {"-2 steps", "-3 steps"})]
)
def test_window_is_held_to_what_is_declared(
    play: Play, right: Any, back: int, wrong: set[str]
) -> None:
    """It reaches one step back."""
    finished = play(right, "window", window_back=back)
    failures = {name for name, end in finished.items() if end["verdict"] == "failed"}
    assert failures == {f"window[{steps}]" for steps in wrong}


def test_each_fault_is_found_by_a_scenario(play: Play, right: Any) -> None:
    class NoReplayRule(right):  # type: ignore[misc]
        def attempt(self, account: str, code: str) -> bool:
            return self.step_of(account, code) is not None

    class Trims(right):  # type: ignore[misc]
        def attempt(self, account: str, code: str) -> bool:
            plain = "".join(code.split())
            step = self.step_of(account, plain)
            fresh = (account, code) not in self.used
            self.used.add((account, code))
            return step is not None and fresh

    class Number(right):  # type: ignore[misc]
        """Compares codes as numbers of six digits that do not begin with zero."""

        def attempt(self, account: str, code: str) -> Any:
            return "wrong" if code.startswith("0") else super().attempt(account, code)

    class OneAccount(right):  # type: ignore[misc]
        def attempt(self, account: str, code: str) -> bool:
            return any(super(OneAccount, self).attempt(each, code) is True for each in self.totp)

    class NeverForgets(right):  # type: ignore[misc]
        def revoke(self, account: str) -> None:
            """Keep it."""

        def attempt(self, account: str, code: str) -> bool:
            return any(super(NeverForgets, self).attempt(each, code) is True for each in self.totp)

    class Races(right):  # type: ignore[misc]
        def attempt_together(self, account: str, codes: Sequence[str]) -> list[bool]:
            return [self.step_of(account, code) is not None for code in codes]

    class SignedTime(right):  # type: ignore[misc]
        def set_time(self, now_ns: int) -> None:
            self.now_s = now_ns // 10**9 % 2**31

    class Wide(right):  # type: ignore[misc]
        def step_of(self, account: str, code: str) -> Any:
            totp = self.totp[account]
            here = self.now_s // totp.interval
            near = range(here - 30, here + 31)
            return next((step for step in near if totp.generate_otp(step) == code), None)

    class OneHash(right):  # type: ignore[misc]
        def enrol(self, account: str, seed: bytes, *given: Any) -> None:
            super().enrol(account, seed, "SHA1", 6, 30)

    assert {"replay", "cloned-app", "race"} <= failed(play(NoReplayRule))
    assert "decorated" in failed(play(Trims, "decorated"))
    assert "every-code-for-an-hour" in failed(play(Number, "every-code"))
    assert "codes-of-another" in failed(play(OneAccount, "codes-of-another"))
    assert "revoked" in failed(play(NeverForgets, "revoked"))
    assert failed(play(Races, "race")) == {"race"}
    assert "round-dates" in failed(play(SignedTime, "round-dates"))
    assert {"window", "far-codes", "drift"} <= failed(play(Wide))
    assert "other-parameters" in failed(play(OneHash, "other-parameters"))


def test_what_is_no_verdict_is_an_error_and_no_refusal(play: Play, right: Any) -> None:
    class Locked(right):  # type: ignore[misc]
        def attempt(self, account: str, code: str) -> bool:
            raise RuntimeError("database is locked")

    class Vague(right):  # type: ignore[misc]
        def attempt(self, account: str, code: str) -> None:
            return None

    class Short(right):  # type: ignore[misc]
        def attempt_together(self, account: str, codes: Sequence[str]) -> list[bool]:
            return [True]

    class Leaves(right):  # type: ignore[misc]
        def attempt(self, account: str, code: str) -> bool:
            raise SystemExit(3)

    far = play(Locked, "far-codes")
    assert verdicts(play(Leaves, "far-codes")) == {"error": len(far)}
    assert verdicts(far) == {"error": len(far)}
    assert all("RuntimeError: database is locked" in end["why"] for end in far.values())
    assert verdicts(play(Vague, "far-codes"))["error"] == len(far)
    (race,) = play(Short, "race").values()
    assert race["verdict"] == "error"
    assert "1 verdicts on 8 codes" in race["why"]


def test_verifier_that_cannot_be_made_or_closed_is_an_error(play: Play, right: Any) -> None:
    made: list[Any] = []

    def breaks_the_second_time() -> Any:
        made.append(1)
        if len(made) > 1:
            raise OSError("no such socket")
        return right()

    class Leaks(right):  # type: ignore[misc]
        def close(self) -> None:
            raise ValueError("still open")

    (first, *_) = play(breaks_the_second_time, "older-code").values()
    assert (first["verdict"], "no such socket" in first["why"]) == ("error", True)
    (leak, *_) = play(Leaks, "older-code").values()
    assert (leak["verdict"], "still open" in leak["why"]) == ("error", True)


def test_reason_is_compared_where_one_is_given(play: Play, right: Any) -> None:
    class Mute(right):  # type: ignore[misc]
        def attempt(self, account: str, code: str) -> Verdict:
            return Verdict(super().attempt(account, code) is True)

    class Liar(right):  # type: ignore[misc]
        def attempt(self, account: str, code: str) -> Verdict:
            good = super().attempt(account, code) is True
            return Verdict(good, "" if good else "throttled")

    assert failed(play(Mute, "window")) == set()
    assert failed(play(Liar, "window")) == {"window"}


def test_line_that_reproduces_a_failure_names_the_target(play: Play, right: Any) -> None:
    (end, *_) = play(right, "older-code").values()
    assert end["reproduce"].endswith("--seed 1 --target otp:mine:Mine")


class Wall:
    """A machine's time that passes by waiting only."""

    def __init__(self) -> None:
        self.now = 1_800_000_000 * 10**9
        self.waited: list[int] = []

    def now_ns(self) -> int:
        return self.now

    def wait(self, duration_ns: int) -> None:
        self.waited.append(duration_ns)
        self.now += duration_ns


def test_case_lives_now_where_the_time_is_the_walls(suite: list[Case], right: Any) -> None:
    wall = Wall()

    class OnTheWall(right):  # type: ignore[misc]
        def set_time(self, now_ns: int) -> None:
            raise AssertionError("its time is its own")

        def attempt(self, account: str, code: str) -> Any:
            self.now_s = wall.now_ns() // 10**9
            wall.now += 250_000_000  # it takes its time, and the lab follows
            return super().attempt(account, code)

        def attempt_together(self, account: str, codes: Sequence[str]) -> Any:
            return [self.attempt(account, code) for code in codes]

    system = OtpSystem("mine", "otp:x", OnTheWall, replace(right.capabilities, time="wall"), wall)
    finished = {case.local_id: run_case(case, 1, system=system)[-1] for case in suite}
    late = {name: end["why"] for name, end in finished.items() if end["verdict"] == "skipped"}
    assert {end["verdict"] for end in finished.values()} == {"passed", "skipped"}
    assert late["drift"] == ("mine cannot pass so long a time at once: it lives in the wall's time")
    assert late["round-dates[2038-01-19T03:00:00Z]"].startswith("mine cannot be taken to another")
    assert "older-code" not in late
    assert sum(wall.waited) > 60 * 10**9
