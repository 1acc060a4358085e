"""A simulated board: what a rig's firmware does, with objects of the caller at its outputs.

It takes bytes and gives bytes; its time is a scheduler's. Touches are pulses that end by
themselves. A board that is watched (`SYST:WATC 15`) and hears no line for that long releases every
touch and restores all power, and says so as error -365 when it is next asked; so does one that
loses its own power, because its outputs fall back.

What is under way goes on while the next line is taken: a pulse is complete (`*OPC`) when it is
planned.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from errno import ENODEV
from typing import Final, Protocol

from mfalab.devices.errors import DeviceError
from mfalab.devices.rig.rig import Function, Identity
from mfalab.devices.rig.scpi import (
    Code,
    Framing,
    LineReader,
    Pattern,
    Refusal,
    Unit,
    boolean,
    integer,
    quoted,
    read_units,
)
from mfalab.devices.schedule import Scheduler

__all__ = [
    "HEALTHY",
    "OPTION_WORDS",
    "PROTOCOL",
    "SIMULATED",
    "BoardFaults",
    "BoardUnplugged",
    "DisplayChannel",
    "NfcChannel",
    "PowerChannel",
    "SimulatedBoard",
    "TouchChannel",
]

PROTOCOL: Final = "1.0"
"""The version of the protocol, for `SYST:VERS?`: major and minor."""

OPTION_WORDS: Final = {
    Function.TOUCH: "TOUCH",
    Function.POWER: "POWER",
    Function.NFC: "NFC",
    Function.DISPLAY: "CAM",
}
"""How `*OPT?` calls the functions; the number of channels follows the word."""

LONGEST_PULSE_MS: Final = 2_000
LONGEST_HOLD_MS: Final = 60_000
LONGEST_DELAY_MS: Final = 10_000
LONGEST_CYCLE_MS: Final = 60_000
LONGEST_WATCH_S: Final = 3_600
_MOST_ERRORS = 16
_NS_PER_US, _NS_PER_MS, _NS_PER_S = 10**3, 10**6, 10**9
_NEVER = -1

# Bits of the event status register (IEEE 488.2 section 11.5.1.1).
_OPERATION_COMPLETE, _POWER_ON = 1 << 0, 1 << 7
_EVENT_OF_HUNDRED = {1: 1 << 5, 2: 1 << 4, 3: 1 << 3, 4: 1 << 2}
# Bits of the status byte (IEEE 488.2 section 11.2.1, SCPI-99 volume 1 section 5).
_ERROR_QUEUE, _MESSAGE, _EVENT, _SUMMARY = 1 << 2, 1 << 4, 1 << 5, 1 << 6


class TouchChannel(Protocol):
    """What a finger is over."""

    def touch(self) -> object:
        """The finger comes down."""
        ...

    def release(self) -> object:
        """The finger goes up."""
        ...


class PowerChannel(Protocol):
    """What hangs on a switched port."""

    def power(self, on: bool) -> object:
        """The port's power changes."""
        ...


class NfcChannel(Protocol):
    """What lies on, or is moved to, a reader."""

    def field(self, on: bool) -> object:
        """The reader's field changes."""
        ...

    def present(self, on: bool) -> object:
        """The card is laid down or taken away."""
        ...


class DisplayChannel(Protocol):
    """What the camera looks at."""

    def show(self) -> object:
        """The token's button is pressed."""
        ...

    def read(self) -> tuple[str, float]:
        """The text on the display and how sure the camera is, from 0 to 1."""
        ...


@dataclass(frozen=True, slots=True)
class BoardFaults:
    """What is wrong with a board, for tests of what is on the other side.

    Attributes:
        silent: it answers nothing.
        half_lines: the second half of each answer is lost, with its end.
        noise: bytes that come before each answer.
        version: the version of the protocol that it says it speaks.
    """

    silent: bool = False
    half_lines: bool = False
    noise: bytes = b""
    version: str = PROTOCOL


HEALTHY: Final = BoardFaults()
SIMULATED: Final = Identity("mfalab", "simulated rig", "0001", "1.0")


