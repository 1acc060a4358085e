"""A system under test that is not there, or not any more, is one line and exit code 3, for all."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest

from mfalab.simulator import cli
from mfalab.simulator.environment.target import TargetGone
from mfalab.simulator.targets.reaching import require_program, require_server

from ..served import Served, serving  # noqa: TID252 - tests are no package

CODES = """
scenario: Codes
people: {alice: {typing: instant}}
devices: {fob: {kind: hardware_totp, owner: alice}}
matrix: {fob.drift: [0 ppm, 1 ppm, 2 ppm]}
steps:
  - {do: enable, who: alice, device: fob}
  - {do: sign_in, who: alice, with: fob, code: wrong, expect: {refused: any}}
"""
KEYS = """
scenario: Keys
people: {alice: {typing: instant}}
devices: {key: {kind: security_key, owner: alice}}
matrix: {key.pin: ["1234", "2345", "3456"]}
steps:
  - {do: sign_in, who: alice}
  - {do: enable, who: alice, device: key}
  - {do: sign_in, who: alice, with: key}
"""
SESSIONS = """
scenario: Sessions
people: {alice: {typing: instant}}
devices: {phone: {kind: totp_app, owner: alice}}
matrix: {alice.typing: [instant, 1 s, 2 s]}
steps:
  - {do: enable, who: alice, device: phone}
  - {do: list_devices, who: alice, devices: [phone]}
"""
HTTP = """
target: mine
capabilities: {time: forward}
http:
  enrol: {url: "URL/enrol", json: {user: "{account}", seed: "{seed_hex}"}}
  attempt: {url: "URL/verify", form: {code: "{code}", at: "{time}"}}
  refused: [200]
  accepted: [204]
"""


class Mortal:
    """Hands what it is sent on to another server, until it dies of too much."""

    def __init__(self, url: str, lives: int) -> None:
        self._upstream = int(url.rpartition(":")[2])
        self._lives, self._lock = lives, Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = [self._listener]
        self.port = self._listener.getsockname()[1]
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream))
                self._open += [client, server]
                for one, other, counts in ((client, server, True), (server, client, False)):
                    Thread(target=self._pass_on, args=(one, other, counts), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while data := one.recv(2**16):
                with self._lock:
                    self._lives -= counts
                if self._lives < 0:
                    self.close()
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server of ours, with an administrator's credentials around."""
    with serving("alice") as served:
        keys = served.endpoint.account.users["ada"]
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.access_key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_access_key)
        monkeypatch.setenv("MFALAB_TOKEN", served.endpoint.token)
        yield served


@pytest.fixture
def run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs three cases of a kind of target at a port; the log is `run.jsonl`."""
    monkeypatch.chdir(tmp_path)

    def ran(kind: str, port: int, *words: str, origin: str = "") -> tuple[int, str, str]:
        story = {"otp": CODES, "webauthn": KEYS, "aws": SESSIONS}[kind]
        Path("story.scenario.yaml").write_text(story)
        Path("mine.yaml").write_text(HTTP.replace("URL", f"http://127.0.0.1:{port}"))
        target = {
            "otp": "otp:mine.yaml",
            "webauthn": f"webauthn:http://localhost:{port}{origin and f'#{origin}'}",
            "aws": f"aws:http://127.0.0.1:{port}",
        }[kind]
        given = ["run", "story.scenario.yaml", "--target", target, "--log", "run.jsonl", *words]
        monkeypatch.setattr(sys, "argv", ["mfalab", *given])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return ran


@pytest.mark.parametrize("kind", ["otp", "webauthn", "aws"])
def test_server_that_is_not_there(
    run: Callable[..., Any], account: Served, kind: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    code, out, err = run(kind, port)
    assert (code, out) == (3, "")
    (line,) = err.splitlines()
    assert line.startswith("Error: --target: ")
    assert f"{port} is not to be reached: Connection refused; start it, or name anoth" in line
    assert not (tmp_path / "run.jsonl").exists()


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(("kind", "lives"), [("otp", 3), ("webauthn", 5), ("aws", 22)])
def test_server_that_dies_in_the_middle(
    run: Callable[..., Any],
    account: Served,
    hostile: Callable[..., Any],
    kind: str,
    lives: int,
    jobs: str,
) -> None:
    """The case that was under way is an error, no other one is begun, and the log is whole."""
    if kind == "aws" and jobs == "2":
        return  # it is one world for all cases
    url = hostile(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").url
    with closing(Mortal(url if kind == "otp" else account.url, lives)) as mortal:
        origin = account.url.replace("127.0.0.1", "localhost")
        code, out, err = run(kind, mortal.port, "-j", jobs, origin=origin)
    assert code == 3, (out, err)
    (line,) = err.splitlines()
    assert line.startswith("Error: --target: ")
    assert f"{mortal.port} is not to be reached: Connection refused; start it" in line
    events = [json.loads(each) for each in Path("run.jsonl").read_text().splitlines()]
    ends = [each for each in events if each["kind"] == "case_finished"]
    assert events[-1]["kind"] == "run_finished"
    assert events[-1]["errors"] == 1
    assert ends[-1]["verdict"] == "error"
    assert "is not to be reached" in ends[-1]["why"]
    if jobs == "1":
        assert len(ends) < 3


def test_command_that_is_not_there(run: Callable[..., Any], tmp_path: Path) -> None:
    Path("command.yaml").write_text(
        "target: mine\ncapabilities: {time: wall}\n"
        "command: {enrol: [no-such-program], attempt: [no-such-program]}\n"
    )
    code, out, err = run("otp", 9, "--target", "otp:command.yaml")
    assert (code, out) == (3, "")
    assert 'the command "no-such-program" is not to be reached' in err


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://no.such.host.invalid/x"])
def test_nothing_listens(url: str) -> None:
    with pytest.raises(TargetGone, match=r"is not to be reached: [A-Z].*; start it, or name"):
        require_server(url)


def test_what_is_there(hostile: Callable[..., Any]) -> None:
    require_server(hostile(b"").url)
    require_program(sys.executable)
