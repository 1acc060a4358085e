"""Which application answers which path."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from mfalab.simulator.serving.routes import Routes, Served
from mfalab.verifier.wire.asgi import Receive, Scope, Send


@pytest.mark.parametrize(
    ("scope", "answered"),
    [
        ({"type": "http", "path": "/_mfalab/clock"}, "control"),
        ({"type": "http", "path": "/_mfalab"}, "endpoint"),
        ({"type": "http", "path": "/"}, "endpoint"),
        ({"type": "lifespan"}, "endpoint"),
    ],
)
def test_application_of_a_path(scope: Scope, answered: str) -> None:
    calls = []

    def named(name: str) -> Served:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            calls.append(name)

        return application

    async def never() -> Scope:
        raise AssertionError

    async def nowhere(message: Scope) -> None:
        raise AssertionError(message)

    routes = Routes(named("endpoint"), {"/_mfalab/": named("control")})
    with ThreadPoolExecutor(1) as apart:  # this thread may have a loop: Playwright leaves one
        apart.submit(asyncio.run, routes(scope, never, nowhere)).result()
    assert calls == [answered]