class BoardUnplugged(DeviceError, OSError):
    """A board that has been pulled out.

    It is an `OSError` with `ENODEV`, which is what an operating system raises.

    Args:
        board: its serial number.
    """

    def __init__(self, board: str) -> None:
        super().__init__(board)
        self.errno = ENODEV
        self.board = board

    def __str__(self) -> str:
        return f"board {self.board} is not plugged in. Plug it in and open its port again."


class _Finger:
    """One touch channel: a pulse that is planned, under way, or over."""

    def __init__(self, channel: TouchChannel, board: SimulatedBoard) -> None:
        self._channel = channel
        self._board = board
        self._plan = 0  # which plan the events on the agenda belong to
        self.busy = False
        self.down = False
        self.down_us = self.up_us = _NEVER

    def press(self, after_ms: int, for_ms: int) -> None:
        self._plan += 1
        self.busy = True
        self._at(after_ms, self._down)
        self._at(after_ms + for_ms, self.release)

    def release(self) -> None:
        self._plan += 1
        self.busy = False
        if self.down:
            self.down = False
            self.up_us = self._board.now_us()
            self._channel.release()

    def _down(self) -> None:
        self.down = True
        self.down_us, self.up_us = self._board.now_us(), _NEVER
        self._channel.touch()

    def _at(self, delay_ms: int, action: Callable[[], None]) -> None:
        plan = self._plan
        if delay_ms:
            self._board.later(delay_ms, lambda: action() if plan == self._plan else None)
        else:
            action()


class _Switch:
    """One power channel."""

    def __init__(self, channel: PowerChannel, board: SimulatedBoard) -> None:
        self._channel = channel
        self._board = board
        self._plan = 0
        self.on = True

    def set(self, on: bool) -> None:
        self._plan += 1
        if on != self.on:
            self.on = on
            self._channel.power(on)

    def cycle(self, off_ms: int) -> None:
        self.set(False)
        plan = self._plan
        self._board.later(off_ms, lambda: self.set(True) if plan == self._plan else None)


class _Reader:
    """One NFC channel."""

    def __init__(self, channel: NfcChannel) -> None:
        self._channel = channel
        self.field = True
        self.card = False

    def set_field(self, on: bool) -> None:
        if on != self.field:
            self.field = on
            self._channel.field(on)

    def set_card(self, on: bool) -> None:
        if on != self.card:
            self.card = on
            self._channel.present(on)


_Handler = Callable[["SimulatedBoard", int, tuple[int | bool, ...]], str | Refusal | None]


@dataclass(frozen=True, slots=True)
class _Command:
    """What a header means.

    Attributes:
        pattern: the header.
        function: whose channel its suffix counts; None for the board's own.
        parameters: what converts each parameter.
        required: how many of them there must be.
        handler: does it, and returns its answer.
    """

    pattern: Pattern
    function: Function | None
    parameters: tuple[Callable[[str], int | bool | Refusal], ...]
    required: int
    handler: _Handler


