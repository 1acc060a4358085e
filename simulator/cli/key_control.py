"""Keys that are plugged in, and what people, programs and rigs do to them.

People and programs write lines of control; a rig's board, simulated in the same process, has each
key under a finger, in a switched port, and beside a reader.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from mfalab.devices.errors import DeviceError, NotOffered

if TYPE_CHECKING:
    from mfalab.devices.ctap.user import Asked
    from mfalab.devices.rig.board import SimulatedBoard
    from mfalab.devices.schedule import Scheduler
    from mfalab.devices.security_key import SecurityKey
    from mfalab.devices.transports.hid_device import HidDevice
    from mfalab.devices.transports.uhid import UhidReports
    from mfalab.devices.transports.usbip import UsbipServer
    from mfalab.devices.transports.vpcd import VpcdCard


class PluggedKey:
    """A key of the command line with the ways to it that have to be told what happens.

    Args:
        name: what lines of control call it.
        alone: whether it is the only one, and needs no name in what is printed.

    Attributes:
        key: the key; set before anything else is done.
        about: what the host is told of it; likewise.
        uhid: its way through the kernel, if it has one.
        usbip: the server that exports it, if one does.
        card: the reader that it can be laid on, if there is one.
    """

    def __init__(self, name: str, *, alone: bool) -> None:
        self.name = name
        self._suffix = "" if alone else f" {name}"
        self.key: SecurityKey
        self.about: HidDevice
        self.uhid: UhidReports | None = None
        self.usbip: UsbipServer | None = None
        self.card: VpcdCard | None = None

    def say(self, text: str) -> None:
        """Print a line about it."""
        click.echo(text + self._suffix)

    def announce(self, asked: Asked) -> None:
        """Tell the person at the keyboard what it asks for, and wait for their line."""
        what = "touch it (Enter)" if asked.prompt.value == "touch" else "finger NAME"
        where = f" for {asked.rp_id}" if asked.rp_id else ""
        said = f"asks{where}: {asked.info or 'request'}; {what}, or decline"
        click.echo(f"{self._suffix} {said}".strip())

    def plug(self) -> None:
        """Plug it in, and wait until the kernel has a node for it.

        Raises:
            UhidUnusable: the kernel makes none.
        """
        if self.card is not None:
            self.card.lift()
        self.key.plug()
        if self.uhid is not None:
            self.say(f"uhid {self.uhid.node()}")

    def unplug(self) -> None:
        """Pull it out; its node is gone on return, and its import has ended."""
        self.key.unplug()
        for way in (self.uhid, self.usbip):
            if way is not None:
                way.send()

    def tap(self) -> None:
        """Lay it on its reader.

        Raises:
            NotOffered: it has none, or is plugged in.
            ReaderMissing: the reader is not there.
        """
        if self.card is None:
            raise NotOffered(self.name, "a reader", "Start it with --nfc.")
        self.card.tap()

    def lift(self) -> None:
        """Take it off its reader; nothing happens when it lies on none."""
        if self.card is not None:
            self.card.lift()

    def swept_off(self) -> None:
        """Say that its reader has gone."""
        click.echo(f"{self._suffix} the reader has gone: pcscd has ended".strip(), err=True)


# -- lines of control --


def obey(keys: Sequence[PluggedKey], line: str) -> bool:
    """Do what a line of control says; false for the last one."""
    verb, _, rest = line.partition(" ")
    verb = verb or "touch"
    if verb == "quit" and not rest:
        return False
    if verb not in _VERBS:
        _complain(f"{line!r} is no line of control. There are: {', '.join(_VERBS)}, quit.")
        return True
    named = [each for each in keys if rest == each.name or rest.startswith(f"{each.name} ")]
    if named:
        # The longest, when one name begins like another.
        chosen = max(named, key=lambda each: len(each.name))
        rest = rest[len(chosen.name) :].strip()
    elif len(keys) == 1:
        chosen = keys[0]
    elif verb in _ANSWERS and len(asking := [each for each in keys if each.key.asks]) == 1:
        chosen = asking[0]
    else:
        _complain(f"{line!r} names no key. There are: {', '.join(each.name for each in keys)}.")
        return True
    if bool(rest) != (verb == "finger"):
        right = "say which finger: finger NAME" if verb == "finger" else f"{verb} takes no more"
        _complain(f"{line!r} is no line of control; {right}.")
        return True
    try:
        _VERBS[verb](chosen, rest)
    except DeviceError as error:  # not possible just now
        _complain(error)
    return True


def _plug(key: PluggedKey, _: str) -> None:
    key.plug()
    key.say("plugged in")


def _unplug(key: PluggedKey, _: str) -> None:
    key.unplug()
    key.say("unplugged")


def _tap(key: PluggedKey, _: str) -> None:
    key.tap()
    key.say("on the reader")


def _lift(key: PluggedKey, _: str) -> None:
    key.lift()
    key.say("off the reader")


_VERBS: dict[str, Callable[[PluggedKey, str], None]] = {
    "touch": lambda key, _: key.key.touch(),
    "finger": lambda key, finger: key.key.finger(finger),
    "decline": lambda key, _: key.key.decline(),
    "unplug": _unplug,
    "plug": _plug,
    "tap": _tap,
    "lift": _lift,
}
_ANSWERS = {"touch", "finger", "decline"}
"""What goes to the key that asks, when no key is named."""


def _complain(text: object) -> None:
    click.echo(text, err=True)


# -- a rig --


def board(keys: Sequence[PluggedKey], time: Scheduler) -> SimulatedBoard:
    """A board whose channels act on the keys, channel 1 on the first."""
    from mfalab.devices.rig.board import SimulatedBoard
    from mfalab.devices.rig.fittings import KeyOnReader, KeyPower, KeyTouch

    return SimulatedBoard(
        time,
        touch=[KeyTouch(each.key) for each in keys],
        power=[KeyPower(each, _complain) for each in keys if each.key.plugged],
        nfc=[KeyOnReader(each, _complain) for each in keys if each.card is not None],
    )
