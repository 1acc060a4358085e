"""The language of a rig: SCPI over a serial line, for both ends, without a line.

A message is a line of 7-bit ASCII that ends with LF; white space, CR among it, is trimmed
(IEEE 488.2 section 7.4.1.2). It holds units parted by `;`. A unit is a header and parameters parted
by `,`. A header is a common one, such as `*RST`, or a path of keywords, such as `TOUCh2:PULSe`,
each written short (the capitals) or long, in any case, with its channel behind it. A path without
a leading `:` continues that of the unit before it, without its last keyword (SCPI-99 volume 1
section 6.2.4). Byte 0x18 drops the half-received line.

The answers of a message make one line. The driver appends `;:SYST:ERR?` to each message, so that
each has exactly one line for its answer and errors are found where they were made.

Deviations, both for the sake of that one answer: a unit that is wrong is left out and not the rest
of its line, and `*IDN?` may be followed by another query (IEEE 488.2 section 6.5.7.5 forbids it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum, unique
from typing import Final, Self

from mfalab.devices.rig.rig import Function

PROTOCOL: Final = "1.0"
"""The version of the protocol, for `SYST:VERS?`: major and minor."""

OPTION_WORDS: Final = {
    Function.TOUCH: "TOUCH",
    Function.POWER: "POWER",
    Function.NFC: "NFC",
    Function.DISPLAY: "CAM",
}
"""How `*OPT?` calls the functions; the number of channels follows the word."""

DROP: Final = b"\x18"
"""The byte that makes a board forget the line that it has received half of."""

LONGEST_LINE: Final = 256
"""How many bytes a board takes in one line, without its end."""

_LF, _CAN = 0x0A, 0x18
_LONGEST_KEYWORD = 12  # IEEE 488.2 section 7.6.1.4.1
_ASK_ERROR = ":SYST:ERR?"
_WHITE = "".join(map(chr, range(33)))
_HEADER = re.compile(r"(\*[A-Za-z]+|:?[A-Za-z][A-Za-z0-9_]*(?::[A-Za-z][A-Za-z0-9_]*)*)(\??)")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")


@unique
class Code(IntEnum):
    """Errors that a board queues, with their texts (SCPI-99 volume 2 section 21.8)."""

    text: str

    NO_ERROR = 0, "No error"
    INVALID_CHARACTER = -101, "Invalid character"
    SYNTAX_ERROR = -102, "Syntax error"
    DATA_TYPE_ERROR = -104, "Data type error"
    PARAMETER_NOT_ALLOWED = -108, "Parameter not allowed"
    MISSING_PARAMETER = -109, "Missing parameter"
    MNEMONIC_TOO_LONG = -112, "Program mnemonic too long"
    UNDEFINED_HEADER = -113, "Undefined header"
    SUFFIX_OUT_OF_RANGE = -114, "Header suffix out of range"
    SUFFIX_NOT_ALLOWED = -138, "Suffix not allowed"
    INVALID_STRING = -151, "Invalid string data"
    SETTINGS_CONFLICT = -221, "Settings conflict"
    OUT_OF_RANGE = -222, "Data out of range"
    ILLEGAL_VALUE = -224, "Illegal parameter value"
    QUEUE_OVERFLOW = -350, "Queue overflow"
    INPUT_OVERRUN = -363, "Input buffer overrun"
    TIME_OUT = -365, "Time out error"

    def __new__(cls, number: int, text: str) -> Self:
        """See the class."""
        code = int.__new__(cls, number)
        code._value_, code.text = number, text
        return code


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a unit or a line is not done.

    Attributes:
        code: the standard's number.
        detail: what the board adds, after a semicolon (SCPI-99 volume 2 section 21.8.2).
    """

    code: Code
    detail: str = ""

    def __str__(self) -> str:
        text = f"{self.code.text};{self.detail}" if self.detail else self.code.text
        return f"{int(self.code)},{quoted(text)}"


# Lines.


@unique
class Framing(Enum):
    """What may come instead of a line."""

    DROPPED = "the half-received line was dropped"
    OVERRUN = "a line was too long"


