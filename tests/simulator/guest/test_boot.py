"""A guest is prepared for a command or a shell; launcher, kernel and QEMU are played."""

import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from mfalab.simulator.guest.errors import GuestDied
from mfalab.simulator.guest.kernel import Kernel
from mfalab.simulator.guest.order import Order
from mfalab.simulator.guest.watch import Ended

door = import_module("mfalab.simulator.guest.boot")  # the package has a function of this name
KERNEL = Kernel(Path("/cache/linux-image-6"), "6")


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[Order]:
    """The orders that were launched; KVM works."""
    launched: list[Order] = []

    def launch(order: Order, folder: Path, kernel: Kernel) -> list[str]:
        assert folder.is_dir()
        launched.append(order)
        return ["launch", str(folder)]

    monkeypatch.setattr(Order, "launch", launch)
    monkeypatch.setattr(door.needs, "require_platform", lambda: None)
    monkeypatch.setattr(door.needs, "require", lambda programs: programs)
    monkeypatch.setattr(door.needs, "launcher", lambda: "vng")
    monkeypatch.setattr(door, "kernel", lambda tell: KERNEL)
    monkeypatch.setattr(door, "kvm_works", lambda probe, tell: True)
    return launched


def test_a_command_is_watched_and_its_folder_removed(orders, monkeypatch):
    seen = []

    def watched(launch, folder, limit_s, on_out, on_err):
        seen.append((launch, folder, limit_s))
        return Ended(7, b"", b"")

    monkeypatch.setattr(door, "watched", watched)
    assert door.boot(["true"], memory="2G", cpus=3, timeout_s=60.0).code == 7
    ((launch, folder, limit_s),) = seen
    assert (launch, limit_s) == (["launch", str(folder)], 60.0)
    assert not folder.exists()
    assert [(each.command, each.memory, each.cpus, each.kvm) for each in orders] == [
        (["true"], "2G", 3, True)
    ]


def test_a_shell_has_the_terminal_and_no_command(orders, monkeypatch):
    ran = []
    monkeypatch.setattr(subprocess, "run", lambda launch, **options: ran.append(launch))
    monkeypatch.setattr(door, "launch_env", lambda folder: {})
    told: list[str] = []
    door.shell(tell=told.append)
    assert [launch[0] for launch in ran] == ["launch"]
    assert orders[0].command == ()
    assert "Ctrl-D leaves the guest" in told[-1]


@pytest.mark.parametrize(
    ("ended", "works"), [(Ended(0, b"", b""), True), (Ended(1, b"", b""), False), (None, False)]
)
def test_kvm_is_tried_with_a_guest_that_does_nothing(orders, monkeypatch, ended, works):
    def watched(launch, folder, limit_s):
        if ended is None:
            raise GuestDied("no /dev/kvm")
        return ended

    monkeypatch.setattr(door, "watched", watched)
    assert door._boots_with_kvm(KERNEL) is works
    assert (orders[0].command, orders[0].kvm) == (["true"], True)


def test_the_folder_of_a_run_has_no_blank_in_its_path(tmp_path, monkeypatch):
    """The kernel's command line names it and is split at blanks."""
    blank = tmp_path / "with a blank"
    blank.mkdir()
    monkeypatch.setattr(door, "gettempdir", lambda: str(blank))
    with door._run_folder() as folder:
        assert " " not in str(folder)
    plain = tmp_path / "plain"
    plain.mkdir()
    monkeypatch.setattr(door, "gettempdir", lambda: str(plain))
    with door._run_folder() as folder:
        assert folder.parent == plain
