"""Labs, and scenario files written by tests with what the loader says about them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zxingcpp  # noqa: F401 - pytester forgets what its runs import; twice imported, this aborts

from mfalab import Lab
from mfalab.simulator.language.problems import Problem, ProblemsFound
from mfalab.simulator.scenario_files.loader import Case, load_cases
from mfalab.simulator.scenario_files.suites import collect

MINIMAL = """\
scenario: A minimal story
people: {alice: {}, ada: {role: administrator}}
devices:
  fob: {kind: hardware_totp, owner: alice, drift: 0 ppm}
  app: {kind: totp_app, owner: alice}
steps:
"""

DEVICES: dict[str, dict[str, Any]] = {
    "fob": {"kind": "hardware_totp", "owner": "alice", "drift": "0 ppm"},
    "hotp": {"kind": "hardware_hotp", "owner": "alice"},
    "app": {"kind": "totp_app", "owner": "alice"},
    "spare": {"kind": "totp_app", "owner": "alice"},
    "sms": {"kind": "sms_phone", "owner": "alice"},
    "key": {"kind": "security_key", "owner": "alice"},
    "other": {"kind": "security_key", "owner": "alice"},
}
"""Devices that `lab_with` gives to alice."""


@pytest.fixture
def story() -> Callable[..., str]:
    """The text of a scenario with alice, ada, a fob and an app, with steps and further lines."""

    def write(*steps: str, more: str = "") -> str:
        return more + MINIMAL + "".join(f"  - {step}\n" for step in steps)

    return write


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a scenario file below a folder of the test's own."""

    def write(text: str | bytes, name: str = "topic/story") -> Path:
        path = tmp_path / f"{name}.scenario.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


@pytest.fixture
def cases(write: Callable[..., Path]) -> Callable[..., list[Case]]:
    """The cases of a scenario text."""
    return lambda text, name="topic/story": load_cases(write(text, name), f"{name}.scenario.yaml")


@pytest.fixture
def problems(write: Callable[..., Path]) -> Callable[..., list[Problem]]:
    """What is wrong with a scenario text, in the order of the file."""

    def load(text: str | bytes) -> list[Problem]:
        with pytest.raises(ProblemsFound) as found:
            load_cases(write(text), "story.scenario.yaml")
        return list(found.value.problems)

    return load


@pytest.fixture(scope="session")
def shipped_cases() -> list[Case]:
    """All cases of the shipped suites."""
    return collect([])


@pytest.fixture
def lab_with() -> Callable[..., Lab]:
    """Makes a lab of alice, bob and ada, who type at once; alice has some of `DEVICES`."""

    def make(*devices: str, **changes: Any) -> Lab:
        roles = {"alice": "user", "bob": "user", "ada": "administrator"}
        setting: dict[str, Any] = {
            "people": {name: {"role": role, "typing": "instant"} for name, role in roles.items()},
            "devices": {name: DEVICES[name] for name in devices},
        }
        return Lab.of(**setting | changes)

    return make
