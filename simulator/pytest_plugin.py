"""The pytest door: scenario files are test items, and labs are fixtures.

This module is imported in every pytest run of everybody who has mfalab installed, so it imports
nothing of mfalab until it is needed and changes no option of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mfalab.devices.otp.app import AuthenticatorApp
    from mfalab.devices.otp.token import HardwareToken
    from mfalab.devices.security_key import SecurityKey
    from mfalab.simulator.clocks.timeline import Timeline
    from mfalab.simulator.eventlog import Event
    from mfalab.simulator.lab import Lab
    from mfalab.simulator.scenario_files.loader import Case
    from mfalab.verifier import Verifier

_SUFFIX = ".scenario.yaml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--mfa-seed` and the ini value `mfa_seed`."""
    group = parser.getgroup("mfalab", "MFA scenarios")
    group.addoption(
        "--mfa-seed", type=int, metavar="N", help="seed of all chance in MFA scenarios and labs"
    )
    parser.addini("mfa_seed", "seed of all chance in MFA scenarios and labs", default="1")


def pytest_configure(config: pytest.Config) -> None:
    """Make the tags of the shipped suites known as markers."""
    from mfalab.simulator.scenario_files.tags import TAGS

    for tag, meaning in TAGS.items():
        config.addinivalue_line("markers", f"{tag}: {meaning}")


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> ScenarioFile | None:
    """Collect every file that ends in `.scenario.yaml`."""
    if file_path.name.endswith(_SUFFIX):
        file: ScenarioFile = ScenarioFile.from_parent(parent, path=file_path)
        return file
    return None


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

            events = run_case(case, mfa_seed)
            for event in events:
                if event["kind"] == "measurement":
                    measured = (event["name"], f"{event['value']} {event['unit']}")
                    request.node.user_properties.append(measured)
            if events[-1]["verdict"] != "passed":
                raise ScenarioFailed(_account(events))

        item: ScenarioItem = cls.from_parent(parent, name=case.local_id, callobj=run)
        item.case = case
        for tag in case.scenario.tags:
            item.add_marker(getattr(pytest.mark, tag))
        return item

    def reportinfo(self) -> tuple[Path, int, str]:
        """File, line (from 0) and name."""
        return self.path, self.case.line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override] # pytest's two signatures differ
        """The account of a failed case instead of a traceback."""
        if isinstance(excinfo.value, ScenarioFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


def _account(events: list[Event]) -> str:
    from mfalab.simulator.report.reader import CaseBuilder
    from mfalab.simulator.report.text import failure_account, printable

    builder = CaseBuilder(events[0])
    for event in events[1:]:
        builder.add(event)
    return "\n".join(
        f"{label:9} {printable(text)}" for label, text in failure_account(builder.build())
    )


@pytest.fixture(scope="session")
def mfa_seed(pytestconfig: pytest.Config) -> int:
    """The seed of all chance: `--mfa-seed`, or the ini value `mfa_seed`, or 1."""
    given = pytestconfig.getoption("--mfa-seed")
    return int(pytestconfig.getini("mfa_seed") if given is None else given)


@pytest.fixture
def lab(request: pytest.FixtureRequest, mfa_seed: int) -> Lab:
    """A lab with a user alice, an administrator ada, a fob and an app of alice's.

    `lab.enable(who="alice", device="fob")` and all other steps of the vocabulary are its methods.
    """
    from mfalab.simulator.lab import Lab

    return Lab.of(
        seed=mfa_seed,
        case=request.node.nodeid,
        people={"alice": {}, "ada": {"role": "administrator"}},
        devices={
            "fob": {"kind": "hardware_totp", "owner": "alice"},
            "app": {"kind": "totp_app", "owner": "alice"},
        },
    )


@pytest.fixture
def clock(lab: Lab) -> Timeline:
    """True time of the lab: `clock.advance(ns)`; devices of the lab follow it."""
    return lab.timeline


@pytest.fixture
def verifier(lab: Lab) -> Verifier:
    """The lab's embedded verifier."""
    return lab.verifier


@pytest.fixture
def fob(lab: Lab) -> HardwareToken:
    """A hardware TOTP token with a quartz of its own: `fob.read_code()`."""
    from mfalab.devices.otp.token import HardwareToken
    from mfalab.simulator.environment.devices import HeldToken

    held = lab.device("fob")
    assert isinstance(held, HeldToken)
    assert isinstance(held.thing, HardwareToken)
    return held.thing


@pytest.fixture
def security_key(mfa_seed: int) -> SecurityKey:
    """A CTAP 2.1 security key without a PIN, plugged in, with time of its own.

    `Fido2Client(security_key.device(), ...)` uses it; no real time passes.
    """
    from mfalab.devices.security_key import SecurityKey
    from mfalab.simulator.entropy import Entropy

    key = SecurityKey("ctap-2.1-pin", random_bytes=Entropy(mfa_seed).random_bytes("security_key"))
    key.plug()
    return key


@pytest.fixture
def totp_app(lab: Lab) -> AuthenticatorApp:
    """An authenticator app on a phone: `totp_app.scan(png)`, `totp_app.code(account)`."""
    from mfalab.simulator.environment.devices import HeldApp

    held = lab.device("app")
    assert isinstance(held, HeldApp)
    return held.app
