"""Whether guests run on the machine's own processor, found out once."""

import pytest

from mfalab.simulator.guest import acceleration


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with a /dev/kvm; counts how often a guest is booted to try it."""

    class Machine:
        kvm = tmp_path / "kvm"
        boot_id = tmp_path / "boot_id"
        good = True
        tried = 0

        def boots(self) -> bool:
            self.tried += 1
            return self.good

        def works(self) -> tuple[bool, str]:
            said: list[str] = []
            found = acceleration.kvm_works(self.boots, said.append)
            return found, said[-1] if said else ""

    made = Machine()
    made.kvm.touch()
    made.boot_id.write_text("first\n")
    monkeypatch.setattr(acceleration, "_KVM", made.kvm)
    monkeypatch.setattr(acceleration, "_BOOT_ID", made.boot_id)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return made


@pytest.mark.parametrize("good", [True, False])
def test_what_was_found_holds_until_the_machine_boots_again(machine, good):
    machine.good = good
    assert [machine.works()[0] for _ in range(3)] == [good] * 3
    assert machine.tried == 1
    machine.boot_id.write_text("second\n")
    machine.good = not good
    assert machine.works()[0] is not good
    assert machine.tried == 2


def test_it_says_which_it_is_once(machine):
    assert machine.works() == (True, "the guest runs with KVM")
    assert machine.works() == (True, "")
    machine.boot_id.write_text("second\n")
    machine.good = False
    said = machine.works()[1]
    assert "does not work: the guest's processor is emulated" in said
    assert "to try again, delete" in said
    assert machine.works() == (False, "")


def test_device_that_comes_later_is_tried_then(machine):
    machine.kvm.unlink()
    assert "does not exist" in machine.works()[1]
    assert machine.works() == (False, "")
    machine.kvm.touch()
    assert machine.works() == (True, "the guest runs with KVM")


def test_missing_device_is_not_tried(machine):
    machine.kvm.unlink()
    works, said = machine.works()
    assert not works
    assert "does not exist: the guest's processor is emulated" in said
    assert machine.tried == 0
