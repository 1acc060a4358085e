"""A key of the lab file: that it is the one meant, how it is made, and how it is left."""

from typing import Any

import pytest

from mfalab.simulator.workbench.key import WrongKey

Desk = Any


def test_destructive_key_is_made_as_the_scenario_wants_it_and_left_as_it_was(
    desk: Desk, bench: Any, play: Any
) -> None:
    opened = bench(desk.own)
    assert "all its credentials and its PIN are lost" in "".join(opened.warnings())
    wrong = "  - {do: type_pin, who: alice, device: key, key: {pin: wrong}, %s}\n"
    refused = "expect: {refused: PIN_INVALID}"
    checked = "  - {do: check_key, device: key, pin_retries: %d}\n"
    with_pin = desk.story % ", pin: '2468'" + wrong % refused + checked % 7
    for number in (1, 2):  # the tries of the first are not missing in the second
        assert play(with_pin, opened, number) == ("passed", "")
    assert play(desk.story % "", opened, 3) == ("passed", "")
    assert play(with_pin, opened, 4) == ("passed", "")
    opened.close()
    assert not desk.keys["ctap-2.1-pin"].state.pin_is_set


def test_key_that_is_lost_is_one_error_and_then_a_reason_to_skip(
    desk: Desk, bench: Any, play: Any
) -> None:
    opened = bench()
    desk.keys["ctap-2.1-pin"].break_()
    ends = [play(desk.story % "", opened, number) for number in (1, 2)]
    assert [each for each, _ in ends] == ["error", "skipped"]
    assert "key (hid:ctap-2.1-pin) was lost" in ends[0][1]
    assert "key (hid:ctap-2.1-pin) was lost" in ends[1][1]


def test_another_key_than_the_file_means_is_not_touched(desk: Desk, bench: Any) -> None:
    desk.put("ctap-2.3")
    desk.keys["ctap-2.1-pin"] = desk.keys["ctap-2.3"]
    writes = desk.keys["ctap-2.3"].state.writes
    with pytest.raises(WrongKey, match=r"its AAGUID is 6d66616c.* and not .*Nothing was changed"):
        bench(desk.own)
    assert desk.keys["ctap-2.3"].state.writes == writes


def with_a_pin(desk: Desk, pin: str) -> None:
    """A key of a person: it has a PIN."""
    from fido2.ctap2.base import Ctap2
    from fido2.ctap2.pin import ClientPin

    desk.put("ctap-2.1-pin")
    ClientPin(Ctap2(desk.keys["ctap-2.1-pin"].device())).set_pin(pin)


def test_key_of_a_person_is_not_reset_unless_its_pin_is_told(desk: Desk, bench: Any) -> None:
    with_a_pin(desk, "1357")
    with pytest.raises(WrongKey, match="it has a PIN, so it is a person's key"):
        bench(desk.own)
    assert desk.keys["ctap-2.1-pin"].state.pin_is_set


def test_wrong_pin_in_the_lab_file_costs_one_try(desk: Desk, bench: Any) -> None:
    with_a_pin(desk, "1357")
    with pytest.raises(WrongKey, match=r"is refused .* it had 8 tries left"):
        bench('pin: "9999"')
    assert desk.keys["ctap-2.1-pin"].state.pin_retries == 7


def test_pin_that_is_told_is_what_right_means(desk: Desk, bench: Any, play: Any) -> None:
    with_a_pin(desk, "1357")
    assert play(desk.story % ", pin: '2468'", bench('pin: "1357"')) == ("passed", "")


def test_told_pin_is_on_the_key_again_afterwards(desk: Desk, bench: Any, play: Any) -> None:
    with_a_pin(desk, "1357")
    opened = bench(desk.own + ', pin: "1357"')
    assert play(desk.story % ", pin: '2468'", opened) == ("passed", "")
    opened.close()
    assert bench('pin: "1357"').keys["key"].pin == "1357"
