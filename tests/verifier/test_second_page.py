"""The console's second page: choosing a kind, typing codes, resynchronising."""

from typing import Any

import pytest

from mfalab.verifier import RFC6238, DeviceKind, ServiceError

ACCOUNT = "123456789012"
BAD_CODE = ("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)
GONE = (
    "SignInExpired",
    "This sign-in page is no longer valid. Enter your password again.",
    403,
)


THROTTLED = ("Throttling", "Rate exceeded", 400)


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
        company.fail_code(page, fob.code())
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
        company.fail_code(page, one.wrong_code(), 9)
        with refused(*THROTTLED):
            company.console.submit_code(page.id, two.code())
        with pytest.raises(ServiceError, match="unable to validate"):
            company.mfa_session(one)

    def test_code_of_another_users_device(self, company: Any) -> None:
        company.enrol()
        other = company.enrol("bob", "bobs")
        company.fail_code(company.page(), other.code())

    @pytest.mark.parametrize(
        "code", ["", "12345", "1234567", "abcdef", "\N{FULLWIDTH DIGIT ONE}23456"]
    )
    def test_code_that_is_none(self, company: Any, code: str) -> None:
        company.enrol()
        company.fail_code(company.page(), code)

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
        company.fail_code(page, token.wrong_code())
        clock.advance(0.001)
        with refused(*GONE):
            company.console.submit_code(page.id, token.code())
        with refused(*GONE):
            company.console.submit_code("PAGENOBODY", token.code())

    def test_device_that_is_removed_while_the_page_is_open(
        self, company: Any, refused: Any
    ) -> None:
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
        company.fail_code(company.page(), token.code())
        if shared:
            with pytest.raises(ServiceError, match="invalid MFA one time pass code"):
                company.mfa_session(token)
        else:
            company.mfa_session(token)


class TestResyncPage:
    def test_offered_to_users_after_three_failures(
        self, company: Any, clock: Any, refused: Any
    ) -> None:
        token = company.enrol()
        page = company.page()
        clock.advance(-3600)  # the token's clock, seen from the verifier's, is an hour behind
        late = [token.code(step) for step in range(4, 7)]
        clock.advance(3600)
        company.fail_code(page, late[0], 2)
        with refused(
            "AccessDenied", "Resynchronization is offered after repeated refused codes.", 403
        ):
            company.console.resync(page.id, late[0], late[1])
        company.fail_code(page, late[0])
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


def test_backoff_of_the_classic_server_holds_at_the_console(
    company: Any, clock: Any, refused: Any
) -> None:
    company.verifier.profile = RFC6238
    token = company.enrol()
    page = company.page()
    company.fail_code(page, token.wrong_code(), 5)
    with refused(*THROTTLED):
        company.console.submit_code(page.id, token.code())
    clock.advance(60)
    company.console.submit_code(page.id, token.code())
