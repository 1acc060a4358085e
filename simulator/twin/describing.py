"""A measured fob as a device of a scenario, and a scenario that lives through the prediction."""

from collections.abc import Mapping

from mfalab.simulator.clocks import OSCILLATORS
from mfalab.simulator.clocks.durations import NS_PER_DAY
from mfalab.simulator.language.units import format_duration, format_instant
from mfalab.simulator.twin.prediction import TYPING_S, Prediction, Use
from mfalab.simulator.twin.telling import Account, day_text, figures

_LATEST_DAYS = 2500
"""Before the battery that scenarios give a token is flat."""
_SHORTEST_SERIAL = 9
"""IAM EnableMFADevice takes no shorter one; such a token gets a serial number and seed made up."""


def as_scenario(
    account: Account, *, serial: str | None = None, seeds: Mapping[str, str] | None = None
) -> str:
    """The text of a scenario file that `mfalab check` accepts and `mfalab run` passes.

    The turnover temperature is the measured one, or 25 C; ageing, which no measurement of weeks
    tells, is left out, and so is whatever else a crystal would draw.

    Args:
        account: what was measured.
        serial: the serial number, if it is known.
        seeds: what the scenario says of the maker's seed file: `seeds` and, for an encrypted one,
            `seeds_key`; relative to the scenario.
    """
    measurement = account.measurement
    model = measurement.model
    if serial is not None and len(serial) < _SHORTEST_SERIAL:
        serial = None
    idle = next((each for each in account.predictions if each.use is not Use.DAILY), None)
    fob = {
        "kind": "hardware_totp",
        "owner": "alice",
        **({"serial": _quoted(serial)} if serial else {}),
        **({word: _quoted(said) for word, said in seeds.items()} if seeds and serial else {}),
        "crystal": model.crystal,
        **_oscillator(account),
        "ageing": "0 ppm",
        "offset": f"{measurement.offset_s.value:.2f} s",
    }
    if not (seeds and serial) and measurement.period_s != 30:
        fob["period"] = f"{measurement.period_s} s"
    first, last = (format_instant(time_ns)[:10] for time_ns in (model.start_ns, model.end_ns))
    lines = [
        *_comment(account, idle),
        f"scenario: {_quoted(_title(account, idle))}",
        "tags: [drift, hardware-token, resync]",
        f"source: measured from {first} to {last} by mfalab token measure",
        f"verifier: {idle.profile if idle else 'aws-immediate'}",
        f"start: {format_instant(model.end_ns)}",
        f"people: {{alice: {{typing: {TYPING_S:g} s}}}}",
        "devices:",
        "  fob:",
        *(f"    {name}: {value}" for name, value in fob.items()),
        "steps:",
        "  - {do: enable, who: alice, device: fob}",
        "  - {do: wait, for: 1 min}",
        *_steps(idle, model.end_ns),
    ]
    return "\n".join(lines) + "\n"


def _oscillator(account: Account) -> dict[str, str]:
    """The crystal that runs at the measured mean rate at the measured mean temperature."""
    measurement = account.measurement
    climate = measurement.model.climate
    here_c = 25.0 if climate is None else climate.mean_c
    turnover_c = 25.0 if measurement.turnover_c is None else measurement.turnover_c.value
    bend = OSCILLATORS[measurement.model.crystal].typical.parabola_ppm_per_c2
    drift_ppm = measurement.rate_ppm.value - bend * (here_c - turnover_c) ** 2
    turnover = {"turnover": f"{turnover_c:.1f} C"} if bend else {}
    return {"drift": f"{drift_ppm:.3f} ppm", **turnover, "climate": f"{here_c:.1f} C"}


def _comment(account: Account, idle: Prediction | None) -> list[str]:
    measurement = account.measurement
    span = format_duration(measurement.model.end_ns - measurement.model.start_ns)
    count = len(measurement.fitted)
    lines = [
        f"Token {account.token}, measured by {count} readings over {span}, {account.source};",
        f"in brackets the limits with {100 * measurement.level:g} % confidence.",
    ]
    lines += [
        f"  {name}: {each.value:+.{n}f} {unit} ({each.low:+.{n}f} to {each.high:+.{n}f})"
        for name, each, unit, n in figures(measurement)
    ]
    if measurement.set_aside:
        lines.append(f"  readings set aside: {len(measurement.set_aside)}")
    if idle is not None:
        median, low, high = (
            day_text(each)
            for each in (idle.resync.median_ns, idle.resync.low_ns, idle.resync.high_ns)
        )
        lines += [
            f"Predicted at {idle.profile}, {idle.use.value}: every second code is refused",
            f"  from {median} on ({low} to {high}).",
        ]
    lines += [
        "In the climate below it runs at the mean rate of the measurement; its drift is the rate",
        "at the turnover temperature.",
    ]
    return [f"# {line}" for line in lines]


def _title(account: Account, idle: Prediction | None) -> str:
    if idle is None or _until(idle, account.measurement.model.end_ns) is None:
        return f"The measured token {account.token} is used"
    latest = day_text(idle.last_success.high_ns)
    return f"The measured token {account.token} has to be resynchronised by {latest}"


def _steps(idle: Prediction | None, end_ns: int) -> list[str]:
    steps = []
    waited = 0
    if idle is not None and idle.first_refusal.low_ns is not None:
        good = (idle.first_refusal.low_ns - end_ns) // NS_PER_DAY
        if good > 0:
            steps.append(f"  - {{do: wait, for: {good} d}}  # as long as nothing can be refused")
            waited = good
    steps.append("  - {do: sign_in, who: alice, with: fob}")
    until = None if idle is None else _until(idle, end_ns)
    if until is None:
        return steps
    refused = "expect: {refused: InvalidAuthenticationCode}"
    return [
        *steps,
        f"  - {{do: wait, for: {until - waited} d}}  # until nothing can be accepted",
        f"  - {{do: sign_in, who: alice, with: fob, {refused}}}",
        "  - {do: resync, who: alice, device: fob}",
        "  - {do: wait, until_next: code, of: fob}",
        "  - {do: sign_in, who: alice, with: fob}",
    ]


def _until(idle: Prediction, end_ns: int) -> int | None:
    """Days until nothing can be accepted; None if that is too far away to be lived through."""
    if idle.last_success.high_ns is None:
        return None
    days = (idle.last_success.high_ns - end_ns) // NS_PER_DAY + 2
    return days if days <= _LATEST_DAYS else None


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
