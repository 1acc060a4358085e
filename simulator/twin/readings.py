"""Codes read off a display, and the file that keeps them.

A file of readings is comma-separated text with a header line. Columns, in any order:

    time         RFC 3339 with a zone; ascending or not
    code         what the display showed; empty for a row that only says how warm it was
    temperature  degrees Celsius at the token, optional
    early_s      the code was there at some moment from so many seconds before `time` ...
    late_s       ... to so many seconds after it; both optional
    changed      `yes` if the display was watched and the code *began* within that time

The program appends to such a file line by line and never rewrites it, so a measurement that is cut
off goes on where it was, and a line without its end, the only trace of a crash, is found and said.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.language.problems import Problem, ProblemsFound
from mfalab.simulator.language.units import format_instant, parse_instant_ns

_COLUMNS = ("time", "code", "temperature", "early_s", "late_s", "changed")
_REQUIRED = ("time", "code")
_FIELD = re.compile(r'\s*(?P<field>"(?P<quoted>[^"]*)"\s*(?=,|$)|(?P<plain>[^,]*))(?P<comma>,?)')
_COLDEST_C, _HOTTEST_C = -60.0, 120.0
_LONGEST_DOUBT_S = 600.0


@dataclass(frozen=True, slots=True)
class Timing:
    """How well a moment is known: it lies from `early_ns` before a noted time to `late_ns` after.

    Args:
        early_ns: not negative.
        late_ns: not negative.
    """

    early_ns: int
    late_ns: int

    @property
    def span_ns(self) -> int:
        """How long the moment may lie apart."""
        return self.early_ns + self.late_ns


@dataclass(frozen=True, slots=True)
class CodeReading:
    """A code that a display showed.

    Args:
        at_ns: the noted true time, nanoseconds since the Unix epoch.
        code: the digits.
        timing: when the code was there, measured from `at_ns`.
        changed: whether the code began within that time, instead of being there at some moment.
        line: its line in the file of readings, from 1; 0 if it comes from none.
    """

    at_ns: int
    code: str
    timing: Timing
    changed: bool = False
    line: int = 0

    @property
    def first_ns(self) -> int:
        """The earliest moment of the reading."""
        return self.at_ns - self.timing.early_ns

    @property
    def last_ns(self) -> int:
        """The latest moment of the reading."""
        return self.at_ns + self.timing.late_ns


@dataclass(frozen=True, slots=True)
class Temperature:
    """How warm the token was at a moment."""

    at_ns: int
    celsius: float


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    column: int


class _Wrong(Exception):
    """A mistake in one field: column name and sentence."""

    def __init__(self, column: str, what: str) -> None:
        super().__init__(column, what)
        self.column = column
        self.what = what


def read_readings(
    text: str, *, name: str, digits: int, timing: Timing
) -> tuple[list[CodeReading], list[Temperature]]:
    """The readings and temperatures of a file, each in the order of time.

    Args:
        text: the whole file.
        name: the file's name, for errors.
        digits: how many digits a code has.
        timing: how well a row's moment is known that has neither `early_s` nor `late_s`.

    Raises:
        ProblemsFound: every mistake, with its line and column.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    filled = [(number, _split(line)) for number, line in enumerate(lines, 1) if line.strip()]
    if not filled:
        raise ProblemsFound(
            [Problem(name, 1, 1, "it is empty. The first line names the columns: time,code")]
        )
    head_line, head = filled[0]
    problems = [Problem(name, head_line, column, what) for column, what in _head_problems(head)]
    if problems:
        raise ProblemsFound(problems)
    columns = [cell.text.lower() for cell in head]
    readings: list[CodeReading] = []
    temperatures: list[Temperature] = []
    for line, cells in filled[1:]:
        if len(cells) != len(columns):
            what = f"{len(cells)} fields stand under {len(columns)} column names"
            if line == len(lines) and not text.endswith("\n"):
                what += "; writing this line was cut off, remove it"
            at = cells[min(len(cells), len(columns)) - 1].column
            problems.append(Problem(name, line, at, what))
            continue
        row = dict(zip(columns, cells, strict=True))
        try:
            at_ns = _time(row)
            celsius = _number(row, "temperature", _COLDEST_C, _HOTTEST_C)
            code = "".join(row["code"].text.split())
            if celsius is not None:
                temperatures.append(Temperature(at_ns, celsius))
            if code or celsius is None:
                readings.append(_reading(row, at_ns, code, digits, timing, line))
        except _Wrong as wrong:
            problems.append(Problem(name, line, row[wrong.column].column, wrong.what))
    if problems:
        raise ProblemsFound(problems)
    readings.sort(key=lambda reading: reading.at_ns)
    temperatures.sort(key=lambda temperature: temperature.at_ns)
    return readings, temperatures


