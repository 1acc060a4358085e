"""Asking keys for a suite: the options of the commands that do, and how it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfalab.simulator.cli.common import argument, not_ready, option
from mfalab.simulator.cli.key_argument import TOUCH, KeyOpener
from mfalab.simulator.workbench.address import is_real

if TYPE_CHECKING:
    from mfalab.simulator.abilities import Ability
    from mfalab.simulator.keys.fixture import Fixture
    from mfalab.simulator.traces.compare import Passage

_TOUCH_AFTER_NS = 300 * 10**6
_BASICS = "basics"


@dataclass(frozen=True, slots=True, repr=False)
class Asking:
    """What keys are asked for, and what may be done to them."""

    words: tuple[str, ...] = argument(metavar="[SUITE]...", nargs=-1)
    destructive: bool = option(
        "--destructive",
        is_flag=True,
        help="Ask for what changes a key for good as well: PIN, credentials, reset. A real key "
        "must be marked in the lab file.",
    )
    lab: Path | None = option(
        "--lab",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        metavar="FILE",
        help="A lab file whose keys may be named; its rigs touch them and cut their power.",
    )
    touch: str = option("--touch", **TOUCH)
    seed: int = option("--seed", default=1, help="The chance of simulated keys.")
    pin: str | None = option("--pin", metavar="PIN", help="The PIN of a key that has one.")

    def opener(self, stack: ExitStack) -> KeyOpener:
        """Opens the keys; the stack closes them."""
        return KeyOpener(stack, self.lab, touch=self.touch, destructive=self.destructive)

    def open(self, opener: KeyOpener, address: str, number: int = 0) -> Fixture:
        """A key with a user who touches it; `number` tells simulated keys apart."""
        from mfalab.devices.ctap.user import touching

        fixture = opener.open(address, pin=self.pin, seed=self.seed + number)
        if is_real(fixture.name):
            fixture.user = touching()
        elif fixture.name.startswith("sim:"):
            fixture.user = touching(_TOUCH_AFTER_NS)
        return fixture

    def perform(self, fixture: Fixture, abilities: frozenset[Ability]) -> list[Passage]:
        """Ask a key for a suite."""
        if self.words in {(), (_BASICS,)}:
            from mfalab.simulator.traces.basics import perform

            return perform(fixture, destructive=self.destructive, abilities=abilities)
        from mfalab.simulator.conformance.chapters import TESTS
        from mfalab.simulator.conformance.compare import perform_tests
        from mfalab.simulator.conformance.suite import select
        from mfalab.simulator.entropy import Entropy

        tests = select(TESTS, self.words)
        if not tests:
            raise click.UsageError(f"no test has {' and '.join(self.words)}; or write {_BASICS}")
        return perform_tests(
            fixture,
            tests,
            entropy=Entropy(self.seed),
            destructive=self.destructive,
            touched=not is_real(fixture.name) or self.touch != "none",
            by_hand=is_real(fixture.name),
            says=lambda text: click.echo(text, err=True),
        )


@contextmanager
def key_errors(name: str) -> Iterator[None]:
    """End with one sentence when a key goes away or a recording departs."""
    from mfalab.devices.errors import DeviceError
    from mfalab.devices.schedule import NothingWillHappen
    from mfalab.simulator.traces.recorder import RecordingFailed
    from mfalab.simulator.traces.replay import Departed

    try:
        yield
    except (Departed, RecordingFailed) as error:
        raise click.UsageError(str(error)) from None
    except DeviceError as error:
        not_ready(str(error))
    except (OSError, NothingWillHappen) as error:
        not_ready(f"{name}: {getattr(error, 'strerror', None) or error}")
