"""The console's two pages, and the pages on which devices are managed."""

from typing import Any

import pytest

from mfalab.verifier import (
    RFC6238,
    Credentials,
    DeviceKind,
    SecondPage,
    ServiceError,
    SignedIn,
)

ACCOUNT = "123456789012"
FAILED = ("FailedAuthentication", "Failed authentication", 403)
BAD_CODE = ("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)
GONE = (
    "SignInExpired",
    "This sign-in page is no longer valid. Enter your password again.",
    403,
)
THROTTLED = ("Throttling", "Rate exceeded", 400)


def fail(company: Any, page: SecondPage, code: str, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(ServiceError) as caught:
            company.console.submit_code(page.id, code)
        assert caught.value.args == BAD_CODE


class TestFirstPage:
    @pytest.mark.parametrize(
        ("user", "password"), [("alice", "wrong"), ("nobody", "alice pw"), ("", "root pw")]
    )
    def test_wrong_password_and_unknown_name_get_one_answer(
        self, company: Any, refused: Any, user: str, password: str
    ) -> None:
        with refused(*FAILED):
            company.console.sign_in(ACCOUNT, user, password)

    def test_unknown_name_costs_the_same_work(
        self, company: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One verification of a password each time: of the user's, or of nobody's."""
        company.verifier.create_user(ACCOUNT, "keys-only")
        work: list[str] = []
        hasher = company.verifier._service.passwords
        verify = hasher.verify
        monkeypatch.setattr(
            hasher, "verify", lambda known, typed: work.append(known) or verify(known, typed)
        )
        for user in ("alice", "nobody", "keys-only"):
            with pytest.raises(ServiceError):
                company.console.sign_in(ACCOUNT, user, "wrong")
        assert len(work) == 3
        assert len({known.split("$")[3] for known in work}) == 1

    def test_without_a_device_the_password_is_enough(self, company: Any) -> None:
        session = company.signed_in()
        assert (session.mfa, session.mfa_serial) == (False, None)
        assert session.identity_id == company.ids["alice"]

    def test_account_may_be_named_by_its_alias(self, company: Any) -> None:
        company.verifier.create_account(
            "210987654321", root_email="b@b", root_password="b", alias="big-co"
        )
        company.verifier.create_user("210987654321", "Carol", password="c")
        assert isinstance(company.console.sign_in("big-co", "carol", "c"), SignedIn)

    def test_wrong_root_password(self, company: Any, refused: Any) -> None:
        with refused(*FAILED):
            company.console.sign_in_root("root@example.com", "wrong")
        with refused(*FAILED):
            company.console.sign_in_root("nobody@example.com", "root pw")

    def test_injected_fault(self, company: Any) -> None:
        company.verifier.inject("ConsoleLogin", ServiceError("ServiceFailure", "Oops.", 500))
        with pytest.raises(ServiceError, match="Oops"):
            company.signed_in()
        company.signed_in()


class TestSecondPage:
    def test_one_device_is_prompted_for_at_once(self, company: Any) -> None:
        token = company.enrol()
        page = company.page()
        assert page.kinds == (DeviceKind.VIRTUAL,)
        assert page.chosen is DeviceKind.VIRTUAL
        session = company.console.submit_code(page.id, token.code())
        assert (session.mfa, session.mfa_serial) == (True, token.serial)

    def test_several_kinds_are_chosen_from_first(self, company: Any, refused: Any) -> None:
        virtual, fob = company.enrol(), company.ship()
        company.enable(fob)
        company.insert_key()
        page = company.page()
        assert page.kinds == (DeviceKind.VIRTUAL, DeviceKind.HARDWARE, DeviceKind.FIDO)
        assert page.chosen is None
        with refused("InvalidInput", "Choose the kind of MFA device to sign in with.", 400):
            company.console.submit_code(page.id, fob.code())
        page = company.console.choose(page.id, DeviceKind.VIRTUAL)
        fail(company, page, fob.code())
        page = company.console.choose(page.id, DeviceKind.HARDWARE)
        assert page.failures == 1
        assert company.console.submit_code(page.id, fob.code()).mfa_serial == fob.serial
        assert virtual.serial in company.serials()

    def test_kind_that_the_user_has_not(self, company: Any, refused: Any) -> None:
        company.enrol()
        page = company.page()
        with refused(
            "InvalidInput", "There is no MFA device of kind hardware to sign in with.", 400
        ):
            company.console.choose(page.id, DeviceKind.HARDWARE)

    def test_security_key_shows_no_code(self, company: Any, refused: Any) -> None:
        company.insert_key()
        page = company.page()
        assert page.chosen is DeviceKind.FIDO
        with refused("InvalidInput", "An MFA device of kind fido has no codes.", 400):
            company.console.submit_code(page.id, "123456")

    @pytest.mark.parametrize("which", range(8))
    def test_any_device_of_the_chosen_kind_may_supply_the_code(
        self, company: Any, which: int
    ) -> None:
        tokens = [company.enrol(name=f"phone{n}") for n in range(8)]
        session = company.console.submit_code(company.page().id, tokens[which].code())
        assert session.mfa_serial == tokens[which].serial

    def test_each_tried_device_pays(self, company: Any, refused: Any) -> None:
        one, two = company.enrol(name="one"), company.enrol(name="two")
        page = company.page()
        fail(company, page, one.wrong_code(), 9)
        with refused(*THROTTLED):
            company.console.submit_code(page.id, two.code())
        with pytest.raises(ServiceError, match="unable to validate"):
            company.mfa_session(one)

    def test_somebody_elses_code(self, company: Any) -> None:
        company.enrol()
        other = company.enrol("bob", "bobs")
        fail(company, company.page(), other.code())

    @pytest.mark.parametrize(
        "code", ["", "12345", "1234567", "abcdef", "\N{FULLWIDTH DIGIT ONE}23456"]
    )
    def test_code_that_is_none(self, company: Any, code: str) -> None:
        company.enrol()
        fail(company, company.page(), code)

    def test_page_is_worth_one_sign_in(self, company: Any, refused: Any) -> None:
        token = company.enrol()
        page = company.page()
        company.console.submit_code(page.id, token.code())
        with refused(*GONE):
            company.console.submit_code(page.id, token.code(1))

    def test_page_lives_a_while(self, company: Any, clock: Any, refused: Any) -> None:
        token = company.enrol()
        page = company.page()
        clock.advance(900)
        fail(company, page, token.wrong_code())
        clock.advance(0.001)
        with refused(*GONE):
            company.console.submit_code(page.id, token.code())
        with refused(*GONE):
            company.console.submit_code("PAGENOBODY", token.code())

    def test_device_removed_meanwhile(self, company: Any, refused: Any) -> None:
        token = company.enrol()
        page = company.page()
        company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
        with refused(*GONE):
            company.console.submit_code(page.id, token.code())
        company.signed_in()

    @pytest.mark.parametrize("shared", [True, False])
    def test_code_of_the_console_is_used_for_sts_or_not(self, company: Any, shared: bool) -> None:
        company.set(console_shares_used_codes=shared)
        token = company.enrol()
        company.console.submit_code(company.page().id, token.code())
        fail(company, company.page(), token.code())
        if shared:
            with pytest.raises(ServiceError, match="invalid MFA one time pass code"):
                company.mfa_session(token)
        else:
            company.mfa_session(token)

    def test_session_lasts_twelve_hours(self, company: Any, clock: Any, refused: Any) -> None:
        session = company.signed_in().credentials
        clock.advance(12 * 3600)
        with refused("ExpiredToken", "The security token included in the request is expired", 403):
            company.console.devices(session)

    def test_lock_after_so_many_failures_ends_by_itself(
        self, company: Any, clock: Any, refused: Any
    ) -> None:
        company.set(console_locked_after=2)
        token = company.enrol()
        locked = (
            "SignInLocked",
            "Too many authentication codes were not valid. Try again later.",
            403,
        )
        fail(company, company.page(), token.wrong_code())
        page = company.page()
        fail(company, page, token.wrong_code())
        with refused(*locked):
            company.console.submit_code(page.id, token.code())
        with refused(*locked):
            company.page()
        with refused(*FAILED):
            company.console.sign_in(ACCOUNT, "alice", "wrong")
        clock.advance(900)
        company.console.submit_code(company.page().id, token.code())

    def test_success_forgets_the_failures_of_a_lock(self, company: Any) -> None:
        company.set(console_locked_after=2)
        token = company.enrol()
        for step in (-1, 0, 1):
            page = company.page()
            fail(company, page, token.wrong_code())
            company.console.submit_code(page.id, token.code(step))


class TestResyncPage:
    def test_offered_to_users_after_three_failures(
        self, company: Any, clock: Any, refused: Any
    ) -> None:
        token = company.enrol()
        page = company.page()
        clock.advance(-3600)  # the token's clock, seen from the verifier's, is an hour behind
        late = [token.code(step) for step in range(4, 7)]
        clock.advance(3600)
        fail(company, page, late[0], 2)
        with refused(
            "AccessDenied", "Resynchronization is offered after repeated refused codes.", 403
        ):
            company.console.resync(page.id, late[0], late[1])
        fail(company, page, late[0])
        assert company.console.choose(page.id, DeviceKind.VIRTUAL).resync_offered
        with refused(*BAD_CODE):
            company.console.resync(page.id, late[0], late[1])
        ahead = [token.code(step) for step in (50, 51, 52)]
        page = company.console.resync(page.id, ahead[0], ahead[1])
        assert page.failures == 0
        company.console.submit_code(page.id, ahead[2])

    def test_root_may_at_any_time(self, company: Any) -> None:
        token = company.enrol_root()
        page = company.root_page()
        assert page.resync_offered
        page = company.console.resync(page.id, token.code(50), token.code(51))
        session = company.console.submit_code(page.id, token.code(52))
        assert session.identity_id == ACCOUNT

    def test_pair_finds_its_device_among_several(self, company: Any) -> None:
        company.set(console_resync_offered_after=0)
        company.enrol(name="one")
        two = company.enrol(name="two")
        page = company.console.resync(company.page().id, two.code(50), two.code(51))
        assert company.console.submit_code(page.id, two.code(52)).mfa_serial == two.serial

    def test_security_key_has_nothing_to_resynchronise(self, company: Any, refused: Any) -> None:
        company.set(console_resync_offered_after=0)
        company.insert_key()
        with refused("InvalidInput", "An MFA device of kind fido has no codes.", 400):
            company.console.resync(company.page().id, "123456", "654321")


class TestDevicePages:
    def test_users_name_is_the_default_name(self, company: Any) -> None:
        session = company.signed_in().credentials
        made = company.console.create_virtual_device(session)["VirtualMFADevice"]
        assert made["SerialNumber"] == f"arn:aws:iam::{ACCOUNT}:mfa/alice"

    def test_root_enrols_resyncs_and_removes(self, company: Any, clock: Any) -> None:
        token = company.enrol_root()
        assert token.serial.endswith(":mfa/root-account-mfa-device")
        session = company.console.submit_code(company.root_page().id, token.code()).credentials
        clock.advance(120)
        one, two = token.pair()
        company.console.resync_device(session, serial=token.serial, code1=one, code2=two)
        (shown,) = company.console.devices(session)
        assert (shown["Type"], shown["Name"]) == ("Virtual", "root-account-mfa-device")
        company.console.deactivate_device(session, serial=token.serial)
        assert company.console.devices(session) == []
        ((address, subject, text, link),) = company.outbox.mails
        assert (address, subject, link) == ("root@example.com", "MFA device removed", "")
        assert token.serial in text
        company.console.delete_virtual_device(session, serial=token.serial)
        company.enrol_root()

    def test_gate_of_the_console(self, company: Any) -> None:
        """A session from before the first device has no MFA: it may not take the device away."""
        session = company.signed_in().credentials
        token = company.enrol()
        with pytest.raises(ServiceError, match="please ensure that you are authenticated"):
            company.console.deactivate_device(session, serial=token.serial)
        session = company.console.submit_code(company.page().id, token.code()).credentials
        company.console.deactivate_device(session, serial=token.serial)

    def test_administrator_helps_a_user_who_lost_the_only_device(self, company: Any) -> None:
        token = company.enrol()
        ada = company.signed_in("ada").credentials
        company.console.deactivate_device(ada, serial=token.serial, user_name="alice")
        session = company.signed_in().credentials
        fob = company.ship()
        one, two = fob.pair()
        company.console.enable_device(session, serial=fob.serial, code1=one, code2=two)
        assert company.serials() == [fob.serial]

    def test_users_list_shows_kinds(self, company: Any) -> None:
        company.enrol(name="one")
        company.enrol(name="two")
        company.insert_key()
        company.enable(company.ship(), "bob")
        session = company.signed_in("ada").credentials
        assert company.console.users(session) == [
            {"UserName": "ada", "MFA": "None"},
            {"UserName": "alice", "MFA": "Virtual, Security key"},
            {"UserName": "bob", "MFA": "Hardware"},
        ]

    def test_console_removes_devices_with_the_user(self, company: Any) -> None:
        company.enrol()
        company.insert_key()
        fob = company.ship()
        company.enable(fob)
        ada = company.signed_in("ada").credentials
        company.console.delete_user(ada, user_name="alice")
        assert company.iam("ada").list_virtual_mfa_devices()["VirtualMFADevices"] == []
        company.enable(fob, "bob", second=2)

    def test_keys_and_other_sessions_do_not_open_the_console(
        self, company: Any, refused: Any
    ) -> None:
        for credentials in (company.keys["ada"], company.session("ada")):
            assert isinstance(credentials, Credentials)
            with refused(
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
                403,
            ):
                company.console.users(credentials)

    def test_codes_are_shaped_as_in_the_api(self, company: Any) -> None:
        token = company.create()
        session = company.signed_in().credentials
        with pytest.raises(ServiceError, match="1 validation error detected: Value '1'"):
            company.console.enable_device(session, serial=token.serial, code1="1", code2="123456")


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
        fail(company, company.page(), token.wrong_code())
        first, second = company.trail("ConsoleLogin")
        assert first.fields["userIdentity"]["userName"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
        assert second.fields["userIdentity"]["userName"] == "alice"
        for event, used in ((first, "No"), (second, "Yes")):
            assert event.fields["responseElements"] == {"ConsoleLogin": "Failure"}
            assert event.fields["errorMessage"] == "Failed authentication"
            assert event.fields["additionalEventData"] == {"MFAUsed": used}


def test_backoff_of_the_classic_server_holds_at_the_console(
    company: Any, clock: Any, refused: Any
) -> None:
    company.verifier.profile = RFC6238
    token = company.enrol()
    page = company.page()
    fail(company, page, token.wrong_code(), 5)
    with refused(*THROTTLED):
        company.console.submit_code(page.id, token.code())
    clock.advance(60)
    company.console.submit_code(page.id, token.code())
