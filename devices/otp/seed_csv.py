"""Maker seed files as comma-separated text with a header line.

Columns: `serial` and `seed`, optionally `period`, `digits`, `algorithm`, `kind`
(`totp` or `hotp`), `counter`, `manufacturer`, `model`; in any order, under these
names or those of `_NAMES`, which makers write for Microsoft Entra. Seeds are
hexadecimal or base32. Serials and seeds stay text throughout, so leading zeros
survive. docs/seed-files.md lists the columns.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TypeVar

from mfalab.devices.errors import Problem, ProvisioningError
from mfalab.devices.otp.hotp import MAX_DIGITS, MIN_DIGITS, HashAlgorithm
from mfalab.devices.otp.seed import OtpKind, OtpSeed, SeedRecord, decode_base32, decode_hex

_REQUIRED = ("serial", "seed")
_COLUMNS = (
    *_REQUIRED,
    *("period", "digits", "algorithm", "kind", "counter", "manufacturer", "model"),
    "upn",
)
"""`upn` says who has the token; a scenario says that itself."""
_NAMES = MappingProxyType(
    {
        "serial number": "serial",
        "secret key": "seed",
        "time interval": "period",
        "timeinterval": "period",
    }
)
"""Other names of columns."""


class SeedEncoding(Enum):
    """How the seeds of a file are written."""

    HEX = "hex"
    BASE32 = "base32"


_DECODERS: Mapping[SeedEncoding, Callable[[str], bytes]] = MappingProxyType(
    {SeedEncoding.HEX: decode_hex, SeedEncoding.BASE32: decode_base32}
)
_FIELD = re.compile(
    r'\s*(?P<field>"(?P<quoted>(?:[^"]|"")*)"\s*(?=,|$)|(?P<plain>[^,]*))(?P<comma>,?)'
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_STAND_IN = b"\0"
"""Takes the place of an unreadable key until all mistakes are found."""
_Choice = TypeVar("_Choice", OtpKind, HashAlgorithm)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A field's text and the column (from 1) at which it begins."""

    text: str
    column: int


_Row = dict[str, _Cell]
_Wrong = Callable[[str, str], None]
"""Reports a mistake of one line: the column's name and a sentence."""


def read_seed_csv(
    text: str, *, name: str = "seed file", encoding: SeedEncoding | None = None
) -> tuple[SeedRecord, ...]:
    """The tokens in a CSV seed file.

    Args:
        text: the whole file; a byte-order mark and CRLF are fine, blank lines are skipped.
        name: the file's name, for errors.
        encoding: how seeds are written. Without it each seed is what only one
            of the two can read, and the few that both can read follow the others.

    Raises:
        ProvisioningError: every mistake, as `name:line:column: sentence`; no
            seed is quoted.
    """
    lines = enumerate(_LINE_END.split(text.removeprefix("\ufeff")), start=1)
    filled = [(number, _split(line)) for number, line in lines if line.strip()]
    problems: list[tuple[int, int, str]] = []

    if not filled:
        problems.append((1, 1, "it is empty. The first line names the columns: serial,seed."))
        raise _refused(name, problems)
    header_line, header = filled[0]
    columns = [_Cell(_NAMES.get(plain := cell.text.lower(), plain), cell.column) for cell in header]
    problems += [(header_line, column, what) for column, what in _header_problems(columns)]
    if problems:
        raise _refused(name, problems)

    rows: list[tuple[int, _Row]] = []
    for line, cells in filled[1:]:
        if len(cells) == len(columns):
            names = (cell.text for cell in columns)
            rows.append((line, dict(zip(names, cells, strict=True))))
        else:
            what = f"{len(cells)} fields stand under {len(columns)} column names. Make them agree."
            problems.append((line, cells[min(len(cells) - 1, len(columns))].column, what))

    usual = encoding or _usual_encoding([row["seed"].text for _, row in rows])
    records: list[SeedRecord] = []
    first_lines: dict[str, int] = {}
    for line, row in rows:

        def wrong(column: str, what: str, line: int = line, row: _Row = row) -> None:
            problems.append((line, row[column].column, what))

        serial = row["serial"].text
        if not serial:
            wrong("serial", "the serial number is missing.")
        elif serial in first_lines:
            wrong("serial", f"{serial} is also in line {first_lines[serial]}. Keep one.")
        first_lines.setdefault(serial, line)
        secret = _secret(row["seed"].text, encoding, usual, wrong)
        records.append(_record(row, secret, wrong))
    if problems:
        raise _refused(name, problems)
    return tuple(records)


def _refused(name: str, problems: list[tuple[int, int, str]]) -> ProvisioningError:
    return ProvisioningError(
        [Problem(f"{name}:{line}:{column}", what) for line, column, what in sorted(problems)]
    )


