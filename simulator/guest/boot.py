"""Boot a guest for one command, and end with its output and exit code.

virtme-ng finds the kernel's modules, makes the initial file system and starts QEMU. The guest's
first process is our own `init.sh`, because virtme-ng's brings up udev, which takes ten seconds on
an emulated processor. Output travels through files in a shared folder, read here as they grow:
virtio ports would need udev, too.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from mfalab.simulator.guest import needs
from mfalab.simulator.guest.acceleration import PROBE_S, kvm_works
from mfalab.simulator.guest.errors import GuestDied, GuestTooSlow
from mfalab.simulator.guest.kernel import Kernel, Tell, kernel
from mfalab.simulator.guest.order import Order
from mfalab.simulator.guest.watch import Ended, Sink, launch_env, watched


def boot(
    command: Sequence[str],
    *,
    share: Sequence[Path] = (),
    memory: str = "1G",
    cpus: int = 2,
    timeout_s: float | None = None,
    env: Mapping[str, str] | None = None,
    on_out: Sink | None = None,
    on_err: Sink | None = None,
    tell: Tell = lambda _: None,
) -> Ended:
    """Run a command in a guest that sees this machine's files, as root, and end the guest.

    The command starts in the present folder with the Python of this process first on its path. It
    reads everything this user can read; what it writes stays in the guest, but for shared folders.
    Its standard input is empty.

    Args:
        command: a program and its arguments.
        share: folders that exist, readable and writable under the same path.
        memory: the guest's, as QEMU writes it. What the command writes is kept there as well.
        cpus: how many processors it has.
        timeout_s: for everything, boot included; by default there is no limit.
        env: variables for the command, beside a few of the guest's own.
        on_out: gets standard output as it comes.
        on_err: gets standard error as it comes.
        tell: gets a line about what is going on now and then.

    Raises:
        GuestNotReady: Something that a guest needs is missing.
        GuestTooSlow: The time is over.
        GuestDied: The guest ended before the command did.
    """
    order = Order(command, share, memory, cpus, env or {})
    with _prepared(order, tell) as (launch, folder):
        return watched(launch, folder, timeout_s, on_out, on_err)


def shell(
    *,
    share: Sequence[Path] = (),
    memory: str = "1G",
    cpus: int = 2,
    env: Mapping[str, str] | None = None,
    tell: Tell = lambda _: None,
) -> None:
    """Give the terminal to a shell in a guest until it is left; see `boot`.

    Raises:
        GuestNotReady: Something that a guest needs is missing.
    """
    with _prepared(Order((), share, memory, cpus, env or {}), tell) as (launch, folder):
        tell("Ctrl-D leaves the guest; Ctrl-A X ends it by force")
        # The launcher shares this terminal, so it is no group of its own as in `watched`.
        subprocess.run(launch, env=launch_env(folder), check=False)  # noqa: S603 - ours


@contextmanager
def _prepared(order: Order, tell: Tell) -> Iterator[tuple[list[str], Path]]:
    """The command line for an order, and the folder of its run."""
    needs.require_platform()
    needs.require(needs.TO_BOOT)
    needs.launcher()
    found = kernel(tell)
    works = kvm_works(lambda: _boots_with_kvm(found), tell)
    with _run_folder() as run:
        yield replace(order, kvm=works).launch(run, found), run


def _boots_with_kvm(found: Kernel) -> bool:
    with _run_folder() as run:
        order = Order(["true"], memory="512M", cpus=1, kvm=True)
        try:
            return watched(order.launch(run, found), run, PROBE_S).code == 0
        except (GuestDied, GuestTooSlow):
            return False


@contextmanager
def _run_folder() -> Iterator[Path]:
    """A folder for one run. The kernel's command line names it, so it must be without blanks."""
    usual = gettempdir()
    with TemporaryDirectory(
        prefix="mfalab-guest-",
        dir="/tmp" if re.search(r"[\s'\"]", usual) else usual,  # noqa: S108 - exists on all Linux
        ignore_cleanup_errors=True,
    ) as folder:
        yield Path(folder)
