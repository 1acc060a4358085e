"""Keys that are plugged in, and the lines of control that a person or a program writes for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from mfalab.devices.errors import DeviceError

if TYPE_CHECKING:
    from mfalab.devices.ctap.user import Asked
    from mfalab.devices.security_key import SecurityKey
    from mfalab.devices.transports.uhid import UhidReports

__all__ = ["PluggedKey", "obey"]


class PluggedKey:
    """A key of the command line with what tells others of it.

    Args:
        name: what lines of control call it.
        alone: whether it is the only one, and needs no name in what is printed.

    Attributes:
        key: the key; set before anything else is done.
        uhid: its way through the kernel, if it has one.
    """

    def __init__(self, name: str, *, alone: bool) -> None:
        self.name = name
        self._end = "" if alone else f" {name}"
        self.key: SecurityKey
        self.uhid: UhidReports | None = None

    def say(self, text: str) -> None:
        """Print a line about it."""
        click.echo(text + self._end)

    def announce(self, asked: Asked) -> None:
        """Tell the person at the keyboard what it asks for, and wait for their line."""
        what = "touch it (Enter)" if asked.prompt.value == "touch" else "finger NAME"
        where = f" for {asked.rp_id}" if asked.rp_id else ""
        click.echo(
            f"{self._end} asks{where}: {asked.info or 'request'}; {what}, or decline".strip()
        )

    def plug(self) -> None:
        """Plug it in, and wait until the kernel has a node for it.

        Raises:
            UhidUnusable: the kernel makes none.
        """
        self.key.plug()
        if self.uhid is not None:
            self.say(f"uhid {self.uhid.node()}")

    def unplug(self) -> None:
        """Pull it out; its node is gone on return."""
        self.key.unplug()
        if self.uhid is not None:
            self.uhid.send()


def obey(keys: Sequence[PluggedKey], line: str) -> bool:
    """Do what a line of control says; false for the last one."""
    verb, _, rest = line.partition(" ")
    verb = verb or "touch"
    if verb == "quit" and not rest:
        return False
    if verb not in _VERBS:
        _refuse(f"{line!r} is no line of control. There are: {', '.join(_VERBS)}, quit.")
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
        _refuse(f"{line!r} names no key. There are: {', '.join(each.name for each in keys)}.")
        return True
    if bool(rest) != (verb == "finger"):
        _refuse(f"{line!r} is no line of control; {_HOW.get(verb, verb + ' stands alone')}.")
        return True
    try:
        _VERBS[verb](chosen, rest)
    except DeviceError as error:
        _refuse(str(error))
    return True


def _plug(key: PluggedKey, _: str) -> None:
    key.plug()
    key.say("plugged in")


def _unplug(key: PluggedKey, _: str) -> None:
    key.unplug()
    key.say("unplugged")


_VERBS: dict[str, Callable[[PluggedKey, str], None]] = {
    "touch": lambda key, _: key.key.touch(),
    "finger": lambda key, finger: key.key.finger(finger),
    "decline": lambda key, _: key.key.decline(),
    "unplug": _unplug,
    "plug": _plug,
}
_ANSWERS = {"touch", "finger", "decline"}
"""What goes to the key that asks, when no key is named."""
_HOW = {"finger": "say which finger: finger NAME"}


def _refuse(text: str) -> None:
    click.echo(text, err=True)
