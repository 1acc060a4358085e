"""`mfalab serve`: a process that AWS's clients talk to."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
from click.testing import CliRunner

from mfalab.simulator.cli import command
from mfalab.simulator.cli.serve import COMMANDS, as_text
from mfalab.simulator.serving.server import listen

MFALAB = Path(sys.executable).with_name("mfalab")


class Served:
    """A server in a process of its own, and boto3's clients of it."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.process = subprocess.Popen(
            [MFALAB, "serve", "--json", "--port", "0", *words],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        self.told: dict[str, Any] = json.loads(line)

    def client(self, service: str, who: str = "alice") -> Any:
        keys = self.told["root"] if who == "root" else self.told["users"][who]
        return boto3.client(
            service,
            endpoint_url=self.told["endpoint"],
            region_name="eu-central-1",
            aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"],
        )

    def end(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    begun: list[Served] = []

    def start(*words: str) -> Served:
        begun.append(Served(tmp_path, *words))
        return begun[-1]

    yield start
    for each in begun:
        each.process.kill()
        each.process.communicate()


def test_command_is_one_of_the_command_line() -> None:
    assert command.get_command(click.Context(command), "serve") is COMMANDS["serve"]


def test_user_called_root_does_not_hide_root(serve: Callable[..., Served]) -> None:
    told = serve("--db", ":memory:", "--user", "root").told
    line = as_text(told, in_rows=False)
    for name, each in ((told["root"]["email"], told["root"]), ("root", told["users"]["root"])):
        assert f"root {each['access_key_id']} {each['secret_access_key']}" in line
        assert f"{name} {each['password']}" in line


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_boto3_is_served_until_a_signal(
    serve: Callable[..., Served], number: int, tmp_path: Path
) -> None:
    served = serve("--user", "alice", "--administrator", "ada", "--db", "state.db")
    identity = served.client("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{served.told['account']}:user/alice"
    users = served.client("iam", "ada").list_users()["Users"]
    assert [user["UserName"] for user in users] == ["ada", "alice"]
    assert served.end(number) == (0, "")
    assert [each.name for each in tmp_path.iterdir()] == ["state.db"]


@pytest.mark.slow
def test_nothing_that_was_answered_is_lost_by_a_kill(serve: Callable[..., Served]) -> None:
    served = serve()
    root = served.client("iam", "root")
    made = [
        root.create_virtual_mfa_device(VirtualMFADeviceName=f"d{n}")["VirtualMFADevice"]
        for n in range(5)
    ]
    served.end(signal.SIGKILL)
    again = serve()
    assert again.told["account"] == served.told["account"]
    for told in (served.told, again.told):
        given = told["users"]["alice"].pop("password")
        assert (given is None) is (told is again.told)
    assert again.told["users"] == served.told["users"]
    listed = again.client("iam", "root").list_virtual_mfa_devices()["VirtualMFADevices"]
    assert [each["SerialNumber"] for each in listed] == [each["SerialNumber"] for each in made]


@pytest.mark.slow
def test_shell_ends_where_nothing_is_served(give_up: Callable[[str], Any]) -> None:
    """Else it would go on with the keys and the endpoint that it had, and call AWS itself."""
    bash = shutil.which("bash")
    if bash is None:
        give_up("there is no bash")
    script = f'eval "$({MFALAB} serve --env --profile other)"; echo went on'
    ended = subprocess.run([bash, "-eu", "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "--profile: there is no 'other'" in ended.stderr


def test_shell_is_given_its_environment(tmp_path: Path, give_up: Callable[[str], Any]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        give_up("there is no bash")
    script = f"""
        eval "$({MFALAB} serve --env --port 0 --db :memory: --user carol)"
        {sys.executable} -c '
import boto3
print(boto3.client("sts").get_caller_identity()["Arn"])
'
        kill $MFALAB_PID
        tail --pid=$MFALAB_PID -f /dev/null
    """
    clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    ended = subprocess.run(
        [bash, "-eu", "-c", script],
        cwd=tmp_path,
        env={**clean, "AWS_PROFILE": "other"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.stderr == ""
    assert ended.stdout.strip().endswith(":user/carol")
    assert list(tmp_path.iterdir()) == []


def run(*words: object) -> tuple[int, str]:
    ended = CliRunner().invoke(COMMANDS["serve"], [str(word) for word in words])
    return ended.exit_code, ended.stderr


def test_port_that_is_taken() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        code, text = run("--port", port, "--db", ":memory:")
    assert (code, text) == (
        3,
        f"Error: cannot listen on 127.0.0.1, port {port}: Address already in use\n",
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--profile", "other"], "--profile: there is no 'other'; there are aws-immediate, "),
        (["--user", "a b"], "--user, --administrator: 1 validation error detected: Value 'a b'"),
        (
            ["--db", "postgresql://bob:hunter2@127.0.0.1:1/x"],
            "--db: the verifier cannot keep its records in postgresql://bob:***@127.0.0.1:1/x: ",
        ),
        (["--db", "mysql://bob:hunter2@h/x"], "no kind of URL but postgresql:// is known"),
        (
            ["--db", "no/such/folder"],
            "--db: the verifier cannot keep its records in no/such/folder: ",
        ),
        (["--host", "no.such.host.invalid"], "cannot listen on no.such.host.invalid, port 0: "),
    ],
)
def test_what_cannot_be_served(words: list[str], text: str) -> None:
    memory = [] if "--db" in words else ["--db", ":memory:"]
    code, said = run("--port", 0, *memory, *words)
    assert code == (3 if {"--host", "--db"} & {*words} else 2)
    assert text in said
    assert "hunter2" not in said


TOLD = {
    "endpoint": "http://127.0.0.1:1",
    "account": "123456789012",
    "token": "70",
    "console": "http://localhost:1/console",
    "shelf": "http://localhost:1/shelf#70",
    "root": {
        "email": "root@example.com",
        "password": "pw",
        "access_key_id": "AKIA0",
        "secret_access_key": "s0",
    },
    "users": {"al": {"password": None, "access_key_id": "AKIA1", "secret_access_key": "s1"}},
}


def test_line_for_a_file() -> None:
    assert as_text(TOLD, in_rows=False) == (
        "serving http://127.0.0.1:1, account 123456789012; console http://localhost:1/console; "
        "shelf http://localhost:1/shelf#70; control token 70; access keys: root AKIA0 s0, "
        "al AKIA1 s1; passwords: root@example.com pw, "
        "al (as told before: --new-passwords sets another)"
    )


def test_rows_for_people() -> None:
    rows = as_text(TOLD, in_rows=True).splitlines()
    assert rows[0] == "serving http://127.0.0.1:1, account 123456789012"
    assert rows[1:4] == [
        "  console http://localhost:1/console",
        "  shelf http://localhost:1/shelf#70",
        "  control token 70",
    ]
    assert rows[4:7] == ["  access keys:", "    root AKIA0 s0", "    al AKIA1 s1"]
    assert rows[7:9] == ["  passwords:", "    root@example.com pw"]


def test_background_tells_why_it_does_not_begin() -> None:
    code, text = run("--env", "--port", 0, "--db", ":memory:", "--profile", "other")
    assert code == 2
    assert "there is no 'other'" in text


def test_without_uvicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "mfalab.simulator.serving.server", raising=False)
    code, text = run("--db", ":memory:")
    assert (code, text) == (3, "Error: mfalab serve needs uvicorn: pip install 'mfalab[serve]'\n")


@pytest.mark.slow
def test_script_of_the_docs_asks_a_fob(serve: Callable[..., Served], tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "endpoint.md"
    script = page.read_text().partition("## Devices beside the server")[2]
    script = script.partition("```python\n")[2].partition("```")[0]
    served = serve("--clock", "virtual", "--db", ":memory:")
    keys = served.told["users"]["alice"]
    environment = {
        "AWS_ENDPOINT_URL": served.told["endpoint"],
        "AWS_ACCESS_KEY_ID": keys["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "MFALAB_TOKEN": served.told["token"],
    }
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("ASIA")


@pytest.mark.parametrize(
    "figures",
    [("passkeys",), ("=true",), ("passkeys=maybe",), ("none=1",), ("sms=preview", "sms=ended")],
)
def test_figure_that_is_none(figures: tuple[str, ...]) -> None:
    words = [f"--figure={figure}" for figure in figures]
    ended = CliRunner().invoke(COMMANDS["serve"], ["--port=0", "--db=:memory:", *words])
    assert ended.exit_code == 2
    assert "--figure: " in ended.output
