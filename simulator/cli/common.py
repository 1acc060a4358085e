"""What the commands share: exit codes, classes of options, and ways to end.

Options that belong together are a frozen class, which a command gets as one argument:

    @dataclass(frozen=True, slots=True)
    class RigAddress:
        port: str | None = option("--port", metavar="PORT", help="Its serial port.")

    @click.command()
    @gathered(RigAddress, "address")
    def test(address: RigAddress) -> None: ...
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import field, fields
from functools import partial, wraps
from pathlib import Path
from typing import Any, NoReturn

import click

PASSED, FAILED, BAD_USAGE, NOT_READY, NOT_WRITTEN, INTERRUPTED = 0, 1, 2, 3, 4, 130

_PARAMETER = "parameter"
_Command = Callable[..., Any]


class _File(click.Path):
    """A file by its path, and `-` is none: it would become a file of that name."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType.convert`."""
        if value == "-":
            standard = "the standard streams are /dev/stdin and /dev/stdout"
            self.fail(f"- is no file here; {standard}, and a file of this name is ./-", param, ctx)
        return super().convert(value, param, ctx)


A_FILE = _File(path_type=Path, dir_okay=False)
"""The type of what names a file, which may not be there yet."""


class _Profile(click.ParamType[str]):
    """A profile of the verifier by its name."""

    name = "profile"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See `click.ParamType.convert`."""
        from mfalab.verifier import PROFILES

        if value not in PROFILES:
            self.fail(f"there is no {value!r}; there are {', '.join(PROFILES)}", param, ctx)
        return str(value)


A_PROFILE = _Profile()
"""The type of what names a profile; they are looked up when one is named."""

FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="For people or for programs.",
)


def option(*words: str, **settings: Any) -> Any:
    """A field of a class of options, declared as for `click.option`; help shows its default."""
    settings.setdefault("show_default", "default" in settings)
    return field(metadata={_PARAMETER: partial(click.option, *words, **settings)})


def argument(**settings: Any) -> Any:
    """A field of a class of options that is an argument, declared as for `click.argument`."""
    return field(metadata={_PARAMETER: partial(click.argument, **settings)})


def gathered(group: type, name: str) -> Callable[[_Command], _Command]:
    """Give a command the options of a class.

    Args:
        group: a dataclass with fields made by `option` and `argument`.
        name: the command's parameter that gets an object of the class.
    """

    def decorate(command: _Command) -> _Command:
        @wraps(command)
        def with_group(**given: Any) -> Any:
            own = {each.name: given.pop(each.name) for each in fields(group)}
            return command(**{name: group(**own)}, **given)

        decorated: _Command = with_group
        # Click shows the options of the last decorator first.
        for each in reversed(fields(group)):
            decorated = each.metadata[_PARAMETER](each.name)(decorated)
        return decorated

    return decorate


def print_json(value: object) -> None:
    """Print a value for programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def not_ready(text: str) -> NoReturn:
    """End because the bench is not ready; the text says what is missing and what to do."""
    click.echo(f"Error: {text}", err=True)
    sys.exit(NOT_READY)
