"""What each header of the protocol does to a board. docs/rig.md lists them for people.

A row of the table names the channels that its header's suffix counts and what is done to one of
them. The board itself is a channel of which there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from mfalab.devices.rig.channels import DisplayChannel, Finger, Reader, Switch
from mfalab.devices.rig.instrument import Instrument
from mfalab.devices.rig.scpi import (
    OPTION_WORDS,
    Code,
    Pattern,
    Refusal,
    Unit,
    boolean,
    integer,
    quoted,
)

Answer = str | Refusal | None
"""What a unit adds to its line's answer: a text, nothing, or an error for the queue."""

_C = TypeVar("_C")
_T = TypeVar("_T")
_Channels = Callable[[Instrument], Sequence[_C]]


@dataclass(frozen=True, slots=True)
class Command:
    """What a header means.

    Attributes:
        pattern: the header.
        act: does it to the channel of that number, with the parameters as they were written.
    """

    pattern: Pattern
    act: Callable[[Instrument, int, tuple[str, ...]], Answer]


def execute(board: Instrument, unit: Unit) -> Answer:
    """Do what a unit of a line says."""
    for command in COMMANDS:
        if (channels := command.pattern.match(unit)) is not None:
            return command.act(board, channels[0] if channels else 1, tuple(unit.parameters))
    return Refusal(Code.UNDEFINED_HEADER)


# Parameters.


@dataclass(frozen=True, slots=True)
class _Parameters(Generic[_T]):
    """How many parameters a header takes, and what they mean together."""

    fewest: int
    most: int
    convert: Callable[[tuple[str, ...]], _T | Refusal]


def _one(convert: Callable[[str], _T | Refusal]) -> _Parameters[_T]:
    return _Parameters(1, 1, lambda given: convert(given[0]))


def _between(low: int, high: int) -> _Parameters[int]:
    return _one(lambda parameter: integer(parameter, low, high))


def _convert_pulse(given: tuple[str, ...]) -> tuple[int, int] | Refusal:
    """How long the pulse lasts and how long until it begins, in ms."""
    for_ms = integer(given[0], 1, 2_000)
    if isinstance(for_ms, Refusal):
        return for_ms
    after_ms = integer(given[1], 0, 10_000) if len(given) > 1 else 0
    return after_ms if isinstance(after_ms, Refusal) else (for_ms, after_ms)


_NONE = _Parameters(0, 0, lambda _: None)
_PULSE = _Parameters(1, 2, _convert_pulse)
_MASK = _between(0, 255)
_SWITCH = _one(boolean)
_HOLD_MS = _between(1, 60_000)
_CYCLE_MS = _between(1, 60_000)
_WATCH_S = _between(0, 3_600)

# Rows.


def _with(
    header: str,
    channels: _Channels[_C],
    parameters: _Parameters[_T],
    act: Callable[[_C, _T], Answer],
) -> Command:
    """A header with parameters."""

    def run(board: Instrument, number: int, given: tuple[str, ...]) -> Answer:
        fitted = channels(board)
        if not 1 <= number <= len(fitted):
            return Refusal(Code.SUFFIX_OUT_OF_RANGE, f"fitted: {len(fitted)}")
        if len(given) > parameters.most:
            return Refusal(Code.PARAMETER_NOT_ALLOWED)
        if len(given) < parameters.fewest:
            return Refusal(Code.MISSING_PARAMETER)
        value = parameters.convert(given)
        return value if isinstance(value, Refusal) else act(fitted[number - 1], value)

    return Command(Pattern(header), run)


def _plain(header: str, channels: _Channels[_C], act: Callable[[_C], Answer]) -> Command:
    """A header without parameters."""
    return _with(header, channels, _NONE, lambda channel, _: act(channel))


def _number(header: str, channels: _Channels[_C], ask: Callable[[_C], int]) -> Command:
    """A query for a number."""
    return _plain(header, channels, lambda channel: str(int(ask(channel))))


def _board(board: Instrument) -> Sequence[Instrument]:
    return (board,)


def _fingers(board: Instrument) -> Sequence[Finger]:
    return board.fingers


def _switches(board: Instrument) -> Sequence[Switch]:
    return board.switches


