"""What tests of more than one package share."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings

from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.suites import collect
from mfalab.verifier import otp

# Neither is a property of ours: both are times on the wall, and the machine may be busy.
settings.register_profile("mfalab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mfalab")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: minutes in a guest."""
    items.sort(key=lambda item: item.get_closest_marker("guest") is None)


@pytest.fixture(scope="session")
def shipped_cases() -> list[Case]:
    """Short ones before long ones."""
    return sorted(collect([]), key=lambda case: len(case.scenario.steps))


@pytest.fixture
def notice(
    shipped_cases: list[Case], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[pytest.MonkeyPatch], None], str], None]:
    """Demands that a shipped case fails with a break of the verifier, and passes without it.

    Cases of the scenario, topic or tag that a word names are tried first. An error is no verdict
    on the verifier, and one that crashes is no break.
    """

    def fails(case: Case) -> bool:
        last = run_case(case)[-1]
        assert "defect in mfalab" not in last["why"], last["why"]
        return bool(last["verdict"] == "failed")

    def notice(break_it: Callable[[pytest.MonkeyPatch], None], word: str) -> None:
        def unlikely(case: Case) -> bool:
            return word != case.name and word not in case.topic and word not in case.scenario.tags

        break_it(monkeypatch)
        found = next((case for case in sorted(shipped_cases, key=unlikely) if fails(case)), None)
        monkeypatch.undo()
        what = break_it.__name__.replace("_", " ")
        assert found is not None, f"no scenario fails with this break: {what}"
        assert run_case(found)[-1]["verdict"] == "passed"

    return notice


@pytest.fixture(scope="session")
def give_up() -> Callable[[str], NoReturn]:
    """Skips a test for want of a component, with the reason; in CI that is a failure."""

    def give_up(reason: str) -> NoReturn:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)  # noqa: TID251 - this is where tests are skipped

    return give_up


@pytest.fixture(scope="session")
def compiled_codes(give_up: Callable[[str], NoReturn]) -> None:
    """For tests that need the compiled key schedule."""
    if not otp.COMPILED:
        give_up("otp_core is not compiled: no C compiler, or no header files of Python")


@pytest.fixture(scope="session")
def calls_of() -> Callable[[Callable[[], object]], int]:
    """Counts the calls of functions, Python's and C's, that some work makes.

    Counted and not timed: the same on every machine and under any load.
    """

    def count(work: Callable[[], object]) -> int:
        calls = 0

        def note(_frame: object, event: str, _arg: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(note)
        try:
            work()
        finally:
            sys.setprofile(None)
        return calls

    return count


@pytest.fixture(scope="session")
def assert_linear() -> Callable[[list[int]], None]:
    """Holds the work for sizes n, 2 n and 4 n against a straight line.

    What is done once may be large: it is the growth that is looked at.
    """

    def hold(work: list[int]) -> None:
        small, middle, large = work
        assert large - middle <= 2.1 * (middle - small), work

    return hold


@pytest.fixture(scope="session")
def browser(give_up: Callable[[str], NoReturn], request: pytest.FixtureRequest) -> Iterator[Any]:
    """Headless Chromium, driven by Playwright, of which a process has one."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        give_up("no chromium is installed; apt-get install chromium runs this")
    launched = request.getfixturevalue("mfa_playwright").chromium.launch(
        executable_path=chromium,
        args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    )
    yield launched
    launched.close()


@pytest.fixture
def quiet_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages; the test fails if one complained, or asked for what is not its own."""
    complaints: list[str] = []
    contexts = []

    def open_page(own: tuple[str, ...] = ("file:", "data:"), **options: Any) -> Any:
        """A page in a context of its own.

        Args:
            own: how addresses begin that it may ask for.
            options: of the context.
        """

        def ask(request: Any) -> None:
            if not request.url.startswith(own):
                complaints.append(request.url)

        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", ask)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def violations(give_up: Callable[[str], NoReturn]) -> Callable[[Any], list[str]]:
    """What axe-core finds wrong with a page in a browser: a rule each, and what breaks it."""
    path = Path(__file__).parents[1] / ".venv/npm/node_modules/axe-core/axe.min.js"
    if not path.exists():
        give_up("no axe-core; make .venv/npm/installed runs this")
    script = path.read_text()

    def find(page: Any) -> list[str]:
        page.evaluate(script)
        found: list[str] = page.evaluate(
            "axe.run().then(run => run.violations.map(each => "
            "`${each.id}: ${each.nodes.map(node => node.html).join(' | ')}`))"
        )
        return found

    return find


@dataclass(frozen=True)
class Pcscd:
    """A PC/SC daemon of a test's own.

    Attributes:
        ports: of its readers' slots, one after the other.
        environment: what its clients need to find it.
    """

    ports: range
    environment: dict[str, str]


@pytest.fixture
def pcscd(tmp_path: Path, give_up: Callable[[str], NoReturn]) -> Iterator[Pcscd]:
    """Starts a PC/SC daemon with a virtual reader of two slots, all that the driver has.

    It takes its socket from us, as from systemd, so neither another daemon nor root is needed.
    """
    driver = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
    found = shutil.which("pcscd", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None or not driver.exists():
        give_up("no pcscd with vpcd; apt-get install pcscd vsmartcard-vpcd runs this")
    ports = _free_ports(2)
    config = tmp_path / "reader.conf.d"
    config.mkdir()
    (config / "vpcd").write_text(
        f'FRIENDLYNAME "Bench"\nDEVICENAME /dev/null:0x{ports[0]:04X}\n'
        f"LIBPATH {driver}\nCHANNELID 0x{ports[0]:04X}\n"
    )
    address = tmp_path / "pcscd.comm"
    with socket.socket(socket.AF_UNIX) as listener, (tmp_path / "log").open("wb") as log:
        listener.bind(str(address))
        listener.listen()
        code = (
            f"import os; os.dup2({listener.fileno()}, 3); "
            "os.environ |= {'LISTEN_FDS': '1', 'LISTEN_PID': str(os.getpid())}; "
            f"os.execv('{found}', ['pcscd', '--foreground', '--config', '{config}'])"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code], pass_fds=[listener.fileno()], stdout=log, stderr=log
        )
    yield Pcscd(ports, {**os.environ, "PCSCLITE_CSOCK_NAME": str(address)})
    process.terminate()
    process.wait(10)


def _free_ports(count: int) -> range:
    """So many ports of the loopback interface, one after the other, that nobody uses."""
    while True:
        with ExitStack() as held:
            first = held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            try:
                for port in range(first + 1, first + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return range(first, first + count)


class PostgresqlServer:
    """A server of the tests' own: `url` by TCP with a password, `socket_url` without one."""

    def __init__(self, process: "subprocess.Popen[str]", told: dict[str, str]) -> None:
        self._process = process
        self.url, self.socket_url = told["url"], told["socket_url"]

    def do(self, word: str) -> None:
        """`stop`, `kill` or `start` it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline().strip() == word

    def database(self, name: str) -> str:
        """The URL of a new, empty database; an older one of this name is gone."""
        import psycopg

        with psycopg.connect(self.socket_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
        return self.socket_url.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def postgresql(give_up: Callable[[str], NoReturn]) -> Iterator[PostgresqlServer]:
    """Debian's PostgreSQL in a private folder; commits do not wait for its disk."""
    script = Path(__file__).with_name("postgresql_server.py")
    process = subprocess.Popen(
        [sys.executable, str(script), "--no-fsync"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        if not line:
            give_up("no PostgreSQL could be started; apt-get install postgresql brings it")
        yield PostgresqlServer(process, json.loads(line))
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()
