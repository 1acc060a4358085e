"""The real `aws` tool does the whole life of a device against the endpoint."""

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfalab import Lab
from mfalab.devices.otp.app import AuthenticatorApp
from mfalab.simulator.clocks.wall import WALL
from mfalab.simulator.serving.lab_endpoint import LabEndpoint

AWS = Path(sys.executable).with_name("aws")
REFUSED = 255
"""The exit status of the first generation of the tool for an error of the service."""

pytestmark = pytest.mark.slow


class Shell:
    """Runs `aws` as a person would, from an environment without configuration."""

    def __init__(self, endpoint: LabEndpoint, home: Path) -> None:
        self.endpoint, self.home = endpoint, home

    def environment(self, who: str, **more: str) -> dict[str, str]:
        system = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        config = {
            "HOME": str(self.home),
            "AWS_CONFIG_FILE": str(self.home / "config"),
            "AWS_PAGER": "",
        }
        return {**system, **config, **self.endpoint.environment(who), **more}

    def run(self, who: str, *words: str, **more: str) -> tuple[int, str, str]:
        ended = subprocess.run(
            [AWS, *words],
            env=self.environment(who, **more),
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return ended.returncode, ended.stdout, ended.stderr.strip()

    def json(self, who: str, *words: str, **more: str) -> Any:
        code, out, err = self.run(who, *words, **more)
        assert code == 0, err
        return json.loads(out) if out else None


@pytest.fixture
def aws(aws_endpoint: LabEndpoint, tmp_path: Path) -> Shell:
    # The tool compares the end of a role's credentials with the machine's time.
    aws_endpoint.clock.run_until(max(WALL.now_ns(), aws_endpoint.clock.now_ns()))
    return Shell(aws_endpoint, tmp_path)


Enrolled = tuple[str, Callable[[], str]]


@pytest.fixture
def enrolled(aws: Shell, totp_app: AuthenticatorApp) -> Enrolled:
    """Alice's device: made with a QR file that an app scans, and enabled with two codes."""
    made = aws.json(
        "alice",
        *("iam", "create-virtual-mfa-device", "--virtual-mfa-device-name", "phone"),
        *("--outfile", "qr.png", "--bootstrap-method", "QRCodePNG"),
    )
    account = totp_app.scan((aws.home / "qr.png").read_bytes())
    assert (aws.home / "qr.png").stat().st_mode & 0o777 == 0o600
    assert made["VirtualMFADevice"].keys() == {"SerialNumber"}
    serial = made["VirtualMFADevice"]["SerialNumber"]

    def code() -> str:
        """The next code that was not used."""
        aws.endpoint.clock.advance("30 s")
        return totp_app.code(account)

    pair = ("--authentication-code1", code(), "--authentication-code2", code())
    named = ("--user-name", "alice", "--serial-number", serial)
    aws.json("alice", "iam", "enable-mfa-device", *named, *pair)
    return serial, code


def test_life_of_a_device(aws: Shell, enrolled: Enrolled) -> None:
    serial, code = enrolled
    (device,) = aws.json("alice", "iam", "list-mfa-devices")["MFADevices"]
    assert (device["SerialNumber"], device["UserName"]) == (serial, "alice")
    typed = code()
    proof = ("--serial-number", serial, "--token-code", typed)
    session = aws.json("alice", "sts", "get-session-token", *proof)["Credentials"]
    assert aws.run("alice", "sts", "get-session-token", *proof) == (
        REFUSED,
        "",
        (
            "An error occurred (AccessDenied) when calling the GetSessionToken operation: "
            "MultiFactorAuthentication failed with invalid MFA one time pass code."
        ),
    )
    with_mfa = {
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }
    remove = ("iam", "deactivate-mfa-device", "--user-name", "alice", "--serial-number", serial)
    status, _, text = aws.run("alice", *remove)
    assert status == REFUSED
    assert "ensure that you are authenticated with an MFA device" in text
    aws.json("alice", *remove, **with_mfa)
    aws.json("ada", "iam", "delete-virtual-mfa-device", "--serial-number", serial)
    assert aws.json("ada", "iam", "list-virtual-mfa-devices")["VirtualMFADevices"] == []


def test_resync_of_a_device_that_is_late(aws: Shell, enrolled: Enrolled) -> None:
    serial, code = enrolled
    one, two, three = code(), code(), code()
    aws.endpoint.clock.advance("5 min")
    session = ("sts", "get-session-token", "--serial-number", serial, "--token-code")
    assert aws.run("alice", *session, one)[0] == REFUSED
    pair = ("--authentication-code1", one, "--authentication-code2", two)
    named = ("--user-name", "alice", "--serial-number", serial)
    aws.json("alice", "iam", "resync-mfa-device", *named, *pair)
    aws.json("alice", *session, three)


def test_errors_are_told_with_their_texts(aws: Shell) -> None:
    code, _, text = aws.run("ada", "iam", "get-user", "--user-name", "nobody")
    assert (code, text) == (
        REFUSED,
        (
            "An error occurred (NoSuchEntity) when calling the GetUser operation: The user with "
            "name nobody cannot be found."
        ),
    )


def test_profile_with_mfa_serial_asks_for_the_code_on_a_terminal(
    aws: Shell, enrolled: Enrolled, lab: Lab
) -> None:
    serial, code = enrolled
    role = lab.verifier.create_role(
        aws.endpoint.account,
        "operator",
        trusts=[f"arn:aws:iam::{aws.endpoint.account}:user/alice"],
        requires_mfa=True,
    )
    arn = lab.verifier.role_arn(role)
    (aws.home / "config").write_text(
        f"[profile mfa]\nrole_arn = {arn}\nmfa_serial = {serial}\ncredential_source = Environment\n"
    )
    process, terminal = pty.fork()
    if process == 0:
        words = [str(AWS), "--profile", "mfa", "sts", "get-caller-identity"]
        os.execve(words[0], words, aws.environment("alice"))
    said = b""
    try:
        while b"Enter MFA code for" not in said:
            assert select.select([terminal], [], [], 60)[0], said
            said += os.read(terminal, 1024)
        os.write(terminal, f"{code()}\n".encode())
        while True:
            assert select.select([terminal], [], [], 60)[0], said
            said += os.read(terminal, 1024)
    except OSError:  # the tool has ended, and with it the terminal
        pass
    finally:
        os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0, said
    assert b":assumed-role/operator/" in said
