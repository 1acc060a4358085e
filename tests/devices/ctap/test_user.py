"""People in front of a key: what it asks, and what they do about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fido2.ctap import CtapError
from fido2.ctap1 import ApduError, Ctap1
from fido2.ctap2 import ClientPin, Ctap2

from mfalab.devices.ctap.commands import Prompt
from mfalab.devices.ctap.ctaphid import HidCommand, packets
from mfalab.devices.ctap.user import (
    Asked,
    Gesture,
    Reaction,
    absent,
    declining,
    in_turn,
    presenting,
    slower,
    touching,
)
from mfalab.devices.schedule import OwnTime
from mfalab.devices.security_key import SecurityKey
from support.keys import HASH, MS, S, make, new, opened, plugged, refusal

ERR = CtapError.ERR


def asking_by_u2f(key: SecurityKey) -> Callable[[], str]:
    """A client that asks once for a registration at each call, and tells the status word."""
    ctap = Ctap1(key.device())

    def ask() -> str:
        try:
            ctap.register(HASH, HASH)
        except ApduError as error:
            return f"{error.code:04x}"
        return "9000"

    return ask


class TestPeople:
    def test_a_function_is_told_what_the_key_asks_and_decides(self) -> None:
        told: list[Asked] = []

        def user(asked: Asked) -> Reaction | None:
            told.append(asked)
            return Reaction(Gesture.TOUCH, 2 * S)

        make(plugged(user=user))
        ((asked),) = told
        assert (asked.prompt, asked.rp_id, asked.times) == (Prompt.TOUCH, "example.com", 1)

    def test_declined(self) -> None:
        assert refusal(lambda: make(plugged(user=declining(S)))) == ERR.OPERATION_DENIED

    def test_too_late_and_never_are_the_same_to_the_client(self) -> None:
        for user in (touching(30 * S + 1), absent, slower(touching(29 * S), 2 * S)):
            key = plugged(user=user)
            assert refusal(lambda key=key: make(key)) == ERR.USER_ACTION_TIMEOUT
            key.advance(60 * S)
            assert key.state.credentials == ()

    def test_one_thing_after_another(self) -> None:
        key = plugged(user=in_turn(declining(), None, Reaction(Gesture.TOUCH), then=absent))
        outcomes = [refusal(lambda: make(key)), refusal(lambda: make(key))]
        make(key)
        outcomes.append(refusal(lambda: make(key)))
        timeout = ERR.USER_ACTION_TIMEOUT
        assert outcomes == [ERR.OPERATION_DENIED, timeout, timeout]

    def test_hands_on_the_key_itself(self) -> None:
        time = OwnTime()
        key = plugged(user=absent, scheduler=time)
        time.after(4 * S, key.touch)
        make(key)
        time.after(S, key.decline)
        assert refusal(lambda: make(key)) == ERR.OPERATION_DENIED
        assert time.now_ns() == 5 * S

    @pytest.mark.parametrize("pause_ms", [100, 1_400, 1_600, 4_000, 9_900])
    @pytest.mark.parametrize("after_ms", [50, 1_550, 3_900, 60_000])
    @pytest.mark.parametrize("by", ["its user", "a rig"])
    def test_a_touch_counts_however_slowly_a_u2f_client_polls(
        self, by: str, after_ms: int, pause_ms: int
    ) -> None:
        time = OwnTime()
        user = touching(after_ms * MS) if by == "its user" else absent
        key = plugged("u2f-2016", user=user, scheduler=time)
        if by == "a rig":
            time.after(after_ms * MS, key.touch)
        ask = asking_by_u2f(key)
        for _ in range(0, after_ms, pause_ms):
            assert ask() == "6985"
            time.advance(pause_ms * MS)
        assert ask() == "9000"

    def test_a_touch_of_a_key_whose_client_has_left_does_not_count(self) -> None:
        time = OwnTime()
        key = plugged("u2f-2016", user=absent, scheduler=time)
        ask = asking_by_u2f(key)
        assert ask() == "6985"
        time.advance(10 * S)
        key.touch()
        assert ask() == "6985"

    def test_what_a_user_of_before_was_about_to_do_between_polls_is_not_done(self) -> None:
        time = OwnTime()
        key = plugged("u2f-2016", user=touching(3 * S), scheduler=time)
        ask = asking_by_u2f(key)
        assert ask() == "6985"
        time.advance(2 * S)
        key.user = absent
        time.advance(2 * S)
        assert ask() == "6985"

    def test_hands_on_a_dark_key_do_nothing(self) -> None:
        key = new()
        for powered in (False, True):
            if powered:
                key.plug()
            key.touch()
            key.finger("thumb")
            key.decline()
        assert key.asks is None
        assert refusal(lambda: make_unattended(key)) == ERR.USER_ACTION_TIMEOUT

    def test_the_key_tells_what_it_asks_now(self) -> None:
        key = plugged(user=absent)
        connection, channel = opened(key)
        for report in packets(channel, HidCommand.CBOR, b"\x0b"):
            connection.write(report)
        assert key.asks is not None
        assert key.asks.prompt is Prompt.TOUCH
        key.touch()
        assert key.asks is None
        connection.write(packets(channel, HidCommand.CANCEL, b"")[0])

    def test_a_hand_on_its_way_touches_whatever_asks_by_then(self) -> None:
        """It meant a request that was cancelled; the next one had not asked this person."""
        for regardless, made in ((True, 1), (False, 0)):
            time = OwnTime()
            key = plugged(user=in_turn(touching(3 * S, regardless=regardless)), scheduler=time)
            connection, channel = opened(key)
            for report in packets(channel, HidCommand.CBOR, b"\x0b"):
                connection.write(report)
            time.advance(S)
            connection.write(packets(channel, HidCommand.CANCEL, b"")[0])
            if made:
                make(key)
            else:
                assert refusal(lambda key=key: make(key)) == ERR.USER_ACTION_TIMEOUT
            assert len(key.state.credentials) == made

    def test_wrong_fingers_are_asked_again_and_the_right_one_helps(self) -> None:
        key = plugged("ctap-2.1-bio", user=presenting("thumb"))
        enrol(key)
        assert len(key.state.fingers) == 1
        told: list[Asked] = []

        def user(asked: Asked) -> Reaction:
            told.append(asked)
            finger = "thumb" if len(told) == 2 else "elbow"
            return Reaction(Gesture.FINGER, S, finger)

        key.user = user
        assert make(key, options={"uv": True}).auth_data.is_user_verified()
        assert [asked.times for asked in told] == [1, 2]
        assert {asked.prompt for asked in told} == {Prompt.FINGER}

    def test_too_many_wrong_fingers_block_verification(self) -> None:
        key = plugged("ctap-2.1-bio", user=presenting("thumb"))
        enrol(key)
        key.user = presenting("elbow")
        client = ClientPin(Ctap2(key.device()))
        outcomes = set()
        for _ in range(key.model.uv_retries + 1):
            outcomes.add(refusal(lambda: client.get_uv_token(1, "example.com")))
        assert ERR.UV_BLOCKED in outcomes
        assert key.state.uv_retries == 0

    def test_a_bare_touch_is_no_finger(self) -> None:
        key = plugged("ctap-2.1-bio", user=presenting("thumb"))
        enrol(key)
        key.user = touching()
        client = ClientPin(Ctap2(key.device()))
        assert refusal(lambda: client.get_uv_token(1, "example.com")) == ERR.USER_ACTION_TIMEOUT

    def test_no_user_reacts_before_being_asked(self) -> None:
        with pytest.raises(ValueError, match="before being asked"):
            touching(-1)


def make_unattended(key: SecurityKey) -> object:
    key.user = absent
    return make(key)


def enrol(key: SecurityKey) -> None:
    from fido2.ctap2.bio import FPBioEnrollment

    ctap = Ctap2(key.device())
    client = ClientPin(ctap)
    client.set_pin("1234")
    token = client.get_pin_token("1234", ClientPin.PERMISSION.BIO_ENROLL)
    context = FPBioEnrollment(ctap, client.protocol, token).enroll()
    while context.capture() is None:
        pass
