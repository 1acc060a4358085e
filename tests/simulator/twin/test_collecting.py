"""Codes are read off displays by people and by rigs, with honest moments."""

from collections.abc import Mapping
from itertools import islice, pairwise

import pytest

from mfalab.devices.otp.seed import OtpSeed
from mfalab.devices.otp.token import HardwareToken
from mfalab.devices.rig.rig import Function, Identity, Reading, Rig
from mfalab.simulator.clocks import STEADY, QuartzClock
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.twin.collecting import DisplayUnread, RigReader, by_person
from mfalab.simulator.twin.readings import Timing

START_NS = 1_772_442_000 * NS_PER_S
PERIOD_NS = 30 * NS_PER_S
REACTION = Timing(10 * NS_PER_S, 0)


class Bench:
    """True time that passes only when a test waits or a rig works."""

    def __init__(self) -> None:
        self.time_ns = START_NS

    def now_ns(self) -> int:
        return self.time_ns

    def wait(self, span_ns: int) -> None:
        self.time_ns += span_ns


class Camera(Rig):
    """A rig that looks at a token; each press and each look takes 100 ms."""

    def __init__(self, bench: Bench, token: HardwareToken) -> None:
        super().__init__("bench1")
        self.bench, self.token = bench, token
        self.seen: list[Reading] = []
        self.times_opened = 0

    @property
    def functions(self) -> Mapping[Function, int]:
        return {Function.DISPLAY: 1}

    def _open(self) -> None:
        self.times_opened += 1

    def _close(self) -> None: ...

    def _safe(self) -> None: ...

    def _identify(self) -> Identity:
        return Identity("", "", "", "")

    def _show(self, channel: int) -> None:
        self.bench.wait(50_000_000)
        self.token.press()
        self.bench.wait(50_000_000)

    def _read(self, channel: int) -> Reading:
        self.bench.wait(100_000_000)
        return self.seen.pop(0) if self.seen else Reading(self.token.display, 0.99, 0)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def reader(camera: Camera, every_ns: int = 1) -> RigReader:
    return RigReader(lambda: camera, 1, camera.bench, 6, PERIOD_NS, every_ns)


@pytest.fixture
def token(bench: Bench) -> HardwareToken:
    clock = QuartzClock(bench, STEADY, offset_ns=7 * NS_PER_S)
    return HardwareToken("0042", OtpSeed(b"twelve and eight bytes"), clock)


@pytest.fixture
def camera(bench: Bench, token: HardwareToken) -> Camera:
    return Camera(bench, token)


class Person:
    """Answers prompts with lines; each takes three seconds."""

    def __init__(self, bench: Bench, *lines: str) -> None:
        self.bench, self.lines = bench, list(lines)
        self.asked: list[str] = []
        self.told: list[str] = []

    def ask(self, prompt: str) -> str | None:
        self.asked.append(prompt)
        self.bench.wait(3 * NS_PER_S)
        return self.lines.pop(0) if self.lines else None

    def tell(self, text: str) -> None:
        self.told.append(text)


def typed(bench, person, *, watch=False):
    return list(by_person(person.ask, person.tell, bench, digits=6, reaction=REACTION, watch=watch))


def test_a_code_counts_from_the_arrival_of_its_line(bench):
    ((reading, celsius),) = typed(bench, Person(bench, "004711"))
    assert reading.at_ns == START_NS + 3 * NS_PER_S
    assert (reading.code, reading.timing, reading.changed) == ("004711", REACTION, False)
    assert celsius is None


@pytest.mark.parametrize(
    ("line", "code", "celsius"),
    [
        ("492 039", "492039", None),
        (" 492039\t", "492039", None),
        ("492039 21.5", "492039", 21.5),
        ("492 039 -4C", "492039", -4.0),
    ],
)
def test_people_type_codes_with_spaces_and_temperatures_behind(bench, line, code, celsius):
    ((reading, warm),) = typed(bench, Person(bench, line))
    assert (reading.code, warm) == (code, celsius)


@pytest.mark.parametrize("line", ["49203", "4920391", "abcdef", "492039 warm", "492039 1 2"])
def test_what_is_no_code_is_asked_for_again(bench, line):
    person = Person(bench, line, "492039")
    assert [reading.code for reading, _ in typed(bench, person)] == ["492039"]
    assert person.told == ["a code has 6 digits; a temperature in C may stand behind it"]


def test_an_empty_line_ends_it(bench):
    assert len(typed(bench, Person(bench, "492039", "", "111111"))) == 1


def test_a_person_who_watches_presses_enter_first_and_types_then(bench):
    person = Person(bench, "", "492039")
    ((reading, _),) = typed(bench, person, watch=True)
    assert reading.changed
    assert reading.at_ns == START_NS + 3 * NS_PER_S  # at Enter, not when the code was typed
    assert person.asked[:2] == ["press Enter the moment the display changes", "the new code"]


def test_a_rig_reads_at_all_phases_of_the_time_step(bench, camera):
    readings = list(
        islice(
            reader(camera, 3600 * NS_PER_S).readings(),
            12,
        )
    )
    phases = sorted(reading.at_ns % PERIOD_NS for reading in readings)
    gaps = [b - a for a, b in pairwise(phases)]
    assert max(gaps) < PERIOD_NS / 6
    assert readings[-1].at_ns - readings[0].at_ns == pytest.approx(11 * 3600e9, abs=30e9)
    assert camera.times_opened == 12  # in between, others may use it


def test_a_rigs_code_was_there_between_the_press_and_the_look(bench, camera, token):
    (reading,) = islice(reader(camera).readings(), 1)
    assert reading.timing == Timing(200_000_000, 0)
    assert reading.first_ns == START_NS


def test_a_rig_that_watches_sees_the_change_within_two_looks(bench, camera, token):
    changes = list(
        islice(
            reader(camera, 600 * NS_PER_S).changes(),
            3,
        )
    )
    for reading in changes:
        step = token.seed.step_at(reading.at_ns + 7 * NS_PER_S)
        assert reading.code == token.seed.code_at_step(step)
        edge_ns = step * PERIOD_NS - 7 * NS_PER_S
        assert reading.changed
        assert reading.first_ns <= edge_ns <= reading.last_ns
        assert reading.timing.span_ns == 400_000_000
    assert changes[1].at_ns - changes[0].at_ns == pytest.approx(600e9, abs=31e9)


def test_a_doubtful_look_is_repeated(bench, camera):
    camera.seen = [Reading("492039", 0.4, 0), Reading("", 0.99, 0)]
    (reading,) = islice(reader(camera).readings(), 1)
    assert reading.code != "492039"


@pytest.mark.parametrize(
    ("seen", "trouble"),
    [
        (Reading("", 1.0, 0), "it was dark"),
        (Reading("49203", 0.95, 0), "5 signs instead of 6 digits, certain to 95%"),
    ],
)
def test_a_display_that_cannot_be_read_is_told_without_its_digits(bench, camera, seen, trouble):
    camera.seen = [seen] * 5
    readings = reader(camera).readings()
    with pytest.raises(DisplayUnread) as caught:
        next(readings)
    assert trouble in str(caught.value)
    assert "49203" not in str(caught.value)
    assert str(type(caught.value)(*caught.value.args)) == str(caught.value)


def test_a_display_that_never_changes_is_told(bench, camera, token):
    camera.seen = [Reading("111111", 1.0, 0)] * 1000
    readings = reader(camera).changes()
    with pytest.raises(DisplayUnread, match="has not changed in three time steps"):
        next(readings)
