"""Hubs behind programs: ykushcmd and uhubctl, as scripts that say what the true ones say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mfalab.devices.rig import Rig
from mfalab.devices.rig.errors import ToolFailed, ToolMissing, ToolNotPermitted

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


HUB = """\
#!/bin/sh
state="$(dirname "$0")/off"
echo 'Current status for hub 3-2 [05e3:0610 GenesysLogic USB2.1 Hub, USB 2.10, 2 ports, ppps]'
port=$(echo "$*" | sed -n 's/.*-p \\([0-9]*\\).*/\\1/p')
case "$*" in *'-a off'*) : > "$state";; *'-a on'*) rm -f "$state";; esac
if [ -e "$state" ]; then is='0000 off'; else is='0100 power'; fi
echo "  Port ${port:-1}: $is"
"""


def script(folder: Path, text: str) -> Path:
    tool = folder / "uhubctl"
    tool.write_text(text)
    tool.chmod(0o755)
    return tool


def test_power_that_comes_back_by_itself_is_noticed(make: Make, tmp_path: Path) -> None:
    """It was read back at once, and a port that had power again all the time was called cycled."""
    waits = HUB + 'case "$*" in *-a*|"-l 3-2") ;; *) rm -f "$state";; esac\n'
    rig = make("uhubctl", script(tmp_path, waits), port="3-2")
    with rig, pytest.raises(ToolFailed, match="port 2 had power again before 700 ms were over"):
        rig.cycle(2, 700)


@pytest.mark.parametrize("ending", ["kill -ABRT $$", "exit 3", "echo Segmentation fault; exit 139"])
def test_program_that_fails_when_it_is_done_has_switched(
    make: Make, tmp_path: Path, ending: str
) -> None:
    fails = HUB + f'case "$*" in *-a*) {ending};; esac\n'
    with make("uhubctl", script(tmp_path, fails), port="3-2") as rig:
        rig.cycle(1, 10)
        assert rig.is_powered(1)


def test_program_that_fails_and_has_not_switched_is_quoted(make: Make, tmp_path: Path) -> None:
    fails = HUB.replace(': > "$state"', "echo no such device; exit 4")
    rig = make("uhubctl", script(tmp_path, fails), port="3-2")
    with rig, pytest.raises(ToolFailed, match="failed with status 4 and said 'no such device'"):
        rig.power(1, False)


@pytest.mark.parametrize(
    ("driver", "said", "status"),
    [
        ("uhubctl", "There were permission problems while accessing USB.", 1),
        ("uhubctl", "libusb: error [get_usbfs_fd] Access denied (insufficient permissions)", 1),
        ("ykush", "1. Board found with serial number: (null)", 0),
    ],
)
def test_program_without_permission_is_told_as_that(
    make: Make, tmp_path: Path, driver: str, said: str, status: int
) -> None:
    """It was told as a hub that is not there, or by the last line of a long advice."""
    tool = script(tmp_path, f"#!/bin/sh\necho '{said}'\necho 'and more advice'\nexit {status}\n")
    with pytest.raises(ToolNotPermitted, match=r"may not reach the hub\. Run as root"):
        make(driver, tool).open()
