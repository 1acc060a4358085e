"""JUnit XML with the names that pytest gives to the same cases.

A suite per run, named after its bench where there are several, and a `testcase` per case, with the
`classname` and `name` of pytest's own junitxml, so that a dashboard takes both for the same test.
Measurements are properties, so that it can plot them.
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from xml.etree import ElementTree as ET

from mfalab.simulator.report.files import write_whole
from mfalab.simulator.report.model import Case, Measurement, Report, Run, Verdict
from mfalab.simulator.report.text import duration_text, failure_account

# XML 1.0 section 2.2, production Char; DEL is left out too, as pytest does.
_NOT_XML = re.compile("[^\t\n\r -~\x80-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class JUnitReport:
    """The JUnit XML of runs, made while they are read: of a case, its lines are held."""

    def __init__(self) -> None:
        self._cases: dict[int, list[str]] = {}

    def add(self, run: int, case: Case) -> None:
        """Take the next case, of the run with that number, from 0."""
        self._cases.setdefault(run, []).append(_indented(_testcase(case), 2))

    def render(self, report: Report) -> str:
        """The text of the file, once all cases of the report were taken."""
        lines = ["<?xml version='1.0' encoding='utf-8'?>\n<testsuites name=\"mfalab\">\n"]
        for number, (run, label) in enumerate(zip(report.runs, report.labels, strict=True)):
            head = _indented(
                _suite(run, f"mfalab {label}" if len(report.runs) > 1 else "mfalab"), 1
            )
            lines += [head.removesuffix(_SUITE_END), *self._cases.get(number, ()), _SUITE_END]
        return "".join([*lines, "</testsuites>"])

    def write(self, report: Report, path: Path) -> None:
        """Write it, one test suite per run; an existing file is replaced."""
        write_whole(path, self.render(report))


_SUITE_END = "  </testsuite>\n"


def _indented(element: ET.Element, level: int) -> str:
    ET.indent(element, level=level)
    return f"{'  ' * level}{ET.tostring(element, encoding='unicode')}\n"


def _suite(run: Run, name: str) -> ET.Element:
    counts = run.counts
    suite = ET.Element(
        "testsuite",
        {
            "name": _xml(name),
            "errors": str(counts[Verdict.ERROR] + counts[Verdict.INTERRUPTED]),
            "failures": str(counts[Verdict.FAILED]),
            "skipped": str(counts[Verdict.SKIPPED]),
            "tests": str(len(run.cases)),
            "time": _seconds(
                run.wall_duration_ns
                if run.wall_duration_ns is not None
                else sum(case.wall_duration_ns for case in run.cases)
            ),
            "timestamp": (_EPOCH + timedelta(microseconds=run.wall_ns // 1000)).isoformat(),
        },
    )
    _properties(suite, [("mfalab", run.version), ("seed", run.seed), ("bench", run.bench)])
    return suite


def _testcase(case: Case) -> ET.Element:
    file = _file(case.file)
    element = ET.Element(
        "testcase",
        {
            "classname": _xml(re.sub(r"\.py$", "", file.replace("/", "."))),
            "name": _xml(f"{case.name}[{case.params}]" if case.params else case.name),
            "file": _xml(file),
            "line": str(case.line),
            "time": _seconds(case.wall_duration_ns),
        },
    )
    _properties(
        element,
        [
            ("seed", case.seed),
            ("profile", case.profile),
            ("true_time", duration_text(case.true_duration_ns)),
            *((f"measurement.{item.name}", _measured(item)) for item in case.measurements),
        ],
    )
    if case.verdict is Verdict.SKIPPED:
        ET.SubElement(element, "skipped", {"type": "pytest.skip", "message": _xml(case.why)})
    elif case.verdict.is_bad:
        tag = "failure" if case.verdict is Verdict.FAILED else "error"
        step = case.failed_step
        message = case.why or (step.why if step is not None else "") or case.verdict.value
        outcome = ET.SubElement(element, tag, {"message": _xml(message)})
        account = "\n".join(f"{label:9} {text}" for label, text in failure_account(case))
        outcome.text = _xml(f"{case.scenario}\n{account}\n")
    return element


def _properties(parent: ET.Element, pairs: list[tuple[str, str]]) -> None:
    properties = ET.SubElement(parent, "properties")
    for name, value in pairs:
        if value:
            ET.SubElement(properties, "property", {"name": _xml(name), "value": _xml(value)})


def _measured(item: Measurement) -> str:
    value = f"{item.value} {item.unit}".strip()
    limit = f", limit {item.limit}" if item.limit else ""
    return f"{value} ({item.verdict.value}{limit})"


def _file(file: str) -> str:
    """The path as pytest writes it: with slashes, and relative to where the run is started."""
    path = PurePath(file.replace("\\", "/"))
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()


def _xml(text: str) -> str:
    """Text in which characters that XML cannot hold are spelt out, such as `#x1B`."""
    return _NOT_XML.sub(lambda found: f"#x{ord(found.group()):02X}", text)


def _seconds(duration_ns: int) -> str:
    return f"{duration_ns / 1e9:.3f}"
