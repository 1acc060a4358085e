import pytest

from mfalab.devices.device import Device
from mfalab.devices.errors import DeviceUnusable, Unusable
from mfalab.devices.phone import Phone
from support.clocks import SetClock


class Battery:
    full = True

    def alive(self) -> bool:
        return self.full


def test_device_works_until_it_breaks() -> None:
    device = Device("card 1")
    assert device.usable
    device.require_usable()
    device.break_()
    assert not device.usable
    with pytest.raises(DeviceUnusable, match="card 1 is broken"):
        device.require_usable()


def test_breakage_outranks_the_battery_and_the_switch() -> None:
    battery = Battery()
    phone = Phone("phone", SetClock(), battery)
    reasons = []
    for worse in (phone.switch_off, lambda: setattr(battery, "full", False), phone.break_):
        worse()
        with pytest.raises(DeviceUnusable) as caught:
            phone.require_usable()
        reasons.append(caught.value.reason)
    assert reasons == [Unusable.SWITCHED_OFF, Unusable.BATTERY_DEAD, Unusable.BROKEN]


def test_phone_announces_itself_when_switched_on() -> None:
    calls: list[str] = []
    phone = Phone("phone", SetClock())
    phone.when_switched_on(lambda: calls.append("on"))
    phone.switch_off()
    assert phone.switched_off
    assert calls == []
    phone.switch_on()
    assert calls == ["on"]


def test_phone_with_an_empty_battery_announces_nothing() -> None:
    battery = Battery()
    phone = Phone("phone", SetClock(), battery)
    phone.when_switched_on(lambda: pytest.fail("it has no power to announce itself"))
    battery.full = False
    phone.switch_on()
    assert not phone.usable
