"""The command `key test`: the conformance of a security key, real or simulated."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfalab.simulator.cli.common import FAILED, INTERRUPTED, PASSED, not_ready
from mfalab.simulator.cli.key_opening import KeyOpener

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mfalab.simulator.conformance.run import Result, Run
    from mfalab.simulator.conformance.suite import ConformanceTest

__all__ = ["key_test"]

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("test")
@click.argument("device", metavar="DEVICE", required=False)
@click.option("-k", "words", multiple=True, metavar="WORD", help="Only tests that have this word.")
@click.option("--html", "page", type=_FILE, metavar="FILE", help="Write a report for a browser.")
@click.option("--json", "plain", type=_FILE, metavar="FILE", help="Write a report for programs.")
@click.option(
    "--destructive",
    is_flag=True,
    help="Also what changes the key for good: a PIN, settings, reset. It is as new afterwards.",
)
@click.option(
    "--touch",
    type=click.Choice(["manual", "none"]),
    default="manual",
    show_default=True,
    help="Who touches a real key: you when it is said, or no one.",
)
@click.option("--pin", metavar="PIN", help="The PIN of a key that has one.")
@click.option(
    "--lab",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="DEVICE is a key of this lab file; its rig touches it and cuts its power.",
)
@click.option("--twin", metavar="DEVICE", help="A second key, which must not be a clone.")
@click.option("--seed", help="All chance of the run, and of a simulated key.")
@click.option("--list", "listing", is_flag=True, help="List the tests and run none.")
@click.option("-q", "--quiet", is_flag=True, help="No line for each test that passes.")
def key_test(
    device: str | None,
    words: tuple[str, ...],
    page: Path | None,
    plain: Path | None,
    destructive: bool,
    touch: str,
    pin: str | None,
    lab: Path | None,
    twin: str | None,
    seed: str | None,
    listing: bool,
    quiet: bool,
) -> None:
    """Test whether a key conforms to CTAPHID, CTAP2 and U2F.

    \b
    mfalab key test sim:ctap-2.1-pin --destructive --html report.html
    mfalab key test hid: --pin 1234 -k getassertion
    mfalab key test office-key --lab lab.yaml --destructive
    mfalab key test --list -k clientpin

    DEVICE is sim:MODEL, hid:WHICH, nfc:READER or replay:FILE, or with --lab the name of a key. What
    is tested is decided by what the key announces; what does not apply or cannot be done is skipped
    with its reason. Without --destructive nothing is changed for good: credentials that are made
    for a test are deleted again, or are not stored on the key at all.

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
        raise click.UsageError("say which key: sim:MODEL, hid:WHICH, nfc:READER or replay:FILE")
    for path in (page, plain):
        if path is not None and not path.parent.is_dir():
            raise click.UsageError(f"there is no folder {path.parent} to write {path.name} into")
    found = _run(
        tests, device, lab, twin, touch=touch, pin=pin, destructive=destructive, seed=seed,
        quiet=quiet,
    )  # fmt: skip
    _report(found, page, plain)
    if any(result.verdict.value == "interrupted" for result in found.results):
        sys.exit(INTERRUPTED)
    sys.exit(PASSED if found.passed else FAILED)


def _run(
    tests: Sequence[ConformanceTest],
    device: str,
    lab: Path | None,
    twin: str | None,
    *,
    touch: str,
    pin: str | None,
    destructive: bool,
    seed: str | None,
    quiet: bool,
) -> Run:
    from mfalab.devices.errors import DeviceError
    from mfalab.simulator.conformance.run import PinWrong, run
    from mfalab.simulator.entropy import Entropy, SystemEntropy

    with ExitStack() as stack:
        opener = KeyOpener(stack, lab, touch=touch, destructive=destructive)
        fixture = opener.open(device, pin=pin, seed=seed or "1")
        by_hand = opener.by_hand(fixture)
        other = None
        if twin is not None:
            # Another seed, since two simulated keys of one seed are clones of each other.
            of_twin = KeyOpener(stack, None, touch=touch, destructive=False)
            other = of_twin.open(twin, pin=None, seed=seed or "2")
        chance = SystemEntropy() if _is_real(fixture.name) and not seed else Entropy(seed or 1)
        terminal = _Terminal(by_hand=by_hand, quiet=quiet)
        try:
            return run(
                fixture,
                tests,
                terminal,
                random_bytes=chance.random_bytes("client"),
                destructive=destructive,
                touched=touch != "none",
                by_hand=by_hand,
                twin=other,
            )
        except PinWrong as error:
            raise click.UsageError(str(error)) from None
        except DeviceError as error:
            not_ready(str(error))


class _Terminal:
    """Says how a run goes on, a line for each test."""

    def __init__(self, *, by_hand: bool, quiet: bool) -> None:
        self._by_hand = by_hand
        self._quiet = quiet
        self._number = ""

    def begins(self, test: ConformanceTest, number: int, total: int) -> None:
        """A test is going to be run; a person is told how often the key will blink."""
        self._number = f"{number:>{len(str(total))}}/{total}"
        if self._by_hand and test.touches:
            times = "once" if test.touches == 1 else f"{test.touches} times"
            click.echo(f"{self._number} touch the key when it blinks, {times}: {test.behaviour}")

    def ends(self, result: Result) -> None:
        """A test has ended; a skip is told in the summary only."""
        from mfalab.simulator.conformance.verdicts import Verdict
        from mfalab.simulator.report.text import duration_text

        bad = result.verdict not in (Verdict.PASSED, Verdict.SKIPPED)
        if result.verdict is Verdict.SKIPPED or (self._quiet and not bad):
            return
        took = duration_text(result.lasted_ns)
        verdict = result.verdict.value.upper() if bad else result.verdict.value
        click.echo(f"{self._number} {verdict:<7} {took:>7}  {result.test.id}")

    def blinking(self, left_ns: int) -> None:
        """The key waits for its user; who touches it counts down."""

    def says(self, text: str) -> None:
        """Tell a person something."""
        click.echo(f"{self._number} {text}")


# Keys.


def _is_real(address: str) -> bool:
    return address.startswith(("hid:", "nfc:"))


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
        try:
            write(found, path)
        except OSError as error:
            raise click.UsageError(f"cannot write {path}: {error.strerror}") from None
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
