"""Why a text is no YAML, in a sentence about what was typed rather than about the parser."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
SAVE = "save it as UTF-8"
"""What to do about another encoding."""
_UNQUOTED = re.compile(r"(?:[^\s:'\"\[{#][^:]*):\s+[^'\"\[{|>&*\s].*?:(?:\s|$)")
"""A key, and behind it a plain text that has a colon with a space."""


def not_utf8(data: bytes, at: int) -> str:
    """Why bytes are no UTF-8, which the byte at an offset shows."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return f"is {name}; {SAVE}"
    if b"\0" in data[:400]:
        return f"is not UTF-8, but UTF-16 it seems; {SAVE}"
    return f"is not UTF-8: byte {at} is wrong; {SAVE}"


def sentence(lines: Sequence[str], line: int, column: int, said: str) -> str:
    """What is wrong with the YAML at a place.

    Args:
        lines: the file.
        line: where the parser stopped, from 0.
        column: likewise.
        said: the parser's own words, for what has no sentence here.
    """
    text = lines[line] if line < len(lines) else ""
    before = text[:column]
    if "\t" in (text[: len(text) - len(text.lstrip())]) or text[column : column + 1] == "\t":
        return "YAML: a tab indents here; indent with spaces"
    sign = text[column : column + 1]
    if "cannot start any token" in said:
        return f"YAML: a text cannot begin with {sign}; put it in quotes"
    if "mapping values are not allowed" in said:
        if _UNQUOTED.match(before.lstrip(" -") + ": "):
            return "YAML: a text with a colon and a space behind it needs quotes"
        return f"YAML: this key is indented deeper than what it belongs to, or the line before it \
lacks its colon and space ({_above(lines, line)})"
    if "block mapping" in said or "block collection" in said or "block sequence" in said:
        return "YAML: the indentation fits nothing above; begin where the entry's neighbours begin"
    if "flow mapping" in said or "flow sequence" in said:
        closing = "}" if "flow mapping" in said else "]"
        return (
            f"YAML: a comma or the closing {closing} is missing before this; a text with a colon \
and a space needs quotes"
        )
    if "quoted scalar" in said and "end of stream" in said:
        return "YAML: a quote is opened and never closed"
    if "could not find expected ':'" in said:
        return f"YAML: the line before lacks its colon and space ({_above(lines, line)})"
    if "single document" in said:
        return "YAML: a second document begins here; expected a single document in a file"
    return f"YAML: {said}"


def _above(lines: Sequence[str], line: int) -> str:
    """The line above that holds something."""
    held = (lines[each].strip() for each in range(min(line, len(lines)) - 1, -1, -1))
    return next((text for text in held if text and not text.startswith("#")), "")
