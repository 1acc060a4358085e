"""Commands of the group `key` about traffic: record it, show it, and hold two keys side by side."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mfalab.simulator.cli.common import FAILED, FORMAT, PASSED, not_ready, print_json
from mfalab.simulator.cli.key_opening import KeyOpener

if TYPE_CHECKING:
    from mfalab.devices.clock import Clock
    from mfalab.devices.security_key import SecurityKey
    from mfalab.devices.transports.hid_device import HidDevice
    from mfalab.simulator.abilities import Ability
    from mfalab.simulator.keys.fixture import Fixture
    from mfalab.simulator.traces.compare import Difference, Passage
    from mfalab.simulator.traces.dissect import Message
    from mfalab.simulator.traces.recorder import Tape

__all__ = ["RECORD", "SHOW_SECRETS", "add_to", "diff", "record", "record_plugged", "show_trace"]

_MS = 10**6
_TOUCH_AFTER_NS = 300 * _MS
_BASICS = "basics"
_WIDE = 140

SHOW_SECRETS = click.option(
    "--show-secrets", is_flag=True, help="PINs, tokens and keys as they are, not masked."
)
RECORD = click.option(
    "--record",
    "recording",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.pcapng",
    help="Record what passes; Wireshark opens it, key show-trace tells it.",
)
"""The option of `key plug`."""
_SUITE = click.argument("words", metavar="[SUITE]...", nargs=-1)


def _fixture_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that ask keys for something."""
    options: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
        click.option("--pin", metavar="PIN", help="The PIN of a key that has one."),
        click.option("--seed", default=1, show_default=True, help="The chance of simulated keys."),
        click.option(
            "--touch",
            type=click.Choice(["manual", "none"]),
            default="manual",
            show_default=True,
            help="Who touches a real key: you when it is said, or no one.",
        ),
        click.option(
            "--lab",
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            metavar="FILE",
            help="A lab file whose keys may be named; its rigs touch them and cut their power.",
        ),
        click.option(
            "--destructive",
            is_flag=True,
            help="Ask for what changes a key for good as well: PIN, credentials, reset. A real key "
            "must be marked in the lab file.",
        ),
    )
    for option in options:
        command = option(command)
    return command


# Showing.


