"""Writes docs/moto.md, what moto does otherwise than AWS, from a run against its server.

`make targets-table` does it; test_moto_table.py holds the rows to what moto does today.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from mfalab.simulator.report import read_runs
from mfalab.simulator.report.differences import Differences
from mfalab.simulator.report.model import Report, Verdict
from mfalab.simulator.report.text import counts_text

ROOT = Path(__file__).parents[3]
PATH = ROOT / "docs" / "moto.md"
STRANGERS = ROOT / ".venv" / "strangers" / "bin"
_HEAD = """\
# What moto does otherwise than AWS

Written by `make targets-table`, which plays the shipped suites against the server of moto
{version}:

```bash
moto_server -p 5000 &
AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing \\
  mfalab run --target 'aws:http://127.0.0.1:5000?clock=none&name=moto'
```

Of {cases} cases that a wire can carry: {counts}. What scenarios state is AWS's own documentation,
or was measured there; each names its source (`mfalab show CASE`). A case ends at the first step
that goes otherwise, so one row may hide another; a picture that no app can scan is passed over,
as if a person had typed the secret. Moto stands in for AWS in tests of code that *calls* IAM. No
test that MFA protects something can rest on it.

| step | scenarios state | moto | cases | such as |
|---|---|---|---|---|
"""


@contextmanager
def moto() -> Iterator[str]:
    """The URL of moto's server, which listens."""
    with subprocess.Popen(
        [STRANGERS / "moto_server", "-H", "127.0.0.1", "-p", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stderr is not None
            for line in server.stderr:
                if found := re.search(r"Running on (http://\S+)", line):
                    # It logs every request, and stops when nobody reads.
                    Thread(target=deque, args=(server.stderr, 0), daemon=True).start()
                    yield found[1]
                    return
            raise RuntimeError("moto's server has ended")
        finally:
            server.terminate()


def report() -> Report:
    """A run of all suites against moto, by the command line."""
    words = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    with moto() as url, TemporaryDirectory() as folder:
        log = Path(folder) / "moto.jsonl"
        ended = subprocess.run(
            [
                Path(sys.executable).with_name("mfalab"),
                "run",
                ROOT / "scenarios",
                *("--target", f"aws:{url}?clock=none&name=moto", "--log", log, "-q"),
            ],
            env={**os.environ, **words, "AWS_CONFIG_FILE": os.devnull},
            check=False,
            capture_output=True,
            text=True,
        )
        if ended.returncode != 1:
            raise RuntimeError(f"the run ended with {ended.returncode}: {ended.stderr}")
        return read_runs(log.read_text().splitlines())


def page(version: str) -> str:
    """The whole page."""
    (run,) = report().runs
    differences = Differences()
    counts = run.counts
    skipped = counts.pop(Verdict.SKIPPED, 0)
    for case in run.cases:
        if case.verdict.is_bad:
            differences.add(case)
    head = _HEAD.format(version=version, cases=len(run.cases) - skipped, counts=counts_text(counts))
    rows = []
    for (where, expected, got), cases in differences.rows():
        such = f"`{cases[0].id}`: {cases[0].scenario}"
        cells = (f"`{where}`", expected, got, str(len(cases)), such)
        rows.append(f"| {' | '.join(_cell(cell) for cell in cells)} |\n")
    return head + "".join(rows)


def version() -> str:
    """That of the moto which is there."""
    told = subprocess.run(
        [
            STRANGERS / "python",
            "-c",
            "from importlib.metadata import version; print(version('moto'))",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return told.stdout.strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PATH.write_text(page(version()))
