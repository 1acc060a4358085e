"""A key in the field of a reader."""

import sys
from types import ModuleType
from typing import Any

import pytest

from mfalab.devices.ctap.user import touching
from mfalab.simulator.abilities import Ability
from mfalab.simulator.keys import nfc
from mfalab.simulator.keys.fixture import CannotDo
from mfalab.simulator.keys.hands import Channel
from mfalab.simulator.keys.nfc import NfcFixture, ReaderNotFound, ReaderSilent, readers

NAMES = ("ACR122U 00", "ACR122U 01", "Cloud 4700")


@pytest.fixture(autouse=True)
def _readers(monkeypatch: pytest.MonkeyPatch, tapped_card: ModuleType) -> None:
    """Three readers, none of which is locked by another run."""
    monkeypatch.setattr(nfc, "readers", lambda: NAMES)
    monkeypatch.setattr(NfcFixture, "hold", lambda *_: None)


@pytest.fixture
def taps(monkeypatch: pytest.MonkeyPatch, tapped_card: ModuleType) -> list[str]:
    """What is done to the card: power is cut, and ways to it are opened."""
    seen: list[str] = []
    monkeypatch.setattr(NfcFixture, "_cut_power", lambda _fixture: seen.append("cut"))
    monkeypatch.setattr(NfcFixture, "_connection", lambda _fixture: None)
    monkeypatch.setattr(tapped_card, "TappedCard", lambda *_: seen.append("open"))
    return seen


def test_reader_is_found_by_a_part_of_its_name_that_no_other_has() -> None:
    assert NfcFixture("Cloud").reader == "Cloud 4700"
    for wanted in ("ACR122U", "Omnikey", ""):
        with pytest.raises(ReaderNotFound, match=f"nfc:{wanted} is not one reader. Readers: ACR"):
            NfcFixture(wanted)


def test_missing_pyscard_is_told_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smartcard.System", None)
    with pytest.raises(ReaderSilent, match=r"pip install 'mfalab\[nfc\]'"):
        readers()


def test_daemon_that_does_not_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from smartcard import System
    from smartcard.pcsc.PCSCExceptions import EstablishContextException

    def listed() -> list[str]:
        raise EstablishContextException(0)

    monkeypatch.setattr(System, "readers", listed)
    with pytest.raises(ReaderSilent, match="the PC/SC daemon does not run"):
        readers()


def test_way_that_is_opened_for_a_user_is_a_tap(taps: list[str]) -> None:
    fixture = NfcFixture("Cloud")
    fixture.connect()
    assert taps == ["open"]  # its user is absent, so the card keeps its power
    fixture.user = touching()
    fixture.connect()
    assert taps == ["open", "cut", "open"]


def test_card_that_was_taken_away_is_not_reached(taps: list[str]) -> None:
    fixture = NfcFixture("Cloud")
    fixture.power(False)
    with pytest.raises(OSError, match="nfc:Cloud lies on no reader"):
        fixture.connect()
    fixture.power(True)
    fixture.connect()
    assert taps == ["cut", "open"]


def test_rig_moves_the_card_where_there_is_one(taps: list[str], rig: Any) -> None:
    fixture = NfcFixture("Cloud", power=Channel(rig, 2))
    fixture.power_cycle()
    assert rig.did == [("present", 2, False), ("present", 2, True)]
    assert taps == []


def test_card_that_is_seen_late_is_waited_for(
    taps: list[str], monkeypatch: pytest.MonkeyPatch, tapped_card: ModuleType
) -> None:
    from smartcard.Exceptions import NoCardException

    now_ns = [0]

    def wait(_fixture: NfcFixture, duration_ns: int) -> None:
        now_ns[0] += duration_ns

    def no_card(*_: object) -> None:
        raise NoCardException("", 0)

    monkeypatch.setattr(NfcFixture, "wait", wait)
    monkeypatch.setattr(NfcFixture, "now_ns", lambda _fixture: now_ns[0])
    monkeypatch.setattr(tapped_card, "TappedCard", no_card)
    with pytest.raises(OSError, match="no card answers in Cloud 4700"):
        NfcFixture("Cloud").connect()
    assert 3 * 10**9 < now_ns[0] < 4 * 10**9


def test_card_that_is_no_key_is_told(
    taps: list[str], monkeypatch: pytest.MonkeyPatch, tapped_card: ModuleType
) -> None:
    def no_applet(*_: object) -> None:
        raise ValueError("no applet")

    monkeypatch.setattr(tapped_card, "TappedCard", no_applet)
    with pytest.raises(OSError, match="the card in Cloud 4700 is no FIDO key: no applet"):
        NfcFixture("Cloud").connect()


def test_card_takes_no_reports() -> None:
    fixture = NfcFixture("Cloud")
    assert fixture.can == {Ability.POWER}
    with pytest.raises(CannotDo, match="Plug it into a USB port for that"):
        fixture.reports()
