"""SMS in the three ages of its life."""

from typing import Any

import pytest

from mfalab.verifier import DeviceKind, Outcome, ServiceError, SmsMode

ACCOUNT = "123456789012"
SERIAL = f"arn:aws:iam::{ACCOUNT}:sms-mfa/alice"
BAD_CODE = ("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)
NOT_OFFERED = (
    "InvalidInput",
    "SMS text message MFA is no longer available. Choose another type of MFA device.",
    400,
)


@pytest.fixture
def sms(company: Any) -> Any:
    """The company in the years when SMS was in preview."""
    company.set(sms=SmsMode.PREVIEW)
    return company


def register(company: Any, phone: str = "+15550123") -> str:
    session = company.signed_in("ada").credentials
    return str(company.console.register_sms(session, phone=phone, user_name="alice"))


def confirm(company: Any, code: str) -> None:
    session = company.signed_in("ada").credentials
    company.console.confirm_sms(session, serial=SERIAL, code=code)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


class TestEnrolment:
    def test_code_is_sent_at_once_and_confirms(self, sms: Any) -> None:
        alice = sms.signed_in().credentials
        assert sms.console.register_sms(alice, phone="+1 555-0123") == SERIAL
        ((number, text),) = sms.outbox.messages
        assert number == "+1 555-0123"
        assert text.rpartition(" ")[2].isdigit()
        assert sms.serials() == []
        sms.console.confirm_sms(alice, serial=SERIAL, code=sms.outbox.last_code())
        assert sms.serials() == [SERIAL]

    @pytest.mark.parametrize("mode", [SmsMode.DEPRECATED, SmsMode.ENDED])
    def test_not_offered_any_more(self, company: Any, refused: Any, mode: SmsMode) -> None:
        company.set(sms=mode)
        with refused(*NOT_OFFERED):
            register(company)

    def test_end_comes_between_code_and_confirmation(self, sms: Any, refused: Any) -> None:
        register(sms)
        sms.set(sms=SmsMode.DEPRECATED)
        with refused(*NOT_OFFERED):
            confirm(sms, sms.outbox.last_code())

    @pytest.mark.parametrize("mode", SmsMode)
    def test_never_for_root(self, company: Any, refused: Any, mode: SmsMode) -> None:
        company.set(sms=mode)
        session = company.signed_in_root().credentials
        with refused(
            "InvalidInput", "SMS text message MFA is not available to the root user.", 400
        ):
            company.console.register_sms(session, phone="+15550123")

    @pytest.mark.parametrize("phone", ["", "mobile", "+1", "12 34 56 78x"])
    def test_number_that_is_none(self, sms: Any, refused: Any, phone: str) -> None:
        with refused("InvalidInput", "The phone number is not valid.", 400):
            register(sms, phone)

    def test_number_is_changed_by_deleting_and_creating(self, sms: Any, refused: Any) -> None:
        sms.enrol_sms()
        with refused("EntityAlreadyExists", "MFA Device for user alice already exists.", 409):
            register(sms, "+15550199")
        sms.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=SERIAL)
        with refused("EntityAlreadyExists", "MFA device already exists.", 409):
            register(sms, "+15550199")
        sms.iam("ada").delete_virtual_mfa_device(SerialNumber=SERIAL)
        assert register(sms, "+15550199") == SERIAL
        assert sms.outbox.messages[-1][0] == "+15550199"
        confirm(sms, sms.outbox.last_code())

    def test_number_that_was_never_confirmed_may_be_corrected(self, sms: Any) -> None:
        register(sms, "+15550122")
        wrong_phones = sms.outbox.last_code()
        register(sms, "+15550123")
        with pytest.raises(ServiceError):
            confirm(sms, wrong_phones)
        confirm(sms, sms.outbox.last_code())

    def test_counts_in_the_limit(self, sms: Any, refused: Any) -> None:
        sms.set(devices_per_identity=1)
        sms.enrol()
        with refused("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 1", 409):
            register(sms)

    def test_gate(self, sms: Any) -> None:
        session = sms.signed_in().credentials
        sms.enrol()
        with pytest.raises(ServiceError, match="please ensure that you are authenticated"):
            sms.console.register_sms(session, phone="+15550123")

    def test_not_for_others(self, sms: Any) -> None:
        session = sms.signed_in("bob").credentials
        with pytest.raises(ServiceError, match="not authorized to perform: iam:EnableMFADevice"):
            sms.console.register_sms(session, phone="+15550123", user_name="alice")
        register(sms)
        with pytest.raises(ServiceError, match="not authorized to perform: iam:EnableMFADevice"):
            sms.console.confirm_sms(session, serial=SERIAL, code=sms.outbox.last_code())


