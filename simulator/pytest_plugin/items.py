"""Scenario files as pytest's collectors, and their cases as its items."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mfalab.simulator.environment.target import SystemUnderTest
    from mfalab.simulator.eventlog import Event
    from mfalab.simulator.scenario_files.loader import Case

_TAGS = pytest.StashKey[set[str]]()
_TARGET: pytest.StashKey[SystemUnderTest] = pytest.StashKey()


class ScenarioFile(pytest.Module):
    """A scenario file; a module without code, so that fixtures of every scope work."""

    def _getobj(self) -> object:
        return type("scenario", (), {"__name__": self.name, "__doc__": None})

    def collect(self) -> Iterator[ScenarioItem]:
        """One item for each case.

        Raises:
            CollectError: the file is wrong; all of it, located.
        """
        from mfalab.simulator.language.problems import ProblemsFound
        from mfalab.simulator.scenario_files.loader import load_cases
        from mfalab.simulator.scenario_files.suites import shown_as

        try:
            cases = load_cases(self.path, shown_as(self.path))
        except ProblemsFound as found:
            raise self.CollectError(str(found)) from None
        for case in cases:
            yield ScenarioItem.of(self, case)


class ScenarioFailed(Exception):
    """A case failed. Args: the account of it, as the terminal shows it."""


class ScenarioItem(pytest.Function):
    """One case as a test."""

    case: Case

    @classmethod
    def of(cls, parent: ScenarioFile, case: Case) -> ScenarioItem:
        """The item of a case, marked with its tags."""

        def run(mfa_seed: int, request: pytest.FixtureRequest) -> None:
            from mfalab.simulator.runner import run_case

            events = run_case(case, mfa_seed, system=the_target(request.config))
            for event in events:
                if event["kind"] == "measurement":
                    measured = (event["name"], f"{event['value']} {event['unit']}")
                    request.node.user_properties.append(measured)
            if events[-1]["verdict"] == "skipped":
                pytest.skip(events[-1]["why"])  # noqa: TID251 - the target cannot do it
            if gone := events[-1].get("target_gone"):
                request.session.shouldstop = f"--mfa-target: {gone}"
            if events[-1]["verdict"] != "passed":
                raise ScenarioFailed(_account(events))

        item: ScenarioItem = cls.from_parent(parent, name=case.local_id, callobj=run)
        item.case = case
        _make_known(parent.config, case.scenario.tags)
        for tag in case.scenario.tags:
            item.add_marker(tag)
        return item

    def reportinfo(self) -> tuple[Path, int, str]:
        """File, line (from 0) and name."""
        return self.path, self.case.line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override] # pytest's two signatures differ
        """The account of a failed case instead of a traceback."""
        if isinstance(excinfo.value, ScenarioFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


def the_target(config: pytest.Config) -> SystemUnderTest:
    """What `--mfa-target` names, found once.

    Raises:
        UsageError: it names nothing that can be tested, or what is one world for all cases and
            would be shared by several workers.
    """
    from mfalab.simulator.environment.target import TargetFailed
    from mfalab.simulator.language.problems import ProblemsFound
    from mfalab.simulator.workbench.target import BadTarget, system_under_test

    if _TARGET not in config.stash:
        try:
            system = system_under_test(config.getoption("--mfa-target"))
        except (BadTarget, ProblemsFound, TargetFailed) as error:
            raise pytest.UsageError(f"--mfa-target: {error}") from None
        if system.one_process and getattr(config.option, "numprocesses", None):
            raise pytest.UsageError(
                f"--mfa-target: {system.label} is one world for all cases: leave -n out with it"
            )
        config.stash[_TARGET] = system
    return config.stash[_TARGET]


def _account(events: list[Event]) -> str:
    from mfalab.simulator.report.builder import CaseBuilder
    from mfalab.simulator.report.text import failure_account, printable

    builder = CaseBuilder(events[0])
    for event in events[1:]:
        builder.add(event)
    return "\n".join(
        f"{label:9} {printable(text)}" for label, text in failure_account(builder.build())
    )


def _make_known(config: pytest.Config, tags: list[str]) -> None:
    """Make tags known as markers: a scenario declares its tags by having them."""
    known = config.stash.setdefault(_TAGS, set())
    for tag in set(tags) - known:
        known.add(tag)
        config.addinivalue_line("markers", f"{tag}: a tag of scenarios")
