"""What may be asked for between the password and the session besides MFA."""

from typing import Any

import pytest

from mfalab.verifier import Credentials, Demand, DeviceKind, SecondPage, ServiceError, SignedIn
from mfalab.verifier.records import PasswordPolicy

ACCOUNT = "123456789012"
GONE = (
    "SignInExpired",
    "This sign-in page is no longer valid. Enter your password again.",
    403,
)
NEW = "Correct horse 1"


def due(company: Any, user: str = "alice") -> None:
    company.iam("ada").update_login_profile(UserName=user, PasswordResetRequired=True)


def asked(page: Any, demand: Demand) -> SecondPage:
    assert isinstance(page, SecondPage)
    assert page.demand is demand
    return page


class TestNewPassword:
    def test_after_the_password_alone(self, company: Any) -> None:
        due(company)
        page = asked(company.console.sign_in(ACCOUNT, "alice", "alice pw"), Demand.NEW_PASSWORD)
        signed_in = company.console.set_password(page.id, old_password="alice pw", new_password=NEW)
        assert not signed_in.mfa
        assert isinstance(company.console.sign_in(ACCOUNT, "alice", NEW), SignedIn)

    def test_after_mfa_which_the_session_has(self, company: Any, clock: Any) -> None:
        token = company.enrol()
        due(company)
        first = company.console.choose(company.page().id, DeviceKind.VIRTUAL)
        page = asked(company.console.submit_code(first.id, token.code()), Demand.NEW_PASSWORD)
        clock.advance(40)
        signed_in = company.console.set_password(page.id, old_password="alice pw", new_password=NEW)
        assert (signed_in.mfa, signed_in.mfa_serial) == (True, token.serial)
        assert company.verifier.mfa_context(signed_in.credentials).age_s == 40

    def test_no_session_before_it_is_changed(self, company: Any) -> None:
        due(company)
        company.console.sign_in(ACCOUNT, "alice", "alice pw")
        assert company.everything()["Session"] == []
        assert company.trail("ConsoleLogin") == []

    def test_page_that_asks_for_mfa_takes_no_password(self, company: Any, refused: Any) -> None:
        company.enrol()
        due(company)
        with refused(*GONE):
            company.console.set_password(
                company.page().id, old_password="alice pw", new_password=NEW
            )

    def test_page_signs_in_once(self, company: Any, refused: Any) -> None:
        token = company.enrol()
        due(company)
        page = company.console.choose(company.page().id, DeviceKind.VIRTUAL)
        company.console.submit_code(page.id, token.code())
        with refused(*GONE):
            company.console.submit_code(page.id, token.code(1))
        company.console.set_password(page.id, old_password="alice pw", new_password=NEW)
        with refused(*GONE):
            company.console.set_password(page.id, old_password=NEW, new_password=NEW + "2")

    def test_wrong_or_weak_password_leaves_the_page_open(self, company: Any, refused: Any) -> None:
        due(company)
        page = company.console.sign_in(ACCOUNT, "alice", "alice pw")
        with refused("AccessDenied", "The old password was incorrect.", 403):
            company.console.set_password(page.id, old_password="guess", new_password=NEW)
        with pytest.raises(ServiceError, match="PasswordPolicyViolation"):
            company.console.set_password(page.id, old_password="alice pw", new_password="x")
        company.console.set_password(page.id, old_password="alice pw", new_password=NEW)


class TestExpiry:
    def policy(self, company: Any, *, hard: bool) -> None:
        with company.store.transaction() as tx:
            tx.insert(PasswordPolicy(ACCOUNT, 6, False, False, False, False, True, 90, None, hard))

    def test_old_password_has_to_be_changed(self, company: Any, clock: Any) -> None:
        self.policy(company, hard=False)
        clock.advance(90 * 86_400 - 1)
        company.signed_in()
        clock.advance(1)
        page = asked(company.console.sign_in(ACCOUNT, "alice", "alice pw"), Demand.NEW_PASSWORD)
        company.console.set_password(page.id, old_password="alice pw", new_password=NEW)
        assert isinstance(company.console.sign_in(ACCOUNT, "alice", NEW), SignedIn)

    def test_hard_expiry_leaves_it_to_an_administrator(
        self, company: Any, clock: Any, refused: Any
    ) -> None:
        self.policy(company, hard=True)
        clock.advance(90 * 86_400)
        with refused(
            "PasswordExpired", "Your password has expired. Contact your administrator.", 403
        ):
            company.console.sign_in(ACCOUNT, "alice", "alice pw")
        assert len(company.trail("ConsoleLogin")) == 1
        company.iam("ada").update_login_profile(UserName="alice", Password="alice pw 2")
        assert isinstance(company.console.sign_in(ACCOUNT, "alice", "alice pw 2"), SignedIn)

    def test_root_signs_in_with_a_password_of_any_age(self, company: Any, clock: Any) -> None:
        self.policy(company, hard=True)
        clock.advance(10 * 365 * 86_400)
        company.signed_in_root()


