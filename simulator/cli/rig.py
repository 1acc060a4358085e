"""The command group `rig`: hands at the bench, tried out, talked to, and lent to other programs."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfalab.devices.rig import DRIVERS
from mfalab.simulator.cli.common import (
    A_FILE,
    FAILED,
    FORMAT,
    NOT_READY,
    gathered,
    not_ready,
    option,
    print_json,
)
from mfalab.simulator.cli.rig_trial import try_channel

if TYPE_CHECKING:
    from mfalab.devices.rig import Rig, RigSpec
    from mfalab.devices.rig.automation import Results
    from mfalab.devices.rig.drivers.scpi import ScpiRig
    from mfalab.devices.rig.timing import Timing

_HISTORY = "mfalab/rig_history"


@dataclass(frozen=True, slots=True)
class _Address:
    """Which rig."""

    driver: str = option(
        "--driver", type=click.Choice(list(DRIVERS)), default="scpi", help="What kind of rig it is."
    )
    port: str | None = option(
        "--port", metavar="PORT", help="Its serial port or URL, or a hub's location."
    )
    serial: str | None = option(
        "--serial", metavar="TEXT", help="The serial number that it must have."
    )
    options: tuple[str, ...] = option(
        "--option",
        multiple=True,
        metavar="NAME=VALUE",
        help="An option of the driver; may be given again. docs/rig.md has them all.",
    )

    @contextmanager
    def opened(self) -> Iterator[tuple[Rig, Timing]]:
        """The rig, open, and its timing; ends the command when it is not ready."""
        from mfalab.devices.rig.errors import OptionWrong, RigError
        from mfalab.devices.rig.opening import make_rig
        from mfalab.devices.rig.timing import ThreadTiming
        from mfalab.simulator.clocks import WallClock

        timing = ThreadTiming(WallClock())
        try:
            made = make_rig(self._spec(), clock=timing, timing=timing)
        except OptionWrong as error:
            raise click.UsageError(str(error)) from None
        try:
            made.open()
        except OptionWrong as error:
            raise click.UsageError(str(error)) from None
        except RigError as error:
            not_ready(str(error))
        try:
            yield made, timing
        finally:
            try:
                made.close()
            except RigError as error:
                click.echo(f"Error: {error}", err=True)
                sys.exit(NOT_READY)

    def _spec(self) -> RigSpec:
        from mfalab.devices.rig import RigSpec

        options: dict[str, str] = {}
        for each in self.options:
            name, equals, value = each.partition("=")
            if not equals:
                raise click.UsageError(f"{each!r} is no option of a driver; write NAME=VALUE")
            options[name] = value
        called = self.serial or self.port or self.driver
        return RigSpec(called, self.driver, self.port, self.serial, options)


@click.group()
def rig() -> None:
    """Try out what touches keys and cuts their power, and lend it to other programs.

    \b
    mfalab rig suggest                     lines for a lab file
    mfalab rig test --port /dev/ttyACM0    does every channel work?
    mfalab rig repl --port /dev/ttyACM0    talk SCPI to a board
    mfalab rig serve --serial 0042         answer the FIDO conformance tool
    """


@rig.command()
@click.option(
    "--port",
    "named",
    multiple=True,
    metavar="PORT",
    help="Also the board at this port, such as the link of a simulated rig; may be given again.",
)
@FORMAT
def suggest(named: tuple[str, ...], form: str) -> None:
    """Print lines for a lab file about the rigs that are plugged in.

    Ports are looked at and not opened, but for those that --port names: what is there is asked for
    its serial number. No simulated rig is a USB device, and no hub that ykushcmd or uhubctl can
    switch is a serial port; neither is found by itself.

    Exits with 3 when nothing is found that looks like a rig, or a named one does not answer.

    \b
    mfalab rig suggest --port LINK         of mfalab key plug FILE --uhid --rig LINK
    """
    from mfalab.devices.rig.ports import RigSpec, entry, serial_ports
    from mfalab.devices.rig.ports import suggest as suggested

    present = serial_ports()
    specs = list(suggested(present))
    for port in named:
        with _Address("scpi", port, None, ()).opened() as (opened, _):
            serial = opened.identify().serial or None
        specs.append(RigSpec(f"rig{len(specs) + 1}", "scpi", port, serial))
    if form == "json":
        print_json({each.name: _fields(each) for each in specs})
    elif specs:
        click.echo("rigs:")
        for each in specs:
            click.echo(f"  {entry(each)}")
    if not specs:
        others = ", ".join(map(str, present)) or "none at all"
        not_ready(
            f"no serial port looks like a rig (ports: {others}). Plug one in, or name the port "
            "of a simulated one with --port."
        )


@rig.command("test")
@gathered(_Address, "address")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(["touch", "power", "nfc", "display"]),
    help="Try this function only; may be given again.",
)
@FORMAT
def try_out(only: tuple[str, ...], form: str, address: _Address) -> None:
    """Try every channel that a rig has, and report what worked.

    Keys in front of it are touched, lose their power and get it back.

    Exits with 1 when something failed, with 3 when the rig cannot be opened.

    \b
    mfalab rig test                                      the only board there is
    mfalab rig test --driver numato --option power=1,2 --only power
    """
    from mfalab.devices.rig import Function

    with address.opened() as (opened, timing):
        identity = opened.identify()
        counts = {each.value: opened.functions.get(each, 0) for each in Function}
        wanted = {name: n for name, n in counts.items() if n and (not only or name in only)}
        if form == "text":
            about = " ".join(filter(None, asdict(identity).values())) or opened.name
            fitted = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
            click.echo(f"{about}: {fitted or 'nothing fitted'}")
        findings = []
        for name, channel in ((n, c) for n, count in wanted.items() for c in range(1, count + 1)):
            if opened.broken is not None:
                break  # one reason is enough
            for finding in try_channel(opened, timing, name, channel):
                findings.append(finding)
                if form == "text":
                    mark = "ok    " if finding.passed else "FAILED"
                    says = f": {finding.says}" if finding.says else ""
                    click.echo(f"{mark}  {f'{name} {channel}':<10} {finding.tried}{says}")
        broken = opened.broken is not None
        failed = sum(not each.passed for each in findings)
        if form == "json":
            tried = [asdict(each) for each in findings]
            print_json({"identity": asdict(identity), "broken": broken, "tried": tried})
        else:
            rest = "; the rig broke, so nothing further was tried" if broken else ""
            click.echo(f"{len(findings) - failed} ok, {failed} failed{rest}")
    if failed:
        sys.exit(FAILED)


@rig.command()
@gathered(_Address, "address")
def repl(address: _Address) -> None:
    """Talk SCPI to a board: each line is sent, its answer and its error are shown.

    On a terminal, lines can be edited and earlier ones called back. From a pipe, lines are sent
    one after another, and a refusal makes the exit code 1.

    \b
    mfalab rig repl --port /dev/ttyACM0
    echo 'TOUC1:PULS 150;LAST?' | mfalab rig repl --port /dev/ttyACM0
    """
    if address.driver != "scpi":
        raise click.UsageError(f"driver {address.driver} speaks no SCPI; repl is for scpi")
    from mfalab.devices.rig import RigBroken

    refused = False
    with address.opened() as (opened, _):
        talking = sys.stdin.isatty()
        if talking:
            click.echo(f"{' '.join(asdict(opened.identify()).values())}; Ctrl-D ends")
        with _history(talking):
            for line in _lines(talking):
                try:
                    refused |= not _say(opened, line)  # type: ignore[arg-type] # its driver is scpi
                except RigBroken as error:
                    not_ready(str(error))
                except ValueError as error:
                    click.echo(str(error), err=True)
                    refused = True
    if refused and not talking:
        sys.exit(FAILED)


def _say(opened: ScpiRig, line: str) -> bool:
    """Send a line and show what comes back; whether it was done."""
    from mfalab.devices.rig.scpi import quoted

    reply = opened.command(line)
    if reply.answers:
        click.echo(";".join(reply.answers))
    if reply.code:
        click.echo(f"{reply.code},{quoted(reply.text)}", err=True)
    return not reply.code


def _lines(talking: bool) -> Iterator[str]:
    while True:
        try:
            line = input("rig> " if talking else "").strip()
        except EOFError:
            if talking:
                click.echo()
            return
        if line:
            yield line


@contextmanager
def _history(talking: bool) -> Iterator[None]:
    """Keep the lines of people from one day to the next."""
    if not talking:
        yield
        return
    import readline

    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    file = Path(home) / _HISTORY
    with suppress(OSError):
        readline.read_history_file(file)
    try:
        yield
    finally:
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            readline.set_history_length(1000)
            readline.write_history_file(file)


def _loopback_origins(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    """Origins as browsers write them, of pages on this machine."""
    for origin in given:
        if not re.fullmatch(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", origin):
            raise click.BadParameter(
                f"{origin} is no origin of a page on this machine; write http://localhost:8080"
            )
    return given


@rig.command()
@gathered(_Address, "address")
@click.option("--touch", type=click.IntRange(1), default=1, show_default=True, help="Its channel.")
@click.option("--power", type=click.IntRange(1), default=1, show_default=True, help="Its channel.")
@click.option(
    "--listen",
    type=click.IntRange(0, 65535),
    default=3000,
    show_default=True,
    metavar="PORT",
    help="The port on the loopback interface; the tool knows 3000 only.",
)
@click.option(
    "--results",
    type=A_FILE,
    metavar="FILE",
    help="Append the results that the tool reports, a line of JSON for each run.",
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    callback=_loopback_origins,
    help="A web page of this machine that may ask, such as http://localhost:8080; none may else.",
)
def serve(
    touch: int,
    power: int,
    listen: int,
    results: Path | None,
    origins: tuple[str, ...],
    address: _Address,
) -> None:
    """Answer the FIDO conformance tool's automation with a rig, until interrupted.

    In the tool, check "Enable test automation" under "Advanced options". It then asks for touches
    and power cycles by POSTs to http://localhost:3000 instead of asking you.

    Exits with 3 when the rig breaks or the port is taken.

    \b
    mfalab rig serve --port /dev/ttyACM0 --touch 2 --power 2 --results runs.jsonl
    """
    from mfalab.devices.rig.automation import Automation, make_server
    from mfalab.devices.rig.errors import RigError
    from mfalab.devices.rig.rig import Function

    with address.opened() as (opened, timing):
        try:
            opened.require(Function.TOUCH, touch)
            opened.require(Function.POWER, power)
        except RigError as error:
            not_ready(str(error))
        automation = Automation(
            opened,
            timing,
            touch=touch,
            power=power,
            on_request=partial(click.echo, err=True),
            on_results=partial(_keep, file=results),
            origins=origins,
        )
        try:
            server = make_server(automation, listen)
        except OSError as error:
            not_ready(f"cannot listen on port {listen}: {error.strerror}. End what does.")
        with server:
            click.echo(f"http://localhost:{server.server_address[1]}/conformance/")
            server.timeout = 1
            while opened.broken is None:
                server.handle_request()
        not_ready(str(opened.broken))


def _keep(told: Results, *, file: Path | None) -> None:
    """Print results of the tool, and append them to a file."""
    click.echo(f"results: {told.passed} passed, {told.failed} failed")
    for failure in told.failures:
        click.echo(f"  {failure}")
    if file is not None:
        with file.open("a", encoding="utf-8") as results:
            results.write(json.dumps(told.raw, ensure_ascii=False) + "\n")


def _fields(spec: RigSpec) -> dict[str, object]:
    fields = asdict(spec)
    del fields["name"]
    return {name: value for name, value in fields.items() if value}


COMMANDS = {"rig": rig}
"""Each command by its name."""
