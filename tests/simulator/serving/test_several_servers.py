"""Several `mfalab serve` processes on one database, and a database that goes away under one."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import pyotp
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

MFALAB = Path(sys.executable).with_name("mfalab")
ONCE = Config(retries={"max_attempts": 0}, connect_timeout=20, read_timeout=20)
USERS = ("alice", "bob")
DEVICES = 4
STEPS = (-1, 0, 1)
"""Codes of each device; two attempts with each are less than the nine of a serial number."""


class Server:
    """One process."""

    def __init__(self, db: str) -> None:
        users = [word for name in USERS for word in ("--user", name)]
        self.process = subprocess.Popen(
            [MFALAB, "serve", "--json", "--port=0", *users, "--administrator=ada", f"--db={db}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.told: dict[str, Any] = {}

    def listen(self) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        self.told = json.loads(line)

    def client(self, service: str, who: str, credentials: dict[str, str] | None = None) -> Any:
        keys = self.told["users"][who]
        given = credentials or {
            "AccessKeyId": keys["access_key_id"],
            "SecretAccessKey": keys["secret_access_key"],
        }
        return boto3.client(
            service,
            endpoint_url=self.told["endpoint"],
            region_name="us-east-1",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given.get("SessionToken"),
            config=ONCE,
        )

    def end(self) -> str:
        self.process.terminate()
        _, errors = self.process.communicate(timeout=30)
        return errors


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database that is not there yet."""
    if request.param == "sqlite":
        return str(tmp_path_factory.mktemp("several") / "state.db")
    server: Any = request.getfixturevalue("postgresql")
    return str(server.database("several"))


@pytest.fixture(scope="module")
def servers(db: str) -> Iterator[list[Server]]:
    """Two that begin at the same time."""
    with ExitStack() as stack:
        begun = [Server(db) for _ in range(2)]
        for each in begun:
            stack.callback(each.end)
        for each in begun:
            each.listen()
        yield begun


def enrol(server: Server, user: str, name: str) -> tuple[str, pyotp.TOTP]:
    iam = server.client("iam", "ada")
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    totp = pyotp.TOTP(made["Base32StringSeed"].decode())
    now = time.time()  # noqa: TID251 - the servers' clock is the machine's
    iam.enable_mfa_device(
        UserName=user,
        SerialNumber=made["SerialNumber"],
        AuthenticationCode1=totp.at(now - 60),
        AuthenticationCode2=totp.at(now - 30),
    )
    return made["SerialNumber"], totp


def outcomes(clients: list[Any], serial: str, code: str) -> list[str]:
    """What servers say to one code that is presented to all of them at once."""
    said = [""] * len(clients)
    start = threading.Barrier(len(clients))

    def present(number: int) -> None:
        start.wait(30)
        try:
            clients[number].get_session_token(SerialNumber=serial, TokenCode=code)
        except ClientError as error:
            said[number] = error.response["Error"]["Code"]
        else:
            said[number] = "accepted"

    threads = [threading.Thread(target=present, args=(n,)) for n in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(said)


def test_servers_that_began_at_once_serve_one_account(servers: list[Server]) -> None:
    one, two = (each.told for each in servers)
    assert one["account"] == two["account"]
    for who in (*USERS, "ada"):  # passwords are told by the one that made them
        for key in ("access_key_id", "secret_access_key"):
            assert one["users"][who][key] == two["users"][who][key]
    assert one["root"]["access_key_id"] == two["root"]["access_key_id"]


@pytest.mark.slow
def test_code_that_two_servers_get_at_once_is_accepted_once(servers: list[Server]) -> None:
    rounds = 0
    for user in USERS:
        clients = [each.client("sts", user) for each in servers]
        for number in range(DEVICES):
            serial, totp = enrol(servers[number % 2], user, f"{user}-{number}")
            now = time.time()  # noqa: TID251 - as above
            for step in STEPS:
                said = outcomes(clients, serial, totp.at(now + 30 * step))
                assert said == ["AccessDenied", "accepted"], (user, number, step)
                rounds += 1
    assert rounds == len(USERS) * DEVICES * len(STEPS)


@pytest.mark.slow
def test_what_one_server_did_the_other_one_knows(servers: list[Server]) -> None:
    one, two = servers
    serial, totp = enrol(one, "ada", "ada-phone")
    now = time.time()  # noqa: TID251 - as above
    granted = one.client("sts", "ada").get_session_token(
        SerialNumber=serial, TokenCode=totp.at(now)
    )["Credentials"]
    arn = two.client("sts", "ada", granted).get_caller_identity()["Arn"]
    assert arn.endswith(":user/ada")
    listed = two.client("iam", "ada", granted).list_mfa_devices(UserName="ada")["MFADevices"]
    assert [each["SerialNumber"] for each in listed] == [serial]
    with pytest.raises(ClientError, match="AccessDenied"):
        two.client("sts", "ada").get_session_token(SerialNumber=serial, TokenCode=totp.at(now))
    two.client("iam", "ada", granted).deactivate_mfa_device(UserName="ada", SerialNumber=serial)
    assert one.client("iam", "ada").list_mfa_devices(UserName="ada")["MFADevices"] == []


@pytest.mark.slow
def test_server_survives_its_database(postgresql: Any) -> None:
    """503 in AWS's words while it is away; after it nothing acknowledged is lost."""
    server = Server(postgresql.database("away"))
    try:
        server.listen()
        serial, totp = enrol(server, "alice", "phone")
        postgresql.do("kill")
        try:
            ask: list[Callable[[], Any]] = [
                lambda: server.client("sts", "alice").get_session_token(
                    SerialNumber=serial, TokenCode=totp.now()
                ),
                server.client("iam", "ada").list_users,
            ]
            for each in ask:
                with pytest.raises(ClientError) as caught:
                    each()
                told = caught.value.response
                assert told["ResponseMetadata"]["HTTPStatusCode"] == 503
                assert told["Error"]["Code"] == "ServiceUnavailable"
        finally:
            postgresql.do("start")
        client = server.client("sts", "alice")
        now = time.time()  # noqa: TID251 - as above
        client.get_session_token(SerialNumber=serial, TokenCode=totp.at(now))
        with pytest.raises(ClientError, match="AccessDenied"):
            client.get_session_token(SerialNumber=serial, TokenCode=totp.at(now))
    finally:
        said = server.end()
    assert "the verifier cannot keep its records in postgresql://mfalab@" in said
    assert "Traceback" not in said
