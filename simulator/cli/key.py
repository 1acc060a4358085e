"""The command group `key`: security keys that live in a file and can be plugged in.

A key's file is its store. Records under `key/` are this module's own and hidden from the key: the
model, the seed if there is one, and how often the key had power, so that a seeded key never draws
the same bytes twice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mfalab.simulator.cli.common import FORMAT, not_ready, print_json

if TYPE_CHECKING:
    from mfalab.devices.ctap.model import Model
    from mfalab.devices.ctap.storage import FileStorage
    from mfalab.devices.ctap.user import Asked, User
    from mfalab.devices.schedule import Scheduler
    from mfalab.devices.security_key import SecurityKey

__all__ = ["key"]

DEFAULT_MODEL = "ctap-2.1-pin"
_OWN = "key/"
_MODEL, _SEED, _POWER_UPS = "key/model", "key/seed", "key/power-ups"

_FILE = click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))


@click.group()
def key() -> None:
    """Make simulated security keys, look at them, and plug them in.

    \b
    mfalab key new my.key                  a new key, kept in a file
    mfalab key plug my.key --udp 8111      offer it to other programs
    mfalab key info my.key                 what is on it
    """


@key.command()
@_FILE
@click.option("--model", default=DEFAULT_MODEL, show_default=True, help="A model, or a TOML file.")
@click.option("--seed", type=int, help="All its chance; without it, keys are unpredictable.")
def new(path: Path, model: str, seed: int | None) -> None:
    """Make a new key and keep it in FILE."""
    from mfalab.devices.ctap.storage import FileStorage

    if path.exists():
        raise click.UsageError(f"{path} exists already; it was left as it is")
    described = _model(model)
    about = str(Path(model).resolve()) if model.endswith(".toml") else model
    records: dict[str, bytes | None] = {_MODEL: about.encode()}
    if seed is not None:
        records[_SEED] = str(seed).encode()
    with _file_errors(path):
        FileStorage(path).write(records)
        _opened(path)
    click.echo(f"{path}: a new {described.name} (plug it in with: mfalab key plug {path} --udp 0)")


@key.command()
@_FILE
@FORMAT
def info(path: Path, form: str) -> None:
    """Show what kind of key FILE holds and what is on it."""
    with _file_errors(path):
        summary = _summary(_opened(path))
    if form == "json":
        print_json(summary)
        return
    credentials = summary.pop("credentials")
    for name, value in summary.items():
        click.echo(f"{name.replace('_', ' '):<16} {_plain(value)}")
    click.echo(f"{'credentials':<16} {len(credentials)}")
    for each in credentials:
        click.echo(f"  {each['rp_id']}  {each['user']}  {each['id']}")


@key.command()
@_FILE
def reset(path: Path) -> None:
    """Make the key in FILE as it was when new: nothing on it, no PIN, other secrets."""
    with _file_errors(path), _only_user_of(path):
        opened = _opened(path, power_up=True)
        opened.wipe()
    click.echo(f"{path}: as new; all credentials that it held are gone")


@key.command()
@FORMAT
def models(form: str) -> None:
    """List the models that come along."""
    from mfalab.devices.ctap.model import load_model, model_names

    described = {name: load_model(name) for name in model_names()}
    if form == "json":
        print_json(
            {name: {"name": m.name, "versions": m.versions} for name, m in described.items()}
        )
        return
    for name, model in described.items():
        click.echo(f"{name:<22} {model.name}; {', '.join(model.versions)}")


@key.command()
@_FILE
@click.option("--udp", type=click.IntRange(0, 65535), metavar="PORT", help="Reports as datagrams.")
@click.option("--tcp", type=click.IntRange(0, 65535), metavar="PORT", help="Reports in a stream.")
@click.option(
    "--touch",
    type=click.Choice(["yes", "no", "prompt"]),
    default="prompt",
    show_default=True,
    help="Who touches it: a robot, nobody but a line of control, or you when it asks.",
)
def plug(path: Path, udp: int | None, tcp: int | None, touch: str) -> None:
    """Plug the key in FILE into a port on the loopback interface, for other programs.

    A datagram is a report of 64 bytes; in a TCP stream each report follows its length, two bytes
    big-endian. Port 0 takes a free one. Lines on standard input: touch, finger NAME, decline,
    unplug, plug, quit. The end of the input leaves the key plugged in.

    Exits with 2 when the file is no key, with 3 when the port cannot be opened.
    """
    from mfalab.devices.ctap.user import absent, touching
    from mfalab.devices.schedule import WallTime
    from mfalab.devices.transports.sockets import TcpReports, UdpReports, serve
    from mfalab.simulator.clocks import WallClock

    if udp is None and tcp is None:
        raise click.UsageError("say where to plug it in: --udp PORT or --tcp PORT")
    with ExitStack() as stack:
        stack.enter_context(_file_errors(path))
        stack.enter_context(_only_user_of(path))
        stack.enter_context(_ending_well())
        time = WallTime(WallClock())
        user: User = {"yes": touching(), "no": absent, "prompt": _announce}[touch]
        opened = _opened(path, scheduler=time, user=user, power_up=True)
        ways: list[UdpReports | TcpReports] = []
        for kind, port, offer in (("udp", udp, UdpReports), ("tcp", tcp, TcpReports)):
            if port is None:
                continue
            try:
                way = offer(opened.connect, port)
            except OSError as error:
                not_ready(f"cannot open {kind} port {port}: {error.strerror}. Choose another.")
            stack.callback(way.close)
            ways.append(way)
            click.echo(f"{kind} 127.0.0.1:{way.port}")
        opened.plug()
        stack.callback(opened.unplug)
        click.echo("plugged in")
        control = _control_file()
        serve(ways, time, control=control, on_line=lambda line: _obey(opened, line))


def _obey(opened: SecurityKey, line: str) -> bool:
    """Do what a line of control says; false for the last one."""
    verb, _, rest = line.partition(" ")
    verbs: dict[str, Callable[[], object]] = {
        "touch": opened.touch,
        "finger": lambda: opened.finger(rest.strip()),
        "decline": opened.decline,
        "unplug": opened.unplug,
        "plug": opened.plug,
        "": opened.touch,
    }
    if verb == "quit":
        return False
    if verb not in verbs or (rest and verb != "finger"):
        known = ", ".join(name for name in verbs if name)
        click.echo(f"{line!r} is no line of control. There are: {known}, quit.", err=True)
        return True
    verbs[verb]()
    if verb in {"plug", "unplug"}:
        click.echo("plugged in" if opened.plugged else "unplugged")
    return True


def _announce(asked: Asked) -> None:
    """Tell the person at the keyboard what the key asks for, and wait for their line."""
    what = "touch it (Enter)" if asked.prompt.value == "touch" else "finger NAME"
    where = f" for {asked.rp_id}" if asked.rp_id else ""
    click.echo(f"asks{where}: {asked.info or 'request'}; {what}, or decline")


class _WithoutOwn:
    """A file's records without those of this module: a reset of the key removes all it sees."""

    def __init__(self, file: FileStorage) -> None:
        self._file = file

    @property
    def writes(self) -> int:
        return self._file.writes

    def read(self) -> dict[str, bytes]:
        return {n: value for n, value in self._file.read().items() if not n.startswith(_OWN)}

    def write(self, changes: Mapping[str, bytes | None]) -> None:
        self._file.write(changes)


