"""Which application answers which path of a server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from mfalab.verifier.wire.asgi import Receive, Scope, Send

Served = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""


class Routes:
    """An ASGI application of several: each has the paths below its prefix, one has all others.

    Args: the application of all other paths; the others by their prefixes, such as `/_mfalab/`;
    what ends conversations that would go on, when the server ends.
    """

    def __init__(
        self,
        others: Served,
        applications: Mapping[str, Served],
        end: Callable[[], None] = lambda: None,
    ) -> None:
        self._others = others
        self._applications = dict(applications)
        self.end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of a server."""
        await self._application(scope)(scope, receive, send)

    def _application(self, scope: Scope) -> Served:
        path: str = scope.get("path", "")  # lifespan has none
        for prefix, application in self._applications.items():
            if path.startswith(prefix):
                return application
        return self._others
