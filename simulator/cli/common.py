"""What the doors of the command line share: exit codes, options, and ways to end."""

from __future__ import annotations

import json
import sys
from typing import NoReturn

import click

__all__ = [
    "BAD_USAGE",
    "FAILED",
    "FORMAT",
    "INTERRUPTED",
    "NOT_READY",
    "PASSED",
    "not_ready",
    "print_json",
]

PASSED, FAILED, BAD_USAGE, NOT_READY, INTERRUPTED = 0, 1, 2, 3, 130

FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="For people or for programs.",
)


def print_json(value: object) -> None:
    """Print a value for programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def not_ready(text: str) -> NoReturn:
    """End because the bench is not ready; the text says what is missing and what to do."""
    click.echo(f"Error: {text}", err=True)
    sys.exit(NOT_READY)