class LineReader:
    """Puts lines together, however the bytes come.

    Args:
        longest: how many bytes a line may have; a longer one is passed over to its end.
        drops: whether byte 0x18 drops the half-received line, as it does at a board.
    """

    def __init__(self, longest: int = LONGEST_LINE, *, drops: bool = True) -> None:
        self._longest = longest
        self._drops = drops
        self._received = bytearray()
        self._overrun = False

    @property
    def half(self) -> bytes:
        """What has come of the next line."""
        return bytes(self._received)

    def feed(self, data: bytes) -> Iterator[bytes | Framing]:
        """Lines without their ends, and what came instead of some."""
        for byte in data:
            if byte == _LF:
                line, overrun = bytes(self._received), self._overrun
                self._clear()
                yield Framing.OVERRUN if overrun else line
            elif byte == _CAN and self._drops:
                self._clear()
                yield Framing.DROPPED
            elif len(self._received) < self._longest:
                self._received.append(byte)
            else:
                self._overrun = True

    def _clear(self) -> None:
        self._received.clear()
        self._overrun = False


# Units, at the board.


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of a message.

    Attributes:
        path: its keywords from the root, upper case; one that begins with `*` for a common one.
        query: whether it asks.
        parameters: its parameters as they were written.
    """

    path: tuple[str, ...]
    query: bool
    parameters: tuple[str, ...]


def read_units(line: bytes) -> Iterator[Unit | Refusal]:
    """The units of a line, each with its whole path; a refusal stands for one that is wrong.

    Args:
        line: without its end.
    """
    here: tuple[str, ...] = ()
    for part in _parts(line.decode("latin-1"), ";"):
        text = part.strip(_WHITE)
        if not text:
            continue
        if not text.isascii():
            yield Refusal(Code.INVALID_CHARACTER)
            continue
        header = _HEADER.match(text)
        if header is None:
            yield Refusal(Code.SYNTAX_ERROR)
            continue
        rest = text[header.end() :]
        if rest and rest[0] not in _WHITE:
            yield Refusal(Code.SYNTAX_ERROR)
            continue
        keywords = tuple(header[1].upper().lstrip(":").split(":"))
        if any(len(keyword) > _LONGEST_KEYWORD for keyword in keywords):
            yield Refusal(Code.MNEMONIC_TOO_LONG)
            continue
        if header[1][0] == "*":
            path = keywords
        else:
            path = keywords if header[1][0] == ":" else here + keywords
            here = path[:-1]
        parameters: tuple[str, ...] = ()
        if rest := rest.strip(_WHITE):
            parameters = tuple(each.strip(_WHITE) for each in _parts(rest, ","))
        if any(each == "" for each in parameters):
            yield Refusal(Code.SYNTAX_ERROR)
        elif any(_is_open(each) for each in parameters):
            yield Refusal(Code.INVALID_STRING)
        else:
            yield Unit(path, bool(header[2]), parameters)


def _parts(text: str, separator: str) -> Iterator[str]:
    """A text's parts; separators within quotes part nothing."""
    start, quote = 0, ""
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == separator:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def _is_open(parameter: str) -> bool:
    quote = parameter[0]
    return quote in "\"'" and (
        len(parameter) < 2
        or parameter[-1] != quote
        or quote in parameter[1:-1].replace(quote * 2, "")
    )


