"""The fixture `aws_endpoint`: an application's own test of MFA-protected access, with boto3."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from mfalab import Lab
from mfalab.simulator.serving.lab_endpoint import LabEndpoint, served_lab

pytest_plugins = ["pytester"]


@pytest.fixture
def client(aws_endpoint: LabEndpoint) -> Iterator[Any]:
    """boto3's clients of a person, or of an answer of STS."""
    with ExitStack() as stack:

        def make(service: str, who: str, session: dict[str, Any] | None = None) -> Any:
            settings: dict[str, Any] = aws_endpoint.client_settings(who)
            if session is not None:
                settings |= {
                    "aws_access_key_id": session["AccessKeyId"],
                    "aws_secret_access_key": session["SecretAccessKey"],
                    "aws_session_token": session["SessionToken"],
                }
            made = boto3.client(service, **settings)
            stack.callback(made.close)
            return made

        yield make


def test_session_with_mfa(lab: Lab, aws_endpoint: LabEndpoint, client: Any, fob: Any) -> None:
    lab.enable(who="alice", device="fob")
    aws_endpoint.clock.advance("60 s")
    iam = client("iam", "alice")
    (device,) = iam.list_mfa_devices()["MFADevices"]
    sts = client("sts", "alice")
    answer = sts.get_session_token(SerialNumber=device["SerialNumber"], TokenCode=fob.read_code())
    session = answer["Credentials"]
    assert client("sts", "alice", session).get_caller_identity()["Account"] == aws_endpoint.account
    client("iam", "alice", session).list_mfa_devices()
    plain = sts.get_session_token()["Credentials"]
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        client("iam", "alice", plain).list_mfa_devices()
    with pytest.raises(ClientError, match="invalid MFA one time pass code"):
        sts.get_session_token(SerialNumber=device["SerialNumber"], TokenCode=fob.read_code())
    aws_endpoint.clock.advance("13 h")
    with pytest.raises(ClientError, match="ExpiredToken"):
        client("iam", "alice", session).list_mfa_devices()


def test_people_and_environment(aws_endpoint: LabEndpoint) -> None:
    assert set(aws_endpoint.users) == {"alice", "ada"}
    environment = aws_endpoint.environment("ada")
    assert environment["AWS_ACCESS_KEY_ID"] == aws_endpoint.users["ada"].access_key_id
    assert environment["AWS_ENDPOINT_URL"] == aws_endpoint.url
    with pytest.raises(KeyError):
        aws_endpoint.environment("nobody")


def test_paginators(client: Any) -> None:
    ada = client("iam", "ada")
    for number in range(7):
        ada.create_virtual_mfa_device(VirtualMFADeviceName=f"d{number}")
    pages = ada.get_paginator("list_virtual_mfa_devices").paginate(PaginationConfig={"PageSize": 3})
    assert [len(page["VirtualMFADevices"]) for page in pages] == [3, 3, 1]


def test_waiter(client: Any) -> None:
    client("iam", "ada").get_waiter("user_exists").wait(UserName="alice")


@pytest.mark.slow
def test_console_of_a_lab(lab: Lab, aws_endpoint: LabEndpoint, browser: Any, fob: Any) -> None:
    """What the lab's people enabled signs them in at the pages, and what pages do the lab sees."""
    lab.enable(who="alice", device="fob")
    aws_endpoint.clock.advance("60 s")
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"{aws_endpoint.console}/sign-in?account={aws_endpoint.account}")
        page.fill("input[name=user]", "alice")
        page.fill("input[name=password]", aws_endpoint.passwords["alice"])
        page.get_by_role("button", name="Sign in").click()
        page.fill("input[name=code]", fob.read_code())
        page.get_by_role("button", name="Submit").click()
        page.get_by_role("heading", name="Welcome, alice").wait_for()
        lab.deactivate(who="ada", for_="alice", device="fob")
        page.goto(f"{aws_endpoint.console}/credentials")
        assert "No MFA devices" in page.inner_text("main")
        page.goto(aws_endpoint.inbox)
        assert page.locator("h1").inner_text() == "Simulated inbox and telephone"
    finally:
        context.close()


def test_key_of_the_lab_at_its_pages() -> None:
    """Keys are registered for the pages' origin while they are served, and for no longer."""
    lab = Lab.of(people={"alice": {}}, devices={"key": {"kind": "security_key", "owner": "alice"}})
    place = lab.verifier.profile.origins
    with served_lab(lab) as served:
        lab.sign_in(who="alice")
        lab.enable(who="alice", device="key")
        lab.sign_in(who="alice", with_="key")
        lab.change_verifier(to={"window_back": "2 steps"})
        assert served.console.startswith(lab.verifier.profile.origins[0])
    assert lab.verifier.profile.origins == place
    assert lab.verifier.profile.window_back == 2


@pytest.mark.parametrize("extra", ["jinja2", "uvicorn"])
def test_without_its_extra(
    monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, extra, None)
    for name in [name for name in sys.modules if name.startswith("mfalab.verifier.web")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith("mfalab.simulator.serving")]:
        monkeypatch.delitem(sys.modules, name)
    pytester.makepyfile("def test_it(aws_endpoint): pass")
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:asyncio")
    result.stdout.fnmatch_lines(
        ["*aws_endpoint needs " + extra + ": pip install 'mfalab[[]serve]'*"]
    )
    result.stdout.no_fnmatch_line("*During handling*")