def _opened(
    path: Path,
    *,
    scheduler: Scheduler | None = None,
    user: User | None = None,
    power_up: bool = False,
) -> SecurityKey:
    """The key in a file; with `power_up` its chance goes on where no earlier one has been."""
    from mfalab.devices.ctap.storage import FileStorage, StateFileInvalid
    from mfalab.devices.security_key import SecurityKey
    from mfalab.simulator.entropy import Entropy, SystemEntropy

    if not path.exists():
        raise click.UsageError(f"there is no {path}. Make a key with: mfalab key new {path}")
    storage: FileStorage = FileStorage(path)
    records = storage.read()
    if _MODEL not in records:
        raise StateFileInvalid(str(path), "it does not say what model it is")
    power_ups = int(records.get(_POWER_UPS, b"0")) + power_up
    if power_up:
        storage.write({_POWER_UPS: str(power_ups).encode()})
    entropy: Entropy | SystemEntropy = SystemEntropy()
    if _SEED in records:
        entropy = Entropy(records[_SEED].decode()).child(f"power-up {power_ups}")
    return SecurityKey(
        _model(records[_MODEL].decode()),
        random_bytes=entropy.random_bytes("key"),
        state=_WithoutOwn(storage),
        scheduler=scheduler,
        user=user,
        name=path.name,
    )


def _summary(opened: SecurityKey) -> dict[str, Any]:
    model, state = opened.model, opened.state
    return {
        "model": model.name,
        "versions": list(model.versions),
        "transports": [transport.value for transport in model.transports],
        "pin_set": state.pin_is_set,
        "pin_retries": state.pin_retries,
        "uv_retries": state.uv_retries,
        "fingers": list(state.fingers),
        "counter": state.counter,
        "slots": model.slots,
        "writes": state.writes,
        "credentials": [
            {"rp_id": rp_id, "user": user.hex(), "id": identity.hex()}
            for identity, rp_id, user in state.credentials
        ],
    }


def _model(name: str) -> Model:
    from mfalab.devices.ctap.model import ModelInvalid, load_model

    try:
        return load_model(name)
    except ModelInvalid as error:
        raise click.UsageError(str(error)) from None


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    """Turn what is wrong with the file, or with plugging in what it holds, into wrong usage."""
    from mfalab.devices.ctap.storage import StateFileInvalid
    from mfalab.devices.errors import DeviceError

    try:
        yield
    except (StateFileInvalid, DeviceError) as error:
        raise click.UsageError(str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"cannot use {path}: {error}") from None


@contextmanager
def _only_user_of(path: Path) -> Iterator[None]:
    """Keep a second process off the file: each would write what the other has changed."""
    import fcntl

    beside = path.with_name(path.name + ".lock")
    with beside.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            not_ready(f"{path} is plugged in by another process. Quit that one first.")
        try:
            yield
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def _ending_well() -> Iterator[None]:
    """Let a request to terminate unplug the key and tidy up, as the line `quit` does."""
    import signal

    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _control_file() -> int | None:
    try:
        return sys.stdin.fileno()
    except (OSError, ValueError):
        return None


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return (
        {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    )


COMMANDS = {"key": key}
"""Each command by its name."""
