"""Steps at the console's sign-in: password, second page, recovery of root."""

from collections.abc import Callable

import pytest

from mfalab import ExpectationFailed, Lab, ScenarioError
from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.steps.sign_in import SignIn

Labs = Callable[..., Lab]


@pytest.fixture
def lab(lab_with: Labs) -> Lab:
    """A lab in which alice's fob is enabled."""
    lab = lab_with("fob", "app")
    lab.enable(who="alice", device="fob")
    lab.wait(for_="90 s")
    return lab


def test_password_alone_opens_the_console_of_a_person_without_a_device(lab: Lab) -> None:
    lab.sign_in(who="bob")
    assert lab.person("bob").console is not None
    lab.sign_out(who="bob")
    assert lab.person("bob").console is None


def test_second_page_stays_open_for_the_next_code(lab: Lab) -> None:
    stuck = lab.sign_in(who="alice", expect={"refused": "MfaRequired"})
    assert stuck.message == "the second page asks for hardware"
    lab.try_again(who="alice", with_="fob", code="wrong", expect={"refused": "any"})
    lab.try_again(who="alice", with_="fob")
    assert lab.person("alice").page is None
    assert lab.person("alice").console is not None


def test_person_who_is_not_asked_for_a_code_has_found_a_hole(lab: Lab) -> None:
    lab.sign_in(who="bob", with_="app", expect={"refused": "NoSecondPage"})
    with pytest.raises(ExpectationFailed, match="`any` stands for refusals only"):
        lab.sign_in(who="bob", with_="app", expect={"refused": "any"})


def test_wrong_password_leads_to_no_second_page(lab: Lab) -> None:
    lab.sign_in(who="alice", password="wrong", expect={"refused": "any"})
    with pytest.raises(ScenarioError, match="alice has no sign-in page open"):
        lab.try_again(who="alice", with_="fob")


def test_attacker_types_the_name_and_password_of_another(lab: Lab) -> None:
    lab.sign_in(who="bob", as_="alice", expect={"refused": "MfaRequired"})
    assert lab.person("bob").page is not None
    assert lab.person("alice").page is None


def test_kind_that_nobody_has_cannot_be_chosen(lab: Lab) -> None:
    lab.sign_in(who="alice", with_="fob", choose="virtual", expect={"refused": "any"})


def test_every_key_signs_the_challenge_of_its_own_page(lab_with: Labs) -> None:
    lab = lab_with("key")
    lab.sign_in(who="alice")
    lab.enable(who="alice", device="key", using="console")
    lab.sign_in(who="alice", with_="key", key={"touch": "never"}, expect={"refused": "any"})
    lab.try_again(who="alice", with_="key")
    assert lab.person("alice").console is not None


def test_another_text_is_sent_on_request(lab_with: Labs) -> None:
    lab = lab_with("sms", verifier={"sms": "preview"})
    lab.sign_in(who="alice")
    lab.enable(who="alice", device="sms", using="console")
    lab.wait(for_="10 min")
    lab.next_sms(is_="lost")
    lab.sign_in(who="alice", with_="sms", expect={"refused": "NoCodeArrived"})
    before = len(lab.sms_phone("sms").thing.codes())
    lab.resend_sms(who="alice")
    lab.wait(for_="2 min")
    assert len(lab.sms_phone("sms").thing.codes()) == before + 1
    lab.try_again(who="alice", with_="sms")


@pytest.fixture
def root(lab_with: Labs) -> Lab:
    """A lab in which root has an app and stands before its second page."""
    lab = lab_with(
        people={"root": {"role": "root", "typing": "instant"}},
        devices={"app": {"kind": "totp_app", "owner": "root"}},
    )
    lab.sign_in(who="root")
    lab.enable(who="root", device="app")
    lab.sign_in(who="root", expect={"refused": "MfaRequired"})
    return lab


def test_root_recovers_by_mail_and_telephone(root: Lab) -> None:
    root.recover(who="root")
    assert root.person("root").console is not None
    assert len(root.messaging.mails) == len(root.messaging.calls) == 1


@pytest.mark.parametrize(
    "way",
    [
        {"mail": "not followed"},
        {"mail": "followed twice"},
        {"mail_after": "30 d"},
        {"call": "not answered"},
        {"call_after": "30 d"},
        {"call": "wrong digits", "wrong_digits": 10},
    ],
)
def test_recovery_is_refused_where_a_proof_is_missing(root: Lab, way: dict[str, object]) -> None:
    root.recover(who="root", **way, expect={"refused": "any"})
    assert root.person("root").console is None


def test_sign_in_needs_the_console_and_what_is_done_to_a_key() -> None:
    step = SignIn.model_validate({"who": "alice", "with": "key", "key": {"touch": "late"}})
    assert list(step.needs()) == [
        Need(Ability.CONSOLE),
        Need(Ability.LATE_TOUCH, "key"),
        Need(Ability.TOUCH, "key"),
    ]


def test_password_that_is_due_is_changed_on_the_page(lab_with: Labs) -> None:
    people = {"alice": {"must_change_password": True, "typing": "instant"}}
    lab = lab_with(people=people)
    first = lab.person("alice").password
    stuck = lab.sign_in(who="alice", expect={"refused": "NewPasswordRequired"})
    assert stuck.message == "the page asks for a new password"
    lab.change_password(who="alice", old="wrong", expect={"refused": "AccessDenied"})
    assert lab.person("alice").password == first
    lab.change_password(who="alice")
    assert lab.person("alice").console is not None
    assert lab.person("alice").password != first
    lab.sign_in(who="alice")


def test_password_is_changed_by_api_and_on_ones_page(lab: Lab) -> None:
    lab.change_password(who="bob", new="Correct horse 1")
    lab.sign_in(who="bob")
    lab.change_password(who="bob", using="console")
    assert lab.person("bob").password != "Correct horse 1"
    lab.sign_in(who="bob")


def test_code_in_the_mail_to_root(lab_with: Labs) -> None:
    lab = lab_with(people={"root": {"role": "root"}}, verifier={"root_mail_code": True})
    lab.sign_in(who="root")
    stuck = lab.sign_in(who="root", unusual=True, expect={"refused": "MailCodeRequired"})
    assert stuck.message == "the page asks for the code in a mail to root"
    lab.type_mail_code(who="root", code="wrong", expect={"refused": "InvalidVerificationCode"})
    lab.type_mail_code(who="root")
    assert lab.person("root").console is not None


def test_mail_code_without_a_page(lab_with: Labs) -> None:
    lab = lab_with(people={"root": {"role": "root"}})
    with pytest.raises(ScenarioError, match="root has no sign-in page open"):
        lab.type_mail_code(who="root")
