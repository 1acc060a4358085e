"""Whether this machine runs guests on its own processor, with KVM.

A `/dev/kvm` that exists may abort QEMU, or stand still in it, so the only test that counts is to
boot a guest. What it found holds until the machine boots again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from mfalab.simulator.guest import needs

PROBE_S = 20.0
"""How long a guest may take to boot with KVM: ten times as long as one that works."""

_KVM = Path("/dev/kvm")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_YES, _NO = "kvm works", "kvm does not work"


def kvm_works(boots: Callable[[], bool], tell: Callable[[str], object]) -> bool:
    """Whether to boot with KVM.

    Args:
        boots: boots a guest with KVM; false when that fails.
        tell: gets a line that says which it is.
    """
    if not os.access(_KVM, os.R_OK | os.W_OK):
        why = "may not be used by this user" if _KVM.exists() else "does not exist"
        tell(f"{_KVM} {why}: the guest's processor is emulated, 10 to 20 times slower")
        return False
    known = needs.cache_folder() / f"kvm-{_BOOT_ID.read_text().strip()}"
    if not known.exists():
        tell(f"trying {_KVM}, up to {PROBE_S:g} s, once")
        found = _YES if boots() else _NO
        known.parent.mkdir(parents=True, exist_ok=True)
        for old in known.parent.glob("kvm-*"):
            old.unlink(missing_ok=True)
        known.write_text(found + "\n")
    works = known.read_text().strip() == _YES
    if works:
        tell("the guest runs with KVM")
    else:
        tell(
            f"{_KVM} does not work: the guest's processor is emulated, 10 to 20 times slower"
            f" (to try again, delete {known})"
        )
    return works