@click.command("show-trace")
@click.argument("path", metavar="FILE.pcapng", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--full", is_flag=True, help="Long byte strings in full.")
@click.option("-k", "words", multiple=True, metavar="WORD", help="Only lines with this word.")
@SHOW_SECRETS
@FORMAT
def show_trace(
    path: Path, full: bool, words: tuple[str, ...], show_secrets: bool, form: str
) -> None:
    """Tell what passes in a recording, one line a message.

    \b
    mfalab key show-trace session.pcapng
    mfalab key show-trace session.pcapng -k clientPIN --full

    A line has the message's number, seconds since the first message, the way (-> to the key), the
    CTAPHID channel, the command, the status of an answer, and parameters in CBOR diagnostic
    notation. What was masked when it was recorded stays masked.

    Captures of a USB bus by Wireshark are told as well, of the first key that is opened in them.

    Exits with 2 when the file is no recording.
    """
    from mfalab.simulator.traces.dissect import dissect

    frames, cut = _read(path)
    since_ns = frames[0].ts_ns if frames else 0
    told = [
        message
        for message in dissect(frames, reveal=show_secrets, full=full)
        if all(word.lower() in message.summary.lower() for word in words)
    ]
    if form == "json":
        print_json([_as_json(message) for message in told])
    else:
        for message in told:
            click.echo(f"{message.number:>5} {message.line(since_ns)}")
    if cut:
        click.echo(f"{path} is cut; this is what was recorded before", err=True)


def _read(path: Path) -> tuple[list[Any], bool]:
    from mfalab.simulator.traces.capture import read_capture
    from mfalab.simulator.traces.pcapng import NotPcapng

    try:
        frames, cut, _ = read_capture(path)
    except OSError as error:
        raise click.UsageError(f"cannot read {path}: {error.strerror or error}") from None
    except NotPcapng as error:
        raise click.UsageError(str(error)) from None
    if not frames and not cut:
        raise click.UsageError(f"{path} has no CTAP traffic in it")
    return frames, cut


def _as_json(message: Message) -> dict[str, Any]:
    from mfalab.simulator.traces.recorder import event

    return {"number": message.number, "ts_ns": message.ts_ns, **event(message, "")}


# Recording.


@click.command()
@click.argument("address", metavar="DEVICE")
@click.argument("path", metavar="FILE.pcapng", type=click.Path(path_type=Path, dir_okay=False))
@_SUITE
@_fixture_options
@SHOW_SECRETS
def record(
    address: str,
    path: Path,
    words: tuple[str, ...],
    pin: str | None,
    seed: int,
    touch: str,
    lab: Path | None,
    destructive: bool,
    show_secrets: bool,
) -> None:
    """Ask a key for what SUITE has, and record it to FILE.pcapng.

    \b
    mfalab key record hid: my-key.pcapng
    mfalab key record sim:ctap-2.3 model.pcapng basics --destructive

    DEVICE is sim:MODEL, hid:WHICH or nfc:READER, or a key of the lab file. SUITE is `basics`, a set
    of exchanges that show what a key is like, or words that choose tests of the conformance suite.
    The recording stands for the key as replay:FILE.pcapng, such as in mfalab key diff. To record
    what other programs do
    with a simulated key, use mfalab key plug --record.

    PINs, tokens and keys are masked with zeros unless --show-secrets is given.

    Exits with 2 when the words choose nothing or the file cannot be written, with 3 when there is
    no such key.
    """
    from mfalab.simulator.traces.recorder import Recording

    with ExitStack() as stack:
        opener = KeyOpener(stack, lab, touch=touch, destructive=destructive)
        fixture = _open(opener, address, pin, seed)
        with _key_errors(fixture.name):
            recording = Recording(fixture, _tape(stack, path, fixture.name, reveal=show_secrets))
            passages = _perform(recording, words, fixture.can, seed, destructive, touch)
            recording.close()
    told = sum(len(passage.messages) for passage in passages)
    click.echo(f"{path}: {told} messages of {fixture.name} (mfalab key show-trace {path})")


def _tape(
    stack: ExitStack,
    path: Path,
    name: str,
    *,
    reveal: bool,
    about: HidDevice | None = None,
) -> Tape:
    """A tape that the stack flushes and closes."""
    from mfalab.simulator.traces.recorder import RecordingFailed, open_tape

    try:
        tape, file = open_tape(path, name=name, about=about, reveal=reveal)
    except RecordingFailed as error:
        raise click.UsageError(str(error)) from None
    stack.enter_context(file)
    stack.callback(tape.flush)
    return tape


def record_plugged(
    stack: ExitStack,
    key: SecurityKey,
    about: HidDevice,
    path: Path,
    clock: Clock,
    *,
    reveal: bool,
) -> None:
    """Record what passes between a key and other programs from now on, until the stack closes.

    Args:
        stack: flushes and closes the file.
        key: the key, before ways to it are opened.
        about: what it says of itself.
        path: the file.
        clock: tells when something passes.
        reveal: record secrets as they are.

    Raises:
        UsageError: the file cannot be written.
    """
    from mfalab.simulator.traces.recorder import KeyTap

    tape = _tape(stack, path, key.name, reveal=reveal, about=about)
    tap = KeyTap(key, tape, clock)
    stack.callback(tap.drain)


# Comparing.


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@_SUITE
@_fixture_options
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=100.0,
    show_default=True,
    metavar="MS",
    help="By how many milliseconds times may differ, in the median.",
)
@click.option("--no-timing", is_flag=True, help="Leave times out.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def diff(
    first: str,
    second: str,
    words: tuple[str, ...],
    pin: str | None,
    seed: int,
    touch: str,
    lab: Path | None,
    destructive: bool,
    tolerance: float,
    no_timing: bool,
    as_json: bool,
) -> None:
    """Ask two keys the same and tell where their answers part.

    \b
    mfalab key diff sim:ctap-2.1-pin sim:ctap-2.3
    mfalab key diff office-key sim:yubikey-like --lab lab.yaml --destructive
    mfalab key diff replay:old-firmware.pcapng hid:12345678 basics

    A and B are sim:MODEL, hid:WHICH, nfc:READER or replay:FILE, or keys of the lab file. SUITE is
    `basics`, a set of exchanges that show what a key is like, or words that choose tests of the
    conformance suite.
    What only one of the two can do, such as have its power cut, is not asked.

    Statuses, members, flags, extensions, prompts and times are compared. Keys, credential IDs and
    tokens count by their length, signatures by whether they verify, the counter by whether it
    moves.

    Exits with 0 when they are alike, 1 when they differ, 2 on wrong usage, 3 when a key is missing.
    """
    from mfalab.simulator.traces.compare import compare

    with ExitStack() as stack:
        opener = KeyOpener(stack, lab, touch=touch, destructive=destructive)
        keys = [
            _open(opener, address, pin, seed + number)
            for number, address in enumerate((first, second))
        ]
        shared = keys[0].can & keys[1].can
        done = []
        for key in keys:
            with _key_errors(key.name):
                done.append(_perform(key, words, shared, seed, destructive, touch))
    found = compare(*done, tolerance_ns=None if no_timing else round(tolerance * _MS))
    if as_json:
        print_json(_diff_as_json((first, second), done, found))
    else:
        _show_diff((first, second), done, found)
    sys.exit(FAILED if found else PASSED)


