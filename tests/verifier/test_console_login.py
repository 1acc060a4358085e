"""How a sign-in to the console ends: session, lock, trail."""

from datetime import datetime
from typing import Any

import pytest

from mfalab.verifier import AWS_OBSERVED, ServiceError


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
