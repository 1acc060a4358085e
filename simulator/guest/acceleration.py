"""Whether this machine runs guests on its own processor, with KVM.

A `/dev/kvm` that exists may abort QEMU, or stand still in it, so the only test that counts is to
boot a guest. What was found is told once and holds until the machine boots again.
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
_EMULATED = "the guest's processor is emulated, 10 to 20 times slower"


def kvm_works(boots: Callable[[], bool], tell: Callable[[str], object]) -> bool:
    """Whether to boot with KVM.

    Args:
        boots: boots a guest with KVM; false when that fails.
        tell: gets a line that says which it is, unless it was told that before.
    """
    known = needs.cache_folder() / f"kvm-{_BOOT_ID.read_text().strip()}"
    yes = "the guest runs with KVM"
    no = f"{_KVM} does not work: {_EMULATED} (to try again, delete {known})"
    told = known.read_text().strip() if known.exists() else ""
    if not os.access(_KVM, os.R_OK | os.W_OK):
        why = "may not be used by this user" if _KVM.exists() else "does not exist"
        found = f"{_KVM} {why}: {_EMULATED}"
    elif told in (yes, no):
        found = told
    else:
        tell(f"trying {_KVM}, up to {PROBE_S:g} s, once")
        found = yes if boots() else no
    if found != told:
        tell(found)
        known.parent.mkdir(parents=True, exist_ok=True)
        for old in known.parent.glob("kvm-*"):
            old.unlink(missing_ok=True)
        known.write_text(found + "\n")
    return found == yes
