"""The pages of the sign-in: the password, MFA or whatever else is asked for, and the way out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mfalab.verifier import refusals
from mfalab.verifier.authorization import Credentials
from mfalab.verifier.console_login import SecondPage, SignedIn
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.names import has_codes
from mfalab.verifier.records import Demand, DeviceKind
from mfalab.verifier.web.exchange import (
    HOME,
    ROOT_SIGN_IN,
    SIGN_IN,
    Exchange,
    Page,
    Pages,
    SignInNeeded,
)
from mfalab.verifier.web.visits import Notice, Person
from mfalab.verifier.wire.messages import Response

MFA = "/mfa"
PAGE_OF = {
    Demand.MFA: MFA,
    Demand.MAIL_CODE: "/mfa/mail-code",
    Demand.NEW_PASSWORD: "/mfa/password",
    Demand.ENROLMENT: "/assign",
}
"""The page that asks for what a sign-in still needs."""


def arrive(x: Exchange, result: SignedIn | SecondPage, *, root: bool) -> Response:
    """Go on from a password, a code or an assertion, with another cookie."""
    _leave(x)
    if isinstance(result, SecondPage):
        x.visit.page, x.visit.root, x.visit.enrolment = result, root, result.enrolment
        return x.go(PAGE_OF[result.demand])
    x.visit.credentials = result.credentials
    x.visit.mfa_due_ns = result.mfa_due_ns
    x.visit.person = _person(x, result.credentials, mfa=result.mfa)
    x.visits.sign_in(x.visit)
    return x.go(HOME)


def _person(x: Exchange, credentials: Credentials, *, mfa: bool) -> Person:
    who = x.verifier.sts(credentials).get_caller_identity()
    name = who["Arn"].rpartition("/")[2] if ":user/" in who["Arn"] else ""
    return Person(who["Account"], name, mfa)


def _show_sign_in(x: Exchange) -> Response:
    return x.go(HOME) if x.visit.credentials else x.page("sign_in")


def _show_root_sign_in(x: Exchange) -> Response:
    return x.go(HOME) if x.visit.credentials else x.page("sign_in_root")


def _sign_in(x: Exchange) -> Response:
    account, user = x.field("account").strip(), x.field("user").strip()
    try:
        result = x.console.sign_in(account, user, x.field("password"))
    except ServiceError as error:
        return x.go(SIGN_IN, _refused(error, account=account, user=user))
    return arrive(x, result, root=False)


def _sign_in_root(x: Exchange) -> Response:
    email = x.field("email").strip()
    try:
        # Visits do not outlive a sign-out, so every browser comes from an unusual place.
        result = x.console.sign_in_root(email, x.field("password"), unusual=True)
    except ServiceError as error:
        return x.go(ROOT_SIGN_IN, _refused(error, email=email))
    return arrive(x, result, root=True)


def _refused(error: ServiceError, **typed: str) -> Notice:
    text = error.message
    if error.code == refusals.failed_authentication().code:
        text = "Your authentication information is incorrect. Please try again."
    return Notice(text, refused=True, values=typed)


def _sign_out(x: Exchange) -> Response:
    _leave(x)
    return x.go(SIGN_IN, Notice("You are signed out."))


def _leave(x: Exchange) -> None:
    """End the visit, and its session if it has one; the inbox stays open in the next."""
    before = x.visit
    if before.credentials is not None:
        x.console.sign_out(before.credentials)
    x.visit = x.visits.replace(before)
    x.visit.inbox_open = before.inbox_open


# The second page


def page_of(x: Exchange, demand: Demand) -> SecondPage:
    """The page that this browser has come to after the password.

    Raises:
        SignInNeeded: it has not, or is asked for something else.
    """
    page = x.visit.page
    if page is None or page.demand is not demand:
        raise SignInNeeded
    return page


def _show_mfa(x: Exchange) -> Response:
    page = page_of(x, Demand.MFA)
    options = json.dumps(page.assertion_options) if page.assertion_options else ""
    return x.page("mfa", page=page, options=options)


def _choose(x: Exchange) -> Response:
    page = page_of(x, Demand.MFA)
    kind = x.field("kind")
    if kind not in list(DeviceKind):
        raise refusals.choose_kind_first()
    x.visit.page = x.console.choose(page.id, DeviceKind(kind))
    return x.go(MFA)


def _answer(
    x: Exchange, submit: Callable[[str], SignedIn | SecondPage], demand: Demand = Demand.MFA
) -> Response:
    page = page_of(x, demand)
    try:
        result = submit(page.id)
    except ServiceError:
        if demand is Demand.MFA:
            _look_again(x, page)
        raise
    return arrive(x, result, root=x.visit.root)


def _look_again(x: Exchange, page: SecondPage) -> None:
    """After a refusal the page may offer more, and a security key needs another challenge."""
    try:
        x.visit.page = x.console.second_page(page.id)
        if x.visit.page.chosen is DeviceKind.FIDO:
            x.visit.page = x.console.choose(page.id, DeviceKind.FIDO)
    except ServiceError:
        return  # the page is over, which the refusal under way says, or the next one


def _code(x: Exchange) -> Response:
    return _answer(x, lambda page: x.console.submit_code(page, x.field("code").strip()))


def _assertion(x: Exchange) -> Response:
    response = posted_json(x.field("response"))
    return _answer(x, lambda page: x.console.submit_assertion(page, response))


def posted_json(text: str) -> Any:
    """What a script of ours put into a form; anything else is no ceremony's answer."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _resend(x: Exchange) -> Response:
    x.console.resend_code(page_of(x, Demand.MFA).id)
    return x.go(MFA, Notice("Another code was sent. Only the newest one counts."))


