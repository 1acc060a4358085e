"""Hubs behind programs: ykushcmd and uhubctl, as scripts that say what the true ones say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mfalab.devices.rig import Rig, RigSpec, make_rig
from mfalab.devices.rig.errors import ToolMissing
from mfalab.devices.rig.timing import SchedulerTiming
from mfalab.devices.schedule import OwnTime

pytestmark = pytest.mark.slow


UHUBCTL = r"""
[ -e $0.fails ] && { echo 'No compatible devices detected!' >&2; exit 1; }
case "$*" in
  *'-a on'*) rm -f $0.off;;
  *'-a off'*) touch $0.off;;
esac
if [ -e $0.off ]; then p='0000 off'; else p='0103 power enable connect [1050:0407 Yubico Key]'; fi
echo 'Current status for hub 1-1.4 [2109:2817 VIA Labs Hub, USB 2.10, 4 ports, ppps]'
echo "  Port 2: $p"
[ -e $0.two ] && echo 'Current status for hub 2-1 [05e3:0610 GenesysLogic, USB 2.00, 2 ports, ppps]'
echo "$*" >> $0.log
"""


Make = Callable[..., Rig]


@pytest.fixture
def make(time: OwnTime, timing: SchedulerTiming) -> Make:
    def made(driver: str, tool: Path, **fields: str) -> Rig:
        options = {"tool": str(tool), **{k: fields.pop(k) for k in ("board",) if k in fields}}
        spec = RigSpec("hub", driver, **fields, options=options)  # type: ignore[arg-type]
        return make_rig(spec, clock=time, timing=timing)

    return made


def script(path: Path, text: str) -> Path:
    path.write_text("#!/bin/sh" + text)
    path.chmod(0o755)
    return path


@pytest.fixture
def uhubctl(tmp_path: Path) -> Path:
    return script(tmp_path / "uhubctl", UHUBCTL)


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
