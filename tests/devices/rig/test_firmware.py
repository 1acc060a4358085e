"""The firmware on a real MicroPython: the same table, the same driver, the same answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mfalab.devices.rig import Function, Identity, RigRefused, RigSpec, open_rig
from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.protocol_simrig import hosted
from mfalab.devices.rig.timing import SchedulerTiming
from mfalab.devices.schedule import OwnTime
from mfalab.simulator.entropy import Entropy

pytestmark = pytest.mark.slow

NS_PER_MS = 10**6
ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
FIRMWARE = ROOT / "devices" / "rig" / "firmware"
MICROPYTHON = ROOT / ".venv" / "micropython" / "package" / "micropython.mjs"
TOUCH_PINS, POWER_PINS, FIELD_PIN, CARD_PIN = "2345", "6789", "10", "11"


class Inside:
    """The process in which MicroPython runs; it has the shape of a simulated board."""

    plugged = True

    def __init__(self) -> None:
        self.scheduler = OwnTime()
        self._process = subprocess.Popen(
            ["node", HERE / "micropython.mjs", MICROPYTHON, FIRMWARE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, self._process.stderr.read()[-2000:]
        return dict(json.loads(answer))

    def boot(self) -> None:
        self.scheduler = OwnTime()
        self.ask(boot=True)

    def feed(self, data: bytes) -> bytes:
        at_us = self.scheduler.now_ns() // 1000
        return bytes.fromhex(self.ask(at_us=at_us, feed=data.hex())["said"])

    def pins(self) -> dict[str, int]:
        return dict(self.ask(at_us=self.scheduler.now_ns() // 1000)["pins"])

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def process(give_up: Callable[[str], NoReturn]) -> Iterator[Inside]:
    if shutil.which("node") is None or not MICROPYTHON.exists():
        give_up(f"needs node and {MICROPYTHON.relative_to(ROOT)}, which make test fetches")
    made = Inside()
    yield made
    made.close()


@pytest.fixture
def inside(process: Inside) -> Inside:
    process.boot()
    return process


def test_firmware_answers_as_the_table_says(inside: Inside, exchanges: list[Any]) -> None:
    for each in exchanges:
        assert inside.feed(each.sent) == b"".join(each.answers), each.sent
        inside.scheduler.advance(each.pause_ms * NS_PER_MS)


def test_firmware_takes_bytes_one_at_a_time(inside: Inside) -> None:
    line = b"\x18TOUC2:PULS 150,20;STAT?;:SYST:ERR?\r\n"
    assert b"".join(inside.feed(bytes([byte])) for byte in line) == b'0;0,"No error"\n'


@pytest.mark.parametrize("seed", range(10))
def test_firmware_and_simulated_board_say_the_same_to_anything(
    inside: Inside, thing: Any, seed: int
) -> None:
    """Lines made of the protocol's words in any order, and of noise."""
    chance = Entropy(seed).stream("lines")
    words = "TOUC1 touch2 POW4 POWer NFC DISP1 SYST ERR? ERR:COUN? PULS STAT? LAST? HOLD REL CYCL"
    words += " FIEL FIEL? PRES TIME? WATC WATC? *CLS *ESR? *RST *STB? *OPC? *SRE *ESE ON OFF 5 0"
    words += " 99999 1.5 2e1 -7 abc 'x 'y' \"z;\" : : ; ; ; , , ? * \t \r # é \xff \x18 5ms"
    choices = words.split(" ")
    board = SimulatedBoard(inside.scheduler, touch=[thing] * 4, power=[thing] * 4, nfc=[thing])
    for _ in range(40):
        count = chance.randrange(12)
        text = "".join(chance.choice(["", " ", ":"]) + chance.choice(choices) for _ in range(count))
        line = text.encode("latin-1") + b"\n"
        assert inside.feed(line) == board.feed(line), line
        inside.scheduler.advance(chance.choice([0, 3, 40]) * NS_PER_MS)


def test_driver_works_with_the_firmware(inside: Inside) -> None:
    time = inside.scheduler
    with hosted("firmware", inside) as url:  # type: ignore[arg-type]
        spec = RigSpec("bench1", "scpi", url, serial="e6610042")
        with open_rig(spec, clock=time, timing=SchedulerTiming(time)) as rig:
            assert rig.identify() == Identity("mfalab", "RP2040 rig", "e6610042", "1.0")
            assert rig.functions == {
                Function.TOUCH: 4,
                Function.POWER: 4,
                Function.NFC: 1,
                Function.DISPLAY: 0,
            }
            rig.touch(2)
            time.advance(100 * NS_PER_MS)
            assert inside.pins()[TOUCH_PINS[1]] == 1
            with pytest.raises(RigRefused, match="-221, Settings conflict"):
                rig.touch(2)
            time.advance(100 * NS_PER_MS)
            assert inside.pins()[TOUCH_PINS[1]] == 0
            rig.power(3, False)
            assert (rig.is_powered(3), inside.pins()[POWER_PINS[2]]) == (False, 1)
            rig.power(3, True)
            rig.cycle(1)
            rig.field(1, False)
            rig.present(1, True)
            assert (inside.pins()[FIELD_PIN], inside.pins()[CARD_PIN]) == (1, 2_000_000)
            rig.hold(1, 5000)
            # The driver feeds the watchdog for as long as it is open.
            time.advance(40_000 * NS_PER_MS)
            rig.power(4, False)
        pins = inside.pins()
        assert [pins[pin] for pin in (*TOUCH_PINS, *POWER_PINS)] == [0] * 8
        assert (pins[FIELD_PIN], pins[CARD_PIN]) == (0, 1_000_000)


def test_a_killed_driver_leaves_the_watchdog_to_free_the_pins(inside: Inside) -> None:
    assert inside.feed(b"SYST:WATC 15;:POW1 OFF;:TOUC1:HOLD 60000\n") == b""
    inside.scheduler.advance(14_000 * NS_PER_MS)
    assert (inside.pins()[TOUCH_PINS[0]], inside.pins()[POWER_PINS[0]]) == (1, 1)
    inside.scheduler.advance(1_000 * NS_PER_MS)
    assert (inside.pins()[TOUCH_PINS[0]], inside.pins()[POWER_PINS[0]]) == (0, 0)


def test_the_loop_serves_the_line_and_frees_the_pins_when_it_fails(inside: Inside) -> None:
    served = inside.ask(serve=b"POW1 OFF;:TOUC1:HOLD 500;:POW1?\n".hex())
    assert bytes.fromhex(served["said"]) == b"0\n"
    assert (served["pins"][TOUCH_PINS[0]], served["pins"][POWER_PINS[0]]) == (0, 0)


def test_the_maintenance_pin_keeps_it_from_starting(inside: Inside) -> None:
    assert inside.ask(maintenance=0)["started"] is False
    assert inside.ask(maintenance=1)["started"] is True


def test_it_fits_into_the_memory_of_the_board(inside: Inside) -> None:
    """An RP2040 leaves some 190 KB to MicroPython; pointers here are as wide as there."""
    assert inside.ask()["allocated"] < 100_000
