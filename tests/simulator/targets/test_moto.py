"""docs/moto.md says what moto does today."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NoReturn

import pytest


@pytest.fixture
def writer() -> Any:
    """The script behind `make targets-table`."""
    path = Path(__file__).with_name("write_moto_table.py")
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def told(page: str) -> list[str]:
    """The rows and the counts, whatever the version."""
    return [line for line in page.splitlines() if line.startswith(("|", "Of "))]


@pytest.mark.slow
def test_the_page_is_that_of_today(writer: Any, give_up: Callable[[str], NoReturn]) -> None:
    if not (writer.STRANGERS / "moto_server").exists():
        give_up("there is no environment of strangers; make test makes it")
    today = told(writer.page("today's"))
    assert told(writer.PATH.read_text()) == today, "run make targets-table"
    assert len(today) >= 15
