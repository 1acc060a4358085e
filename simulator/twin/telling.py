"""A measurement in words and figures: for a terminal, and for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mfalab.simulator.language.units import format_duration, format_instant
from mfalab.simulator.twin.measuring import Estimate, Measurement
from mfalab.simulator.twin.prediction import Day, Prediction

_WIDTH, _HEIGHT = 64, 13


@dataclass(frozen=True, slots=True)
class Account:
    """All there is to tell.

    Args:
        token: what to call it: the serial number, or the account of a key URI.
        measurement: what was measured.
        predictions: for the verifiers asked for.
        source: where the readings are from, in words.
    """

    token: str
    measurement: Measurement
    predictions: Sequence[Prediction]
    source: str


def figures(measurement: Measurement) -> list[tuple[str, Estimate, str, int]]:
    """Name, estimate, unit and decimals of everything that was measured."""
    climate = measurement.model.climate
    found = [
        ("offset at the last reading", measurement.offset_s, "s", 1),
        ("mean rate", measurement.rate_ppm, "ppm", 2),
    ]
    if measurement.slope_ppm_per_c is not None and climate is not None:
        name = f"slope at {climate.mean_c:.1f} C"
        found.append((name, measurement.slope_ppm_per_c, "ppm/C", 3))
    if measurement.turnover_c is not None:
        found.append(("turnover temperature", measurement.turnover_c, "C", 1))
    return found


def best_line(measurement: Measurement, t_s: float) -> Estimate:
    """The offset in seconds at a time after the last reading, with the level's limits."""
    return Estimate.of(measurement.offsets_at(t_s), measurement.level)


def day_text(time_ns: int | None) -> str:
    """A day as `2026-07-24`, or that there is none within ten years."""
    return "not in 10 years" if time_ns is None else format_instant(time_ns)[:10]


def as_text(account: Account) -> str:
    """Everything, for people."""
    measurement = account.measurement
    model = measurement.model
    span = format_duration(model.end_ns - model.start_ns)
    lines = [
        f"token {account.token}: {len(measurement.fitted)} readings over {span}, {account.source}",
        "",
        *_plot(measurement),
        "",
    ]
    lines += _table(
        [
            (
                name,
                f"{each.value:+.{decimals}f} {unit}",
                f"{each.low:+.{decimals}f} to {each.high:+.{decimals}f} {unit}",
            )
            for name, each, unit, decimals in figures(measurement)
        ],
        measurement.level,
    )
    if account.predictions:
        lines.append("")
        lines += _days(account.predictions, measurement.level)
    if measurement.set_aside or measurement.notes:
        lines.append("")
    for each in measurement.set_aside:
        where = f"line {each.reading.line}, " if each.reading.line else ""
        lines.append(f"set aside: {where}{format_instant(each.reading.at_ns)}: {each.why}")
    lines += [f"note: {note}" for note in measurement.notes]
    return "\n".join(lines)


def _table(rows: Sequence[tuple[str, ...]], level: float) -> list[str]:
    head = ("", "measured", f"with {100 * level:g} % confidence")
    return _aligned([head, *rows])


def _days(predictions: Sequence[Prediction], level: float) -> list[str]:
    head = (
        "resynchronisation",
        "predicted",
        f"with {100 * level:g} % confidence",
        "all codes good until",
    )
    rows = [
        (
            f"{each.profile}, {each.use}",
            day_text(each.resync.median_ns),
            f"{day_text(each.resync.low_ns)} to {day_text(each.resync.high_ns)}",
            day_text(each.first_refusal.median_ns),
        )
        for each in predictions
    ]
    return _aligned([head, *rows])


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _plot(measurement: Measurement) -> list[str]:
    """Offset against time: what each column's readings leave possible, and the fitted line."""
    span_s = measurement.model.span_s
    columns: list[tuple[float, float] | None] = [None] * _WIDTH
    for each in measurement.fitted:
        at = min(_WIDTH - 1, int((each.t_s + span_s) / span_s * _WIDTH)) if span_s else 0
        low, high = columns[at] or (float("-inf"), float("inf"))
        columns[at] = max(low, each.trapezoid.low), min(high, each.trapezoid.high)
    middles = [-span_s * (1 - (k + 0.5) / _WIDTH) for k in range(_WIDTH)]
    line = [best_line(measurement, t_s).value for t_s in middles]
    bottom = min([low for low, _ in filter(None, columns)] + line)
    top = max([high for _, high in filter(None, columns)] + line)
    scale = (_HEIGHT - 1) / (top - bottom)
    grid = [[" "] * _WIDTH for _ in range(_HEIGHT)]
    for at, column in enumerate(columns):
        if column is not None:
            low, high = sorted(column)
            for level in range(round((low - bottom) * scale), round((high - bottom) * scale) + 1):
                grid[_HEIGHT - 1 - level][at] = "|"
        grid[_HEIGHT - 1 - round((line[at] - bottom) * scale)][at] = "*"
    text = []
    for number, row in enumerate(grid):
        named = number in {0, _HEIGHT // 2, _HEIGHT - 1}
        value = top - number / scale
        text.append(f"{f'{value:+.0f} s' if named else '':>9} {''.join(row)}".rstrip())
    first = format_instant(measurement.model.start_ns)[:10]
    last = format_instant(measurement.model.end_ns)[:10]
    text.append(f"{'':>9} {first}{last:>{_WIDTH - len(first)}}")
    return text


def as_data(account: Account) -> dict[str, Any]:
    """Everything, for programs; no codes, no secrets."""
    measurement = account.measurement
    model = measurement.model
    return {
        "token": account.token,
        "source": account.source,
        "level": measurement.level,
        "readings": len(measurement.fitted),
        "first": format_instant(model.start_ns),
        "last": format_instant(model.end_ns),
        "period_s": measurement.period_s,
        "crystal": model.crystal,
        "mean_temperature_c": None if model.climate is None else round(model.climate.mean_c, 2),
        "offset_s": _estimate(measurement.offset_s),
        "rate_ppm": _estimate(measurement.rate_ppm),
        "slope_ppm_per_c": _estimate(measurement.slope_ppm_per_c),
        "turnover_c": _estimate(measurement.turnover_c),
        "set_aside": [
            {
                "line": each.reading.line or None,
                "time": format_instant(each.reading.at_ns),
                "why": each.why,
            }
            for each in measurement.set_aside
        ],
        "notes": list(measurement.notes),
        "predictions": [
            {
                "profile": each.profile,
                "use": each.use.value,
                "resynchronisation": _day(each.resync),
                "first_refusal_possible": _day(each.first_refusal),
                "nothing_accepted": _day(each.last_success),
            }
            for each in account.predictions
        ],
    }


def _estimate(each: Estimate | None) -> dict[str, float] | None:
    if each is None:
        return None
    return {
        "value": float(f"{each.value:.6g}"),
        "low": float(f"{each.low:.6g}"),
        "high": float(f"{each.high:.6g}"),
    }


def _day(day: Day) -> dict[str, str | None]:
    return {
        name: None if time_ns is None else format_instant(time_ns)
        for name, time_ns in (
            ("median", day.median_ns),
            ("low", day.low_ns),
            ("high", day.high_ns),
        )
    }
