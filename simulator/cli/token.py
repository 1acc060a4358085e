"""The command group `token`: hardware tokens on the bench and their clocks."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mfalab.simulator.cli.common import (
    A_FILE,
    A_PROFILE,
    BAD_USAGE,
    FAILED,
    FORMAT,
    gathered,
    option,
    print_json,
)
from mfalab.simulator.cli.outputs import errors_of_writing, require_writable
from mfalab.simulator.cli.quantities import INSTANT, SPAN, STEPS
from mfalab.simulator.cli.token_readings import Readings

if TYPE_CHECKING:
    from mfalab.devices.otp.seed import OtpSeed, SeedRecord
    from mfalab.simulator.twin.measuring import Measurement
    from mfalab.simulator.twin.prediction import Prediction
    from mfalab.simulator.twin.readings import CodeReading, Temperature
    from mfalab.simulator.twin.telling import Account

_CHANCE = "token measure"


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    """Which token: where its seed is."""

    seeds: Path | None = option(
        "--seeds",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="The maker's seed file, PSKC or CSV.",
    )
    seeds_password: str | None = option(
        "--seeds-password",
        envvar="MFALAB_SEEDS_PASSWORD",
        help="Of an encrypted PSKC file; better in MFALAB_SEEDS_PASSWORD.",
    )
    seeds_key: Path | None = option(
        "--seeds-key",
        type=A_FILE,
        metavar="FILE",
        help="Holds the pre-shared AES key of a PSKC file: hex digits, or raw bytes.",
    )
    serial: str | None = option("--serial", help="The token in the seed file.")
    period: str | None = option(
        "--period", metavar="SPAN", help="Its time step, where the seed file leaves it out."
    )
    digits: int | None = option("--digits", type=int, help="Length of its codes, likewise.")
    algorithm: str | None = option(
        "--algorithm", type=click.Choice(["SHA1", "SHA256", "SHA512"]), help="Likewise."
    )
    otpauth: str | None = option(
        "--otpauth",
        envvar="MFALAB_OTPAUTH",
        metavar="URI",
        help="A key URI instead of a seed file; better in MFALAB_OTPAUTH.",
    )

    def seed(self) -> tuple[OtpSeed, str]:
        """The seed and what to call the token.

        Raises:
            UsageError: there is no such seed, or it has no clock.
        """
        from mfalab.devices.errors import ProvisioningError
        from mfalab.devices.otp.otpauth import parse_key_uri
        from mfalab.devices.otp.seed import OtpKind

        if (self.seeds is None) == (self.otpauth is None):
            raise click.UsageError(
                "say whose codes these are: --seeds FILE --serial S, or --otpauth URI"
            )
        if self.otpauth is not None and self.figures:
            raise click.UsageError(f"a key URI says its {min(self.figures)}; remove the option")
        try:
            if self.otpauth is not None:
                uri = parse_key_uri(self.otpauth)
                found, name = uri.seed, self.serial or uri.label
            else:
                record = self._record()
                found, name = record.seed, record.serial
        except ProvisioningError as error:
            raise click.UsageError(str(error)) from None
        if found.kind is not OtpKind.TOTP:
            raise click.UsageError(f"{name} is event-based; its codes say nothing about a clock")
        return found, name

    @property
    def figures(self) -> dict[str, Any]:
        """What is said beside the seed file."""
        said = {"period": self.period, "digits": self.digits, "algorithm": self.algorithm}
        return {word: value for word, value in said.items() if value is not None}

    def _record(self) -> SeedRecord:
        from pydantic import ValidationError

        from mfalab.simulator.language.seed_files import NoSeed, SeedFiles, TotpEntry

        if self.serial is None:
            raise click.UsageError(f"say which token of {self.seeds} it is: --serial S")
        if self.seeds_key is not None and self.seeds_password is not None:
            raise click.UsageError("a seed file has one key: --seeds-key or --seeds-password")
        words = {
            "serial": self.serial,
            "seeds": str(self.seeds),
            "seeds_password": self.seeds_password,
            "seeds_key": None if self.seeds_key is None else str(self.seeds_key),
            **self.figures,
        }
        try:
            entry = TotpEntry.model_validate(words)
        except ValidationError as error:
            first = error.errors()[0]
            raise click.UsageError(f"--{first['loc'][0]}: {first['msg']}") from None
        try:
            return SeedFiles().record(entry)
        except NoSeed as error:
            option_ = "--" + error.word.replace("_", "-")
            raise click.UsageError(f"{option_}: {error.why}") from None


@dataclass(frozen=True, slots=True)
class _Fit:
    """What is known of the clock beforehand, which readings count, and how sure the limits are."""

    crystal: str = option(
        "--crystal",
        type=click.Choice(["quartz", "tcxo", "mems"]),
        default="quartz",
        help="What keeps its time.",
    )
    made_ns: int | None = option(
        "--made", type=INSTANT, help="When it was made; a new crystal ages fastest."
    )
    search_ns: int = option(
        "--search", type=SPAN, default="1 d", help="How far off its clock may be."
    )
    begin_ns: int | None = option("--from", type=INSTANT, help="Use only readings from then on.")
    end_ns: int | None = option("--until", type=INSTANT, help="Use only readings up to then.")
    confidence: float = option(
        "--confidence",
        type=click.FloatRange(50, 99.9),
        default=99.0,
        metavar="PERCENT",
        help="What the limits hold with.",
    )

    def measured(
        self, readings: Sequence[CodeReading], temperatures: Sequence[Temperature], seed: OtpSeed
    ) -> Measurement:
        """The clock that the readings tell of; ends the command when they tell of none."""
        from mfalab.simulator.clocks.durations import NS_PER_S
        from mfalab.simulator.entropy import Entropy
        from mfalab.simulator.twin.errors import NoStraightLine, TwinError
        from mfalab.simulator.twin.measuring import measure

        try:
            return measure(
                [each for each in readings if self._counts(each)],
                temperatures,
                seed,
                Entropy(_CHANCE),
                level=self.confidence / 100,
                crystal=self.crystal,
                made_ns=self.made_ns,
                search_s=self.search_ns // NS_PER_S,
            )
        except TwinError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(FAILED if isinstance(error, NoStraightLine) else BAD_USAGE)

    def _counts(self, reading: CodeReading) -> bool:
        return (self.begin_ns is None or reading.at_ns >= self.begin_ns) and (
            self.end_ns is None or reading.at_ns <= self.end_ns
        )


@dataclass(frozen=True, slots=True)
class _Verifiers:
    """For which verifiers it is predicted when the token must be resynchronised."""

    profiles: tuple[str, ...] = option(
        "--profile",
        multiple=True,
        type=A_PROFILE,
        default=["aws-immediate"],
        metavar="NAME",
        help="Predict for this verifier; several times for several. mfalab profiles has them.",
    )
    paired_ns: int | None = option(
        "--paired",
        type=INSTANT,
        help="When the last pair of codes was verified; when the readings end by default.",
    )
    remembers_steps: int | None = option(
        "--remembers",
        type=STEPS,
        metavar="STEPS",
        help="What the verifier remembers as the token's offset, if that is known.",
    )

    def predictions(self, measured: Measurement) -> list[Prediction]:
        """What each verifier will do."""
        from mfalab.simulator.entropy import Entropy
        from mfalab.simulator.twin.prediction import predict
        from mfalab.verifier import PROFILES

        return [
            each
            for profile in dict.fromkeys(self.profiles)
            for each in predict(
                measured,
                PROFILES[profile],
                Entropy(_CHANCE),
                paired_ns=self.paired_ns,
                offset_steps=self.remembers_steps,
            )
        ]


@dataclass(frozen=True, slots=True)
class _Outputs:
    """Which files are written about the measurement."""

    scenario: Path | None = option(
        "--scenario",
        type=A_FILE,
        metavar="FILE.scenario.yaml",
        help="Write it as a device of a scenario.",
    )
    html: Path | None = option(
        "--html", type=A_FILE, metavar="FILE.html", help="Write a page with pictures."
    )

    def require_writable(self) -> None:
        """Find out before hours of reading that a result could not be written after them."""
        for path in (self.scenario, self.html):
            if path is not None:
                require_writable(path)

    def write(self, account: Account, token: _Token) -> None:
        """Write them."""
        from mfalab.simulator.entropy import Entropy
        from mfalab.simulator.report.files import write_whole
        from mfalab.simulator.twin.describing import as_scenario
        from mfalab.simulator.twin.page import write_page

        if self.scenario is not None:
            folder = self.scenario.resolve().parent
            files = {
                word: os.path.relpath(path.resolve(), folder)
                for word, path in (("seeds", token.seeds), ("seeds_key", token.seeds_key))
                if path is not None
            } | {word: str(value) for word, value in token.figures.items()}
            text = as_scenario(account, serial=token.serial, seeds=files)
            with errors_of_writing(self.scenario):
                write_whole(self.scenario, text)
        if self.html is not None:
            with errors_of_writing(self.html):
                write_page(account, self.html, Entropy(_CHANCE))

    def show(self, account: Account, form: str) -> None:
        """Print what was measured, and where it is written."""
        from mfalab.simulator.twin.telling import as_data, as_text

        if form == "json":
            print_json(as_data(account))
            return
        click.echo(as_text(account))
        for what, path in (("scenario", self.scenario), ("page", self.html)):
            if path is not None:
                click.echo(f"{what}: {path}")


@click.group()
def token() -> None:
    """Measure the clocks of hardware tokens.

    \b
    mfalab token measure --file fob.csv --seeds seeds.csv --serial 0042 --manual
    """


@token.command()
@gathered(Readings, "readings")
@gathered(_Token, "measured_token")
@gathered(_Fit, "fit")
@gathered(_Verifiers, "verifiers")
@gathered(_Outputs, "outputs")
@FORMAT
def measure(
    readings: Readings,
    measured_token: _Token,
    fit: _Fit,
    verifiers: _Verifiers,
    outputs: _Outputs,
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
    from mfalab.simulator.twin.telling import Account

    readings.check()
    seed, name = measured_token.seed()
    if readings.grow:
        already = readings.count_of(seed)
        outputs.require_writable()
        readings.add(seed, already)
    measured = fit.measured(*readings.read(seed), seed)
    account = Account(name, measured, verifiers.predictions(measured), f"from {readings.path.name}")
    outputs.write(account, measured_token)
    outputs.show(account, form)


COMMANDS = {"token": token}
"""Each command by its name."""
