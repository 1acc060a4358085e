"""Root recovery by alternative factors: the way through, and every way out of it."""

from itertools import product
from typing import Any

import pytest

from mfalab.verifier import MfaContext, ServiceError
from mfalab.verifier.records import RecoveryState
from mfalab.verifier.recovery import TRANSITIONS, RecoveryEvent

ACCOUNT = "123456789012"
OUT_OF_ORDER = (
    "AccessDenied",
    "This step of the verification is not possible now. Start again.",
    403,
)
BAD_LINK = (
    "AccessDenied",
    "This link is not valid any more. Send the verification e-mail again.",
    403,
)
BAD_DIGITS = (
    "InvalidAuthenticationCode",
    "The digits that were entered are not valid.",
    403,
)


@pytest.fixture
def recovery(company: Any) -> Any:
    company.enrol_root()
    return company.console.recovery


def mailed(company: Any) -> str:
    """A recovery whose mail was sent."""
    started: str = company.console.recovery.start(company.root_page().id)
    company.console.recovery.send_mail(started)
    return started


def link(company: Any) -> str:
    return str(company.outbox.mails[-1][3])


def called(company: Any) -> tuple[str, str]:
    """A recovery whose call was placed, and the digits on its page."""
    started = mailed(company)
    company.console.recovery.follow_link(link(company))
    return started, company.console.recovery.call(started)


def other_than(digits: str) -> str:
    return f"{(int(digits) + 1) % 10**6:06}"


def test_mail_then_call_then_signed_in(company: Any, recovery: Any) -> None:
    started = recovery.start(company.root_page().id)
    recovery.send_mail(started)
    ((address, _, text, token),) = company.outbox.mails
    assert address == "root@example.com"
    assert token not in text
    assert recovery.follow_link(token) == started
    digits = recovery.call(started)
    assert company.outbox.calls == [("+15550100", started)]
    assert len(digits) == 6
    recovery.enter_digits(started, digits)
    session = recovery.finish(started)
    assert (session.identity_id, session.mfa) == (ACCOUNT, False)
    assert company.verifier.mfa_context(session.credentials) == MfaContext(False, None)
    event = company.trail("ConsoleLogin")[-1]
    assert event.fields["additionalEventData"] == {"MFAUsed": "No"}


def test_recovered_root_replaces_the_device(company: Any, recovery: Any) -> None:
    started, digits = called(company)
    recovery.enter_digits(started, digits)
    session = recovery.finish(started).credentials
    (lost,) = company.console.devices(session)
    company.console.deactivate_device(session, serial=lost["SerialNumber"])
    fob = company.ship()
    one, two = fob.pair()
    company.console.enable_device(session, serial=fob.serial, code1=one, code2=two)
    signed_in = company.console.submit_code(company.root_page().id, fob.code())
    assert signed_in.mfa_serial == fob.serial


def test_session_counts_as_mfa_where_the_profile_says_so(company: Any, recovery: Any) -> None:
    company.set(recovery_counts_as_mfa=True)
    started, digits = called(company)
    recovery.enter_digits(started, digits)
    session = recovery.finish(started)
    assert company.verifier.mfa_context(session.credentials) == MfaContext(True, 0)


def test_users_ask_their_administrator(company: Any, recovery: Any, refused: Any) -> None:
    company.enrol()
    with refused(
        "AccessDenied",
        (
            "Alternative factors are for the root user. Ask your administrator to deactivate the "
            "MFA device."
        ),
        403,
    ):
        recovery.start(company.page().id)


def test_alternative_factors_disabled(company: Any, refused: Any) -> None:
    company.verifier.create_account(
        "210987654321", root_email="b@b", root_password="b", alternative_factors=False
    )
    root = company.console.sign_in_root("b@b", "b").credentials
    fob = company.ship()
    one, two = fob.pair()
    company.console.enable_device(root, serial=fob.serial, code1=one, code2=two)
    with refused(
        "AccessDenied",
        "Sign-in with alternative factors is disabled for this account. Contact AWS Support.",
        403,
    ):
        company.console.recovery.start(company.console.sign_in_root("b@b", "b").id)


def test_page_must_be_alive(company: Any, recovery: Any, clock: Any) -> None:
    page = company.root_page()
    clock.advance(901)
    with pytest.raises(ServiceError, match="no longer valid"):
        recovery.start(page.id)


