"""Whether a system under test is there at all.

A server that is gone has judged nothing and will judge nothing: it is one error of a whole run, in
place of one of each case.
"""

from __future__ import annotations

import shutil
import socket
from urllib.parse import urlsplit

from mfalab.simulator.environment.target import TargetGone

_KNOCK_S = 10.0
"""How long a connection may take."""
_PORTS = {"http": 80, "https": 443}


def gone(what: str, why: str) -> TargetGone:
    """The error of a system that is not there; it says what to do."""
    return TargetGone(f"{what} is not to be reached: {why}; start it, or name another target")


def require_server(url: str, called: str | None = None) -> None:
    """Connect to where a URL leads, and say nothing.

    Args: the URL; what the server is called in the error, if not by its address.

    Raises:
        TargetGone: nothing listens there, or its name leads nowhere.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    try:
        socket.create_connection((host, port), _KNOCK_S).close()
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise gone(called or f"{parts.scheme}://{parts.netloc}", why) from None


def require_program(name: str) -> None:
    """Look for a program as a shell does.

    Raises:
        TargetGone: there is none.
    """
    if shutil.which(name) is None:
        raise gone(f'the command "{name}"', "there is no such program")
