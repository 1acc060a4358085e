"""A verifier that is broken in one place, and scenarios that have to notice it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from mfalab.simulator.language import setting

Patch = pytest.MonkeyPatch
Break = Callable[[Patch], None]


def each(breaks: Iterable[tuple[Break, str]]) -> pytest.MarkDecorator:
    """A test for each break, with the scenario, topic or tag that is tried first."""
    named = [pytest.param(break_it, word, id=break_it.__name__) for break_it, word in breaks]
    return pytest.mark.parametrize(("break_it", "word"), named)


def nothing(*_: object, **__: object) -> None:
    """A check that checks nothing."""


def figures(patch: Patch, **changed: Any) -> None:
    """Change figures in every profile."""
    broken = {name: replace(known, **changed) for name, known in setting.PROFILES.items()}
    patch.setattr(setting, "PROFILES", broken)
