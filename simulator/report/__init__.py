"""Projections of the event log: terminal output, JUnit XML and the HTML report.

`read_runs` and `read_logs` turn the lines of one or several logs into frozen records, `RunsBuilder`
does so with the events of a run that goes on. `Files` makes the HTML page and the JUnit XML from
the cases as they come; `TerminalReporter` and, for programs, `SummaryReporter` follow the events;
`comparison` says where several runs part.
"""

from mfalab.simulator.report.builder import RunsBuilder
from mfalab.simulator.report.comparison import comparison
from mfalab.simulator.report.html import HtmlReport
from mfalab.simulator.report.junit import JUnitReport
from mfalab.simulator.report.model import Report
from mfalab.simulator.report.reader import LogError, read_events, read_logs, read_runs
from mfalab.simulator.report.summary import SummaryReporter
from mfalab.simulator.report.terminal import TerminalReporter

__all__ = [
    "HtmlReport",
    "JUnitReport",
    "LogError",
    "Report",
    "RunsBuilder",
    "SummaryReporter",
    "TerminalReporter",
    "comparison",
    "read_events",
    "read_logs",
    "read_runs",
]
