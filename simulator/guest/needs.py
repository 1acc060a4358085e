"""What a guest needs on the host, and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from mfalab.simulator.guest.errors import GuestNotReady

TO_BOOT = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "modprobe": "kmod",
    "file": "file",  # virtme-ng reads the kernel's version with it
}
"""Programs to boot with, each with its Debian package."""

TO_FETCH = {"apt-get": "apt", "apt-cache": "apt", "dpkg": "dpkg", "depmod": "kmod"}
"""Programs to fetch a kernel with, each with its Debian package."""

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def require_platform() -> None:
    """Make sure that this machine can boot Debian's kernel for 64-bit PCs.

    Raises:
        GuestNotReady: It cannot.
    """
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise GuestNotReady(
            f"The guest runs this machine's programs, which must be Linux on x86_64; this is"
            f" {system} on {machine}.",
            "Use a Linux PC, a virtual machine or a container for it; everything that needs no"
            " kernel device works here.",
        )


def require(programs: dict[str, str]) -> dict[str, str]:
    """The path of each program.

    Args:
        programs: names of programs, each with its Debian package.

    Raises:
        GuestNotReady: Some are missing.
    """
    path = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    found = {name: shutil.which(name, path=path) for name in programs}
    missing = [name for name, where in found.items() if where is None]
    if missing:
        packages = " ".join(sorted({programs[name] for name in missing}))
        raise GuestNotReady(
            f"The guest needs {_listed(missing)}, not found on this machine.",
            f"Install with: sudo apt-get install --no-install-recommends {packages}",
        )
    return {name: where for name, where in found.items() if where is not None}


def launcher() -> str:
    """The path of virtme-ng, installed beside this Python or anywhere on the path.

    Raises:
        GuestNotReady: It is not installed.
    """
    beside = Path(sys.executable).with_name("vng")
    found = str(beside) if beside.exists() else shutil.which("vng")
    if found is None:
        raise GuestNotReady(
            "The guest is booted by virtme-ng, which is not installed.",
            "Install with: pip install 'mfalab[guest]'",
        )
    return found


def cache_folder() -> Path:
    """Where kernels and what was learnt about this machine are kept: a folder of the user's."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mfalab" / "guest"


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
