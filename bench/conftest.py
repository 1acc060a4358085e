"""Prints how each benchmark compares with the one its group names as base, and other figures.

A benchmark that others are measured against sets `benchmark.extra_info["base"] = True`. Ratios are
of the shortest rounds: on a shared machine everything else measures the neighbours. What a
benchmark measures besides time it puts into `benchmark.extra_info["figures"]`, by name.
"""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from mfalab.verifier import AWS_IMMEDIATE, Outcome, Store, otp
from mfalab.verifier.code_rules import verify_code
from mfalab.verifier.records import Device


@pytest.fixture
def decide_codes(benchmark: Any) -> Callable[..., Outcome]:
    """Measures decisions on the right codes of step after step, each in its own transaction."""

    def measure(store: Store, seed: bytes, first_step: int, **rounds: int) -> Outcome:
        steps = itertools.count(first_step)

        def prepare() -> tuple[tuple[str, int], dict[str, object]]:
            step = next(steps)
            return (otp.hotp(seed, step), step * 30 * 10**9), {}

        def attempt(code: str, now_ns: int) -> Outcome:
            with store.transaction() as tx:
                device = tx.get(Device, "d")
                assert device is not None
                return verify_code(
                    tx, device, code, now_ns=now_ns, profile=AWS_IMMEDIATE, operation="Bench"
                ).outcome

        outcome: Outcome = benchmark.pedantic(attempt, setup=prepare, **rounds)
        return outcome

    return measure


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    session: Any = getattr(terminalreporter.config, "_benchmarksession", None)
    groups: dict[str, list[Any]] = {}
    for bench in session.benchmarks if session is not None else ():
        if bench.stats is not None and bench.group is not None:
            groups.setdefault(bench.group, []).append(bench)
    lines = [line for group, benches in sorted(groups.items()) for line in ratios(group, benches)]
    if lines:
        terminalreporter.section("ratios of the shortest rounds")
        for line in lines:
            terminalreporter.line(line)
    benches = [bench for _, group in sorted(groups.items()) for bench in group]
    if figures := [line for bench in benches for line in figures_of(bench)]:
        terminalreporter.section("other figures")
        for line in figures:
            terminalreporter.line(line)


def ratios(group: str, benches: list[Any]) -> list[str]:
    """One line for each benchmark of a group that has a base."""
    bases = [bench for bench in benches if bench.extra_info.get("base")]
    if not bases:
        return []
    (base,) = bases
    unit_s = base.stats.min
    lines = [f"{group}: {base.name} takes {unit_s * 1e6:.1f} us"]
    for bench in benches:
        if bench is base:
            continue
        ratio = unit_s / bench.stats.min
        words = f"{ratio:.1f} x as fast" if ratio >= 1 else f"{1 / ratio:.1f} x as long"
        lines.append(f"{group}: {bench.name} takes {bench.stats.min * 1e6:.1f} us, {words}")
    return lines


def figures_of(bench: Any) -> list[str]:
    """One line for each figure that a benchmark has besides its time."""
    figures = bench.extra_info.get("figures", {})
    return [f"{bench.group}: {bench.name}: {value} {name}" for name, value in figures.items()]
