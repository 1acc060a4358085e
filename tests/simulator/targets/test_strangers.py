"""Other people's libraries behind the port: what they get right, and what is forgotten around them.

The examples are what a developer copies; a fault is a line of one that is missing or wrong.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any, NoReturn

import pytest
from werkzeug.serving import make_server

from mfalab.simulator.eventlog import Event
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.suites import collect, shipped
from mfalab.simulator.targets.otp.system import OtpSystem
from mfalab.simulator.targets.webauthn.api import HttpServer
from mfalab.simulator.targets.webauthn.system import WebauthnSystem
from mfalab.simulator.workbench.target import system_under_test

EXAMPLES = Path(__file__).parents[3] / "examples"
SITE = "http://localhost:5000"


def cases(suite: str, *words: str) -> list[Case]:
    found = collect([str(shipped() / suite)])
    return [case for case in found if not words or case.local_id.partition("[")[0] in words]


def play(system: Any, chosen: Sequence[Case]) -> dict[str, Event]:
    assert chosen
    return {case.local_id: run_case(case, 1, system=system)[-1] for case in chosen}


def verdicts(finished: dict[str, Event]) -> Counter[Any]:
    return Counter(end["verdict"] for end in finished.values())


def failed(finished: dict[str, Event]) -> set[str]:
    assert {end["verdict"] for end in finished.values()} <= {"passed", "failed"}
    return {name for name, end in finished.items() if end["verdict"] == "failed"}


# -- django-otp; tests/test_examples.py runs the whole suite on it --


def django_otp(name: str) -> OtpSystem:
    system = system_under_test(f"otp:{EXAMPLES / 'django_otp_verifier.py'}:{name}")
    assert isinstance(system, OtpSystem)
    return system


def test_django_otp_without_its_lock_takes_a_code_twice() -> None:
    (end,) = play(django_otp("Unlocked"), cases("one-time-codes", "race")).values()
    assert end["verdict"] == "failed"
    assert "expected 1 accepted of 8, got " in end["why"]


def test_django_otp_is_locked_by_a_clock_that_is_put_right() -> None:
    finished = play(django_otp("SetBack"), cases("one-time-codes", "verifier-clock-wrong"))
    assert failed(finished) == {"verifier-clock-wrong[an hour ahead]"}


def test_locked_database_is_an_error_where_a_refusal_is_right() -> None:
    right = django_otp("Verifier")

    def make() -> Any:
        verifier: Any = right.make()
        judge = verifier.judge
        from django.conf import settings

        options = settings.DATABASES["default"]["OPTIONS"]

        def while_another_writes(attempts: Any) -> Any:
            name = settings.DATABASES["default"]["NAME"]
            with closing(sqlite3.connect(name, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")  # undone when it is closed
                return judge(attempts)

        options["timeout"] = 0
        verifier.judge = while_another_writes
        return verifier

    from django.conf import settings

    try:
        system = OtpSystem("locked", "otp:locked", make, right.capabilities)
        (case,) = (each for each in cases("one-time-codes", "codes-of-another"))
        end = run_case(case, 1, system=system)[-1]
    finally:
        settings.DATABASES["default"]["OPTIONS"].pop("timeout", None)
    assert end["verdict"] == "error"
    assert "OperationalError: database is locked" in end["why"]


# -- py_webauthn --


def module(*changes: tuple[str, str]) -> ModuleType:
    """The example, with some of its lines changed."""
    source = (EXAMPLES / "webauthn_server.py").read_text()
    for text, other in changes:
        assert source.count(text) >= 1, text
        source = source.replace(text, other)
    made = ModuleType(f"webauthn_server_{len(changes)}")
    sys.modules[made.__name__] = made  # dataclasses look their module up
    exec(compile(source, "webauthn_server.py", "exec"), made.__dict__)
    return made


class InProcess:
    """A Flask application as a server."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def session(self) -> Any:
        browser = self.application.test_client()

        class Session:
            def post(self, path: str, body: bytes) -> tuple[int, bytes]:
                answer = browser.post(path, data=body, content_type="application/json")
                return answer.status_code, answer.data

        return Session()


def py_webauthn(*changes: tuple[str, str]) -> WebauthnSystem:
    return WebauthnSystem(
        "py_webauthn", "webauthn:mine", InProcess(module(*changes).app), SITE, StandingWall()
    )