class TestMailCode:
    @pytest.fixture(autouse=True)
    def profile(self, company: Any) -> None:
        company.set(root_mail_code=True)

    def page(self, company: Any) -> SecondPage:
        page = company.console.sign_in_root("root@example.com", "root pw", unusual=True)
        return asked(page, Demand.MAIL_CODE)

    def test_code_goes_to_the_accounts_address(self, company: Any) -> None:
        page = self.page(company)
        ((address, subject, text, code),) = company.outbox.mails
        assert (address, subject) == ("root@example.com", "Verification code")
        assert text == f"Your verification code is {code}."
        signed_in = company.console.submit_mail_code(page.id, code)
        assert isinstance(signed_in, SignedIn)
        assert not signed_in.mfa

    def test_usual_place_and_other_profiles_ask_for_none(self, company: Any) -> None:
        company.signed_in_root()
        company.set(root_mail_code=False)
        page = company.console.sign_in_root("root@example.com", "root pw", unusual=True)
        assert isinstance(page, SignedIn)
        assert company.outbox.mails == []

    def test_root_with_mfa_is_asked_for_that(self, company: Any) -> None:
        company.enrol_root()
        page = company.console.sign_in_root("root@example.com", "root pw", unusual=True)
        asked(page, Demand.MFA)
        assert company.outbox.mails == []

    def test_three_tries_and_a_page_for_one_sign_in(self, company: Any, refused: Any) -> None:
        page = self.page(company)
        code = company.outbox.mails[-1][3]
        wrong = f"{(int(code) + 1) % 10**6:06}"
        for _ in range(3):
            with refused(
                "InvalidVerificationCode",
                "The code that you entered is not valid. Check the e-mail.",
                403,
            ):
                company.console.submit_mail_code(page.id, wrong)
        with refused(*GONE):
            company.console.submit_mail_code(page.id, code)
        page = self.page(company)
        code = company.outbox.mails[-1][3]
        company.console.submit_mail_code(page.id, code)
        with refused(*GONE):
            company.console.submit_mail_code(page.id, code)

    def test_code_lives_as_long_as_its_page(self, company: Any, clock: Any, refused: Any) -> None:
        page = self.page(company)
        code = company.outbox.mails[-1][3]
        clock.advance(901)
        with refused(*GONE):
            company.console.submit_mail_code(page.id, code)

    @pytest.mark.parametrize("typed", ["", "١٢٣٤٥٦", "x" * 10_000, "\ud800", None, 123456])
    def test_whatever_is_typed(self, company: Any, typed: Any) -> None:
        page = self.page(company)
        with pytest.raises(ServiceError, match=r"InvalidVerificationCode|ValidationError"):
            company.console.submit_mail_code(page.id, typed)


def test_password_is_changed_on_ones_page(company: Any) -> None:
    root = company.signed_in_root().credentials
    company.console.change_password(root, old_password="root pw", new_password=NEW)
    assert isinstance(company.console.sign_in_root("root@example.com", NEW), SignedIn)
    with pytest.raises(ServiceError, match="FailedAuthentication"):
        company.console.sign_in_root("root@example.com", "root pw")
    alice = company.signed_in().credentials
    with pytest.raises(ServiceError, match="The old password was incorrect"):
        company.console.change_password(alice, old_password="guess", new_password=NEW)
    company.console.change_password(alice, old_password="alice pw", new_password=NEW)
    assert isinstance(company.console.sign_in(ACCOUNT, "alice", NEW), SignedIn)
    keys: Credentials = company.keys["alice"]
    with pytest.raises(ServiceError, match="InvalidClientTokenId"):
        company.console.change_password(keys, old_password=NEW, new_password="x")


@pytest.mark.parametrize("typed", [None, 1, b"x", [], "", "x" * 129])
def test_what_can_be_no_password(company: Any, typed: Any) -> None:
    due(company)
    page = company.console.sign_in(ACCOUNT, "alice", "alice pw")
    for given in (
        {"old_password": typed, "new_password": NEW},
        {"old_password": "alice pw", "new_password": typed},
    ):
        with pytest.raises(ServiceError, match=r"ValidationError: \d validation error"):
            company.console.set_password(page.id, **given)
        with pytest.raises(ServiceError, match=r"ValidationError: \d validation error"):
            company.console.change_password(company.signed_in("ada").credentials, **given)


