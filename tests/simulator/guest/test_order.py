"""What the guest is told to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from mfalab.simulator.guest import needs
from mfalab.simulator.guest.kernel import Kernel
from mfalab.simulator.guest.order import Order

KERNEL = Kernel(Path("/cache/linux-image-1"), "1")


@pytest.fixture(autouse=True)
def programs(monkeypatch):
    monkeypatch.setattr(needs, "require", lambda names: {name: f"/bin/{name}" for name in names})
    monkeypatch.setattr(needs, "launcher", lambda: "/bin/vng")


def launch(folder: Path, order: Order) -> list[str]:
    return order.launch(folder, KERNEL)


def settings(folder: Path, *names: str) -> list[str]:
    """Settings as sh reads them."""
    script = f". {folder}/settings; printf '%s\\n---\\n' " + " ".join(
        f'"${name}"' for name in names
    )
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    return said.removesuffix("\n---\n").split("\n---\n")


def test_words_of_a_command_arrive_as_they_are(tmp_path, monkeypatch):
    words = ["printf", "%s|", "a b", "it's", '"', "$HOME", "*", "", "é\n"]
    launch(tmp_path, Order(words))
    said = subprocess.run(["sh", tmp_path / "command"], capture_output=True, text=True, check=True)
    assert said.stdout == "a b|it's|\"|$HOME|*||é\n|"


def test_command_starts_here_with_this_python_first(tmp_path, monkeypatch):
    here = tmp_path / "a folder"
    here.mkdir()
    monkeypatch.chdir(here)
    launch(tmp_path, Order(["sh", "-c", "pwd; command -v python"]))
    said = subprocess.run(["sh", tmp_path / "command"], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == [str(here), str(Path(sys.executable).parent / "python")]


def test_variables_arrive(tmp_path):
    launch(tmp_path, Order(["sh", "-c", 'echo "$ODD $LANG"'], env={"ODD": "a 'b' $c"}))
    said = subprocess.run(["sh", tmp_path / "command"], capture_output=True, text=True, check=True)
    assert said.stdout == "a 'b' $c C.UTF-8\n"


def test_shared_folders_are_mounted_under_their_own_names(tmp_path):
    share = tmp_path / "it's a folder"
    share.mkdir()
    command = launch(tmp_path, Order(["true"], share=[share]))
    assert settings(tmp_path, "shares", "root_share") == [f"{tmp_path}/answers\n{share}", "2"]
    assert [word for word in command if "dir=" in word] == [
        f"--rwdir=/shared={tmp_path}/answers",
        f"--rwdir=/shared={share}",
        "--rodir=/host=/",
    ]


def test_first_process_is_ours_and_gets_the_settings(tmp_path):
    command = launch(tmp_path, Order(["true"]))
    options = next(word for word in command if word.startswith("--qemu-opts="))
    assert f"init=/bin/busybox -- sh {tmp_path}/init {tmp_path}/settings'" in options
    assert (tmp_path / "init").read_text().startswith("# The first process of the guest")
    assert settings(tmp_path, "modules", "load") == [str(KERNEL.modules), "uhid hid_generic"]


def test_order_without_kvm_forbids_it(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert "--disable-kvm" in launch(tmp_path / "a", Order(["true"]))
    assert "--disable-kvm" not in launch(tmp_path / "b", Order(["true"], kvm=True))


def test_order_without_a_command_is_a_shell_on_the_terminal(tmp_path, monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/bash")
    command = launch(tmp_path, Order(()))
    assert command[-1] != "true"
    assert settings(tmp_path, "interactive") == ["yes"]
    assert (tmp_path / "command").read_text().endswith("exec /bin/bash\n")
