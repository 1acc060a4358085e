"""Each example does what its header says, and fails when what it shows is broken."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples"
BIN = Path(sys.executable).parent
HEADER_LINES = 12
LIMIT_S = 120

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Example:
    """A file of the folder with commands in its header.

    Attributes:
        file: its path in the folder.
        says: what its output has, a regular expression.
        breaks: a change that must be noticed: a file, a text in it, and the text in its place.
        needs: packages and programs besides what mfalab itself depends on.
    """

    file: str
    says: str
    breaks: tuple[str, str, str]
    needs: tuple[str, ...] = ()


ALL = [
    Example(
        "window.fleet.yaml",
        r"^ rfc6238 +[\d,.]+ +[\d,.]+ .*\n keycloak +[\d,.]+ +0\.0 ",
        (
            "window.fleet.yaml",
            "policies: [aws-observed, rfc6238, keycloak",
            "policies: [aws-observed",
        ),
        ("numba", "pyarrow"),
    ),
    Example(
        "first.scenario.yaml",
        r"^passed  examples/first \(1\.0 d\)$",
        ("first.scenario.yaml", "code: -9 steps", "code: current"),
    ),
    Example(
        "test_first.py",
        r"^=+ 1 passed in ",
        ("test_first.py", 'code="-9 steps"', 'code="current"'),
    ),
    Example(
        "test_login.py",
        r"^=+ 5 passed in ",
        ("login_app.py", "self.last_step = step", "pass"),
        ("flask", "pyotp"),
    ),
    Example(
        "test_browser.py",
        r"^=+ 1 passed in ",
        ("login_app.py", "Signed in as", "Hello"),
        ("flask", "pyotp", "playwright", "chromium"),
    ),
    Example(
        "test_webauthn.py",
        r"^=+ 4 passed in ",
        ("test_webauthn.py", "self.sign_count = verified.new_sign_count", "pass"),
        ("webauthn",),
    ),
    Example(
        "test_key_browser.py",
        r"^=+ 4 passed in ",
        ("test_key_browser.py", "key_browser.key.touch()", "key_browser.key.decline()"),
        ("flask", "webauthn", "playwright", "chromium"),
    ),
    Example(
        "test_bench.py",
        r"^test_yours +[\d.]+ \(1\.0\) .*\ntest_ours +[\d.]+ \([\d.]+\) ",
        ("login_app.py", "self.last_step + 1", "here + 1"),
        ("flask", "pyotp", "pytest_benchmark"),
    ),
    Example(
        "fleet.py",
        r"^   5 +\+232\.7 s +\+7\.8 +\+87\.7 s +\+2\.9 +-1940\.4 s +-64\.7$",
        ("fleet.py", "climate=CLIMATES[name], ", ""),
    ),
    Example(
        "session_token.py",
        r"^GetSessionToken: AccessDenied: .*\n"
        r"DeactivateMFADevice: AccessDenied \(403\)\nDeactivateMFADevice: allowed$",
        ("session_token.py", "(keys, temporary)", "(keys, keys)"),
    ),
    Example(
        "mfa_protected_api.py",
        r"^access keys: AccessDenied: .* because no identity-based policy allows the "
        r"s3:ListAllMyBuckets action\n"
        r"session without MFA: AccessDenied: .*\nsession with MFA: allowed\n"
        r"an hour later: AccessDenied: .*\nrole without MFA: AccessDenied: .*role/auditor\n"
        r"role with MFA: allowed\nrole's credentials: allowed$",
        ("mfa_protected_api.py", '"3600"', '"7200"'),
    ),
    Example(
        "aws_samples.py",
        r"^keys: AccessDenied\nsession without MFA: AccessDenied\n"
        r"session with MFA: \['mfalab-\d+'\]\nrole without MFA: AccessDenied\n"
        r"role with MFA: \['mfalab-\d+'\]\nnothing is left: True$",
        ("aws_samples.py", 'Resource="*", Condition=WITH_MFA', 'Resource="*"'),
        ("boto3", "uvicorn"),
    ),
    Example(
        "pyotp_verifier.py",
        r"^on pyotp_verifier.py:Verifier\n[\s\S]*^41 passed, 2 skipped in ",
        ("pyotp_verifier.py", "self.newest[account] = step", "pass"),
        ("pyotp",),
    ),
    Example(
        "django_otp_verifier.py",
        r"^on django_otp_verifier.py:Verifier\n[\s\S]*^38 passed, 5 skipped in ",
        ("django_otp_verifier.py", "code) is not None", "code) is None"),
        ("django_otp", "time_machine"),
    ),
    Example(
        "device_suite.py",
        r"^=+ \d+ passed(, \d+ warnings?)? in ",
        ("device_suite.py", '"all-features"', '"fido-2.0"'),
        ("fido2-suite",),
    ),
    Example(
        "udp_key.py",
        r"^FIDO_2_1: signature 2 is good$",
        ("udp_key.py", "assertion.verify(bytes(32)", "assertion.verify(bytes(31)"),
    ),
    Example(
        "rig/on_the_rig.scenario.yaml",
        r"^passed  rig/on_the_rig \([\d.]+ m?s\)$",
        ("rig/on_the_rig.scenario.yaml", "with: key", "with: key, key: {touch: never}"),
    ),
    Example(
        "rig/simulated_rig.py",
        r"^on A rig on the desk\npassed  rig/on_the_rig \([\d.]+ m?s\)$",
        ("rig/lab.yaml", "rig1:1", "rig1:2"),
    ),
]


def commands(file: str) -> list[str]:
    """The commands in the header of a file."""
    head = (FOLDER / file).read_text().splitlines()[:HEADER_LINES]
    return [found[1] for line in head if (found := re.match(r"(?:#  |   ) \$ (.+)", line))]


def missing(name: str) -> bool:
    if name == "fido2-suite":
        return not (Path(sys.prefix) / name / "pytest.ini").exists()
    return shutil.which(name) is None if name == "chromium" else find_spec(name) is None


@pytest.fixture
def works(tmp_path: Path, give_up: Callable[[str], NoReturn]) -> Callable[[Example], str]:
    """Runs an example in a copy of the folder, which has nothing of this tree above it.

    The result is what is wrong with it, or nothing.
    """
    copy = tmp_path / "examples"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    environment = {name: text for name, text in os.environ.items() if "PYTEST" not in name}
    environment["PATH"] = f"{BIN}:{environment['PATH']}"

    def run(example: Example) -> str:
        if lacking := [name for name in example.needs if missing(name)]:
            give_up(f"{', '.join(lacking)} is not installed; make test installs it")
        done = subprocess.run(
            ["bash", "-e", "-c", "\n".join(commands(example.file))],
            cwd=(copy / example.file).parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        if done.returncode == 0 and re.search(example.says, done.stdout, re.MULTILINE):
            return ""
        return f"exit code {done.returncode}, without {example.says!r}:\n{done.stdout}"

    return run


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.file)
def test_example_does_what_its_header_says(
    example: Example, works: Callable[[Example], str]
) -> None:
    assert works(example) == ""


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.file)
def test_example_fails_when_what_it_shows_is_broken(
    example: Example, works: Callable[[Example], str], tmp_path: Path
) -> None:
    file, text, other = example.breaks
    path = tmp_path / "examples" / file
    assert path.read_text().count(text) == 1
    path.write_text(path.read_text().replace(text, other))
    assert works(example) != ""


def test_every_command_of_a_header_is_run() -> None:
    files = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()]
    said = {command for file in files for command in commands(file)}
    run = {command for example in ALL for command in commands(example.file)}
    assert said - run == {
        "flask --app login_app run",  # test_login.py calls the application
        "flask --app webauthn_server run --port 5000",  # tests/simulator/targets/test_strangers.py
        "mfalab run --target webauthn:http://localhost:5000",
    }


def test_the_ejected_example_is_what_eject_writes() -> None:
    shipped = (FOLDER / "test_first.py").read_text()
    ejected = subprocess.run(
        [BIN / "mfalab", "eject", "first.scenario.yaml"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shipped.partition('"""')[2] == ejected.partition('"""')[2]


def test_the_list_of_examples_links_to_each_of_them() -> None:
    links = re.findall(r"\]\(([^)]+)\)", (FOLDER / "README.md").read_text())
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*") if path.is_file()}
    shown = {name for name in files if not name.startswith(".") and "__pycache__" not in name}
    assert sorted({link for link in links if "://" not in link and ".." not in link}) == sorted(
        shown - {"README.md", "pytest.ini"}
    )


def test_examples_are_typed() -> None:
    done = subprocess.run(
        [BIN / "mypy", "examples"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
