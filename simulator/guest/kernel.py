"""The guest's kernel: Debian's, fetched once with apt and unpacked in a cache, not installed."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mfalab.simulator.guest import needs
from mfalab.simulator.guest.errors import GuestNotReady

META_PACKAGE = "linux-image-amd64"
MODULES = ("uhid", "hid-generic", "vhci-hcd", "9p", "9pnet_virtio", "overlay", "virtio_pci")
"""What the guest needs of its kernel; one that is built in has no file and is no loss."""

Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Kernel:
    """An unpacked kernel.

    Attributes:
        folder: what the package unpacked to.
        version: as `uname -r` says it.
    """

    folder: Path
    version: str

    @property
    def image(self) -> Path:
        """The file that boots."""
        return self.folder / "boot" / f"vmlinuz-{self.version}"

    @property
    def modules(self) -> Path:
        """The folder of its modules."""
        return self.folder / "lib" / "modules" / self.version


def find_kernel() -> Kernel | None:
    """The newest kernel in the cache; None when there is none. Fetches nothing."""
    found = [_inspect(folder) for folder in needs.cache_folder().glob("linux-image-*")]
    whole = [each for each in found if each is not None]
    return max(whole, key=lambda each: each.folder.stat().st_mtime_ns, default=None)


def kernel(tell: Tell) -> Kernel:
    """The kernel to boot: the one in the cache, or a fetched one.

    Args:
        tell: gets a line of progress now and then.

    Raises:
        GuestNotReady: There is none in the cache, and none could be fetched.
    """
    found = find_kernel()
    if found is None:
        folder = needs.cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder, tell):
            found = find_kernel() or _fetched(folder, tell)
    return found


def _inspect(folder: Path) -> Kernel | None:
    """The kernel in a folder, unless it is not whole."""
    images = list(folder.glob("boot/vmlinuz-*"))
    if len(images) != 1:
        return None
    found = Kernel(folder, images[0].name.removeprefix("vmlinuz-"))
    return found if (found.modules / "modules.dep").exists() else None


def _fetched(cache: Path, tell: Tell) -> Kernel:
    programs = needs.require(needs.TO_FETCH)
    package = _package(programs["apt-cache"])
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=cache) as work:
        folder = Path(work) / package
        folder.mkdir()
        tell(f"fetching {package} (about 70 MB), once")
        # apt's own user, which it becomes when root starts it, may not write into our folder.
        _run(
            [programs["apt-get"], "-o", "APT::Sandbox::User=root", "-q", "download", package], work
        )
        (archive,) = Path(work).glob("*.deb")
        tell(f"unpacking {package}")
        _run([programs["dpkg"], "-x", str(archive), str(folder)], work)
        version = package.removeprefix("linux-image-")
        _run([programs["depmod"], "-b", str(folder), version], work)
        made = _inspect(folder)
        missing = MODULES if made is None else _missing(made)
        if made is None or missing:
            raise GuestNotReady(
                f"{package} is not the kernel it should be: it lacks {', '.join(missing)}.",
                "Report it with the output of: apt-cache policy linux-image-amd64",
            )
        kept = cache / package
        shutil.rmtree(kept, ignore_errors=True)  # an earlier one that was not whole
        folder.rename(kept)
        tell(f"kept in {kept}")
        return Kernel(kept, made.version)


def _package(apt_cache: str) -> str:
    """The package with the image, which the meta-package depends on."""
    said = _run([apt_cache, "depends", "--important", META_PACKAGE], ".")
    for line in said.splitlines():
        kind, _, name = line.strip().partition(": ")
        if kind == "Depends" and name.startswith("linux-image-") and not name.endswith("-dbg"):
            return name
    raise GuestNotReady(
        f"apt knows no {META_PACKAGE}, Debian's kernel for PCs, from which the guest boots.",
        "Refresh its lists with: sudo apt-get update. On another distribution use a container of"
        " Debian.",
    )


def _missing(made: Kernel) -> list[str]:
    listed = (made.modules / "modules.dep").read_text()
    built_in = (made.modules / "modules.builtin").read_text()
    text = (listed + built_in).replace("-", "_")
    return [name for name in MODULES if f"/{name.replace('-', '_')}.ko" not in text]


def _run(command: list[str], folder: str) -> str:
    done = subprocess.run(  # noqa: S603 - apt, dpkg and depmod
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise GuestNotReady(
            f"{Path(command[0]).name} could not fetch or unpack the guest's kernel: {said[-1]}.",
            "Refresh apt's lists with: sudo apt-get update, look that this machine is online, and"
            " try again.",
        )
    return done.stdout


@contextmanager
def _alone(folder: Path, tell: Tell) -> Iterator[None]:
    """Let one process fetch; another that wants to waits and finds it done."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("waiting for another process that fetches the kernel")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