def _split(line: str) -> list[_Cell]:
    """The fields of a line, quotes and outer spaces taken off (RFC 4180, without line breaks)."""
    cells: list[_Cell] = []
    at = 0
    while field := _FIELD.match(line, at):
        quoted, plain = field["quoted"], field["plain"]
        value = plain if quoted is None else quoted.replace('""', '"')
        cells.append(_Cell(value.strip(), field.start("field") + 1))
        if not field["comma"]:
            break
        at = field.end()
    return cells


def _header_problems(columns: list[_Cell]) -> Iterator[tuple[int, str]]:
    """Column and sentence of each mistake in the header."""
    names = [cell.text for cell in columns]
    if not any(name in _COLUMNS for name in names):
        # Not quoted: without a header, this line is a token's, with its seed.
        hint = "Put the header before the tokens"
        if len(columns) == 1 and any(mark in names[0] for mark in ";\t"):
            hint = "Separate columns with commas"
        yield (
            1,
            (
                f"this line names no column of a seed file. {hint}: serial,seed or, "
                "as the tokens have it, serial,seed,period or serial,seed,counter."
            ),
        )
        return
    for position, cell in enumerate(columns):
        if cell.text in names[:position]:
            yield cell.column, f'column "{cell.text}" is named twice. Keep one.'
        elif cell.text not in _COLUMNS:
            near = difflib.get_close_matches(cell.text, _COLUMNS, n=1, cutoff=0.7)
            hint = f'Did you mean "{near[0]}"?' if near else f"Known are {', '.join(_COLUMNS)}."
            yield cell.column, f'there is no column "{cell.text}". {hint}'
    for required in _REQUIRED:
        if required not in names:
            yield 1, f'the header has no column "{required}". The first line names the columns.'


def _usual_encoding(seeds: list[str]) -> SeedEncoding | None:
    """The one encoding of all seeds that only one encoding can read, if there is one."""
    sure = {readable[0] for seed in seeds if len(readable := _readable(seed)) == 1}
    return sure.pop() if len(sure) == 1 else None


def _readable(seed: str) -> list[SeedEncoding]:
    """The encodings in which the text is whole."""
    encodings = []
    for encoding, decode in _DECODERS.items():
        try:
            decode(seed)
        except ValueError:
            continue
        encodings.append(encoding)
    return encodings


def _secret(
    seed: str, encoding: SeedEncoding | None, usual: SeedEncoding | None, wrong: _Wrong
) -> bytes:
    """The key of one row: `encoding` binds, `usual` decides where both would do."""
    if encoding is None:
        readable = _readable(seed)
        encoding = readable[0] if len(readable) == 1 else usual
        if encoding is None and readable:
            wrong("seed", "it is hexadecimal as well as base32. Name the encoding of this file.")
        elif encoding is None:
            wrong("seed", "it is neither hexadecimal nor base32. Was it cut off or retyped?")
    if encoding is not None:
        try:
            return _DECODERS[encoding](seed)
        except ValueError as error:
            wrong("seed", f"as {encoding.value}: {error}.")
    return _STAND_IN


def _record(row: _Row, secret: bytes, wrong: _Wrong) -> SeedRecord:
    """One token, with the default for every field reported as wrong."""

    def integer(column: str, default: int, low: int, high: int) -> int:
        text = row[column].text if column in row else ""
        # `int` would take "+6", "1_0" and other scripts' digits.
        if text.isascii() and text.isdigit() and len(text) <= 20 and low <= int(text) <= high:
            return int(text)
        if text:
            wrong(column, f'"{text}" is no whole number from {low} to {high}.')
        return default

    def choice(column: str, default: _Choice) -> _Choice:
        text = row[column].text if column in row else ""
        for member in type(default):
            if text.lower().replace("-", "") == member.value.lower():
                return member
        if text:
            known = ", ".join(member.value for member in type(default))
            wrong(column, f'"{text}" is none of {known}.')
        return default

    def says(column: str) -> bool:
        return column in row and bool(row[column].text)

    # Only event-based tokens have a counter; where a column is for both kinds it is empty or 0.
    counted = says("counter") and not says("period")
    kind = choice("kind", OtpKind.HOTP if counted else OtpKind.TOTP)
    counter = integer("counter", 0, 0, (1 << 64) - 1)
    if kind is OtpKind.TOTP and counter:
        wrong("counter", "a time-based token has none. Leave it out, or say kind hotp.")
    seed = OtpSeed(
        secret=secret,
        kind=kind,
        algorithm=choice("algorithm", HashAlgorithm.SHA1),
        digits=integer("digits", 6, MIN_DIGITS, MAX_DIGITS),
        period_s=integer("period", 30, 1, 86_400),
        counter=counter if kind is OtpKind.HOTP else 0,
    )
    moves = "period" if kind is OtpKind.TOTP else "counter"
    return SeedRecord(
        row["serial"].text,
        seed,
        manufacturer=row["manufacturer"].text if "manufacturer" in row else "",
        model=row["model"].text if "model" in row else "",
        assumed=frozenset(each for each in ("digits", "algorithm", moves) if not says(each)),
    )