class SimulatedBoard:
    """One board, plugged in.

    Args:
        scheduler: what lets its time pass.
        touch: what its fingers are over, channel 1 first.
        power: what hangs on its ports.
        nfc: what is on its readers.
        display: what its cameras look at.
        identity: what it says that it is.
        faults: what is wrong with it; may be set at any time.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        touch: Sequence[TouchChannel] = (),
        power: Sequence[PowerChannel] = (),
        nfc: Sequence[NfcChannel] = (),
        display: Sequence[DisplayChannel] = (),
        identity: Identity = SIMULATED,
        faults: BoardFaults = HEALTHY,
    ) -> None:
        self.scheduler = scheduler
        self.identity = identity
        self.faults = faults
        self.fingers = tuple(_Finger(each, self) for each in touch)
        self.switches = tuple(_Switch(each, self) for each in power)
        self.readers = tuple(_Reader(each) for each in nfc)
        self.displays = tuple(display)
        self._plugged = False
        self._boots = 0
        self.plug()

    @property
    def functions(self) -> dict[Function, int]:
        """How many channels of each function are fitted."""
        return {
            Function.TOUCH: len(self.fingers),
            Function.POWER: len(self.switches),
            Function.NFC: len(self.readers),
            Function.DISPLAY: len(self.displays),
        }

    # Its power.

    @property
    def plugged(self) -> bool:
        """Whether it is plugged in."""
        return self._plugged

    def plug(self) -> None:
        """Plug it in; nothing happens when it is."""
        if self._plugged:
            return
        self._plugged = True
        self._boots += 1
        self._born_ns = self.scheduler.now_ns()
        self._lines = LineReader()
        self._errors: deque[Refusal] = deque()
        self._events = _POWER_ON
        self._events_enabled = self._service_enabled = 0
        self._answered = False
        self._watch_s = 0
        self._heard_ns = self._born_ns
        self._fired = False
        self._watching = 0  # which of the planned looks counts

    def unplug(self) -> None:
        """Pull it out: its outputs fall back, so nothing is touched and everything has power."""
        with self.scheduler.guard:
            if self._plugged:
                self._plugged = False
                self._boots += 1
                self.make_safe()
                self.scheduler.wake(self)

    def make_safe(self) -> None:
        """Release every touch and restore all power."""
        for finger in self.fingers:
            finger.release()
        for switch in self.switches:
            switch.set(True)

    # Its time.

    def now_us(self) -> int:
        """Its own time: microseconds since it was plugged in."""
        return (self.scheduler.now_ns() - self._born_ns) // _NS_PER_US

    def later(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Do something once that time has passed, unless it is unplugged meanwhile."""
        boot = self._boots
        self.scheduler.after(
            delay_ms * _NS_PER_MS, lambda: action() if boot == self._boots else None
        )

    # Its line.

    def feed(self, data: bytes) -> bytes:
        """Take what came over the line, in any pieces; returns what it answers.

        Raises:
            BoardUnplugged: it is not plugged in.
        """
        with self.scheduler.guard:
            if not self._plugged:
                raise BoardUnplugged(self.identity.serial)
            said = b""
            for line in self._lines.feed(data):
                if line is Framing.DROPPED:
                    continue
                self._hear()
                if isinstance(line, bytes):
                    said += self._obey(line)
                else:
                    self.queue(Refusal(Code.INPUT_OVERRUN))
            return said

    def queue(self, error: Refusal) -> None:
        """Queue an error for `SYST:ERR?`."""
        self._events |= _EVENT_OF_HUNDRED[-error.code // 100]
        if len(self._errors) < _MOST_ERRORS:
            self._errors.append(error)
        else:
            self._errors[-1] = Refusal(Code.QUEUE_OVERFLOW)

    def _obey(self, line: bytes) -> bytes:
        answers: list[str] = []
        for unit in read_units(line):
            answer = self._do(unit, bool(answers)) if isinstance(unit, Unit) else unit
            if isinstance(answer, Refusal):
                self.queue(answer)
            elif answer is not None:
                answers.append(answer)
        if not answers or self.faults.silent:
            return b""
        said = ";".join(answers).encode() + b"\n"
        if self.faults.half_lines:
            said = said[: len(said) // 2]
        return self.faults.noise + said

    def _do(self, unit: Unit, answered: bool) -> str | Refusal | None:
        for command in _COMMANDS:
            if (channels := command.pattern.match(unit)) is not None:
                break
        else:
            return Refusal(Code.UNDEFINED_HEADER)
        channel = channels[0] if channels else 1
        if command.function is not None:
            fitted = self.functions[command.function]
            if not 1 <= channel <= fitted:
                return Refusal(Code.SUFFIX_OUT_OF_RANGE, f"fitted: {fitted}")
        if len(unit.parameters) > len(command.parameters):
            return Refusal(Code.PARAMETER_NOT_ALLOWED)
        if len(unit.parameters) < command.required:
            return Refusal(Code.MISSING_PARAMETER)
        arguments: list[int | bool] = []
        for convert, parameter in zip(command.parameters, unit.parameters, strict=False):
            argument = convert(parameter)
            if isinstance(argument, Refusal):
                return argument
            arguments.append(argument)
        self._answered = answered
        return command.handler(self, channel, tuple(arguments))

    # Status (IEEE 488.2 chapter 10 and 11).

    def take_error(self) -> str:
        """The oldest error, which leaves the queue."""
        return str(self._errors.popleft() if self._errors else Refusal(Code.NO_ERROR))

    @property
    def errors(self) -> int:
        """How many errors are queued."""
        return len(self._errors)

    def clear_status(self) -> None:
        """`*CLS`."""
        self._errors.clear()
        self._events = 0

    def complete(self) -> None:
        """`*OPC`."""
        self._events |= _OPERATION_COMPLETE

    def take_events(self) -> str:
        """`*ESR?`, which clears what it reads."""
        events, self._events = self._events, 0
        return str(events)

    def enable_events(self, mask: int) -> None:
        """`*ESE`."""
        self._events_enabled = mask

    def enable_service(self, mask: int) -> None:
        """`*SRE`; bit 6 is always 0 (IEEE 488.2 section 11.3.2.3)."""
        self._service_enabled = mask & ~_SUMMARY

    @property
    def enabled(self) -> tuple[int, int]:
        """What `*ESE` and `*SRE` have enabled."""
        return self._events_enabled, self._service_enabled

    @property
    def status_byte(self) -> int:
        """`*STB?`."""
        status = _ERROR_QUEUE if self._errors else 0
        status |= _MESSAGE if self._answered else 0
        status |= _EVENT if self._events & self._events_enabled else 0
        return status | (_SUMMARY if status & self._service_enabled else 0)

    # The watchdog.

    @property
    def watch_s(self) -> int:
        """How long it may hear nothing before it makes everything safe; 0 for ever."""
        return self._watch_s

    def watch(self, seconds: int) -> None:
        """`SYST:WATC`."""
        self._watch_s = seconds
        self._look_after(seconds * _NS_PER_S)

    def _hear(self) -> None:
        self._heard_ns = self.scheduler.now_ns()
        if self._fired:
            self._look_after(self._watch_s * _NS_PER_S)

    def _look_after(self, delay_ns: int) -> None:
        self._fired = False
        self._watching += 1
        watching = self._watching
        if self._watch_s:
            delay_ms = -(-delay_ns // _NS_PER_MS)
            self.later(delay_ms, lambda: self._look() if watching == self._watching else None)

    def _look(self) -> None:
        """Fire when nothing was heard for long enough, and look again when it could be."""
        quiet_ns = self.scheduler.now_ns() - self._heard_ns
        left_ns = self._watch_s * _NS_PER_S - quiet_ns
        if left_ns > 0:
            self._look_after(left_ns)
            return
        self._fired = True  # once: it looks again when it has heard something
        self.make_safe()
        self.queue(Refusal(Code.TIME_OUT, f"no line for {self._watch_s} s, made safe"))


def _between(low: int, high: int) -> Callable[[str], int | Refusal]:
    return lambda parameter: integer(parameter, low, high)


def _reset(board: SimulatedBoard, *_: object) -> None:
    board.make_safe()
    for reader in board.readers:
        reader.set_card(False)
        reader.set_field(True)


def _pulse(
    board: SimulatedBoard, channel: int, arguments: tuple[int | bool, ...]
) -> Refusal | None:
    finger = board.fingers[channel - 1]
    if finger.busy:
        return Refusal(Code.SETTINGS_CONFLICT, "a touch is under way")
    for_ms, after_ms = (*arguments, 0)[:2]
    finger.press(after_ms, for_ms)
    return None


def _last(board: SimulatedBoard, channel: int, _: object) -> str:
    finger = board.fingers[channel - 1]
    return f"{finger.down_us},{finger.up_us}"


def _show(board: SimulatedBoard, channel: int, _: object) -> None:
    board.displays[channel - 1].show()


def _read(board: SimulatedBoard, channel: int, _: object) -> str:
    text, confidence = board.displays[channel - 1].read()
    return f"{quoted(text)},{confidence:.2f},{board.now_us()}"


def _options(board: SimulatedBoard, *_: object) -> str:
    return ",".join(f"{OPTION_WORDS[each]}{count}" for each, count in board.functions.items())


def _identity(board: SimulatedBoard, *_: object) -> str:
    own = board.identity
    return ",".join((own.maker, own.model, own.serial, own.firmware))


def _table() -> tuple[_Command, ...]:
    """Every header. A handler gets the board, the channel and the converted parameters."""
    touch, power, nfc, display = Function
    mask, pulse_ms = _between(0, 255), _between(1, LONGEST_PULSE_MS)
    rows: list[tuple[str, Function | None, tuple[object, ...], int, object]] = [
        ("*CLS", None, (), 0, lambda b, *_: b.clear_status()),
        ("*ESE", None, (mask,), 1, lambda b, _, a: b.enable_events(a[0])),
        ("*ESE?", None, (), 0, lambda b, *_: str(b.enabled[0])),
        ("*ESR?", None, (), 0, lambda b, *_: b.take_events()),
        ("*IDN?", None, (), 0, _identity),
        ("*OPC", None, (), 0, lambda b, *_: b.complete()),
        ("*OPC?", None, (), 0, lambda *_: "1"),
        ("*OPT?", None, (), 0, _options),
        ("*RST", None, (), 0, _reset),
        ("*SRE", None, (mask,), 1, lambda b, _, a: b.enable_service(a[0])),
        ("*SRE?", None, (), 0, lambda b, *_: str(b.enabled[1])),
        ("*STB?", None, (), 0, lambda b, *_: str(b.status_byte)),
        ("*TST?", None, (), 0, lambda *_: "0"),
        ("*WAI", None, (), 0, lambda *_: None),
        ("SYSTem:ERRor[:NEXT]?", None, (), 0, lambda b, *_: b.take_error()),
        ("SYSTem:ERRor:COUNt?", None, (), 0, lambda b, *_: str(b.errors)),
        ("SYSTem:VERSion?", None, (), 0, lambda b, *_: b.faults.version),
        ("SYSTem:TIME?", None, (), 0, lambda b, *_: str(b.now_us())),
        (
            "SYSTem:WATChdog",
            None,
            (_between(0, LONGEST_WATCH_S),),
            1,
            lambda b, _, a: b.watch(a[0]),
        ),
        ("SYSTem:WATChdog?", None, (), 0, lambda b, *_: str(b.watch_s)),
        ("TOUCh#:PULSe", touch, (pulse_ms, _between(0, LONGEST_DELAY_MS)), 1, _pulse),
        ("TOUCh#:HOLD", touch, (_between(1, LONGEST_HOLD_MS),), 1, _pulse),
        ("TOUCh#:RELease", touch, (), 0, lambda b, c, _: b.fingers[c - 1].release()),
        ("TOUCh#:STATe?", touch, (), 0, lambda b, c, _: str(int(b.fingers[c - 1].down))),
        ("TOUCh#:LAST?", touch, (), 0, _last),
        ("POWer#", power, (boolean,), 1, lambda b, c, a: b.switches[c - 1].set(a[0])),
        ("POWer#?", power, (), 0, lambda b, c, _: str(int(b.switches[c - 1].on))),
        (
            "POWer#:CYCLe",
            power,
            (_between(1, LONGEST_CYCLE_MS),),
            1,
            lambda b, c, a: b.switches[c - 1].cycle(a[0]),
        ),
        ("NFC#:FIELd", nfc, (boolean,), 1, lambda b, c, a: b.readers[c - 1].set_field(a[0])),
        ("NFC#:FIELd?", nfc, (), 0, lambda b, c, _: str(int(b.readers[c - 1].field))),
        ("NFC#:PRESent", nfc, (boolean,), 1, lambda b, c, a: b.readers[c - 1].set_card(a[0])),
        ("NFC#:PRESent?", nfc, (), 0, lambda b, c, _: str(int(b.readers[c - 1].card))),
        ("DISPlay#:SHOW", display, (), 0, _show),
        ("DISPlay#:READ?", display, (), 0, _read),
    ]
    return tuple(_Command(Pattern(text), *rest) for text, *rest in rows)  # type: ignore[arg-type] # the rows' lambdas carry no types


_COMMANDS: Final = _table()
