"""Requests to a server that is tested: limited in time, past no proxy, and led nowhere else."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from http.client import HTTPException
from threading import Thread
from typing import Any, TypeVar

from mfalab.simulator.targets.reaching import require_server

T = TypeVar("T")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """A redirect is an answer, such as that of a form that signs in."""


def opener(*handlers: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    """What opens connections, with more handlers, such as one for cookies."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect(), *handlers)


def ask(
    opened_by: urllib.request.OpenerDirector,
    request: urllib.request.Request,
    read: Callable[[Any], T],
    patience_s: float,
) -> tuple[int, T]:
    """The status of an answer, whichever it is, and what is read of its body.

    Raises:
        TargetGone: nothing listens there any more.
        OSError: there is no whole answer in time, or as `read` does.
        HTTPException: what came is no HTTP.
    """

    def sent() -> tuple[int, T]:
        try:
            with opened_by.open(request, timeout=patience_s) as answer:
                return answer.status, read(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, read(refusal)
        except urllib.error.URLError as wrapped:  # says "urlopen error" of what the system said
            raise wrapped.reason if isinstance(wrapped.reason, OSError) else wrapped from None

    try:
        return within(patience_s, sent)
    except TimeoutError:
        raise  # what is slow is there
    except (OSError, HTTPException):
        require_server(request.full_url)
        raise


def within(patience_s: float, work: Callable[[], T]) -> T:
    """What work gives. The time limit of a socket begins anew with each byte, so a thread works.

    Raises:
        TimeoutError: it takes longer; what it gives later is dropped.
    """
    given: Future[T] = Future()

    def run() -> None:
        try:
            given.set_result(work())
        except BaseException as error:
            given.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return given.result(patience_s)
    except TimeoutError:
        raise TimeoutError(f"no whole answer within {patience_s:g} s") from None
