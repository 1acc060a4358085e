"""Steps about devices that are lost, lent, broken, copied and replaced."""

from collections.abc import Callable

from mfalab import Lab

Labs = Callable[..., Lab]


def test_lost_device_is_held_by_its_finder(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.find(who="bob", device="fob", expect={"refused": "NotLost"})
    lab.lose(who="alice", device="fob")
    lab.lose(who="alice", device="fob", expect={"refused": "NotHeld"})
    lab.find(who="bob", device="fob")
    assert (lab.device("fob").holder, lab.device("fob").owner) == ("bob", "alice")


def test_borrowed_device_goes_back_to_its_owner(lab_with: Labs) -> None:
    lab = lab_with("fob")
    lab.borrow(who="ada", device="fob", from_="bob", expect={"refused": "NotHeld"})
    lab.borrow(who="bob", device="fob", from_="alice")
    lab.give_back(who="alice", device="fob", expect={"refused": "NotHeld"})
    lab.give_back(who="bob", device="fob")
    assert lab.device("fob").holder == "alice"


def test_new_device_belongs_to_the_one_who_gets_it(lab_with: Labs) -> None:
    lab = lab_with("fob", "app")
    lab.replace(who="bob", device="fob", by="app")
    assert lab.device("fob").holder is None
    assert (lab.device("app").holder, lab.device("app").owner) == ("bob", "bob")


def test_broken_device_does_not_work_again(lab_with: Labs) -> None:
    lab = lab_with("fob", "app", "key", "sms")
    for name in lab.devices:
        assert lab.device(name).alive
        lab.break_(device=name)
        assert not lab.device(name).alive


def test_clone_of_an_app_shows_the_same_codes(lab_with: Labs) -> None:
    lab = lab_with("app", "spare")
    lab.enable(who="alice", device="app")
    lab.clone(device="app", to="spare")
    assert lab.code_device("spare").code() == lab.code_device("app").code()
    assert lab.device("spare").serial == lab.device("app").serial


def test_clone_of_a_key_signs_in_by_the_same_registration(lab_with: Labs) -> None:
    lab = lab_with("key", "other")
    lab.sign_in(who="alice")
    lab.enable(who="alice", device="key", using="console")
    lab.sign_in(who="alice", with_="other", expect={"refused": "InvalidAssertion"})
    lab.clone(device="key", to="other")
    lab.sign_in(who="alice", with_="other")


def test_backup_is_restored_to_another_phone(lab_with: Labs) -> None:
    lab = lab_with("app", "spare")
    lab.enable(who="alice", device="app")
    lab.restore(device="app", to="spare", expect={"refused": "NoBackup"})
    lab.back_up(device="app")
    lab.restore(device="app", to="spare")
    assert lab.code_device("spare").code() == lab.code_device("app").code()


def test_message_waits_for_a_phone_that_is_switched_off(lab_with: Labs) -> None:
    lab = lab_with("sms")
    phone = lab.sms_phone("sms")
    lab.switch_phone(phone="sms", to="off")
    lab.messaging.send_sms(str(phone.thing.number), "123456 is your code")
    lab.wait(for_="10 min")
    assert not phone.alive
    lab.switch_phone(phone="sms", to="on")
    lab.wait(for_="10 min")
    assert phone.thing.codes() == ("123456",)


def test_phone_with_another_number_gets_no_texts_to_the_old_one(lab_with: Labs) -> None:
    lab = lab_with("sms")
    old = lab.sms_phone("sms").thing.number
    assert old is not None
    lab.change_number(device="sms", number="+12025550199")
    assert lab.sms_phone("sms").thing.number == "+12025550199"
    lab.messaging.send_sms(old, "123456 is your code")
    lab.messaging.send_sms("+12025550199", "654321 is your code")
    lab.wait(for_="10 min")
    assert lab.sms_phone("sms").thing.codes() == ("654321",)
