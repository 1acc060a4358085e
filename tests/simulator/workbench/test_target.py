"""What `--target` names: objects, files, and every mistake in them with its place."""

from __future__ import annotations

import pickle
from pathlib import Path
from unittest.mock import Mock

import pytest

from mfalab.simulator.language.problems import ProblemsFound
from mfalab.simulator.targets.embedded import EMBEDDED
from mfalab.simulator.targets.otp.command import CommandVerifier
from mfalab.simulator.targets.otp.http import HttpVerifier
from mfalab.simulator.targets.otp.system import OtpSystem
from mfalab.simulator.targets.webauthn.api import HttpServer
from mfalab.simulator.targets.webauthn.system import WebauthnSystem
from mfalab.simulator.workbench.target import BadTarget, system_under_test


@pytest.fixture(autouse=True)
def there(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is named here need not be there: it is not asked for anything."""
    monkeypatch.setattr("mfalab.simulator.targets.reaching.socket.create_connection", Mock())
    monkeypatch.setattr("mfalab.simulator.targets.reaching.shutil.which", Mock())


MODULE = """
from mfalab.simulator.targets.otp.verifier import Capabilities

class Verifier:
    capabilities = Capabilities(window_back=3)
    def set_time(self, now_ns): ...
    def enrol(self, account, seed, algorithm, digits, period_s): ...
    def attempt(self, account, code): return False
    def revoke(self, account): ...
    def close(self): ...

ready = Verifier()

class Races(Verifier):
    capabilities = Capabilities(lanes=2, resync_codes=2)

class Undeclared(Verifier):
    capabilities = None

class Stuck(Verifier):
    def close(self): raise OSError("still open")

def broken():
    raise KeyError("nothing")

def leaves():
    raise SystemExit(3)
"""
HTTP = """
target: mine
capabilities: {window_back: 2, time: wall, digits: [6, 8]}
http:
  enrol: {url: "http://127.0.0.1:1/enrol", json: {user: "{account}"}}
  attempt: {url: "http://127.0.0.1:1/verify", form: {code: "{code}"}}
"""
COMMAND = """
target: mine
command:
  enrol: [judge, enrol, "{account}"]
  attempt: [judge, "{account}", "{time}"]
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "verifier_of_mine.py"
    path.write_text(MODULE)
    return path


def test_embedded_is_this_projects() -> None:
    assert system_under_test("embedded") is EMBEDDED


@pytest.mark.parametrize("name", ["Verifier", "ready"])
def test_object_or_what_makes_one(module: Path, name: str) -> None:
    system = system_under_test(f"otp:{module}:{name}")
    assert isinstance(system, OtpSystem)
    assert system.capabilities.window_back == 3
    assert pickle.loads(pickle.dumps(system)).make().attempt("a", "1") is False


def test_module_in_the_folder_of_the_command(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(module.parent)
    monkeypatch.syspath_prepend("")
    assert system_under_test("otp:verifier_of_mine:Verifier").label == "verifier_of_mine:Verifier"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("opt:x:Y", 'did you mean "otp"'),
        ("", "write embedded, otp:MODULE:NAME"),
        ("otp:", "names no verifier"),
        ("otp:x", "names no verifier"),
        ("otp:x:not a name", "names no verifier"),
        ("otp:no_such_module_here:X", 'there is no module "no_such_module_here"'),
        ("otp:json.no_such_module:X", 'there is no module "json.no_such_module"'),
        ("otp:{module}:Nothing", 'verifier_of_mine.py has no "Nothing"$'),
        ("otp:{module}:Verifyer", 'has no "Verifyer"; did you mean "Verifier"'),
        ("otp:{module}:broken", "KeyError: 'nothing'"),
        ("otp:{module}:Stuck", "cannot be closed: OSError: still open"),
        ("otp:{module}:leaves", "cannot be made: SystemExit: 3"),
        ("otp:{module}:Undeclared", "has no `capabilities`"),
        ("otp:{module}:Races", "it has no attempt_together, no resync"),
        ("otp:nowhere.py:X", "there is no file nowhere.py"),
    ],
)
def test_text_that_names_nothing(module: Path, text: str, why: str) -> None:
    with pytest.raises(BadTarget, match=why.replace("(", r"\(")):
        system_under_test(text.format(module=module) if "{" in text else text)