class TestSignIn:
    @pytest.fixture
    def page(self, sms: Any) -> Any:
        sms.enrol_sms()
        sms.outbox.messages.clear()
        return sms.page()

    def test_code_is_sent_as_the_page_opens(self, sms: Any, page: Any) -> None:
        assert page.chosen is DeviceKind.SMS
        assert len(sms.outbox.messages) == 1
        session = sms.console.submit_code(page.id, sms.outbox.last_code())
        assert (session.mfa, session.mfa_serial) == (True, SERIAL)

    def test_code_is_sent_when_sms_is_chosen(self, sms: Any, page: Any) -> None:
        sms.enrol()
        page = sms.page()
        assert page.chosen is None
        assert len(sms.outbox.messages) == 1
        sms.console.choose(page.id, DeviceKind.SMS)
        assert len(sms.outbox.messages) == 2

    def test_deprecated_devices_still_sign_in(self, sms: Any, page: Any) -> None:
        sms.set(sms=SmsMode.DEPRECATED)
        assert sms.console.submit_code(page.id, sms.outbox.last_code()).mfa

    def test_ended_devices_do_not(self, sms: Any, refused: Any) -> None:
        sms.enrol_sms()
        sms.set(sms=SmsMode.ENDED)
        page = sms.page()
        assert (page.kinds, page.chosen) == ((), None)
        with refused("InvalidInput", "Choose the kind of MFA device to sign in with.", 400):
            sms.console.submit_code(page.id, "123456")
        sms.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=SERIAL)
        assert not sms.signed_in().mfa

    def test_only_the_newest_code_counts(
        self, sms: Any, page: Any, clock: Any, refused: Any
    ) -> None:
        stale = sms.outbox.last_code()
        with refused("Throttling", "Rate exceeded", 400):
            sms.console.resend_code(page.id)
        clock.advance(30)
        sms.console.resend_code(page.id)
        with refused(*BAD_CODE):
            sms.console.submit_code(page.id, stale)
        sms.console.submit_code(page.id, sms.outbox.last_code())

    def test_three_tries(self, sms: Any, page: Any, refused: Any) -> None:
        code = sms.outbox.last_code()
        for _ in range(3):
            with refused(*BAD_CODE):
                sms.console.submit_code(page.id, other_than(code))
        with refused(*BAD_CODE):
            sms.console.submit_code(page.id, code)
        assert sms.decisions()[-1].outcome is Outcome.THROTTLED

    @pytest.mark.parametrize(("age", "passes"), [(300, True), (300.001, False)])
    def test_five_minutes(
        self, sms: Any, page: Any, clock: Any, refused: Any, age: float, passes: bool
    ) -> None:
        clock.advance(age)
        if passes:
            sms.console.submit_code(page.id, sms.outbox.last_code())
        else:
            with refused(*BAD_CODE):
                sms.console.submit_code(page.id, sms.outbox.last_code())
            assert sms.decisions()[-1].outcome is Outcome.EXPIRED

    def test_code_is_good_once(self, sms: Any, page: Any, refused: Any) -> None:
        first = sms.outbox.last_code()
        other = sms.page()
        with refused(*BAD_CODE):
            sms.console.submit_code(page.id, first)
        sms.console.submit_code(page.id, sms.outbox.last_code())
        with refused(*BAD_CODE):
            sms.console.submit_code(other.id, sms.outbox.last_code())
        assert sms.decisions()[-1].outcome is Outcome.REPLAYED

    def test_nothing_to_resend_for_other_kinds(self, sms: Any, refused: Any) -> None:
        sms.enrol("bob")
        with refused("InvalidInput", "There is no MFA device of kind sms to sign in with.", 400):
            sms.console.resend_code(sms.page("bob").id)


class TestListingAndRemoval:
    @pytest.mark.parametrize("mode", SmsMode)
    def test_found_by_column_and_serial_in_every_age(self, sms: Any, mode: SmsMode) -> None:
        sms.enrol_sms()
        sms.set(sms=mode)
        ada = sms.signed_in("ada").credentials
        column = {row["UserName"]: row["MFA"] for row in sms.console.users(ada)}
        assert column == {"ada": "None", "alice": "SMS", "bob": "None"}
        assert sms.serials() == [SERIAL]
        assert sms.iam("ada").list_virtual_mfa_devices()["VirtualMFADevices"] == []
        sms.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=SERIAL)
        sms.iam("ada").delete_virtual_mfa_device(SerialNumber=SERIAL)
        assert sms.serials() == []

    def test_migration_keeps_the_user_able_to_sign_in(self, sms: Any) -> None:
        sms.enrol_sms()
        sms.set(sms=SmsMode.DEPRECATED)
        token = sms.enrol()
        sms.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=SERIAL)
        sms.iam("ada").delete_virtual_mfa_device(SerialNumber=SERIAL)
        assert sms.console.submit_code(sms.page().id, token.code()).mfa

    def test_assigned_device_is_not_deleted(self, sms: Any, refused: Any) -> None:
        sms.enrol_sms()
        with refused("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.", 409):
            sms.iam("ada").delete_virtual_mfa_device(SerialNumber=SERIAL)

    def test_not_enabled_or_resynchronised_by_api(self, sms: Any, refused: Any) -> None:
        register(sms)
        codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "123456"}
        with refused(
            "NoSuchEntity", f"MFA Device with serial number {SERIAL} does not exist.", 404
        ):
            sms.iam("ada").enable_mfa_device(UserName="alice", SerialNumber=SERIAL, **codes)
        confirm(sms, sms.outbox.last_code())
        with refused("NoSuchEntity", "MFA Device invalid for user.", 404):
            sms.iam("ada").resync_mfa_device(UserName="alice", SerialNumber=SERIAL, **codes)

    def test_deleted_users_telephone_is_not_the_next_alices(self, sms: Any) -> None:
        register(sms)
        sms.delete_user()
        sms.verifier.create_user(ACCOUNT, "alice", password="alice pw")
        with pytest.raises(ServiceError, match="does not exist"):
            confirm(sms, sms.outbox.last_code())
