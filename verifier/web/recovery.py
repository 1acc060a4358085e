"""The pages of a sign-in with alternative factors, and the simulated inbox that it needs.

The inbox shows what was sent to all users, so it asks for the server's control token, and it is
there for browsers on this machine only.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from ipaddress import ip_address

from mfalab.verifier import refusals
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.records import Demand
from mfalab.verifier.web.exchange import Exchange, Page, Pages, SignInNeeded
from mfalab.verifier.web.mailbox import Medium
from mfalab.verifier.web.sign_in import arrive, page_of
from mfalab.verifier.web.visits import Notice, Recovering, Step
from mfalab.verifier.wire.messages import Response

RECOVERY = "/recovery"
INBOX = "/inbox"


def _start(x: Exchange) -> Response:
    page = page_of(x, Demand.MFA)
    x.visit.recovering = Recovering(x.console.recovery.start(page.id), Step.STARTED)
    return x.go(RECOVERY)


def _recovering(x: Exchange) -> Recovering:
    if x.visit.recovering is None:
        raise SignInNeeded
    return x.visit.recovering


def _show(x: Exchange) -> Response:
    return x.page("recovery", recovering=_recovering(x))


def _mail(x: Exchange) -> Response:
    recovering = _recovering(x)
    x.console.recovery.send_mail(recovering.id)
    x.visit.recovering = replace(recovering, step=Step.MAILED)
    return x.go(RECOVERY)


def _show_link(x: Exchange) -> Response:
    return x.page("recovery_link")


def _follow_link(x: Exchange) -> Response:
    found = x.console.recovery.follow_link(x.query.get("token", ""))
    x.visit.recovering = Recovering(found, Step.CONFIRMED)
    x.visit.root = True
    x.visits.renew(x.visit)
    return x.go(RECOVERY)


def _call(x: Exchange) -> Response:
    recovering = _recovering(x)
    digits = x.console.recovery.call(recovering.id)
    x.visit.recovering = replace(recovering, step=Step.CALLED, digits=digits)
    return x.go(RECOVERY)


def _finish(x: Exchange) -> Response:
    return arrive(x, x.console.recovery.finish(_recovering(x).id), root=True)


# The inbox


def _is_open(x: Exchange) -> bool:
    return x.visit.inbox_open and _is_here(x.request.source_ip)


def _is_here(client: str | None) -> bool:
    try:
        return ip_address(client or "").is_loopback
    except ValueError:
        return False


def _show_inbox(x: Exchange) -> Response:
    return x.page("inbox", open=_is_open(x), messages=x.mailbox.messages if _is_open(x) else [])


def _open_inbox(x: Exchange) -> Response:
    right = hmac.compare_digest(x.field("token").strip().encode(), x.inbox_token.encode())
    if not _is_here(x.request.source_ip) or not right:
        raise refusals.validation_error("This is not the control token of this server.")
    x.visit.inbox_open = True
    x.visits.renew(x.visit)
    return x.go(INBOX)


def _press_digits(x: Exchange) -> Response:
    """What the keypad of a telephone that rings sends."""
    if not _is_open(x):
        raise SignInNeeded
    number = x.field("call")
    for message in x.mailbox.messages:
        if message.medium is Medium.CALL and str(message.number) == number:
            try:
                x.console.recovery.enter_digits(message.token, x.field("digits").strip())
            except ServiceError as error:
                return x.go(INBOX, Notice(error.message, refused=True))
            return x.go(INBOX, Notice("The digits were accepted. Go on in the console."))
    raise refusals.recovery_call_expired()


PAGES: Pages = {
    RECOVERY: Page(_show),
    "/recovery/start": Page(None, _start, "/mfa/troubleshoot"),
    "/recovery/mail": Page(None, _mail, RECOVERY),
    "/recovery/link": Page(_show_link, _follow_link),
    "/recovery/call": Page(None, _call, RECOVERY),
    "/recovery/finish": Page(None, _finish, RECOVERY),
    INBOX: Page(_show_inbox, _open_inbox),
    "/inbox/digits": Page(None, _press_digits, INBOX),
}
"""Pages that need no sign-in."""