class StandingWall:
    """A wall that shows another time only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1_800_000_000 * 10**9

    def now_ns(self) -> int:
        return self.now

    def wait(self, duration_ns: int) -> None:
        self.now += duration_ns


def test_py_webauthn_passes_but_for_the_model_in_the_certificate() -> None:
    """py_webauthn 3.0 does not compare the AAGUID with the extension id-fido-gen-ce-aaguid."""
    assert failed(play(py_webauthn(), cases("webauthn"))) == {"wrong-model"}


FAULTS: dict[str, tuple[tuple[str, str], set[str]]] = {
    "counter not kept": (
        ("user.keys[credential_id] = public_key, verified.new_sign_count", "pass"),
        {"counter[back to where it was]", "counter[stands still]", "copied-key"},
    ),
    "any origin of the host": (
        ("expected_origin=ORIGIN", 'expected_origin=[ORIGIN, "http://localhost:8443"]'),
        {"elsewhere[another port of the right host]"},
    ),
    "challenge used again": (
        (
            'ceremonies.pop(session.get("ceremony", ""), None)',
            'ceremonies.get(session["ceremony"])',
        ),
        {"overheard-assertion[a key without a counter]"},
    ),
    "one challenge for all": (
        ('session["ceremony"] = secrets.token_hex(16)', 'session["ceremony"] = "the one"'),
        {"two-at-once"},
    ),
    "verification never required": (
        (
            "require_user_verification=ceremony.verification is",
            "require_user_verification=False and",
        ),
        {"user-verification"},
    ),
    "nothing excluded": (
        ("        exclude_credentials=user.descriptors(),\n", ""),
        {"same-key-twice[u2f-2016]", "same-key-twice[ctap-2.1-pin]"},
    ),
    "handle not looked at": (
        ('if handle not in (b"", user.id):', "if False:"),
        {"handle-of-another-user"},
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_forgotten_around_py_webauthn_is_found(name: str) -> None:
    change, found = FAULTS[name]
    words = {each.partition("[")[0] for each in found}
    finished = play(py_webauthn(change), cases("webauthn", *words))
    assert found <= failed(finished)
    assert all("expected " in finished[each]["why"] for each in found)


def test_exception_in_the_server_is_an_error() -> None:
    change = "credential_id not in user.keys", "user.keys[credential_id] is None"
    finished = play(py_webauthn(change), cases("webauthn", "wrong-key"))
    end = finished["wrong-key[a page that asks it]"]
    assert end["verdict"] == "error"
    assert "/assertion/result answers with 500" in end["why"]


@pytest.fixture
def served() -> Iterator[str]:
    """Serves the example from a thread, and gives what `--target` names it by."""
    server = make_server("localhost", 0, module().app, threaded=True)
    site = f"http://localhost:{server.port}"
    server.app = module(('"http://localhost:5000"', f'"{site}"')).app
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"webauthn:{site}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_py_webauthn_over_http(served: str) -> None:
    system = system_under_test(served)
    finished = play(system, cases("webauthn", "two-at-once", "elsewhere"))
    assert verdicts(finished) == {"passed": len(finished)}


# -- @simplewebauthn/server --


@pytest.fixture
def simplewebauthn(
    tmp_path: Path, give_up: Callable[[str], NoReturn]
) -> Iterator[Callable[..., WebauthnSystem]]:
    """Starts the server under node, with some of its lines changed."""
    packages = Path(__file__).parents[3] / ".venv" / "npm"
    if shutil.which("node") is None or not (packages / "node_modules" / "@simplewebauthn").exists():
        give_up("node and @simplewebauthn/server are not installed; make test installs them")
    source = Path(__file__).with_name("simplewebauthn_server.cjs").read_text()
    running = []

    def start(*changes: tuple[str, str]) -> WebauthnSystem:
        changed = source
        for text, other in changes:
            assert changed.count(text) == 1
            changed = changed.replace(text, other)
        file = tmp_path / "server.cjs"
        file.write_text(changed)
        process = subprocess.Popen(["node", file, packages], stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        site = process.stdout.readline().strip()
        return WebauthnSystem("node", f"webauthn:{site}", HttpServer(site), site, StandingWall())

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_simplewebauthn_passes(simplewebauthn: Callable[..., WebauthnSystem]) -> None:
    assert failed(play(simplewebauthn(), cases("webauthn"))) == set()


def test_counter_that_is_forgotten_around_simplewebauthn_is_found(
    simplewebauthn: Callable[..., WebauthnSystem],
) -> None:
    system = simplewebauthn(("key.counter = v.authenticationInfo.newCounter;", ""))
    finished = play(system, cases("webauthn", "copied-key", "two-at-once"))
    assert failed(finished) == {"copied-key"}