def _split(line: str) -> list[_Cell]:
    cells: list[_Cell] = []
    at = 0
    while field := _FIELD.match(line, at):
        value = field["plain"] if field["quoted"] is None else field["quoted"]
        cells.append(_Cell(value.strip(), field.start("field") + 1))
        if not field["comma"]:
            break
        at = field.end()
    return cells


def _head_problems(head: Sequence[_Cell]) -> Iterator[tuple[int, str]]:
    names = [cell.text.lower() for cell in head]
    if not set(names) & set(_COLUMNS):
        # Not quoted: without a header, this line holds a code.
        yield (
            1,
            "this line names no column of a file of readings; put time,code before the readings",
        )
        return
    for position, cell in enumerate(head):
        if names[position] in names[:position]:
            yield cell.column, f'column "{cell.text}" is named twice; keep one'
        elif names[position] not in _COLUMNS:
            near = get_close_matches(names[position], _COLUMNS, 1, 0.6)
            hint = f'did you mean "{near[0]}"?' if near else f"there is {', '.join(_COLUMNS)}"
            yield cell.column, f'there is no column "{cell.text}"; {hint}'
    for required in _REQUIRED:
        if required not in names:
            yield 1, f'the header has no column "{required}"; the first line names the columns'


def _time(row: Mapping[str, _Cell]) -> int:
    text = row["time"].text
    try:
        # A spreadsheet writes a space where RFC 3339 has a T.
        return parse_instant_ns(re.sub(r"^(\d{4}-\d\d-\d\d) ", r"\1T", text))
    except ValueError as error:
        raise _Wrong("time", str(error)) from None


def _number(row: Mapping[str, _Cell], column: str, low: float, high: float) -> float | None:
    text = row[column].text if column in row else ""
    if not text:
        return None
    if re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)", text, re.ASCII) and low <= float(text) <= high:
        return float(text)
    raise _Wrong(column, f'"{text}" is no number from {low:g} to {high:g}')


def _reading(
    row: Mapping[str, _Cell], at_ns: int, code: str, digits: int, timing: Timing, line: int
) -> CodeReading:
    if not code:
        raise _Wrong("code", "neither a code nor a temperature stands here")
    if not is_code(code, digits):
        raise _Wrong(
            "code", f"a code of this token has {digits} digits, this has {len(code)} signs"
        )
    early_s = _number(row, "early_s", 0.0, _LONGEST_DOUBT_S)
    late_s = _number(row, "late_s", 0.0, _LONGEST_DOUBT_S)
    if early_s is not None or late_s is not None:
        timing = Timing(round((early_s or 0.0) * NS_PER_S), round((late_s or 0.0) * NS_PER_S))
    changed = row["changed"].text.lower() if "changed" in row else ""
    if changed not in {"", "yes", "no"}:
        raise _Wrong("changed", f'"{changed}" is neither yes nor no')
    return CodeReading(at_ns, code, timing, changed == "yes", line)


def is_code(text: str, digits: int) -> bool:
    """Whether a text is a code of so many digits."""
    return len(text) == digits and text.isascii() and text.isdigit()


class ReadingsFile:
    """A file of readings that is being added to; each line is on the disk before `add` returns.

    Args:
        path: the file; it is made when it is not there.

    Raises:
        OSError: it cannot be written.
        ProblemsFound: it is there and has columns that this program would not write.
    """

    HEADER = ",".join(_COLUMNS)

    def __init__(self, path: Path) -> None:
        self.path = path
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        head = before.partition("\n")[0]
        if head.strip() and head.strip() != self.HEADER:
            what = f"lines can be added only to a file whose columns are {self.HEADER}"
            raise ProblemsFound([Problem(str(path), 1, 1, what)])
        # Only the token's owner may read the codes.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._file: TextIO = os.fdopen(descriptor, "a", encoding="utf-8", newline="\n")
        if not head.strip():
            self._write(self.HEADER)
        elif not before.endswith("\n"):
            self._write("")

    def add(self, reading: CodeReading, celsius: float | None = None) -> None:
        """Write one reading, and the temperature there and then."""
        early_s, late_s = (
            f"{doubt_ns / NS_PER_S:.3f}"
            for doubt_ns in (reading.timing.early_ns, reading.timing.late_ns)
        )
        changed = "yes" if reading.changed else "no"
        warm = "" if celsius is None else f"{celsius:g}"
        when = format_instant(reading.at_ns)
        self._write(f"{when},{reading.code},{warm},{early_s},{late_s},{changed}")

    def _write(self, line: str) -> None:
        self._file.write(line + "\n")
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
