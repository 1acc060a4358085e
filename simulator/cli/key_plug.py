"""The command `key plug`: keys in files become devices that other programs use."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfalab.simulator.cli.common import not_ready
from mfalab.simulator.cli.key_file import KEY_FILE, file_errors, only_user_of, open_key, serial

if TYPE_CHECKING:
    from mfalab.devices.ctap.user import User
    from mfalab.devices.schedule import WallTime
    from mfalab.devices.security_key import SecurityKey
    from mfalab.devices.transports.hid_device import HidDevice
    from mfalab.devices.transports.sockets import TcpReports, UdpReports, Way
    from mfalab.devices.transports.uhid import UhidReports
    from mfalab.simulator.cli.key_control import PluggedKey

__all__ = ["plug"]

_PORT = click.IntRange(0, 65535)


@click.command()
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=KEY_FILE)
@click.option("--udp", type=_PORT, metavar="PORT", help="Reports as datagrams.")
@click.option("--tcp", type=_PORT, metavar="PORT", help="Reports in a stream.")
@click.option("--uhid", is_flag=True, help="A hidraw node of this machine's kernel (Linux).")
@click.option(
    "--touch",
    type=click.Choice(["yes", "no", "prompt"]),
    default="prompt",
    show_default=True,
    help="Who touches it: a robot, nobody but a line of control, or you when it asks.",
)
def plug(paths: tuple[Path, ...], udp: int | None, tcp: int | None, uhid: bool, touch: str) -> None:
    """Plug the key in each FILE in, for other programs.

    \b
    mfalab key plug my.key --uhid --touch yes
    uhid /dev/hidraw0
    plugged in

    UDP and TCP are on the loopback interface: a datagram is a report of 64 bytes; in a TCP stream
    each report follows its length, two bytes big-endian. Port 0 takes a free one, and of several
    keys each has the next port.

    Lines on standard input: touch, finger NAME, decline, unplug, plug, quit. With several keys the
    file's name comes next: touch my.key; finger my.key left thumb. The end of the input leaves the
    keys plugged in.

    Exits with 2 when a file is no key, with 3 when a port cannot be opened or the kernel makes no
    node.
    """
    from mfalab.devices.ctap.user import absent, touching
    from mfalab.devices.schedule import WallTime
    from mfalab.devices.transports.sockets import serve
    from mfalab.devices.transports.uhid import UhidUnusable
    from mfalab.simulator.cli.key_control import PluggedKey, obey
    from mfalab.simulator.clocks import WallClock

    if udp is None and tcp is None and not uhid:
        raise click.UsageError("say where to plug it in: --uhid, --udp PORT or --tcp PORT")
    names = _names(paths)
    with ExitStack() as stack:
        stack.enter_context(_ending_well())
        time = WallTime(WallClock())
        keys: list[PluggedKey] = []
        ways: list[Way] = []
        for number, (path, name) in enumerate(zip(paths, names, strict=True)):
            stack.enter_context(file_errors(path))
            stack.enter_context(only_user_of(path))
            plugged = PluggedKey(name, alone=len(paths) == 1)
            keys.append(plugged)
            user: User = {"yes": touching(), "no": absent, "prompt": plugged.announce}[touch]
            identity = serial(path)
            key = plugged.key = open_key(path, scheduler=time, user=user, power_up=True, name=name)
            for kind, port in (("udp", udp), ("tcp", tcp)):
                if port is not None:
                    way = _listening(kind, key, port + number if port else 0)
                    stack.callback(way.close)
                    ways.append(way)
                    plugged.say(f"{kind} 127.0.0.1:{way.port}")
            if uhid:
                try:
                    plugged.uhid = _uhid(path, key, identity, time)
                except UhidUnusable as error:
                    not_ready(str(error))
                stack.callback(plugged.uhid.close)
                ways.append(plugged.uhid)
        for plugged in keys:
            try:
                plugged.plug()
            except UhidUnusable as error:
                not_ready(str(error))
            stack.callback(plugged.key.unplug)
        click.echo("plugged in")
        serve(ways, time, control=_control_file(), on_line=lambda line: obey(keys, line))


def _names(paths: tuple[Path, ...]) -> list[str]:
    """What each key is called: its file's name, or where that is not enough its whole path."""
    if len(set(paths)) < len(paths):
        raise click.UsageError("each key can be plugged in once; a file is named twice")
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _listening(kind: str, key: SecurityKey, port: int) -> UdpReports | TcpReports:
    from mfalab.devices.transports.sockets import TcpReports, UdpReports

    try:
        return UdpReports(key.connect, port) if kind == "udp" else TcpReports(key.connect, port)
    except (OSError, OverflowError) as error:
        not_ready(f"cannot open {kind} port {port}: {error}. Choose another.")


def _uhid(path: Path, key: SecurityKey, identity: str, time: WallTime) -> UhidReports:
    from mfalab.devices.transports.uhid import UhidReports

    return UhidReports(lambda: key.connect(everything=True), _device(path, key, identity), time)


def _device(path: Path, key: SecurityKey, identity: str) -> HidDevice:
    from mfalab.devices.transports.hid_device import HidDevice

    # The kernel keeps 63 bytes of it; the end of a path tells more than its beginning.
    where = str(path.absolute()).encode()[-48:].decode(errors="replace")
    return HidDevice(key.model.name, identity, f"mfalab:{where}")


@contextmanager
def _ending_well() -> Iterator[None]:
    """Let a request to terminate unplug the keys and tidy up, as the line `quit` does."""
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
