"""Steps that bring a device to an identity and take it away again."""

from collections.abc import Callable

import pytest

from mfalab import Lab, ScenarioError
from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.steps.enrolment import Enable

Labs = Callable[..., Lab]


def test_created_device_has_a_serial_number_and_shows_codes_once_it_is_scanned(
    lab_with: Labs,
) -> None:
    lab = lab_with("app", "spare")
    made = lab.create(who="alice", device="app", device_name="phone", path="/mine/")
    assert str(made.data).endswith(":mfa/mine/phone")
    assert len(lab.code_device("app").code()) == 6
    lab.create(who="alice", device="spare", scan=False)
    assert lab.device("spare").serial is not None
    with pytest.raises(ScenarioError, match="spare holds no account yet"):
        lab.code_device("spare").code()


def test_app_without_an_account_is_given_one_when_it_is_enabled(lab_with: Labs) -> None:
    lab = lab_with("app")
    serial = lab.enable(who="alice", device="app").data
    assert serial == lab.device("app").serial
    lab.list_devices(who="alice", devices=["app"])


def test_administrator_enables_what_the_owner_reads(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.enable(who="ada", for_="alice", device="fob")
    lab.list_devices(who="alice", devices=["fob"])


def test_codes_are_read_by_the_one_who_holds_the_device(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.lose(who="alice", device="fob")
    refused = lab.enable(who="ada", for_="alice", device="fob", expect={"refused": "NotHeld"})
    assert refused.message == "ada does not have fob: it is lost"


def test_codes_of_another_device_do_not_enable_this_one(lab_with: Labs) -> None:
    lab = lab_with("fob", "app")
    lab.create(who="alice", device="app")
    wrong = {"refused": "InvalidAuthenticationCode"}
    lab.enable(who="alice", device="fob", codes_from="app", expect=wrong)


def test_pair_that_lies_around_too_long_is_refused(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.enable(who="alice", device="fob", late="30 d", expect={"refused": "any"})


def test_phone_is_enrolled_with_the_code_that_is_sent_to_it(lab_with: Labs) -> None:
    lab = lab_with("sms", verifier={"sms": "preview"})
    lab.sign_in(who="alice")
    serial = lab.enable(who="alice", device="sms", using="console").data
    assert serial == lab.device("sms").serial
    assert lab.device("sms").typed == list(lab.sms_phone("sms").thing.codes())


def test_key_is_registered_in_the_console_and_nowhere_else(lab_with: Labs) -> None:
    lab = lab_with("key")
    with pytest.raises(ScenarioError, match="use using: console"):
        lab.enable(who="alice", device="key", using="keys")
    lab.sign_in(who="alice")
    serial = lab.enable(who="alice", device="key", using="console").data
    assert lab.security_key("key").serials == {"alice": serial}


def test_device_that_drifted_away_is_resynchronised(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.enable(who="alice", device="fob")
    lab.set_clock(device="fob", by="-20 min")
    lab.wait(for_="30 min")
    lab.sign_in(who="alice", with_="fob", expect={"refused": "InvalidAuthenticationCode"})
    lab.resync(who="ada", for_="alice", device="fob")
    lab.wait(for_="90 s")
    lab.sign_in(who="alice", with_="fob")


def test_device_is_resynchronised_on_the_page_of_a_sign_in(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.enable(who="alice", device="fob")
    with pytest.raises(ScenarioError, match="alice has no sign-in page open"):
        lab.resync(who="alice", device="fob", at="sign-in page")
    lab.set_clock(device="fob", by="-20 min")
    lab.wait(for_="30 min")
    lab.sign_in(who="alice", with_="fob", expect={"refused": "InvalidAuthenticationCode"})
    for _ in range(2):
        lab.try_again(who="alice", with_="fob", expect={"refused": "any"})
    lab.resync(who="alice", device="fob", at="sign-in page")
    lab.wait(for_="90 s")
    lab.try_again(who="alice", with_="fob")


def test_deactivated_device_is_listed_no_more_and_its_window_is_closed(lab_with: Labs) -> None:
    lab = lab_with("app")
    lab.enable(who="alice", device="app")
    lab.deactivate(who="ada", for_="alice", device="app")
    lab.list_devices(who="alice", devices=[])
    assert lab.journal.log.events[-3]["kind"] != "window"
    windows = [event for event in lab.journal.log.events if event["kind"] == "window"]
    assert windows[-1]["cause"] == "deactivate"


def test_entity_is_deleted_once_it_is_nobodys(lab_with: Labs) -> None:
    lab = lab_with("app")
    lab.enable(who="alice", device="app")
    lab.delete(who="ada", device="app", expect={"refused": "DeleteConflict"})
    lab.deactivate(who="ada", for_="alice", device="app")
    lab.delete(who="ada", device="app")
    lab.list_virtual_devices(who="ada", devices=[])


def test_tags_are_put_on_a_device_and_taken_from_it(lab_with: Labs) -> None:
    lab = lab_with("app")
    lab.create(who="alice", device="app", tags={"team": "red", "floor": "3"})
    lab.tag(who="ada", device="app", tags={"team": "blue"})
    lab.untag(who="ada", device="app", keys=["floor"])
    lab.list_tags(who="ada", device="app", tags={"team": "blue"})


@pytest.mark.parametrize(
    ("using", "doors"),
    [(None, []), ("keys", [Ability.API]), ("console", [Ability.CONSOLE])],
)
def test_enrolment_needs_the_door_it_names_and_the_touch_of_a_key(
    using: str | None, doors: list[Ability]
) -> None:
    step = Enable(who="alice", device="key", using=using)
    needed = [Need(Ability.ENROL), *map(Need, doors), Need(Ability.TOUCH, "key")]
    assert list(step.needs()) == needed
