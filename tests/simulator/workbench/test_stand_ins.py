"""What stands in for the devices of one case."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.keys.fixture import Fixture
from mfalab.simulator.language.setting import HardwareTotpSpec, SecurityKeySpec
from mfalab.simulator.workbench.stand_ins import BenchStandIns

NO_CASE: Any = None
KEY = SecurityKeySpec(owner="alice")
TOKEN = HardwareTotpSpec(owner="alice")


class Key:
    """A key on the bench that remembers what is done with it."""

    def __init__(self) -> None:
        self.did: list[Any] = []
        self.fixture = SimpleNamespace(name="hid:1-1", wait=self.did.append)

    def hand_over(self, *given: Any) -> str:
        return f"{given[0]} in hand"

    def take_back(self, case: object) -> None:
        self.did.append(f"taken back from {case}")


class Token:
    """A token on the bench at a time of its own."""

    label = "manual:1"
    record = "its record"

    def __init__(self, now_ns: int) -> None:
        self.wall = SimpleNamespace(now_ns=lambda: now_ns)

    def hand_over(self, *given: Any) -> str:
        return f"{given[0]} in hand"


def stand_ins(**named: Any) -> BenchStandIns:
    return BenchStandIns(NO_CASE, **named)


def test_key_on_the_bench_comes_before_a_model_and_before_the_scenario() -> None:
    some = stand_ins(keys={"left": Key()}, models={"right": "u2f-2016"})

    def watch(_name: str, fixture: Fixture) -> Fixture:
        return fixture

    assert some.key("left", KEY, Timeline(0), watch) == "left in hand"
    assert some.key("right", KEY, Timeline(0), watch) is None
    right = some.described("right", KEY)
    assert (right.model, right.owner) == ("u2f-2016", "alice")
    assert some.described("other", KEY) is KEY


def test_token_on_the_bench_comes_with_its_record() -> None:
    some = stand_ins(tokens={"fob": Token(7)})
    assert some.token("fob", TOKEN, Timeline(0)) == ("fob in hand", "its record")
    assert some.token("other", TOKEN, Timeline(0)) is None


def test_story_with_a_real_token_begins_now() -> None:
    assert stand_ins().start_ns(5) == 5
    assert stand_ins(tokens={"a": Token(7), "b": Token(9)}).start_ns(50) == 9


def test_what_stands_in_is_named_once_in_the_report() -> None:
    some = stand_ins(keys={"key": Key()}, tokens={"fob": Token(7)}, models={"a": "m", "b": "m"})
    assert some.label == "hid:1-1, manual:1, sim:m"
    assert some.label_of("elsewhere") == ""
    assert stand_ins().label == "simulated"


@pytest.mark.parametrize(("wait_ns", "really_ns"), [(5, 5), (500, 11)])
def test_wait_is_real_for_a_real_key_and_only_as_long_as_deadlines_run(
    wait_ns: int, really_ns: int
) -> None:
    one, two = Key(), Key()
    stand_ins(keys={"one": one, "two": two}, longest_wait_ns=11).wait(wait_ns)
    assert (one.did, two.did) == ([really_ns], [])  # the wall is the same for both


def test_keys_are_taken_back_from_the_case() -> None:
    key = Key()
    BenchStandIns(cast("Any", "the case"), keys={"key": cast("Any", key)}).take_back()
    assert key.did == ["taken back from the case"]
