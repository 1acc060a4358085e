"""What every device has: power, and that it breaks."""

import pytest

from mfalab.devices.device import Device
from mfalab.devices.errors import DeviceUnusable, Unusable


class Battery:
    charged = True

    def alive(self) -> bool:
        return self.charged


def reason(device: Device) -> Unusable:
    with pytest.raises(DeviceUnusable) as caught:
        device.require_usable()
    return caught.value.reason


def test_a_device_works_until_its_battery_is_dead_and_again_when_it_is_charged() -> None:
    battery = Battery()
    device = Device("fob", battery)
    device.require_usable()
    battery.charged = False
    assert (device.usable, reason(device)) == (False, Unusable.BATTERY_DEAD)
    battery.charged = True
    assert device.usable


def test_a_broken_device_stays_broken_and_says_so_first() -> None:
    battery = Battery()
    device = Device("fob", battery)
    device.break_()
    battery.charged = False
    assert device.broken
    assert reason(device) is Unusable.BROKEN


def test_the_error_advises_what_to_do() -> None:
    device = Device("fob")
    device.break_()
    with pytest.raises(DeviceUnusable, match=r"fob .*Replace it\."):
        device.require_usable()
