"""What benchmarks share: a decision in a store, the table at the end, and `--compare`."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.ratios import Row, table, worse
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


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ratios")
    group.addoption("--compare", metavar="FILE", help="fail if a ratio is worse than in this JSON")
    group.addoption("--target", metavar="otp:...", help="a verifier of yours, beside the others")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--target") is None:
        items[:] = [item for item in items if "verifier_of_yours" not in item.name]


def pytest_configure(config: Any) -> None:
    config.worse = []
    config.compared = _read(config.option.compare)  # before minutes of measuring


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config: Any = session.config
    config.worse = list(worse(_rows(config), config.compared))
    if config.worse:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    config: Any = terminalreporter.config
    if rows := _rows(config):
        terminalreporter.section("times, and their ratios in this run")
        Console(width=120).print(table(rows))
    if config.worse:
        terminalreporter.section(f"worse than in {config.option.compare}")
        for line in config.worse:
            terminalreporter.line(line)


def _rows(config: Any) -> list[Row]:
    session = getattr(config, "_benchmarksession", None)
    benches = session.benchmarks if session is not None else ()
    return [Row.of(bench.as_dict(include_data=False)) for bench in benches if bench.stats]


def _read(compared: str | None) -> list[Row]:
    if compared is None:
        return []
    try:
        return [Row.of(bench) for bench in json.loads(Path(compared).read_bytes())["benchmarks"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"--compare: {compared} is no result of make bench: {error}"
        raise pytest.UsageError(what) from None