class TestForgottenPassword:
    MAIL = "root@example.com"

    def link(self, company: Any) -> str:
        company.console.forgot_root_password(self.MAIL)
        address, subject, _, token = company.outbox.mails[-1]
        assert (address, subject) == (self.MAIL, "Password assistance")
        return str(token)

    def test_link_takes_a_new_password_once(self, company: Any, refused: Any) -> None:
        token = self.link(company)
        with pytest.raises(ServiceError, match="PasswordPolicyViolation"):
            company.console.reset_root_password(token, "easy")
        company.console.reset_root_password(token, NEW)
        with refused(*GONE):
            company.console.reset_root_password(token, NEW + "2")
        assert isinstance(company.console.sign_in_root(self.MAIL, NEW), SignedIn)
        with pytest.raises(ServiceError, match="FailedAuthentication"):
            company.console.sign_in_root(self.MAIL, "root pw")

    def test_device_is_asked_for_as_before(self, company: Any) -> None:
        company.enrol_root()
        company.console.reset_root_password(self.link(company), NEW)
        asked(company.console.sign_in_root(self.MAIL, NEW), Demand.MFA)

    def test_link_is_no_sign_in_page(self, company: Any, refused: Any) -> None:
        token = self.link(company)
        for attempt in (
            lambda: company.console.submit_mail_code(token, ""),
            lambda: company.console.submit_code(token, "123456"),
            lambda: company.console.set_password(token, old_password="x", new_password=NEW),
        ):
            with refused(*GONE):
                attempt()
        page = company.console.sign_in_root(self.MAIL, "root pw")
        assert isinstance(page, SignedIn)

    def test_link_ages(self, company: Any, clock: Any, refused: Any) -> None:
        token = self.link(company)
        clock.advance(901)
        with refused(*GONE):
            company.console.reset_root_password(token, NEW)

    @pytest.mark.parametrize("email", ["alice", "other@example.com", ""])
    def test_others_are_mailed_nothing_and_told_nothing(self, company: Any, email: str) -> None:
        company.console.forgot_root_password(email)
        assert company.outbox.mails == []


def change_by_admin(company: Any) -> None:
    company.iam("ada").update_login_profile(UserName="alice", Password=NEW)


def delete_by_admin(company: Any) -> None:
    company.iam("ada").delete_login_profile(UserName="alice")


def change_in_session(company: Any) -> None:
    company.iam("alice").change_password(OldPassword="alice pw", NewPassword=NEW)


@pytest.mark.parametrize("end", [change_by_admin, delete_by_admin, change_in_session])
@pytest.mark.parametrize("demand", [Demand.MFA, Demand.NEW_PASSWORD])
def test_page_ends_with_the_password_that_opened_it(
    company: Any, refused: Any, end: Any, demand: Demand
) -> None:
    """The clock stands: no comparison of times could tell."""
    if demand is Demand.NEW_PASSWORD:
        due(company)
        page = company.console.sign_in(ACCOUNT, "alice", "alice pw")
        end(company)
        with refused(*GONE):
            company.console.set_password(page.id, old_password=NEW, new_password=NEW + "2")
        return
    token = company.enrol()
    page = company.console.choose(company.page().id, DeviceKind.VIRTUAL)
    end(company)
    with refused(*GONE):
        company.console.submit_code(page.id, token.code())


def test_older_links_end_with_the_one_that_was_used(company: Any, refused: Any) -> None:
    tokens = []
    for _ in range(3):
        company.console.forgot_root_password("root@example.com")
        tokens.append(company.outbox.mails[-1][3])
    company.console.reset_root_password(tokens[1], NEW)
    for token in tokens:
        with refused(*GONE):
            company.console.reset_root_password(token, NEW + "2")


def test_device_that_came_since_the_page_was_opened_is_asked_for(
    company: Any, refused: Any
) -> None:
    due(company)
    page = asked(company.console.sign_in(ACCOUNT, "alice", "alice pw"), Demand.NEW_PASSWORD)
    company.set(root_mail_code=True)
    mailed = company.console.sign_in_root("root@example.com", "root pw", unusual=True)
    code = company.outbox.mails[-1][3]
    company.enrol()
    company.enrol_root()
    with refused(*GONE):
        company.console.set_password(page.id, old_password="alice pw", new_password=NEW)
    with refused(*GONE):
        company.console.submit_mail_code(mailed.id, code)


def test_forgotten_password_of_an_unknown_address_costs_the_same_work(
    company: Any, calls_of: Any
) -> None:
    """Else the time of the answer, a commit more or less, would tell who is a root user."""
    records, calls = [], []
    for email in ("root@example.com", "nobody@example.com"):
        company.console.forgot_root_password(email)
        before = len(company.everything()["SignIn"])
        calls.append(calls_of(lambda email=email: company.console.forgot_root_password(email)))
        records.append(len(company.everything()["SignIn"]) - before)
    assert records == [1, 1]
    assert abs(calls[0] - calls[1]) < 30, calls
    assert len(company.outbox.mails) == 2
    for page in company.everything()["SignIn"]:
        if not page.identity_id:
            with pytest.raises(ServiceError, match="no longer valid"):
                company.console.reset_root_password(page.id, NEW)
