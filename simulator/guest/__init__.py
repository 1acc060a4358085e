"""A guest: Debian's kernel over this machine's own files, thrown away when its command ends.

It gives any Linux PC what the kernel's HID path needs, `/dev/uhid` and hidraw nodes, without root
and without KVM.
"""

from mfalab.simulator.guest.boot import boot, shell
from mfalab.simulator.guest.errors import GuestDied, GuestError, GuestNotReady, GuestTooSlow
from mfalab.simulator.guest.kernel import kernel
from mfalab.simulator.guest.watch import Ended

__all__ = [
    "Ended",
    "GuestDied",
    "GuestError",
    "GuestNotReady",
    "GuestTooSlow",
    "boot",
    "kernel",
    "shell",
]
