"""Requests to an endpoint that need not be one: bounded in time and size, and led nowhere else."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from mfalab.simulator.environment.target import TargetFailed
from mfalab.simulator.targets.reaching import require_server

PATIENCE_S = 30.0
"""How long a whole answer may take, from the look-up of a name to the last byte."""
MOST_BYTES = 16 * 2**20
"""The largest answer: a credential report of AWS's 5000 users has some two megabytes."""
_CHUNK = 2**16

Transport = Callable[[AWSPreparedRequest], AWSResponse]
"""Sends a request and returns the whole answer; raises `TargetFailed`."""


class _Body(io.BytesIO):
    """A body that was read already, as botocore takes it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def response(url: str, status: int, headers: dict[str, str], body: bytes) -> AWSResponse:
    """An answer whose body is there."""
    return AWSResponse(url, status, headers, _Body(body))


@dataclass(slots=True)
class Http:
    """Sends requests over HTTP.

    Attributes:
        label: what the endpoint is called in errors.
        patience_s: how long a whole answer may take.
        most_bytes: how long its body may be.
        proxies: by the scheme of a URL; none for an endpoint on this machine.
    """

    label: str
    patience_s: float = PATIENCE_S
    most_bytes: int = MOST_BYTES
    proxies: Mapping[str, str] = field(default_factory=dict)
    _session: URLLib3Session = field(init=False)

    def __post_init__(self) -> None:
        self._session = URLLib3Session(
            proxies=dict(self.proxies),
            timeout=self.patience_s,
            max_pool_connections=64,
            # Headers and body are two writes: without it the second waits for the first's receipt.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )

    def __call__(self, request: AWSPreparedRequest) -> AWSResponse:
        """See `Transport`."""
        request.stream_output = True
        answers: SimpleQueue[AWSResponse | Exception] = SimpleQueue()
        given_up = Event()
        # A socket's timeout starts again with each byte, so another thread reads.
        Thread(target=self._fetch, args=(request, answers, given_up), daemon=True).start()
        try:
            answer = answers.get(timeout=self.patience_s)
        except Empty:
            given_up.set()
            raise TargetFailed(
                f"{self.label} gave no whole answer within {self.patience_s:g} s"
            ) from None
        if isinstance(answer, TargetFailed):
            raise answer
        if isinstance(answer, Exception):
            if not self.proxies:
                require_server(request.url, self.label)
            raise TargetFailed(f"{self.label} is not to be reached: {_reason(answer)}")
        if 300 <= answer.status_code < 400:
            elsewhere = answer.headers.get("Location", "nowhere")
            raise TargetFailed(
                f"{self.label} answered with {answer.status_code}, which leads to "
                f"{elsewhere[:200]}; it is not followed"
            )
        return answer

    def close(self) -> None:
        """Let the connections go."""
        self._session.close()

    def _fetch(
        self,
        request: AWSPreparedRequest,
        answers: SimpleQueue[AWSResponse | Exception],
        given_up: Event,
    ) -> None:
        try:
            begun = self._session.send(request)
            body = bytearray()
            for chunk in begun.raw.stream(_CHUNK, decode_content=False):
                body += chunk
                if len(body) > self.most_bytes or given_up.is_set():
                    begun.raw.close()
                    raise TargetFailed(
                        f"{self.label} gave an answer of more than {self.most_bytes} bytes"
                    )
            headers = dict(begun.headers)
            answers.put(response(request.url, begun.status_code, headers, bytes(body)))
        except Exception as error:
            answers.put(error)


def _reason(error: Exception) -> str:
    """What lies at the bottom of an error, in one line."""
    told = getattr(error, "kwargs", {}).get("error") or error
    text = " ".join(str(told).split())
    return text.rpartition(": ")[2] if "object at 0x" in text else text
