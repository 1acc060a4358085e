"""Watch a guest: hand on what its command says as it says it, and end it when its time is over."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic

from mfalab.simulator.guest import needs
from mfalab.simulator.guest.errors import GuestDied, GuestTooSlow

_POLL_S = 0.1
_GONE_TRIES = 20  # where no process reaps orphans, waiting longer does not help
_CONSOLE_LINES = 12

# Runs a command line, and ends its process group when the process that launched it has died: then
# standard input ends. The second signal is for processes that ignore the first.
_LEASH = """
exec 3<&0
(trap '' TERM; read -r _ <&3; kill -TERM 0; sleep 5; kill -KILL 0) &
"$@" < /dev/null 3<&-
code=$?
kill -KILL $!
wait $!
exit $code
"""

Sink = Callable[[bytes], object]
"""Gets output as it comes."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command in a guest ended.

    Attributes:
        code: its exit code; 128 and a signal's number if that ended it.
        out: its standard output.
        err: its standard error.
    """

    code: int
    out: bytes
    err: bytes


def launch_env(folder: Path) -> dict[str, str]:
    """Variables for the launcher; what it leaves in its temporary folder goes with the run's."""
    path = f"{Path(needs.launcher()).parent}:{os.environ.get('PATH', '')}:{needs.SYSTEM_PATH}"
    return {**os.environ, "PATH": path, "TMPDIR": str(folder / "tmp")}


def watched(
    launch: Sequence[str],
    folder: Path,
    limit_s: float | None = None,
    on_out: Sink | None = None,
    on_err: Sink | None = None,
) -> Ended:
    """Launch a guest and wait until it has ended; no process of it is left, whatever happens.

    Args:
        launch: the command line.
        folder: the folder of the run, where the answers appear.
        limit_s: how long it may take; None for ever.
        on_out: gets standard output as it comes.
        on_err: gets standard error as it comes.

    Raises:
        GuestTooSlow: The time is over.
        GuestDied: The guest ended before its command did.
    """
    answers, console = folder / "answers", folder / "console"
    with ExitStack() as stack:
        sinks = [
            (stack.enter_context((answers / name).open("rb")), sink)
            for name, sink in (("out", on_out), ("err", on_err))
        ]

        def hand_on() -> None:
            for file, sink in sinks:
                news = file.read()
                if sink is not None and news:
                    sink(news)

        begin_s = monotonic()
        in_time = True
        with _launched(launch, folder, console) as process:
            while process.poll() is None and in_time:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_S)
                hand_on()
                in_time = limit_s is None or monotonic() - begin_s < limit_s
        hand_on()
    out, err = ((answers / name).read_bytes() for name in ("out", "err"))
    code = answers / "code"
    if code.exists() and (said := code.read_text().strip()):
        return Ended(int(said), out, err)
    if limit_s is not None and not in_time:
        raise GuestTooSlow(limit_s, out, err)
    last = console.read_text(errors="replace").splitlines()[-_CONSOLE_LINES:]
    raise GuestDied("\n".join(last), out, err)


@contextmanager
def _launched(
    launch: Sequence[str], folder: Path, console: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process group of its own, gone at the end: the launcher, its child and QEMU."""
    with console.open("ab") as said:
        process = subprocess.Popen(  # noqa: S603 - ours
            ["/bin/sh", "-c", _LEASH, "sh", *launch],
            cwd=folder,  # where a QEMU that aborts leaves its core
            env=launch_env(folder),
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # The launcher may be gone and QEMU not, so the group is told, not the process.
        group = process.pid
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
            process.communicate()
            for _ in range(_GONE_TRIES):
                os.killpg(group, 0)
                Event().wait(_POLL_S)
        process.communicate()
