"""What a guest is told: the folder of one run, read by its first process and by QEMU's launcher."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from mfalab.simulator.guest import needs
from mfalab.simulator.guest.kernel import Kernel

LOADED = ("uhid", "hid_generic")
"""Kernel modules loaded before the command starts; others can be had with modprobe."""

# Mitigations cost an emulated processor time and protect no one in a guest that is thrown away.
_KERNEL_OPTIONS = "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off random.trust_cpu=on"


@dataclass(frozen=True, slots=True)
class Order:
    """What a guest is to do, and with what.

    Attributes:
        command: a program and its arguments; empty for a shell on the terminal.
        share: folders that the guest may write to, under the same path.
        memory: as QEMU writes it.
        cpus: how many processors.
        env: variables for the command.
        kvm: whether the processor is the machine's own.
    """

    command: Sequence[str]
    share: Sequence[Path] = ()
    memory: str = "1G"
    cpus: int = 2
    env: Mapping[str, str] = field(default_factory=dict)
    kvm: bool = False

    def launch(self, folder: Path, kernel: Kernel) -> list[str]:
        """Write the order into an empty folder; the command line that carries it out."""
        answers = folder / "answers"
        answers.mkdir()
        for name in ("out", "err"):
            (answers / name).touch()
        (folder / "tmp").mkdir()
        shares = [answers, *(each.resolve() for each in self.share)]
        (folder / "init").write_text(files(__package__).joinpath("init.sh").read_text())
        (folder / "command").write_text(self._script())
        programs = needs.require(needs.TO_BOOT)
        settings = {
            "busybox": programs["busybox"],
            "root_share": len(shares),
            "modules": kernel.modules,
            "load": " ".join(LOADED),
            "shares": "\n".join(map(str, shares)),
            "command": folder / "command",
            "answers": answers,
            **self._terminal(),
        }
        lines = [f"{name}={shlex.quote(str(value))}\n" for name, value in settings.items()]
        (folder / "settings").write_text("".join(lines))
        first = f"init={programs['busybox']} -- sh {folder}/init {folder}/settings"
        return [
            *(needs.launcher(), "--run", str(kernel.image), "--force-9p", "--verbose"),
            *(() if self.kvm else ("--disable-kvm",)),
            *("--memory", self.memory, "--cpus", str(self.cpus)),
            # Where they go is up to `init.sh`, so the guest's side of each is only a word.
            *(f"--rwdir=/shared={each}" for each in shares),
            "--rodir=/host=/",
            # The last -append counts: this one goes without virtme-ng's own first process.
            f"--qemu-opts=-append '{_KERNEL_OPTIONS} {first}'",
            *(("--", "true") if self.command else ()),
        ]

    def _terminal(self) -> dict[str, object]:
        size = shutil.get_terminal_size()
        return {
            "interactive": "" if self.command else "yes",
            "terminal": os.environ.get("TERM", "linux"),
            "rows": size.lines,
            "columns": size.columns,
        }

    def _script(self) -> str:
        path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}:{needs.SYSTEM_PATH}"
        env = {"PATH": path, "LANG": "C.UTF-8", **self.env}
        exports = [f"export {name}={shlex.quote(value)}\n" for name, value in env.items()]
        command = self.command or [os.environ.get("SHELL", "/bin/sh")]
        return (
            f"cd {shlex.quote(str(Path.cwd()))} || exit\n"
            + "".join(exports)
            + f"exec {shlex.join(command)}\n"
        )
