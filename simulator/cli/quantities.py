"""Types of options: numbers with their units, as scenarios write them."""

from __future__ import annotations

from typing import Any

import click


class _Quantity(click.ParamType[object]):
    """A number with its unit.

    Args:
        name: what it is.
        parser: the function of `language.units` that reads it.
    """

    def __init__(self, name: str, parser: str) -> None:
        self.name = name
        self._parser = parser

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        """The value in nanoseconds or steps."""
        from mfalab.simulator.language import units

        if not isinstance(value, str):
            return value
        try:
            return getattr(units, self._parser)(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


SPAN = _Quantity("duration", "parse_span_ns")
INSTANT = _Quantity("time", "parse_instant_ns")
STEPS = _Quantity("steps", "parse_steps")