def _show_troubleshooting(x: Exchange) -> Response:
    page = page_of(x, Demand.MFA)
    chosen = page.chosen is not None and has_codes(page.chosen)
    choices = [kind for kind in page.kinds if has_codes(kind) and kind is not page.chosen]
    return x.page("troubleshoot", page=page, chosen=chosen, choices=choices)


def _resync(x: Exchange) -> Response:
    page = page_of(x, Demand.MFA)
    code1, code2 = x.field("code1").strip(), x.field("code2").strip()
    x.visit.page = x.console.resync(page.id, code1, code2)
    return x.go(MFA, Notice("The device was resynchronized. Now sign in with its next code."))


def _choose_to_resync(x: Exchange) -> Response:
    _choose(x)
    return x.go("/mfa/troubleshoot")


# What else may be asked for


def _show_mail_code(x: Exchange) -> Response:
    page_of(x, Demand.MAIL_CODE)
    return x.page("mail_code")


def _mail_code(x: Exchange) -> Response:
    code = x.field("code").strip()
    return _answer(x, lambda page: x.console.submit_mail_code(page, code), Demand.MAIL_CODE)


def _show_new_password(x: Exchange) -> Response:
    page_of(x, Demand.NEW_PASSWORD)
    return x.page("new_password")


def _new_password(x: Exchange) -> Response:
    new = twice(x)
    return _answer(
        x,
        lambda page: x.console.set_password(page, old_password=x.field("old"), new_password=new),
        Demand.NEW_PASSWORD,
    )


def twice(x: Exchange) -> str:
    """A new password that was typed twice.

    Raises:
        ServiceError: the two are not the same.
    """
    new = x.field("new")
    if new != x.field("again"):
        raise refusals.validation_error("The two new passwords are not the same.")
    return new


def _forgot(x: Exchange) -> Response:
    x.console.forgot_root_password(x.field("email").strip())
    text = "If that address is a root user's, a mail with a link is on its way to it."
    return x.go(ROOT_SIGN_IN, Notice(text))


def _reset(x: Exchange) -> Response:
    x.console.reset_root_password(x.query.get("token", ""), twice(x))
    return x.go(ROOT_SIGN_IN, Notice("The password was changed. Sign in with it."))


PAGES: Pages = {
    "/": Page(_show_sign_in),
    SIGN_IN: Page(_show_sign_in, _sign_in),
    ROOT_SIGN_IN: Page(_show_root_sign_in, _sign_in_root),
    "/sign-in/forgot": Page(lambda x: x.page("forgot"), _forgot),
    "/sign-in/reset": Page(lambda x: x.page("reset"), _reset),
    "/sign-out": Page(None, _sign_out),
    MFA: Page(_show_mfa),
    "/mfa/choose": Page(None, _choose, MFA),
    "/mfa/code": Page(None, _code, MFA),
    "/mfa/assertion": Page(None, _assertion, MFA),
    "/mfa/resend": Page(None, _resend, MFA),
    "/mfa/troubleshoot": Page(_show_troubleshooting, _resync),
    "/mfa/troubleshoot/choose": Page(None, _choose_to_resync, "/mfa/troubleshoot"),
    "/mfa/mail-code": Page(_show_mail_code, _mail_code),
    "/mfa/password": Page(_show_new_password, _new_password),
}
"""Pages that need no sign-in."""
