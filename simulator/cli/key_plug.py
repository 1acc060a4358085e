"""The command `key plug`: keys in files become devices that other programs use."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from mfalab.simulator.cli.common import A_FILE, gathered, not_ready, option
from mfalab.simulator.cli.key_file import file_errors, open_key, serial
from mfalab.simulator.cli.key_traces import RECORD, SHOW_SECRETS, record_plugged

if TYPE_CHECKING:
    from mfalab.devices.ctap.user import User
    from mfalab.devices.rig.ptys import PtyBoard
    from mfalab.devices.schedule import WallTime
    from mfalab.devices.security_key import SecurityKey
    from mfalab.devices.transports.memory import Connection
    from mfalab.devices.transports.sockets import Way
    from mfalab.simulator.cli.key_control import PluggedKey

_PORT = click.IntRange(0, 65535)
_USBIP_PORT, _VPCD_PORT = 3240, 35963

_T = TypeVar("_T")
_W = TypeVar("_W", bound="Way")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The ways to the keys that the command line asks for: ports, or None."""

    uhid: bool = option(
        "--uhid", is_flag=True, help="A hidraw node of this machine's kernel (Linux)."
    )
    usbip: int | None = option(
        "--usbip",
        type=_PORT,
        is_flag=False,
        flag_value=_USBIP_PORT,
        metavar="[PORT]",
        help=f"A USB device for `usbip attach`.  [port: {_USBIP_PORT}]",
    )
    nfc: int | None = option(
        "--nfc",
        type=_PORT,
        is_flag=False,
        flag_value=_VPCD_PORT,
        metavar="[PORT]",
        help=f"A card in vpcd, pcscd's virtual reader.  [port: {_VPCD_PORT}]",
    )
    udp: int | None = option("--udp", type=_PORT, metavar="PORT", help="Reports as datagrams.")
    tcp: int | None = option("--tcp", type=_PORT, metavar="PORT", help="Reports in a stream.")

    @property
    def usb(self) -> bool:
        """Whether a key is in a USB port at first; otherwise it lies on a reader."""
        return self.uhid or any(port is not None for port in (self.udp, self.tcp, self.usbip))


@click.command()
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=A_FILE)
@gathered(_Wanted, "wanted")
@click.option(
    "--rig",
    type=A_FILE,
    metavar="LINK",
    help="A simulated rig on a terminal that LINK leads to: channel n acts on the n-th key.",
)
@click.option(
    "--touch",
    type=click.Choice(["yes", "no", "prompt"]),
    help="Who touches it: a robot, only a line of control or the rig, or you when it asks."
    "  [default: prompt; with --rig no]",
)
@RECORD
@SHOW_SECRETS
def plug(
    paths: tuple[Path, ...],
    wanted: _Wanted,
    rig: Path | None,
    touch: str | None,
    recording: Path | None,
    show_secrets: bool,
) -> None:
    """Plug the key in each FILE in, or lay it on a reader, for other programs.

    \b
    mfalab key plug my.key --uhid --touch yes
    uhid /dev/hidraw0
    plugged in

    The kernel has 64 hidraw nodes. What --usbip offers is attached as root with `usbip attach -r
    127.0.0.1 -b 1-1`, the second key's bus ID being 1-2. With --nfc alone the key lies on the
    reader; otherwise it is plugged in first. UDP and TCP are on the loopback interface: a datagram
    is a report of 64 bytes; in a TCP stream each report follows its length, two bytes big-endian.
    Port 0 takes a free one. Of several keys each has the next port.

    Lines on standard input: touch, finger NAME, decline, unplug, plug, tap, lift, quit. With
    several keys the file's name comes next: touch my.key; finger my.key left thumb. The end of the
    input leaves the keys plugged in.

    Exits with 2 when a file is no key, with 3 when a port cannot be opened, the kernel makes no
    node, or no reader is there.
    """
    from mfalab.devices.schedule import WallTime
    from mfalab.devices.transports.sockets import serve
    from mfalab.simulator.cli.key_control import obey
    from mfalab.simulator.clocks import WallClock

    if not wanted.usb and wanted.nfc is None:
        raise click.UsageError(
            "say where to plug it in: --uhid, --usbip, --nfc, --udp PORT or --tcp PORT"
        )
    if recording is not None and len(paths) > 1:
        raise click.UsageError(
            "one key at a time is recorded; plug the others in with another call"
        )
    touched_by = touch or ("prompt" if rig is None else "no")
    with ExitStack() as stack:
        stack.enter_context(_ending_well())
        time = WallTime(WallClock())
        keys = _opened(stack, paths, touched_by, time)
        if recording is not None:
            (only,) = keys
            record_plugged(stack, only.key, only.about, recording, time, reveal=show_secrets)
        doors: list[tuple[PluggedKey, str]] = []
        ways = _ways(stack, keys, wanted, time, doors)
        for each in keys:
            stack.callback(each.key.unplug)
            if wanted.usb:
                _ready(each.plug)
            elif rig is None:
                _ready(each.tap)
        board = None if rig is None else _rig(stack, keys, rig, time)
        # None is told of before all are there: one that cannot be made ends the command.
        for each, door in doors:
            each.say(door)
        for each in keys:
            # A reader is known to be there when the key lies on it.
            if each.card is not None and each.card.tapped:
                each.say(f"nfc 127.0.0.1:{each.card.port}")
        if board is not None:
            ways.append(board)
            click.echo(f"rig {rig} ({board.path})")
        click.echo("plugged in" if wanted.usb else f"o{'ff' if rig else 'n'} the reader")
        serve(ways, time, control=_control_file(), on_line=lambda line: obey(keys, line))


