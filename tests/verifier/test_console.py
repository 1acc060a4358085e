"""The console's first page, and the pages on which devices are managed."""

from typing import Any

import pytest

from mfalab.verifier import ServiceError, SignedIn

ACCOUNT = "123456789012"
FAILED = ("FailedAuthentication", "Failed authentication", 403)


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
        """One verification of a password each time: of the user's, or of a made-up one."""
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

    def test_codes_are_shaped_as_in_the_api(self, company: Any) -> None:
        token = company.create()
        session = company.signed_in().credentials
        with pytest.raises(ServiceError, match="1 validation error detected: Value '1'"):
            company.console.enable_device(session, serial=token.serial, code1="1", code2="123456")


class TestSignOut:
    def test_session_ends(self, company: Any, refused: Any) -> None:
        session = company.signed_in()
        company.console.sign_out(session.credentials)
        with refused(
            "InvalidClientTokenId", "The security token included in the request is invalid.", 403
        ):
            company.console.devices(session.credentials)
        company.console.sign_out(session.credentials)

    def test_only_who_has_the_secret_ends_it(self, company: Any) -> None:
        from dataclasses import replace

        session = company.signed_in()
        company.console.sign_out(replace(session.credentials, secret_access_key="guessed"))
        assert company.console.devices(session.credentials) == []


def test_second_page_is_looked_at_without_consequences(company: Any) -> None:
    token = company.enrol()
    page = company.page()
    company.fail_code(page, token.wrong_code(), times=3)
    before = company.everything()
    seen = company.console.second_page(page.id)
    assert (seen.chosen, seen.failures, seen.resync_offered) == ("virtual", 3, True)
    assert company.everything() == before
