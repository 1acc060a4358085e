"""The distribution installs where its compiled part cannot be made."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = """
[build-system]
requires = ["setuptools>=80"]
build-backend = "setuptools.build_meta"
[project]
name = "part"
version = "1"
[tool.setuptools]
packages = ["mfalab.verifier"]
package-dir = {"mfalab.verifier" = "verifier"}
"""


@pytest.mark.slow
def test_editable_installation_does_without_a_compiler(tmp_path: Path) -> None:
    """With the repository's setup.py and C: setuptools alone links what is not there."""
    source = tmp_path / "source"
    (source / "verifier").mkdir(parents=True)
    for name in ("setup.py", "verifier/otp_core.c", "verifier/otp.py"):
        shutil.copyfile(ROOT / name, source / name)
    (source / "pyproject.toml").write_text(PROJECT)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    strict = ["--config-settings", "editable_mode=strict", "--editable", str(source)]
    subprocess.run(
        [*pip, "--no-deps", "--target", str(tmp_path / "installed"), *strict],
        env={**os.environ, "CC": str(tmp_path / "no-compiler")},
        check=True,
    )
    assert list(source.rglob("build/**/verifier/otp.py"))
    assert not list(source.rglob("*.so"))
