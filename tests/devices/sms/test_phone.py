import pytest

from mfalab.devices.errors import DeviceUnusable, NoCodeReceived, Unusable
from mfalab.devices.phone import Phone
from mfalab.devices.sms.phone import SmsMessage, SmsPhone
from support.clocks import SetClock


@pytest.fixture
def phone() -> SmsPhone:
    phone = SmsPhone(Phone("bob's phone", SetClock()))
    phone.insert_sim("+12025550101")
    return phone


def test_inbox_keeps_texts_in_order_of_arrival(phone: SmsPhone) -> None:
    phone.receive("first 111111")
    phone.receive("second 222222")
    assert phone.inbox[0] == SmsMessage("+12025550101", "first 111111", 0)
    assert phone.codes() == ("111111", "222222")
    assert phone.newest_code() == "222222"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Your AWS code is 012345.", ("012345",)),
        ("012345", ("012345",)),
        ("old 111111, new 222222", ("111111", "222222")),
        ("call +12025550123 or 12345", ()),
        ("1234567", ()),
        ("code:123456!", ("123456",)),
        ("\uff11\uff12\uff13\uff14\uff15\uff16", ()),
    ],
)
def test_codes_are_runs_of_exactly_six_digits(text: str, codes: tuple[str, ...]) -> None:
    assert SmsMessage("+1", text, 0).codes == codes


def test_text_stays_out_of_repr() -> None:
    assert "123456" not in repr(SmsMessage("+1", "123456", 0))


def test_phone_without_a_code_says_so(phone: SmsPhone) -> None:
    phone.receive("lunch?")
    with pytest.raises(
        NoCodeReceived, match=r"bob's phone has received no code \(texts in the inbox: 1\)"
    ):
        phone.newest_code()


def test_broken_phone_shows_no_texts(phone: SmsPhone) -> None:
    phone.receive("123456")
    phone.phone.break_()
    assert not phone.reachable
    for attempt in (phone.newest_code, lambda: phone.receive("x")):
        with pytest.raises(DeviceUnusable, match="bob's phone is broken"):
            attempt()


def test_phone_without_sim_receives_nothing_but_keeps_its_inbox(phone: SmsPhone) -> None:
    phone.receive("123456")
    phone.insert_sim(None)
    assert not phone.reachable
    with pytest.raises(DeviceUnusable, match="no working SIM") as caught:
        phone.receive("654321")
    assert caught.value.reason is Unusable.NO_SIM
    assert phone.newest_code() == "123456"
