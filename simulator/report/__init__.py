"""Projections of the event log: terminal output, JUnit XML and the HTML report.

`read_runs` and `read_logs` turn the lines of one or several logs into frozen records; `write_html`
and `write_junit` write files from them; `TerminalReporter` and, for programs, `SummaryReporter`
follow the events while a run goes on; `comparison` says where several runs part.
"""

from mfalab.simulator.report.comparison import comparison
from mfalab.simulator.report.html import write_html
from mfalab.simulator.report.junit import write_junit
from mfalab.simulator.report.model import Report
from mfalab.simulator.report.reader import LogError, read_events, read_logs, read_runs
from mfalab.simulator.report.summary import SummaryReporter
from mfalab.simulator.report.terminal import TerminalReporter

__all__ = [
    "LogError",
    "Report",
    "SummaryReporter",
    "TerminalReporter",
    "comparison",
    "read_events",
    "read_logs",
    "read_runs",
    "write_html",
    "write_junit",
]
