"""Clients that do not behave: no 500, no hang, nothing lost, and the server goes on."""

import http.client
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfalab.simulator.serving.lab_endpoint import LabEndpoint
from mfalab.verifier.wire.asgi import LONGEST_BODY

Talk = Callable[..., bytes]


@pytest.fixture
def talk(aws_endpoint: LabEndpoint) -> Talk:
    """Sends bytes, ends its side, and reads to the end."""
    address = urlsplit(aws_endpoint.url)

    def exchange(*parts: bytes) -> bytes:
        with socket.create_connection((address.hostname, address.port), timeout=20) as client:
            answer = b""
            try:
                for part in parts:
                    client.sendall(part)
                client.shutdown(socket.SHUT_WR)
                while news := client.recv(65536):
                    answer += news
            except ConnectionError:
                pass  # a server may close on what it refuses
            return answer

    return exchange


@pytest.fixture
def still_serves(aws_endpoint: LabEndpoint) -> Iterator[None]:
    """After the test another client is answered."""
    yield
    assert create_device(aws_endpoint, "ada", "after") == 200


def create_device(endpoint: LabEndpoint, who: str, name: str) -> int:
    """The status of a signed call."""
    keys = endpoint.users[who]
    fields = {
        "Action": "CreateVirtualMFADevice",
        "Version": "2010-05-08",
        "VirtualMFADeviceName": name,
    }
    body = urlencode(fields).encode()
    request = AWSRequest("POST", f"{endpoint.url}/", {}, body)
    signer = Credentials(keys.access_key_id, keys.secret_access_key)
    SigV4Auth(signer, "iam", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=60)
    try:
        connection.request("POST", "/", body, dict(request.headers.items()))
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.usefixtures("still_serves")
@pytest.mark.parametrize(
    ("parts", "allowed"),
    [
        ([b""], ()),
        ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], (400,)),
        ([b"GET / HTTP/1.1\r\n"], (400,)),
        ([b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], (403,)),
        ([b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nAction="], (400,)),
        ([b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"], (400,)),
        (
            [
                b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n",
                b"a=" * (LONGEST_BODY // 2 + 1),
            ],
            (413,),
        ),
        (
            [b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"],
            (400,),
        ),
        (
            [b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 \xff\xfe\r\n\r\n"],
            (400,),
        ),
        ([b"GET /?" + b"a&" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"], (400, 403, 431)),
        ([b"BREW /%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n"], (400, 403)),
        ([b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"], (400, 403)),
    ],
    ids=[
        "nothing",
        "TLS",
        "half a head",
        "unsigned",
        "half a body",
        "negative length",
        "long body",
        "bad chunk",
        "bytes in a header",
        "long query",
        "unknown method",
        "upgrade",
    ],
)
def test_client_that_does_not_behave(
    talk: Talk, parts: list[bytes], allowed: tuple[int, ...]
) -> None:
    answer = talk(*parts)
    assert answer == b"" or status(answer) in allowed, answer[:300]


@pytest.mark.usefixtures("still_serves")
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS"]),
    path=st.sampled_from(["/", "/_mfalab/clock", "/_mfalab/x", "/bucket/key", "//", "/%2e%2e"]),
    query=st.sampled_from(["", "?Action=GetUser", "?X-Amz-Algorithm=AWS4-HMAC-SHA256", "?%ff=%00"]),
    credential=st.sampled_from(["", "A/20261127/us-east-1/iam/aws4_request", "/////", "a/b"]),
    body=st.binary(max_size=200),
)
def test_fuzz_of_whole_requests(
    talk: Talk, method: str, path: str, query: str, credential: str, body: bytes
) -> None:
    head = f"{method} {path}{query} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    if credential:
        head += (
            f"X-Amz-Date: 20261127T093000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential="
            f"{credential}, SignedHeaders=host;x-amz-date, Signature=00\r\n"
        )
    answer = talk(head.encode() + b"Connection: close\r\n\r\n" + body)
    assert 400 <= status(answer) < 500, answer[:300]
    assert b"Traceback" not in answer


@pytest.mark.slow
def test_many_clients_at_once_lose_nothing(aws_endpoint: LabEndpoint, lab: object) -> None:
    names = [f"device-{number}" for number in range(192)]
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda name: create_device(aws_endpoint, "ada", name), names))
    assert answers == [200] * len(names)
    again = [create_device(aws_endpoint, "ada", name) for name in names[:5]]
    assert again == [409] * 5
