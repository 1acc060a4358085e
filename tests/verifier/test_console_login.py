"""How a sign-in to the console ends: session, lock, trail."""

from datetime import datetime
from typing import Any

import pyotp
import pytest

from mfalab.verifier import AWS_OBSERVED, Demand, DeviceKind, ServiceError


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


ACCOUNT = "123456789012"


def test_session_lasts_twelve_hours(company: Any, clock: Any, refused: Any) -> None:
    session = company.signed_in().credentials
    clock.advance(12 * 3600)
    with refused("ExpiredToken", "The security token included in the request is expired", 403):
        company.console.devices(session)


@pytest.mark.parametrize(
    ("pauses", "told"),
    [
        ((299.999,), "2026-03-02T09:00:00Z"),
        ((300,), "2026-03-02T09:05:00Z"),
        ((200, 99), "2026-03-02T09:00:00Z"),
        ((200, 100), "2026-03-02T09:05:00Z"),
        ((-3600,), "2026-03-02T08:00:00Z"),
    ],
)
def test_password_is_told_as_used_once_in_five_minutes(
    company: Any, clock: Any, pauses: tuple[float, ...], told: str
) -> None:
    """The first use counts, not the last; a clock set back does not stop the count."""
    company.verifier.profile = AWS_OBSERVED
    company.signed_in()
    for pause in pauses:
        clock.advance(pause)
        company.signed_in()
    user = company.iam("ada").get_user(UserName="alice")["User"]
    assert iso(user["PasswordLastUsed"]) == told


