"""Which endpoint is meant, whose account it is, and that nothing is done to any other."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from mfalab.simulator.abilities import Ability
from mfalab.simulator.environment.target import TargetFailed
from mfalab.simulator.targets.aws.clock import ServedClock
from mfalab.simulator.targets.aws.system import Address, connect, rehearse


@pytest.mark.parametrize(
    ("text", "url", "name", "local"),
    [
        ("aws:", None, "aws", False),
        ("aws:http://127.0.0.1:8765", "http://127.0.0.1:8765", "aws 127.0.0.1:8765", True),
        ("aws:http://[::1]:1", "http://[::1]:1", "aws ::1:1", True),
        ("aws:http://localhost:1/?name=mine", "http://localhost:1/", "mine", True),
        ("aws:http://localhost.example:1", "http://localhost.example:1", None, False),
        ("aws:http://127.0.0.1.example:1", "http://127.0.0.1.example:1", None, False),
        ("aws:http://10.0.0.1:1", "http://10.0.0.1:1", None, False),
        ("aws:http://0.0.0.0:1", "http://0.0.0.0:1", None, False),
        ("aws:https://sts.example", "https://sts.example", "aws sts.example", False),
        ("aws:?profile=work", None, "aws", False),
    ],
)
def test_addresses(text: str, url: str | None, name: str | None, local: bool) -> None:
    address = Address.of(text)
    assert (address.url, address.local) == (url, local)
    assert name in (None, address.name)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("aws:127.0.0.1:8765", "is no URL"),
        ("aws:ftp://127.0.0.1", "is no URL"),
        ("aws:http://", "is no URL"),
        ("aws:http://127.0.0.1:99999", "Port out of range"),
        ("aws:http://[::1", "Invalid IPv6"),
        ("aws:http://a:b@127.0.0.1:1", "a URL holds no credentials"),
        ("aws:http://127.0.0.1:1?region=x", "no option is called region; there are profile,"),
        ("aws:http://127.0.0.1:1?clock=system", "clock can be none only"),
    ],
)
def test_no_addresses(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Address.of(text)


@pytest.mark.parametrize("text", ["aws:", "aws:http://10.0.0.1:1", "aws:http://sts.example"])
def test_another_machine_takes_a_flag(text: str) -> None:
    with pytest.raises(ValueError, match="is not this machine: say by --real-account ACCOUNT_ID"):
        connect(Address.of(text))


def test_another_account_is_left_alone(served: Any) -> None:
    address = Address.of(f"aws:{served.url}")
    account = served.endpoint.account.id
    other = "1" * 12
    with pytest.raises(TargetFailed, match=f"of account {account}, not of {other}; nothing was do"):
        connect(address, real_account=other)
    assert served.requests == ["/"], "who we are is all that was asked"
    assert connect(address, real_account=account).account == account


def test_wrong_credentials(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x" * 40)
    with pytest.raises(TargetFailed, match="refuses the credentials: SignatureDoesNotMatch: "):
        connect(Address.of(f"aws:{served.url}"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAAAAAAAAAAAAAAAAA")
    with pytest.raises(TargetFailed, match="refuses the credentials: InvalidClientTokenId: "):
        connect(Address.of(f"aws:{served.url}"))


def test_no_credentials(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(TargetFailed, match="there are no AWS credentials; set AWS_ACCESS_KEY_ID"):
        connect(Address.of(f"aws:{served.url}"))
    with pytest.raises(TargetFailed, match=r"profile \(work\) could not be found"):
        connect(Address.of(f"aws:{served.url}?profile=work"))


def test_a_profile(
    served: Any, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    keys = served.endpoint.account.users["ada"]
    path = tmp_path_factory.mktemp("aws") / "credentials"
    path.write_text(
        f"[work]\naws_access_key_id = {keys.access_key_id}\n"
        f"aws_secret_access_key = {keys.secret_access_key}\n"
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    system = connect(Address.of(f"aws:{served.url}?profile=work"))
    assert system.account == served.endpoint.account.id


def test_nobody_there(served: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TargetFailed, match=f"aws 127.0.0.1:{port} is not to be reached: "):
        connect(Address.of(f"aws:http://127.0.0.1:{port}"))


def test_an_account_that_is_none(served: Any, hostile: Callable[..., Any]) -> None:
    said = "<Arn>arn:aws:iam::1:user/x</Arn><UserId>x</UserId><Account>../..</Account>"
    result = f"<GetCallerIdentityResult>{said}</GetCallerIdentityResult>"
    body = f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>".encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with pytest.raises(TargetFailed, match=r"says that the credentials are of '\.\./\.\.'"):
        connect(Address.of(f"aws:{hostile(head + body).url}"))


def test_what_is_offered(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    address = Address.of(f"aws:{served.url}")
    moved = connect(address)
    assert isinstance(moved.wall, ServedClock)
    assert Ability.LONG_WAIT in moved.offer.can
    assert Ability.ANY_TIME not in moved.offer.can
    timeless = connect(Address.of(f"aws:{served.url}?clock=none"))
    assert timeless.wall is None
    assert {Ability.LONG_WAIT, Ability.ANY_TIME} <= timeless.offer.can
    monkeypatch.delenv("MFALAB_TOKEN")
    lived = connect(address)
    assert lived.wall is not None
    assert Ability.LONG_WAIT not in lived.offer.can


def test_the_token_stays_on_this_machine(
    served: Any, hostile: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rehearsal of a run elsewhere waits as that run would."""
    told: list[object] = []
    address = Address.of("aws:https://sts.example")
    assert Ability.LONG_WAIT not in rehearse(address, told.append).offer.can
    assert [str(call) for call in told] == ["sts GetCallerIdentity"]
