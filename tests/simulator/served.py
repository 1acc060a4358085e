"""A served account whose time is virtual, and what clients ask of it."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from mfalab.simulator.entropy import SystemEntropy
from mfalab.simulator.serving.endpoint import ServedEndpoint, open_endpoint
from mfalab.simulator.serving.server import Server, listen, url_of


class Served:
    """A server in a thread, as `mfalab serve --clock virtual` has it, and its clients."""

    def __init__(self, endpoint: ServedEndpoint, url: str, server: Server) -> None:
        self.endpoint, self.shelf, self.url = endpoint, endpoint.shelf, url
        self.told = endpoint.told(url)
        self.end = server.stop

    def client(self, service: str, who: str = "alice") -> Any:
        keys = self.endpoint.account.users[who]
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
        )

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        """Any path, with the token; bytes are sent as they are, all else as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {self.endpoint.token}", **headers}
        request = urllib.request.Request(f"{self.url}{path}", data, given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def json(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """The control API, which must not refuse."""
        status, text = self.ask(method, f"/_mfalab/{path}", body, **headers)
        assert status < 300, text
        return json.loads(text)


@contextmanager
def serving(
    *users: str, kind: type[Served] = Served, profile: str = "aws-immediate"
) -> Iterator[Any]:
    """Serves users, and Ada, an administrator, from memory."""
    with listen("127.0.0.1", 0) as listener:
        url = url_of(listener)
        endpoint = open_endpoint(
            ":memory:",
            profile=profile,
            virtual=True,
            users={**dict.fromkeys(users, False), "ada": True},
            url=url,
            random_bytes=SystemEntropy().random_bytes("test"),
        )
        with Server(endpoint.application, listener) as server:
            yield kind(endpoint, url, server)
