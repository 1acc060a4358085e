"""For which host a request is: the header `Host`, read strictly.

Source: RFC 9110 section 7.2, `uri-host [ ":" port ]`. Nothing else of an authority may stand there,
as a reader of URLs takes `evil@localhost` for `localhost`. Percent signs are refused, too.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import NamedTuple

from mfalab.verifier.wire.messages import Request

_HOST = re.compile(
    r"(?:\[([0-9a-f.]*:[0-9a-f:.]*)\]|([a-z0-9._-]+))(?::([0-9]{1,5}))?", re.IGNORECASE
)


class Host(NamedTuple):
    """A host, in lower case and without brackets, and its port; None where it is not given."""

    name: str
    port: int | None

    @property
    def loopback(self) -> bool:
        """Whether it is a name, or an address, of the machine that a client runs on."""
        return self.name == "localhost" or is_loopback(self.name)


def read_host(text: str) -> Host | None:
    """A host as the header has it; None when it is none."""
    found = _HOST.fullmatch(text)
    if found is None:
        return None
    address, name, port = found.groups()
    if address is not None and not _is_address(address):
        return None
    return Host((address or name).lower(), None if port is None else int(port))


def host_of(request: Request) -> Host | None:
    """The host that a request names; None without the header, or with two, or with no host."""
    return read_host(request.header("host") or "")


def is_loopback(address: str) -> bool:
    """Whether a text is a loopback address."""
    return _is_address(address) and ip_address(address).is_loopback


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
