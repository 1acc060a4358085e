"""Driver `manual`: what a person is told and asked."""

from __future__ import annotations

import pytest

from mfalab.devices.rig import Function, Reading, Rig, RigSpec, make_rig
from mfalab.devices.rig.drivers.manual import ManualRig
from mfalab.devices.rig.errors import OptionWrong, PersonAway
from mfalab.devices.rig.timing import SchedulerTiming
from mfalab.devices.schedule import OwnTime

NS_PER_S = 10**9


class AtTheBench:
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.says: list[str] = []

    def tell(self, text: str, left_s: int | None) -> None:
        self.heard.append(text if left_s is None else f"{text} {left_s}")

    def ask(self, text: str) -> str:
        self.heard.append(text)
        if not self.says:
            raise EOFError
        return self.says.pop(0)


@pytest.fixture
def person() -> AtTheBench:
    return AtTheBench()


@pytest.fixture
def rig(time: OwnTime, timing: SchedulerTiming, person: AtTheBench) -> Rig:
    spec = RigSpec("manual", "manual", options={"patience_s": "3", "channels": "2"})
    made = make_rig(spec, clock=time, timing=timing, person=person)
    made.open()
    return made


def test_a_touch_is_told_with_a_countdown(rig: Rig, person: AtTheBench, time: OwnTime) -> None:
    rig.touch(2)
    time.advance(10 * NS_PER_S)
    assert person.heard == [f"Touch the key on channel 2. {left}" for left in (3, 2, 1, 0)]


def test_a_release_ends_the_countdown(rig: Rig, person: AtTheBench, time: OwnTime) -> None:
    rig.touch(1)
    time.advance(NS_PER_S)
    rig.release(1)
    rig.release(1)
    time.advance(10 * NS_PER_S)
    assert person.heard == ["Touch the key on channel 1. 3", "Touch the key on channel 1. 2"]


def test_a_second_touch_counts_again(rig: Rig, person: AtTheBench, time: OwnTime) -> None:
    rig.touch(1)
    time.advance(NS_PER_S)
    rig.touch(1)
    time.advance(10 * NS_PER_S)
    assert [each[-1] for each in person.heard] == ["3", "2", "3", "2", "1", "0"]


def test_a_long_touch_is_told_with_its_length(rig: Rig, person: AtTheBench) -> None:
    rig.hold(1, 10_000)
    assert person.heard == ["Touch the key on channel 1 and keep the finger there for 10 s. 3"]


def test_power_is_asked_for_and_restored_in_the_end(rig: Rig, person: AtTheBench) -> None:
    person.says = [""] * 3
    rig.power(1, False)
    assert rig.is_powered(1) is False
    rig.cycle(2, 1500)
    rig.close()
    assert person.heard == [
        "Pull the key on channel 1 out, then press Enter.",
        "Pull the key on channel 2 out, wait 1.5 s, plug it in again, then press Enter.",
        "Plug the key on channel 1 in, then press Enter.",
    ]


def test_readers_and_displays_are_a_persons_work(
    rig: Rig, person: AtTheBench, time: OwnTime
) -> None:
    time.advance(7 * NS_PER_S)
    person.says = ["", "", " 492 039 "]
    rig.field(1, False)
    rig.present(1, True)
    rig.show(1)
    assert rig.read(1) == Reading("492039", 1.0, 7_000_000)
    assert person.heard == [
        "Switch the reader on channel 1 off, then press Enter.",
        "Lay the card on the reader on channel 1, then press Enter.",
        "Press the button of the token on channel 1.",
        "Type what the display on channel 1 shows, then press Enter:",
    ]


def test_an_absent_person_breaks_the_rig(rig: Rig) -> None:
    with pytest.raises(PersonAway, match="and no one is at the keyboard"):
        rig.read(1)
    with pytest.raises(PersonAway):
        rig.touch(1)


def test_a_person_has_hands_for_everything(rig: Rig) -> None:
    assert rig.functions == dict.fromkeys(Function, 2)
    assert rig.identify().model == "a person"


def test_without_another_the_person_is_at_the_keyboard(time: OwnTime) -> None:
    rig = make_rig(RigSpec("manual", "manual"), clock=time)
    assert isinstance(rig, ManualRig)
    with pytest.raises(OptionWrong):
        make_rig(RigSpec("manual", "manual", options={"x": "y"}), clock=time)
