"""What passes before work can begin: imports, and the reading of many cases.

The counts of modules say what a change costs on any machine.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.memory import many_cases
from mfalab.simulator.scenario_files.suites import collect

HELP = "import sys; from mfalab.simulator.cli import main; sys.argv[1:] = ['--help']; main()"
PLUGIN = """
import pytest
import mfalab.simulator.pytest_plugin as plugin

for each in plugin.pytest_plugins:
    __import__(each)
"""


def measure(benchmark: Any, script: str) -> None:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *options, "-c", script]
        return subprocess.run(command, capture_output=True, text=True, check=True)

    imported = run("-X", "importtime").stderr.count("import time:") - 1
    benchmark.extra_info["figures"] = {"modules": imported}
    benchmark.pedantic(run, rounds=8, warmup_rounds=1)


@pytest.mark.benchmark(group="start")
def test_bare_python(benchmark: Any) -> None:
    benchmark.extra_info["role"] = "limit"
    measure(benchmark, "pass")


@pytest.mark.benchmark(group="start")
def test_mfalab_help(benchmark: Any) -> None:
    measure(benchmark, HELP)


@pytest.mark.benchmark(group="start of pytest")
def test_bare_pytest(benchmark: Any) -> None:
    benchmark.extra_info["role"] = "limit"
    measure(benchmark, "import pytest")


@pytest.mark.benchmark(group="start of pytest")
def test_with_our_plugin(benchmark: Any) -> None:
    measure(benchmark, PLUGIN)


@pytest.mark.benchmark(group="reading cases")
@pytest.mark.parametrize("count", [100, 1_000, 10_000])
def test_reading(benchmark: Any, count: int, tmp_path: Path) -> None:
    """A scenario and its matrix of as many rows."""
    file = tmp_path / "many.scenario.yaml"
    file.write_text(many_cases(count))
    cases = benchmark.pedantic(collect, ([str(file)],), rounds=3, warmup_rounds=1)
    assert len(cases) == count
    each_us = benchmark.stats.stats.min / count * 1e6
    benchmark.extra_info["figures"] = {"us a case": round(each_us)}
