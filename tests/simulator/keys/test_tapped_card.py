"""A card whose prompts are seen in what it answers."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from fido2.ctap import STATUS, CtapDevice

from mfalab.simulator.keys.hands import PromptWatch

MSG, CBOR = 0x03, 0x10


@pytest.fixture
def seen() -> list[object]:
    return []


@pytest.fixture
def card(
    seen: list[object], monkeypatch: pytest.MonkeyPatch, tapped_card: ModuleType
) -> CtapDevice:
    """A card that answers with the request itself, after a keepalive for each of its bytes."""

    def call(_card: Any, _cmd: int, data: bytes, _event: Any, heard: Callable[..., None]) -> bytes:
        if _cmd == CBOR:
            for status in data:
                heard(STATUS(status))
        return data

    from fido2.pcsc import CtapPcscDevice

    monkeypatch.setattr(CtapPcscDevice, "__init__", lambda *_: None)
    monkeypatch.setattr(CtapPcscDevice, "close", lambda _card: seen.append("closed"))
    monkeypatch.setattr(CtapPcscDevice, "call", call)
    watch = PromptWatch(lambda: seen.append("asked"), lambda: seen.append("settled"))
    made: CtapDevice = tapped_card.TappedCard(None, "reader", watch)
    return made


def test_keepalive_for_the_user_is_a_prompt_until_the_answer(
    card: CtapDevice, seen: list[object]
) -> None:
    heard: list[STATUS] = []
    card.call(CBOR, bytes((STATUS.PROCESSING,)))
    assert seen == []
    card.call(CBOR, bytes((STATUS.UPNEEDED, STATUS.UPNEEDED)), None, heard.append)
    assert seen == ["asked", "settled"]
    assert heard == [STATUS.UPNEEDED, STATUS.UPNEEDED]


def test_polls_of_a_u2f_client_are_one_prompt(card: CtapDevice, seen: list[object]) -> None:
    for answer in (b"\x69\x85", b"\x69\x85", b"\x90\x00"):
        assert card.call(MSG, answer) == answer
    assert seen == ["asked", "settled"]


def test_prompt_ends_with_the_way_to_the_card(card: CtapDevice, seen: list[object]) -> None:
    card.call(MSG, b"\x69\x85")
    card.close()
    assert seen == ["asked", "settled", "closed"]
