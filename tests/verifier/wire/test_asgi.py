"""The ASGI face: whole requests, slow ones, long ones, broken ones."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mfalab.verifier.wire import asgi
from mfalab.verifier.wire.asgi import LONGEST_BODY, Application
from mfalab.verifier.wire.messages import Request, Response

Message = Mapping[str, Any]
SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/a b",
    "raw_path": b"/a%20b",
    "query_string": b"x=%e9",
    "headers": [(b"host", b"localhost"), (b"x-name", b"zo\xeb")],
}


def part(body: bytes, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def served(
    messages: Iterable[Message], scope: Message = SCOPE, patience_s: float = 5
) -> tuple[list[Request], list[Message]]:
    """What reaches the endpoint, and what the client is sent."""
    seen: list[Request] = []
    sent: list[Message] = []
    coming = iter(messages)

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response(418, b"<tea/>", (("content-type", "text/xml"),))

    async def receive() -> Any:
        message = next(coming, None)
        if message is None:
            await asyncio.Event().wait()
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    application = Application(lambda requests: [*map(answer, requests)], patience_s=patience_s)
    with ThreadPoolExecutor(1) as apart:  # this thread may have a loop: Playwright leaves one
        apart.submit(asyncio.run, application(dict(scope), receive, send)).result()
    return seen, sent


def test_request_reaches_the_endpoint_byte_by_byte() -> None:
    seen, sent = served([part(b"Action=", more=True), part(b"GetUser")])
    headers = (("host", "localhost"), ("x-name", "zo\xeb"))
    assert seen == [Request("POST", "/a%20b", "x=%e9", headers, b"Action=GetUser")]
    assert sent == [
        {
            "type": "http.response.start",
            "status": 418,
            "headers": [(b"content-type", b"text/xml"), (b"content-length", b"6")],
        },
        {"type": "http.response.body", "body": b"<tea/>"},
    ]


def test_server_without_raw_path() -> None:
    scope = {**SCOPE, "raw_path": None, "path": "/"}
    (request,), _ = served([part(b"")], scope)
    assert request.path == "/"


def test_body_that_is_too_long_is_refused_before_it_is_all_there() -> None:
    half = part(b"x" * (LONGEST_BODY // 2 + 1), more=True)
    seen, sent = served([half, half])
    assert seen == []
    assert sent[0]["status"] == 413
    assert (b"connection", b"close") in sent[0]["headers"]


def test_body_that_does_not_come() -> None:
    seen, sent = served([part(b"Action", more=True)], patience_s=0.01)
    assert seen == []
    assert sent[0]["status"] == 408
    assert sent[1]["body"] == b"The body did not come within 0.01 seconds.\n"


def test_client_that_is_gone_is_sent_nothing() -> None:
    assert served([part(b"Action", more=True), {"type": "http.disconnect"}]) == ([], [])


def test_lifespan() -> None:
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    assert served(messages, {"type": "lifespan"}) == (
        [],
        [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}],
    )


def test_other_protocols_are_none_here() -> None:
    with pytest.raises(ValueError, match="no protocol websocket here"):
        served([], {"type": "websocket"})


class Crowd:
    """Clients whose requests are there at the same time."""

    def __init__(self, count: int, *, gone: int = -1, alone: bool = True) -> None:
        self.together: list[list[str]] = []
        self.sent: dict[int, list[Message]] = {number: [] for number in range(count)}
        self.gone, self.alone = gone, alone

    def answer_all(self, requests: Sequence[Request]) -> list[Response]:
        self.together.append([request.body.decode() for request in requests])
        assert not (self.alone and any(self.sent.values())), (
            "an answer left before those who share its commit"
        )
        return [Response(200, request.body, ()) for request in requests]

    async def meet(self) -> None:
        application = Application(self.answer_all)

        def client(number: int) -> asyncio.Task[None]:
            async def receive() -> Message:
                return part(f"{number}".encode())

            async def send(message: Message) -> None:
                self.sent[number].append(message)

            return asyncio.create_task(application(dict(SCOPE), receive, send))

        tasks = [client(number) for number in self.sent]
        if self.gone >= 0:
            while not application._waiting:
                await asyncio.sleep(0)
            tasks[self.gone].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def run(self) -> None:
        with ThreadPoolExecutor(1) as apart:
            apart.submit(asyncio.run, self.meet()).result()


def test_requests_that_are_there_together_are_answered_together_each_its_own() -> None:
    crowd = Crowd(5)
    crowd.run()
    assert crowd.together == [["0", "1", "2", "3", "4"]]
    for number, (_, body) in crowd.sent.items():
        assert body["body"] == f"{number}".encode()


def test_client_that_is_gone_takes_no_answer_from_others() -> None:
    crowd = Crowd(3, gone=1)
    crowd.run()
    assert crowd.together == [["0", "1", "2"]]
    assert [len(messages) for messages in crowd.sent.values()] == [2, 0, 2]


def test_group_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "MOST_TOGETHER", 2)
    crowd = Crowd(5, alone=False)
    crowd.run()
    assert crowd.together == [["0", "1"], ["2", "3"], ["4"]]
    assert {len(messages) for messages in crowd.sent.values()} == {2}


def test_defect_of_what_answers_ends_the_requests_and_is_not_hidden() -> None:
    failures: list[Any] = []

    async def one() -> None:
        def fail(requests: Sequence[Request]) -> list[Response]:
            raise ZeroDivisionError

        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: failures.append(context["exception"])
        )

        async def receive() -> Message:
            return part(b"")

        async def send(message: Message) -> None:
            pytest.fail(f"{message}")

        with pytest.raises(asyncio.CancelledError):
            await Application(fail)(dict(SCOPE), receive, send)

    with ThreadPoolExecutor(1) as apart:
        apart.submit(asyncio.run, one()).result()
    assert [type(failure) for failure in failures] == [ZeroDivisionError]