def _readers(board: Instrument) -> Sequence[Reader]:
    return board.readers


def _displays(board: Instrument) -> Sequence[tuple[DisplayChannel, Instrument]]:
    return [(display, board) for display in board.displays]


# What is more than one call.


def _enable_events(board: Instrument, mask: int) -> None:
    board.status.events_enabled = mask


def _enable_service(board: Instrument, mask: int) -> None:
    board.status.service_enabled = mask


def _identity(board: Instrument) -> str:
    own = board.identity
    return ",".join((own.maker, own.model, own.serial, own.firmware))


def _options(board: Instrument) -> str:
    return ",".join(f"{OPTION_WORDS[each]}{count}" for each, count in board.functions.items())


def _reset(board: Instrument) -> None:
    board.make_safe()
    for reader in board.readers:
        reader.set_card(False)
        reader.set_field(True)


def _pulse(finger: Finger, for_ms: int, after_ms: int = 0) -> Refusal | None:
    if finger.busy:
        return Refusal(Code.SETTINGS_CONFLICT, "a touch is under way")
    finger.press(after_ms, for_ms)
    return None


def _show(shown: tuple[DisplayChannel, Instrument]) -> None:
    shown[0].show()


def _read(shown: tuple[DisplayChannel, Instrument]) -> str:
    display, board = shown
    text, confidence = display.read()
    return f"{quoted(text)},{confidence:.2f},{board.now_us()}"


COMMANDS: Final = (
    _plain("*CLS", _board, lambda board: board.status.clear()),
    _with("*ESE", _board, _MASK, _enable_events),
    _number("*ESE?", _board, lambda board: board.status.events_enabled),
    _number("*ESR?", _board, lambda board: board.status.take_events()),
    _plain("*IDN?", _board, _identity),
    _plain("*OPC", _board, lambda board: board.status.complete()),
    _number("*OPC?", _board, lambda _: 1),
    _plain("*OPT?", _board, _options),
    _plain("*RST", _board, _reset),
    _with("*SRE", _board, _MASK, _enable_service),
    _number("*SRE?", _board, lambda board: board.status.service_enabled),
    _number("*STB?", _board, lambda board: board.status.byte),
    _number("*TST?", _board, lambda _: 0),
    _plain("*WAI", _board, lambda _: None),
    _plain("SYSTem:ERRor[:NEXT]?", _board, lambda board: board.status.take_error()),
    _number("SYSTem:ERRor:COUNt?", _board, lambda board: board.status.errors),
    _plain("SYSTem:VERSion?", _board, lambda board: board.faults.version),
    _number("SYSTem:TIME?", _board, lambda board: board.now_us()),
    _with("SYSTem:WATChdog", _board, _WATCH_S, lambda board, seconds: board.watch(seconds)),
    _number("SYSTem:WATChdog?", _board, lambda board: board.watch_s),
    _with("TOUCh#:PULSe", _fingers, _PULSE, lambda finger, times: _pulse(finger, *times)),
    _with("TOUCh#:HOLD", _fingers, _HOLD_MS, _pulse),
    _plain("TOUCh#:RELease", _fingers, lambda finger: finger.release()),
    _number("TOUCh#:STATe?", _fingers, lambda finger: finger.down),
    _plain("TOUCh#:LAST?", _fingers, lambda finger: f"{finger.down_us},{finger.up_us}"),
    _with("POWer#", _switches, _SWITCH, lambda switch, on: switch.set(on)),
    _number("POWer#?", _switches, lambda switch: switch.on),
    _with("POWer#:CYCLe", _switches, _CYCLE_MS, lambda switch, ms: switch.cycle(ms)),
    _with("NFC#:FIELd", _readers, _SWITCH, lambda reader, on: reader.set_field(on)),
    _number("NFC#:FIELd?", _readers, lambda reader: reader.field),
    _with("NFC#:PRESent", _readers, _SWITCH, lambda reader, on: reader.set_card(on)),
    _number("NFC#:PRESent?", _readers, lambda reader: reader.card),
    _plain("DISPlay#:SHOW", _displays, _show),
    _plain("DISPlay#:READ?", _displays, _read),
)
"""Every header, in the order of docs/rig.md."""
