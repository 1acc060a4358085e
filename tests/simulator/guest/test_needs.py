"""What a guest needs of the machine that it boots on."""

import platform
import shutil
import sys
from pathlib import Path

import pytest

from mfalab.simulator.guest import needs
from mfalab.simulator.guest.errors import GuestNotReady


@pytest.mark.parametrize(
    ("system", "machine"), [("Windows", "AMD64"), ("Darwin", "arm64"), ("Linux", "aarch64")]
)
def test_other_machines_are_told_what_works_there(monkeypatch, system, machine):
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(GuestNotReady, match=f"{system} on {machine}") as caught:
        needs.require_platform()
    assert "everything that needs no kernel device works here" in str(caught.value)


def test_all_missing_programs_are_named_at_once(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    with pytest.raises(GuestNotReady) as caught:
        needs.require(needs.TO_BOOT)
    assert str(caught.value) == (
        "The guest needs qemu-system-x86_64, busybox, modprobe and file, not found on this"
        " machine. Install with: sudo apt-get install --no-install-recommends busybox-static file"
        " kmod qemu-system-x86"
    )


def test_programs_of_the_system_are_found_by_users_without_sbin(monkeypatch, tmp_path):
    (tmp_path / "depmod").touch(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(needs, "SYSTEM_PATH", str(tmp_path))
    assert needs.require({"depmod": "kmod"}) == {"depmod": str(tmp_path / "depmod")}


def test_launcher_beside_this_python_comes_first(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda name: "/elsewhere/vng")
    assert needs.launcher() == "/elsewhere/vng"
    (tmp_path / "vng").touch()
    assert needs.launcher() == str(tmp_path / "vng")


def test_missing_launcher_is_a_package_of_pip(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(GuestNotReady, match=r"pip install 'mfalab\[guest\]'"):
        needs.launcher()


def test_cache_is_where_the_desktop_standard_says(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert needs.cache_folder() == Path("/elsewhere/mfalab/guest")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/alice")
    assert needs.cache_folder() == Path("/home/alice/.cache/mfalab/guest")