def _diff_as_json(
    names: tuple[str, str], done: Sequence[Sequence[Passage]], found: Sequence[Difference]
) -> dict[str, Any]:
    return {
        "first": names[0],
        "second": names[1],
        "alike": not found,
        "passages": list(dict.fromkeys(passage.name for side in done for passage in side)),
        "differences": [
            {
                "request": each.request,
                "part": each.part.value,
                "what": each.what,
                "first": each.first,
                "second": each.second,
                "passages": list(each.passages),
                "times": each.times,
            }
            for each in found
        ],
    }


def _show_diff(
    names: tuple[str, str], done: Sequence[Sequence[Passage]], found: Sequence[Difference]
) -> None:
    passages = len({passage.name for side in done for passage in side})
    asked = f"{passages} passage{'s' if passages != 1 else ''}"
    if not found:
        click.echo(f"{names[0]} and {names[1]} are alike in {asked}")
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from mfalab.simulator.traces.compare import Part

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("request", "differs in", *names, "where"):
        table.add_column(Text(title), overflow="fold")
    order = {request: at for at, request in enumerate(dict.fromkeys(d.request for d in found))}
    before = None
    for each in sorted(found, key=lambda one: order[one.request]):
        what = each.what if each.part is Part.MEMBER else f"{each.part.value} {each.what}".rstrip()
        shown = "" if each.request == before else each.request or "(the passage)"
        where = each.passages[0] + (f", {each.times} times" if each.times > 1 else "")
        table.add_row(*(Text(cell) for cell in (shown, what, each.first, each.second, where)))
        before = each.request
    console = Console()
    if not console.is_terminal:
        console.width = _WIDE
    console.print(table)
    count = len(found)
    click.echo(f"{count} difference{'s' if count > 1 else ''} in {asked}")


# Keys.


def _perform(
    fixture: Fixture,
    words: tuple[str, ...],
    abilities: frozenset[Ability],
    seed: int,
    destructive: bool,
    touch: str,
) -> list[Passage]:
    """Ask a key for a suite."""
    if words in {(), (_BASICS,)}:
        from mfalab.simulator.traces.basics import perform

        return perform(fixture, destructive=destructive, abilities=abilities)
    from mfalab.simulator.conformance.chapters import TESTS
    from mfalab.simulator.conformance.compare import perform_tests
    from mfalab.simulator.conformance.suite import select
    from mfalab.simulator.entropy import Entropy

    tests = select(TESTS, words)
    if not tests:
        raise click.UsageError(f"no test has {' and '.join(words)}; or write {_BASICS}")
    return perform_tests(
        fixture,
        tests,
        entropy=Entropy(seed),
        destructive=destructive,
        touched=not _is_real(fixture.name) or touch != "none",
        by_hand=_is_real(fixture.name),
        says=lambda text: click.echo(text, err=True),
    )


def _is_real(address: str) -> bool:
    return address.startswith(("hid:", "nfc:"))


def _open(opener: KeyOpener, address: str, pin: str | None, seed: int) -> Fixture:
    """A key for a command, with a user who touches it."""
    from mfalab.devices.ctap.user import touching

    fixture = opener.open(address, pin=pin, seed=seed)
    if _is_real(fixture.name):
        fixture.user = touching()
    elif fixture.name.startswith("sim:"):
        fixture.user = touching(_TOUCH_AFTER_NS)
    return fixture


@contextmanager
def _key_errors(name: str) -> Iterator[None]:
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


def add_to(group: click.Group) -> None:
    """Add these commands to the group `key`."""
    for command in (record, show_trace, diff):
        group.add_command(command)
