"""Relay boxes and modem lines, each against a box that speaks as its maker says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mfalab.devices.rig import Function, Identity, Rig, RigSpec, make_rig
from mfalab.devices.rig.drivers import relays
from mfalab.devices.rig.drivers.lcus import frame
from mfalab.devices.rig.errors import NotFitted, OptionWrong, RigGarbled, RigGone, RigSilent
from mfalab.devices.rig.protocol_simrig import hosted
from mfalab.devices.rig.timing import SchedulerTiming
from mfalab.devices.schedule import OwnTime

NS_PER_MS = 10**6


class Box:
    """Relays behind a line; what happened to them is in `log`, with the time in ms."""

    def __init__(self, time: OwnTime, relays: int) -> None:
        self.scheduler = time
        self.plugged = True
        self.relays = [False] * relays
        self.log: list[tuple[int, int, bool]] = []

    def switch(self, relay: int, on: bool) -> None:
        if self.relays[relay - 1] != on:
            self.relays[relay - 1] = on
            self.log.append((self.scheduler.now_ns() // NS_PER_MS, relay, on))

    def feed(self, data: bytes) -> bytes:
        raise NotImplementedError


class NumatoBox(Box):
    """Echo, answer, LF CR, prompt."""

    half = b""

    def feed(self, data: bytes) -> bytes:
        said = data
        *commands, self.half = (self.half + data).split(b"\r")
        for command in commands:
            answer = self.do(command.decode().split())
            said += b"\n\r" + (answer + b"\n\r" if answer else b"") + b">"
        return said.replace(b"\r\n", b"\n").replace(b"\r\n\r", b"\n\r")

    def do(self, words: list[str]) -> bytes:
        match words:
            case ["relay", "on" | "off" as state, index]:
                self.switch(self.number(index), state == "on")
            case ["relay", "read", index]:
                return b"on" if self.relays[self.number(index) - 1] else b"off"
            case ["ver"]:
                return b"00000008"
            case ["id", "get"]:
                return b"lab00001"
        return b""

    def number(self, index: str) -> int:
        return 1 + "0123456789ABCDEFGHIJKLMNOPQRSTUV".index(index)


class LcusBox(Box):
    """Four bytes, no answer."""

    def feed(self, data: bytes) -> bytes:
        for start in range(0, len(data), 4):
            head, relay, on, total = data[start : start + 4]
            assert (head, total) == (0xA0, (head + relay + on) & 0xFF)
            self.switch(relay, bool(on))
        return b""


class DevantechBox(Box):
    """Single bytes."""

    module, stuck = 10, False

    def feed(self, data: bytes) -> bytes:
        said = b""
        for byte in data:
            if byte == 0x5A:
                said += bytes([self.module, 3])
            elif byte == 0x5B:
                said += bytes([sum(on << bit for bit, on in enumerate(self.relays))])
            elif 0x65 <= byte <= 0x6C and not self.stuck:
                self.switch(byte - 0x64, True)
            elif 0x6F <= byte <= 0x76 and not self.stuck:
                self.switch(byte - 0x6E, False)
        return said


BOXES: dict[str, tuple[type[Box], int]] = {
    "numato": (NumatoBox, 32),
    "lcus": (LcusBox, 8),
    "devantech": (DevantechBox, 2),
}

Open = Callable[..., Any]


@pytest.fixture
def bench(time: OwnTime, timing: SchedulerTiming) -> Open:
    """Makes a box and a rig with given options that drives it, not yet open."""

    @contextmanager
    def opened(driver: str, **options: str) -> Iterator[tuple[Rig, Any]]:
        kind, relays = BOXES[driver]
        if driver == "lcus":
            options.setdefault("relays", str(relays))
        box = kind(time, relays)
        with hosted(driver, box) as url:  # type: ignore[arg-type]
            spec = RigSpec("box", driver, url, options=options)
            yield make_rig(spec, clock=time, timing=timing), box

    return opened


class TestEveryBox:
    @pytest.mark.parametrize("driver", BOXES)
    def test_touches_and_power_take_their_time(
        self, bench: Open, time: OwnTime, driver: str
    ) -> None:
        with bench(driver, touch="1", power="2") as (rig, box):
            with rig:
                assert rig.functions == {Function.TOUCH: 1, Function.POWER: 1}
                rig.touch(1, ms=150, after_ms=20)
                rig.cycle(1, 500)
                assert rig.is_powered(1) in {True, None}
            assert box.log == [(20, 1, True), (170, 1, False), (170, 2, True), (670, 2, False)]

    @pytest.mark.parametrize("driver", BOXES)
    def test_a_hold_ends_by_itself_or_before(self, bench: Open, time: OwnTime, driver: str) -> None:
        with bench(driver, touch="2,1") as (rig, box), rig:
            rig.hold(1, 5000)
            time.advance(6000 * NS_PER_MS)
            rig.hold(2, 5000)
            time.advance(1000 * NS_PER_MS)
            rig.release(2)
            time.advance(6000 * NS_PER_MS)
            assert box.log == [(0, 2, True), (5000, 2, False), (6000, 1, True), (7000, 1, False)]

    @pytest.mark.parametrize("driver", BOXES)
    def test_closing_lifts_the_finger_and_restores_power(
        self, bench: Open, time: OwnTime, driver: str
    ) -> None:
        with bench(driver, touch="1", power="2") as (rig, box):
            with rig:
                rig.hold(1, 60_000)
                rig.power(1, False)
                assert box.relays[:2] == [True, True]
            assert box.relays[:2] == [False, False]
            time.advance(100_000 * NS_PER_MS)

    @pytest.mark.parametrize("driver", BOXES)
    def test_a_box_that_is_pulled_out_breaks_the_rig(self, bench: Open, driver: str) -> None:
        with bench(driver) as (rig, box):
            rig.open()
            box.plugged = False
            box.feed = _gone
            for _ in range(2):
                with pytest.raises(RigGone, match="rig box is gone"):
                    rig.touch(1)

    @pytest.mark.parametrize("driver", BOXES)
    def test_a_relay_does_one_thing(self, bench: Open, driver: str) -> None:
        for options, sentence in [
            ({"touch": "1,2", "power": "2"}, "relay 2 cuts power already"),
            ({"touch": "1,1"}, "'1,1' has a number twice"),
            ({"touch": "0"}, "'0' is no number from 1 to"),
            ({"touch": "one"}, "'one' is no number from 1 to"),
        ]:
            relays = {} if driver == "devantech" else {"relays": "2"}
            with (
                pytest.raises(OptionWrong, match=sentence),
                bench(driver, **relays, **options),
            ):
                pass

    @pytest.mark.parametrize("driver", BOXES)
    def test_it_has_no_readers(self, bench: Open, driver: str) -> None:
        with bench(driver) as (rig, _), rig, pytest.raises(NotFitted):
            rig.field(1, True)


def _gone(data: bytes) -> bytes:
    from mfalab.devices.rig.board import BoardUnplugged

    raise BoardUnplugged("box")


class TestNumato:
    def test_it_says_what_it_is_and_reads_back(self, bench: Open) -> None:
        with bench("numato", relays="16", power="16,11") as (rig, box), rig:
            assert rig.identify() == Identity("Numato", "relay module", "lab00001", "00000008")
            assert rig.functions[Function.TOUCH] == 14
            rig.power(1, False)
            assert (rig.is_powered(1), rig.is_powered(2), box.relays[15]) == (False, True, True)
            rig.power(2, False)
            assert box.relays[10]

    def test_half_a_line_of_somebody_else_does_no_harm(self, bench: Open) -> None:
        with bench("numato") as (rig, box):
            box.feed(b"relay on 1 and th")
            with rig:
                assert rig.identify().firmware == "00000008"

    @pytest.mark.parametrize(
        ("answer", "error"),
        [(b"", RigSilent), (b"relay of", RigGarbled), (b"\xff\xfe>", RigGarbled)],
    )
    def test_a_box_that_answers_nonsense_breaks_the_rig(
        self, bench: Open, answer: bytes, error: type[Exception]
    ) -> None:
        with bench("numato") as (rig, box):
            rig.open()
            box.feed = lambda data: answer
            with pytest.raises(error):
                rig.touch(1)


class TestLcus:
    @pytest.mark.parametrize(
        ("relay", "on", "sent"),
        [(1, True, "a00101a2"), (1, False, "a00100a1"), (8, True, "a00801a9")],
    )
    def test_a_frame_is_as_its_maker_says(self, relay: int, on: bool, sent: str) -> None:
        assert frame(relay, on).hex() == sent

    def test_it_cannot_tell_its_state(self, bench: Open) -> None:
        with bench("lcus", power="1") as (rig, _), rig:
            rig.power(1, False)
            assert rig.is_powered(1) is None
            assert rig.identify().maker == "LC Technology"


class TestDevantech:
    def test_it_says_what_it_is_and_reads_back(self, bench: Open) -> None:
        with bench("devantech", power="2") as (rig, _), rig:
            assert rig.identify() == Identity("Devantech", "USB-RLY02", "", "3")
            rig.power(1, False)
            assert rig.is_powered(1) is False

    def test_a_relay_that_it_has_not_is_told_before_anything_is_touched(self, bench: Open) -> None:
        with bench("devantech", touch="3") as (rig, box):
            with pytest.raises(OptionWrong, match="the USB-RLY02 has 2 relays and none 3"):
                rig.open()
            assert box.log == []

    def test_another_module_is_garbage(self, bench: Open) -> None:
        with bench("devantech") as (rig, box):
            box.module = 77
            with pytest.raises(RigGarbled):
                rig.open()

    def test_a_relay_that_does_not_switch_breaks_the_rig(self, bench: Open) -> None:
        with bench("devantech") as (rig, box):
            rig.open()
            box.stuck = True
            with pytest.raises(RigGarbled):
                rig.touch(1)


class TestLines:
    def test_rts_touches_and_dtr_cuts_power(
        self, time: OwnTime, timing: SchedulerTiming, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[tuple[int, str, bool]] = []

        class Line:
            def __init__(self, rig: str, port: str, **speed: int) -> None:
                self.port = port

            def open(self, *, rts: bool, dtr: bool) -> None:
                seen.append((0, self.port, rts or dtr))

            def close(self) -> None:
                seen.append((time.now_ns() // NS_PER_MS, "close", False))

            def set_lines(self, **levels: bool) -> None:
                for name, on in levels.items():
                    seen.append((time.now_ns() // NS_PER_MS, name, on))

        monkeypatch.setattr(relays, "SerialLine", Line)
        spec = RigSpec("ftdi", "lines", "/dev/ttyUSB0", options={"power": "2"})
        with make_rig(spec, clock=time, timing=timing) as rig:
            rig.touch(1)
            rig.cycle(1, 100)
            assert rig.is_powered(1) is None
            assert rig.identify().model == "RTS and DTR"
        safe = [(0, "rts", False), (0, "dtr", False)]
        assert seen[:3] == [(0, "/dev/ttyUSB0", False), *safe]
        assert seen[3:7] == [
            (20, "rts", True),
            (170, "rts", False),
            (170, "dtr", True),
            (270, "dtr", False),
        ]
        assert seen[-1] == (270, "close", False)

    def test_pyserials_loop_has_such_lines(self, time: OwnTime, timing: SchedulerTiming) -> None:
        spec = RigSpec("loop", "lines", "loop://", options={"touch": "1,2"})
        with make_rig(spec, clock=time, timing=timing) as rig:
            port = rig._line._serial  # type: ignore[attr-defined]
            assert (port.rts, port.dtr) == (False, False)
            rig.hold(1, 1000)
            rig.hold(2, 1000)
            assert (port.cts, port.dsr) == (True, True)
            time.advance(1000 * NS_PER_MS)
            assert (port.cts, port.dsr) == (False, False)