class Pattern:
    """A header as manuals write it: `SYSTem:ERRor[:NEXT]?`, `TOUCh#:PULSe`.

    Capitals are the short form, brackets hold what may be left out, `#` is the place of a channel,
    which is 1 when it is not given, and `?` makes it a query.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.query = text.endswith("?")
        regex = ""
        for node in re.findall(r"\[?:?\*?[A-Za-z]+#?\]?", text.rstrip("?")):
            word = node.strip("[]:#")
            short = "".join(letter for letter in word if not letter.islower())
            form = rf"(?:{re.escape(word.upper())}|{re.escape(short)})"
            form = f":{form}" + (r"(\d*)" if "#" in node else "")
            regex += f"(?:{form})?" if node.startswith("[") else form
        self._matching = re.compile(regex)

    def match(self, unit: Unit) -> tuple[int, ...] | None:
        """The channels that a unit names, if it is one of these."""
        if unit.query != self.query:
            return None
        found = self._matching.fullmatch("".join(f":{keyword}" for keyword in unit.path))
        return None if found is None else tuple(int(each or 1) for each in found.groups())


def integer(parameter: str, low: int, high: int) -> int | Refusal:
    """A decimal number, rounded (IEEE 488.2 section 7.7.2.4), with `low <= number <= high`."""
    found = _NUMBER.match(parameter)
    if found is None:
        return Refusal(Code.DATA_TYPE_ERROR)
    if found.end() != len(parameter):
        return Refusal(Code.SUFFIX_NOT_ALLOWED)
    number = float(parameter)
    if not low <= number <= high:
        return Refusal(Code.OUT_OF_RANGE, f"{low} to {high}")
    return round(number)


def boolean(parameter: str) -> bool | Refusal:
    """`ON`, `OFF` or a number, of which 0 is off (SCPI-99 volume 1 section 7.3)."""
    if (word := parameter.upper()) in {"ON", "OFF"}:
        return word == "ON"
    if _NUMBER.fullmatch(parameter):
        return abs(float(parameter)) >= 0.5
    return Refusal(Code.ILLEGAL_VALUE, "ON or OFF")


def quoted(text: str) -> str:
    """A text as string data, its quotes doubled (IEEE 488.2 section 8.7.8)."""
    return '"' + text.replace('"', '""') + '"'


# Exchanges, at the driver.


class NotAReply(ValueError):
    """A line that is no answer to what was asked."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one message.

    Attributes:
        answers: one text for each query of the message; fewer when there was an error.
        code: the error's number; 0 for none.
        text: what the board says about it.
    """

    answers: tuple[str, ...]
    code: int
    text: str


def encode(message: str) -> bytes:
    """The bytes of a message and of the question for its error.

    Raises:
        ValueError: it is no single line of printable ASCII, or too long for a board.
    """
    line = f"{message};{_ASK_ERROR}"
    if not (line.isascii() and line.isprintable()):
        raise ValueError(f"{message!r} is no line of printable ASCII. Send one line at a time.")
    if len(line) > LONGEST_LINE:
        raise ValueError(
            f"the message has {len(message)} characters and a board takes "
            f"{LONGEST_LINE - len(_ASK_ERROR) - 1}. Send it in parts."
        )
    return line.encode() + b"\n"


def queries(message: str) -> int:
    """How many answers a message calls for."""
    units = (unit.strip(_WHITE) for unit in _parts(message, ";"))
    return sum(unit.split(maxsplit=1)[0].endswith("?") for unit in units if unit)


def decode(line: bytes, asked: int = 0) -> Reply:
    """What the answer to a message says.

    Args:
        line: the answer without its end.
        asked: how many queries the message had.

    Raises:
        NotAReply: it is none.
    """
    text = line.decode("latin-1").strip(_WHITE)
    if not (text.isascii() and text.isprintable()):
        raise NotAReply("not printable ASCII")
    *answers, last = _parts(text, ";")
    try:
        code, words = values(last)
    except ValueError:
        raise NotAReply("no error at its end") from None
    if not isinstance(code, int) or not isinstance(words, str) or not last.endswith('"'):
        raise NotAReply("no error at its end")
    if len(answers) > asked or (code == 0 and len(answers) < asked):
        raise NotAReply(f"{len(answers)} answers to {asked} queries")
    return Reply(tuple(answers), code, words)


def values(answer: str) -> tuple[int | float | str, ...]:
    """The values of one answer: numbers, and texts without their quotes."""
    return tuple(_value(part.strip(_WHITE)) for part in _parts(answer, ","))


def _value(text: str) -> int | float | str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].replace(text[0] * 2, text[0])
    if _NUMBER.fullmatch(text):
        return float(text) if set(text) & set(".eE") else int(text)
    return text
