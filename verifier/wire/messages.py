"""HTTP messages, as far as the protocols here need them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came over the wire.

    Texts are Latin-1, so that every byte is kept. Path and query are as they were sent.
    """

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """Names in lower case."""
    body: bytes = b""
    source_ip: str | None = None
    """The client's address."""

    def header(self, name: str) -> str | None:
        """The value of a header, several joined by commas, with single spaces; None without one."""
        values = [" ".join(value.split()) for key, value in self.headers if key == name]
        return ",".join(values) if values else None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
