"""The driver for boards: what it sends, how it fails, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mfalab.devices.rig import Function, Identity, Reading, Rig, RigSpec, make_rig, open_rig
from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.errors import (
    NotFitted,
    OptionWrong,
    PortUnclear,
    RigBroken,
    RigClosed,
    RigGarbled,
    RigGone,
    RigRefused,
    RigSilent,
    RigVersionWrong,
    WatchdogFired,
)
from mfalab.devices.rig.instrument import BoardFaults
from mfalab.devices.rig.protocol_simrig import hosted
from mfalab.devices.rig.timing import SchedulerTiming
from mfalab.devices.schedule import OwnTime

NS_PER_MS = 10**6

Make = Callable[..., Rig]


@pytest.fixture
def make(time: OwnTime, timing: SchedulerTiming, url: str) -> Make:
    def made(**fields: Any) -> Rig:
        spec = RigSpec("bench1", "scpi", **{"port": url, **fields})
        return make_rig(spec, clock=time, timing=timing)

    return made


@pytest.fixture
def rig(make: Make) -> Iterator[Rig]:
    made = make()
    made.open()
    yield made
    if made.broken is None:
        made.close()


class TestUse:
    def test_it_tells_what_the_board_is_and_has(self, rig: Rig) -> None:
        assert rig.identify() == Identity("mfalab", "simulated rig", "0001", "1.0")
        assert rig.functions == {
            Function.TOUCH: 4,
            Function.POWER: 4,
            Function.NFC: 1,
            Function.DISPLAY: 0,
        }

    def test_each_verb_reaches_the_thing(self, rig: Rig, time: OwnTime, thing: Any) -> None:
        rig.touch(1)
        time.advance(200 * NS_PER_MS)
        rig.hold(1, 5000)
        rig.release(1)
        rig.power(1, False)
        assert rig.is_powered(1) is False
        rig.power(1, True)
        rig.field(1, False)
        rig.present(1, True)
        rig.safe()
        assert thing.log == [
            *("down", "up", "down", "up", "power False", "power True", "field False"),
            *("present True", "present False", "field True"),
        ]

    def test_a_cycle_returns_when_power_is_back(self, rig: Rig, time: OwnTime, thing: Any) -> None:
        before_ns = time.now_ns()
        rig.cycle(1, 700)
        assert thing.log == ["power False", "power True"]
        assert 700 <= (time.now_ns() - before_ns) / NS_PER_MS < 720

    def test_a_display_is_read(self, time: OwnTime, timing: SchedulerTiming, thing: Any) -> None:
        board = SimulatedBoard(time, display=[thing])
        thing.shown = ('49"20;39', 0.98)
        with hosted("cam", board) as url:
            spec = RigSpec("cam", "scpi", url)
            with open_rig(spec, clock=time, timing=timing) as rig:
                time.advance(NS_PER_MS)
                rig.show(1)
                assert rig.read(1) == Reading('49"20;39', 0.98, 1000)
        assert thing.log == ["show"]

    @pytest.mark.parametrize(
        ("use", "sentence"),
        [
            (lambda rig: rig.touch(5), "rig bench1 has no touch channel 5. Use one of 1 to 4."),
            (lambda rig: rig.power(0, True), "rig bench1 has no power channel 0."),
            (lambda rig: rig.read(1), "rig bench1 has no display channels. Use another rig"),
        ],
    )
    def test_what_is_not_fitted_is_not_tried(
        self, rig: Rig, use: Callable[[Rig], None], sentence: str
    ) -> None:
        with pytest.raises(NotFitted) as caught:
            use(rig)
        assert str(caught.value).startswith(sentence)
        rig.touch(1)

    def test_a_refusal_has_the_boards_words_and_breaks_nothing(self, rig: Rig) -> None:
        rig.hold(1, 1000)
        with pytest.raises(RigRefused) as caught:
            rig.touch(1)
        assert str(caught.value) == (
            "rig bench1 refused 'TOUC1:PULS 150,20': -221, Settings conflict;a touch is under way."
        )
        assert caught.value.code == -221
        assert rig.broken is None
        rig.release(1)

    def test_errors_of_earlier_programs_are_cleared(
        self, make: Make, board: SimulatedBoard
    ) -> None:
        board.feed(b"FOO;BAR\nPOW1 OF")
        with make() as rig:
            assert rig.is_powered(1)

    def test_opening_and_closing_make_it_safe(
        self, make: Make, board: SimulatedBoard, thing: Any
    ) -> None:
        board.feed(b"POW1 OFF\n")
        rig = make()
        rig.open()
        rig.open()
        assert thing.log == ["power False", "power True"]
        rig.hold(1, 60_000)
        rig.close()
        rig.close()
        assert thing.log == ["power False", "power True", "down", "up"]
        assert board.watch_s == 0
        with pytest.raises(RigClosed, match="rig bench1 is not open"):
            rig.touch(1)

    def test_options_are_checked(self, make: Make) -> None:
        for options, sentence in [
            ({"baud": "9600"}, "no such option .it has: timeout_ms, watchdog_s"),
            ({"timeout_ms": "soon"}, "'soon' is no number from 1 to 60000"),
            ({"timeout_ms": "1000", "watchdog_s": "2"}, "more than a third of the watchdog's 2 s"),
        ]:
            with pytest.raises(OptionWrong, match=sentence):
                make(options=options)

    def test_there_is_no_other_driver(self, time: OwnTime) -> None:
        with pytest.raises(OptionWrong, match=r"scpy is none. There are: scpi, numato, lcus"):
            make_rig(RigSpec("x", "scpy"), clock=time)


class TestWatchdog:
    def test_it_is_fed_while_nothing_else_is_said(
        self, rig: Rig, time: OwnTime, thing: Any
    ) -> None:
        rig.power(1, False)
        time.advance(300_000 * NS_PER_MS)
        assert thing.log == ["power False"]
        assert rig.is_powered(1) is False

    def test_a_driver_that_dies_leaves_the_board_to_itself(
        self, rig: Rig, board: SimulatedBoard, time: OwnTime, thing: Any
    ) -> None:
        rig.power(1, False)
        rig.hold(1, 60_000)
        rig._forget_feeding()  # type: ignore[attr-defined]
        time.advance(14_000 * NS_PER_MS)
        assert thing.log == ["power False", "down"]
        time.advance(1_000 * NS_PER_MS)
        assert thing.log == ["power False", "down", "up", "power True"]

    def test_a_host_that_slept_too_long_is_told(self, rig: Rig, time: OwnTime) -> None:
        rig._forget_feeding()  # type: ignore[attr-defined]
        time.advance(60_000 * NS_PER_MS)
        for _ in range(2):
            with pytest.raises(WatchdogFired) as caught:
                rig.is_powered(1)
            assert str(caught.value) == (
                "rig bench1 released every touch and restored all power by itself (Time out "
                "error;no line for 15 s, made safe): this computer was asleep or too busy to speak "
                "to it. Start again."
            )

    def test_a_board_that_restarted_is_found_out(
        self, rig: Rig, board: SimulatedBoard, time: OwnTime
    ) -> None:
        board.unplug()
        board.plug()
        time.advance(5_000 * NS_PER_MS)
        with pytest.raises(RigGone, match="the board has restarted"):
            rig.touch(1)

    def test_a_long_cycle_is_not_cut_short(
        self, rig: Rig, time: OwnTime, thing: Any, board: SimulatedBoard
    ) -> None:
        rig._forget_feeding()  # type: ignore[attr-defined] # as when its thread waits for us
        rig.cycle(1, 60_000)
        assert thing.log == ["power False", "power True"]
        assert 60_000 <= time.now_ns() / NS_PER_MS < 60_020
        assert board.status.errors == 0

    def test_power_that_does_not_come_back_breaks_the_rig(
        self, rig: Rig, board: SimulatedBoard
    ) -> None:
        board.switches[0].cycle = lambda off_ms: board.switches[0].set(False)  # type: ignore[method-assign]
        with pytest.raises(RigSilent, match="did not answer 'POW1:CYCL 500' within 700 ms"):
            rig.cycle(1)

    def test_a_board_that_goes_while_it_is_not_asked_is_found_out(
        self, rig: Rig, board: SimulatedBoard, time: OwnTime
    ) -> None:
        board.unplug()
        time.advance(5_000 * NS_PER_MS)
        assert isinstance(rig.broken, RigGone)

    def test_a_closed_rig_feeds_no_more(
        self, rig: Rig, board: SimulatedBoard, time: OwnTime
    ) -> None:
        rig.close()
        seen = board._heard_ns
        time.advance(60_000 * NS_PER_MS)
        assert board._heard_ns == seen


FAULTS = [
    (BoardFaults(silent=True), RigSilent, "did not answer 'POW1?' within 1000 ms"),
    (BoardFaults(half_lines=True), RigGarbled, "answered 'POW1?' with half a line, b'0;0,\"No"),
    (BoardFaults(noise=b"\xff\x00"), RigGarbled, "with b'\\xff\\x000;0,"),
    (BoardFaults(noise=b"boot\n"), RigGarbled, "answered 'POW1?' with b'boot', which is no answer"),
    (None, RigGone, "rig bench1 is gone (board 0001 is not plugged in"),
]


class TestFaults:
    @pytest.mark.parametrize(("faults", "error", "sentence"), FAULTS)
    def test_each_breaks_the_rig_for_good_and_frees_the_key(
        self,
        rig: Rig,
        board: SimulatedBoard,
        time: OwnTime,
        thing: Any,
        faults: BoardFaults | None,
        error: type[RigBroken],
        sentence: str,
    ) -> None:
        rig.power(1, False)
        rig.hold(1, 60_000)
        if faults is None:
            board.unplug()
        else:
            board.faults = faults
        with pytest.raises(error) as first:
            rig.is_powered(1)
        assert sentence in str(first.value)
        # The blind *RST, or the board's own failsafe, has freed it.
        assert thing.log == ["power False", "down", "up", "power True"]
        board.faults = BoardFaults()
        board.plug()
        for use in (lambda: rig.touch(2), rig.safe, rig.open, rig.identify):
            with pytest.raises(error) as again:
                use()
            assert str(again.value) == str(first.value)
            assert again.value is not first.value
        assert rig.broken is first.value
        rig.close()

    def test_a_silent_board_that_is_deaf_too_frees_the_key_by_itself(
        self, rig: Rig, board: SimulatedBoard, time: OwnTime, thing: Any
    ) -> None:
        rig.power(1, False)
        board.feed = lambda data: b""  # type: ignore[method-assign]
        with pytest.raises(RigSilent):
            rig.touch(1)
        assert thing.log == ["power False"]
        time.advance(15_000 * NS_PER_MS)
        assert thing.log == ["power False", "power True"]

    @pytest.mark.parametrize("version", ["2.0", "0.9", "1999.0", "10.0", "x"])
    def test_another_major_version_is_refused(
        self, make: Make, board: SimulatedBoard, version: str
    ) -> None:
        board.faults = BoardFaults(version=version)
        rig = make()
        with pytest.raises(RigVersionWrong) as caught:
            rig.open()
        assert str(caught.value) == (
            f"rig bench1 speaks protocol version {version}, and the driver knows version 1. "
            "Flash the firmware that belongs to this release."
        )
        with pytest.raises(RigVersionWrong):
            rig.open()

    def test_a_later_minor_version_is_taken(self, make: Make, board: SimulatedBoard) -> None:
        board.faults = BoardFaults(version="1.7")
        make().open()

    @pytest.mark.parametrize("faults", [case[0] for case in FAULTS if case[0] is not None])
    def test_a_board_that_is_faulty_from_the_start_does_not_open(
        self, make: Make, board: SimulatedBoard, faults: BoardFaults
    ) -> None:
        board.faults = faults
        rig = make()
        with pytest.raises((RigSilent, RigGarbled)):
            rig.open()
        assert rig.broken is not None

    @pytest.mark.parametrize(
        ("method", "answer", "query"),
        [
            ("POW1?", b"2", lambda rig: rig.is_powered(1)),
            ("*IDN?", b"maker,model", lambda rig: rig.identify()),
        ],
    )
    def test_an_answer_of_the_wrong_kind_is_garbage(
        self,
        rig: Rig,
        board: SimulatedBoard,
        method: str,
        answer: bytes,
        query: Callable[[Rig], object],
    ) -> None:
        board.feed = lambda data: answer + b';0,"No error"\n'  # type: ignore[method-assign]
        with pytest.raises(RigGarbled, match="which is no answer to it"):
            query(rig)

    @pytest.mark.parametrize("options", [b"", b"TOUCH", b"4TOUCH", b"TOUCH4;POWER4"])
    def test_options_that_are_none_are_garbage(
        self, make: Make, board: SimulatedBoard, options: bytes
    ) -> None:
        feed = board.feed
        board.feed = lambda data: (  # type: ignore[method-assign]
            options + b';0,"No error"\n' if b"*OPT?" in data else feed(data)
        )
        with pytest.raises(RigGarbled):
            make().open()

    def test_functions_of_later_versions_are_passed_over(
        self, make: Make, board: SimulatedBoard
    ) -> None:
        feed = board.feed
        board.feed = lambda data: (  # type: ignore[method-assign]
            b'TOUCH2,HEAT9;0,"No error"\n' if b"*OPT?" in data else feed(data)
        )
        rig = make()
        rig.open()
        assert rig.functions[Function.TOUCH] == 2
        assert rig.functions[Function.POWER] == 0

    def test_a_board_with_another_serial_number_is_not_taken(self, make: Make) -> None:
        with pytest.raises(PortUnclear, match="should have serial 0042, and the board on simrig"):
            make(serial="0042").open()
        make(serial="0001").open()

    def test_no_board_of_that_name_is_a_sentence(self, make: Make) -> None:
        with pytest.raises(PortUnclear, match=r"cannot be opened on simrig://other \(no board"):
            make(port="simrig://other").open()

    def test_a_url_of_no_known_kind_is_a_sentence(self, make: Make) -> None:
        with pytest.raises(OptionWrong, match='rig bench1, "port": invalid URL'):
            make(port="carrier-pigeon://x").open()
