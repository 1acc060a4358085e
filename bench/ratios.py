"""The table of a run of benchmarks: times, and what they are of the times of peers and limits.

A ratio is of the shortest rounds, both in one run: on a shared machine everything else measures the
neighbours. A benchmark says what it is by `benchmark.extra_info["role"]`: `peer` (what others
made), `limit` (the work that cannot be left out) or `yours`; without it, it is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

_COMPARED = ("ours", "yours")
WORSE = 1.15
"""How much a ratio may grow from run to run before it counts as worse."""


@dataclass(frozen=True, slots=True)
class Row:
    """One benchmark. Times are in seconds."""

    group: str
    name: str
    role: str
    median_s: float
    spread_s: float
    shortest_s: float
    figures: Mapping[str, object]

    @classmethod
    def of(cls, bench: Mapping[str, Any]) -> Row:
        """A benchmark as pytest-benchmark's JSON has it."""
        stats, said = bench["stats"], bench["extra_info"]
        group = bench["group"] or ""
        name, _, parameters = bench["name"].removeprefix("test_").partition("[")
        kept = "-".join(part for part in parameters.rstrip("]").split("-") if part not in group)
        return cls(
            group,
            name.replace("_", " ") + (f" ({kept})" if kept else ""),
            said.get("role", "ours"),
            stats["median"],
            stats["iqr"],
            stats["min"],
            said.get("figures", {}),
        )


def ratios(rows: Sequence[Row]) -> dict[tuple[str, str, str], float]:
    """What ours and yours take of the time of each peer and limit: by group, name and other."""
    return {
        (its.group, its.name, other.name): its.shortest_s / other.shortest_s
        for its in rows
        for other in rows
        if its.group == other.group and its.role in _COMPARED and other.role not in _COMPARED
    }


def worse(now: Sequence[Row], then: Sequence[Row]) -> Iterator[str]:
    """A line for each ratio that grew by more than `WORSE` allows, or is gone from a group."""
    present, measured = ratios(now), {row.group for row in now}
    for key, before in ratios(then).items():
        group, name, other = key
        if group not in measured:
            continue
        if key not in present:
            yield f"{group}: {name} is not compared with {other} any more"
        elif present[key] > before * WORSE:
            shares = f"{_share(present[key])} of {other}, {_share(before)} before"
            yield f"{group}: {name} takes {shares}"


def table(rows: Sequence[Row]) -> Table:
    """All rows, group by group."""
    shown = Table("what", "median", "spread", "its time, of that of", box=None, pad_edge=False)
    found = ratios(rows)
    for group in sorted({row.group for row in rows}):
        shown.add_row(f"[b]{group}[/b]" if group else "[b]others[/b]")
        for row in rows:
            if row.group != group:
                continue
            of = [
                f"{_share(ratio)} {other}"
                for (its, name, other), ratio in found.items()
                if (its, name) == (group, row.name)
            ]
            of += [f"{value} {name}" for name, value in row.figures.items()]
            role = "" if row.role == "ours" else f", {row.role}"
            times = [_time(row.median_s), _time(row.spread_s)]
            shown.add_row(f"  {row.name}{role}", *times, "; ".join(of))
    return shown


def _share(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def _time(seconds: float) -> str:
    for unit, factor in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
