"""The header Host, read as RFC 9110 has it and no wider."""

import pytest

from mfalab.verifier.wire.hosts import Host, host_of, read_host
from mfalab.verifier.wire.messages import Request

HOSTILE = [
    "",
    "evil@localhost",
    "evil:pw@localhost:8765",
    "localhost@evil.example",
    "localhost:8765@evil.example",
    "localhost/evil.example",
    "evil.example/@localhost",
    "localhost#evil.example",
    "localhost?evil.example",
    "localhost\\evil.example",
    "//localhost",
    "http://localhost",
    "localhost:",
    "localhost:port",
    "localhost:-1",
    "localhost:80:80",
    "localhost:\uff18\uff10",
    "localhost,evil.example",
    "local host",
    "localhost%00.evil.example",
    "loc\xe4lhost",
    "::1",
    "::1:8765",
    "[::1",
    "[::1]evil.example",
    "[::1%25lo]",
    "[127.0.0.1]",
    "[localhost]",
    "[]",
    ":8765",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_host(text: str) -> None:
    assert read_host(text) is None


@pytest.mark.parametrize(
    ("text", "host", "loopback"),
    [
        ("localhost", Host("localhost", None), True),
        ("LocalHost:8765", Host("localhost", 8765), True),
        ("127.0.0.1:80", Host("127.0.0.1", 80), True),
        ("127.0.0.2", Host("127.0.0.2", None), True),
        ("[::1]:8765", Host("::1", 8765), True),
        ("[2001:db8::1]", Host("2001:db8::1", None), False),
        ("lab.example:8765", Host("lab.example", 8765), False),
        ("localhost.evil.example", Host("localhost.evil.example", None), False),
        ("127.0.0.1.evil.example", Host("127.0.0.1.evil.example", None), False),
        ("192.0.2.7", Host("192.0.2.7", None), False),
    ],
)
def test_hosts(text: str, host: Host, loopback: bool) -> None:
    assert read_host(text) == host
    assert host.loopback is loopback


def test_of_a_request_with_one_header() -> None:
    def of(*values: str) -> Host | None:
        return host_of(Request("GET", "/", "", tuple(("host", each) for each in values)))

    assert of("localhost:1") == Host("localhost", 1)
    assert of() is None
    assert of("localhost:1", "localhost:1") is None  # RFC 9112 section 3.2
