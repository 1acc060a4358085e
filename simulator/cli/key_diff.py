"""The command `key diff`: two keys are asked the same, and their answers compared."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from mfalab.simulator.cli.common import FAILED, PASSED, gathered, print_json
from mfalab.simulator.cli.key_asking import Asking, key_errors

if TYPE_CHECKING:
    from mfalab.simulator.traces.compare import Difference, Passage

_WIDE = 140


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@gathered(Asking, "asking")
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
    asking: Asking,
    tolerance: float,
    no_timing: bool,
    as_json: bool,
) -> None:
    """Ask two keys the same and tell where their answers part.

    \b
    mfalab key diff sim:ctap-2.1-pin sim:ctap-2.3
    mfalab key diff office-key sim:yubikey-like --lab lab.yaml --destructive
    mfalab key diff replay:old-firmware.pcapng hid:12345678 basics

    A and B are sim:MODEL, hid:WHICH, nfc:READER, udp:PORT or replay:FILE, or keys of the lab file.
    SUITE is `basics`, a set of exchanges that show what a key is like, or words that choose tests
    of the conformance suite.
    What only one of the two can do, such as have its power cut, is not asked.

    Statuses, members, flags, extensions, prompts and times are compared. Keys, credential IDs and
    tokens count by their length, signatures by whether they verify, the counter by whether it
    moves.

    Exits with 0 when they are alike, 1 when they differ, 2 on wrong usage, 3 when a key is missing.
    """
    from mfalab.simulator.traces.compare import compare

    with ExitStack() as stack:
        opener = asking.opener(stack)
        keys = [
            asking.open(opener, address, number) for number, address in enumerate((first, second))
        ]
        shared = keys[0].can & keys[1].can
        done = []
        for key in keys:
            with key_errors(key.name):
                done.append(asking.perform(key, shared))
    found = compare(*done, tolerance_ns=None if no_timing else round(tolerance * 10**6))
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
