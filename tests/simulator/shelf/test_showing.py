"""What is to be seen of each kind of device."""

import pytest

from mfalab.simulator.entropy import Stream
from mfalab.simulator.shelf.shelf import Shelf
from mfalab.simulator.shelf.showing import code_now, seen, state

from .conftest import FOB, make_shelf

ALL = {
    "fob": FOB,
    "counter": {"kind": "hardware_hotp", "owner": "alice"},
    "app": {"kind": "totp_app", "owner": "alice"},
    "sms": {"kind": "sms_phone", "owner": "ada"},
    "key": {"kind": "security_key", "owner": "ada", "pin": "1234"},
}


def test_each_kind(shelf: Shelf) -> None:
    shelf.put(ALL)
    told = {name: seen(shelf, device) for name, device in shelf.lab.devices.items()}
    assert {name: each["kind"] for name, each in told.items()} == {
        name: each["kind"] for name, each in ALL.items()
    }
    assert told["fob"]["display"] == ""
    assert told["fob"]["drift_ppm"] == 45
    assert told["fob"]["window_s"] is None
    assert "period_s" not in told["counter"]
    assert told["app"]["accounts"] == []
    assert told["sms"]["inbox"] == []
    assert told["key"]["asks"] is None
    assert (told["key"]["pin_is_set"], told["key"]["pin_retries"]) == (True, 8)


def test_pressed_fob_is_lit_for_its_time(shelf: Shelf) -> None:
    shelf.put(ALL)
    fob = shelf.press("fob")
    assert seen(shelf, fob)["display"] == code_now(fob)
    shelf.advance(31 * 10**9)
    assert seen(shelf, fob)["display"] == ""


def test_what_arrives_and_what_breaks(shelf: Shelf) -> None:
    shelf.put(ALL)
    sms = shelf.lab.sms_phone("sms")
    shelf.lab.messaging.send_sms(sms.thing.number or "", "Your code is 123456.")
    shelf.advance(5 * 10**9)
    assert [each["text"] for each in seen(shelf, sms)["inbox"]] == ["Your code is 123456."]
    assert code_now(sms) == "123456"
    for device in shelf.lab.devices.values():
        device.break_()
        assert seen(shelf, device)["works"] is False
        assert "secret" not in str(seen(shelf, device))


def test_look_costs_no_more_after_eight_thousand_years(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clocks make their chance as far as they are read: of a lifetime, and of none beyond it."""
    draws = 0
    plain = Stream.random

    class Counting(Stream):
        def random(self) -> float:
            nonlocal draws
            draws += 1
            return plain(self)

    monkeypatch.setattr("mfalab.simulator.entropy.Stream", Counting)
    counted = {}
    for until in ("2100-01-01T00:00:00Z", "2400-01-01T00:00:00Z", "9999-12-31T00:00:00Z"):
        shelf, draws = make_shelf(), 0
        shelf.put(ALL)
        shelf.step({"do": "wait", "until": until})
        state(shelf)
        counted[until] = draws
    least, *_, most = counted.values()
    assert 16_000 < least <= most < least + 1_000, counted
