"""The command `key test`: the conformance of a security key, real or simulated."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfalab.simulator.cli.common import (
    A_FILE,
    FAILED,
    INTERRUPTED,
    PASSED,
    gathered,
    not_ready,
    option,
)
from mfalab.simulator.cli.key_argument import TOUCH, KeyOpener
from mfalab.simulator.cli.outputs import errors_of_writing, require_writable
from mfalab.simulator.workbench.address import is_real

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mfalab.simulator.conformance.run import Result, Run
    from mfalab.simulator.conformance.suite import ConformanceTest
    from mfalab.simulator.keys.fixture import Fixture


@dataclass(frozen=True, slots=True, repr=False)
class _Manner:
    """How a key is tested."""

    destructive: bool = option(
        "--destructive",
        is_flag=True,
        help="Also what changes the key for good: a PIN, settings, reset. It is as new afterwards.",
    )
    touch: str = option("--touch", **TOUCH)
    pin: str | None = option("--pin", metavar="PIN", help="The PIN of a key that has one.")
    lab: Path | None = option(
        "--lab",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        metavar="FILE",
        help="DEVICE is a key of this lab file; its rig touches it and cuts its power.",
    )
    twin: str | None = option(
        "--twin", metavar="DEVICE", help="A second key, which must not be a clone."
    )
    seed: str | None = option("--seed", help="All chance of the run, and of a simulated key.")

    def run(self, tests: Sequence[ConformanceTest], device: str, *, quiet: bool) -> Run:
        """Run tests on a key, and say how it goes on."""
        from mfalab.devices.errors import DeviceError
        from mfalab.simulator.conformance.run import PinWrong, run
        from mfalab.simulator.entropy import Entropy, SystemEntropy

        with ExitStack() as stack:
            opener = KeyOpener(stack, self.lab, touch=self.touch, destructive=self.destructive)
            fixture = opener.open(device, pin=self.pin, seed=self.seed or "1")
            by_hand = opener.by_hand(fixture)
            twin = self._twin(stack)
            chance = (
                SystemEntropy()
                if is_real(fixture.name) and not self.seed
                else Entropy(self.seed or 1)
            )
            terminal = _Terminal(by_hand=by_hand, quiet=quiet)
            try:
                return run(
                    fixture,
                    tests,
                    terminal,
                    random_bytes=chance.random_bytes("client"),
                    destructive=self.destructive,
                    touched=self.touch != "none",
                    by_hand=by_hand,
                    twin=twin,
                )
            except PinWrong as error:
                raise click.UsageError(str(error)) from None
            except DeviceError as error:
                not_ready(str(error))

    def _twin(self, stack: ExitStack) -> Fixture | None:
        if self.twin is None:
            return None
        # Another seed, since two simulated keys of one seed are clones of each other.
        opener = KeyOpener(stack, None, touch=self.touch, destructive=False)
        return opener.open(self.twin, pin=None, seed=self.seed or "2")


@click.command("test")
@click.argument("device", metavar="DEVICE", required=False)
@click.option("-k", "words", multiple=True, metavar="WORD", help="Only tests that have this word.")
@click.option("--html", "page", type=A_FILE, metavar="FILE", help="Write a report for a browser.")
@click.option("--json", "plain", type=A_FILE, metavar="FILE", help="Write a report for programs.")
@gathered(_Manner, "manner")
@click.option("--list", "listing", is_flag=True, help="List the tests and run none.")
@click.option("-q", "--quiet", is_flag=True, help="No line for each test that passes.")
def key_test(
    device: str | None,
    words: tuple[str, ...],
    page: Path | None,
    plain: Path | None,
    manner: _Manner,
    listing: bool,
    quiet: bool,
) -> None:
    """Test whether a key conforms to CTAPHID, CTAP2 and U2F.

    \b
    mfalab key test sim:ctap-2.1-pin --destructive --html report.html
    mfalab key test hid: --pin 1234 -k getassertion
    mfalab key test office-key --lab lab.yaml --destructive
    mfalab key test --list -k clientpin

    DEVICE is sim:MODEL, hid:WHICH, nfc:READER, udp:PORT or replay:FILE, the file of a simulated
    key, which keeps what is done, or with --lab the name of a key. What is tested is decided by
    what the key announces; what does not apply or cannot be done is skipped with its reason.
    Without --destructive nothing is changed for good: credentials that are made for a test are
    deleted again, or are not stored on the key at all.

    Exits with 0 when nothing failed, with 1 when something did, with 2 when it was asked for
    wrongly, with 3 when the key is not there.
    """
    from mfalab.simulator.conformance.chapters import TESTS
    from mfalab.simulator.conformance.suite import select

    tests = select(TESTS, words)
    if not tests:
        raise click.UsageError(f"no test has {' and '.join(words)}; see all with --list")
    if listing:
        _show(tests)
        return
    if device is None:
        raise click.UsageError(
            "say which key: sim:MODEL, hid:WHICH, nfc:READER, udp:PORT, replay:FILE or a key's file"
        )
    for path in (page, plain):
        if path is not None:
            require_writable(path)
    found = manner.run(tests, device, quiet=quiet)
    _report(found, page, plain)
    if any(result.verdict.value == "interrupted" for result in found.results):
        sys.exit(INTERRUPTED)
    sys.exit(PASSED if found.passed else FAILED)


class _Terminal:
    """Says how a run goes on, a line for each test."""

    def __init__(self, *, by_hand: bool, quiet: bool) -> None:
        self._by_hand = by_hand
        self._quiet = quiet
        self._number = ""

    def begin(self, test: ConformanceTest, number: int, total: int) -> None:
        """A test is going to be run; a person is told how often the key will blink."""
        self._number = f"{number:>{len(str(total))}}/{total}"
        if self._by_hand and test.touches:
            times = "once" if test.touches == 1 else f"{test.touches} times"
            click.echo(f"{self._number} touch the key when it blinks, {times}: {test.behaviour}")

    def end(self, result: Result) -> None:
        """A test has ended; a skip is told in the summary only."""
        from mfalab.simulator.conformance.verdicts import Verdict
        from mfalab.simulator.report.text import duration_text

        bad = result.verdict not in (Verdict.PASSED, Verdict.SKIPPED)
        if result.verdict is Verdict.SKIPPED or (self._quiet and not bad):
            return
        # Only virtual time stands still during a test; that says nothing of the key.
        took = duration_text(result.lasted_ns) if result.lasted_ns else ""
        verdict = result.verdict.value.upper() if bad else result.verdict.value
        click.echo(f"{self._number} {verdict:<7} {took:>7}  {result.test.id}")

    def blink(self, left_ns: int) -> None:
        """The key waits for its user; who touches it counts down."""

    def say(self, text: str) -> None:
        """Tell a person something."""
        click.echo(f"{self._number} {text}")


# What was found.


def _report(found: Run, page: Path | None, plain: Path | None) -> None:
    from mfalab.simulator.conformance.report import summary, write_json

    click.echo()
    for line in summary(found):
        click.echo(line)
    writers: list[tuple[Path, Callable[[Run, Path], None]]] = []
    if plain is not None:
        writers.append((plain, write_json))
    if page is not None:
        from mfalab.simulator.conformance.html import write_html

        writers.append((page, write_html))
    for path, write in writers:
        with errors_of_writing(path):
            write(found, path)
        click.echo(f"report: {path}")


def _show(tests: Sequence[ConformanceTest]) -> None:
    """List tests by chapter."""
    chapter = ""
    for each in tests:
        if each.chapter != chapter:
            chapter = each.chapter
            click.echo(("" if each is tests[0] else "\n") + chapter)
        traits = [
            "destructive" if each.destructive else "",
            "" if not each.touches else f"{each.touches} touch{'es' if each.touches > 1 else ''}",
        ]
        told = ", ".join(trait for trait in traits if trait)
        click.echo(f"  {each.id}  [{each.section}]" + (f"  ({told})" if told else ""))
        click.echo(f"      {each.behaviour}")
    count = len(tests)
    click.echo(f"\n{count} test{'s' if count > 1 else ''}")