def _opened(
    stack: ExitStack, paths: tuple[Path, ...], touched_by: str, time: WallTime
) -> list[PluggedKey]:
    """The keys, closed by the stack."""
    from mfalab.devices.ctap.user import absent, touching
    from mfalab.devices.transports.hid_device import HidDevice
    from mfalab.simulator.cli.key_control import PluggedKey

    keys: list[PluggedKey] = []
    for path, name in zip(paths, _names(paths), strict=True):
        stack.enter_context(file_errors(path))
        each = PluggedKey(name, alone=len(paths) == 1)
        user: User = {"yes": touching(), "no": absent, "prompt": each.announce}[touched_by]
        each.key = open_key(path, scheduler=time, user=user, power_up=True, name=name)
        stack.callback(each.key.close)
        # The kernel keeps 63 bytes of where it is; the end of a path tells more than its beginning.
        where = os.fsencode(path.absolute())[-48:].decode(errors="replace")
        each.about = HidDevice.of(each.key.model, serial(path), f"mfalab:{where}")
        keys.append(each)
    return keys


def _names(paths: tuple[Path, ...]) -> list[str]:
    """What each key is called: its file's name, or where that is not enough its whole path."""
    found = [path.stat() for path in paths if path.exists()]
    if len({(each.st_dev, each.st_ino) for each in found}) < len(found):
        raise click.UsageError("each key can be plugged in once; a file is named twice")
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _ways(
    stack: ExitStack,
    keys: list[PluggedKey],
    wanted: _Wanted,
    time: WallTime,
    doors: list[tuple[PluggedKey, str]],
) -> list[Way]:
    """All ways to all keys, closed by the stack; what listens is open, no key is plugged in.

    `doors` gets what to say of those that listen.
    """
    from mfalab.devices.transports.sockets import TcpReports, UdpReports
    from mfalab.devices.transports.uhid import UhidReports, open_uhid
    from mfalab.devices.transports.usbip import UsbipServer
    from mfalab.devices.transports.vpcd import VpcdCard

    ways: list[Way] = []

    def closing(way: _W) -> _W:
        stack.callback(way.close)
        ways.append(way)
        return way

    usbip = wanted.usbip
    server = None if usbip is None else closing(_listening("usbip", usbip, UsbipServer))
    for number, each in enumerate(keys):

        def everything(key: SecurityKey = each.key) -> Connection:
            return key.connect(everything=True)

        if wanted.udp is not None:
            datagrams = partial(UdpReports, each.key.connect)
            udp = closing(_listening("udp", _of(number, wanted.udp), datagrams))
            doors.append((each, f"udp 127.0.0.1:{udp.port}"))
        if wanted.tcp is not None:
            streams = partial(TcpReports, each.key.connect)
            tcp = closing(_listening("tcp", _of(number, wanted.tcp), streams))
            doors.append((each, f"tcp 127.0.0.1:{tcp.port}"))
        if server is not None:
            each.usbip = server
            bus_id = server.export(everything, each.about)
            doors.append((each, f"usbip 127.0.0.1:{server.port} {bus_id}"))
        if wanted.uhid:
            file = _ready(partial(open_uhid, each.about.serial_number))
            each.uhid = closing(UhidReports(everything, each.about, time, file))
        if wanted.nfc is not None:
            each.card = closing(VpcdCard(each.key, _of(number, wanted.nfc), each.swept_off))
    return ways


def _of(number: int, port: int) -> int:
    """The port of the key with that number; 0 means any, for each of them."""
    return port and port + number


def _rig(stack: ExitStack, keys: list[PluggedKey], link: Path, time: WallTime) -> PtyBoard:
    from mfalab.devices.rig.ptys import LinkTaken, PtyBoard
    from mfalab.simulator.cli.key_control import board

    try:
        way = PtyBoard(board(keys, time), link)
    except LinkTaken as error:
        raise click.UsageError(str(error)) from None
    stack.callback(way.close)
    return way


def _listening(kind: str, port: int, offer: Callable[[int], _T]) -> _T:
    try:
        return offer(port)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        not_ready(f"cannot open {kind} port {port}: {why}. Choose another.")


def _ready(act: Callable[[], _T]) -> _T:
    """Do something for which the bench must be ready."""
    from mfalab.devices.transports.uhid import UhidUnusable
    from mfalab.devices.transports.vpcd import ReaderMissing

    try:
        return act()
    except (UhidUnusable, ReaderMissing) as error:
        not_ready(str(error))


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
