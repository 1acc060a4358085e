"""Chromium with the extension: what is missing is one line, and nothing is left behind."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from mfalab.simulator.bridge.chromium import BridgeUnavailable, bridged_chromium

pytestmark = pytest.mark.slow


def test_program_that_is_no_chromium_is_one_line(mfa_playwright: Any, tmp_path: Path) -> None:
    for program in (tmp_path / "absent", Path("/bin/false")):
        with (
            pytest.raises(BridgeUnavailable) as caught,
            bridged_chromium(mfa_playwright, executable=program),
        ):
            pass
        assert str(program) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_machine_without_chromium_says_what_to_install(
    mfa_playwright: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if Path(mfa_playwright.chromium.executable_path).exists():
        pytest.fail("this machine has Playwright's own Chromium: look for another way to hide it")
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(BridgeUnavailable, match="apt-get install chromium"),
        bridged_chromium(mfa_playwright),
    ):
        pass


def test_extension_lives_as_long_as_chromium_in_a_folder_of_its_owner(
    mfa_playwright: Any,
    mfa_chromium_options: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with bridged_chromium(mfa_playwright, **mfa_chromium_options) as chromium:
        (folder,) = tmp_path.glob("mfalab-key-*")
        assert folder.stat().st_mode & 0o077 == 0
        assert "127.0.0.1" in (folder / "address.js").read_text()
        with pytest.raises(LookupError, match="no test is running"):
            chromium.answer("create", {})
    assert list(tmp_path.glob("mfalab-key-*")) == []
