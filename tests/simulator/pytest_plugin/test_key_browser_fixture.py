"""What `key_browser` says in one line when it cannot start; in processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

USES_IT = "def test_it(key_browser):\n    pass\n"
TAKEN = """
import pytest
from playwright.sync_api import sync_playwright

@pytest.fixture(scope="session", autouse=True)
def own():
    with sync_playwright() as playwright:
        yield playwright

"""
ABSENT = """
import pytest

@pytest.fixture(scope="session")
def mfa_chromium_options():
    return {"executable": "/absent/chromium"}

"""


@pytest.mark.parametrize(
    ("before", "hidden", "says"),
    [
        ("", True, "key_browser needs Playwright: pip install 'mfalab[browser]'"),
        (TAKEN, False, "let your fixture mfa_playwright return what you have started"),
        (ABSENT, False, "key_browser: /absent/chromium does not start"),
    ],
    ids=["no Playwright", "Playwright runs already", "no Chromium"],
)
def test_what_is_missing_is_one_line(tmp_path: Path, before: str, hidden: bool, says: str) -> None:
    (tmp_path / "test_it.py").write_text(before + USES_IT)
    if hidden:
        (tmp_path / "playwright.py").write_text("raise ImportError('hidden')\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert says in done.stdout
    assert "Traceback" not in done.stdout
    assert "During handling" not in done.stdout