class TestMail:
    def test_link_works_once(self, company: Any, recovery: Any, refused: Any) -> None:
        mailed(company)
        recovery.follow_link(link(company))
        with refused(*BAD_LINK):
            recovery.follow_link(link(company))

    @pytest.mark.parametrize("token", ["", "0123456789abcdef"])
    def test_made_up_link(self, company: Any, recovery: Any, refused: Any, token: str) -> None:
        recovery.start(company.root_page().id)
        with refused(*BAD_LINK):
            recovery.follow_link(token)

    def test_link_lives_an_hour_and_mail_may_be_sent_again(
        self, company: Any, recovery: Any, clock: Any, refused: Any
    ) -> None:
        started = mailed(company)
        clock.advance(3600.001)
        with refused(*BAD_LINK):
            recovery.follow_link(link(company))
        recovery.send_mail(started)
        clock.advance(3600)
        recovery.follow_link(link(company))

    def test_newer_mail_replaces_the_older_link(
        self, company: Any, recovery: Any, refused: Any
    ) -> None:
        started = mailed(company)
        older = link(company)
        recovery.send_mail(started)
        with refused(*BAD_LINK):
            recovery.follow_link(older)
        assert recovery.follow_link(link(company)) == started


class TestCall:
    def test_no_call_before_the_link(self, company: Any, recovery: Any, refused: Any) -> None:
        with refused(*OUT_OF_ORDER):
            recovery.call(mailed(company))
        assert company.outbox.calls == []

    def test_no_number_on_file(self, company: Any, recovery: Any, refused: Any) -> None:
        ada = company.signed_in("ada").credentials
        company.console.update_root_phone(ada, None)
        started = mailed(company)
        recovery.follow_link(link(company))
        with refused(
            "AccessDenied",
            "This account has no telephone number on file. Contact AWS Support.",
            403,
        ):
            recovery.call(started)
        company.console.update_root_phone(ada, "+15550177")
        recovery.call(started)
        assert company.outbox.calls[-1][0] == "+15550177"

    def test_only_administrators_change_the_number(self, company: Any) -> None:
        alice = company.signed_in().credentials
        with pytest.raises(ServiceError, match="account:PutContactInformation"):
            company.console.update_root_phone(alice, "+15550177")

    def test_third_wrong_entry_ends_it(self, company: Any, recovery: Any, refused: Any) -> None:
        started, digits = called(company)
        for _ in range(3):
            with refused(*BAD_DIGITS):
                recovery.enter_digits(started, other_than(digits))
        with refused(*OUT_OF_ORDER):
            recovery.enter_digits(started, digits)
        with refused(*OUT_OF_ORDER):
            recovery.call(started)
        again, digits = called(company)
        recovery.enter_digits(again, digits)
        recovery.finish(again)

    def test_new_call_does_not_buy_new_tries(
        self, company: Any, recovery: Any, refused: Any
    ) -> None:
        started, digits = called(company)
        for _ in range(2):
            with refused(*BAD_DIGITS):
                recovery.enter_digits(started, other_than(digits))
        digits = recovery.call(started)
        with refused(*BAD_DIGITS):
            recovery.enter_digits(started, other_than(digits))
        with refused(*OUT_OF_ORDER):
            recovery.enter_digits(started, digits)

    def test_digits_live_ten_minutes_and_a_new_call_has_new_ones(
        self, company: Any, recovery: Any, clock: Any, refused: Any
    ) -> None:
        started, old = called(company)
        clock.advance(600.001)
        with refused("AccessDenied", "The call has expired. Ask for a new call.", 403):
            recovery.enter_digits(started, old)
        new = recovery.call(started)
        with refused(*BAD_DIGITS):
            recovery.enter_digits(started, old)
        recovery.enter_digits(started, new)


@pytest.mark.parametrize("reached", ["started", "mailed", "link", "called"])
def test_no_entry_before_mail_and_call(
    company: Any, recovery: Any, refused: Any, reached: str
) -> None:
    if reached == "started":
        started = recovery.start(company.root_page().id)
    elif reached == "mailed":
        started = mailed(company)
    elif reached == "link":
        started = mailed(company)
        recovery.follow_link(link(company))
    else:
        started, _ = called(company)
    with refused(*OUT_OF_ORDER):
        recovery.finish(started)


def test_one_recovery_is_one_entry(company: Any, recovery: Any, refused: Any) -> None:
    started, digits = called(company)
    recovery.enter_digits(started, digits)
    recovery.finish(started)
    with refused(*OUT_OF_ORDER):
        recovery.finish(started)
    with refused(*OUT_OF_ORDER):
        recovery.finish("RCVRNOBODY")


def test_table_leads_to_entry_only_through_mail_and_call() -> None:
    """Without any one of the steps, no sequence of events reaches the end."""
    steps = (
        RecoveryEvent.MAIL_REQUESTED,
        RecoveryEvent.LINK_FOLLOWED,
        RecoveryEvent.CALL_REQUESTED,
        RecoveryEvent.DIGITS_RIGHT,
    )
    for missing in steps:
        reached = {RecoveryState.STARTED}
        for _ in RecoveryState:
            reached |= {
                TRANSITIONS[state, event]
                for state, event in product(reached, RecoveryEvent)
                if event is not missing and (state, event) in TRANSITIONS
            }
        assert RecoveryState.DONE not in reached


def test_nothing_leaves_the_end() -> None:
    ends = {RecoveryState.DONE, RecoveryState.FAILED}
    assert not [state for state, _ in TRANSITIONS if state in ends]
