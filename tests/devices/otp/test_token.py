import pytest

from mfalab.devices.errors import DeviceUnusable, Unusable
from mfalab.devices.otp.seed import OtpKind, OtpSeed
from mfalab.devices.otp.token import HardwareToken, HotpToken
from support.clocks import SetClock

S = 1_000_000_000
SEED = OtpSeed(b"12345678901234567890", digits=8)
COUNTED = OtpSeed(b"12345678901234567890", OtpKind.HOTP)


class Battery:
    def __init__(self) -> None:
        self.full = True

    def alive(self) -> bool:
        return self.full


@pytest.fixture
def clock() -> SetClock:
    return SetClock(s=1111111111)


@pytest.fixture
def battery() -> Battery:
    return Battery()


@pytest.fixture
def fob(clock: SetClock, battery: Battery) -> HardwareToken:
    return HardwareToken("GAHT12345678", SEED, clock, battery)


@pytest.fixture
def counter_fob(clock: SetClock, battery: Battery) -> HotpToken:
    return HotpToken("E1", COUNTED, clock, battery)


def test_display_is_dark_until_the_button_is_pressed(fob: HardwareToken) -> None:
    assert fob.display == ""
    fob.press()
    assert fob.display == "14050471"


def test_shown_code_stays_when_the_step_changes(fob: HardwareToken, clock: SetClock) -> None:
    fob.press()
    clock.now_s += 29
    assert fob.until_next_code_ns == S * (30 - 1111111140 % 30)
    assert fob.display == "14050471"


def test_display_goes_dark_by_the_tokens_own_clock(fob: HardwareToken, clock: SetClock) -> None:
    fob.press()
    clock.now_s += 30
    assert fob.display == ""


def test_pressing_while_lit_shows_the_current_step(fob: HardwareToken, clock: SetClock) -> None:
    clock.now_s = 1111111109
    fob.press()
    assert fob.display == "07081804"
    clock.now_s += 2
    fob.press()
    assert fob.display == "14050471"
    clock.now_s += 29
    assert fob.display == "14050471"


def test_display_time_is_a_parameter(clock: SetClock) -> None:
    fob = HardwareToken("T", SEED, clock, display_s=5)
    fob.press()
    clock.now_s += 4
    assert fob.display
    clock.now_s += 1
    assert fob.display == ""


def test_restart_clears_the_display(fob: HardwareToken, clock: SetClock) -> None:
    fob.press()
    clock.now_s = 0
    assert fob.display == ""


def test_reading_presses_the_button(fob: HardwareToken) -> None:
    assert fob.read_code() == "14050471"
    assert fob.display == "14050471"


def test_battery_death_darkens_display_and_refuses_reading(
    fob: HardwareToken, battery: Battery
) -> None:
    fob.press()
    battery.full = False
    assert fob.display == ""
    fob.press()
    assert fob.display == ""
    with pytest.raises(DeviceUnusable, match="GAHT12345678 has a dead battery") as caught:
        fob.read_code()
    assert caught.value.reason is Unusable.BATTERY_DEAD
    with pytest.raises(DeviceUnusable):
        fob.code_at(0)


def test_broken_token_stays_broken(fob: HardwareToken) -> None:
    fob.break_()
    assert fob.broken
    fob.press()
    assert fob.display == ""
    with pytest.raises(DeviceUnusable, match=r"is broken\. Deactivate it") as caught:
        fob.read_code()
    assert caught.value.reason is Unusable.BROKEN


def test_other_steps_can_be_had_without_waiting(fob: HardwareToken, clock: SetClock) -> None:
    assert fob.code_at(-1) == "07081804"
    assert fob.code_at(0) == "14050471"
    later = fob.code_at(3)
    assert fob.display == ""
    clock.now_s += 90
    assert fob.read_code() == later


def test_token_with_a_dead_clock_chip_still_shows_codes() -> None:
    fob = HardwareToken("T", SEED, SetClock(s=-1))
    assert fob.believed_step == -1
    assert len(fob.read_code()) == 8
    assert fob.code_at(2) == "94287082"


def test_sixty_second_token_holds_its_code_for_sixty_seconds() -> None:
    clock = SetClock(s=0)
    fob = HardwareToken("T", OtpSeed(b"12345678901234567890", period_s=60), clock)
    first = fob.read_code()
    clock.now_s = 59
    assert fob.read_code() == first
    clock.now_s = 60
    assert fob.read_code() == "287082"


def test_serial_is_the_name(fob: HardwareToken) -> None:
    assert fob.serial == fob.name == "GAHT12345678"


@pytest.mark.parametrize(("token", "seed"), [(HardwareToken, COUNTED), (HotpToken, SEED)])
def test_seed_of_the_other_kind_is_refused(
    token: type[HardwareToken] | type[HotpToken], seed: OtpSeed
) -> None:
    with pytest.raises(ValueError, match=r"token T computes .* but its seed is for"):
        token("T", seed, SetClock())


def test_each_press_uses_up_a_counter_value(counter_fob: HotpToken) -> None:
    assert counter_fob.read_code() == "755224"
    counter_fob.press()
    counter_fob.press()
    assert counter_fob.counter == 3
    assert counter_fob.read_code() == "969429"


def test_event_codes_can_be_had_without_pressing(counter_fob: HotpToken) -> None:
    counter_fob.press()
    assert counter_fob.code_at(-1) == "755224"
    assert counter_fob.code_at(0) == "287082"
    assert counter_fob.code_at(1) == "359152"
    assert counter_fob.counter == 1
    with pytest.raises(ValueError, match="counter -1"):
        counter_fob.code_at(-2)


def test_press_on_a_dead_event_token_moves_no_counter(
    counter_fob: HotpToken, battery: Battery
) -> None:
    battery.full = False
    counter_fob.press()
    assert counter_fob.counter == 0


def test_event_display_goes_dark_too(counter_fob: HotpToken, clock: SetClock) -> None:
    counter_fob.press()
    assert counter_fob.display == "755224"
    clock.now_s += 30
    assert counter_fob.display == ""
