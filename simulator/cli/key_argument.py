"""Keys that a command is told: by address, or by the name that a lab file gives them.

What changes a real key for good is asked of one that a lab file marks destructive, and of no other:
an option of the command line would hold for whatever is plugged in.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import click

from mfalab.simulator.cli.common import not_ready
from mfalab.simulator.workbench.address import is_real

if TYPE_CHECKING:
    from mfalab.devices.ctap.user import User
    from mfalab.devices.schedule import Scheduler
    from mfalab.devices.security_key import SecurityKey
    from mfalab.simulator.keys.fixture import Fixture
    from mfalab.simulator.keys.hands import Channel
    from mfalab.simulator.workbench.bench import Bench

TOUCH: dict[str, Any] = {
    "type": click.Choice(["manual", "none"]),
    "default": "manual",
    "help": "Who touches a real key: you when it is said, or no one.",
}
"""What the option `--touch` of commands that open keys is."""


class KeyOpener:
    """Opens the keys of one command; the stack closes them.

    Args:
        stack: closes what is opened.
        lab: a lab file whose keys may be named; None for addresses only.
        touch: who touches real keys that are told by address: `manual` or `none`.
        destructive: whether the command changes keys for good.
    """

    def __init__(
        self, stack: ExitStack, lab: Path | None, *, touch: str, destructive: bool
    ) -> None:
        self._stack = stack
        self._lab = lab
        self._touch = touch
        self._destructive = destructive
        self._bench: Bench | None = None
        self._person: Channel | None = None
        self._by_hand: set[str] = set()
        if lab is not None:
            from mfalab.simulator.cli.bench import opened_bench

            self._bench = stack.enter_context(opened_bench(lab, 1))

    def open(self, told: str, *, pin: str | None, seed: int | str) -> Fixture:
        """The key at an address, or of that name.

        Args:
            told: the address or the name.
            pin: its PIN, if it has one that the lab file does not tell.
            seed: the chance of a simulated key.

        Raises:
            UsageError: it is no address, no name, or may not be changed for good.
        """
        known = self._bench.file.keys if self._bench is not None else {}
        if told in known and known[told].at.kind != "sim":
            fixture = self._of_bench(told)
        elif told not in known and ":" not in told and Path(told).is_file():
            fixture = self._in_file(Path(told))
        elif self._bench is not None and ":" not in told and told not in known:
            there = ", ".join(known) or "none"
            raise click.UsageError(f"{self._lab} has no key {told}. Its keys: {there}.")
        else:
            fixture = self._at(str(known[told].at) if told in known else told, pin, seed)
        if pin is not None:
            fixture.pin = normalize("NFC", pin)  # as CTAP 2.1 section 6.5.1 has it of platforms
        if self._destructive:
            self._may_be_changed(fixture)
        return fixture

    def by_hand(self, fixture: Fixture) -> bool:
        """Whether a person touches a key."""
        return fixture.name in self._by_hand

    def _of_bench(self, name: str) -> Fixture:
        from mfalab.simulator.workbench.labfile import MANUAL

        assert self._bench is not None
        if name not in self._bench.keys:
            raise click.UsageError(f"{self._lab} binds nothing to {name}; name it under bind")
        fixture = self._bench.keys[name].fixture
        touch = self._bench.file.keys[name].touch
        if touch is not None and touch.rig == MANUAL:
            self._by_hand.add(fixture.name)
        return fixture

    def _at(self, text: str, pin: str | None, seed: int | str) -> Fixture:
        from mfalab.devices.ctap.model import ModelInvalid
        from mfalab.devices.errors import DeviceError
        from mfalab.simulator.workbench.address import Address, BadAddress, open_fixture

        try:
            address = Address.parse(text)
            if address.is_real and self._destructive:
                raise click.UsageError(
                    f"{address} is a real key: only one that a lab file marks destructive: true "
                    "is changed for good. Name it with --lab FILE, or leave --destructive out"
                )
            by_hand = address.is_real and self._touch == "manual"
            touch = self._hand() if by_hand else None
            fixture = open_fixture(address, seed=seed, touch=touch, pin=pin)
        except (BadAddress, ModelInvalid) as error:
            raise click.UsageError(str(error)) from None
        except DeviceError as error:
            if text.startswith("replay:"):
                raise click.UsageError(str(error)) from None
            not_ready(str(error))
        except OSError as error:
            not_ready(f"{text}: {error.strerror or error}")
        self._stack.callback(fixture.close)
        if by_hand:
            self._by_hand.add(fixture.name)
        return fixture

    def _in_file(self, path: Path) -> Fixture:
        """The key in a file, in time of its own; what is done to it is kept."""
        from mfalab.simulator.cli.key_file import file_errors, open_key
        from mfalab.simulator.keys.simulated import SimulatedFixture

        def make(time: Scheduler, user: User) -> SecurityKey:
            return open_key(path, scheduler=time, user=user, power_up=True)

        with file_errors(path):
            fixture = SimulatedFixture(str(path), make=make)
        self._stack.callback(fixture.close)
        return fixture

    def _hand(self) -> Channel:
        """The person at the keyboard."""
        if self._person is None:
            from mfalab.devices.rig import RigSpec, make_rig
            from mfalab.simulator.clocks import WallClock
            from mfalab.simulator.keys.hands import Channel

            rig = make_rig(RigSpec("manual", "manual"), clock=WallClock())
            rig.open()
            self._stack.callback(rig.close)
            self._person = Channel(rig, 1)
        return self._person

    def _may_be_changed(self, fixture: Fixture) -> None:
        """Say what will be lost; refuse a key that must not be changed.

        The bench has checked already that it is the right key and that no one uses it.
        """
        if not fixture.destructive:
            raise click.UsageError(
                f"{fixture.name} may not be changed for good; mark it destructive: true in the "
                "lab file, or leave --destructive out"
            )
        if is_real(fixture.name):
            click.echo(
                f"{fixture.name} will be reset: all its credentials and its PIN are erased",
                err=True,
            )
