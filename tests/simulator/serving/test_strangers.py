"""Other people's programs at the endpoint: an auditor and an MFA helper, each as it is on PyPI.

They live in an environment of their own, because they pin botocore; `make test` makes it.
"""

import configparser
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import boto3
import pytest

from mfalab import Lab
from mfalab.simulator.clocks.wall import WALL
from mfalab.simulator.serving.lab_endpoint import LabEndpoint, served_lab

STRANGERS = Path(__file__).parents[3] / ".venv" / "strangers" / "bin"
POLICIES = """\
policies:
  - name: users
    resource: aws.iam-user
    filters: [{type: mfa-device, key: MFADevices, value: []}]
  - name: report
    resource: aws.iam-user
    filters: [{type: credential, key: mfa_active, value: false}]
  - name: root
    resource: aws.account
    filters: [{type: iam-summary, key: AccountMFAEnabled, value: 0}]
  - name: root-report
    resource: aws.account
    filters: [{type: credential, key: mfa_active, value: false}]
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _installed(give_up: Callable[[str], NoReturn]) -> None:
    if not (STRANGERS / "custodian").exists():
        give_up("there is no environment of strangers; make test makes it")


@pytest.fixture
def lab() -> Lab:
    """An administrator, a user, root, and a fob for each."""
    people = {"ada": {"role": "administrator"}, "alice": {}, "rita": {"role": "root"}}
    devices = {f"{name}-fob": {"kind": "hardware_totp", "owner": name} for name in people}
    made = Lab.of(seed=1, case="strangers", people=people, devices=devices)
    made.timeline.run_until(max(WALL.now_ns(), made.timeline.now_ns()))
    return made


@pytest.fixture
def endpoint(lab: Lab) -> Iterator[LabEndpoint]:
    with served_lab(lab) as served:
        yield served


def run(
    endpoint: LabEndpoint, who: str, home: Path, *words: object, keys: bool = True, typed: str = ""
) -> str:
    """A stranger's program, of which the person's home and environment is all that it knows."""
    given = endpoint.environment(who)
    if not keys:
        given = {name: value for name, value in given.items() if "KEY" not in name}
    ended = subprocess.run(
        [STRANGERS / str(words[0]), *map(str, words[1:])],
        env={"PATH": os.environ["PATH"], "HOME": str(home), **given},
        cwd=home,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


@pytest.mark.parametrize("compliant", [False, True])
def test_auditor_finds_who_has_no_mfa(
    lab: Lab, endpoint: LabEndpoint, tmp_path: Path, compliant: bool
) -> None:
    """cloud-custodian's filters of users and of the account's root, by API and by report."""
    lab.enable(who="alice", device="alice-fob")
    if compliant:
        lab.enable(who="ada", device="ada-fob")
        lab.sign_in(who="rita")
        lab.enable(who="rita", device="rita-fob")
    (tmp_path / "policies.yml").write_text(POLICIES)
    run(endpoint, "ada", tmp_path, "custodian", "run", "--cache-period=0", "-s=out", "policies.yml")

    def found(policy: str) -> list[Any]:
        resources = json.loads((tmp_path / "out" / policy / "resources.json").read_text())
        return [each.get("UserName") or each["account_id"] for each in resources]

    assert found("users") == found("report") == ([] if compliant else ["ada"])
    assert found("root") == found("root-report") == ([] if compliant else [endpoint.account])


def test_mfa_helper_gets_a_session(lab: Lab, endpoint: LabEndpoint, tmp_path: Path) -> None:
    """aws-mfa keeps long-term keys in one profile and writes a session to another."""
    lab.enable(who="alice", device="alice-fob")
    endpoint.clock.advance("60 s")
    keys = endpoint.users["alice"]
    (tmp_path / ".aws").mkdir()
    credentials = tmp_path / ".aws" / "credentials"
    credentials.write_text(
        f"[default-long-term]\naws_access_key_id = {keys.access_key_id}\n"
        f"aws_secret_access_key = {keys.secret_access_key}\n"
    )
    settings: dict[str, Any] = endpoint.client_settings("alice")
    iam = boto3.client("iam", **settings)
    serial = iam.list_mfa_devices()["MFADevices"][0]["SerialNumber"]
    iam.close()
    code = lab.devices["alice-fob"].thing.read_code()  # type: ignore[attr-defined]  # a token
    run(
        endpoint,
        "alice",
        tmp_path,
        *("aws-mfa", "--device", serial, "--duration", "3600"),
        keys=False,
        typed=f"{code}\n",
    )
    written = configparser.ConfigParser()
    written.read(credentials)
    session = written["default"]
    settings |= {
        name: session[name]
        for name in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    }
    with_mfa = boto3.client("iam", **settings)
    assert with_mfa.list_mfa_devices()["MFADevices"]
    with_mfa.close()
