"""What every server of a verifier answers, whoever made the verifier: `mfalab serve`, or a lab."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from mfalab.simulator.clocks.wall import WALL
from mfalab.simulator.serving.fido import fido_application, origin_of
from mfalab.simulator.serving.routes import Routes, Served
from mfalab.verifier import Verifier
from mfalab.verifier.web.exchange import PREFIX as CONSOLE
from mfalab.verifier.web.mailbox import Mailbox
from mfalab.verifier.web.site import Site
from mfalab.verifier.wire.asgi import Application, one_by_one
from mfalab.verifier.wire.fido import PREFIXES
from mfalab.verifier.wire.service import Endpoint

TOKEN_BYTES = 24
"""Of a control token, which opens the inbox."""


def application(
    verifier: Verifier,
    mailbox: Mailbox,
    *,
    origin: str,
    token: str,
    random_bytes: Callable[[int], bytes],
    beside: Mapping[str, Served] = MappingProxyType({}),
    scripts: Sequence[str] = (),
    end: Callable[[], None] = lambda: None,
) -> Routes:
    """AWS's API, the console's pages, and the FIDO server-test API, as an ASGI application.

    Args:
        verifier: what decides; its relying party is at the origin.
        mailbox: what it sends to people.
        origin: where browsers find it.
        token: opens the inbox.
        random_bytes: source of request ids, cookies, challenges and the tokens of forms.
        beside: what else is served, by the prefixes of its paths.
        scripts: paths of what else the console's pages load.
        end: what ends conversations that would go on, when the server ends.
    """
    # Signatures are fresh by this machine's time.
    answers = Endpoint(verifier, wall_clock=WALL, random_bytes=random_bytes)
    site = Site(
        verifier, mailbox, origin=origin, token=token, random_bytes=random_bytes, scripts=scripts
    )
    ceremonies = fido_application(verifier.profile, verifier.clock, random_bytes)
    others: dict[str, Served] = {**beside, **dict.fromkeys(PREFIXES, ceremonies)}
    others[CONSOLE] = Application(one_by_one(site.answer))
    return Routes(Application(answers.answer_all), others, end)


def pages_of(url: str, token: str) -> dict[str, str]:
    """Where people's pages are, on a server at a URL: `console`, and `inbox` with its token."""
    console = f"{origin_of(url)}{CONSOLE}"
    return {"console": console, "inbox": f"{console}/inbox#token={token}"}
