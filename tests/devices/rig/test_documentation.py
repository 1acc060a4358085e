"""docs/rig.md says what the rig does."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from mfalab.devices.rig import DRIVERS, RigSpec, make_rig
from mfalab.devices.rig.commands import COMMANDS
from mfalab.devices.rig.errors import OptionWrong
from mfalab.devices.rig.scpi import Code
from mfalab.devices.schedule import OwnTime

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "rig.md").read_text()
FIRMWARE = (ROOT / "devices" / "rig" / "firmware" / "README.md").read_text()


@pytest.mark.parametrize("header", [each.pattern.text for each in COMMANDS])
def test_every_header_is_in_the_table(header: str) -> None:
    written = re.escape(header).replace("\\#", r"\d")
    assert re.search(rf"`{written}[ `]", TEXT), header


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_driver_and_its_options_are_described(driver: str) -> None:
    assert f"| `{driver}` |" in TEXT
    # A driver lists its options when it is given another one.
    with pytest.raises(OptionWrong) as wrong:
        make_rig(RigSpec("bench1", driver, options={"no": "such"}), clock=OwnTime())
    listed = re.search(r"\(it has: (.*)\)", str(wrong.value))
    assert listed
    known = [] if listed[1] == "none" else listed[1].split(", ")
    rows = [line for line in TEXT.splitlines() if f"`{driver}`" in line.partition(" | ")[0]]
    for option in known:
        assert any(f"| `{option}` |" in row for row in rows), option


def test_every_error_of_the_protocol_is_in_the_table() -> None:
    listed = set(map(int, re.findall(r"(?<![\d-])-\d{3}\b", TEXT)))
    used = {int(code) for code in Code} - {0}
    assert used <= listed


def test_examples_run() -> None:
    found = doctest.testfile(str(ROOT / "docs" / "rig.md"), module_relative=False)
    assert (found.failed, found.attempted > 10) == (0, True)


@pytest.mark.parametrize(
    ("text", "home"), [(TEXT, "docs"), (FIRMWARE, "devices/rig/firmware")], ids=["docs", "firmware"]
)
def test_links_lead_somewhere(text: str, home: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert links
    for link in links:
        assert (ROOT / home / link).resolve().exists(), link


def test_firmware_folder_is_listed() -> None:
    listed = set(re.findall(r"`(\w+\.py)`", FIRMWARE))
    assert listed == {path.name for path in (ROOT / "devices/rig/firmware").glob("*.py")}
