"""The words that a command line or a URL of a target file may hold, in braces."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from string import Formatter

WORDS = {
    "account": "the account's name",
    "code": "the code that was typed",
    "codes": "the codes of a resynchronisation, with commas between them",
    "seed_base32": "the seed, as base32 without padding",
    "seed_hex": "the seed, as hexadecimal digits",
    "algorithm": "SHA1, SHA256 or SHA512",
    "digits": "the length of a code",
    "period": "the time step in seconds",
    "time": "the lab's time in seconds since 1970",
}
"""Each word, and what stands for it."""


def check(template: str) -> None:
    """Check that a template has known words only.

    Raises:
        ValueError: it has another, or braces that do not match.
    """
    for _, word, form, conversion in Formatter().parse(template):
        if word is not None and (word not in WORDS or form or conversion):
            raise ValueError(f'"{{{word}}}" is no word; there are {", ".join(WORDS)}')


def fill(template: str, given: Mapping[str, str]) -> str:
    """A template with its words replaced."""
    return template.format_map(given)


def of_enrolment(
    account: str, seed: bytes, algorithm: str, digits: int, period_s: int
) -> dict[str, str]:
    """The words of an enrolment."""
    return {
        "account": account,
        "seed_base32": base64.b32encode(seed).decode().rstrip("="),
        "seed_hex": seed.hex(),
        "algorithm": algorithm,
        "digits": str(digits),
        "period": str(period_s),
    }