class TestRootMfa:
    """Root users need a device from a moment on, after a grace that begins with a sign-in."""

    NEEDED = ("AccessDenied", "Register an MFA device, then sign in with it.", 403)
    GRACE_S = 35 * 24 * 3600

    @pytest.fixture
    def enforced(self, company: Any, clock: Any) -> Any:
        company.set(root_mfa_required_from_ns=clock.ns)
        return company

    def test_nothing_is_required_before_the_moment(self, company: Any, clock: Any) -> None:
        company.set(root_mfa_required_from_ns=clock.ns + 1)
        assert company.signed_in_root().mfa_due_ns is None
        clock.advance(400 * 24 * 3600)
        assert company.signed_in_root().mfa_due_ns == clock.ns + self.GRACE_S * 10**9

    def test_grace_begins_with_the_first_sign_in_and_ends_to_the_nanosecond(
        self, enforced: Any, clock: Any
    ) -> None:
        due_ns = clock.ns + self.GRACE_S * 10**9
        for ns in (clock.ns, clock.ns + 10**9, due_ns - 1):
            clock.ns = ns
            assert enforced.signed_in_root().mfa_due_ns == due_ns
        clock.ns = due_ns
        page = enforced.root_page()
        assert (page.demand, page.kinds, page.chosen) == (Demand.ENROLMENT, (), None)
        assert page.enrolment is not None

    def test_root_with_a_device_and_users_are_not_asked(self, enforced: Any, clock: Any) -> None:
        enforced.set(root_mfa_grace_s=0)
        assert enforced.signed_in("ada").mfa_due_ns is None
        enforced.set(root_mfa_required_from_ns=None)
        enforced.enrol_root()
        enforced.set(root_mfa_required_from_ns=clock.ns)
        assert enforced.root_page().enrolment is None

    def test_page_lets_root_register_a_device_and_nothing_else(
        self, enforced: Any, clock: Any, refused: Any
    ) -> None:
        enforced.set(root_mfa_grace_s=0)
        page, console = enforced.root_page(), enforced.console
        with refused(*self.NEEDED):
            console.users(page.enrolment)
        with refused(*self.NEEDED):
            console.delete_user(page.enrolment, user_name="alice")
        for door in (enforced.iam(page.enrolment).list_users, enforced.sts(page.enrolment)):
            with pytest.raises(ServiceError, match="InvalidClientTokenId"):
                (door if callable(door) else door.get_caller_identity)()
        made = console.create_virtual_device(page.enrolment)["VirtualMFADevice"]
        codes = pyotp.TOTP(made["Base32StringSeed"].decode())
        one, two, three = (codes.at(clock.ns // 10**9 + 30 * step) for step in (-1, 0, 1))
        console.enable_device(page.enrolment, serial=made["SerialNumber"], code1=one, code2=two)
        page = enforced.root_page()
        assert (page.demand, page.kinds) == (Demand.MFA, (DeviceKind.VIRTUAL,))
        assert console.submit_code(page.id, three).mfa

    def test_page_is_no_way_around_the_device(self, enforced: Any, refused: Any) -> None:
        enforced.set(root_mfa_grace_s=0)
        page, console = enforced.root_page(), enforced.console
        gone = (
            "SignInExpired",
            "This sign-in page is no longer valid. Enter your password again.",
            403,
        )
        for act in (
            lambda: console.submit_code(page.id, "123456"),
            lambda: console.choose(page.id, DeviceKind.VIRTUAL),
            lambda: console.recovery.start(page.id),
            lambda: console.submit_mail_code(page.id, "123456"),
            lambda: console.set_password(page.id, old_password="root pw", new_password="other"),
        ):
            with refused(*gone):
                act()

    def test_code_in_a_mail_is_no_way_around_the_device(self, enforced: Any) -> None:
        enforced.set(root_mfa_grace_s=0, root_mail_code=True)
        console = enforced.console
        page = console.sign_in_root("root@example.com", "root pw", unusual=True)
        assert page.demand is Demand.MAIL_CODE
        page = console.submit_mail_code(page.id, enforced.outbox.mails[-1][3])
        assert page.demand is Demand.ENROLMENT
        console.create_virtual_device(page.enrolment)

    def test_page_closes_in_time(self, enforced: Any, clock: Any) -> None:
        enforced.set(root_mfa_grace_s=0)
        page = enforced.root_page()
        clock.advance(enforced.verifier.profile.sign_in_page_lifetime_s)
        with pytest.raises(ServiceError, match="ExpiredToken"):
            enforced.console.create_virtual_device(page.enrolment)


def test_lock_after_so_many_failures_ends_by_itself(company: Any, clock: Any, refused: Any) -> None:
    company.set(console_locked_after=2)
    token = company.enrol()
    locked = (
        "SignInLocked",
        "Too many authentication codes were not valid. Try again later.",
        403,
    )
    company.fail_code(company.page(), token.wrong_code())
    page = company.page()
    company.fail_code(page, token.wrong_code())
    with refused(*locked):
        company.console.submit_code(page.id, token.code())
    with refused(*locked):
        company.page()
    with refused("FailedAuthentication", "Failed authentication", 403):
        company.console.sign_in(ACCOUNT, "alice", "wrong")
    clock.advance(900)
    company.console.submit_code(company.page().id, token.code())


def test_success_forgets_the_failures_of_a_lock(company: Any) -> None:
    company.set(console_locked_after=2)
    token = company.enrol()
    for step in (-1, 0, 1):
        page = company.page()
        company.fail_code(page, token.wrong_code())
        company.console.submit_code(page.id, token.code(step))


class TestTrail:
    def test_sign_in_with_mfa(self, company: Any) -> None:
        token = company.enrol()
        company.console.submit_code(company.page().id, token.code())
        (check,) = company.trail("CheckMfa")
        assert check.fields["additionalEventData"] == {"MfaType": "Virtual MFA"}
        (login,) = company.trail("ConsoleLogin")
        assert login.fields["eventType"] == "AwsConsoleSignIn"
        assert login.fields["responseElements"] == {"ConsoleLogin": "Success"}
        assert login.fields["additionalEventData"] == {
            "MFAUsed": "Yes",
            "MFAIdentifier": token.serial,
        }

    def test_sign_in_without(self, company: Any) -> None:
        company.signed_in()
        (login,) = company.trail("ConsoleLogin")
        assert login.fields["additionalEventData"] == {"MFAUsed": "No"}
        assert company.trail("CheckMfa") == []

    def test_several_devices(self, company: Any) -> None:
        company.enrol()
        company.insert_key()
        company.page()
        (check,) = company.trail("CheckMfa")
        assert check.fields["additionalEventData"] == {"MfaType": "Multiple MFA Devices"}

    def test_failures(self, company: Any) -> None:
        with pytest.raises(ServiceError):
            company.console.sign_in(ACCOUNT, "nobody", "wrong")
        token = company.enrol()
        company.fail_code(company.page(), token.wrong_code())
        first, second = company.trail("ConsoleLogin")
        assert first.fields["userIdentity"]["userName"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
        assert second.fields["userIdentity"]["userName"] == "alice"
        for event, used in ((first, "No"), (second, "Yes")):
            assert event.fields["responseElements"] == {"ConsoleLogin": "Failure"}
            assert event.fields["errorMessage"] == "Failed authentication"
            assert event.fields["additionalEventData"] == {"MFAUsed": used}