def test_module_that_needs_another_one(module: Path) -> None:
    module.write_text("import no_such_module_here\n")
    for _ in range(2):  # a file that was read half is none the next time, too
        with pytest.raises(BadTarget, match=r"\.py needs no_such_module_here, which is not instal"):
            system_under_test(f"otp:{module}:Verifier")


def described(tmp_path: Path, text: str) -> OtpSystem:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    system = system_under_test(f"otp:{path}")
    assert isinstance(system, OtpSystem)
    return system


def test_file_of_requests(tmp_path: Path) -> None:
    system = described(tmp_path, HTTP)
    assert (system.label, system.wall is not None, system.capabilities.digits) == (
        "mine",
        True,
        (6, 8),
    )
    assert isinstance(pickle.loads(pickle.dumps(system)).make(), HttpVerifier)


def test_file_of_commands(tmp_path: Path) -> None:
    made = described(tmp_path, COMMAND).make()
    assert isinstance(made, CommandVerifier)
    assert made.commands["attempt"] == ["judge", "{account}", "{time}"]


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        (HTTP.replace("{code}", "{cod}"), "6:", '"{cod}" is no word'),
        (HTTP.replace("http://127.0.0.1:1/v", "ftp://x/v"), "6:", "it begins with http:// or"),
        (HTTP.replace("digits", "digit"), "3:44", 'unknown key "digit"; did you mean "digits"?'),
        (HTTP.replace("[6, 8]", "[six]"), "3:", "six"),
        (HTTP.replace("wall", "never"), "3:", "wall"),
        (HTTP.replace("time: wall, ", ""), "2:", "declare time: wall"),
        (HTTP + "command: {enrol: [a], attempt: [b]}", "2:", "one of command and http"),
        (HTTP.replace("time: wall", "time: wall, resync_codes: 2"), "2:", "has no resync"),
        (HTTP.replace("time: wall", "time: wall, resync_codes: 5"), "3:", "resync_codes is 5"),
        (HTTP + "  accepted: [200, 401]", "5:", "401 is both accepted and refused"),
        (COMMAND + "  accepted: [1]", "4:", "1 is both accepted and refused"),
        ("target: x", "1:", "one of command and http"),
    ],
)
def test_mistake_in_a_file_has_its_place(tmp_path: Path, text: str, place: str, why: str) -> None:
    with pytest.raises(ProblemsFound) as found:
        described(tmp_path, text)
    (problem,) = found.value.problems
    assert f"mine.yaml:{place}" in str(problem)
    assert why in problem.message


@pytest.mark.parametrize(
    ("text", "url", "origin"),
    [
        ("webauthn:http://localhost:3000", "http://localhost:3000", "http://localhost:3000"),
        (
            "webauthn:https://Login.example/fido/",
            "https://Login.example/fido",
            "https://login.example",
        ),
        (
            "webauthn:http://127.0.0.1:5000#https://a.example",
            "http://127.0.0.1:5000",
            "https://a.example",
        ),
        ("webauthn:http://localhost:80", "http://localhost:80", "http://localhost"),
    ],
)
def test_webauthn_server(text: str, url: str, origin: str) -> None:
    system = system_under_test(text)
    assert isinstance(system, WebauthnSystem)
    assert (system.server, system.origin, system.address) == (HttpServer(url), origin, text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("webauthn:", "names no server"),
        ("webauthn:localhost:3000", "names no server"),
        ("webauthn:ftp://localhost", "names no server"),
        ("webauthn:http://[::1", "names no server"),
        ("webauthn:http://localhost:99999", "names no server"),
        ("webauthn:http://me:secret@localhost", "names no server"),
        ("webauthn:http://localhost?a=b", "names no server"),
        ("webauthn:http://127.0.0.1:3000", "no WebAuthn at http://127.0.0.1:3000; say behind #"),
        ("webauthn:http://[::1]:3000", "no WebAuthn at"),
        ("webauthn:http://localhost:3000#localhost", "no WebAuthn at localhost;"),
        ("webauthn:http://localhost:3000#https://a.example/path", "no WebAuthn at"),
    ],
)
def test_no_webauthn_server(text: str, why: str) -> None:
    with pytest.raises(BadTarget, match=why):
        system_under_test(text)
