"""The command group `token`: hardware tokens on the bench and their clocks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mfalab.simulator.cli.common import (
    BAD_USAGE,
    FAILED,
    FORMAT,
    INTERRUPTED,
    not_ready,
    print_json,
)

if TYPE_CHECKING:
    from mfalab.devices.otp.seed import OtpSeed
    from mfalab.simulator.twin.measuring import Measurement
    from mfalab.simulator.twin.readings import CodeReading, ReadingsFile, Temperature, Timing
    from mfalab.simulator.twin.telling import Account

__all__ = ["token"]

_RIG_READINGS = 100


class _Quantity(click.ParamType[object]):
    """A number with its unit, as scenarios write them."""

    def __init__(self, name: str, parser: str) -> None:
        self.name = name
        self._parser = parser

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        """The value in nanoseconds or steps."""
        from mfalab.simulator.language import units

        if not isinstance(value, str):
            return value
        try:
            return getattr(units, self._parser)(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


_SPAN = _Quantity("duration", "parse_span_ns")
_INSTANT = _Quantity("time", "parse_instant_ns")
_STEPS = _Quantity("steps", "parse_steps")
_OUT = click.Path(path_type=Path, dir_okay=False)


@click.group()
def token() -> None:
    """Measure the clocks of hardware tokens.

    \b
    mfalab token measure --file fob.csv --seeds seeds.csv --serial 0042 --manual
    """


@token.command()
@click.option(
    "--file",
    "path",
    type=_OUT,
    required=True,
    metavar="FILE.csv",
    help="The readings: time,code[,temperature]. New ones are added to it.",
)
@click.option("--manual", is_flag=True, help="Add readings: type what the display shows.")
@click.option(
    "--rig",
    "port",
    metavar="PORT",
    help="Add readings: a rig reads the display. Its port, or a URL of pyserial.",
)
@click.option(
    "--channel", type=click.IntRange(1), default=1, show_default=True, help="The rig's display."
)
@click.option("--watch", is_flag=True, help="Wait for the code to change: sharper by far.")
@click.option(
    "--readings",
    "count",
    type=click.IntRange(1),
    help="How many readings to add; a person can end at any time.",
)
@click.option(
    "--every",
    type=_SPAN,
    default="1 h",
    show_default=True,
    help="From one reading of a rig to the next, about.",
)
@click.option(
    "--reaction",
    type=_SPAN,
    help="How long after it was seen a typed code arrives at most: 10 s, or 1 s with --watch.",
)
@click.option(
    "--uncertainty",
    type=_SPAN,
    default="1 s",
    show_default=True,
    help="How far the times of the file may be off, where it does not say.",
)
@click.option(
    "--seeds",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The maker's seed file, PSKC or CSV.",
)
@click.option(
    "--seeds-password",
    envvar="MFALAB_SEEDS_PASSWORD",
    help="Of an encrypted PSKC file; better in MFALAB_SEEDS_PASSWORD.",
)
@click.option("--serial", help="The token in the seed file.")
@click.option(
    "--otpauth",
    envvar="MFALAB_OTPAUTH",
    metavar="URI",
    help="A key URI instead of a seed file; better in MFALAB_OTPAUTH.",
)
@click.option(
    "--crystal",
    type=click.Choice(["quartz", "tcxo", "mems"]),
    default="quartz",
    show_default=True,
    help="What keeps its time.",
)
@click.option("--made", type=_INSTANT, help="When it was made; a new crystal ages fastest.")
@click.option(
    "--search", type=_SPAN, default="1 d", show_default=True, help="How far off its clock may be."
)
@click.option("--from", "begin_ns", type=_INSTANT, help="Use only readings from then on.")
@click.option("--until", "end_ns", type=_INSTANT, help="Use only readings up to then.")
@click.option(
    "--confidence",
    type=click.FloatRange(50, 99.9),
    default=99.0,
    show_default=True,
    metavar="PERCENT",
    help="What the limits hold with.",
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    type=click.Choice(["aws-observed", "rfc6238"]),
    default=["aws-observed"],
    show_default=True,
    help="Predict for this verifier; several times for several.",
)
@click.option(
    "--paired",
    type=_INSTANT,
    help="When the last pair of codes was verified; when the readings end by default.",
)
@click.option(
    "--remembers",
    type=_STEPS,
    metavar="STEPS",
    help="What the verifier remembers as the token's offset, if that is known.",
)
@click.option(
    "--scenario",
    type=_OUT,
    metavar="FILE.scenario.yaml",
    help="Write it as a device of a scenario.",
)
@click.option("--html", type=_OUT, metavar="FILE.html", help="Write a page with pictures.")
@FORMAT
def measure(
    path: Path,
    manual: bool,
    port: str | None,
    channel: int,
    watch: bool,
    count: int | None,
    every: int,
    reaction: int | None,
    uncertainty: int,
    seeds: Path | None,
    seeds_password: str | None,
    serial: str | None,
    otpauth: str | None,
    crystal: str,
    made: int | None,
    search: int,
    begin_ns: int | None,
    end_ns: int | None,
    confidence: float,
    profiles: tuple[str, ...],
    paired: int | None,
    remembers: int | None,
    scenario: Path | None,
    html: Path | None,
    form: str,
) -> None:
    """Measure how wrong a token's clock is and how it drifts, from the codes that it shows.

    \b
    mfalab token measure --file fob.csv --seeds seeds.csv --serial 0042 --manual
    mfalab token measure --file fob.csv --seeds seeds.csv --serial 0042 --rig /dev/ttyACM0
    mfalab token measure --file fob.csv --seeds seeds.csv --serial 0042 --html fob.html

    The first two add readings to the file, each at once, and may be interrupted and started again;
    all of them then say what the readings of the file tell. The file holds codes: keep it as you
    keep the token.

    Exits with 1 when the clock has stopped, jumps, or runs at no steady rate; with 2 when there
    are too few readings, the seed is not that of the token, or a line of the file is wrong; with 3
    when the rig cannot be used.
    """
    from mfalab.simulator.twin.readings import ReadingsFile

    if manual and port is not None:
        raise click.UsageError("--manual or --rig, one at a time")
    if watch and not manual and port is None:
        raise click.UsageError("--watch goes with --manual or --rig")
    seed, name = _seed(seeds, seeds_password, serial, otpauth)
    timing = _timing(uncertainty, uncertainty)
    before: list[CodeReading] = []
    collects = manual or port is not None
    if path.exists() and (path.stat().st_size or not collects):
        before, _ = _read(path, seed, timing)
    elif not collects:
        raise click.UsageError(
            f"there is no {path}. Read codes into it with --manual or --rig, or write it yourself: "
            "time,code in the first line, then a line for each reading."
        )
    if collects:
        for target in (scenario, html):
            if target is not None:
                _require_writable(target)
        try:
            with ReadingsFile(path) as file:
                if manual:
                    _by_person(file, seed, len(before), count, reaction, watch)
                else:
                    assert port is not None
                    _by_rig(file, seed, len(before), count, port, channel, every, watch)
        except OSError as error:
            raise click.UsageError(f"cannot write {path}: {error.strerror}") from None
        except KeyboardInterrupt:
            _interrupted(path, seed, timing)
    readings, temperatures = _read(path, seed, timing)
    readings = [
        each
        for each in readings
        if (begin_ns is None or each.at_ns >= begin_ns) and (end_ns is None or each.at_ns <= end_ns)
    ]
    measured = _measured(
        readings, temperatures, seed, confidence / 100, crystal, made, search // 10**9
    )
    account = _account(name, path, measured, profiles, paired, remembers)
    _tell(account, form, scenario, html, serial, seeds)


def _by_person(
    file: ReadingsFile,
    seed: OtpSeed,
    already: int,
    count: int | None,
    reaction_ns: int | None,
    watch: bool,
) -> None:
    from mfalab.simulator.clocks import WallClock
    from mfalab.simulator.twin.collecting import by_person

    if reaction_ns is None:
        reaction_ns = 10**9 if watch else 10 * 10**9
    click.echo(
        f"{already} readings are in {file.path}. A typed code counts as seen up to "
        f"{reaction_ns / 10**9:g} s before its line arrives.",
        err=True,
    )
    readings = by_person(
        _ask,
        _say,
        WallClock(),
        digits=seed.digits,
        reaction=_timing(reaction_ns, 0),
        watch=watch,
    )
    for number, (reading, celsius) in enumerate(islice(readings, count), already + 1):
        file.add(reading, celsius)
        _say(f"reading {number}: {_verdict(reading, seed)}")


def _by_rig(
    file: ReadingsFile,
    seed: OtpSeed,
    already: int,
    count: int | None,
    port: str,
    channel: int,
    every_ns: int,
    watch: bool,
) -> None:
    from mfalab.devices.rig.errors import RigError
    from mfalab.devices.rig.opening import open_rig
    from mfalab.devices.rig.ports import RigSpec
    from mfalab.simulator.clocks import WallClock
    from mfalab.simulator.twin.collecting import DisplayUnread, by_rig, by_watching_rig

    clock = WallClock()
    wanted = _RIG_READINGS if count is None else count
    collect = by_watching_rig if watch else by_rig
    readings = collect(
        lambda: open_rig(RigSpec("rig", "scpi", port=port), clock=clock),
        channel,
        clock,
        _wait,
        digits=seed.digits,
        period_ns=seed.period_s * 10**9,
        every_ns=every_ns,
    )
    try:
        for number, reading in enumerate(islice(readings, wanted), 1):
            file.add(reading)
            _say(f"reading {already + number} ({number} of {wanted}): {_verdict(reading, seed)}")
    except (RigError, DisplayUnread) as error:
        not_ready(f"{error} The readings so far are in {file.path}.")


def _wait(span_ns: int) -> None:
    """Let real time pass; an interrupt ends it."""
    from threading import Event

    Event().wait(span_ns / 10**9)


def _verdict(reading: CodeReading, seed: OtpSeed) -> str:
    """What a single code says; never the code."""
    from mfalab.simulator.twin.matching import match_codes

    (match,) = match_codes([reading], seed, 86_400 // seed.period_s)
    if not match.steps:
        return "no code of this seed within a day; kept, and set aside later"
    steps = match.steps[0] - seed.step_at(reading.at_ns)
    return f"fits, {steps:+d} step{'' if abs(steps) == 1 else 's'} from true time"


def _ask(prompt: str) -> str | None:
    click.echo(f"{prompt}: ", nl=False, err=True)
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None


def _say(text: str) -> None:
    click.echo(text, err=True)


def _interrupted(path: Path, seed: OtpSeed, timing: Timing) -> NoReturn:
    readings, _ = _read(path, seed, timing)
    click.echo(
        f"\ninterrupted: {len(readings)} readings are in {path}; the same command goes on", err=True
    )
    sys.exit(INTERRUPTED)


def _timing(early_ns: int, late_ns: int) -> Timing:
    from mfalab.simulator.twin.readings import Timing

    return Timing(early_ns, late_ns)


def _seed(
    seeds: Path | None, password: str | None, serial: str | None, otpauth: str | None
) -> tuple[OtpSeed, str]:
    """The seed and what to call the token."""
    from mfalab.devices.errors import ProvisioningError
    from mfalab.devices.otp.otpauth import parse_key_uri
    from mfalab.devices.otp.seed import OtpKind
    from mfalab.simulator.language.seed_files import read_seeds

    if (seeds is None) == (otpauth is None):
        raise click.UsageError(
            "say whose codes these are: --seeds FILE --serial S, or --otpauth URI"
        )
    try:
        if otpauth is not None:
            uri = parse_key_uri(otpauth)
            found, name = uri.seed, serial or uri.label
        else:
            assert seeds is not None
            records = read_seeds(seeds, password)
            if serial is None:
                raise click.UsageError(f"{seeds} holds {len(records)} tokens; say --serial")
            if serial not in records:
                raise click.UsageError(
                    f"{seeds} has no token {serial}. It has {_some(list(records))}."
                )
            found, name = records[serial].seed, serial
    except ProvisioningError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"cannot read {seeds}: {error.strerror}") from None
    if found.kind is not OtpKind.TOTP:
        raise click.UsageError(f"{name} is event-based; its codes say nothing about a clock")
    return found, name


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _read(path: Path, seed: OtpSeed, timing: Timing) -> tuple[list[CodeReading], list[Temperature]]:
    from mfalab.simulator.twin.readings import read_readings

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"cannot read {path}: {error}") from None
    return read_readings(text, name=str(path), digits=seed.digits, timing=timing)


def _measured(
    readings: list[CodeReading],
    temperatures: list[Temperature],
    seed: OtpSeed,
    level: float,
    crystal: str,
    made_ns: int | None,
    search_s: int,
) -> Measurement:
    from mfalab.simulator.entropy import Entropy
    from mfalab.simulator.twin.errors import NoStraightLine, TwinError
    from mfalab.simulator.twin.measuring import measure

    try:
        return measure(
            readings,
            temperatures,
            seed,
            Entropy("token measure"),
            level=level,
            crystal=crystal,
            made_ns=made_ns,
            search_s=search_s,
        )
    except TwinError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(FAILED if isinstance(error, NoStraightLine) else BAD_USAGE)


def _account(
    name: str,
    path: Path,
    measured: Measurement,
    profiles: tuple[str, ...],
    paired_ns: int | None,
    remembers: int | None,
) -> Account:
    from mfalab.simulator.entropy import Entropy
    from mfalab.simulator.twin.prediction import predict
    from mfalab.simulator.twin.telling import Account
    from mfalab.verifier import PROFILES

    predictions = [
        each
        for profile in dict.fromkeys(profiles)
        for each in predict(
            measured,
            PROFILES[profile],
            Entropy("token measure"),
            paired_ns=paired_ns,
            offset_steps=remembers,
        )
    ]
    return Account(name, measured, predictions, f"from {path.name}")


def _tell(
    account: Account,
    form: str,
    scenario: Path | None,
    html: Path | None,
    serial: str | None,
    seeds: Path | None,
) -> None:
    from mfalab.simulator.entropy import Entropy
    from mfalab.simulator.twin.describing import as_scenario
    from mfalab.simulator.twin.page import write_page
    from mfalab.simulator.twin.telling import as_data, as_text

    if scenario is not None:
        beside = None
        if seeds is not None:
            beside = Path(_relative(seeds.resolve(), scenario.resolve().parent))
        with _writing(scenario):
            scenario.write_text(as_scenario(account, serial=serial, seeds=beside), encoding="utf-8")
    if html is not None:
        with _writing(html):
            write_page(account, html, Entropy("token measure"))
    if form == "json":
        print_json(as_data(account))
        return
    click.echo(as_text(account))
    for what, target in (("scenario", scenario), ("page", html)):
        if target is not None:
            click.echo(f"{what}: {target}")


def _relative(path: Path, base: Path) -> str:
    import os

    return os.path.relpath(path, base)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}") from None


def _require_writable(path: Path) -> None:
    """Find out before hours of reading that a result could not be written after them."""
    existed = path.exists()
    with _writing(path):
        path.open("a", encoding="utf-8").close()
    if not existed:
        path.unlink()


COMMANDS = {"token": token}
"""Each command by its name."""
