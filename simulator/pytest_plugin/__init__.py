"""The pytest door: scenario files are test items, and labs are fixtures.

This package is imported in every pytest run of everybody who has mfalab installed, so it imports
nothing of mfalab until it is needed and changes no option of theirs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mfalab.simulator.pytest_plugin.items import ScenarioFile, the_target

pytest_plugins = [
    "mfalab.simulator.pytest_plugin.fixtures",
    "mfalab.simulator.pytest_plugin.key_browser_fixture",
]
_SUFFIXES = (".scenario.yaml", ".scenario.yml")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--mfa-seed`, the ini value `mfa_seed`, and `--mfa-target`."""
    group = parser.getgroup("mfalab", "MFA scenarios")
    group.addoption(
        "--mfa-seed", type=int, metavar="N", help="seed of all chance in MFA scenarios and labs"
    )
    group.addoption(
        "--mfa-target",
        default="embedded",
        metavar="TARGET",
        help="system under test of MFA scenarios: embedded, otp:MODULE:NAME, aws:URL, ...",
    )
    parser.addini("mfa_seed", "seed of all chance in MFA scenarios and labs", default="1")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Settle the seed, and make the tags of the shipped suites known as markers.

    `browser` is also what pytest-playwright and pytest-splinter call theirs; where a plugin has
    one, ours stays away.

    Raises:
        UsageError: the ini value is no whole number; `--mfa-target` names nothing to be tested.
    """
    from mfalab.simulator.scenario_files.tags import TAGS

    given = config.getoption("--mfa-seed")
    if given is None:
        text = config.getini("mfa_seed")
        try:
            given = int(text)
        except ValueError:
            raise pytest.UsageError(f"mfa_seed = {text}: give a whole number, such as 7") from None
        config.option.mfa_seed = given
    if config.getoption("--mfa-target") != "embedded":
        the_target(config)
    for tag, meaning in TAGS.items():
        config.addinivalue_line("markers", f"{tag}: {meaning}")
    others = [
        plugin
        for plugin in config.pluginmanager.get_plugins()
        if not str(getattr(plugin, "__file__", "")).endswith("conftest.py")  # theirs wins anyway
    ]
    if not any(hasattr(plugin, "browser") for plugin in others):
        config.pluginmanager.import_plugin("mfalab.simulator.pytest_plugin.browser_fixture")


def pytest_report_header(config: pytest.Config) -> str:
    """The seed, as it is given again."""
    return f"mfalab: --mfa-seed {config.getoption('--mfa-seed')}"


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> ScenarioFile | None:
    """Collect every file that ends in `.scenario.yaml`; one that almost does is an error."""
    if file_path.name.lower().endswith(_SUFFIXES):
        file: ScenarioFile = ScenarioFile.from_parent(parent, path=file_path)
        return file
    return None
