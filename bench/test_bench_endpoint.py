"""GetSessionToken at the endpoint: signature, decision and commit, for several clients at once.

Each server is a process with one thread of Python's, as `mfalab serve` is. The clients, in this
process, send a request that was signed before. The base is a handler on the same server that does
nothing; moto's server, which checks no signature and keeps nothing, is beside it.
"""

import asyncio
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

MFALAB = Path(sys.executable).with_name("mfalab")
MOTO = Path(__file__).parents[1] / ".venv" / "strangers" / "bin" / "moto_server"
BODY = b"Action=GetSessionToken&Version=2011-06-15"
REQUESTS = 512
BARE = """
import sys
from mfalab.simulator.serving.server import Server, listen, url_of

kind, body = sys.argv[1].encode(), sys.argv[2].encode()

async def bare(scope, receive, send):
    await receive()
    headers = [(b"content-length", b"%d" % len(body)), (b"content-type", kind)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})

listener = listen("127.0.0.1", 0)
print(url_of(listener), flush=True)
Server(bare, listener).run()
"""


@dataclass
class Served:
    """A server, and the request that its clients send."""

    kind: str
    host: str
    port: int
    request: bytes


def serve(kind: str, folder: Path, answer: bytes = b"hello") -> subprocess.Popen[str]:
    words = {
        "bare": [sys.executable, "-c", BARE, "text/xml", answer.decode()],
        "memory": [MFALAB, "serve", "--json", "--port=0", "--db=:memory:"],
        "sqlite": [MFALAB, "serve", "--json", "--port=0", f"--db={folder / 'db'}"],
        "moto": [MOTO, "--host=127.0.0.1", "--port=0"],
    }[kind]
    stream: dict[str, Any] = {"stderr" if kind == "moto" else "stdout": subprocess.PIPE}
    return subprocess.Popen([str(word) for word in words], text=True, **stream)


def told(kind: str, process: subprocess.Popen[str]) -> tuple[str, Credentials]:
    """The URL of a server, and whose keys are good there."""
    nobody = Credentials("AKIAIOSFODNN7EXAMPLE", "x")
    if kind == "moto":
        assert process.stderr is not None
        found = next(filter(None, (re.search(r"http://\S+", line) for line in process.stderr)))
        # Its access log would fill the pipe.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        return found[0], nobody
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if kind == "bare":
        return line, nobody
    said = json.loads(line)
    keys = said["users"]["alice"]
    return said["endpoint"], Credentials(keys["access_key_id"], keys["secret_access_key"])


def signed(url: str, credentials: Credentials) -> bytes:
    form = {"content-type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", f"{url}/", form, BODY)
    SigV4Auth(credentials, "sts", "us-east-1").add_auth(request)
    head = {"host": urlsplit(url).netloc, "content-length": str(len(BODY))}
    lines = [f"{name}: {value}" for name, value in {**head, **dict(request.headers)}.items()]
    return "\r\n".join(["POST / HTTP/1.1", *lines, "", ""]).encode() + BODY


@pytest.fixture(params=["bare", "memory", "sqlite", *(["moto"] if MOTO.exists() else [])])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    process = serve(request.param, tmp_path)
    try:
        url, credentials = told(request.param, process)
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        yield Served(request.param, address.hostname, address.port, signed(url, credentials))
    finally:
        process.terminate()
        process.communicate()


async def one_client(served: Served, count: int, took_s: list[float]) -> None:
    """Send requests one after another on one connection, and note how long each took."""
    reader, writer = await asyncio.open_connection(served.host, served.port)
    for _ in range(count):
        begun = time.perf_counter()
        writer.write(served.request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b" 200 " in head.split(b"\r\n")[0], head
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        took_s.append(time.perf_counter() - begun)
        if b"connection: close" in head:
            writer.close()
            reader, writer = await asyncio.open_connection(served.host, served.port)
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("connections", [8, 64])
def test_get_session_token(benchmark: Any, served: Served, connections: int) -> None:
    benchmark.group = f"GetSessionToken, {connections} connections"
    benchmark.extra_info["role"] = {"bare": "limit", "moto": "peer"}.get(served.kind, "ours")
    took_s: list[float] = []

    async def run() -> None:
        share = REQUESTS // connections
        await asyncio.gather(*(one_client(served, share, took_s) for _ in range(connections)))

    benchmark.pedantic(lambda: asyncio.run(run()), rounds=3, warmup_rounds=1)
    took_s.sort()
    benchmark.extra_info["figures"] = {
        "requests per second": round(REQUESTS / benchmark.stats.stats.min),
        "ms at the median": round(took_s[len(took_s) // 2] * 1000, 1),
        "ms at the 99th percentile": round(took_s[len(took_s) * 99 // 100] * 1000, 1),
    }


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What our endpoint says to the request."""
    process = serve("memory", tmp_path_factory.mktemp("answer"))
    try:
        url, credentials = told("memory", process)
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(signed(url, credentials))
            with connection.makefile("rb") as stream:
                head = b"".join(iter(stream.readline, b"\r\n")).lower()
                return stream.read(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.benchmark(group="GetSessionToken, one caller by boto3")
@pytest.mark.parametrize("kind", ["bare", "memory", "sqlite", *(["moto"] if MOTO.exists() else [])])
def test_boto3(benchmark: Any, kind: str, answer: bytes, tmp_path: Path) -> None:
    """The bare handler gives our answer's bytes: what is left is boto3's own work."""
    benchmark.extra_info["role"] = {"bare": "limit", "moto": "peer"}.get(kind, "ours")
    process = serve(kind, tmp_path, answer)
    try:
        url, credentials = told(kind, process)
        client = boto3.client(
            "sts",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            config=Config(retries={"total_max_attempts": 1}),
        )
        said = benchmark.pedantic(client.get_session_token, rounds=400, warmup_rounds=20)
        assert said["Credentials"]["SessionToken"]
    finally:
        process.terminate()
        process.communicate()
