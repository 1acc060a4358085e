"""Prints what runs of growing size cost: time, the event log, the reports and resident memory.

    .venv/bin/python bench/memory.py

Cases: one scenario with a matrix of 100, 1,000 and 10,000 rows. People: one scenario in which 10,
100 and 1,000 people with a fob each sign in once a week for a year. Years: a matrix of 10, 100 and
1,000 rows, in each of which a person with eight fobs signs in three times a day for a year; their
log would be of gigabytes and is not written. What the process holds is read after the first case
and after each fifth of them: where it is flat, running a case leaves nothing behind.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

HEAD = "tags: [bench]\nstart: 2026-03-02T09:00:00Z\n"
FOB = "{kind: hardware_totp, owner: %s, drift: %s ppm, climate: 25 C, ageing: 0 ppm}"


def many_cases(count: int) -> str:
    """A scenario of as many cases."""
    drifts = ", ".join(f"{number / 100:.2f} ppm" for number in range(count))
    return (
        f"scenario: Many cases\n{HEAD}people: {{alice: {{}}}}\n"
        f"devices: {{fob: {FOB % ('alice', 0)}}}\nmatrix: {{fob.drift: [{drifts}]}}\nsteps:\n"
        "  - {do: enable, who: alice, device: fob}\n"
        "  - {do: sign_in, who: alice, with: fob, times: 3, every: 1 d}\n"
    )


def many_people(count: int) -> str:
    """A scenario of as many people and one year of weekly sign-ins."""
    names = [f"p{number}" for number in range(count)]
    people = "".join(
        f"  {name}: {{routine: {{signs_in: f{name}, every: 1 wk, for: 1 y, jitter: 5 d}}}}\n"
        for name in names
    )
    fobs = "".join(f"  f{name}: {FOB % (name, 0)}\n" for name in names)
    enabled = "".join(f"  - {{do: enable, who: {name}, device: f{name}}}\n" for name in names)
    return (
        f"scenario: Many people\n{HEAD}people:\n{people}devices:\n{fobs}steps:\n{enabled}"
        "  - {do: wait, for: 1 h}\n  - {do: routine}\n"
    )


FOBS, SIGN_INS = 8, 1_096
DRIFT_PPM = 0.5


def years(count: int) -> str:
    """As many cases of a person with eight fobs who signs in three times a day for a year."""
    fobs = "".join(f"  f{number}: {FOB % ('alice', DRIFT_PPM)}\n" for number in range(FOBS))
    enabled = "".join(
        f"  - {{do: enable, who: ada, for: alice, device: f{number}}}\n" for number in range(FOBS)
    )
    each = f"times: {SIGN_INS // FOBS}, every: 8 h"
    signed_in = "".join(
        f"  - {{do: sign_in, who: alice, with: f{number}, {each}}}\n" for number in range(FOBS)
    )
    climates = ", ".join(f"{20 + number / 1_000:.3f} C" for number in range(count))
    return (
        f"scenario: A year\n{HEAD}people: {{alice: {{}}, ada: {{role: administrator}}}}\n"
        f"devices:\n{fobs}matrix: {{f0.climate: [{climates}]}}\n"
        f"steps:\n{enabled}  - {{do: wait, for: 90 s}}\n{signed_in}"
    )


def measure(name: str, text: str, folder: Path, *, cases: int = 1, logged: bool = True) -> None:
    """Run a scenario of so many cases in a process of its own and print a row of the table."""
    scenario, log, page, xml = (
        folder / f"{name}.{end}" for end in ("scenario.yaml", "jsonl", "html", "xml")
    )
    scenario.write_text(text)
    outputs = ["--log", log, "--html", page, "--junit", xml] if logged else []
    looks = {1, *(cases * fifth // 5 for fifth in range(1, 6))}
    held: list[str] = []
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "mfalab", "run", scenario, "-v", *outputs],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None, "it is a pipe"
    said = b""
    for ended, line in enumerate(process.stdout, start=1):  # one for each case, and one for all
        said = line
        if ended in looks and ended <= cases:
            held.append(f"{_resident_mb(process.pid):.0f}")
    _, status, usage = os.wait4(process.pid, 0)
    took = time.monotonic() - began
    lines = sum(1 for _ in log.open("rb")) if logged else 0
    written = [path.stat().st_size if logged else 0 for path in (log, page, xml)]
    sizes = " | ".join(f"{size / 1e6:.1f} MB" for size in written)
    sys.stdout.write(
        f"| {name} | {took:.0f} s | {lines:,} | {sizes} | {', '.join(held)} MB "
        f"| {usage.ru_maxrss / 1024:.0f} MB |\n"
    )
    sys.stdout.flush()
    assert os.waitstatus_to_exitcode(status) == 0, said


def _resident_mb(pid: int) -> float:
    """What a process holds in memory now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Print the table."""
    sys.stdout.write(
        "| run | time | log lines | log | page | JUnit XML | held after 1, a fifth, ... all cases "
        "| peak memory |\n"
    )
    sys.stdout.write("|---|---|---|---|---|---|---|---|\n")
    sizes = [int(size) for size in sys.argv[1:]] or [100, 1_000, 10_000]
    with TemporaryDirectory() as place:
        folder = Path(place)
        for count in sizes:
            measure(f"{count:,}_cases", many_cases(count), folder, cases=count)
        for count in sizes:
            measure(f"{count // 10:,}_people", many_people(count // 10), folder)
        for count in sizes:
            few = count // 10
            measure(f"{few:,}_years", years(few), folder, cases=few, logged=False)


if __name__ == "__main__":
    main()
