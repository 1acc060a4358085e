"""Commands of the group `key` about traffic: record it and show it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mfalab.simulator.cli.common import A_FILE, FORMAT, gathered, print_json
from mfalab.simulator.cli.key_asking import Asking, key_errors

if TYPE_CHECKING:
    from mfalab.devices.clock import Clock
    from mfalab.devices.security_key import SecurityKey
    from mfalab.devices.transports.hid_device import HidDevice
    from mfalab.simulator.traces.dissect import Message
    from mfalab.simulator.traces.recorder import Tape

SHOW_SECRETS = click.option(
    "--show-secrets", is_flag=True, help="PINs, tokens and keys as they are, not masked."
)
RECORD = click.option(
    "--record",
    "recording",
    type=A_FILE,
    metavar="FILE.pcapng",
    help="Record what passes; Wireshark opens it, key show-trace tells it.",
)
"""The option of `key plug`."""


# Showing.


@click.command("show-trace")
@click.argument("path", metavar="FILE.pcapng", type=A_FILE)
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
    from mfalab.simulator.traces.pcapng import NotACapture

    try:
        frames, cut, lost = read_capture(path)
    except OSError as error:
        raise click.UsageError(f"cannot read {path}: {error.strerror or error}") from None
    except NotACapture as error:
        raise click.UsageError(str(error)) from None
    if not frames and not cut:
        raise click.UsageError(f"{path} has no CTAP traffic in it{lost and f': {lost}'}")
    if lost:
        click.echo(f"{path}: {lost}", err=True)
    return frames, cut


def _as_json(message: Message) -> dict[str, Any]:
    from mfalab.simulator.traces.recorder import event

    return {"number": message.number, "ts_ns": message.ts_ns, **event(message, "")}


# Recording.


@click.command()
@click.argument("address", metavar="DEVICE")
@click.argument("path", metavar="FILE.pcapng", type=A_FILE)
@gathered(Asking, "asking")
@SHOW_SECRETS
def record(
    address: str,
    path: Path,
    asking: Asking,
    show_secrets: bool,
) -> None:
    """Ask a key for what SUITE has, and record it to FILE.pcapng.

    \b
    mfalab key record hid: my-key.pcapng
    mfalab key record sim:ctap-2.3 model.pcapng basics --destructive

    DEVICE is sim:MODEL, hid:WHICH, nfc:READER or udp:PORT, or a key of the lab file. SUITE is
    `basics`, a set of exchanges that show what a key is like, or words that choose tests of the
    conformance suite.
    The recording stands for the key as replay:FILE.pcapng, such as in mfalab key diff. To record
    what other programs do
    with a simulated key, use mfalab key plug --record.

    PINs, tokens and keys are masked with zeros unless --show-secrets is given.

    Exits with 2 when the words choose nothing or the file cannot be written, with 3 when there is
    no such key.
    """
    from mfalab.simulator.traces.recorder import Recording

    with ExitStack() as stack:
        opener = asking.opener(stack)
        fixture = asking.open(opener, address)
        with key_errors(fixture.name):
            recording = Recording(fixture, _tape(stack, path, fixture.name, reveal=show_secrets))
            passages = asking.perform(recording, fixture.can)
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
