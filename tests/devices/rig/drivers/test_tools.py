"""Hubs behind programs: ykushcmd and uhubctl, as scripts that say what the true ones say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mfalab.devices.rig import Rig
from mfalab.devices.rig.errors import ToolMissing

pytestmark = pytest.mark.slow


Make = Callable[..., Rig]


@pytest.mark.parametrize(
    ("driver", "advice"),
    [("ykush", "Build it from github.com/Yepkit/ykush."), ("uhubctl", "apt install uhubctl")],
)
def test_a_program_that_is_missing_is_named_with_where_to_get_it(
    make: Make, tmp_path: Path, driver: str, advice: str
) -> None:
    with pytest.raises(ToolMissing) as caught:
        make(driver, tmp_path / "nothing").open()
    assert "needs the program" in str(caught.value)
    assert advice in str(caught.value)
